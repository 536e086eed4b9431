# SPDX-License-Identifier: Apache-2.0
"""Noisy circuits on Aer: a noise model of the qubits that a circuit uses, and the circuit in instructions that Aer knows.

A noise model of all 156 qubits of a device takes seconds to build and to pass on; that of the few qubits of a circuit takes
milliseconds, and simulates the same. The errors are Aer's own for calibrated devices: each gate is followed by a depolarising
and a relaxation channel whose average infidelity together is the gate's, each reading is flipped by the readout matrix, and
conditions see the flipped bit. A qubit that waits relaxes during explicit delays only (``--delays pad``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from stinespring.backends.aer.calibration import Calibration, Readout, readout_of
from stinespring.circuits.devices.own_kinds import is_measure, is_measure_reset, is_reset
from stinespring.circuits.devices.read_back import seconds_of_delay, used_qubits
from stinespring.errors import InputError

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.circuit import Clbit, Qubit
    from qiskit_aer.noise import NoiseModel, QuantumError

__all__ = ["Errors", "Noisy", "errors_of", "noisy", "rewritten"]


class Errors(NamedTuple):
    """What goes wrong on the wires of a circuit.

    Attributes:
        gates: by the gate's name, or its label where it has one that is listed here, and its wires: what follows it.
        readout: by wire, ``[prepared][read]``.
    """

    gates: dict[tuple[str, tuple[int, ...]], QuantumError]
    readout: dict[int, Readout]


class Noisy(NamedTuple):
    """A circuit on few qubits in instructions that Aer knows, and its noise model."""

    circuit: QuantumCircuit
    model: NoiseModel
    qubits: tuple[int, ...]


def noisy(circuit: QuantumCircuit, calibration: Calibration) -> Noisy:
    """Return a circuit on a device's qubits as Aer simulates it with the device's noise.

    A second kind of measurement (``measure_2``) has errors of its own, and Aer has one readout error a qubit: the state is
    swapped, without noise, to a spare qubit with these errors, measured there and swapped back. ``reset_2`` ends in |0> like
    ``reset``; to relax during either changes nothing. ``measure_reset`` is such a measurement followed by a reset.

    Raises:
        InputError: the circuit does what the device does not have.
    """
    found = rewritten(circuit, calibration)
    return Noisy(found.circuit, noise_model(errors_of(calibration, found)), found.qubits)


class Rewritten(NamedTuple):
    """A circuit on few wires in instructions that Aer knows, before any noise.

    Attributes:
        circuit: on the wires 0, 1, ...
        qubits: of the device, that the first wires are.
        second: qubits of the device and names of their further kinds of measurement, which have the wires after those.
        delays: the device's qubit and the seconds of each delay, by its label.
    """

    circuit: QuantumCircuit
    qubits: tuple[int, ...]
    second: tuple[tuple[int, str], ...]
    delays: dict[str, tuple[int, float]]


def rewritten(circuit: QuantumCircuit, calibration: Calibration) -> Rewritten:
    """Return a circuit on a device's qubits on the wires that it uses; see :func:`noisy`.

    Raises:
        InputError: the circuit does what the device does not have.
    """
    from qiskit import QuantumCircuit, QuantumRegister

    require_on_device(circuit, calibration)
    used = sorted(used_qubits(circuit))
    second = [(qubit, name) for qubit in used for name in further_kinds(circuit, qubit)]
    wires = QuantumRegister(len(used), "q")
    spare = QuantumRegister(len(second), "second")
    writer = _Writer(calibration, dict(zip(second, spare, strict=True)))
    result = QuantumCircuit(wires, *([spare] if second else []), *circuit.cregs, global_phase=circuit.global_phase)
    loose = [bit for bit in circuit.clbits if not circuit.find_bit(bit).registers]
    result.add_bits(loose)
    place = {circuit.qubits[qubit]: (qubit, wires[i]) for i, qubit in enumerate(used)}
    writer.write(circuit, result, place, {bit: bit for bit in circuit.clbits})
    return Rewritten(result, tuple(used), tuple(second), writer.delays)


def further_kinds(circuit: QuantumCircuit, qubit: int) -> list[str]:
    """Return the names of the measurements of a qubit that are not the plain one."""
    wire = circuit.qubits[qubit]
    names = {item.operation.name for item in circuit.data if wire in item.qubits}
    return sorted(name for name in names if name != "measure" and (is_measure(name) or is_measure_reset(name)))


class _Writer:
    """Rewrites instructions for Aer and remembers the delays it met."""

    def __init__(self, calibration: Calibration, spare: dict[tuple[int, str], Qubit]) -> None:
        self.calibration, self.spare = calibration, spare
        self.delays: dict[str, tuple[int, float]] = {}  # label -> the device's qubit, seconds

    def write(
        self, source: QuantumCircuit, result: QuantumCircuit, place: dict[Qubit, tuple[int, Qubit]], bits: dict[Clbit, Clbit]
    ) -> None:
        """Append the source's instructions to the result."""
        for item in source.data:
            name = item.operation.name
            if name == "barrier" or (name == "delay" and item.qubits[0] not in place):
                continue
            on = [place[q] for q in item.qubits]
            wires, clbits = [wire for _, wire in on], [bits[b] for b in item.clbits]
            if name == "delay":
                self.delay(item.operation, on[0], result)
            elif (on[0][0], name) in self.spare:
                other = self.spare[on[0][0], name]
                result.swap(wires[0], other)
                result.measure(other, clbits[0])
                result.swap(wires[0], other)
                if is_measure_reset(name):
                    result.reset(wires[0])
            elif is_reset(name):
                result.reset(wires[0])
            elif name == "if_else":
                result.append(self.branches(item.operation, on), wires, clbits)
            else:
                result.append(item.operation, wires, clbits)

    def branches(self, operation: Any, on: Sequence[tuple[int, Qubit]]) -> Any:
        """Return an if with its blocks rewritten."""
        blocks = []
        for block in operation.blocks:
            place = {wire: (device, wire) for wire, (device, _) in zip(block.qubits, on, strict=True)}
            fresh = block.copy_empty_like()
            self.write(block, fresh, place, {bit: bit for bit in block.clbits})
            blocks.append(fresh)
        return operation.replace_blocks(blocks)

    def delay(self, operation: Any, on: tuple[int, Qubit], result: QuantumCircuit) -> None:
        """Append an identity whose noise is the relaxation during the delay."""
        from qiskit.circuit.library import IGate

        seconds = seconds_of_delay(operation, self.calibration.dt)
        label = f"delay {on[0]} {seconds:.9g}"
        self.delays[label] = (on[0], seconds)
        result.append(IGate(label=label), [on[1]])


