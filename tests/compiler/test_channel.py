# SPDX-License-Identifier: Apache-2.0
"""Compiled channels: the exported OpenQASM, run by the independent interpreter, has the channel's Choi matrix."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.quantum_info import Choi, Kraus, Operator

import strategies
from oracles.qasm_choi import choi, outcome_choi
from oracles.qasm_runner import distribution, registers, worst_path_two_qubit_gates
from stinespring.backends.aer.choi import channel_wires, circuit_choi
from stinespring.circuits.core.flow import If
from stinespring.circuits.devices.targets import open_target
from stinespring.compiler.channels.channel import choi_error, compile_channel
from stinespring.compiler.channels.probe import probed
from stinespring.compiler.devices.lower import lowered_cost, on_device
from stinespring.compiler.export.qasm import form_qasm, lowered_qasm
from stinespring.errors import InputError, TooLargeError
from stinespring.models import channels
from stinespring.models.channels import CPTP
from stinespring.models.channels.asked import ChannelAsked, drawn
from stinespring.readings import UNUSED

EXACT = 1e-12  # the promise of both forms
FORMS = st.sampled_from(["isometry", "tree"])


def meaning(program):
    """Return the outcome that each value of the register stands for."""
    [register] = program.registers
    return {code: symbol for code, symbol in enumerate(register.symbols) if symbol != UNUSED}


def assert_realises(program, expected) -> None:
    m, n = program.source.inputs, program.source.outputs
    qasm = program.qasm3()
    assert choi(qasm, m, n) == pytest.approx(expected, abs=EXACT)
    quantum, classical = registers(qasm)
    assert quantum["sys"] == max(m, n)
    assert sum(quantum.values()) == program.cost.qubits
    assert sum(classical.values()) == program.cost.clbits
    spread = np.full(2 ** max(m, n), 2 ** -(max(m, n) / 2))
    assert program.cost.two_qubit_gates >= worst_path_two_qubit_gates(qasm, {"sys": spread})
    assert program.details["choi_error"] <= EXACT


@settings(max_examples=30)
@given(
    st.data(),
    FORMS,
    st.sampled_from(
        [(1, 1, 1), (1, 1, 2), (1, 1, 3), (1, 1, 4), (2, 2, 1), (2, 2, 3), (1, 2, 2), (2, 1, 3), (0, 1, 2), (1, 0, 2)]
    ),
)
def test_random_channels(data, form, shape):
    m, n, r = shape
    kraus = data.draw(strategies.random_kraus(m, n, r))
    program = compile_channel(kraus, form=form, effort=0)
    vectors = [k.T.reshape(-1) for k in kraus]
    assert_realises(program, sum(np.outer(v, v.conj()) for v in vectors))
    assert program.details["form"] == form


@pytest.mark.parametrize("form", ["isometry", "tree"])
@pytest.mark.parametrize(("m", "r", "isometry", "tree"), [(1, 2, 2, 1), (1, 4, 5, 2), (2, 2, 10, 8)])
def test_gate_counts_reach_the_goals(form, m, r, isometry, tree):
    channel = channels.random_channel(m, r, seed=11)
    program = compile_channel(channel, form=form, effort=3.0)
    assert_realises(program, channel.choi())
    assert program.cost.two_qubit_gates <= {"isometry": isometry, "tree": tree}[form]
    assert program.cost.qubits == m + ((r - 1).bit_length() if form == "isometry" else 1)
    assert program.cost.mid_circuit_measurements == (0 if form == "isometry" else (r - 1).bit_length())


rng = np.random.default_rng(5)
BASIS = np.linalg.qr(rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4)))[0]
DEGENERATE = {  # channel, most CX as a tree
    "identity": (CPTP.from_kraus([np.eye(4)]), 0),
    "unitary": (CPTP.from_kraus([BASIS]), 3),
    "depolarizing": (channels.depolarizing(0.3), 0),
    "completely depolarizing": (channels.depolarizing(1.0), 0),
    "phase damping": (channels.phase_damping(0.4), 0),
    "amplitude damping": (channels.amplitude_damping(0.4), 1),
    "no damping": (channels.amplitude_damping(0.0), 0),
    "full damping": (channels.amplitude_damping(1.0), 0),
    "thermal": (channels.generalized_amplitude_damping(0.4, 0.3), 1),
    "erasure": (channels.erasure(0.3), 3),
    "replacement": (channels.replacement([0.6, 0.8j]), 0),
    "mixed replacement": (channels.replacement(np.diag([0.3, 0.7])), 0),
    "measure and prepare": (
        channels.measure_and_prepare(
            [np.outer(v, v.conj()) for v in BASIS.T], [np.diag([p, 1 - p]) for p in (0.1, 0.5, 0.9, 1.0)]
        ),
        2,
    ),
    "non-orthogonal mixture": (channels.random_unitary([0.5, 0.3, 0.2], [np.eye(4), BASIS, BASIS @ BASIS]), 3),
    "qutrit": (CPTP.from_kraus(np.linalg.qr(rng.normal(size=(6, 3)))[0].reshape(2, 3, 3)), 8),
}


@pytest.mark.parametrize("name", DEGENERATE)
@pytest.mark.parametrize("form", ["isometry", "tree"])
def test_degenerate_channels(name, form):
    channel, most = DEGENERATE[name]
    program = compile_channel(channel, form=form, effort=0.3)
    assert_realises(program, channel.choi())
    if form == "tree":
        assert program.cost.two_qubit_gates <= most
        assert program.cost.qubits <= max(channel.inputs, channel.outputs) + 1


def test_mixtures_say_that_they_are_random():
    program = compile_channel(channels.depolarizing(0.2, 2), form="auto", effort=0)
    assert program.details["form"] == "tree"
    assert program.cost.two_qubit_gates == 0
    assert "random" in program.details["method"]
    ancilla = program.body.form.qubits - 1
    for item in program.body.form.instructions:
        gates = item.gates if isinstance(item, If) else ()
        assert all(ancilla not in gate.qubits or len(gate.qubits) == 1 for gate in gates)


def test_auto_counts_a_mid_circuit_measurement_as_two_gates():
    damping, pair = channels.amplitude_damping(0.4), channels.random_channel(2, 2, seed=3)
    assert compile_channel(damping, effort=1).details["form"] == "isometry"  # 2 against 1 + 2
    assert compile_channel(pair, effort=0).details["form"] == "tree"  # 15 against 8 + 2


@settings(max_examples=12)
@given(st.data(), FORMS, st.sampled_from([(1, 1), (1, 2), (2, 1)]), st.integers(1, 3))
def test_instruments(data, form, shape, outcomes):
    m, n = shape
    kraus = data.draw(strategies.random_kraus(m, n, 4))
    labels = [3 * (i % outcomes) for i in range(4)]
    program = compile_channel(CPTP.from_kraus(kraus, labels=labels), form=form, effort=0)
    found = dict.fromkeys(labels, 0)
    for value, part in outcome_choi(program.qasm3(), m, n).items():
        found[meaning(program)[value]] = found[meaning(program)[value]] + part
    for label in found:
        vectors = [k.T.reshape(-1) for k, other in zip(kraus, labels, strict=True) if other == label]
        assert found[label] == pytest.approx(sum(np.outer(v, v.conj()) for v in vectors), abs=EXACT)


@pytest.mark.parametrize("form", ["isometry", "tree"])
def test_povm(form):
    """The trine: three effects 2/3 |t><t|."""
    angles = np.arange(3) * 2 * np.pi / 3
    kets = np.stack([np.cos(angles / 2), np.sin(angles / 2)], axis=1)
    program = compile_channel(channels.povm([2 / 3 * np.outer(k, k) for k in kets]), form=form, effort=0.5)
    found = outcome_choi(program.qasm3(), 1, 0)
    by_label = {meaning(program)[value]: part for value, part in found.items() if abs(part).max() > 1e-14}
    for label, ket in enumerate(kets):
        assert by_label[label] == pytest.approx(2 / 3 * np.outer(ket, ket), abs=EXACT)


def test_aer_agrees():
    channel = channels.random_channel(1, 3, seed=2)
    for form in ("isometry", "tree"):
        circuit = compile_channel(channel, form=form, effort=0).circuit
        found = circuit_choi(circuit, *channel_wires(circuit, inputs=1, outputs=1))
        assert found == pytest.approx(channel.choi(), abs=EXACT)


def test_same_program_twice():
    channel = channels.random_channel(2, 2, seed=2)
    first, second = (compile_channel(channel, effort=0.5) for _ in range(2))
    assert first.qasm3() == second.qasm3()
    assert first.hash == second.hash
    assert compile_channel(channel, effort=0.25).hash != first.hash


@pytest.mark.parametrize("mutate", ["sign", "swap", "drop"])
def test_mutants_are_caught(mutate):
    """A flipped sign, a swapped condition, a dropped gate: the reported error sees each of them."""
    channel = channels.random_channel(1, 2, seed=4)
    program = compile_channel(channel, form="tree", effort=0)
    items = list(program.body.form.instructions)
    turns = [i for i, item in enumerate(items) if getattr(item, "name", "") == "u" and abs(item.params[0]) > 0.1]
    if mutate == "sign":
        theta, *rest = items[turns[0]].params
        items[turns[0]] = items[turns[0]]._replace(params=(-theta, *rest))
    elif mutate == "drop":
        del items[turns[0]]
    else:
        items = [item._replace(value=1 - item.value) if isinstance(item, If) else item for item in items]
    broken = dataclasses.replace(program.body.form, instructions=tuple(items))
    assert choi_error(channel, broken, {}) > 1e-3


def test_inputs_of_every_kind():
    unitary = np.array([[0, 1], [1j, 0]])
    for source in (unitary[None], Kraus([unitary]), Operator(unitary), Choi(Operator(unitary)), CPTP.from_kraus([unitary])):
        program = compile_channel(source, effort=0)
        assert choi(program.qasm3(), 1, 1) == pytest.approx(Choi(Operator(unitary)).data, abs=EXACT)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"form": "star"}, InputError),
        ({"effort": -1}, InputError),
        ({"effort": float("nan")}, InputError),
        ({"channel": channels.random_channel(5, 64, seed=1)}, TooLargeError),
    ],
)
def test_bad_input(arguments, error):
    with pytest.raises(error):
        compile_channel(**({"channel": [np.eye(2)]} | arguments))


def test_sparse_instruments_keep_their_gates():
    """Rotations by zero belong to a uniformly controlled rotation that acts on any state: found by an outside tester."""
    entries = [(0, 0, 0.6), (1, 0, 0.8), (0, 1, 1.0), (1, 2, 1.0), (0, 3, 0.28), (1, 3, 0.96)]
    kraus = np.zeros((len(entries), 2, 4))
    for index, (row, column, value) in enumerate(entries):
        kraus[index, row, column] = value
    for labels in ([0, 1, 1, 0, 1, 0], [100, 5, 100, 5, 5, 100]):
        program = compile_channel(CPTP.from_kraus(kraus, labels=labels), form="isometry", effort=0)
        assert program.details["choi_error"] <= EXACT


@pytest.mark.parametrize("form", ["isometry", "tree"])
def test_instruments_with_one_outcome(form):
    for channel in (
        CPTP.from_kraus([np.eye(2)], labels=[7]),
        channels.povm([np.eye(2)]),
        channels.povm(np.ones((3, 1, 1)) / 3),
    ):
        program = compile_channel(channel, form=form, effort=0)
        assert program.details["choi_error"] <= EXACT
        assert program.body.form.classical[0][0] == "outcome"
        assert set(meaning(program).values()) == set(channel.labels)


def test_files_say_what_outcomes_mean(tmp_path):
    kraus = [[[1, 0], [0, 0]], [[0, 0], [0, 1]]]
    program = compile_channel(CPTP.from_kraus(kraus, labels=[5, 2]), form="tree", effort=0)
    paths = program.write(tmp_path / "p.qasm")
    content = json.loads(paths[1].read_text())
    assert content["decode"]["outcome"] == {str(code): label for code, label in meaning(program).items()}
    assert {"form", "rank", "choi_error", "inputs", "outputs", "method", "hash"} <= content.keys() and "seconds" not in content
    first = [path.read_bytes() for path in paths]
    assert [path.read_bytes() for path in program.write(tmp_path / "p.qasm")] == first
    plain = compile_channel(channels.random_channel(1, 3, seed=2), form="tree", effort=0).write(tmp_path / "q.qasm")
    assert json.loads(plain[1].read_text())["decode"] == {}


@pytest.mark.parametrize("form", ["isometry", "tree"])
@pytest.mark.parametrize(("m", "n"), [(2, 1), (1, 2)])
def test_probes_have_the_law_of_the_channel(form, m, n):
    """Each circuit, written and run by the independent interpreter, against Born's rule on the Choi matrix."""
    kraus = np.linalg.qr(rng.normal(size=(3 * 2**n, 2**m)) + 0j)[0].reshape(3, 2**n, 2**m)
    program = compile_channel(CPTP.from_kraus(kraus), form=form, effort=0)
    asked = drawn(program.source, 5, seed=1)
    for compiled in (program, program.circuit):
        found = probed(compiled, asked, channel=program.source)
        laws = asked.law(program.source).probabilities
        for form_, law in zip(found.body.forms, laws, strict=True):
            seen = distribution(form_qasm(form_), ["probe"])
            assert [seen.get((value,), 0.0) for value in range(2**n)] == pytest.approx(law.tolist(), abs=1e-10)
        batch = found.body.next((), 103)
        assert (batch.rows, batch.shots) == (5, 103)  # three settings have one shot more
        assert found.details["circuits"] == 5
    assert probed(program, asked).hash == probed(program.circuit, asked, channel=program.source).hash
    assert probed(program, asked).hash != probed(program, drawn(program.source, 5, seed=2)).hash


