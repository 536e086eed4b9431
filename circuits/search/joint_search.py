# SPDX-License-Identifier: Apache-2.0
"""Small laws over general circuits: all outcome bits at once, found numerically.

A CZ between two outcome wires brings four parameters and one from a context wire two, so fewer CZ can do than bit by bit:
generic laws with a context are met by random patterns of about ``0.55 (2^M (2^k - 1) - k)`` CZ, at first try or soon.
"""

from __future__ import annotations

from math import ceil

import numpy as np

from stinespring.circuits.core.gates import Gate
from stinespring.circuits.search.descent import FIRST_SHARE, descend
from stinespring.circuits.search.joint_amplitudes import Pattern
from stinespring.circuits.search.joint_fit import SOLVE_COST, JointFit
from stinespring.circuits.search.levenberg import Damping, solve
from stinespring.readings import BoolArray, FloatArray, IntArray

__all__ = ["joint_circuit"]

ACCEPT, GOAL = 1e-12, 1e-14  # largest error of a probability, and that at which to stop
RULES = Damping(soft=0.2, steep=4.0, stall=0.85, patience=16, nearly=1e-8)
ITERATIONS, FEWEST_ITERATIONS = 200, 20
INNER_SHARES = (0.45, 0.5)  # of CZ between two outcome wires if there is a context; one is drawn
FIRST_LENGTH = 0.55  # of the CZ of the exact isometry
SHRINK = 0.05  # share of CZ taken off after a success
STAY = 0.2  # share of the work left, spent on one length before a longer one is tried
BATCH_ELEMENTS, MOST_STARTS = 2048, 12
LONE_ELEMENTS, LONE_STARTS = 12000, 24  # without a context, where a start is cheap and succeeds rarely


def bare_pairs(count: int, size: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Return random pairs of outcome wires, none twice in a row if there is a choice."""
    pairs: list[tuple[int, int]] = []
    while len(pairs) < count:
        a, b = np.sort(rng.permutation(size)[:2]).tolist()
        if size == 2 or not pairs or pairs[-1] != (a, b):
            pairs.append((a, b))
    return pairs


def short_pairs(count: int, width: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Return a random order of few CZ on one outcome wire that uses every control and repeats none at once."""
    order = rng.permutation(width).tolist()
    while len(order) < count:
        order.insert(int(rng.integers(len(order) + 1)), int(rng.integers(width)))
        order = [c for i, c in enumerate(order) if i == 0 or c != order[i - 1]]
    return [(c, width) for c in order]


def spread_pairs(count: int, width: int, size: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Return CZ between outcomes spread evenly among CZ from the context.

    The latter serve the outcome wires in turn; each wire meets the controls in rounds, of one order or of fresh ones.
    """
    inner = round(float(rng.choice(INNER_SHARES)) * count) if size > 1 else 0
    places = set(np.round(np.linspace(1, count - 1, inner)).astype(np.int64).tolist())
    couples = [(width + a, width + b) for a in range(size) for b in range(a + 1, size)]
    fresh, base = bool(rng.integers(2)), rng.permutation(width)
    rounds = [np.roll(base, -q * (width // size)).tolist() for q in range(size)]
    waiting, last = [list(order) for order in rounds], [-1] * size
    pairs: list[tuple[int, int]] = []
    served = 0
    for i in range(count):
        if i in places:
            pairs.append(couples[(i - served) % len(couples)])
            continue
        q = served % size
        served += 1
        if not waiting[q]:
            waiting[q] = rng.permutation(width).tolist() if fresh else list(rounds[q])
            if waiting[q][0] == last[q]:
                waiting[q] = waiting[q][1:] + waiting[q][:1]
        last[q] = waiting[q].pop(0)
        pairs.append((last[q], width + q))
    return pairs


def random_pattern(count: int, *, width: int, size: int, rng: np.random.Generator) -> Pattern:
    """Return a random pattern of ``count`` CZ for M = ``width`` context wires and k = ``size`` outcome wires."""
    if not width:
        pairs = bare_pairs(count, size, rng)
    elif size == 1 and width <= count < 2 * width:
        pairs = short_pairs(count, width, rng)
    else:
        pairs = spread_pairs(count, width, size, rng)
    return Pattern(tuple(pairs), width, size)


def joint_circuit(
    law: FloatArray, care: BoolArray, *, limit: int, bound: int, free_codes: bool, effort: float, seed: int
) -> tuple[list[Gate], IntArray] | None:
    """Return a circuit with fewer than ``limit`` CZ and the code of every outcome, or None if none is found.

    Args:
        law: shape (2^M, 2^k), M + k >= 2; works best with full support.
        care: rows that matter, shape (2^M,).
        limit: CZ of the circuit that is known.
        bound: CZ at which there are as many parameters as equations.
        free_codes: whether every start may draw codes of its own.
        effort: about the seconds of search, counted in operations.
        seed: of the search.
    """
    width, size = law.shape[0].bit_length() - 1, law.shape[1].bit_length() - 1
    contexts = np.flatnonzero(care)
    elements, most = (BATCH_ELEMENTS, MOST_STARTS) if width else (LONE_ELEMENTS, LONE_STARTS)
    starts = max(1, min(most, elements // (contexts.size << (2 * size + 1))))
    roots = np.sqrt(law[contexts])
    exact = contexts.size * (law.shape[1] - 1) - size
    first = ceil(FIRST_LENGTH * exact) if width else bound + 1  # at the bound itself few starts succeed

    def attempt(length: int, left: float, rng: np.random.Generator) -> tuple[tuple[list[Gate], IntArray] | None, float]:
        # a CZ makes at least one turn of two parameters: without work for so many a pattern is not even drawn
        if FEWEST_ITERATIONS * SOLVE_COST * starts * (2 * length) ** 3 > left:
            return None, left
        pattern = random_pattern(length, width=width, size=size, rng=rng)
        codes = np.tile(np.arange(law.shape[1]), (starts, 1))
        if free_codes:
            codes = rng.permuted(codes, axis=1)
        wanted = np.empty((starts, contexts.size, law.shape[1]))
        np.put_along_axis(wanted, codes[:, None], roots[None], axis=2)
        problem = JointFit(pattern, contexts, wanted.reshape(starts, -1))
        price = problem.work(starts)
        if (FEWEST_ITERATIONS + 1) * price > left:
            return None, left
        shape = (starts, pattern.parameters)
        start = rng.normal(size=shape) if width else rng.uniform(-np.pi, np.pi, shape)
        solved = solve(problem, start, steps=int(min(ITERATIONS, left / price - 1)), goal=GOAL, rules=RULES)
        found = (pattern.gates(solved.x), codes[solved.starts[solved.best]]) if solved.error < ACCEPT else None
        return found, solved.work

    return descend(
        attempt,
        first=first,
        least=max(1, width, bound),
        limit=limit,
        effort=effort,
        seed=seed,
        shrink=SHRINK if width else 0.0,
        first_share=STAY if width else FIRST_SHARE,
    )
