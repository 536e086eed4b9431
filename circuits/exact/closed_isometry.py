# SPDX-License-Identifier: Apache-2.0
"""Isometries by exact constructions, Qiskit's and ours: the cheapest one that is accurate.

Candidates are Householder-like column by column (arXiv:1501.06911), the quantum Shannon decomposition of a completion
(quant-ph/0406176), its real form where the matrix is real, and on two wires Cartan's decomposition (quant-ph/0308033).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from stinespring.circuits.core.from_qiskit import translated
from stinespring.circuits.core.gates import Gate, count_two_qubit
from stinespring.circuits.core.one_qubit import u_gate, wire_gates
from stinespring.circuits.core.simulate import gate_isometry
from stinespring.circuits.exact.orthogonal import shannon_gates
from stinespring.circuits.exact.real_orthogonal import orthogonal_gates
from stinespring.circuits.exact.two_qubit_unitary import two_qubit_gates, without_zz
from stinespring.readings import ComplexArray

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = ["closed_isometry", "complete"]

NOTHING = 1e-14  # Schmidt coefficients below this make a product
EXACT = 3e-13  # largest error of an entry of the isometry


def complete(isometry: ComplexArray) -> ComplexArray:
    """Return a unitary whose first columns are those of an isometry."""
    rows, columns = isometry.shape
    if rows == columns:
        return isometry
    left = np.linalg.svd(isometry)[0]
    return np.concatenate([isometry, left[:, columns:]], axis=1)


def closed_isometry(isometry: ComplexArray, *, accept: Callable[[list[Gate]], bool] | None = None) -> list[Gate]:
    """Return gates that realise an isometry, up to a phase; wires m..q-1 start in |0>.

    Args:
        isometry: shape (2^q, 2^m).
        accept: whether gates are accurate; by default, to 3e-13 in every entry of the isometry.
    """
    accept = accept or (lambda gates: _accurate(gates, isometry))
    rows, columns = isometry.shape
    width, inputs = rows.bit_length() - 1, columns.bit_length() - 1
    if width <= 1:
        return u_gate(0, complete(isometry)) if width else []
    best: list[Gate] | None = None
    from qiskit.exceptions import QiskitError

    for build in _constructions(isometry, width, inputs):
        try:
            gates = build()
        except QiskitError:  # some isometries are beyond its numerics
            continue
        if (best is None or count_two_qubit(gates) < count_two_qubit(best)) and accept(gates):
            best = gates
    return best if best is not None else shannon_gates(complete(isometry))


def _accurate(gates: list[Gate], isometry: ComplexArray) -> bool:
    rows, columns = isometry.shape
    made = gate_isometry(gates, rows.bit_length() - 1, columns.bit_length() - 1)
    overlap = complex(np.vdot(made, isometry))
    return bool(abs(made * (overlap / max(abs(overlap), 1e-300)) - isometry).max() <= EXACT)


def _constructions(isometry: ComplexArray, width: int, inputs: int) -> Iterator[Callable[[], list[Gate]]]:
    from qiskit import QuantumCircuit
    from qiskit.circuit.library import CXGate, Isometry
    from qiskit.synthesis import TwoQubitBasisDecomposer, qs_decomposition

    def columnwise() -> QuantumCircuit:
        whole = QuantumCircuit(width)
        whole.append(Isometry(isometry, 0, 0), range(width))
        return whole

    unitary = complete(isometry)
    if width > 2 and inputs >= width - 1 and not isometry.imag.any():
        yield lambda: orthogonal_gates(unitary.real)
    if width == 2:
        by_cartan = TwoQubitBasisDecomposer(CXGate())
        if not inputs:
            yield lambda: wire_gates(translated(_two_qubit_state(isometry)), width)
        if inputs == 1:
            angle, core = without_zz(unitary)
            first = Gate("rz", (0,), (angle,))
            yield lambda: wire_gates([first, *wire_gates(translated(by_cartan(core)), width)], width)
            yield lambda: wire_gates([first, *two_qubit_gates(core)], width)
        yield lambda: wire_gates(translated(by_cartan(unitary)), width)
        yield lambda: two_qubit_gates(unitary)
        return
    if inputs < width:
        yield lambda: wire_gates(translated(columnwise()), width)
    if inputs >= width - 1:
        yield lambda: wire_gates(translated(qs_decomposition(unitary)), width)


def _two_qubit_state(state: ComplexArray) -> QuantumCircuit:
    """Return a circuit of one CX that prepares a state, shape (4, 1), from its Schmidt form."""
    from qiskit import QuantumCircuit
    from qiskit.circuit.library import UnitaryGate

    high, weights, low = np.linalg.svd(state.reshape(2, 2))
    circuit = QuantumCircuit(2)
    circuit.ry(2 * float(np.arctan2(weights[1], weights[0])), 0)
    if weights[1] > NOTHING:
        circuit.cx(0, 1)
    circuit.append(UnitaryGate(low.T), [0])
    circuit.append(UnitaryGate(high), [1])
    return circuit
