# SPDX-License-Identifier: Apache-2.0
"""Which of Aer's methods simulates a circuit: from its qubits, its gates, its noise and what it measures on the way."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stinespring.circuits.devices.read_back import is_dynamic
from stinespring.errors import TooLargeError
from stinespring.memory import capacity

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = [
    "BRANCHING",
    "GATES",
    "METHODS",
    "Choice",
    "choose",
    "density_qubits",
    "only_gates",
    "state_bytes",
    "statevector_qubits",
]

METHODS = ("auto", "statevector", "matrix_product_state", "density_matrix", "stabilizer", "extended_stabilizer")
# Aer lets shots share states only here: on macOS it calls that unstable, and with noise it is wrong (Aer 0.18 forgets the
# readout errors, and a density matrix gives 0 and 1 evenly)
BRANCHING = frozenset() if sys.platform == "darwin" else frozenset({"statevector"})
SHARE = 0.7  # of the machine's memory that one state may take
CLIFFORD = frozenset("id x y z h s sdg sx sxdg cx cy cz swap ecr iswap measure reset barrier delay if_else".split())  # noqa: SIM905
# what the methods that do not have every gate do have; the extended one also a few others, but no rotations, and no conditions
GATES = {
    "stabilizer": CLIFFORD,
    "extended_stabilizer": CLIFFORD - {"if_else", "ecr", "iswap", "cy"} | {"t", "tdg", "p", "ccx", "ccz"},
}
RANK_TWO = frozenset("cx cy cz ch crx cry crz cp cu cs csdg csx rxx ryy rzz rzx ecr".split())  # noqa: SIM905
MOST_BOND = 10  # matrices of a product state up to 2^10 x 2^10
OVERHEAD = 1 << 6  # amplitudes that one gate costs at least


class Choice(NamedTuple):
    """A method, why, and whether states should be shared between shots."""

    method: str
    why: str
    branching: bool = False


def statevector_qubits(memory: int | None = None) -> int:
    """Return how many qubits' amplitudes (16 bytes each) fit in the memory, in MB; by default 70 % of what it may have."""
    room = SHARE * capacity().size if memory is None else memory * 2.0**20
    return int(np.log2(max(16.0, room) / 16))


def density_qubits(memory: int | None = None) -> int:
    """Return how many qubits' density matrix fits in the memory."""
    return statevector_qubits(memory) // 2


def state_bytes(qubits: int, method: str) -> float:
    """Return what a state of this many qubits takes in Aer: 16 bytes an amplitude, and nothing beside it (measured)."""
    return {"statevector": 16.0 * 2.0**qubits, "density_matrix": 16.0 * 4.0**qubits}.get(method, 0.0)


def choose(circuit: QuantumCircuit, *, shots: int, noise: bool, memory: int | None = None) -> Choice:
    """Return the method for a circuit.

    Without noise a statevector, where it fits; beyond that the stabilizer formalism for Clifford circuits and a matrix
    product state for circuits whose entanglement across any cut of the line of qubits is bounded by few two-qubit gates.
    With noise one density matrix where nothing is measured on the way and that takes fewer operations than a statevector a
    shot; else the latter.

    Raises:
        TooLargeError: no method fits.
    """
    qubits, limit, dynamic = circuit.num_qubits, statevector_qubits(memory), is_dynamic(circuit)
    if noise and not dynamic and qubits <= density_qubits(memory):
        matrix, vectors = 4**qubits, shots * max(2**qubits, OVERHEAD)
        if matrix <= vectors:
            return Choice("density_matrix", f"noise: {matrix:,} entries for all shots, {vectors:,} amplitudes one by one")
    if qubits <= limit:
        why = "noise: one trajectory a shot" if noise else f"{qubits} qubits fit in memory, of at most {limit}"
        return Choice("statevector", why, not noise and dynamic and bool(BRANCHING))
    if not noise and only_gates(circuit, CLIFFORD):
        return Choice("stabilizer", f"{qubits} qubits, and every gate is Clifford")
    bond = bond_bound(circuit)
    if bond <= MOST_BOND:
        return Choice("matrix_product_state", f"{qubits} qubits, entangled by at most {bond} bits across any cut")
    raise TooLargeError(
        "no method of Aer holds the program's state",
        got=f"{qubits} qubits",
        expected=f"at most {limit} qubits, or at most 2^{MOST_BOND} Schmidt coefficients across any cut (here up to 2^{bond})",
        todo="use --schedule stepwise, fewer steps, or --backend 'aer?method=matrix_product_state'",
    )


def only_gates(circuit: QuantumCircuit, gates: frozenset[str]) -> bool:
    """Return whether a circuit has operations of these names only, inside conditions too."""
    blocks = [block for item in circuit.data for block in getattr(item.operation, "blocks", ())]
    return set(circuit.count_ops()) <= gates and all(only_gates(block, gates) for block in blocks)


def bond_bound(circuit: QuantumCircuit) -> int:
    """Return a bound on the logarithm of the Schmidt rank across any cut of the line of qubits.

    A gate that crosses a cut multiplies the rank by at most 4 for each further qubit, a CX or CZ by 2; the rank never
    exceeds that of the smaller side. Resets and measurements do not raise it.
    """
    crossed = np.zeros(circuit.num_qubits + 1, dtype=np.int64)

    def add(block: QuantumCircuit, place: list[int]) -> None:
        for item in block.data:
            where = [place[block.find_bit(q).index] for q in item.qubits]
            for inner in getattr(item.operation, "blocks", ()):
                add(inner, where)
            if len(where) > 1 and not hasattr(item.operation, "blocks") and item.operation.name != "barrier":
                weight = 1 if item.operation.name in RANK_TWO else 2 * (len(where) - 1)
                crossed[min(where) + 1] += weight
                crossed[max(where) + 1] -= weight

    add(circuit, list(range(circuit.num_qubits)))
    across = np.cumsum(crossed)[1 : circuit.num_qubits]
    size = np.minimum(np.arange(1, circuit.num_qubits), np.arange(circuit.num_qubits - 1, 0, -1))
    return int(np.minimum(across, size).max(initial=0))
