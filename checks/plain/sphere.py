# SPDX-License-Identifier: Apache-2.0
"""The layers and overlaps of particles on the sphere, evaluated plainly."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stinespring.errors import InputError
from stinespring.models.sphere.asked import SphereAsked, made
from stinespring.models.sphere.layer_law import steps_of
from stinespring.models.sphere.model import SphereModel
from stinespring.models.sphere.overlaps import overlaps_of, pairs_of
from stinespring.stages import Samples

__all__ = ["Layer", "disagreement", "plain_layer"]

AGREE = 1e-9
ROUNDING = 1e-14  # of a sum, relative to the 1-norm of its terms and their largest exponent
MOST_PARTICLES, MOST_LAYERS, MOST_PAIRS = 2, 4, 60
MOST_TERMS = 1 << 20  # numbers read for one particle's sum
HIGHEST = 300.0  # exponents of a kernel that nothing divides out again: squares are still finite
SHORT, LONG = 1e-150, 1e150  # neurons' lengths whose squares float64 holds

Vector = Sequence[float]


def disagreement(samples: Samples) -> str | None:
    """Return where the model's law and the plain one differ, in words; None where they agree.

    Compared are: what the file's reader makes of the content and of the content with every sign turned (a sign that the reader
    lost before is in no content any more); the neurons at and opposite a few particles; a few particles' layers, each
    from where the law itself has the particles before it; or up to 60 overlaps, in their order. Nothing is said about later
    layers and other particles, rounds of amplification, the energy, kernels beyond e^300, sums of more than 2^20 terms or
    beyond float64, and the reading of models that no file can hold.
    """
    model, asked = samples.source, samples.asked
    assert isinstance(asked, SphereAsked), "samples of particles"
    content = model.content()
    wrong = reader_differs(content)
    if wrong is not None:
        return wrong
    return overlaps_differ(model, content) if asked.overlaps else layers_differ(model, asked, content)


def reader_differs(content: Mapping[str, Any]) -> str | None:
    """Return which fields of the content are others once they were read again; None too where the reader refuses them."""
    few = dict(content) | {"particles": content["particles"][:MOST_PARTICLES]}
    signed = {name: turned(few[name]) for name in ("particles", "query", "key", "value") if few.get(name) is not None}
    if few.get("perceptron"):
        signed["perceptron"] = {name: turned(part) for name, part in few["perceptron"].items()}
    for given in (few, few | signed):
        try:
            again = made(given, "again").content()
        except InputError:
            return None
        wrong = [name for name in given if again.get(name) != given[name]]
        if wrong:
            return f"the model's reader makes something else of {', '.join(map(repr, wrong))} than what is written"
    return None


def turned(part: Any) -> Any:
    """Return numbers in lists with the other sign, and words as they are."""
    if isinstance(part, list):
        return [turned(entry) for entry in part]
    return part if isinstance(part, str) else -part


def layers_differ(model: SphereModel, asked: SphereAsked, content: Mapping[str, Any]) -> str | None:
    """Return which particle's layer or neurons differ from a plain evaluation."""
    layers = min(asked.layers, MOST_LAYERS)
    chosen = list(dict.fromkeys((*asked.particles[:1], *asked.particles[-1:])))[:MOST_PARTICLES]
    steps, points = steps_of(model, range(model.n), layers), content["particles"]
    for number, step in enumerate(steps, 1):
        for i in chosen:
            wrong = neurons_differ(model, content, points[i])
            if wrong is not None:
                return f"{wrong} at particle {i} before layer {number}"
            try:
                plain = plain_layer(content, points, i)
            except (OverflowError, ValueError):  # a sum beyond float64
                continue
            if plain is None:
                continue
            off = max(abs(a - b) for a, b in zip(plain.after, step[i].after.tolist(), strict=True))
            if not off <= AGREE + plain.rounding / math.sqrt(plain.success):
                return f"the law's particle {i} after layer {number} differs from a plain evaluation by {off:.3g}"
            off = abs(plain.success - step[i].success)
            if not off <= AGREE + plain.rounding:
                return f"the law's success of particle {i} in layer {number} differs from a plain evaluation by {off:.3g}"
        points = [step[i].after.tolist() for i in range(model.n)]
    return None


