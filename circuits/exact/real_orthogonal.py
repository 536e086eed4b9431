# SPDX-License-Identifier: Apache-2.0
"""Gates of real orthogonal matrices and of programs that hold some: the recursion, and what its ends cost.

The recursion of :mod:`stinespring.circuits.exact.real_shannon` ends at three wires, where a circuit of 13 CX has as many angles
as a matrix of SO(8) has dimensions, and one to spare. Its angles are found by damped Newton steps from fixed starts, all
matrices of a program at once, and accepted only if the product agrees to 1e-14; else circuits of 14 and 15 CX are tried, and
at last the recursion goes on to two wires (17 CX). Matrices with structure may need fewer there. On four wires a circuit of 59
CX (two angles to spare) is fitted likewise, if there are few. Counts: 13, 59, 269, 1141 CX for 3 to 6 wires; 69, 309, 1301 from
those of three wires alone.

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
LAYERS = (((0, 1), (2, 3)), ((1, 2), (0, 3)), ((0, 2), (1, 3)))  # of pairs of four wires that share none
FOUR = ((2, RealTemplate(4, tuple(pair for number in range(30) for pair in LAYERS[number % 3])[:59])),)
MOST_FOURS = 16  # matrices on four wires that are fitted in one program, about a second; where there are more, none is
STEPS = {8: 40, 16: 120}  # of Newton's method, by size; a start that has not converged by then rarely does
GOAL, ACCEPTED = 4e-15, 1e-14  # largest error of an entry of a fitted matrix
CLOSED = 17  # CX of a matrix of SO(8) without structure by the recursion


def real_gates(parts: Iterable[Part], width: int, *, fitted: bool = True) -> list[Gate]:
    """Return gates of a program that may hold orthogonal matrices, up to a global phase.

    Args:
        parts: gates, and matrices of determinant 1 on at least three wires, any on fewer.
        width: number of wires.
        fitted: whether matrices on three and four wires may be found by Newton's method: 13 CX instead of 17, 59 instead of 85.
    """
    flat = _split_to(4 if fitted else 3, parts)
    if fitted:
        fours = [item.matrix for item in flat if isinstance(item, Operator) and _is_plain(item)]
        fours = fours if len(fours) <= MOST_FOURS else []
        found = iter(_fits(fours, FOUR, [len(FOUR[0][1].pairs) + 1] * len(fours)))
        rest: list[Operator | list[Gate]] = []
        for item in flat:
            gates = next(found, None) if isinstance(item, Operator) and _is_plain(item) else None
            if isinstance(item, Operator) and len(item.wires) == 4:
                rest += _split_to(3, [item]) if gates is None else [list(relabel(gates, item.wires))]
            else:
                rest.append(item)
        flat = rest
    threes = [item.matrix for item in flat if isinstance(item, Operator)]
    made = iter(_three_wires(threes, TEMPLATES if fitted else ()))
    result: list[Gate] = []
    for item in flat:
        result += relabel(next(made), item.wires) if isinstance(item, Operator) else item
    return wire_gates(result, width)


def _split_to(most: int, parts: Iterable[Part]) -> list[Operator | list[Gate]]:
    """Return a program whose matrices are on at least three and at most so many wires."""
    pending = list(parts)[::-1]
    flat: list[Operator | list[Gate]] = []
    while pending:
        part = pending.pop()
        if isinstance(part, Gate):
            flat.append([part])
        elif len(part.wires) > most:
            pending += split(part)[::-1]
        else:
            flat.append(part if len(part.wires) > 2 else _small(part))
    return flat


def _is_plain(operator: Operator) -> bool:
    """Return whether a matrix is on four wires and without structure that the recursion would find."""
    return len(operator.wires) == 4 and not _structured(operator.matrix)


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
    closed = [_closed(matrix) if _structured(matrix) else None for matrix in matrices]
    found = _fits(matrices, templates, [CLOSED if gates is None else count_two_qubit(gates) for gates in closed])
    pairs = zip(found, closed, matrices, strict=True)
    return [fit or gates or ([] if gates == [] else _closed(matrix)) for fit, gates, matrix in pairs]


def _fits(
    matrices: Sequence[FloatArray], templates: Sequence[tuple[int, RealTemplate]], costs: Sequence[int]
) -> list[list[Gate] | None]:
    """Return gates of each matrix by the first circuit that fits and has fewer CX than it costs; None where none does."""
    result: list[list[Gate] | None] = [None] * len(matrices)
    wanted = list(range(len(matrices)))
    for rounds, shape in templates:
        wanted = [i for i in wanted if costs[i] > len(shape.pairs)]
        for number in range(rounds):
            if not wanted:
                break
            start = np.tile(_start(shape.unknowns, number), (len(wanted), 1))
            fit = MatrixFit(shape, np.stack([matrices[i] for i in wanted]))
            found = solve_each(fit, start, steps=STEPS[1 << shape.width], goal=GOAL)
            done = found.error <= ACCEPTED
            for place in np.flatnonzero(done).tolist():
                result[wanted[place]] = shape.gates(found.x[place].tolist())
            wanted = [i for i, over in zip(wanted, done.tolist(), strict=True) if not over]
    return result


def _structured(matrix: FloatArray) -> bool:
    """Return whether the recursion may need fewer CX than a fit: entries vanish or are equal, or the matrix is a product."""
    sizes = np.sort(abs(matrix), axis=None)
    plain = sizes[0] > ACCEPTED and np.diff(sizes).min() > ACCEPTED
    return not plain or is_product(Operator(matrix, tuple(range(len(matrix).bit_length() - 1))))


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
