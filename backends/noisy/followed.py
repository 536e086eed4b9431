# SPDX-License-Identifier: Apache-2.0
"""What a noisy circuit reads, exactly: gates, errors, measurements, resets and conditions are done one by one.

Gates on one qubit wait for the next one on two, and gates on the same two qubits for the next on others: one multiplication
does them all. A measurement that nothing depends on is made as soon as its qubit has had its last gate.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from stinespring.backends.aer.calibration import Calibration
from stinespring.backends.aer.noise import Errors, errors_of, rewritten
from stinespring.backends.noisy.mixture import Mixture
from stinespring.backends.noisy.pauli import ZERO, of_superoperator, of_unitary, wider
from stinespring.errors import InputError
from stinespring.readings import FloatArray, IntArray

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = ["NoisyCircuit", "Readings", "noisy_readings"]

LEAST = 1e-18  # probability of a reading that is listed
IDENTITY: FloatArray = np.eye(4)


class Readings(NamedTuple):
    """What is read: values of the circuit's registers, shape (U, R), their probabilities (U,), and numbers computed."""

    registers: tuple[str, ...]
    values: IntArray
    weights: FloatArray
    spent: float


def noisy_readings(
    circuit: QuantumCircuit, calibration: Calibration, *, wanted: Collection[str] | None = None, most: float = math.inf
) -> Readings:  # fmt: skip
    """Return the exact law of what a circuit reads on a device with these errors.

    The errors are those of :mod:`stinespring.backends.aer.noise`: the law is the one that Aer samples.

    Args:
        circuit: on the device's qubits, in its gates, without free parameters.
        calibration: of the device.
        wanted: names of registers; None: all of them.
        most: numbers that may be computed in all.

    Raises:
        InputError: the circuit does what the device does not have, or other control flow than a flat if.
        TooLargeError: more numbers than that, or than fit.
    """
    return NoisyCircuit(circuit, calibration).read(wanted=wanted, most=most)


class NoisyCircuit:
    """A circuit with its errors, whose angles may still be free.

    Args:
        circuit: on the device's qubits, in its gates.
        calibration: of the device.
    """

    def __init__(self, circuit: QuantumCircuit, calibration: Calibration) -> None:
        self.circuit, self.small = circuit, rewritten(circuit, calibration)
        self.errors = errors_of(calibration, self.small)
        self.known: dict[Any, FloatArray] = {}  # operations with the errors that follow them

    def read(
        self, angles: FloatArray | None = None, *, wanted: Collection[str] | None = None, most: float = math.inf
    ) -> Readings:  # fmt: skip
        """Return the exact law of what is read, see :func:`noisy_readings`.

        Args:
            angles: shape (parameters,), in the order of ``circuit.parameters``.
            wanted: names of registers; None: all of them.
            most: numbers that may be computed in all.
        """
        registers = [register for register in self.circuit.cregs if wanted is None or register.name in wanted]
        kept = {self.circuit.find_bit(bit).index for register in registers for bit in register}
        bound = self.small.circuit if angles is None else self.small.circuit.assign_parameters(angles)
        walk = _Passage(bound, self.errors, kept, Mixture(most), self.known)
        walk.run()
        held = sorted(bit for kind, bit in walk.mixture.axes if kind == "c")
        weights = np.maximum(walk.mixture.weights(held), 0.0)
        where = np.argwhere(weights > LEAST)
        columns = dict(zip(held, where.T, strict=True))
        values = np.zeros((len(where), len(registers)), dtype=np.int64)
        for column, register in enumerate(registers):
            for place, bit in enumerate(register):
                index = self.circuit.find_bit(bit).index
                if index in columns:
                    values[:, column] |= columns[index] << place
        spent = 0.0 if math.isinf(most) else most - walk.mixture.left
        return Readings(tuple(r.name for r in registers), values, weights[tuple(where.T)], spent)


