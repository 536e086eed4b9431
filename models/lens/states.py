# SPDX-License-Identifier: Apache-2.0
"""The states of prompts at every point of a decoder: ``psi = sqrt(softmax(logits))`` through a lens."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from stinespring.errors import InputError
from stinespring.models.decoders.decoder import Decoder, Point
from stinespring.models.decoders.names import load_decoder
from stinespring.models.lens.reflection import Reflection, directions
from stinespring.models.lens.tuned import TunedLens
from stinespring.readings import FloatArray, IntArray
from stinespring.showing import Brief, FourLines

__all__ = ["LensStates", "amplitudes", "made", "read_batches", "read_states"]

FORMAT = "stinespring/lens-states@1"
ROUNDED = 1e-3  # TVD that single precision may account for
MOST_ENTRIES = 1 << 23  # numbers of one batch of residual streams: 64 MB


def amplitudes(logits: FloatArray) -> FloatArray:
    """Return ``sqrt(softmax(logits))`` along the last axis, norm 1 to rounding.

    Example:
        >>> amplitudes(np.log([[1.0, 3.0]])).round(3).tolist()
        [[0.5, 0.866]]
    """
    psi = np.exp(0.5 * (logits - logits.max(axis=-1, keepdims=True)))
    return np.asarray(psi / np.linalg.norm(psi, axis=-1, keepdims=True))


@dataclass(frozen=True, eq=False, repr=False)
class LensStates(Brief):
    """What the lens shows of one prompt, read at its last token.

    Attributes:
        decoder: which one.
        tuned: the lens; None is the logit lens.
        prompt: token numbers, shape (n,), at most ``decoder.longest`` of them.
        psi: shape (points, V), real and non-negative, rows of norm 1; the last row squared is the decoder's own softmax.
        left_out: how many of the prompt's first tokens were left out because the decoder cannot take more.
    """

    decoder: Decoder
    tuned: TunedLens | None
    prompt: IntArray
    psi: FloatArray
    left_out: int = 0

    @property
    def name(self) -> str:
        """The decoder's name."""
        return self.decoder.name

    @property
    def lens(self) -> str:
        """``logit``, or ``tuned:`` and the lens' hash."""
        return "logit" if self.tuned is None else f"tuned:{self.tuned.fingerprint()}"

    def content(self) -> dict[str, Any]:
        """Return the decoder, the lens and the prompt; :func:`made` makes the states of them again."""
        lens = None if self.tuned is None else self.tuned.content()
        return {
            "format": FORMAT, "decoder": self.decoder.name, "weights": self.decoder.fingerprint(), "lens": lens,
            "prompt": self.prompt.tolist(), "left_out": self.left_out,
        }  # fmt: skip

    def fingerprint(self) -> str:
        """Return the SHA-256 of the decoder, the lens and the prompt."""
        words = [self.decoder.fingerprint(), self.lens, self.prompt.tolist()]
        return hashlib.sha256(json.dumps(words).encode()).hexdigest()

    @property
    def points(self) -> tuple[Point, ...]:
        """Where the states were read."""
        return self.decoder.points

    @cached_property
    def v(self) -> FloatArray:
        """Direction of every layer operator, shape (points - 1, V): row k leads from point k to point k + 1."""
        return directions(self.psi[:-1], self.psi[1:])

    @cached_property
    def delta(self) -> FloatArray:
        """``Delta psi = psi_out - psi_in = -2 v <v|psi_in>`` of every operator, shape (points - 1, V)."""
        return np.diff(self.psi, axis=0)

    def title(self, width: int = 60) -> str:
        """Return the prompt for titles, its middle left out where it is longer than ``width``."""
        text = self.decoder.plain(self.prompt.tolist())
        return text if len(text) <= width else f"{text[: width // 2]} … {text[-width // 2 :]}"

    def operator(self, point: int) -> Reflection:
        """Return the operator that leads to a point from the one before it; ``point`` counts from 1."""
        if not 1 <= point < len(self.points):
            raise IndexError(f"there is no operator into point {point}")
        return Reflection(self.v[point - 1])

    def law(self, point: int = -1) -> FloatArray:
        """Return the Born probabilities ``|<i|psi>|^2`` at a point, shape (V,), sum 1."""
        p = self.psi[point] ** 2
        return np.asarray(p / p.sum())

    @cached_property
    def entropy(self) -> FloatArray:
        """Shannon entropy of the Born probabilities in nats, shape (points,)."""
        p = self.psi**2
        logs = np.log(p, out=np.zeros_like(p), where=p > 0)
        return np.asarray(np.maximum(0.0, -np.sum(p * logs, axis=1)))

    def evolved_law(self, point: int, time: float) -> FloatArray:
        """Return the Born probabilities on the way to a point: of ``exp(-i H t) psi_in``, t = ``time`` and alpha = 1."""
        if point == 0 or time == 1.0:
            return self.law(point)
        p = abs(self.operator(point).evolve(self.psi[point - 1], time)) ** 2
        return np.asarray(p / p.sum())

    def top(self, point: int, count: int = 5) -> list[tuple[int, float]]:
        """Return the most likely tokens at a point with their probabilities; ties to the lowest number."""
        p = self.law(point)
        return [(int(i), float(p[i])) for i in np.argsort(-p, kind="stable")[:count]]

    def brief(self) -> FourLines:
        """Return the decoder, the lens, the prompt and the points."""
        points, tokens = self.psi.shape
        words = self.decoder.plain(self.prompt.tolist())
        return FourLines(
            f"LensStates of {self.name!r} after {words!r}",
            [f"lens: {'logit' if self.tuned is None else 'tuned'}", f"points: {points}, each a state of {tokens:,} tokens"],
        )


