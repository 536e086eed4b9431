# SPDX-License-Identifier: Apache-2.0
"""Running a job's circuits on Aer: noiseless, the bits of every shot by register."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from qiskit import QuantumCircuit

MOST_QUBITS = 24  # in use; a statevector of more takes too long for a test
STANDARD = {"measure_2": "measure", "reset_2": "reset"}


class CannotRun(Exception):
    """The stand-in itself cannot run a circuit that the device could."""


def seed_of(*parts: object) -> int:
    """Return a seed that is unrelated to that of any other parts: shot i of Aer uses seed + i."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:7], "big") % (2**52)


def run(circuit: QuantumCircuit, values: NDArray[np.float64], shots: int, seed: int) -> dict[str, NDArray[np.bool_]]:
    """Return the measured bits of each register for each set of parameter values.

    Args:
        circuit: for the device; ``len(circuit.parameters)`` parameters P.
        values: shape (..., P).
        shots: per set of values.
        seed: of the whole.

    Returns:
        name of a register: shape (..., shots, bits), where bit 0 comes first.
    """
    small = compact(circuit)
    shape = values.shape[:-1]
    returned = [register for register in circuit.cregs if not set(register) & stored(circuit)]
    taken = {register.name: np.zeros((*shape, shots, register.size), bool) for register in returned}
    for index in np.ndindex(shape):
        bound = small.assign_parameters(dict(zip(circuit.parameters, values[index], strict=True)))
        bits = sampled(bound, shots, seed_of(seed, *index))
        for register in returned:
            taken[register.name][index] = bits[:, [circuit.find_bit(bit).index for bit in register]]
    return taken


def at_random(circuit: QuantumCircuit, values: NDArray[np.float64], shots: int, seed: int) -> dict[str, NDArray[np.bool_]]:
    """Return bits as a mock device answers, whatever the circuit does; arguments and result as for :func:`run`."""
    random, shape = np.random.default_rng(seed), values.shape[:-1]
    returned = [register for register in circuit.cregs if not set(register) & stored(circuit)]
    return {register.name: random.random((*shape, shots, register.size)) < 0.5 for register in returned}


def sampled(circuit: QuantumCircuit, shots: int, seed: int) -> NDArray[np.bool_]:
    """Return the classical bits of each shot, shape (shots, bits of the circuit)."""
    from qiskit_aer import AerSimulator

    if not any(item.operation.name == "measure" for item in circuit.data):
        return np.zeros((shots, circuit.num_clbits), bool)
    # Truncation drops qubits that no measurement needs, and then fails on the conditions that guarded their gates (Aer 0.18).
    simulator = AerSimulator(seed_simulator=seed, max_parallel_threads=1, enable_truncation=False)
    result = simulator.run(circuit, shots=shots, memory=True).result()
    if not result.success:
        raise CannotRun(result.status)
    words = [int(word, 16) for word in result.data(0)["memory"]]
    width = (circuit.num_clbits + 7) // 8
    packed = np.frombuffer(b"".join(word.to_bytes(width, "little") for word in words), np.uint8).reshape(shots, width)
    return np.unpackbits(packed, axis=1, bitorder="little")[:, : circuit.num_clbits].astype(bool)


def compact(circuit: QuantumCircuit) -> QuantumCircuit:
    """Return the circuit on the qubits that it uses, with the names that Aer knows and without delays and barriers."""
    from qiskit import QuantumCircuit
    from qiskit.circuit import IfElseOp, Measure, Reset
    from qiskit.circuit.classical import expr

    known = {"measure": Measure(), "reset": Reset()}
    items = [item for item in circuit.data if item.operation.name not in {"barrier", "delay"}]
    used = sorted({circuit.find_bit(qubit).index for item in items for qubit in item.qubits})
    if len(used) > MOST_QUBITS:
        raise CannotRun(f"{len(used)} qubits are in use; the stand-in simulates {MOST_QUBITS}")
    place = {circuit.qubits[old]: new for new, old in enumerate(used)}
    small = QuantumCircuit(len(used))
    small.add_bits(circuit.clbits)
    for register in circuit.cregs:
        small.add_register(register)
    for item in items:
        on = [place[qubit] for qubit in item.qubits]
        if item.operation.name.startswith("measure_reset"):
            small.append(known["measure"], on, item.clbits)
            small.append(known["reset"], on)
            continue
        operation: Any = known.get(STANDARD.get(item.operation.name, ""), item.operation)
        if operation.name == "if_else" and isinstance(operation.condition, expr.Expr):
            operation = IfElseOp(plain(operation.condition), *operation.blocks)
        small.append(operation, on, item.clbits)
    return small


def plain(node: Any) -> Any:
    """Return a condition in the words that Aer evaluates rightly: no indices, no register as a truth value."""
    from qiskit.circuit.classical import expr, types

    if isinstance(node, expr.Index) and isinstance(node.target, expr.Var) and isinstance(node.index, expr.Value):
        return expr.lift(node.target.var[node.index.value])
    if isinstance(node, expr.Cast) and node.type.kind is types.Bool and node.operand.type.kind is types.Uint:
        return expr.not_equal(plain(node.operand), 0)
    if isinstance(node, expr.Cast):
        return expr.Cast(plain(node.operand), node.type, implicit=node.implicit)
    if isinstance(node, expr.Unary):
        return expr.Unary(node.op, plain(node.operand), node.type)
    if isinstance(node, expr.Binary):
        return expr.Binary(node.op, plain(node.left), plain(node.right), node.type)
    return node


def stored(circuit: QuantumCircuit) -> set[Any]:
    """Return the bits that a circuit stores into: the service does not return their registers."""
    targets = [item.operation.lvalue.var for item in circuit.data if item.operation.name == "store"]
    return {bit for target in targets for bit in (target if hasattr(target, "size") else [target])}
