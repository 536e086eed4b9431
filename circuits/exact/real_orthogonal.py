# SPDX-License-Identifier: Apache-2.0
"""Gates of real orthogonal matrices and of programs that hold some: the recursion, and what its ends cost.

The recursion of :mod:`stinespring.circuits.exact.real_shannon` ends at three wires, where a circuit of 13 CX has as many angles
as a matrix of SO(8) has dimensions, and one to spare. Its angles are found by damped Newton steps from fixed starts, all
matrices of a program at once, and accepted only if the product agrees to 1e-14; else circuits of 14 and 15 CX are tried, and
at last the recursion goes on to two wires (17 CX). Matrices with structure may need fewer there. Counts: 13, 69, 309, 1301,
5333 CX for 3 to 7 wires.

Source: 13 is the count of parameters; arXiv 2512.18049 proves 14 for all of SO(8).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np

from stinespring.circuits.core.gates import Gate, count_two_qubit, inverted, relabel
from stinespring.circuits.core.one_qubit import u_gate, wire_gates
from stinespring.circuits.exact.multi_controlled import phase_of_ones
from stinespring.circuits.exact.real_shannon import SIGNS, Operator, Part, is_product, split
from stinespring.circuits.exact.real_two_qubit import real_pair_gates
from stinespring.circuits.search.levenberg import solve_each
from stinespring.circuits.search.real_template import MatrixFit, RealTemplate
from stinespring.readings import FloatArray

__all__ = ["Operator", "Part", "orthogonal_gates", "real_gates", "undone"]

PAIRS = ((0, 1), (0, 2), (1, 2))


def template(code: str) -> RealTemplate:
    """Return the circuit on three wires whose CZ are listed by the number of their pair."""
    return RealTemplate(3, tuple(PAIRS[int(number)] for number in code))


# Rounds of starts, and the circuit: nine of ten generic matrices are found in the first round of the first. Matrices next to
# special ones, where few angles move what is left, take one or two CX more.
TEMPLATES = (
    (5, template("2012010120201")),
    (3, template("2121201021021")),
    (3, template("21201010212012")),
    (3, template("201201201201201")),
)
STEPS = 40  # of Newton's method; a start that has not converged by then rarely does
GOAL, ACCEPTED = 2e-15, 1e-14  # largest error of an entry of a fitted matrix
CLOSED = 17  # CX of a matrix of SO(8) without structure by the recursion


def real_gates(parts: Iterable[Part], width: int, *, fitted: bool = True) -> list[Gate]:
    """Return gates of a program that may hold orthogonal matrices, up to a global phase.

    Args:
        parts: gates, and matrices of determinant 1 on at least three wires, any on fewer.
        width: number of wires.
        fitted: whether matrices on three wires may be found by Newton's method: 13 CX instead of 17.
    """
    pending = list(parts)[::-1]
    flat: list[Operator | list[Gate]] = []
    while pending:
        part = pending.pop()
        if isinstance(part, Gate):
            flat.append([part])
        elif len(part.wires) == 3:
            flat.append(part)
        elif len(part.wires) > 3:
            pending += split(part)[::-1]
        else:
            flat.append(_small(part))
    threes = [part for part in flat if isinstance(part, Operator)]
    made = iter(_three_wires([part.matrix for part in threes], TEMPLATES if fitted else ()))
    gates: list[Gate] = []
    for item in flat:
        gates += relabel(next(made), item.wires) if isinstance(item, Operator) else item
    return wire_gates(gates, width)


def orthogonal_gates(matrix: FloatArray, *, fitted: bool = True) -> list[Gate]:
    """Return gates of an orthogonal matrix, shape (2^n, 2^n), up to a global phase; a determinant of -1 costs a sign more.

    Example:
        >>> [gate.name for gate in orthogonal_gates(np.diag([1.0, 1, 1, 1, 1, 1, -1, -1]))]
        ['cz']
    """
    wires = tuple(range(len(matrix).bit_length() - 1))
    if len(wires) < 3 or np.linalg.det(matrix) > 0:
        return real_gates([Operator(matrix, wires)], len(wires), fitted=fitted)
    turned = np.array(matrix, dtype=np.float64)
    turned[:, -1] *= -1
    return real_gates([*phase_of_ones(wires, np.pi), Operator(turned, wires)], len(wires), fitted=fitted)


def undone(parts: Sequence[Part]) -> list[Part]:
    """Return the inverse of a program."""
    return [
        Operator(part.matrix.T, part.wires) if isinstance(part, Operator) else inverted([part])[0] for part in reversed(parts)
    ]


def _small(operator: Operator) -> list[Gate]:
    """Return gates of a matrix on one or two wires."""
    if len(operator.wires) == 1:
        return u_gate(operator.wires[0], operator.matrix.astype(np.complex128))
    return list(relabel(real_pair_gates(operator.matrix), operator.wires))


def _three_wires(matrices: Sequence[FloatArray], templates: Sequence[tuple[int, RealTemplate]]) -> list[list[Gate]]:
    """Return gates of each matrix of SO(8), on wires 0 to 2."""
    result = [_closed(matrix) if _structured(matrix) else None for matrix in matrices]
    wanted = list(range(len(matrices)))
    for rounds, shape in templates:
        costs = [CLOSED if gates is None else count_two_qubit(gates) for gates in result]
        wanted = [i for i in wanted if costs[i] > len(shape.pairs)]
        for number in range(rounds):
            if not wanted:
                break
            start = np.tile(_start(shape.unknowns, number), (len(wanted), 1))
            found = solve_each(MatrixFit(shape, np.stack([matrices[i] for i in wanted])), start, steps=STEPS, goal=GOAL)
            done = found.error <= ACCEPTED
            for place in np.flatnonzero(done).tolist():
                result[wanted[place]] = shape.gates(found.x[place].tolist())
            wanted = [i for i, over in zip(wanted, done.tolist(), strict=True) if not over]
    return [_closed(matrix) if gates is None else gates for gates, matrix in zip(result, matrices, strict=True)]


def _structured(matrix: FloatArray) -> bool:
    """Return whether the recursion may need fewer CX than a fit: entries vanish or are equal, or the matrix is a product."""
    sizes = np.sort(abs(matrix), axis=None)
    plain = sizes[0] > ACCEPTED and np.diff(sizes).min() > ACCEPTED
    return not plain or is_product(Operator(matrix, (0, 1, 2)))


@lru_cache(maxsize=32)
def _start(unknowns: int, number: int) -> FloatArray:
    """Return the angles that a round starts from."""
    return np.random.default_rng([unknowns, number]).uniform(-np.pi, np.pi, unknowns)


def _closed(matrix: FloatArray) -> list[Gate]:
    """Return gates of a matrix of SO(8) by the recursion; where angles vanish, by the cheapest choice of signs."""
    best: list[Gate] = []
    for signs in reversed(SIGNS):
        gates: list[Gate] = []
        for part in split(Operator(matrix, (0, 1, 2)), signs):
            gates += [part] if isinstance(part, Gate) else _small(part)
        if not best or count_two_qubit(gates) < count_two_qubit(best):
            best = gates
        if count_two_qubit(best) == CLOSED:
            break
    return wire_gates(best, 3)
