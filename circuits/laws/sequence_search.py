# SPDX-License-Identifier: Apache-2.0
"""The shortest sequence found for the law of one bit: closed forms, then two numerical searches.

One searches *axes*: half forms whose tail only has to keep its polar angle within the bounds of every row. The other searches
the whole sequence, which may be shorter still but has as many equations as there are rows.
"""

from __future__ import annotations

import numpy as np

from stinespring.circuits.core.cz_sequence import CzSequence, rotation_y
from stinespring.circuits.laws.closed_form import closed_form, drop_control, restore_control
from stinespring.circuits.laws.half_form import attach, gamma_bounds
from stinespring.circuits.search.descent import descend
from stinespring.circuits.search.levenberg import solve
from stinespring.circuits.search.sequence_fit import (
    CULLING,
    axis_fit,
    certain_rows,
    control_order,
    law_fit,
    parameters_of,
    sequence_of,
)
from stinespring.readings import BoolArray, FloatArray, IntArray

__all__ = ["counting_limit", "law_error", "law_sequence"]

ACCEPT = 1e-12  # largest error of a probability
GOAL, AXIS_GOAL = 1e-13, 1e-15  # largest residual of a fit at which to stop
NEARLY = 1e-9  # largest weighted residual of a fit that is worth a look
ITERATIONS = 50
WHOLE_ITERATIONS = 140
WHOLE_CONTROLS = 6  # whole sequences are searched up to so many controls
BATCH_ELEMENTS = 6000
AXES_FAILURES = 3
NEWEST = 2  # CZ by which the tails of a beam must differ

Beam = tuple[IntArray, IntArray, FloatArray]


def law_sequence(theta: FloatArray, care: BoolArray, *, effort: float = 0.0, seed: int = 0) -> CzSequence:
    """Return the shortest sequence found for ``P(1|x) = sin^2(theta(x) / 2)``, phases free.

    Args:
        theta: polar angles in [0, pi], shape (2^n,).
        care: rows that matter, shape (2^n,).
        effort: about the seconds of search, counted in operations.
        seed: of the search.

    Returns:
        Never more CZ than :func:`stinespring.circuits.laws.closed_form.closed_form`.
    """
    n = theta.size.bit_length() - 1
    shorter = drop_control(theta, care)
    if shorter is not None:
        inner = law_sequence(shorter[2], shorter[3], effort=effort, seed=seed)
        return restore_control(inner, shorter, n=n)
    best = closed_form(theta, care)
    if effort <= 0 or best.cost <= max(n, counting_limit(theta, care)):
        return best
    whole = n <= WHOLE_CONTROLS
    half = 1 << (n - 1) if n else 0
    left = effort
    if n > 2 and best.cost > half + 1:
        share = effort / 4 if whole else effort
        best, unused = axes_search(theta, care, best, effort=share, seed=seed)
        left = effort - share + unused
    return whole_search(theta, care, best, effort=left, seed=seed) if whole else best


def law_error(sequence: CzSequence, theta: FloatArray, care: BoolArray) -> float:
    """Return the largest error of ``P(1|x) = sin^2(theta(x) / 2)`` over the rows that matter."""
    n = theta.size.bit_length() - 1
    error = abs(abs(sequence.states(n)[:, 1]) ** 2 - np.sin(theta / 2) ** 2)
    return float(error[care].max(initial=0.0))


