# SPDX-License-Identifier: Apache-2.0
"""The trained decoder of the PyPI package ``glassllm`` (extra ``[demo]``), in float64."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from importlib import resources
from typing import Any

import numpy as np

from stinespring.errors import InputError
from stinespring.models.decoders.decoder import FinalNorm, shown
from stinespring.models.decoders.llama import Llama, LlamaDecoder, LlamaLayer
from stinespring.models.texts.attention import softmax
from stinespring.models.texts.base import require_numbers
from stinespring.readings import FloatArray, IntArray

__all__ = ["GlassDecoder"]

LANGUAGES = ("en", "pt")
MOST_LOGITS = 1 << 22  # logits of one batch of whole texts: 32 MB


class GlassDecoder(LlamaDecoder):
    """glassllm: 4 Llama-type blocks, 1,024 tokens, a context of 128; see :class:`stinespring.models.decoders.decoder.Decoder`.

    Texts are read by :class:`stinespring.models.decoders.llama.Llama`, with the package's weights; :meth:`law` is the
    package's own evaluation.

    Args:
        language: "en" or "pt".

    Raises:
        InputError: glassllm is not installed, or an unknown language.
    """

    end: int | None = None  # glassllm's own generation does not stop either

    def __init__(self, language: str) -> None:
        if language not in LANGUAGES:
            raise InputError("unknown glassllm language", got=language, expected="glassllm:en or glassllm:pt")
        self.name = f"glassllm:{language}"
        self.decoder, self.tokenizer = _load(language)
        self.tokens = tuple(shown(piece) for piece in self.tokenizer.vocab)
        super().__init__(_llama(self.decoder))

    def encode(self, prompt: str | Sequence[int]) -> IntArray:
        """Return the token numbers of a prompt given as plain text, or as numbers.

        Raises:
            InputError: empty, or not in the vocabulary, or with characters that the tokenizer does not know.
        """
        if not isinstance(prompt, str):
            return require_numbers([int(number) for number in prompt], len(self.tokens))
        numbers = self.tokenizer.encode(prompt)
        if self.tokenizer.unk_id in numbers:
            unknown = next(c for c in prompt if self.tokenizer.unk_id in self.tokenizer.encode(c))
            raise InputError(
                "the prompt has a character that the tokenizer does not know", got=unknown, expected="the language's letters"
            )
        return require_numbers(numbers, len(self.tokens))

    def plain(self, numbers: Sequence[int]) -> str:
        """Return the text as the tokenizer writes it."""
        return str(self.tokenizer.decode(list(numbers)))

    def law(self, texts: IntArray) -> FloatArray:
        """Return glassllm's own softmax, shape (B, V)."""
        from glassllm import no_grad

        rows = max(1, MOST_LOGITS // (texts.shape[1] * len(self.tokens)))
        with no_grad():
            parts = [self.decoder(texts[first : first + rows]).data[:, -1] for first in range(0, len(texts), rows)]
        return softmax(np.concatenate(parts))

    def content(self) -> dict[str, Any]:
        """Return the language and the package's version."""
        from importlib import metadata

        return {"format": self.name, "version": metadata.version("glassllm")}

    @cached_property
    def _fingerprint(self) -> str:
        digest = hashlib.sha256(self.name.encode())
        for name, parameter in sorted(self.decoder.named_parameters().items()):
            digest.update(f"{name} {parameter.data.shape} ".encode())
            digest.update(np.ascontiguousarray(parameter.data, dtype="<f8").tobytes())
        return digest.hexdigest()

    def fingerprint(self) -> str:
        """Return the SHA-256 of the name and of all weights."""
        return self._fingerprint


def _llama(decoder: Any) -> Llama:
    """Return the weights as :class:`Llama` has them: glassllm rotates neighbouring coordinates of a head."""
    config, heads = decoder.cfg, decoder.cfg.n_heads
    width = config.d_model // heads
    order = np.concatenate([np.arange(0, width, 2), np.arange(1, width, 2)])

    def halves(matrix: FloatArray) -> FloatArray:
        return np.ascontiguousarray(matrix.reshape(len(matrix), -1, width)[:, :, order].reshape(matrix.shape))

    layers = tuple(
        LlamaLayer(
            attention_gain=block.norm1.gamma.data, query=halves(block.attn.W_Q.data), key=halves(block.attn.W_K.data),
            value=block.attn.W_V.data, out=block.attn.W_O.data, mlp_gain=block.norm2.gamma.data,
            gate=block.ffn.W1.data, up=block.ffn.W3.data, down=block.ffn.W2.data,
        )
        for block in decoder.blocks
    )  # fmt: skip
    embedding = np.asarray(decoder.E.data, dtype=np.float64)
    norm = FinalNorm("rms", np.asarray(decoder.norm_f.gamma.data, dtype=np.float64), float(config.eps))
    return Llama(
        embedding, layers, norm, embedding, heads=heads, groups=config.n_kv_heads, base=config.rope_base,
        longest=int(config.max_len),
    )  # fmt: skip


def _load(language: str) -> tuple[Any, Any]:
    try:
        from glassllm import GlassLM, Tokenizer
    except ImportError:
        raise InputError(
            "glassllm is not installed",
            got=f"glassllm:{language}",
            expected="the PyPI package glassllm==0.1.0",
            todo="pip install 'stinespring[demo]'",
        ) from None
    folder = resources.files("glassllm") / "weights"
    with (
        resources.as_file(folder / f"{language}.npz") as weights,
        resources.as_file(folder / f"{language}.tokenizer.json") as tokenizer,
    ):
        return GlassLM.load(weights, dtype=np.float64), Tokenizer.load(tokenizer)
