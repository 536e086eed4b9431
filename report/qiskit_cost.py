# SPDX-License-Identifier: Apache-2.0
"""What Qiskit's own synthesis would take for the same thing: computed here and now, from the law that the program has."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from stinespring.backends.exact import EXACT_SHOTS, ExactShares
from stinespring.backends.execute import sample_body
from stinespring.batches import Circuit, OneCircuit, Several
from stinespring.circuits.core.cost import circuit_cost, flow_cost
from stinespring.circuits.core.flow import Flow
from stinespring.compiler.stepwise.body import TextTemplate
from stinespring.compiler.systems.spin_template import SpinTemplate
from stinespring.compiler.texts.operations import Layout
from stinespring.errors import InputError, TooLargeError
from stinespring.models.channels.cptp import CPTP
from stinespring.models.sphere.asked import SphereAsked
from stinespring.models.sphere.model import SphereModel
from stinespring.models.texts.asked import TextAsked
from stinespring.pipeline.running import compile_asked
from stinespring.readings import ComplexArray, FloatArray, IntArray, Outcomes
from stinespring.stages import Program, Samples

__all__ = [
    "CircuitCost", "besides", "besides_sent", "isometry_beside", "isometry_of", "law_asked", "law_of", "qiskit_isometry",
    "qiskit_overlap", "qiskit_state",
]  # fmt: skip

MOST_STATE, MOST_ISOMETRY = 10, 7  # qubits: less than half a second each
BUDGET = float(1 << 25)  # amplitudes of the simulation that gives the law: half a second
BASIS = ("cx", "u")


class CircuitCost(NamedTuple):
    """Figures of one circuit.

    Attributes:
        what: how it is made.
        qubits, two_qubit_gates, two_qubit_depth: all-to-all, before any device.
    """

    what: str
    qubits: int
    two_qubit_gates: int
    two_qubit_depth: int


def besides(program: Program) -> list[CircuitCost] | str:
    """Return the program's figures and those of Qiskit's own synthesis of the same; or in words why there are none.

    For a channel that is Qiskit's ``Isometry`` of ``sum_k |k> (x) K_k``, for overlaps the same test with Qiskit's
    ``StatePreparation`` of both particles. For all others it is ``StatePreparation`` of
    ``sum_x sqrt(p(x)) |x>`` with p the joint law of everything that is read, exactly followed, in plain binary codes. Both are
    transpiled to CX and U at optimization level 3.
    """
    if isinstance(program.source, CPTP):
        found = isometry_figures(program.source)
        return found if isinstance(found, str) else [ours(program), found]
    if is_overlap(program.asked):
        return [ours(program), overlap_figures(program.source, program.asked.read)]
    try:
        law = law_of(program)
    except InputError as error:
        return f"Qiskit's synthesis is not asked for the same law, which cannot be followed here: {error.what}."
    found = state_figures(law)
    return found if isinstance(found, str) else [ours(program), found]


def state_figures(law: FloatArray) -> CircuitCost | str:
    """Return what Qiskit's state of a law takes, or in words why it is not asked."""
    size = (len(law) - 1).bit_length()
    if size > MOST_STATE:
        return f"What is read has {size} bits; Qiskit's synthesis is asked for at most {MOST_STATE}."
    return figures("Qiskit's StatePreparation of the same law, level 3", qiskit_state(law))


def isometry_beside(channel: CPTP, circuit: Circuit) -> list[CircuitCost] | str:
    """Return the figures of a circuit over CX and U, and those of Qiskit's own isometry for a channel."""
    found = isometry_figures(channel)
    return found if isinstance(found, str) else [figures("this program", lowered(circuit)), found]


def isometry_figures(channel: CPTP) -> CircuitCost | str:
    """Return what Qiskit's isometry for a channel takes, or in words why it is not asked."""
    V = isometry_of(channel)
    size = (len(V) - 1).bit_length()
    if size > MOST_ISOMETRY:
        return f"Qiskit's isometry on {size} qubits is not synthesised here: at most {MOST_ISOMETRY}."
    return figures("Qiskit's Isometry, level 3", qiskit_isometry(V))


