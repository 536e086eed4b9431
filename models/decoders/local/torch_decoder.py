# SPDX-License-Identifier: Apache-2.0
"""A causal decoder of ``transformers`` behind the protocol of :mod:`stinespring.models.decoders.decoder`, in float32."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from stinespring.errors import InputError
from stinespring.models.decoders.decoder import FinalNorm, Past, Point, decoder_lines
from stinespring.models.decoders.local.residual import Residual
from stinespring.models.decoders.local.spelling import Spelling
from stinespring.models.texts.attention import softmax
from stinespring.readings import FloatArray, IntArray
from stinespring.showing import Brief, FourLines

__all__ = ["TorchDecoder"]

LENGTHS = ("max_position_embeddings", "n_positions", "n_ctx", "seq_length", "max_seq_len")
UNBOUNDED = 4096  # tokens of a decoder that states no context
MOST_ENTRIES = 1 << 25  # logits of one call: 128 MB in float32
MOST_KEYS = 1 << 25  # keys and values of one call: 128 MB; more at once is not faster
LARGEST = 1e8  # no trained weight is larger; of 16 overwritten ones in float32 one is, but for one case in a thousand
AGREE = 1e-3  # of the largest logit: what reading on may differ by from reading anew

Tensors = tuple[tuple[Any, Any], ...]  # keys and values of every layer, shape (rows, groups, n, width)


@dataclass(frozen=True, eq=False)
class TorchPast:
    """Texts that were read: the keys and values of their common beginning once, and of what follows by text.

    Attributes:
        texts: shape (rows, n).
        beginning: of the prompt, one row; empty where the decoder keeps nothing that can be rearranged, and reads anew.
        rest: of the tokens after it.
        nbytes: of what this past has and no other.
    """

    texts: IntArray
    beginning: Tensors
    rest: Tensors
    nbytes: int

    @property
    def rows(self) -> int:
        """Number of texts."""
        return len(self.texts)

    @property
    def entries(self) -> int:
        """Numbers of a token's keys and values."""
        return sum(part.shape[1] * part.shape[3] for pair in self.beginning for part in pair)


