# SPDX-License-Identifier: Apache-2.0
"""Networks of spins to programs: one qubit a spin; the host, classical bits or qubits carry the context."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from stinespring.circuits.core.flow import Flow, If
from stinespring.circuits.systems.spin_tokens import controlled_tokens, steered_tokens, token_angles, token_template
from stinespring.compiler.export.lowering import flow_cost
from stinespring.compiler.export.qasm import flow_qasm
from stinespring.errors import InputError, TooLargeError
from stinespring.models.spins import SpinNetwork, network_content
from stinespring.models.spins.contexts import Contexts, spins_of
from stinespring.models.spins.network import SignArray
from stinespring.models.texts.joint import require_count
from stinespring.readings import FloatArray, IntArray
from stinespring.stages import Cost, Schedule

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = ["SpinProgram", "SpinSamples", "compile_spins"]

MOST_CONTEXTS = 1 << 14  # of one step that are written out
MOST_ROTATIONS = 1 << 18
MOST_QUBITS = 1 << 20
MOST_BITS = 32  # of a register that hardware compares with a constant
MOST_SPINS = 1 << 28  # of all shots and steps: one byte each
WIDEST = 60  # bits of a classical register in circuits that are run


@dataclass(frozen=True)
class SpinProgram:
    """A compiled network of spins.

    Attributes:
        network: one column a spin.
        steps: T.
        schedule: static, dynamic or stepwise.
        flow: the circuit with registers ``t1..tT``; for ``stepwise`` the template of one token, register ``t1``.
        cost: of the whole program; of a template, its own.
        tvd_bound: proven bound on the distance between the program's law and the network's.
        seconds: compile time.
        hash: SHA-256 of everything that changes the program.
    """

    network: SpinNetwork
    steps: int
    schedule: Schedule
    flow: Flow
    cost: Cost
    tvd_bound: float
    seconds: float
    hash: str

    @property
    def circuit(self) -> QuantumCircuit:
        """The Qiskit circuit; of a stepwise program the template, with parameters ``a[i]``.

        Classical registers of more than 60 bits are split into ``t1_0``, ``t1_1``, ... so that values fit in 64 bits.
        """
        if self.schedule == "stepwise":
            return template_circuit(self.network.N)
        return self.flow.circuit()

    def qasm3(self) -> str:
        """Return the program, or the template of one token, as OpenQASM 3."""
        return spin_qasm(self.flow, self.network.N if self.schedule == "stepwise" else 0)

    def start(self) -> Contexts:
        """Return the context that the first token is generated from: where the host of a stepwise program begins."""
        return Contexts.start(self.network)

    def bind(self, contexts: Contexts) -> FloatArray:
        """Return the template's angles for a batch of contexts, shape (B, N)."""
        return token_angles(contexts.fields)

    def decode(self, values: Mapping[str, IntArray]) -> SignArray:
        """Return tokens from the values of classical registers: shape (shots, T, N); of a template (shots, 1, N)."""
        names = ["t1"] if self.schedule == "stepwise" else [f"t{step}" for step in range(1, self.steps + 1)]
        return np.stack([register_spins(values, name, self.network.N) for name in names], axis=1)

    def write(self, path: str | Path) -> list[Path]:
        """Write FILE.qasm with FILE.json beside it, or a stepwise program's folder; return what was written."""
        from stinespring.compiler.export.spin_files import write_spin_program

        return write_spin_program(self, path)

    def summary(self) -> dict[str, Any]:
        """Return the figures that ``spins compile --json`` prints."""
        return {
            "schedule": self.schedule,
            "extension": "dephased",
            "phases": "free",
            **asdict(self.cost),
            "tvd_bound": self.tvd_bound,
            "seconds": self.seconds,
            "hash": self.hash,
            "spins": self.network.N,
            "steps": self.steps,
        }


@dataclass(frozen=True)
class SpinSamples:
    """Sampled tokens.

    Attributes:
        program: what was run.
        tokens: +-1, shape (shots, T, N).
        backend: where.
        seed: the seed given, or the one drawn.
        seconds: running time.
        metadata: versions, method and the like.
    """

    program: SpinProgram
    tokens: SignArray
    backend: str
    seed: int
    seconds: float
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def shots(self) -> int:
        """Number of sampled runs."""
        return len(self.tokens)


def compile_spins(network: SpinNetwork, *, steps: int, schedule: str = "stepwise") -> SpinProgram:
    """Compile the next tokens of a network.

    Args:
        network: with a window of tokens; every spin becomes a qubit.
        steps: number of tokens T.
        schedule: ``stepwise`` (the host computes the fields from measured spins; any N), ``dynamic`` (classical conditions on
            one token's qubits) or ``static`` (quantum controls).

    Raises:
        InputError: unusable numbers, or a context of attention vectors.
        TooLargeError: too many contexts for conditions or controls.

    Example:
        >>> from stinespring.models.spins import draw_network
        >>> network = draw_network(M=2, N=2, P=1, eps=0.1, gamma=2, beta=1, seed=1)
        >>> compile_spins(network, steps=3, schedule="dynamic").cost.qubits
        2
    """
    steps, begun = require_count(steps, "steps"), time.perf_counter()
    if schedule not in get_args(Schedule):
        raise InputError("unknown schedule", got=schedule, expected="static, dynamic or stepwise")
    network = one_column_a_spin(network)
    network.require_window("a circuit")
    spent = 0.0
    if schedule == "stepwise":
        flow = token_template(network.N)
    else:
        require_few_contexts(network, steps, schedule)
        angles = [context_angles(network, step) for step in range(1, steps + 1)]
        if schedule == "static":
            flow, spent = controlled_tokens(angles)
        else:
            flow = steered_tokens(angles, network.L)
    content = json.dumps([network_content(network), steps, schedule, 1], sort_keys=True)
    return SpinProgram(
        network=network,
        steps=steps,
        schedule=schedule,  # type: ignore[arg-type]
        flow=flow,
        cost=steered_cost(flow) if schedule == "dynamic" else flow_cost(flow),
        tvd_bound=spent,
        seconds=time.perf_counter() - begun,
        hash=hashlib.sha256(content.encode()).hexdigest(),
    )


