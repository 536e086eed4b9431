# SPDX-License-Identifier: Apache-2.0
"""Mixtures of Pauli operators: a state of the environment and one controlled Pauli for each of its qubits.

``rho -> sum_P p_P P rho P``, where the P with p_P > 0 lie in a group of 2^k operators (up to phases), k the qubits of the
environment. With generators G_1..G_k of it, the environment is prepared with ``|<b|psi>|^2 = p_{G^b}``, and its qubit i
controls G_i. Phases of the state commute with the controls and are free.
"""

from __future__ import annotations

from functools import reduce
from itertools import product

import numpy as np

from stinespring.circuits.core.gates import Gate, count_two_qubit
from stinespring.circuits.core.one_qubit import wire_gates
from stinespring.circuits.exact.multiplexer import law_gates
from stinespring.circuits.search.joint_search import joint_circuit
from stinespring.readings import ComplexArray, FloatArray

__all__ = ["pauli_channel_gates", "pauli_weights"]

PAULIS = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[1, 0], [0, -1]], [[0, -1j], [1j, 0]]])  # by bits x + 2 z
NONE = 1e-14  # a weight below this is rounding
LARGEST = 4  # qubits


def pauli_weights(kraus: ComplexArray) -> FloatArray | None:
    """Return the weights of a mixture of Paulis, shape (4,) * n, index x + 2 z of qubit 0 last; None for another channel.

    Args:
        kraus: shape (r, 2^n, 2^n).
    """
    qubits = kraus.shape[1].bit_length() - 1
    if kraus.shape[1] != kraus.shape[2] or not 1 <= qubits <= LARGEST:
        return None
    tensor = kraus.reshape(-1, *(2,) * (2 * qubits))
    for q in range(qubits):  # row and column axes of one qubit become one axis of Paulis, at the end
        tensor = np.tensordot(tensor, PAULIS.conj() / 2, axes=((1, 1 + qubits - q), (1, 2)))
    rows = tensor.reshape(kraus.shape[0], -1)
    chi = rows.T @ rows.conj()
    weights = np.diag(chi).real
    if abs(chi - np.diag(weights)).max() > NONE:
        return None
    return np.where(weights > NONE, weights, 0.0).reshape((4,) * qubits)


def pauli_channel_gates(kraus: ComplexArray, environment: int, *, effort: float, seed: int) -> list[Gate] | None:
    """Return the circuit of a mixture of Paulis, or None for another channel or a group larger than the environment.

    Args:
        kraus: shape (r, 2^n, 2^n).
        environment: k; its wires are n..n+k-1.
        effort: about the seconds of search for the state of the environment.
        seed: of the search.
    """
    weights = pauli_weights(kraus)
    if weights is None or not environment:
        return None
    qubits = weights.ndim
    words = {_word(index): float(weights[index]) for index in zip(*np.nonzero(weights), strict=True)}
    generators = _generators(list(words), environment, qubits)
    if generators is None:
        return None
    law = np.zeros(1 << environment)
    for bits in range(law.size):
        members = [g for i, g in enumerate(generators) if bits >> i & 1]
        law[bits] = words.get(reduce(lambda a, b: a ^ b, members, 0), 0.0)
    prepared = _state(law / law.sum(), effort=effort, seed=seed)
    gates = [Gate(g.name, tuple(q + qubits for q in g.qubits), g.params) for g in prepared]
    for i, word in enumerate(generators):
        for q in range(qubits):
            gates += _controlled_pauli(qubits + i, q, word >> 2 * q & 3)
    return wire_gates(gates, qubits + environment)


def _word(index: tuple[int, ...]) -> int:
    """Return the Pauli as bits, two for each qubit."""
    return sum(int(p) << 2 * q for q, p in enumerate(reversed(index)))


def _controlled_pauli(control: int, target: int, pauli: int) -> list[Gate]:
    pair = (control, target)
    turn = Gate("rz", (target,), (np.pi / 2,))
    back = Gate("rz", (target,), (-np.pi / 2,))
    return [[], [Gate("cx", pair)], [Gate("cz", pair)], [back, Gate("cx", pair), turn]][pauli]


def _generators(words: list[int], most: int, qubits: int) -> list[int] | None:
    """Return the lightest generators of the group, filled up to ``most`` of them; None if it needs more."""
    span = [0]
    for word in words:
        if word not in span:
            span += [word ^ other for other in span]
    if len(span) > 1 << most:
        return None
    inside = set(span)
    light = sorted((w for w in _all_words(qubits) if w in inside and w), key=lambda w: _weight(w, qubits))
    chosen: list[int] = []
    reached = {0}
    for word in light:
        if word not in reached:
            chosen.append(word)
            reached |= {word ^ other for other in reached}
    return chosen + [0] * (most - len(chosen))


def _all_words(qubits: int) -> list[int]:
    return [sum(p << 2 * q for q, p in enumerate(index)) for index in product(range(4), repeat=qubits)]


def _weight(word: int, qubits: int) -> int:
    return sum(word >> 2 * q & 3 > 0 for q in range(qubits))


def _state(law: FloatArray, *, effort: float, seed: int) -> list[Gate]:
    """Return gates of a state with given probabilities."""
    size = law.size.bit_length() - 1
    gates = list(law_gates(law[None], range(size), negligible=1e-15))
    limit = count_two_qubit(gates)
    if size > 1 and effort > 0 and limit > 1:
        care = np.ones(1, dtype=bool)
        bound = max(1, -(-(law.size - 1 - size) // 4))
        found = joint_circuit(law[None], care, limit=limit, bound=bound, free_codes=False, effort=effort, seed=seed)
        if found is not None:
            return found[0]
    return gates
