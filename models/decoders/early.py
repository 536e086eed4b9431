# SPDX-License-Identifier: Apache-2.0
"""A decoder that answers after one of its layers: ``softmax(W_U LN_f(x_l))``, with x_l the residual stream after layer l."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stinespring.errors import InputError
from stinespring.models.decoders.decoder import Decoder, FinalNorm, Past, Point, decoder_lines
from stinespring.models.texts.attention import softmax
from stinespring.readings import FloatArray, IntArray
from stinespring.showing import Brief, FourLines

__all__ = ["EarlyDecoder", "ReadAnew"]

AT_ONCE = 1 << 24  # numbers of one batch's streams: 128 MB


@dataclass(frozen=True, eq=False)
class ReadTexts:
    """Texts that were read: the stream of a whole text is computed anew, so that nothing else is kept."""

    texts: IntArray

    @property
    def rows(self) -> int:
        """How many texts."""
        return len(self.texts)

    @property
    def nbytes(self) -> int:
        """Of the token numbers."""
        return self.texts.nbytes


class ReadAnew(Brief):
    """A decoder that keeps nothing of what it read: every longer text is read from its beginning."""

    def _logits(self, texts: IntArray) -> FloatArray:
        """Return the logits after texts (B, n), shape (B, V)."""
        raise NotImplementedError

    def begin(self, prompt: IntArray) -> tuple[FloatArray, Past]:
        """Return the logits after a prompt (n,), shape (1, V), and the prompt as read."""
        texts = np.asarray(prompt, dtype=np.int64)[None]
        return self._logits(texts), ReadTexts(texts)

    def proceed(self, past: Past, rows: IntArray, tokens: IntArray) -> tuple[FloatArray, Past]:
        """Return the logits (B, V) after texts that are one token longer, and these as read."""
        assert isinstance(past, ReadTexts)
        texts = np.concatenate([past.texts[rows], np.asarray(tokens, dtype=np.int64)[:, None]], axis=1)
        return self._logits(texts), ReadTexts(texts)

    def law(self, texts: IntArray) -> FloatArray:
        """Return the softmax of the logits after texts (B, n), shape (B, V)."""
        return softmax(self._logits(np.asarray(texts, dtype=np.int64)))


class EarlyDecoder(ReadAnew):
    """A decoder without the layers after one of them (arXiv 2303.08112, section 2: the logit lens).

    Args:
        decoder: the whole one.
        layer: l, 0 for the first; the last one gives the decoder's own law.

    Raises:
        InputError: no such layer, or a decoder whose stream cannot be read.
    """

    def __init__(self, decoder: Decoder, layer: int) -> None:
        place = Point("mlp", layer)
        if place not in decoder.points:
            last = max(point.layer or 0 for point in decoder.points)
            raise InputError("the decoder has no such layer", got=f"layer {layer} of {decoder.name}", expected=f"0..{last}")
        self.whole, self.layer = decoder, layer
        self.name, self.tokens, self.longest, self.end = decoder.name, decoder.tokens, decoder.longest, decoder.end
        self.rounding = decoder.rounding
        self._last = decoder.points.index(place)

    @property
    def points(self) -> tuple[Point, ...]:
        """Those up to the layer."""
        return self.whole.points[: self._last + 1]

    @property
    def norm(self) -> FinalNorm:
        """The whole decoder's."""
        return self.whole.norm

    @property
    def unembedding(self) -> FloatArray:
        """The whole decoder's."""
        return self.whole.unembedding

    def encode(self, prompt: str | Sequence[int]) -> IntArray:
        """Return the prompt's token numbers."""
        return self.whole.encode(prompt)

    def plain(self, numbers: Sequence[int]) -> str:
        """Return token numbers as a person would read them."""
        return self.whole.plain(numbers)

    def stream(self, texts: IntArray) -> FloatArray:
        """Return the residual stream up to the layer, shape (points, B, n, e)."""
        return self.whole.stream(texts)[: self._last + 1]

    def content(self) -> dict[str, Any]:
        """Return what identifies the weights, and the layer."""
        return {**self.whole.content(), "layer": self.layer}

    def fingerprint(self) -> str:
        """Return the SHA-256 of the decoder's and the layer."""
        return hashlib.sha256(f"{self.whole.fingerprint()} {self.layer}".encode()).hexdigest()

    def _logits(self, texts: IntArray) -> FloatArray:
        size = len(self.whole.points) * texts.shape[1] * self.unembedding.shape[1] + len(self.tokens)
        rows = max(1, AT_ONCE // size)
        parts = [self.whole.stream(texts[i : i + rows])[self._last, :, -1] for i in range(0, len(texts), rows)]
        return np.asarray(self.norm(np.concatenate(parts)) @ self.unembedding.T)

    def brief(self) -> FourLines:
        """Return its tokens, its context and its precision."""
        return decoder_lines(self)