def ours(program: Program) -> CircuitCost:
    """Return the program's own figures before any device, on its worst path; of several circuits those of the first."""
    cost, body = program.cost, program.body
    form = body.forms[0] if isinstance(body, Several) else body.form if isinstance(body, OneCircuit) else None
    if isinstance(form, Layout):
        cost = circuit_cost(form.gates(), form.qubits, cost.clbits)
    elif isinstance(form, Flow):
        cost = flow_cost(form)
    which = "the first circuit of this program" if isinstance(body, Several) and len(body.forms) > 1 else "this program"
    return CircuitCost(f"{which} ({program.schedule})", cost.qubits, cost.two_qubit_gates, cost.two_qubit_depth)


def law_of(program: Program) -> FloatArray:
    """Return the exact joint law of what the program reads (of several circuits the first), in plain binary codes.

    Returns:
        Probabilities, shape (2^n,): every register's values from 0 on in as few bits as they need, the first one lowest.

    Raises:
        TooLargeError: following the circuits takes too long.
    """
    body = in_one_circuit(program).body
    found: Outcomes = body.outcomes(sample_body(body, ExactShares(BUDGET), EXACT_SHOTS, 0), EXACT_SHOTS)[0]
    return coded([found.column(name) for name in found.registers], found.counts)


def coded(columns: Sequence[IntArray], weights: IntArray | FloatArray) -> FloatArray:
    """Return a law over several columns in plain binary codes.

    Args:
        columns: values, each shape (U,); each in as few bits as its different values need, the first one lowest.
        weights: of the rows, shape (U,).

    Returns:
        Probabilities, shape (2^n,).

    Raises:
        TooLargeError: more than twice :data:`MOST_STATE` bits.
    """
    code, width = np.zeros(len(weights), dtype=np.int64), 0
    for column in columns:
        _, values = np.unique(column, return_inverse=True)
        bits = int(values.max(initial=0)).bit_length()
        code |= values.ravel() << width
        width += bits
        if width > 2 * MOST_STATE:
            raise TooLargeError("the law has too many bits", got=f"more than {width}", expected=f"at most {MOST_STATE}")
    law = np.bincount(code, weights=weights, minlength=1 << max(1, width)).astype(np.float64)
    return np.asarray(law / law.sum())


def law_asked(samples: Samples) -> FloatArray:
    """Return the law of what was asked, from the source alone: of texts the joint law, of others that of the first row.

    Readings that mean the same are one there, as all failures of a layer step.

    Raises:
        InputError: a prompt that is a state, or too many bits.
    """
    asked, source = samples.asked, samples.source
    if not isinstance(asked, TextAsked):
        law = next(iter(asked.law(source).tables(samples.outcomes))).law[0]
        return coded([np.arange(len(law))], law)
    begin = asked.begin(source)
    if begin.state is not None:
        raise InputError("the prompt is a state, and its circuits are not at hand")
    require_few(asked.steps * math.log2(max(2, begin.model.branching)))
    joint = begin.model.joint(begin.prompt.tolist(), asked.steps)
    return coded(list(joint.texts.T), joint.probabilities)


def besides_sent(samples: Samples, cost: Mapping[str, Any]) -> list[CircuitCost] | str:
    """Return the figures of a run whose circuits are not at hand, as it was sent, and those of Qiskit's state of its law.

    Args:
        samples: what it measured.
        cost: the figures of its program in the ledger.
    """
    if isinstance(samples.source, CPTP):
        found: CircuitCost | str = isometry_figures(samples.source)
    elif is_overlap(samples.asked):
        found = overlap_figures(samples.source, samples.asked.read)
    else:
        try:
            found = state_figures(law_asked(samples))
        except InputError as error:
            found = f"Qiskit's synthesis is not asked for the same law: {error.what}."
    sent = CircuitCost(
        "this program, as it was sent", *(cost[name] for name in ("qubits", "two_qubit_gates", "two_qubit_depth"))
    )
    return found if isinstance(found, str) else [sent, found]


def in_one_circuit(program: Program) -> Program:
    """Return a program whose law can be followed; one of spins with the host in the loop becomes one circuit.

    Raises:
        TooLargeError: the host would have to go through too many tokens.
    """
    match program.body:
        case SpinTemplate():
            require_few(program.asked.steps * program.source.spins)
            return compile_asked(program.source, program.asked, {"schedule": "static"})
        case TextTemplate():
            require_few(program.asked.steps * math.log2(max(2, program.source.branching)))
    return program


