# SPDX-License-Identifier: Apache-2.0
"""What texts and the lens ask of a decoder: its laws, its residual stream at named points, its final norm and unembedding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np

from stinespring.readings import FloatArray, IntArray
from stinespring.showing import Brief, FourLines, many

__all__ = ["Decoder", "FinalNorm", "Part", "Past", "Point", "decoder_lines", "layer_points", "shown"]

Part = Literal["embedding", "attention", "mlp"]


class Point(NamedTuple):
    """A place in the residual stream: after the embedding (no layer), or after a part of layer 0, 1 and so on."""

    after: Part
    layer: int | None

    def __str__(self) -> str:
        """Return for example ``mlp 3``."""
        return self.after if self.layer is None else f"{self.after} {self.layer}"


def layer_points(layers: int) -> tuple[Point, ...]:
    """Return the points of a decoder whose layers are attention and then a perceptron, in order.

    Example:
        >>> [str(point) for point in layer_points(1)]
        ['embedding', 'attention 0', 'mlp 0']
    """
    parts: tuple[Part, ...] = ("attention", "mlp")
    return (Point("embedding", None), *(Point(part, layer) for layer in range(layers) for part in parts))


def shown(piece: str) -> str:
    """Return a tokenizer's piece as a token name: white space is written as an escape."""
    return "".join(repr(c)[1:-1] if c in "\n\t\r" else f"\\u{ord(c):04x}" if c.isspace() else c for c in piece)


def decoder_lines(decoder: Any) -> FourLines:
    """Return what a decoder says of itself: nothing is computed for it."""
    ends = "none" if decoder.end is None else repr(decoder.tokens[decoder.end])
    return FourLines(
        f"{type(decoder).__name__} {decoder.name!r}",
        [
            f"tokens: {len(decoder.tokens):,}; end of text: {ends}",
            f"context: {many(decoder.longest, 'token')}",
            f"computed in: {decoder.rounding}",
        ],
    )


@dataclass(frozen=True, eq=False, repr=False)
class FinalNorm(Brief):
    """The decoder's last normalisation: ``gain * x / sqrt(mean(x^2) + eps) + shift``, for "layer" of the centred x.

    Attributes:
        kind: ``rms`` or ``layer``.
        gain: shape (e,).
        shift: shape (e,), or None.
        eps: added to the mean square.
    """

    kind: Literal["rms", "layer"]
    gain: FloatArray
    eps: float
    shift: FloatArray | None = None

    def __call__(self, x: FloatArray) -> FloatArray:
        """Return the normalised stream, shape (..., e)."""
        centred = self._centred(x)
        scale = 1.0 / np.sqrt(np.mean(centred**2, axis=-1, keepdims=True) + self.eps)
        result = centred * scale * self.gain
        return np.asarray(result if self.shift is None else result + self.shift)

    def pullback(self, x: FloatArray, gradient: FloatArray) -> FloatArray:
        """Return the gradient with respect to x from that with respect to the normalised stream, both (..., e).

        With ``s = (mean(x^2) + eps)^(-1/2)`` and ``w = gain * gradient``: ``s w - s^3 x mean(x w)``, centred for "layer".
        """
        centred, weighted = self._centred(x), gradient * self.gain
        scale = 1.0 / np.sqrt(np.mean(centred**2, axis=-1, keepdims=True) + self.eps)
        back = scale * weighted - scale**3 * centred * np.mean(centred * weighted, axis=-1, keepdims=True)
        return self._centred(back)

    def _centred(self, x: FloatArray) -> FloatArray:
        return x - np.mean(x, axis=-1, keepdims=True) if self.kind == "layer" else x


class Past(Protocol):
    """Texts that a decoder has read, with what it needs to read on."""

    @property
    def rows(self) -> int:
        """How many texts."""

    @property
    def nbytes(self) -> int:
        """Bytes that are freed when it is dropped."""


class Decoder(Protocol):
    """A decoder: implement it, and texts can be generated with it and everything of the lens works.

    Attributes:
        name: how the user named it.
        tokens: the V token names: distinct, without white space.
        points: where the residual stream is read; the last one is what the final norm gets.
        norm: the final norm.
        unembedding: W_U, shape (V, e): ``logits = norm(x) W_U^T``.
        longest: the greatest number of tokens of a text.
        end: the token that ends a text, or None.
        rounding: of what its laws are computed in: ``float64`` or ``float32``.
    """

    name: str
    tokens: tuple[str, ...]
    longest: int
    end: int | None
    rounding: str

    @property
    def points(self) -> tuple[Point, ...]:
        """Where the residual stream is read; this and the next two may raise InputError where there is none to read."""

    @property
    def norm(self) -> FinalNorm:
        """The final norm."""

    @property
    def unembedding(self) -> FloatArray:
        """W_U, shape (V, e)."""

    def encode(self, prompt: str | Sequence[int]) -> IntArray:
        """Return the prompt's token numbers, shape (n,), of plain text or numbers."""

    def plain(self, numbers: Sequence[int]) -> str:
        """Return token numbers as a person would read them."""

    def stream(self, texts: IntArray) -> FloatArray:
        """Return the residual stream of texts (B, n), shape (points, B, n, e): causal, so later tokens change nothing."""

    def law(self, texts: IntArray) -> FloatArray:
        """Return the decoder's own next-token law, shape (B, V), by its own way of computing it: what samples are held to."""

    def begin(self, prompt: IntArray) -> tuple[FloatArray, Past]:
        """Return the logits after a prompt (n,), shape (1, V), and the prompt as read."""

    def proceed(self, past: Past, rows: IntArray, tokens: IntArray) -> tuple[FloatArray, Past]:
        """Return the logits (B, V) after text ``rows[i]`` of what was read and ``tokens[i]``, and these texts as read.

        The old past stays usable. A text may be continued by several tokens, or by none.
        """

    def content(self) -> dict[str, Any]:
        """Return what identifies the weights, as JSON data: name, version or SHA-256."""

    def fingerprint(self) -> str:
        """Return the SHA-256 of everything that changes the stream, the norm or the unembedding."""
