# SPDX-License-Identifier: Apache-2.0
"""How other packages compile the same laws: one function a route, each returning that package's own lowered circuit.

Every route gets the law P(t|x) and ends with CX and one-qubit gates, all-to-all, in the package's default way of lowering.
Qubits: the context x first, least significant bit first, then the new token.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.gatelist import Step
from benchmarks.instances import Instance

__all__ = ["ROUTES", "Route"]

EXACT, DIAGONAL = "exact", "up to a diagonal"
SMALL = 6  # qubits up to which Qiskit's Isometry is asked
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Route:
    """A way to compile a law.

    Attributes:
        name: package and construction.
        package: what must be installed.
        promise: ``exact`` (the isometry with its phases), ``up to a diagonal`` or ``law only``.
        build: from an instance to the package's lowered circuit; this is what is timed.
        read: from that circuit to its steps.
        kinds: which kinds of instances it is for.
        most_qubits: larger instances are not asked of it.
    """

    name: str
    package: str
    promise: str
    build: Callable[[Instance], Any]
    read: Callable[[Any], list[Step]]
    kinds: tuple[str, ...] = ("block", "dense", "prep")
    most_qubits: int = 64


def rotations(instance: Instance) -> Iterator[tuple[int, list[int], FloatArray]]:
    """Yield target, controls (least significant first) and angles of each uniformly controlled Ry of the isometry.

    The token's most significant bit comes first and controls the next; angles are indexed with the controls' value.
    """
    k, first = instance.k, instance.k * instance.n
    mass, levels = instance.P, []
    for _ in range(k):
        pairs = mass.reshape(len(mass), -1, 2)
        levels.append(2 * np.arctan2(np.sqrt(pairs[..., 1]), np.sqrt(pairs[..., 0])).T.ravel())
        mass = pairs.sum(axis=-1)
    for bit in range(k - 1, -1, -1):
        yield first + bit, [*range(first), *range(first + bit + 1, first + k)], levels[bit]


# Qiskit


def qiskit_lowered(circuit: Any, level: int = 0) -> Any:
    """Return the circuit over {cx, u}."""
    from qiskit import transpile

    return transpile(circuit, basis_gates=["cx", "u"], optimization_level=level, seed_transpiler=1)


def qiskit_ucry(instance: Instance, level: int = 0) -> Any:
    """Chain of UCRYGate."""
    from qiskit import QuantumCircuit
    from qiskit.circuit.library import UCRYGate

    circuit = QuantumCircuit(instance.qubits)
    for target, controls, theta in rotations(instance):
        circuit.append(UCRYGate(theta.tolist()), [target, *controls])
    return qiskit_lowered(circuit, level)


def qiskit_ucgate(instance: Instance) -> Any:
    """Chain of UCGate up to a diagonal, which later gates and the measurement do not see."""
    from qiskit import QuantumCircuit
    from qiskit.circuit.library import UCGate

    circuit = QuantumCircuit(instance.qubits)
    for target, controls, theta in rotations(instance):
        c, s = np.cos(theta / 2), np.sin(theta / 2)
        matrices = np.array([[c, -s], [s, c]], dtype=complex).transpose(2, 0, 1)
        circuit.append(UCGate(list(matrices), up_to_diagonal=True), [target, *controls])
    return qiskit_lowered(circuit)


def qiskit_preparation(instance: Instance) -> Any:
    """StatePreparation."""
    from qiskit import QuantumCircuit

    circuit = QuantumCircuit(instance.qubits)
    circuit.prepare_state(np.sqrt(instance.P[0]))
    return qiskit_lowered(circuit)


def qiskit_isometry(instance: Instance) -> Any:
    """Isometry, given the whole matrix."""
    from qiskit import QuantumCircuit
    from qiskit.circuit.library import Isometry

    contexts, d = instance.P.shape
    V = np.zeros((d, contexts, contexts), dtype=complex)
    V[:, np.arange(contexts), np.arange(contexts)] = np.sqrt(instance.P).T
    circuit = QuantumCircuit(instance.qubits)
    circuit.append(Isometry(V.reshape(d * contexts, contexts), 0, 0), range(instance.qubits))
    return qiskit_lowered(circuit)


def from_qiskit(circuit: Any) -> list[Step]:
    """Return the steps of a Qiskit circuit over {cx, u}."""
    steps = []
    for instruction in circuit.data:
        on = tuple(circuit.find_bit(q).index for q in instruction.qubits)
        if instruction.operation.name == "cx":
            steps.append(Step(on))
        elif len(on) == 1:
            steps.append(Step(on, instruction.operation.to_matrix()))
        elif instruction.operation.name != "barrier":
            raise ValueError(f"{instruction.operation.name} is neither cx nor a one-qubit gate")
    return steps


# qclib: Qiskit circuits


def qclib_multiplexor(instance: Instance, *, last: bool = True) -> Any:
    """Chain of qclib's recursive multiplexor; without its last CZ it holds up to a diagonal."""
    from qclib.gates.ucr import multiplexor
    from qiskit import QuantumCircuit
    from qiskit.circuit.library import CXGate, CZGate, RYGate

    circuit = QuantumCircuit(instance.qubits)
    for target, controls, theta in rotations(instance):
        part = multiplexor(RYGate, theta, CXGate if last else CZGate, last)
        circuit.compose(part, [target, *controls], inplace=True)
    return qiskit_lowered(circuit)