class _Waiting:
    """Operations that wait to be applied together."""

    def __init__(self, mixture: Mixture) -> None:
        self.mixture = mixture
        self.alone: dict[int, FloatArray] = {}
        self.together: dict[int, tuple[tuple[int, int], FloatArray]] = {}  # by each of the two wires

    def add(self, matrix: FloatArray, wires: tuple[int, ...]) -> None:
        """Do an operation, now or later."""
        if len(wires) == 1:
            self.alone[wires[0]] = matrix @ self.alone.get(wires[0], IDENTITY)
        elif len(wires) == 2:
            pair = wires if wires[0] < wires[1] else (wires[1], wires[0])
            if pair != wires:
                matrix = matrix.reshape(4, 4, 4, 4).transpose(1, 0, 3, 2).reshape(16, 16)
            if any(wire in self.together and self.together[wire][0] != pair for wire in pair):
                self.flush(pair, alone=False)
            before = wider(*(self.alone.pop(wire, IDENTITY) for wire in pair))
            if pair[0] in self.together:
                before = before @ self.together[pair[0]][1]
            self.together[pair[0]] = self.together[pair[1]] = (pair, matrix @ before)
        else:
            self.flush(wires)
            self.mixture.apply(matrix, [("q", wire) for wire in wires])

    def flush(self, wires: Collection[int] | None = None, *, alone: bool = True) -> None:
        """Do what waits on some wires, or on all."""
        for wire in list(self.together) if wires is None else list(wires):
            if wire in self.together:
                pair, matrix = self.together[wire]
                del self.together[pair[0]], self.together[pair[1]]
                self.enter(pair)
                self.mixture.apply(matrix, [("q", each) for each in pair])
        if alone:
            for wire in list(self.alone) if wires is None else list(wires):
                self.enter([wire])
                if wire in self.alone:
                    self.mixture.apply(self.alone.pop(wire), [("q", wire)])

    def enter(self, wires: Sequence[int]) -> None:
        """Give wires their axes."""
        for wire in wires:
            if not self.mixture.has(("q", wire)):
                self.mixture.fresh(wire, ZERO)

    def discard(self, wire: int) -> None:
        """Trace a wire out; operations on it alone that wait need not be done."""
        self.alone.pop(wire, None)
        self.flush([wire])
        self.mixture.forget(("q", wire))