def steered_cost(flow: Flow) -> Cost:
    """Return the cost of tokens under conditions: no two-qubit gate, and of each token's conditions at most one holds.

    The depth is that of a history in which every token turns the deepest qubit.
    """
    layers, turned = np.zeros(flow.qubits, dtype=np.int64), np.zeros(flow.qubits, dtype=np.bool_)
    for item in flow.instructions:
        if isinstance(item, If):
            turned[[gate.qubits[0] for gate in item.gates]] = True
        else:
            layers += turned
            turned[:] = False
            layers[list(item.qubits)] += 1
    return Cost(flow.qubits, flow.clbits, 0, 0, int(layers.max()), flow.mid_circuit_measurements, flow.conditions)


def one_column_a_spin(network: SpinNetwork) -> SpinNetwork:
    """Return the same network with every spin's column written out: column i becomes spins i r .. (i+1) r - 1."""
    if network.repeat == 1:
        return network
    if network.spins > MOST_QUBITS:
        raise TooLargeError("too many spins for a circuit", got=f"{network.spins:,}", expected=f"at most {MOST_QUBITS:,}")
    window = None if network.window is None else np.repeat(network.window, network.repeat, axis=1)
    return replace(network, features=np.repeat(network.features, network.repeat, axis=2), repeat=1, window=window)


def require_few_contexts(network: SpinNetwork, steps: int, schedule: str) -> None:
    """Refuse programs whose contexts cannot be written out."""
    N, read = network.N, min(network.L, steps - 1)
    contexts = sum(1 << (N * min(network.L, step)) for step in range(steps)) if N * read < 64 else 1 << 64
    bits, rotations = N * read, N * contexts
    if bits > MOST_CONTEXTS.bit_length() - 1 or bits > MOST_BITS or rotations > MOST_ROTATIONS:
        fits = max((k for k in range(1, 15) if k * read <= MOST_CONTEXTS.bit_length() - 1), default=0)
        raise TooLargeError(
            f"too many contexts for the schedule {schedule}",
            got=f"2^{bits} contexts of {read} token(s) of {N} spins, {steps} steps",
            expected=f"at most 2^{MOST_CONTEXTS.bit_length() - 1} contexts and {MOST_ROTATIONS:,} rotations in all"
            + (f", say {fits} spin(s) a token" if fits else ""),
            todo="use --schedule stepwise, or fewer steps",
        )


def context_angles(network: SpinNetwork, step: int) -> FloatArray:
    """Return the angles of step l for every value of the generated tokens in its context.

    Returns:
        Shape (2^(k N), N), k = min(l - 1, L); the newest token's bits are the least significant, bit 1 is the spin -1.
    """
    read = min(step - 1, network.L)
    codes = np.arange(1 << (network.N * read))
    given = network.start()[: network.L - read]
    tokens = network.semantic(spins_of(np.arange(1 << network.N), network.N)) if read else given[:0]
    parts = [tokens[codes >> (network.N * back) & ((1 << network.N) - 1)] for back in range(read)]
    parts += [np.broadcast_to(overlap, (len(codes), *overlap.shape)) for overlap in given]
    return token_angles(Contexts(network, np.stack(parts, axis=1), network.time + step - 1).fields)


def register_spins(values: Mapping[str, IntArray], name: str, spins: int) -> SignArray:
    """Return the spins of a register, or of the parts it was split into: shape (shots, N)."""
    if name in values:
        return spins_of(values[name], spins)
    parts = [spins_of(values[f"{name}_{part}"], size) for part, size in enumerate(pieces(spins))]
    return np.concatenate(parts, axis=1)


def pieces(spins: int) -> list[int]:
    """Return the sizes of the registers that a wide one is split into."""
    return [min(WIDEST, spins - first) for first in range(0, spins, WIDEST)]


def template_circuit(spins: int) -> QuantumCircuit:
    """Return the circuit of one token with parameters ``a[i]``, measured into ``t1`` or its parts."""
    from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
    from qiskit.circuit import ParameterVector

    sizes = pieces(spins)
    names = ["t1"] if len(sizes) == 1 else [f"t1_{part}" for part in range(len(sizes))]
    registers = [ClassicalRegister(size, name) for size, name in zip(sizes, names, strict=True)]
    circuit = QuantumCircuit(QuantumRegister(spins, "q_t1"), *registers, name="token")
    for i, angle in enumerate(ParameterVector("a", spins)):
        circuit.ry(angle, i)
    circuit.measure(range(spins), range(spins))
    return circuit


def spin_qasm(flow: Flow, slots: int) -> str:
    """Return a program as OpenQASM 3; the angles of a template are declared as ``input float[64] a0; ...``."""
    head, include, rest = flow_qasm(flow).split("\n", 2)
    return "\n".join([head, include, *(f"input float[64] a{i};" for i in range(slots)), rest])