def require_few(bits: float) -> None:
    """Refuse tokens that the host would go through one by one, where they are many."""
    if bits > MOST_STATE:
        raise TooLargeError("the tokens have too many bits", got=f"{bits:.0f}", expected=f"at most {MOST_STATE}")


def isometry_of(channel: CPTP) -> ComplexArray:
    """Return ``V = sum_k |k> (x) K_k`` with the fewest Kraus operators, rows filled with zeros to a power of 2."""
    rank, out, inputs = channel.kraus.shape
    V = np.zeros(((1 << (rank - 1).bit_length()) * out, inputs), dtype=np.complex128)
    V[: rank * out] = channel.kraus.reshape(rank * out, inputs)
    return V


def qiskit_state(law: FloatArray) -> Circuit:
    """Return Qiskit's circuit for ``sum_x sqrt(p(x)) |x>`` over CX and U."""
    from qiskit import QuantumCircuit
    from qiskit.circuit.library import StatePreparation

    circuit = QuantumCircuit((len(law) - 1).bit_length())
    amplitudes = np.sqrt(law)
    circuit.append(StatePreparation(amplitudes / np.linalg.norm(amplitudes)), circuit.qubits)
    return lowered(circuit)


def is_overlap(asked: Any) -> bool:
    """Return whether overlaps of particles are asked for: the law of their ancilla is a coin, and not what the test is for."""
    return isinstance(asked, SphereAsked) and asked.overlaps


def overlap_figures(model: SphereModel, test: str) -> CircuitCost:
    """Return what the test of the first two particles takes with Qiskit's states."""
    circuit = qiskit_overlap(model.particles[0], model.particles[1], test)
    return figures(f"the {test} test with Qiskit's StatePreparation, level 3", circuit)


def qiskit_overlap(x: FloatArray, y: FloatArray, test: str) -> Circuit:
    """Return the test of two unit vectors, shape (d,), with Qiskit's state preparation over CX and U; the ancilla is qubit 0.

    It is 0 with probability ``(1 + <x, y>) / 2`` after ``hadamard``, ``(1 + <x, y>^2) / 2`` after ``swap``.
    """
    from qiskit import QuantumCircuit
    from qiskit.circuit.library import StatePreparation

    size = max(1, (len(x) - 1).bit_length())
    one, other = (StatePreparation(np.pad(v, (0, (1 << size) - len(v))) / np.linalg.norm(v)) for v in (x, y))
    first, second = range(1, 1 + size), range(1 + size, 1 + 2 * size)
    circuit = QuantumCircuit(1 + size * (1 if test == "hadamard" else 2))
    circuit.h(0)
    if test == "hadamard":
        circuit.append(one.control(1, ctrl_state=0), [0, *first])
        circuit.append(other.control(1), [0, *first])
    else:
        circuit.append(one, first)
        circuit.append(other, second)
        for a, b in zip(first, second, strict=True):
            circuit.cswap(0, a, b)
    circuit.h(0)
    return lowered(circuit)


def qiskit_isometry(V: ComplexArray) -> Circuit:
    """Return Qiskit's circuit for an isometry, shape (2^n, 2^m), over CX and U."""
    from qiskit import QuantumCircuit
    from qiskit.circuit.library import Isometry

    circuit = QuantumCircuit((len(V) - 1).bit_length())
    circuit.append(Isometry(V, 0, 0), circuit.qubits)
    return lowered(circuit)


def lowered(circuit: Circuit) -> Circuit:
    """Return a circuit over CX and U."""
    from qiskit import transpile

    return transpile(circuit, basis_gates=list(BASIS), optimization_level=3, seed_transpiler=1)


def figures(what: str, circuit: Circuit) -> CircuitCost:
    """Return what a circuit takes."""
    depth = circuit.depth(lambda instruction: len(instruction.qubits) == 2)
    return CircuitCost(what, circuit.num_qubits, circuit.count_ops().get("cx", 0), depth)