def counting_limit(theta: FloatArray, care: BoolArray) -> int:
    """Return the fewest CZ of a generic law: ``2 N + 1`` parameters, one equation a row and two if it is certain."""
    equations = int(care.sum() + certain_rows(theta, care).sum())
    return max(0, equations // 2)


def grow(beam: Beam, n: int, rng: np.random.Generator) -> Beam:
    """Return every extension of the tails in the beam by one CZ at the fresh end, where it starts inert."""
    axis, pattern, params = beam
    others = n - 1
    added = np.tile(np.arange(others), axis.size)
    axis, pattern = np.repeat(axis, others), np.repeat(pattern, others, axis=0)
    params = np.repeat(params, others, axis=0)
    keep = np.ones(added.size, dtype=np.bool_) if pattern.shape[1] == 0 else added != pattern[:, 0]
    start = np.stack([0.2 * rng.normal(size=added.size), rng.choice([0.0, np.pi / 2], size=added.size)], axis=1)
    pattern = np.concatenate([added[:, None], pattern], axis=1)
    return axis[keep], pattern[keep], np.concatenate([start, params], axis=1)[keep]


def narrow(beam: Beam, cost: FloatArray, width: int) -> Beam:
    """Return the best tails, one for each attached control and each choice of the newest CZ."""
    axis, pattern, params = beam
    chosen: dict[tuple[int, ...], int] = {}
    for i in np.argsort(cost, kind="stable").tolist():
        chosen.setdefault((int(axis[i]), *pattern[i, :NEWEST].tolist()), i)
    index = list(chosen.values())[:width]
    return axis[index], pattern[index], params[index]


def axes_search(theta: FloatArray, care: BoolArray, best: CzSequence, *, effort: float, seed: int) -> tuple[CzSequence, float]:
    """Repeat beam searches for a short tail; return the best sequence, and the work left over."""
    rng = np.random.default_rng([seed, theta.size])
    failures, left = 0, effort
    while failures < AXES_FAILURES and left > 0 and best.cost > theta.size // 2 + 1:
        found, left = axes_beam(theta, care, limit=best.cost, effort=left, rng=rng)
        failures = failures + 1 if found is None else 0
        best = best if found is None else found
    return best, left


def axes_beam(
    theta: FloatArray, care: BoolArray, *, limit: int, effort: float, rng: np.random.Generator
) -> tuple[CzSequence | None, float]:
    """Grow tails by one CZ at a time until a polar angle lies within the bounds of every row.

    A new CZ at the fresh end, with no rotation before it, changes nothing; the fit then shrinks the violation.
    """
    n = theta.size.bit_length() - 1
    bounds = [gamma_bounds(theta, care, control=c) for c in range(n)]
    low, high = np.stack([b[0] for b in bounds]), np.stack([b[1] for b in bounds])
    first = np.median(low + high, axis=1)[:, None] / 4
    beam: Beam = (np.arange(n), np.zeros((n, 0), dtype=np.int64), first + 0.1 * rng.normal(size=(n, 1)))
    width = max(2, min(8, BATCH_ELEMENTS // (n << (n - 1))))
    for _ in range((1 << (n - 1)) + 1, limit):
        axis, pattern, params = grow(beam, n, rng)
        problem = axis_fit(low[axis], high[axis], pattern=pattern)
        if problem.work(len(axis)) * (ITERATIONS // 2 + 1) > effort:
            return None, 0.0
        solved = solve(problem, params, steps=ITERATIONS // 2, goal=AXIS_GOAL)
        params, pick = solved.guess.x, solved.best
        effort -= solved.work
        if solved.error < ACCEPT:
            control = int(axis[pick])
            tail = sequence_of(pattern[pick], params[pick]).relabel([i for i in range(n) if i != control])
            found = attach(theta, care, control=control, tail=tail)
            if law_error(found, theta, care) < ACCEPT:
                return found, effort
        beam = narrow((axis, pattern, params), solved.guess.loss, width)
    return None, effort


def whole_search(theta: FloatArray, care: BoolArray, best: CzSequence, *, effort: float, seed: int) -> CzSequence:
    """Search all gates at once, from the counting limit."""
    n = theta.size.bit_length() - 1
    bound = max(n, counting_limit(theta, care))
    equations = int(care.sum() + certain_rows(theta, care).sum())
    starts = max(2, min(48, BATCH_ELEMENTS // (equations * (8 if equations > 20 else 6))))

    def attempt(length: int, left: float, rng: np.random.Generator) -> tuple[CzSequence | None, float]:
        pattern, params = whole_starts(theta, care, length=length, starts=starts, rng=rng)
        problem = law_fit(theta, care, pattern=pattern)
        iterations = int(min(WHOLE_ITERATIONS, left / problem.work(starts) - 1))
        if iterations < 1:
            return None, left
        solved = solve(problem, params, steps=iterations, goal=GOAL, rules=CULLING)
        found = sequence_of(pattern[solved.starts[solved.best]], solved.x)
        good = solved.error < NEARLY and law_error(found, theta, care) < ACCEPT
        return (found if good else None), solved.work

    result = descend(attempt, first=bound + bound // 5, least=bound, limit=best.cost, effort=effort, seed=seed)
    return best if result is None else result


def whole_starts(
    theta: FloatArray, care: BoolArray, *, length: int, starts: int, rng: np.random.Generator
) -> tuple[IntArray, FloatArray]:
    """Return patterns and angles: random ones, and half forms with a gamma that fits badly if they are long enough."""
    n = theta.size.bit_length() - 1
    pattern = np.array([control_order(rng, n, length=length) for _ in range(starts)]).reshape(starts, length)
    params = rng.uniform(-np.pi, np.pi, (starts, 2 * length + 1))
    if n > 2 and length >= 1 << (n - 1):
        for i in range((starts + 3) // 4):
            near = near_half_form(theta, care, length=length, rng=rng)
            pattern[i] = near.controls
            params[i] = parameters_of(near) + rng.normal(size=2 * length + 1) * rng.choice([0.01, 0.1, 0.3])
    return pattern, params


def near_half_form(theta: FloatArray, care: BoolArray, *, length: int, rng: np.random.Generator) -> CzSequence:
    """Return a half form with a gamma that does not quite fit, and a random tail that makes up the length."""
    n = theta.size.bit_length() - 1
    extra = length - (1 << (n - 1))
    control = int(rng.integers(n))
    low, high = gamma_bounds(theta, care, control=control)
    centre = float(np.quantile((low + high) / 2, rng.uniform(0.2, 0.8)))
    params = rng.normal(size=2 * extra + 1) * 0.2
    params[0] += centre / 2
    tail = sequence_of(rng.integers(n - 1, size=extra), params) if extra else CzSequence((), rotation_y(centre / 2)[None])
    return attach(theta, care, control=control, tail=tail.relabel([i for i in range(n) if i != control]))