class TorchDecoder(Brief):
    """A loaded model with its tokenizer.

    Args:
        name: how the user named it.
        model: a causal language model of ``transformers``.
        spelling: the tokenizer.
        content: what identifies the weights.

    Raises:
        InputError: weights that are not finite, a tokenizer of another size, or a model that is not causal.
    """

    rounding = "float32"

    def __init__(self, name: str, model: Any, spelling: Spelling, content: Mapping[str, Any]) -> None:
        import torch

        torch.set_num_threads(1)  # results repeat, and several runs share the cores
        self.name, self.spelling, self._content = name, spelling, dict(content)
        self.model = model.eval().requires_grad_(False)
        self.config = model.config.get_text_config()
        if model.get_output_embeddings() is None:
            raise InputError("the model has no unembedding", got=name, expected="a language model with logits over its tokens")
        self._require_finite()
        self.tokens = spelling.names(int(model.get_output_embeddings().weight.shape[0]), name)
        self.longest = _longest(self.config)
        self.end = _end(model)
        self._given = inspect.signature(model.forward).parameters
        self._keeps = self._require_causal()

    @cached_property
    def _residual(self) -> Residual:
        return Residual(self.model, self._probe())

    @property
    def points(self) -> tuple[Point, ...]:
        """Where the residual stream is read.

        Raises:
            InputError: this and the next two: the decoder is built so that the lens cannot look into it.
        """
        return self._residual.points

    @property
    def norm(self) -> FinalNorm:
        """The final norm."""
        return self._residual.norm

    @property
    def unembedding(self) -> FloatArray:
        """W_U, shape (V, e)."""
        return self._residual.unembedding

    def encode(self, prompt: str | Sequence[int]) -> IntArray:
        """Return the prompt's token numbers by the model's own tokenizer, with what it puts before every text."""
        return self.spelling.encode(prompt, self.tokens)

    def plain(self, numbers: Sequence[int]) -> str:
        """Return the text as the tokenizer writes it."""
        return self.spelling.plain([n for n in numbers if 0 <= n < len(self.tokens)], self.tokens)

    def stream(self, texts: IntArray) -> FloatArray:
        """Return the residual stream of texts (B, n), shape (points, B, n, e)."""
        return self._residual.stream(np.asarray(texts, dtype=np.int64))

    def begin(self, prompt: IntArray) -> tuple[FloatArray, Past]:
        """Return the logits after a prompt (n,), shape (1, V), and the prompt as read."""
        texts = np.asarray(prompt, dtype=np.int64)[None, :]
        if not self._keeps:
            return self._logits(texts), TorchPast(texts, (), (), texts.nbytes)
        return self._begun(texts)

    def _begun(self, texts: IntArray) -> tuple[FloatArray, TorchPast]:
        from transformers import DynamicCache

        cache = DynamicCache()
        logits = self._logits(texts, cache)
        beginning = tuple((layer.keys, layer.values) for layer in cache.layers)
        return logits, TorchPast(texts, beginning, (), _bytes(beginning))

    def proceed(self, past: Past, rows: IntArray, tokens: IntArray) -> tuple[FloatArray, Past]:
        """Return the logits (B, V) after texts that are one token longer, and these as read; the old past stays as it is.

        Args:
            past: what was read.
            rows: shape (B,): which of its texts each new one continues.
            tokens: shape (B,): by what.
        """
        assert isinstance(past, TorchPast)
        rows, tokens = np.asarray(rows, dtype=np.int64), np.asarray(tokens, dtype=np.int64)
        texts = np.concatenate([past.texts[rows], tokens[:, None]], axis=1)
        keys = past.entries * texts.shape[1]  # of one text, while it is read
        size = max(1, min(MOST_ENTRIES // len(self.tokens), MOST_KEYS // max(1, keys)))
        chunks = [slice(first, first + size) for first in range(0, len(rows), size)]
        if not past.beginning:
            return np.concatenate([self._logits(texts[chunk]) for chunk in chunks]), TorchPast(texts, (), (), texts.nbytes)
        parts = [self._step(past, rows[chunk], texts[chunk, -1:]) for chunk in chunks]
        rest = _joined([part for _, part in parts])
        return np.concatenate([logits for logits, _ in parts]), TorchPast(texts, past.beginning, rest, _bytes(rest))

    def _step(self, past: TorchPast, rows: IntArray, tokens: IntArray) -> tuple[FloatArray, Tensors]:
        """Return the logits after one more token (B, 1), and the keys and values after the common beginning."""
        import torch
        from transformers import DynamicCache

        chosen, cache = _tensor(rows), DynamicCache()
        start = past.beginning[0][0].shape[2]
        with torch.inference_mode():
            for number, first in enumerate(past.beginning):
                whole = [part.expand(len(rows), -1, -1, -1) for part in first]
                if past.rest:
                    whole = [torch.cat([a, b[chosen]], dim=2) for a, b in zip(whole, past.rest[number], strict=True)]
                cache.update(*whole, number)
            logits = self._logits(tokens, cache)
            return logits, tuple((la.keys[:, :, start:].clone(), la.values[:, :, start:].clone()) for la in cache.layers)

    def law(self, texts: IntArray) -> FloatArray:
        """Return the next token's law after texts (B, n), read from their first token on, shape (B, V), in float64."""
        texts = np.asarray(texts, dtype=np.int64)
        rows = max(1, MOST_ENTRIES // (len(self.tokens) + texts.shape[1] * self._width))
        parts = [softmax(self._logits(texts[first : first + rows])) for first in range(0, len(texts), rows)]
        return np.concatenate(parts) if parts else np.empty((0, len(self.tokens)))

    def content(self) -> dict[str, Any]:
        """Return what identifies the weights."""
        return dict(self._content)

    @cached_property
    def _fingerprint(self) -> str:
        return hashlib.sha256(json.dumps(self.content(), sort_keys=True).encode()).hexdigest()

    def fingerprint(self) -> str:
        """Return the SHA-256 of what identifies the weights."""
        return self._fingerprint

    def _logits(self, texts: IntArray, cache: Any = None) -> FloatArray:
        """Return the logits of the last position in float64; a cache is prolonged."""
        import torch

        extra: dict[str, Any] = {"logits_to_keep": 1} if "logits_to_keep" in self._given else {}
        if cache is not None:
            extra["cache" if "cache" in self._given else "past_key_values"] = cache
        with torch.inference_mode():
            result = self.model(_tensor(texts), use_cache=cache is not None, **extra).logits
        return np.asarray(result[:, -1].double().numpy())

    @property
    def _width(self) -> int:
        """About how many numbers a token of a text takes while it is read."""
        return 2 * int(self.config.num_hidden_layers) * int(self.config.hidden_size)

    def _probe(self) -> IntArray:
        size = len(self.tokens)
        return np.array([[(7 * i + 1) % size for i in range(min(5, self.longest))]], dtype=np.int64)

    def _require_finite(self) -> None:
        for name, weight in self.model.named_parameters():
            largest = float(weight.abs().max()) if weight.numel() else 0.0
            if not largest <= LARGEST:
                raise InputError(
                    "the weights are damaged", got=f"{name} holds {largest:.3g}", expected=f"numbers up to {LARGEST:g}",
                    todo="the file was overwritten, or the training diverged: get another",
                )  # fmt: skip

    def _require_causal(self) -> bool:
        """Refuse a model whose earlier positions see later tokens; return whether it can read on from its keys and values."""
        import torch

        probe = self._probe()
        if probe.shape[1] < 2:
            return False
        other = probe.copy()
        other[0, -1] = (probe[0, -1] + 1) % len(self.tokens)
        with torch.inference_mode():
            first, second = (self.model(_tensor(text), use_cache=False).logits[0, -2].double() for text in (probe, other))
        if not bool(torch.isfinite(first).all()):
            raise InputError("the decoder's logits are not finite", got=self.name, expected="finite numbers")
        size = 1.0 + float(abs(first).max())
        if not float(abs(first - second).max()) <= AGREE * size:
            raise InputError(
                "the model is no causal decoder: a later token changes what it says before",
                got=str(self.config.model_type), expected="a decoder, which reads from left to right",
            )  # fmt: skip
        try:
            _, past = self._begun(probe[:, :-1])
            again, _ = self.proceed(past, np.zeros(2, dtype=np.int64), np.repeat(probe[0, -1:], 2))
        except (AttributeError, TypeError, ValueError, NotImplementedError, RuntimeError, IndexError, KeyError):
            return False
        return bool(abs(again - self._logits(probe)).max() <= AGREE * size)

    def brief(self) -> FourLines:
        """Return its tokens, its context and its precision."""
        return decoder_lines(self)


def _tensor(numbers: IntArray) -> Any:
    """Return a copy as a tensor: torch takes no array that is read backwards or that must not be written."""
    import torch

    return torch.from_numpy(np.array(numbers, dtype=np.int64, order="C"))


def _bytes(tensors: Tensors) -> int:
    return sum(part.nbytes for pair in tensors for part in pair)


def _joined(parts: list[Tensors]) -> Tensors:
    """Return the rows of several parts as one."""
    import torch

    if len(parts) == 1:
        return parts[0]
    return tuple((torch.cat([k for k, _ in pairs]), torch.cat([v for _, v in pairs])) for pairs in zip(*parts, strict=True))


def _longest(config: Any) -> int:
    stated = (getattr(config, name, None) for name in LENGTHS)
    return next((value for value in stated if isinstance(value, int) and value > 0), UNBOUNDED)


def _end(model: Any) -> int | None:
    """Return the token that ends a text; of several the first."""
    settings = getattr(model, "generation_config", None)
    for place in (settings, model.config):
        end = getattr(place, "eos_token_id", None)
        end = end[0] if isinstance(end, list) and end else end
        if isinstance(end, int) and 0 <= end < int(model.get_output_embeddings().weight.shape[0]):
            return end
    return None
