# SPDX-License-Identifier: Apache-2.0
"""One round of a measured channel: how to halve the Kraus operators, and the gates that measure which half it is.

A round has two outcomes, with effects A and 1 - A. Since everything up to a unitary of each outcome can be done later, A alone
is to be realised: ``4^m`` real parameters, less those of mixing the Kraus operators. If the operators can be mixed so that A is
a multiple of 1, a coin is enough: a channel of many Kraus operators is a mixture of channels of few.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import NamedTuple

import numpy as np

from stinespring.circuits.channels.cz_pattern import CzPattern, random_pairs, short_lengths
from stinespring.circuits.channels.effect_fit import EffectFit, mixing_unitary
from stinespring.circuits.core.gates import Gate, count_two_qubit
from stinespring.circuits.core.one_qubit import u_gate, wire_gates
from stinespring.circuits.core.simulate import gate_isometry
from stinespring.circuits.exact.closed_isometry import closed_isometry
from stinespring.circuits.exact.multiplexer import gray_angles, multiplexed_ry
from stinespring.circuits.exact.orthogonal import demultiplexed, multiplexed_rz
from stinespring.circuits.exact.two_qubit_unitary import without_zz
from stinespring.circuits.search.levenberg import solve
from stinespring.readings import ComplexArray, FloatArray

__all__ = [
    "IMPOSSIBLE",
    "Round",
    "closed_round",
    "complete_after",
    "fitted_effect",
    "halves",
    "mixed_unitary",
    "two_kraus_gates",
]

EXACT = 1e-13  # largest error of an effect
IMPOSSIBLE = 1e-15  # Kraus operators no larger never act
NEGLIGIBLE = 1e-15  # angles below this are left out
GOAL, STEPS = 1e-14, 100
STARTS = (8, 6, 4)  # by the number of input qubits; one for more of them
ATTEMPTS, FEWEST_STEPS, BELOW_SHARE = 4, 10, 0.07


class Round(NamedTuple):
    """Gates on the wires 0..m-1 and the ancilla m, the Kraus operators of both outcomes, and the modelled seconds spent."""

    gates: list[Gate]
    zero: ComplexArray
    one: ComplexArray
    work: float = 0.0


def mixed_unitary(kraus: ComplexArray) -> tuple[FloatArray, ComplexArray] | None:
    """Return weights and unitaries with ``sum_k w_k U_k rho U_k^dag``, if each Kraus operator is a multiple of a unitary.

    Args:
        kraus: shape (r, d, d); tried as given, and in their orthogonal form.

    Returns:
        Weights, shape (r,), and unitaries, shape (r, d, d), or None.
    """
    if kraus.shape[1] != kraus.shape[2]:
        return None
    _, values, rows = np.linalg.svd(kraus.reshape(kraus.shape[0], -1), full_matrices=False)
    for operators in (kraus, (values[:, None] * rows).reshape(-1, *kraus.shape[1:])):
        products = operators.conj().transpose(0, 2, 1) @ operators
        weights = np.trace(products, axis1=1, axis2=2).real / kraus.shape[1]
        if abs(products - weights[:, None, None] * np.eye(kraus.shape[1])).max() <= EXACT:
            some = weights > NEGLIGIBLE**2
            return weights[some], operators[some] / np.sqrt(weights[some])[:, None, None]
    return None


def coin(probability: float, ancilla: int) -> list[Gate]:
    """Return the rotation after which the ancilla reads 0 with a probability."""
    angle = 2 * float(np.arctan2(np.sqrt(max(0.0, 1 - probability)), np.sqrt(max(0.0, probability))))
    return [Gate("ry", (ancilla,), (angle,))] if angle > NEGLIGIBLE else []


def effect_of(kraus: ComplexArray) -> ComplexArray:
    """Return ``sum_k K_k^dag K_k``."""
    rows = kraus.reshape(-1, kraus.shape[-1])
    return np.asarray(rows.conj().T @ rows)


def _is_multiple(effect: ComplexArray) -> bool:
    size = effect.shape[0]
    return bool(abs(effect - np.trace(effect) / size * np.eye(size)).max() <= EXACT)


def closed_round(zero: ComplexArray, one: ComplexArray) -> Round:
    """Return the exact round of two given halves.

    The effect is ``A = Q diag(cos^2 theta/2) Q^dag``: ``Q^dag`` up to a diagonal, and a uniformly controlled Ry.

    Args:
        zero: Kraus operators of outcome 0, shape (r0, 2^n, 2^m).
        one: Kraus operators of outcome 1, shape (r1, 2^n, 2^m).
    """
    size = zero.shape[2]
    inputs = size.bit_length() - 1
    effect, other = effect_of(zero), effect_of(one)
    if _is_multiple(effect):
        return Round(coin(float(np.trace(effect).real) / size, inputs), zero, one)
    if abs(effect - np.diag(np.diag(effect))).max() <= NEGLIGIBLE:
        turn, gates = np.eye(size, dtype=np.complex128), []
    else:
        # eigenvectors of the difference are as accurate near 0 as near 1
        turn = _in_place(np.linalg.eigh(effect - other)[1].astype(np.complex128))
        gates = up_to_diagonal(turn.conj().T)
    weights = [np.linalg.norm(k.reshape(-1, size) @ turn, axis=0) for k in (one, zero)]
    theta = np.asarray(2 * np.arctan2(weights[0], weights[1]), dtype=np.float64)
    ladder = multiplexed_ry(range(inputs + 1), gray_angles(theta), negligible=NEGLIGIBLE)
    return Round(wire_gates([*gates, *ladder], inputs + 1), zero, one)


def two_kraus_gates(isometry: ComplexArray) -> list[Gate]:
    """Return exact gates of an isometry with one ancilla, shape (2^(m+1), 2^m), the ancilla being the last wire.

    The round of its two halves leaves a unitary for each state of the ancilla. Both together are
    ``U_0 (+) U_1 = (1 (x) L) (D (+) D^dag) (1 (x) R)``, with L and D^2 from ``U_0 U_1^dag``; R up to a diagonal will do.
    """
    size = isometry.shape[1]
    inputs = size.bit_length() - 1
    first = closed_round(isometry[None, :size], isometry[None, size:]).gates
    measured = gate_isometry(first, inputs + 1, inputs).reshape(2, size, size)
    zero, one = (complete_after(k[None], m)[0] for k, m in zip(isometry.reshape(2, size, size), measured, strict=True))
    left, phases, right = demultiplexed(zero, one)
    middle = up_to_diagonal(right)
    made = gate_isometry(middle, inputs, inputs) @ right.conj().T
    last = closed_isometry(left @ made.conj().T)
    return wire_gates([*first, *middle, *multiplexed_rz(inputs + 1, phases), *last], inputs + 1)


def complete_after(kraus: ComplexArray, measured: ComplexArray) -> ComplexArray:
    """Return a complete set L of operators with ``K_k = L_k M``, where K, shape (r, D, d) with r D >= d, and M have one effect.

    With the singular values ``M = X S Y^dag`` in falling order, ``K Y = Q S`` by columns, so that Q comes from a QR
    decomposition, which keeps the columns of large weight exact, and ``L = Q X^dag``. Where M vanishes L is free: as near to
    the identity as can be, since that asks for few gates.
    """
    left, weights, right = np.linalg.svd(measured)
    rank = int((weights > IMPOSSIBLE).sum())
    stacked = kraus.reshape(-1, measured.shape[0]) @ right.conj().T
    q, r = np.linalg.qr(stacked[:, :rank], mode="complete")
    diagonal = np.diag(r)
    weight = abs(diagonal)
    phase = np.where(weight > 0, diagonal / np.where(weight > 0, weight, 1), 1)
    whole = (q[:, :rank] * phase) @ left[:, :rank].conj().T
    if rank < measured.shape[0]:
        spare, unseen = q[:, rank:], left[:, rank:]
        near = spare.conj().T @ np.eye(*stacked.shape) @ unseen
        outer, _, inner = np.linalg.svd(near, full_matrices=False)
        whole = whole + spare @ outer @ inner @ unseen.conj().T
    return np.asarray(whole.reshape(kraus.shape))


def _in_place(vectors: ComplexArray) -> ComplexArray:
    """Return the same columns in an order that puts large entries on the diagonal."""
    from scipy.optimize import linear_sum_assignment

    _, columns = linear_sum_assignment(-abs(vectors))
    return vectors[:, columns]


def up_to_diagonal(unitary: ComplexArray) -> list[Gate]:
    """Return gates of ``D U`` for some diagonal unitary D."""
    inputs = unitary.shape[0].bit_length() - 1
    if inputs == 1:
        return u_gate(0, unitary)
    if inputs == 2:
        _, core = without_zz(unitary.conj().T)  # U^dag = V exp(..ZZ), so U = exp(..ZZ) V^dag
        return closed_isometry(core.conj().T)
    return closed_isometry(unitary)


def halves(kraus: ComplexArray, half: int, *, effort: float, seed: int) -> Round:
    """Return the cheapest round that is found after which at most ``half`` Kraus operators are left.

    Args:
        kraus: shape (r, 2^n, 2^m), with half < r <= 2 half.
        half: h.
        effort: about the seconds of search; 0 takes halves of the operators as they are.
        seed: of the search.
    """
    plain = closed_round(kraus[:half], kraus[half:])
    if effort <= 0 or not count_two_qubit(plain.gates):
        return plain
    padded = np.concatenate([kraus, np.zeros((2 * half - kraus.shape[0], *kraus.shape[1:]))])
    products = np.einsum("aki,bkj->abij", padded.conj(), padded, optimize=True)
    freedom = 4 * half * kraus.shape[0] - kraus.shape[0] ** 2 - 2 * half**2
    problem, x, work = _shortest(
        lambda pattern: EffectFit(pattern, products, half),
        freedom,
        limit=count_two_qubit(plain.gates),
        effort=effort,
        seed=seed,
    )
    if problem is None:
        return plain._replace(work=work)
    mixed = np.tensordot(mixing_unitary(problem.rows(x[None])[0]), padded, axes=1)
    zero, one = mixed[:half], mixed[half:]
    if problem.pattern is None:
        return closed_round(zero, one)._replace(work=work)
    return Round(problem.pattern.gates(x[: problem.angles]), zero, one, work)


def fitted_effect(zero: ComplexArray, one: ComplexArray, *, effort: float, seed: int) -> Round:
    """Return the cheapest round that is found for two halves that may not be mixed.

    Args:
        zero: Kraus operators of outcome 0, shape (r0, 2^n, 2^m).
        one: Kraus operators of outcome 1, shape (r1, 2^n, 2^m).
        effort: about the seconds of search.
        seed: of the search.
    """
    plain = closed_round(zero, one)
    size = zero.shape[2]
    none, effect = np.zeros((0, 0, size, size), dtype=np.complex128), effect_of(zero)
    problem, x, work = _shortest(
        lambda pattern: EffectFit(pattern, none, 0, effect), 0, limit=count_two_qubit(plain.gates), effort=effort, seed=seed
    )
    if problem is None or problem.pattern is None:
        return plain._replace(work=work)
    return Round(problem.pattern.gates(x), zero, one, work)


def _shortest(
    equations: Callable[[CzPattern | None], EffectFit], freedom: int, *, limit: int, effort: float, seed: int
) -> tuple[EffectFit | None, FloatArray, float]:
    """Return the equations that are met with fewest CZ, their solution, and the modelled seconds spent.

    Below the counting bound only special channels are met: one attempt there at each of some lengths, several from there on.
    """
    size = equations(None).products.shape[2]
    inputs = size.bit_length() - 1
    bound = max(0, ceil((size * size - freedom - 1) / 4))
    spent = 0.0
    starts = STARTS[inputs] if inputs < len(STARTS) else 1
    for length in [*(short for short in short_lengths(bound) if short < limit), *range(bound, limit)]:
        budget = effort if length >= bound else BELOW_SHARE * effort
        for trial in range(ATTEMPTS if length >= bound else 1):
            rng = np.random.default_rng([seed, length, trial])
            problem = equations(round_pattern(inputs, length, rng) if length else None)
            price = problem.work(starts)
            if not problem.unknowns or budget - spent < (FEWEST_STEPS + 1) * price:
                break
            start = rng.normal(size=(starts, problem.unknowns))
            start[:, : problem.angles] = rng.uniform(-np.pi, np.pi, (starts, problem.angles))
            solved = solve(problem, start, steps=int(min(STEPS, (budget - spent) / price - 1)), goal=GOAL)
            spent += solved.work
            if solved.error < EXACT:
                return problem, solved.x, spent
    return None, np.empty(0), spent


def round_pattern(inputs: int, length: int, rng: np.random.Generator) -> CzPattern:
    """Return a random pattern on the wires 0..m-1 and the ancilla m, whose last CZ is on the ancilla."""
    allowed = [(a, b) for a in range(inputs + 1) for b in range(a + 1, inputs + 1)]
    last = [pair for pair in allowed if pair[1] == inputs]
    return CzPattern(random_pairs(length, allowed, rng, last), inputs + 1, inputs, tuple(range(inputs)))