def errors_of(calibration: Calibration, circuit: Rewritten) -> Errors:
    """Return the errors on a circuit's wires: those of the device's qubits, then those of the spare ones."""
    from qiskit_aer.noise import thermal_relaxation_error
    from qiskit_aer.noise.device import basic_device_gate_errors

    few = calibration.restricted(circuit.qubits)
    gates = {
        (name, tuple(qubits)): error
        for name, qubits, error in basic_device_gate_errors(target=few.target())
        if name != "delay" and not name.startswith(("measure_", "reset_"))
    }
    readout = {number: figures.readout for number, figures in enumerate(few.qubits) if figures.readout is not None}
    for number, (qubit, name) in enumerate(circuit.second, start=len(circuit.qubits)):
        figure = calibration.figures(name, qubit)
        wrong = (figure.error if figure else None) or 0.0
        readout[number] = readout_of(wrong, wrong)
    place = {qubit: number for number, qubit in enumerate(circuit.qubits)}
    for label, (qubit, seconds) in circuit.delays.items():
        figures = calibration.qubits[qubit]
        t1 = figures.t1 or float("inf")
        t2 = min(figures.t2 or 2.0 * t1, 2.0 * t1)
        gates[label, (place[qubit],)] = thermal_relaxation_error(t1, t2, seconds)
    return Errors(gates, readout)


def noise_model(errors: Errors) -> NoiseModel:
    """Return Aer's noise model of some errors."""
    from qiskit_aer.noise import NoiseModel, ReadoutError

    model = NoiseModel()
    for (name, wires), error in errors.gates.items():
        model.add_quantum_error(error, name, list(wires), warnings=False)
    for wire, matrix in errors.readout.items():
        model.add_readout_error(ReadoutError(matrix), [wire], warnings=False)
    return model


def require_on_device(circuit: QuantumCircuit, calibration: Calibration) -> None:
    """Refuse a circuit that is not in the device's gates on the device's qubits."""
    if circuit.num_qubits > len(calibration.qubits):
        raise InputError(
            f"the circuit does not fit on {calibration.name}",
            got=f"{circuit.num_qubits} qubits",
            expected=f"at most {len(calibration.qubits)}",
        )
    stack = [(circuit, list(range(circuit.num_qubits)))]
    while stack:
        block, where = stack.pop()
        for item in block.data:
            name, on = item.operation.name, tuple(where[block.find_bit(q).index] for q in item.qubits)
            if name == "if_else" and calibration.conditions:
                stack += [(inner, list(on)) for inner in item.operation.blocks]
            elif (is_measure(name) or is_measure_reset(name)) and name != "measure" and block is not circuit:
                raise InputError("a condition guards a measurement", got=name, expected="gates, or a plain measure")
            elif name not in ("barrier", "delay") and calibration.figures(name, *on) is None:
                raise InputError(
                    f"the circuit is not in the gates of {calibration.name}",
                    got=f"{name} on {', '.join(map(str, on))}",
                    expected=", ".join(sorted({gate.name for gate in calibration.gates})),
                    todo=f"lower it to the device: compile for the same target as the backend, {calibration.name}",
                )
