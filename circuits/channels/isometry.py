# SPDX-License-Identifier: Apache-2.0
"""Any channel as one static circuit whose environment is traced out.

A channel of r Kraus operators from m to n qubits has ``2 r 2^(n+m) - 4^m - r^2`` real parameters, since the basis of the
environment is free, and a CZ between general one-qubit gates brings four. Random patterns with that many CZ meet random
channels from most random starts, so that circuits at the counting bound are found by least squares: half of the CX of an
exact construction of the isometry and less.
"""

from __future__ import annotations

from math import ceil

import numpy as np

from stinespring.circuits.channels.cz_pattern import CzPattern, random_pairs, short_lengths
from stinespring.circuits.channels.fit import ChannelFit, across_environment, across_seconds
from stinespring.circuits.channels.pauli import pauli_channel_gates
from stinespring.circuits.channels.product import product_factors
from stinespring.circuits.channels.round import two_kraus_gates
from stinespring.circuits.core.choi import choi_error
from stinespring.circuits.core.gates import Gate, count_two_qubit, relabel
from stinespring.circuits.core.simulate import gate_isometry, kraus_of
from stinespring.circuits.exact.closed_isometry import closed_isometry
from stinespring.circuits.search.descent import descend
from stinespring.circuits.search.levenberg import solve
from stinespring.circuits.search.work import counted, spend
from stinespring.readings import ComplexArray

__all__ = ["canonical_kraus", "choi_kraus", "environment_wires", "isometry_gates"]

ACCEPT = 1e-12  # largest error of an entry of the Choi matrix
NOISE = 1e-14  # Choi eigenvalues below this share of the largest are rounding
GOAL = 2e-14  # norm of the residual at which to stop
STEPS, FEWEST_STEPS = 160, 10
SLACK = 12  # the first length is above the bound by a part of so many
SHORT_SHARE, SPECIAL_SHARE = 0.1, 0.5  # of the effort, for lengths below the counting bound
ZERO = 1e-9  # a smaller entry is taken for one that vanishes
STARTS_ELEMENTS, MOST_STARTS = 2000, 4  # a batch of starts has about so many entries of isometries times parameters


def canonical_kraus(kraus: ComplexArray) -> ComplexArray:
    """Return orthogonal Kraus operators of the same channel, fewest possible and largest first.

    Args:
        kraus: shape (r, 2^n, 2^m).
    """
    _, values, rows = np.linalg.svd(kraus.reshape(kraus.shape[0], -1), full_matrices=False)
    rank = max(1, int((values**2 > NOISE * values[0] ** 2).sum()))
    return np.asarray((values[:rank, None] * rows[:rank]).reshape(rank, *kraus.shape[1:]))


def environment_wires(rank: int, inputs: int, outputs: int) -> int:
    """Return how many wires besides the system's the dilation needs."""
    return max(0, (rank - 1).bit_length() - max(0, inputs - outputs))


def isometry_gates(kraus: ComplexArray, *, effort: float = 1.0, seed: int = 0) -> list[Gate]:
    """Return gates that realise a channel exactly when the wires n and above are traced out.

    ``sum_k K_k rho K_k^dag = tr_E W (rho (x) |0><0|) W^dag``. Wires 0..max(m,n)-1 are the system: the first m carry the input,
    the first n the output, others start in |0> or are discarded. Wires after these are the environment: they start in |0>.

    Args:
        kraus: Kraus operators, shape (r, 2^n, 2^m), complete: ``sum_k K_k^dag K_k = 1``.
        effort: about the seconds of numerical search, counted in operations; 0 for exact constructions only.
        seed: of the search.

    Returns:
        Gates ``u``, ``cx`` and ``cz``; the largest error of a Choi entry is 1e-12.

    Source:
        arXiv:1501.06911 for the isometries; the counting is that of arXiv:1609.08103 with the environment left free.
    """
    kraus = canonical_kraus(np.asarray(kraus, dtype=np.complex128))
    rank, rows, columns = kraus.shape
    inputs, outputs = columns.bit_length() - 1, rows.bit_length() - 1
    width = max(inputs, outputs) + environment_wires(rank, inputs, outputs)
    padded = np.zeros((1 << (width - outputs), rows, columns), dtype=np.complex128)
    padded[:rank] = kraus
    limit = 1 << (2 * width + 1)
    with counted() as spent:
        known = _product_gates(kraus, width, effort=2 * effort / 3, seed=seed)
        if known is None and inputs == outputs:
            known = pauli_channel_gates(kraus, width - outputs, effort=effort / 2, seed=seed)
            known = known if known is not None and _exact(known, padded) else None
    effort -= spent.seconds
    if known is None and width <= 2:
        known = exact_gates(padded)
    if known is not None:
        limit = count_two_qubit(known)
    if effort > 0 and width > 1:
        found = _search(padded, rank, width=width, limit=limit, effort=effort, seed=seed)
        known = found if found is not None else known
    return known if known is not None else exact_gates(padded)