def read_states(decoder: Decoder, prompt: str | Sequence[int], *, lens: TunedLens | None = None) -> LensStates:
    """Return the states of one prompt at every point.

    Args:
        decoder: the decoder.
        prompt: text or token numbers; of a longer text than the decoder can take, its last tokens count.
        lens: a tuned lens; None is the logit lens ``W_U LN_f(x)``.

    Raises:
        InputError: a prompt that the decoder cannot read, or a lens of another decoder.
    """
    given = decoder.encode(prompt)
    numbers = given[-decoder.longest :]
    [(_, psi)] = read_batches(decoder, [numbers], lens=lens)
    if getattr(decoder, "rounding", "float64") != "float64":
        psi[-1, 0] = own_amplitudes(decoder, numbers, psi[-1, 0])
    return LensStates(decoder, lens, numbers, psi[:, 0], len(given) - len(numbers))


def own_amplitudes(decoder: Decoder, numbers: IntArray, shown: FloatArray) -> FloatArray:
    """Return the last state of a decoder that computes in single precision, shape (V,): the root of its own law.

    What the lens makes of its stream differs from that by rounding, which would count as a wrong circuit.

    Raises:
        InputError: they differ by more than rounding.
    """
    law = decoder.law(numbers[None])[0]
    off = 0.5 * float(np.sum(abs(shown**2 - law)))
    if not off <= ROUNDED:
        raise InputError("the decoder's law is not that of its stream", got=f"{decoder.name}: TVD {off:.3g}",
                         expected=f"at most {ROUNDED:g} in {decoder.rounding}")  # fmt: skip
    return np.asarray(np.sqrt(law / law.sum()))


def made(content: Mapping[str, Any], name: str) -> LensStates:
    """Return the states that :meth:`LensStates.content` describes.

    Args:
        content: the decoder, the lens and the prompt.
        name: of the decoder.

    Raises:
        InputError: a decoder that cannot be loaded by its name, or whose weights are others.
    """
    decoder = load_decoder(name)
    if decoder.fingerprint() != content["weights"]:
        raise InputError(
            "the decoder has other weights than the one that was recorded", got=f"{decoder.fingerprint()[:12]}… of {name}",
            expected=f"{content['weights'][:12]}…", todo="install the version of its package that was used",
        )  # fmt: skip
    lens = None if content["lens"] is None else TunedLens.made(content["lens"])
    return replace(read_states(decoder, content["prompt"], lens=lens), left_out=content["left_out"])


def read_batches(
    decoder: Decoder, texts: Sequence[IntArray], *, lens: TunedLens | None = None
) -> Iterator[tuple[IntArray, FloatArray]]:
    """Yield (numbers of the texts, psi of shape (points, B, V)) in batches that fit in memory.

    Texts of different lengths share a batch: they are filled up on the right, which a causal decoder does not see.
    """
    if lens is not None:
        lens.require(decoder)
    lengths = np.array([len(text) for text in texts])
    order = np.argsort(-lengths, kind="stable")  # the longest first: it sets the size of its batch
    start, points = 0, len(decoder.points)
    while start < len(order):
        room = MOST_ENTRIES // (points * max(int(lengths[order[start]]) * decoder.unembedding.shape[1], len(decoder.tokens)))
        rows = order[start : start + max(1, room)]
        filled = np.zeros((len(rows), int(lengths[rows].max())), dtype=np.int64)
        for row, number in enumerate(rows):
            filled[row, : lengths[number]] = texts[number]
        last = decoder.stream(filled)[:, np.arange(len(rows)), lengths[rows] - 1]
        shown = last if lens is None else lens.shown(last)
        yield rows, amplitudes(decoder.norm(shown) @ decoder.unembedding.T)
        start += len(rows)