def qclib_preparation(instance: Instance, *, name: str, level: int = 0) -> Any:
    """One of qclib's state preparations."""
    import qclib.state_preparation as methods
    from qiskit import QuantumCircuit

    circuit = QuantumCircuit(instance.qubits)
    circuit.append(getattr(methods, name)(np.sqrt(instance.P[0])), range(instance.qubits))
    return qiskit_lowered(circuit, level)


# PennyLane


def pennylane_lowered(operations: list[Any]) -> Any:
    """Return the operations over {CNOT, RX, RY, RZ}."""
    import pennylane as qml

    tapes, _ = qml.transforms.decompose(
        qml.tape.QuantumScript(operations), gate_set={qml.CNOT, qml.RX, qml.RY, qml.RZ, qml.GlobalPhase}
    )
    return tapes[0].operations


def pennylane_rotations(instance: Instance) -> Any:
    """Chain of SelectPauliRot; a rotation without controls is RY."""
    import pennylane as qml

    chain = [
        qml.SelectPauliRot(theta, control_wires=controls[::-1], target_wire=target, rot_axis="Y")
        if controls
        else qml.RY(theta[0], target)
        for target, controls, theta in rotations(instance)
    ]
    return pennylane_lowered(chain)


def pennylane_preparation(instance: Instance) -> Any:
    """MottonenStatePreparation."""
    import pennylane as qml

    return pennylane_lowered([qml.MottonenStatePreparation(np.sqrt(instance.P[0]), wires=range(instance.qubits - 1, -1, -1))])


def from_pennylane(operations: Any) -> list[Step]:
    """Return the steps of PennyLane operations."""
    steps = []
    for operation in operations:
        if operation.name == "CNOT":
            steps.append(Step(tuple(operation.wires.tolist())))
        elif len(operation.wires) == 1:
            steps.append(Step(tuple(operation.wires.tolist()), np.asarray(operation.matrix(), dtype=complex)))
        elif operation.name != "GlobalPhase":
            raise ValueError(f"{operation.name} is neither CNOT nor a one-qubit gate")
    return steps


# pytket


def pytket_lowered(circuit: Any) -> Any:
    """Return the circuit over {CX, U3}."""
    from pytket.circuit import OpType
    from pytket.passes import AutoRebase, DecomposeBoxes

    DecomposeBoxes().apply(circuit)
    AutoRebase({OpType.CX, OpType.U3}).apply(circuit)
    return circuit


def pytket_rotations(instance: Instance) -> Any:
    """Chain of MultiplexedRotationBox; a rotation without controls is Ry."""
    from pytket import Circuit
    from pytket.circuit import MultiplexedRotationBox, OpType

    circuit = Circuit(instance.qubits)
    for target, controls, theta in rotations(instance):
        if controls:
            box = MultiplexedRotationBox((theta / np.pi).tolist(), OpType.Ry)
            circuit.add_gate(box, [*controls[::-1], target])
        else:
            circuit.Ry(theta[0] / np.pi, target)
    return pytket_lowered(circuit)