class _Passage:
    """A circuit on its way through."""

    def __init__(
        self, circuit: QuantumCircuit, errors: Errors, kept: set[int], mixture: Mixture, known: dict[Any, FloatArray]
    ) -> None:  # fmt: skip
        self.circuit, self.errors, self.kept, self.mixture, self.known = circuit, errors, kept, mixture, known
        self.gates = _Waiting(mixture)
        self.place = {qubit: index for index, qubit in enumerate(circuit.qubits)}  # where errors happen
        self.bit = {clbit: index for index, clbit in enumerate(circuit.clbits)}
        self.wires = self.renamed()  # whose state it happens to, for each instruction
        self.last: dict[int, int] = {}  # instruction on a wire
        self.tested: dict[int, int] = {}  # where a bit is tested for the last time
        written = Counter[int]()
        for index, item in enumerate(circuit.data):
            self.last |= dict.fromkeys(self.wires[index], index)
            if item.operation.name == "if_else":
                self.tested |= dict.fromkeys((self.bit[b] for b in item.clbits), index)
            elif item.operation.name == "measure":
                written[self.bit[item.clbits[0]]] += 1
        self.early: dict[int, int] = {  # by wire, measurements that may be made at once after its last gate
            self.wires[index][0]: index
            for index, item in enumerate(circuit.data)
            if item.operation.name == "measure" and self.last[self.wires[index][0]] == index
            and written[self.bit[item.clbits[0]]] == 1 and self.bit[item.clbits[0]] not in self.tested
        }  # fmt: skip
        self.before = self.gates_before()

    def renamed(self) -> list[tuple[int, ...]]:
        """Return the wires of each instruction: a swap without errors has none, but renames those that follow it."""
        wire, found = dict(self.place), []
        for item in self.circuit.data:
            here = tuple(wire[qubit] for qubit in item.qubits)
            if item.operation.name == "swap" and ("swap", tuple(self.place[q] for q in item.qubits)) not in self.errors.gates:
                wire |= dict(zip(item.qubits, reversed(here), strict=True))
                here = ()
            found.append(() if item.operation.name == "barrier" else here)
        return found

    def gates_before(self) -> dict[int, list[int]]:
        """Return, by the number of an instruction, the early measurements that can follow it at once."""
        latest: dict[int, int] = {}
        for index, wires in enumerate(self.wires):
            for wire in wires:
                if self.early.get(wire) != index:
                    latest[wire] = index
        found: dict[int, list[int]] = {}
        for wire, index in self.early.items():
            found.setdefault(latest.get(wire, index), []).append(index)
        return found

    def run(self) -> None:
        """Do everything."""
        early = set(self.early.values())
        for index, item in enumerate(self.circuit.data):
            if index not in early:
                self.step(index, item)
            for number in self.before.get(index, ()):
                self.measure(self.circuit.data[number], number)
        for wire in [wire for kind, wire in self.mixture.axes if kind == "q"]:
            self.gates.discard(wire)
        for bit in [bit for kind, bit in self.mixture.axes if kind == "c" and bit not in self.kept]:
            self.mixture.forget(("c", bit))

    def step(self, index: int, item: Any) -> None:
        """Do one instruction."""
        name, wires = item.operation.name, self.wires[index]
        if name == "measure":
            self.measure(item, index)
        elif name == "reset":
            self.reset(wires[0], self.place[item.qubits[0]])
        elif name == "if_else":
            self.branch(item, wires)
            for bit in [bit for bit, last in self.tested.items() if last == index and bit not in self.kept]:
                if self.mixture.has(("c", bit)):
                    self.mixture.forget(("c", bit))
        elif item.clbits or hasattr(item.operation, "blocks"):
            raise InputError("the circuit has control flow that is not followed", got=name, expected="flat 'if' only")
        elif wires:
            self.gates.add(self.operation(item.operation, tuple(self.place[qubit] for qubit in item.qubits)), wires)

    def measure(self, item: Any, index: int) -> None:
        """Measure; a bit that nobody wants has no axis."""
        bit, [wire] = self.bit[item.clbits[0]], self.wires[index]
        self.gates.flush([wire])
        readout = np.array(self.errors.readout.get(self.place[item.qubits[0]], ((1.0, 0.0), (0.0, 1.0))))
        wanted = bit in self.kept or self.tested.get(bit, -1) > index
        if not wanted and self.mixture.has(("c", bit)):
            self.mixture.forget(("c", bit))
        self.mixture.read(wire, bit if wanted else None, readout, last=self.last[wire] <= index)

    def reset(self, wire: int, place: int) -> None:
        """Return a wire to |0>, with what goes wrong after it."""
        if self.mixture.has(("q", wire)) or wire in self.gates.together:
            self.gates.discard(wire)
        self.gates.alone.pop(wire, None)
        if ("reset", (place,)) in self.errors.gates:
            self.gates.add(self.error("reset", (place,)), (wire,))

    def branch(self, item: Any, wires: tuple[int, ...]) -> None:
        """Do what a condition guards where it holds, and what it does else where it does not."""
        operation = item.operation
        if not isinstance(operation.condition, tuple):
            raise InputError("a condition is an expression", got=str(operation.condition), expected="a bit or a register")
        tested, value = operation.condition
        bits = [self.bit[bit] for bit in (tested if hasattr(tested, "__len__") else [tested])]
        wanted = {bit: int(value) >> place & 1 for place, bit in enumerate(bits)}
        self.gates.flush(wires)
        where = [(self.place[qubit], wire) for qubit, wire in zip(item.qubits, wires, strict=True)]
        never = any(one and not self.mixture.has(("c", bit)) for bit, one in wanted.items())  # a bit not written is 0
        held = {bit: one for bit, one in wanted.items() if self.mixture.has(("c", bit))}
        then, otherwise = (*operation.blocks, None)[:2]
        if never:
            then, otherwise, held = otherwise, None, {}
        holding = None if then is None else self.inside(then, where, held)
        if otherwise is not None and held:  # without bits to be told apart the condition always holds
            self.mixture.put({}, self.inside(otherwise, where, {}))
        if holding is not None:
            self.mixture.put(held, holding)

    def inside(self, block: QuantumCircuit, where: Sequence[tuple[int, int]], held: dict[int, int]) -> Mixture:
        """Return what a block makes of the part in which bits have given values; ``where``: place and wire of its qubits."""
        part = self.mixture.where(held)
        gates = _Waiting(part)
        found = dict(zip(block.qubits, where, strict=True))
        for inner in block.data:
            if inner.operation.name == "barrier":
                continue
            if inner.clbits or inner.operation.name == "reset" or hasattr(inner.operation, "blocks"):
                raise InputError("a condition guards more than gates", got=inner.operation.name, expected="gates")
            on = [found[qubit] for qubit in inner.qubits]
            gates.add(self.operation(inner.operation, tuple(place for place, _ in on)), tuple(wire for _, wire in on))
        gates.flush()
        self.mixture.left = part.left
        return part

    def operation(self, operation: Any, wires: tuple[int, ...]) -> FloatArray:
        """Return a gate with the error that follows it, at its places."""
        if any(getattr(p, "parameters", None) for p in operation.params):
            raise InputError("an angle of the circuit is free", got=operation.name, expected="numbers")
        label = str(operation.label)
        name: str = label if (label, wires) in self.errors.gates else operation.name
        key = (name, wires, *map(float, operation.params)) if operation.name != "unitary" else None
        found = self.known.get(key)
        if found is None:
            found = of_unitary(np.asarray(operation.to_matrix()))
            if (name, wires) in self.errors.gates:
                found = self.error(name, wires) @ found
            if key is not None:
                self.known[key] = found
        return found

    def error(self, name: str, wires: tuple[int, ...]) -> FloatArray:
        """Return what goes wrong."""
        key = ("the error of", name, wires)
        if key not in self.known:
            self.known[key] = of_superoperator(np.asarray(self.errors.gates[name, wires].to_quantumchannel().data))
        return self.known[key]
