# SPDX-License-Identifier: Apache-2.0
"""Particles on the sphere by plain loops over the formulas; reads a file's JSON object, shares nothing with the package."""

from __future__ import annotations

import math


def dot(a, b):
    return math.fsum(x * y for x, y in zip(a, b, strict=True))


def unit(a):
    norm = math.sqrt(dot(a, a))
    return [x / norm for x in a]


def matrix(model, name):
    d = len(model["particles"][0])
    given = model.get(name)
    return [[float(i == j) for j in range(d)] for i in range(d)] if given is None else given


def times(m, x):
    return [dot(row, x) for row in m]


def sigma(kind, z):
    return {"relu": max(z, 0.0), "gelu": z * 0.5 * (1 + math.erf(z / math.sqrt(2))), "tanh": math.tanh(z)}[kind]


def phi(kind, z):
    below, density = 0.5 * (1 + math.erf(z / math.sqrt(2))), math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    return {"relu": max(z, 0.0) ** 2, "gelu": (z * z - 1) * below + z * density, "tanh": 2 * math.log(math.cosh(z))}[kind]


def kernel(model, x, y):
    score = dot(times(matrix(model, "query"), x), times(matrix(model, "key"), y))
    return math.exp(model["beta"] * (score - (1.0 if model.get("kernel") == "scaled" else 0.0)))


def drift(model, xs, i):
    weights = [kernel(model, xs[i], y) for y in xs]
    total = math.fsum(weights) if model["normalise"] == "SA" else len(xs)
    values = [times(matrix(model, "value"), y) for y in xs]
    result = [math.fsum(w * v[c] for w, v in zip(weights, values, strict=True)) / total for c in range(len(xs[i]))]
    p = model.get("perceptron")
    if p:
        for w, a, o in zip(p["weights"], p["directions"], p.get("output") or p["directions"], strict=True):
            strength = w * sigma(p["activation"], dot(a, xs[i]))
            result = [r + strength * c for r, c in zip(result, o, strict=True)]
    return result


def projected(x, y):
    along = dot(x, y)
    return [b - along * a for a, b in zip(x, y, strict=True)]


def euler(model, xs):
    sign = 1 if model["direction"] == "ascent" else -1
    result = []
    for i, x in enumerate(xs):
        field = drift(model, xs, i)
        field = projected(x, field) if model["field"] == "projected" else field
        result.append(unit([a + sign * model["step"] * b for a, b in zip(x, field, strict=True)]))
    return result


def residual(model, xs):
    return max(math.sqrt(dot(f, f)) for f in (projected(x, drift(model, xs, i)) for i, x in enumerate(xs)))


def energy(model, xs):
    n = len(xs)
    attention = math.fsum(kernel(model, x, y) for x in xs for y in xs) / (2 * model["beta"] * n * n)
    p = model.get("perceptron")
    if not p:
        return attention, 0.0
    v = [w * phi(p["activation"], dot(a, x)) for x in xs for w, a in zip(p["weights"], p["directions"], strict=True)]
    return attention, math.fsum(v) / (2 * n)


def terms(model, xs, i):
    """The layer's sum for particle i as (coefficient, unit vector): x_i, V x_j for every j, the neurons' outputs."""
    h = model["step"] * (1 if model["direction"] == "ascent" else -1)
    weights = [kernel(model, xs[i], y) for y in xs]
    total = math.fsum(weights) if model["normalise"] == "SA" else len(xs)
    found = [(w / total, times(matrix(model, "value"), y)) for w, y in zip(weights, xs, strict=True)]
    p = model.get("perceptron")
    if p:
        for w, a, o in zip(p["weights"], p["directions"], p.get("output") or p["directions"], strict=True):
            found.append((w * sigma(p["activation"], dot(a, xs[i])), o))
    lengths = [math.sqrt(dot(v, v)) for _, v in found]
    moved = [(h * c * n, [x / n for x in v]) for (c, v), n in zip(found, lengths, strict=True) if n]
    first = 1.0
    if model["field"] == "projected":
        first -= math.fsum(c * dot(xs[i], v) for c, v in moved)
    return [(first, xs[i]), *moved]


def layers(model, xs, i, count, rounds=0):
    """The particle after so many layers, and the probability that every post-selection succeeds, amplified."""
    success = 1.0
    for _ in range(count):
        parts = terms(model, xs, i)
        total = [math.fsum(c * v[k] for c, v in parts) for k in range(len(xs[i]))]
        success *= dot(total, total) / math.fsum(abs(c) for c, _ in parts) ** 2
        xs = euler(model, xs)
    if rounds:
        success = math.sin((2 * rounds + 1) * math.asin(math.sqrt(success))) ** 2
    return xs[i], success
