# SPDX-License-Identifier: Apache-2.0
"""Isometries by the exact constructions of Qiskit: the cheapest one that is accurate.

Candidates are Householder-like column by column (arXiv:1501.06911), the quantum Shannon decomposition of a completion
(quant-ph/0406176), and on two wires Cartan's decomposition (quant-ph/0308033).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from stinespring.circuits.gate_isometry import gate_isometry
from stinespring.circuits.gates import Gate, count_two_qubit
from stinespring.circuits.one_qubit import u_gate, wire_gates
from stinespring.circuits.sequence import ComplexArray

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = ["closed_isometry", "complete", "without_zz"]

NOTHING = 1e-14  # Schmidt coefficients below this make a product
EXACT = 3e-13  # largest error of an entry of the isometry


def complete(isometry: ComplexArray) -> ComplexArray:
    """Return a unitary whose first columns are those of an isometry."""
    rows, columns = isometry.shape
    if rows == columns:
        return isometry
    left = np.linalg.svd(isometry)[0]
    return np.concatenate([isometry, left[:, columns:]], axis=1)


def closed_isometry(isometry: ComplexArray) -> list[Gate]:
    """Return gates that realise an isometry, shape (2^q, 2^m), up to a phase; wires m..q-1 start in |0>.

    Raises:
        RuntimeError: if no construction is accurate, which would be a defect.
    """
    rows, columns = isometry.shape
    width, inputs = rows.bit_length() - 1, columns.bit_length() - 1
    if width <= 1:
        return u_gate(0, complete(isometry)) if width else []
    best: list[Gate] | None = None
    for build in _constructions(isometry, width, inputs):
        gates = _translated(build(), width)
        if (best is None or count_two_qubit(gates) < count_two_qubit(best)) and _accurate(gates, isometry):
            best = gates
    if best is None:
        raise RuntimeError(f"no exact construction of an isometry of shape {isometry.shape} is accurate to {EXACT}")
    return best


def _accurate(gates: list[Gate], isometry: ComplexArray) -> bool:
    rows, columns = isometry.shape
    made = gate_isometry(gates, rows.bit_length() - 1, columns.bit_length() - 1)
    overlap = complex(np.vdot(made, isometry))
    return bool(abs(made * (overlap / max(abs(overlap), 1e-300)) - isometry).max() <= EXACT)


def _constructions(isometry: ComplexArray, width: int, inputs: int) -> Iterator[Callable[[], QuantumCircuit]]:
    from qiskit import QuantumCircuit
    from qiskit.circuit.library import CXGate, Isometry
    from qiskit.synthesis import TwoQubitBasisDecomposer, qs_decomposition

    def columnwise() -> QuantumCircuit:
        whole = QuantumCircuit(width)
        whole.append(Isometry(isometry, 0, 0), range(width))
        return whole

    def past_a_diagonal() -> QuantumCircuit:
        angle, core = without_zz(unitary)
        whole = QuantumCircuit(2)
        whole.rz(angle, 0)
        return whole.compose(TwoQubitBasisDecomposer(CXGate())(core))

    unitary = complete(isometry)
    if width == 2:
        if not inputs:
            yield lambda: _two_qubit_state(isometry)
        if inputs == 1:
            yield past_a_diagonal
        yield lambda: TwoQubitBasisDecomposer(CXGate())(unitary)
        return
    if inputs < width:
        yield columnwise
    if inputs >= width - 1:
        yield lambda: qs_decomposition(unitary)


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


def without_zz(unitary: ComplexArray) -> tuple[float, ComplexArray]:
    """Return t and V of ``U = V exp(-i t/2 Z (x) Z)``, where V takes two CX.

    Two suffice where the trace of ``V Y V^T Y``, Y = sigma_y (x) sigma_y, is real for V in SU(4) (quant-ph/0308045). Where the
    second wire is in |0>, the factor is ``Rz(t)`` on the first.
    """
    flip = np.diag([-1.0, 1.0, 1.0, -1.0])[::-1]
    special = unitary / np.linalg.det(unitary) ** 0.25
    even, odd = np.diag([1.0, 0.0, 0.0, 1.0]), np.diag([0.0, 1.0, 1.0, 0.0])
    outer, inner = (np.trace(special @ part @ flip @ special.T @ flip) for part in (even, odd))
    # exp(i t/2 ZZ) on the right multiplies the first trace by exp(i t) and the second by exp(-i t)
    angle = float(np.arctan2(outer.imag + inner.imag, inner.real - outer.real))
    return angle, unitary * np.exp(0.5j * angle * np.array([1.0, -1.0, -1.0, 1.0]))


def _translated(circuit: QuantumCircuit, width: int) -> list[Gate]:
    """Return a Qiskit circuit as ``u`` and ``cx``."""
    from qiskit import transpile

    flat = transpile(circuit, basis_gates=["u", "cx"], optimization_level=1, seed_transpiler=0, approximation_degree=1.0)
    gates = [
        Gate(
            item.operation.name,
            tuple(flat.find_bit(q).index for q in item.qubits),
            tuple(float(p) for p in item.operation.params),
        )
        for item in flat.data
        if item.operation.name in ("u", "cx")
    ]
    return wire_gates(gates, width)
