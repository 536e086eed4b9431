# SPDX-License-Identifier: Apache-2.0
"""A channel's program between product inputs and product measurements, so that it can be sampled."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stinespring.batches import OneCircuit, Several
from stinespring.circuits.core.cost import flow_cost
from stinespring.circuits.devices.read_back import flow_of
from stinespring.compiler.export.files import EXPORTER
from stinespring.compiler.export.forms import largest_cost
from stinespring.compiler.export.qasm import lowered_qasm
from stinespring.errors import InputError
from stinespring.models.channels.asked import PROBE, ChannelAsked
from stinespring.models.channels.cptp import CPTP
from stinespring.models.channels.settings import BASES, PREPARE, Setting
from stinespring.readings import Register
from stinespring.stages import Cost, Program
from stinespring.version import __version__

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = ["probed"]


@dataclass(frozen=True, eq=False)
class ProbedChannel:
    """A program between a preparation and a measurement, which goes to register ``probe``.

    Attributes:
        program: the channel's circuit.
        setting: numbers of the states and of the bases.
    """

    program: QuantumCircuit
    setting: Setting

    def circuit(self) -> QuantumCircuit:
        """Return the Qiskit circuit."""
        from qiskit import ClassicalRegister

        whole = self.program.copy_empty_like()
        inputs, outputs = system_wires(self.program, len(self.setting.states), len(self.setting.bases))
        for wire, state in zip(inputs, self.setting.states, strict=True):
            for gate in PREPARE[state]:
                getattr(whole, gate)(wire)
        whole.compose(self.program, range(whole.num_qubits), range(whole.num_clbits), inplace=True)
        probe = ClassicalRegister(len(outputs), PROBE)
        whole.add_register(probe)
        for wire, basis, bit in zip(outputs, self.setting.bases, probe, strict=True):
            for gate in BASES[basis]:
                getattr(whole, gate)(wire)
            whole.measure(wire, bit)
        result: QuantumCircuit = whole
        return result


def probed(program: Program | QuantumCircuit, asked: ChannelAsked, *, channel: CPTP | None = None) -> Program:
    """Return a program of several circuits that prepare product inputs and measure product bases; they share the shots.

    Args:
        program: a compiled channel, or any circuit with quantum register ``sys``.
        asked: the settings, one circuit each.
        channel: what the program should be; by default what it was compiled from. Needed for a circuit.

    Raises:
        InputError: no channel, another size of ``sys``, a program that is on a device already, or one that is no channel's.
    """
    begun = time.perf_counter()
    circuit, made = channel_circuit(program)
    source = made if channel is None else channel
    if source is None:
        raise InputError("a circuit does not say what it should be", got="no channel", expected="a CPTP")
    if not asked.settings:
        raise InputError("no setting is asked for", got="an empty list", expected="at least one")
    for states, bases in asked.settings:
        if (len(states), len(bases)) != (source.inputs, source.outputs):
            raise InputError(
                "a setting does not fit the channel", got=f"{len(states)} states and {len(bases)} bases",
                expected=f"{source.inputs} and {source.outputs}",
            )  # fmt: skip
    forms = tuple(ProbedChannel(circuit, setting) for setting in asked.probes)
    registers = tuple(Register(r.name, "history", bits=r.size) for r in circuit.cregs if r.size)
    registers = (*registers, Register(PROBE, "state", bits=source.outputs))
    body = Several(forms, (None,) * len(forms), registers, shared=True)
    text, steered = text_of(circuit), any(hasattr(item.operation, "blocks") for item in circuit.data)
    words = [source.fingerprint(), asked.plain(), text, __version__]
    return Program(
        source=source, asked=asked, schedule="dynamic" if steered else "static", body=body, registers=registers,
        promise="exact", tvd_bound=0.0, claim=None, cost=largest_cost(map(cost_of, body.circuits)),
        seconds=time.perf_counter() - begun, hash=hashlib.sha256(json.dumps(words).encode()).hexdigest(), exporter=EXPORTER,
        details={"circuits": len(forms)},
    )  # fmt: skip


def channel_circuit(program: Program | QuantumCircuit) -> tuple[QuantumCircuit, CPTP | None]:
    """Return the circuit between preparation and measurement, before any device, and the channel it was compiled from."""
    if not isinstance(program, Program):
        return program, None
    if not isinstance(program.body, OneCircuit) or not isinstance(program.source, CPTP):
        raise InputError("this is no program of a channel", got=type(program.source).__name__, expected="a compiled channel")
    if program.device is not None:
        raise InputError(
            "a program on a device cannot be prepared and measured any more", got=f"a program on {program.device}",
            expected="a program before lowering", todo="lower what this returns",
        )  # fmt: skip
    return program.body.form.circuit(), program.source


def system_wires(circuit: QuantumCircuit, inputs: int, outputs: int) -> tuple[list[int], list[int]]:
    """Return the input and output qubits of a channel's circuit: the first m and the first n of register ``sys``."""
    found = [register for register in circuit.qregs if register.name == "sys"]
    if not found or found[0].size != max(inputs, outputs):
        raise InputError(
            "the program has no register 'sys' of the channel's size",
            got=", ".join(f"{r.name}[{r.size}]" for r in circuit.qregs) or "no register",
            expected=f"sys[{max(inputs, outputs)}]",
        )
    wires = [circuit.find_bit(qubit).index for qubit in found[0]]
    return wires[:inputs], wires[:outputs]


def text_of(circuit: QuantumCircuit) -> str:
    """Return a circuit as text: ours, or for what hardware does not execute Qiskit's."""
    from qiskit import qasm3

    try:
        return lowered_qasm(circuit)
    except InputError:
        return str(qasm3.dumps(circuit))


def cost_of(circuit: QuantumCircuit) -> Cost:
    """Return the cost of a circuit; of one that hardware does not execute all paths together."""
    try:
        return flow_cost(flow_of(circuit))
    except InputError:
        operations = circuit.count_ops()
        conditions = sum(operations.get(name, 0) for name in ("if_else", "switch_case", "for_loop", "while_loop"))
        pairs = circuit.depth(lambda item: len(item.qubits) > 1)
        return Cost(
            circuit.num_qubits, circuit.num_clbits, circuit.num_nonlocal_gates(), pairs, circuit.depth(),
            operations.get("measure", 0), conditions,
        )  # fmt: skip