def pytket_diagonal(instance: Instance) -> Any:
    """Chain of MultiplexedU2Box without its final diagonal."""
    from pytket import Circuit
    from pytket.circuit import MultiplexedU2Box, Op, OpType

    circuit = Circuit(instance.qubits)
    for target, controls, theta in rotations(instance):
        if controls:
            bits = (np.arange(len(theta))[:, None] >> np.arange(len(controls))[::-1]) & 1
            table = [(b.astype(bool).tolist(), Op.create(OpType.Ry, a)) for b, a in zip(bits, theta / np.pi, strict=True)]
            circuit.add_gate(MultiplexedU2Box(table, impl_diag=False), [*controls[::-1], target])
        else:
            circuit.Ry(theta[0] / np.pi, target)
    return pytket_lowered(circuit)


def pytket_preparation(instance: Instance) -> Any:
    """StatePreparationBox."""
    from pytket import Circuit
    from pytket.circuit import StatePreparationBox

    circuit = Circuit(instance.qubits)
    amplitudes = np.sqrt(instance.P[0]).astype(complex)
    circuit.add_gate(StatePreparationBox(amplitudes), list(range(instance.qubits - 1, -1, -1)))
    return pytket_lowered(circuit)


def from_pytket(circuit: Any) -> list[Step]:
    """Return the steps of a pytket circuit over {CX, U3}."""
    from pytket.circuit import OpType

    steps = []
    for command in circuit:
        on = tuple(q.index[0] for q in command.qubits)
        if command.op.type == OpType.CX:
            steps.append(Step(on))
        elif len(on) == 1:
            steps.append(Step(on, command.op.get_unitary()))
        else:
            raise ValueError(f"{command.op.type} is neither CX nor a one-qubit gate")
    return steps


def prepare(name: str, level: int = 0) -> Callable[[Instance], Any]:
    """Return one of qclib's state preparations as a route."""
    return lambda instance: qclib_preparation(instance, name=name, level=level)


PREP, CONDITIONAL = ("prep",), ("block", "dense")
ROUTES = (
    Route("Qiskit UCRY", "qiskit", EXACT, qiskit_ucry, from_qiskit),
    Route("Qiskit UCRY, level 3", "qiskit", EXACT, lambda i: qiskit_ucry(i, 3), from_qiskit),
    Route("Qiskit UCGate", "qiskit", DIAGONAL, qiskit_ucgate, from_qiskit),
    Route("Qiskit Isometry", "qiskit", EXACT, qiskit_isometry, from_qiskit, CONDITIONAL, SMALL),
    Route("Qiskit StatePreparation", "qiskit", EXACT, qiskit_preparation, from_qiskit, PREP),
    Route("qclib multiplexor", "qclib", EXACT, qclib_multiplexor, from_qiskit),
    Route("qclib multiplexor, CZ", "qclib", DIAGONAL, lambda i: qclib_multiplexor(i, last=False), from_qiskit, CONDITIONAL),
    Route("qclib lowrank", "qclib", EXACT, prepare("LowRankInitialize"), from_qiskit, PREP),
    Route("qclib svd", "qclib", EXACT, prepare("SVDInitialize"), from_qiskit, PREP),
    Route("qclib svd, level 3", "qclib", EXACT, prepare("SVDInitialize", 3), from_qiskit, PREP),
    Route("PennyLane SelectPauliRot", "pennylane", EXACT, pennylane_rotations, from_pennylane),
    Route("PennyLane Möttönen", "pennylane", EXACT, pennylane_preparation, from_pennylane, PREP),
    Route("pytket MultiplexedRotation", "pytket", EXACT, pytket_rotations, from_pytket),
    Route("pytket MultiplexedU2", "pytket", DIAGONAL, pytket_diagonal, from_pytket, CONDITIONAL),
    Route("pytket StatePreparation", "pytket", EXACT, pytket_preparation, from_pytket, PREP),
)
