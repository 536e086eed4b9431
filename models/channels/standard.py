# SPDX-License-Identifier: Apache-2.0
"""The channels of the textbooks, by their Kraus operators.

Source: Nielsen & Chuang, Quantum Computation and Quantum Information, section 8.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from stinespring.errors import InputError
from stinespring.models.channels.cptp import CPTP
from stinespring.readings import ComplexArray

__all__ = [
    "amplitude_damping",
    "depolarizing",
    "erasure",
    "generalized_amplitude_damping",
    "measure_and_prepare",
    "pauli",
    "phase_damping",
    "povm",
    "random_channel",
    "random_unitary",
    "replacement",
]

PAULIS: ComplexArray = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])


def _probability(value: float, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.floating) or not 0 <= value <= 1:
        raise InputError(f"{name} is no probability", got=value, expected="a number from 0 to 1")
    return float(value)


def _weights(values: Sequence[float], what: str) -> list[float]:
    weights = [_probability(value, what) for value in values]
    if not weights or abs(sum(weights) - 1) > 1e-9:
        raise InputError(f"the {what}s do not add up", got=sum(weights), expected="1")
    return [w / sum(weights) for w in weights]


def amplitude_damping(gamma: float) -> CPTP:
    """Return decay of |1> to |0> with probability gamma: ``diag(1, sqrt(1-gamma))`` and ``sqrt(gamma) |0><1|``."""
    gamma = _probability(gamma, "gamma")
    return CPTP.from_kraus([[[1, 0], [0, np.sqrt(1 - gamma)]], [[0, np.sqrt(gamma)], [0, 0]]])


def generalized_amplitude_damping(gamma: float, thermal: float) -> CPTP:
    """Return damping towards a state with population ``thermal`` of |1>: decay with weight 1 - thermal, else excitation."""
    gamma, p = _probability(gamma, "gamma"), _probability(thermal, "thermal")
    down, up = np.sqrt(1 - p), np.sqrt(p)
    keep, move = np.sqrt(1 - gamma), np.sqrt(gamma)
    return CPTP.from_kraus(
        [
            down * np.array([[1, 0], [0, keep]]),
            down * np.array([[0, move], [0, 0]]),
            up * np.array([[keep, 0], [0, 1]]),
            up * np.array([[0, 0], [move, 0]]),
        ]
    )


def phase_damping(strength: float) -> CPTP:
    """Return loss of coherence: off-diagonal elements shrink by ``sqrt(1 - strength)``; a mixture of 1 and Z."""
    coherence = np.sqrt(1 - _probability(strength, "strength"))
    return random_unitary([(1 + coherence) / 2, (1 - coherence) / 2], PAULIS[[0, 3]])


def depolarizing(p: float, qubits: int = 1) -> CPTP:
    """Return ``rho -> (1 - p) rho + p 1/2^n``, a mixture of all 4^n Pauli operators."""
    p, size = _probability(p, "p"), 4 ** _count(qubits)
    weights = np.full(size, p / size)
    weights[0] += 1 - p
    return random_unitary(weights.tolist(), pauli_operators(qubits))


def pauli(weights: Sequence[float]) -> CPTP:
    """Return a mixture of Pauli operators.

    Args:
        weights: 4^n probabilities; the index's base-4 digits are I, X, Y, Z, qubit 0 the least significant digit.
    """
    qubits = (len(weights).bit_length() - 1) // 2
    if len(weights) != 4**qubits or not qubits:
        raise InputError("a Pauli channel has 4^n weights", got=len(weights), expected="4, 16, 64, …")
    return random_unitary(weights, pauli_operators(qubits))


def pauli_operators(qubits: int) -> ComplexArray:
    """Return all 4^n Pauli operators, shape (4^n, 2^n, 2^n), qubit 0 the least significant base-4 digit."""
    result = np.ones((1, 1, 1), dtype=np.complex128)
    for _ in range(qubits):
        result = np.einsum("pij,qkl->pqikjl", PAULIS, result).reshape(4 * len(result), 2 * result.shape[1], -1)
    return result


def random_unitary(weights: Sequence[float], unitaries: Any) -> CPTP:
    """Return ``rho -> sum_a w_a U_a rho U_a^dagger``.

    Args:
        weights: probabilities.
        unitaries: shape (R, 2^n, 2^n).
    """
    probabilities, operators = _weights(weights, "weight"), np.asarray(unitaries, dtype=np.complex128)
    if operators.ndim != 3 or len(operators) != len(probabilities) or operators.shape[1] != operators.shape[2]:
        raise InputError("one square matrix a weight", got=f"shape {operators.shape}", expected=f"({len(probabilities)}, D, D)")
    identity = np.einsum("aji,ajk->aik", operators.conj(), operators)
    if abs(identity - np.eye(operators.shape[1])).max() > 1e-9:
        raise InputError("an operator is not unitary", got=f"violation {abs(identity - np.eye(operators.shape[1])).max():.3g}")
    return CPTP.from_kraus(np.sqrt(probabilities)[:, None, None] * operators)


def erasure(p: float) -> CPTP:
    """Return the erasure of a qubit: with probability p it is replaced by a third, flagged level.

    The output is two qubits: ``|00>, |01>`` hold the qubit, ``|10>`` is the flag, ``|11>`` is never reached.
    """
    p = _probability(p, "p")
    operators = np.zeros((3, 4, 2))
    operators[0, :2] = np.sqrt(1 - p) * np.eye(2)
    operators[1, 2, 0] = operators[2, 2, 1] = np.sqrt(p)
    return CPTP.from_kraus(operators)


def replacement(state: Any) -> CPTP:
    """Return the channel that throws its input away and prepares a density matrix or state vector of the same size."""
    rho = np.asarray(state, dtype=np.complex128)
    rho = np.outer(rho, rho.conj()) if rho.ndim == 1 else rho
    return measure_and_prepare([np.eye(len(rho))], [rho])


def measure_and_prepare(povm: Any, states: Any) -> CPTP:
    """Return ``rho -> sum_x Tr(M_x rho) sigma_x``: entanglement breaking.

    Args:
        povm: positive matrices that add up to the identity, shape (X, D_in, D_in).
        states: density matrices or state vectors, X of them.
    """
    effects = np.asarray(povm, dtype=np.complex128)
    prepared = [np.asarray(s, dtype=np.complex128) for s in states]
    if effects.ndim != 3 or len(effects) != len(prepared):
        raise InputError("one state for each effect", got=f"{len(effects)} and {len(prepared)}", expected="as many")
    operators = []
    for effect, state in zip(effects, prepared, strict=True):
        rho = np.outer(state, state.conj()) if state.ndim == 1 else state
        for p, bra in _eigenpairs(effect, "an effect of the POVM"):
            operators += [np.sqrt(p * q) * np.outer(ket, bra.conj()) for q, ket in _eigenpairs(rho, "a state")]
    return CPTP.from_kraus(operators)


def povm(effects: Any) -> CPTP:
    """Return the instrument that measures a POVM and keeps nothing but the outcome: no output qubits, labels 0, 1, ...

    Args:
        effects: positive matrices that add up to the identity, shape (X, D, D).
    """
    matrices = np.asarray(effects, dtype=np.complex128)
    if matrices.ndim != 3:
        raise InputError("a POVM is a stack of matrices", got=f"shape {matrices.shape}", expected="(X, D, D)")
    rows, labels = [], []
    for outcome, effect in enumerate(matrices):
        for p, ket in _eigenpairs(effect, "an effect of the POVM"):
            rows.append(np.sqrt(p) * ket.conj()[None])
            labels.append(outcome)
    return CPTP.from_kraus(rows, labels=labels)


def _eigenpairs(matrix: ComplexArray, what: str) -> list[tuple[float, ComplexArray]]:
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or abs(matrix - matrix.conj().T).max() > 1e-9:
        raise InputError(f"{what} is no Hermitian matrix", got=f"shape {matrix.shape}")
    values, vectors = np.linalg.eigh(matrix)
    if values[0] < -1e-9:
        raise InputError(f"{what} is not positive", got=f"eigenvalue {values[0]:.3g}", expected="at least 0")
    return [(float(v), vectors[:, i]) for i, v in enumerate(values) if v > 1e-15]


def random_channel(
    inputs: int, rank: int, *, outputs: int | None = None, seed: int | np.random.Generator | None = None
) -> CPTP:
    """Return the channel of a Haar-random isometry from m to n qubits and an environment of dimension ``rank``."""
    m, n = _count(inputs), _count(inputs if outputs is None else outputs)
    rank = _count(rank)
    if rank << n < 1 << m:
        raise InputError(
            "there is no such channel", got=f"rank {rank} from {m} to {n} qubits", expected=f"rank >= {1 << (m - n)}"
        )
    rng = np.random.default_rng(seed)
    gaussian = rng.normal(size=(2, rank << n, 1 << m))
    isometry, triangle = np.linalg.qr(gaussian[0] + 1j * gaussian[1])
    phases = np.diag(triangle) / abs(np.diag(triangle))
    return CPTP.from_isometry(isometry * phases, dims=(1 << m, 1 << n))


def _count(value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise InputError("a number of qubits or operators is no whole number of at least 1", got=value, expected="1, 2, …")
    return int(value)
