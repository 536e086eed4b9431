# SPDX-License-Identifier: Apache-2.0
"""A PyTorch module of one's own as a decoder: hooks read the residual stream at its layers, and are held against its logits."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from stinespring.errors import InputError, shorten
from stinespring.memory import require_memory
from stinespring.models.decoders.decoder import FinalNorm, Point, decoder_lines
from stinespring.models.decoders.early import ReadAnew
from stinespring.models.decoders.local.residual import array_of, close, hooked, norm_of
from stinespring.models.decoders.local.spelling import distinct_names
from stinespring.models.texts.base import require_numbers
from stinespring.readings import FloatArray, IntArray
from stinespring.showing import FourLines

__all__ = ["HookedDecoder", "from_torch"]

MOST_ENTRIES = 1 << 25  # logits of one call, at every place of every text: 128 MB in float32
PROBE = 5  # tokens of the text with which a module is tried
AGREE = 1e-3  # of the largest logit: by how much a later token may change what is said before
EXPECTED = "from token numbers (B, n) to logits (B, n, V), or an object or tuple with them"
TODO = "see docs/howto/own-model.md"


def from_torch(
    module: Any, *, tokens: Sequence[str] | int, layers: Sequence[Any], norm: Any, unembedding: Any, longest: int,
    middle: str | None = None, end: int | None = None, encode: Callable[[str], Sequence[int]] | None = None,
    decode: Callable[[Sequence[int]], str] | None = None, name: str = "torch",
) -> HookedDecoder:  # fmt: skip
    """Return a PyTorch module as a decoder, for texts and for the lens.

    The module maps token numbers (B, n) to logits (B, n, V), ``logits = norm(x_L) W_U^T``, x_l being what layer l gives: a
    stack of layers on one residual stream. It is tried on a short text: its logits must be those of the stream that hooks read.

    Args:
        module: a ``torch.nn.Module``; it is put into evaluation mode.
        tokens: the V names, or V: then they are numbers. Pieces with white space, empty or twice are given names.
        layers: the modules whose outputs are the stream, in order; the input of the first one is the embedding.
        norm: the module of the final norm: LayerNorm or RMSNorm, with ``weight`` and ``eps``.
        unembedding: the module with ``weight`` W_U, shape (V, e), and no bias.
        longest: the greatest number of tokens of a text.
        middle: the name, inside a layer, of the module whose input is the stream after attention; None: only whole layers are
            points of the lens.
        end: the token that ends a text.
        encode: from plain text to token numbers; by default names separated by white space.
        decode: from token numbers to plain text.
        name: how it is called.

    Raises:
        InputError: no such module, weights that are not finite, a module that looks ahead, or a stream that does not give its
            logits, with the figure by which it differs.
        TooLargeError: the logits of one text do not fit in memory.
    """
    return HookedDecoder(module, tokens, (list(layers), middle, norm, unembedding), longest, end, (encode, decode), name)


class HookedDecoder(ReadAnew):
    """What :func:`from_torch` returns; see :class:`stinespring.models.decoders.decoder.Decoder`.

    Args:
        module: the module.
        tokens: names, or how many.
        places: the layers, the name of the module in their middle, the final norm, the unembedding.
        longest: tokens of a text.
        end: the token that ends a text.
        spelling: to token numbers and back; None: names.
        name: how it is called.
    """

    def __init__(
        self, module: Any, tokens: Sequence[str] | int, places: tuple[list[Any], str | None, Any, Any], longest: int,
        end: int | None, spelling: tuple[Any, Any], name: str,
    ) -> None:  # fmt: skip
        self.module, self.name, self.longest, self.end = module.eval(), name, longest, end
        self.layers, middle, final, head = places
        numbers = range(tokens) if isinstance(tokens, int) else None
        self.tokens = tuple(map(str, numbers)) if numbers is not None else distinct_names(list(tokens))  # type: ignore[arg-type]
        self._encode, self._decode = spelling
        if getattr(head, "bias", None) is not None or getattr(head, "weight", None) is None or not self.layers:
            raise self._refused("its unembedding has a bias, or no weight, or there are no layers")
        self.unembedding: FloatArray = array_of(head.weight)
        if len(self.unembedding) != len(self.tokens):
            raise self._refused(f"{len(self.unembedding):,} rows of the unembedding for {len(self.tokens):,} tokens")
        require_memory(8.0 * min(PROBE, longest) * len(self.tokens), "the decoder's logits of one text", "use a shorter text")
        self.rounding = "float64" if "64" in str(head.weight.dtype) else "float32"
        self.norm: FinalNorm = norm_of(final, self._refused)
        self.middles = [] if middle is None else [self._inside(layer, middle) for layer in self.layers]
        parts = ("attention", "mlp") if self.middles else ("mlp",)
        inner = [Point(part, layer) for layer in range(len(self.layers)) for part in parts]  # type: ignore[arg-type]
        self.points: tuple[Point, ...] = (Point("embedding", None), *inner)
        self._require_causal()
        self._require_stream()

    def _inside(self, layer: Any, middle: str) -> Any:
        if not hasattr(layer, middle):
            raise self._refused(f"a layer has no module {middle!r}")
        return getattr(layer, middle)

    def encode(self, prompt: str | Sequence[int]) -> IntArray:
        """Return the prompt's token numbers, shape (n,)."""
        if not isinstance(prompt, str):
            return require_numbers([int(number) for number in prompt], len(self.tokens))
        if self._encode is not None:
            return require_numbers([int(number) for number in self._encode(prompt)], len(self.tokens))
        lookup = {token: number for number, token in enumerate(self.tokens)}
        unknown = next((word for word in prompt.split() if word not in lookup), None)
        if unknown is not None:
            raise InputError("the prompt has a token that is not in the vocabulary", got=unknown,
                             expected="one of " + " ".join(self.tokens[:20]))  # fmt: skip
        return require_numbers([lookup[word] for word in prompt.split()], len(self.tokens))

    def plain(self, numbers: Sequence[int]) -> str:
        """Return token numbers as a person would read them."""
        return " ".join(self.tokens[n] for n in numbers) if self._decode is None else str(self._decode(list(numbers)))

    def stream(self, texts: IntArray) -> FloatArray:
        """Return the residual stream of texts (B, n), shape (points, B, n, e), in float64."""
        return self._read(np.asarray(texts, dtype=np.int64))[0]

    def content(self) -> dict[str, Any]:
        """Return what identifies the weights: the SHA-256 of all of them, by name."""
        return {"format": self.name, "weights": self._weights, "end": self.end}

    def fingerprint(self) -> str:
        """Return the SHA-256 of :meth:`content`."""
        return hashlib.sha256(json.dumps(self.content(), sort_keys=True).encode()).hexdigest()

    @cached_property
    def _weights(self) -> str:
        found = hashlib.sha256()
        for name, weight in sorted(self.module.state_dict().items()):
            found.update(f"{name} {tuple(weight.shape)} {weight.dtype} ".encode())
            found.update(np.ascontiguousarray(weight.detach().cpu().double().numpy()).tobytes())
        return found.hexdigest()

    def _called(self, texts: IntArray) -> Any:
        """Return the module's logits of texts (B, n), a tensor (B, n, V)."""
        import torch

        try:
            with torch.inference_mode():
                given = self.module(torch.from_numpy(np.array(texts, order="C")))
        except Exception as error:  # whatever the user's module raises
            words = shorten(f"{type(error).__name__}: {' '.join(str(error).split())}", 200)
            raise InputError(
                "the module cannot be called", got=f"{self.name}: {words}", expected=EXPECTED, todo=TODO
            ) from error
        logits = getattr(given, "logits", given[0] if isinstance(given, tuple) else given)
        shape = (*texts.shape, len(self.tokens))
        if tuple(getattr(logits, "shape", ())) != shape:
            got = f"{self.name}: {type(logits).__name__} of shape {tuple(getattr(logits, 'shape', ()))}"
            raise InputError("the module gives no logits", got=got, expected=f"shape {shape}: {EXPECTED}", todo=TODO)
        return logits

    def _logits(self, texts: IntArray) -> FloatArray:
        """Return the logits at the last place, shape (B, V), in batches that fit in memory."""
        rows = max(1, MOST_ENTRIES // (texts.shape[1] * len(self.tokens)))
        parts = [array_of(self._called(texts[first : first + rows])[:, -1]) for first in range(0, len(texts), rows)]
        return np.concatenate(parts) if parts else np.empty((0, len(self.tokens)))

    def _read(self, texts: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return the stream, and the logits at every place."""
        found: dict[int, list[FloatArray]] = {}
        watched = [(self.layers[0], "input", found.setdefault(0, []))]
        for number, layer in enumerate(self.layers):
            if self.middles:
                watched.append((self.middles[number], "input", found.setdefault(len(found), [])))
            watched.append((layer, "output", found.setdefault(len(found), [])))
        with hooked(watched):
            logits = self._called(texts)
        wanted = (*texts.shape, self.unembedding.shape[1])
        odd = next((number for number, seen in found.items() if len(seen) != 1 or seen[0].shape != wanted), None)
        if odd is not None:
            shapes = [part.shape for part in found[odd]]
            raise self._refused(f"at {self.points[odd]} passes {shapes or 'nothing'}, not one array of shape {wanted}")
        return np.stack([seen[0] for seen in found.values()]), array_of(logits)

    def _probe(self) -> IntArray:
        size = len(self.tokens)
        return np.array([[(7 * i + 1) % size for i in range(min(PROBE, self.longest))]], dtype=np.int64)

    def _require_causal(self) -> None:
        probe = self._probe()
        first = array_of(self._called(probe)[0])
        if not np.isfinite(first).all():
            raise InputError("the decoder's logits are not finite", got=self.name, expected="finite numbers")
        if probe.shape[1] < 2 or len(self.tokens) < 2:
            return
        other = probe.copy()
        other[0, -1] = (other[0, -1] + 1) % len(self.tokens)
        off = float(abs(array_of(self._called(other)[0])[:-1] - first[:-1]).max())
        if not off <= AGREE * (1.0 + float(abs(first).max())):
            raise InputError(
                "the module is no causal decoder: a later token changes what it says before", got=f"{self.name}: by {off:.3g}",
                expected="a mask, so that it reads from left to right", todo=TODO,
            )  # fmt: skip

    def _require_stream(self) -> None:
        stream, logits = self._read(self._probe())
        made = self.norm(stream[-1]) @ self.unembedding.T
        if not close(made, logits):
            raise self._refused(f"its logits differ from norm(x) W_U^T by {abs(made - logits).max():.3g}")

    def _refused(self, why: str) -> InputError:
        return InputError(
            "the hooks do not read this module's stream", got=f"{self.name}: {why}",
            expected="layers that add to one stream, then norm and unembedding without a bias, as they were named", todo=TODO,
        )  # fmt: skip

    def brief(self) -> FourLines:
        """Return its tokens, its context and its precision."""
        return decoder_lines(self)