def neurons_differ(model: SphereModel, content: Mapping[str, Any], x: Vector) -> str | None:
    """Return whether ``w_r sigma(a_r . x)`` differs at a point or opposite it: one of them is on each side of the kink."""
    if content.get("perceptron") is None:
        return None
    if model.perceptron is None:
        return "the model has no perceptron"
    for point in (list(x), [-a for a in x]):
        try:
            plain = [c for c, _ in neurons(content, point)]
        except (OverflowError, ValueError):  # a sum beyond float64
            return None
        found = model.perceptron.coefficients(np.array([point]))[0].tolist()
        p = content["perceptron"]
        scales = [max(1.0, abs(w) * math.hypot(*a)) for w, a in zip(p["weights"], p["directions"], strict=True)]
        off = max((abs(a - b) / scale for a, b, scale in zip(plain, found, scales, strict=True)), default=0.0)
        if not off <= AGREE:
            return f"the perceptron's neurons differ from a plain evaluation by {off:.3g}"
    return None


@dataclass(frozen=True)
class Layer:
    """One particle's layer.

    Attributes:
        after: the particle after it.
        success: probability of the post-selection.
        rounding: of the sum, relative to the 1-norm of its coefficients.
    """

    after: list[float]
    success: float
    rounding: float


def plain_layer(content: Mapping[str, Any], points: Sequence[Vector], i: int) -> Layer | None:
    """Return ``N(x_i +- h (sum_j k_ij V x_j / Z_i + u(x_i)))``, and ``|sum|^2`` over the squared 1-norm of its coefficients.

    The coefficients are those of x_i, of V x_j for every j and of the neurons' outputs, each made a unit vector. Of a projected
    field the first one loses what each term ``P_x y = y - <x, y> x`` has along x_i. None: no plain evaluation.

    Source: MATH C1, C3 and C5; arXiv 2312.10794 and 2601.21366.
    """
    x, value = points[i], content.get("value")
    if len(points) * len(x) * (1 if value is None else len(x)) > MOST_TERMS:
        return None
    scores = exponents(content, points, i)
    if content["normalise"] == "SA":
        sizes = [math.exp(score - max(scores)) for score in scores]
        kernel = [size / math.fsum(sizes) for size in sizes]
    elif max(scores) > HIGHEST:
        return None
    else:
        kernel = [math.exp(score) / len(points) for score in scores]
    if value == [[float(a == b) for b in range(len(x))] for a in range(len(x))]:
        value = None
    terms = [(k, y if value is None else times(value, y)) for k, y in zip(kernel, points, strict=True)]
    own = i if value is None else None  # the term that is along x_i, and moves nothing
    terms += neurons(content, x)
    h = content["step"] * {"ascent": 1.0, "descent": -1.0}[content["direction"]]
    first, field = 1.0, []
    for number, (c, y) in enumerate(terms):
        if content["field"] == "projected":
            along = dot(x, y)
            first -= h * c * along
            y = [0.0] * len(x) if number == own else [b - along * a for a, b in zip(x, y, strict=True)]
        field.append([c * b for b in y])
    total = [a + h * math.fsum(term[k] for term in field) for k, a in enumerate(x)]
    norm = abs(first) + abs(h) * math.fsum(abs(c) * math.hypot(*y) for c, y in terms)
    length = math.hypot(*total)
    if not (SHORT < length < LONG and norm < LONG):
        return None
    rounding = ROUNDING * (1.0 + reach(content) + abs(h) * strength(content) / norm)
    return Layer([a / length for a in total], (length / norm) ** 2, rounding)


def reach(content: Mapping[str, Any]) -> float:
    """Return a bound on what is added up to an exponent: beta |Q| |K|, and beta."""
    parts = [content[name] for name in ("query", "key") if content.get(name) is not None]
    return float(content["beta"] * (1.0 + math.prod(math.hypot(*(c for row in part for c in row)) for part in parts)))


