# SPDX-License-Identifier: Apache-2.0
"""What gates do, by Qiskit's operators."""

from __future__ import annotations

import numpy as np
from qiskit import QuantumCircuit
from qiskit.quantum_info import Operator, Statevector

from stinespring.circuits.core.gates import append


def qiskit_isometry(gates, width, inputs):
    """The first columns of the unitary that Qiskit finds for the circuit."""
    circuit = QuantumCircuit(width)
    append(circuit, gates)
    return Operator(circuit).data[:, : 1 << inputs] if inputs else Statevector(circuit).data[:, None]


def same_up_to_phase(found, wanted, atol):
    """Assert that two arrays differ by a global phase only."""
    overlap = np.vdot(found, wanted)
    np.testing.assert_allclose(found * overlap / abs(overlap), wanted, atol=atol)