def exact_gates(padded: ComplexArray) -> list[Gate]:
    """Return the cheapest exact construction of a dilation, shape (2^(q-n), 2^n, 2^m)."""
    isometry = padded.reshape(-1, padded.shape[2])
    # a weak Kraus operator may be off by more than the channel is
    best = closed_isometry(isometry, accept=lambda gates: _exact(gates, padded))
    if isometry.shape[0] == 2 * isometry.shape[1] >= 8:
        other = two_kraus_gates(isometry)
        if count_two_qubit(other) < count_two_qubit(best) and _exact(other, padded):
            return other
    return best


def _exact(gates: list[Gate], padded: ComplexArray) -> bool:
    """Return whether gates realise the channel."""
    environment, rows, columns = padded.shape
    width = (environment * rows).bit_length() - 1
    made = kraus_of(gate_isometry(gates, width, columns.bit_length() - 1), rows.bit_length() - 1)
    return choi_error(made, padded) <= ACCEPT


def _product_gates(kraus: ComplexArray, width: int, *, effort: float, seed: int) -> list[Gate] | None:
    """Return the gates of both factors of a product channel, or None if it is none or needs more wires this way."""
    factors = product_factors(kraus)
    if factors is None:
        return None
    qubits = kraus.shape[1].bit_length() - 1
    group, *chois = factors
    parts = [group, tuple(q for q in range(qubits) if q not in group)]
    sets = [choi_kraus(choi) for choi in chois]
    if qubits + sum((s.shape[0] - 1).bit_length() for s in sets) > width:
        return None
    gates: list[Gate] = []
    free = qubits
    for part, operators in zip(parts, sets, strict=True):
        extra = (operators.shape[0] - 1).bit_length()
        made = isometry_gates(operators, effort=effort / 2, seed=seed)
        gates += relabel(made, [*part, *range(free, free + extra)])
        free += extra
    return gates


def choi_kraus(choi: ComplexArray) -> ComplexArray:
    """Return orthogonal Kraus operators of a Choi matrix ``J[(out, in), (out', in')]``, shape (4^n, 4^n)."""
    values, vectors = np.linalg.eigh(choi)
    some = values > NOISE * values[-1]
    size = 1 << (choi.shape[0].bit_length() - 1) // 2
    return np.asarray((vectors[:, some] * np.sqrt(values[some])).T[::-1].reshape(-1, size, size))


def _search(padded: ComplexArray, rank: int, *, width: int, limit: int, effort: float, seed: int) -> list[Gate] | None:
    """Return the shortest circuit that the effort finds, or None."""
    environment, rows, columns = padded.shape
    inputs, outputs = columns.bit_length() - 1, rows.bit_length() - 1
    matrix = padded.reshape(environment, -1)
    if across_seconds(*matrix.shape) > effort:
        return None  # the equations alone would take more than the search may
    spend(across_seconds(*matrix.shape))
    effort -= across_seconds(*matrix.shape)
    across = across_environment(matrix)
    allowed = [(a, b) for a in range(width) for b in range(a + 1, width)]
    last = [pair for pair in allowed if pair[0] < outputs]
    equations = 2 * environment * rows * columns - columns**2 - environment**2 + (environment - rank) ** 2
    turns = 3 * inputs + 2 * (width - inputs) - 3 * (width - outputs)
    bound = max(1, ceil((equations - turns) / 4))

    def attempt(length: int, left: float, rng: np.random.Generator) -> tuple[list[Gate] | None, float]:
        pattern = CzPattern(random_pairs(length, allowed, rng, last), width, inputs, tuple(range(outputs, width)))
        unknowns = pattern.free.size
        starts = int(np.clip(STARTS_ELEMENTS // (columns * unknowns), 1, MOST_STARTS))
        problem = ChannelFit(pattern, matrix, across)
        price = problem.work(starts)
        if price * (FEWEST_STEPS + 1) > left:
            return None, left
        start = rng.uniform(-np.pi, np.pi, (starts, unknowns))
        solved = solve(problem, start, steps=int(min(STEPS, left / price - 1)), goal=GOAL)
        gates = pattern.gates(solved.x) if solved.error < ACCEPT else None
        return gates if gates is not None and _exact(gates, padded) else None, solved.work

    share = (SPECIAL_SHARE if _is_special(padded[:rank]) else SHORT_SHARE) * effort
    best, spent = None, 0.0
    for length in short_lengths(min(bound, limit)):
        best, work = attempt(length, share - spent, np.random.default_rng([seed, length, 0]))
        spent += work
        if best is not None or spent >= share:
            break
    top = count_two_qubit(best) if best is not None else limit
    first = min(bound + ceil(bound / SLACK), top - 1)
    least = 1 if best is not None else bound
    shorter = (
        descend(attempt, first=first, least=least, limit=top, effort=effort - spent, seed=seed) if first >= least else None
    )
    return shorter if shorter is not None else best


def _is_special(kraus: ComplexArray) -> bool:
    """Return whether orthogonal Kraus operators have many zeros or equal weights, as random ones have not."""
    weights = np.linalg.norm(kraus.reshape(kraus.shape[0], -1), axis=1) ** 2
    return bool((abs(kraus) < ZERO).mean() > 0.25 or (abs(np.diff(weights)) < ZERO).any())