def strength(content: Mapping[str, Any]) -> float:
    """Return a bound on what is added up to the neurons' sum: ``sum_r |w_r| |a_r| |o_r|``."""
    p = content.get("perceptron") or {"weights": [], "directions": [], "output": []}
    parts = zip(p["weights"], p["directions"], p["output"], strict=True)
    return math.fsum(abs(w) * math.hypot(*a) * math.hypot(*o) for w, a, o in parts)


def exponents(content: Mapping[str, Any], points: Sequence[Vector], i: int) -> list[float]:
    """Return ``beta <Q x_i, K x_j>`` for every j; of the scaled kernel less beta."""
    query, key, asked = content.get("query"), content.get("key"), points[i]
    if query is not None:
        asked = times(query, asked)
    if key is not None:  # <q, K y> = <K^T q, y>
        asked = [math.fsum(row[k] * q for row, q in zip(key, asked, strict=True)) for k in range(len(asked))]
    less = 1.0 if content["kernel"] == "scaled" else 0.0
    return [content["beta"] * (dot(asked, y) - less) for y in points]


def neurons(content: Mapping[str, Any], x: Vector) -> list[tuple[float, Vector]]:
    """Return ``w_r sigma(a_r . x)`` with the output vector of every neuron."""
    p = content.get("perceptron")
    if p is None:
        return []
    parts = zip(p["weights"], p["directions"], p["output"], strict=True)
    return [(w * sigma(p["activation"], dot(a, x)), o) for w, a, o in parts]


def sigma(name: str, z: float) -> float:
    """Return relu, tanh, or gelu in the exact form."""
    if name == "relu":
        return max(0.0, z)
    return math.tanh(z) if name == "tanh" else 0.5 * z * math.erfc(-z / math.sqrt(2.0))


def dot(a: Vector, b: Vector) -> float:
    """Return the inner product."""
    return math.fsum(x * y for x, y in zip(a, b, strict=True))


def times(matrix: Sequence[Vector], vector: Vector) -> list[float]:
    """Return a matrix times a vector."""
    return [dot(row, vector) for row in matrix]


def overlaps_differ(model: SphereModel, content: Mapping[str, Any]) -> str | None:
    """Return which overlap differs: of particles i < j, j the faster one, then of each particle with every neuron."""
    points, p = content["particles"], content.get("perceptron")
    directions = [] if p is None else p["directions"]
    n, m = len(points), len(directions)
    couples, count = n * (n - 1) // 2, n * (n - 1) // 2 + n * m
    first, second = pairs_of(model)
    found = overlaps_of(model)
    if not len(first) == len(second) == len(found) == count:
        return f"the law has {len(found)} overlaps, and the model {count}"
    stride = max(1, -(-count // MOST_PAIRS))
    for number in range(0, count, stride):
        if number < couples:
            i, j = couple(n, number)
            u, v = points[i], points[j]
            name = f"particles {i} and {j}"
        else:
            i, r = divmod(number - couples, m)
            u, v = points[i], direction(directions[r])
            name = f"particle {i} and neuron {r}"
        if v is None:
            continue
        shown = zip([*u, *v], [*first[number].tolist(), *second[number].tolist()], strict=True)
        off = max(abs(min(1.0, max(-1.0, dot(u, v))) - float(found[number])), *(abs(a - b) for a, b in shown))
        if not off <= AGREE:
            return f"the law's overlap of {name} differs from a plain evaluation by {off:.3g}"
    return None


def couple(n: int, number: int) -> tuple[int, int]:
    """Return the pair i < j of n with a number from 0: (0, 1), (0, 2), ..., (1, 2), ..."""
    i = 0
    while number >= n - 1 - i:
        number -= n - 1 - i
        i += 1
    return i, i + 1 + number


def direction(a: Vector) -> Vector | None:
    """Return a neuron's direction as a unit vector, the first axis for one without; None where squares leave float64."""
    length = math.hypot(*a)
    if length == 0:
        return [1.0] + [0.0] * (len(a) - 1)
    return [c / length for c in a] if SHORT < length < LONG else None