def test_what_cannot_be_probed():
    program = compile_channel(channels.amplitude_damping(0.4), effort=0)
    asked = drawn(program.source, 2, seed=1)
    with pytest.raises(InputError, match="does not say"):
        probed(program.circuit, asked)
    with pytest.raises(InputError, match="does not fit"):
        probed(program, ChannelAsked((((0, 1), (0,)),)))
    with pytest.raises(InputError, match="no register 'sys'"):
        probed(QuantumCircuit(1), asked, channel=program.source)
    with pytest.raises(InputError, match="on a device"):
        probed(on_device(program, open_target("line:3")), asked)


def test_probes_on_a_device():
    program = compile_channel(channels.amplitude_damping(0.4), form="tree", effort=0)
    lowered = on_device(probed(program, drawn(program.source, 3, seed=1)), open_target("line:3"))
    assert lowered.device == "line:3" and lowered.details["circuits"] == 3
    assert lowered.cost.two_qubit_gates == max(lowered_cost(circuit).two_qubit_gates for circuit in lowered.body.circuits)
    for form, law in zip(lowered.body.circuits, lowered.asked.law(program.source).probabilities, strict=True):
        seen = distribution(lowered_qasm(form), ["probe"])
        assert [seen.get((value,), 0.0) for value in range(2)] == pytest.approx(law.tolist(), abs=1e-10)
