# SPDX-License-Identifier: Apache-2.0
"""Programs of the lens, exported and run by the independent OpenQASM interpreter."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
from qiskit import qasm3
from qiskit.quantum_info import Operator, Statevector
from scipy.linalg import expm

import stinespring
from oracles.qasm_runner import branches, distribution, operator, registers, two_qubit_gates
from oracles.tiny_decoder import TinyDecoder, dense_reflection
from stinespring.circuits.core.flow import Flow, If, Measure
from stinespring.circuits.core.gates import Gate
from stinespring.circuits.core.simulate import applied
from stinespring.circuits.exact import multi_controlled
from stinespring.circuits.systems.reflection import Turn, turn_phase, turns_program
from stinespring.compiler.export.qasm import flow_qasm
from stinespring.compiler.systems.lens import compile_lens, compile_operator, require_point
from stinespring.errors import InputError
from stinespring.models.lens import load_decoder, read_states
from stinespring.models.lens.asked import LensAsked
from stinespring.pipeline.blocks import verify_block


def compiled(states, upto=None, time=1.0, **options):
    """Return the program of one point, by default the last."""
    return compile_lens(states, LensAsked((len(states.points) - 1 if upto is None else upto,), time), **options)


def probabilities(qasm, size):
    found = np.zeros(size)
    for (value,), p in distribution(qasm, ["t1"]).items():
        found[value] = p
    return found


@pytest.fixture(scope="module")
def tiny():
    return read_states(TinyDecoder(tokens=6), "w1 w3 w0")


@pytest.fixture(scope="module", params=[("en", "Alice was beginning to"), ("pt", "O menino")], ids=["en", "pt"])
def glass(request):
    language, prompt = request.param
    return read_states(load_decoder(f"glassllm:{language}"), prompt)


@pytest.mark.parametrize("tokens", [2, 3, 6, 8])
@pytest.mark.parametrize("simplify", ["operators", "none", "state"])
def test_every_point(tokens, simplify):
    states = read_states(TinyDecoder(tokens=tokens, seed=tokens), [1, 0])
    size = max(1, (tokens - 1).bit_length())
    for point in range(5):
        program = compiled(states, upto=point, simplify=simplify)
        assert registers(program.qasm3()) == ({"q_t1": size}, {"t1": size})
        found = probabilities(program.qasm3(), 2**size)
        np.testing.assert_allclose(found[:tokens], states.psi[point] ** 2, atol=1e-12)
        assert found[tokens:].max(initial=0.0) < 1e-20  # codes of the padding carry nothing


@pytest.mark.parametrize("time", [0.5, 0.2, -1.3, 0.0])
def test_halfway_through_a_layer(tiny, time):
    program = compiled(tiny, upto=3, time=time)
    wanted = abs(tiny.operator(3).evolve(tiny.psi[2], time)) ** 2
    np.testing.assert_allclose(probabilities(program.qasm3(), 8)[:6], wanted, atol=1e-12)


def test_operators_alone(tiny):
    for point in range(1, 5):
        program = compile_operator(tiny, point)
        qasm = program.qasm3()
        assert registers(qasm) == ({"x": 3}, {})
        wanted = np.eye(8)
        wanted[:6, :6] = dense_reflection(tiny.psi[point - 1], tiny.psi[point])
        for found in (operator(qasm), Operator(qasm3.loads(qasm)).data, Operator(program.circuit).data):
            np.testing.assert_allclose(found, wanted, atol=1e-10)
        assert two_qubit_gates(qasm) == program.cost.two_qubit_gates
        assert [register.name for register in qasm3.loads(qasm).qregs] == ["x"]
    half = operator(compile_operator(tiny, 2, time=0.5).qasm3())
    whole = operator(compile_operator(tiny, 2).qasm3())
    np.testing.assert_allclose(half @ half, whole, atol=1e-10)


@pytest.mark.parametrize(
    ("tokens", "time"), [*((n, t) for n in (2, 4, 6) for t in (1.0, 0.5, -1.3, 2.0)), (20, 3.0), (20, 0.5), (70, 0.7)]
)
@pytest.mark.parametrize("ancilla", ["auto", "none"])
def test_operators_with_their_global_phase(tokens, time, ancilla):
    """``exp(-i H t)`` by SciPy's matrix exponential, with nothing left open; the clean qubit is in |0> before and after."""
    states = read_states(TinyDecoder(tokens=tokens, seed=tokens), [1, 0])
    program = compile_operator(states, 1, time=time, ancilla=ancilla)
    bits = (tokens - 1).bit_length()
    helped = program.details["ancilla"] == "clean"
    assert helped == (ancilla == "auto" and bits > 3) and program.cost.qubits == bits + helped
    size = 1 << bits
    v = np.zeros(size)
    v[:tokens] = states.v[0]
    wanted = expm(-1j * np.pi * time * np.outer(v, v))
    qasm = program.qasm3()
    assert registers(qasm) == ({"x": bits} | ({"clean": 1} if helped else {}), {})
    for found in (Operator(program.circuit).data, Operator(qasm3.loads(qasm)).data, operator(qasm)):
        assert abs(found[:size, :size] - wanted).max() < 1e-12
        assert abs(found[size:, :size]).max(initial=0.0) < 1e-12


def test_ancilla_follows_the_room_of_the_target():
    """``auto`` takes the qubit where there is room for it, ``clean`` in any case; other words are refused."""
    states = read_states(TinyDecoder(tokens=20, seed=2), [1, 0])
    found = {}
    for ancilla, room in itertools.product(("auto", "none", "clean"), (None, 6, 5)):
        program = compile_lens(states, LensAsked((4,)), ancilla=ancilla, room=room)
        found[ancilla, room] = program.cost.qubits
        np.testing.assert_allclose(probabilities(program.qasm3(), 32)[:20], states.psi[4] ** 2, atol=1e-12)
        assert two_qubit_gates(program.qasm3()) == program.cost.two_qubit_gates
        assert program.summary()["ancilla"] == ("clean" if program.cost.qubits == 6 else "none")
    assert [room for (ancilla, room), qubits in found.items() if qubits == 6] == [None, 6, None, 6, 5]
    assert compile_lens(states, LensAsked((0,))).cost.qubits == 5  # a state alone needs no help
    with pytest.raises(InputError, match="unknown ancilla"):
        compile_lens(states, LensAsked((4,)), ancilla="dirty")


def test_an_ancilla_that_is_left_behind_fails(monkeypatch):
    """Of 20,000 shots a wrong law of this size is missed with a probability below 1e-6, as its distance shows."""
    states = read_states(TinyDecoder(tokens=20, seed=2), [1, 0])
    asked = LensAsked((4,))
    right = multi_controlled.inverted
    monkeypatch.setattr(multi_controlled, "inverted", lambda gates: right(gates)[1:])  # one gate is not undone
    program = compile_lens(states, asked)
    monkeypatch.undo()
    wrong = probabilities(program.qasm3(), 32)[:20]
    assert abs(wrong - states.psi[4] ** 2).sum() / 2 > 0.05
    samples = stinespring.run(program, shots=20_000, seed=1)
    assert stinespring.check(samples).verdict == "FAIL"


def test_the_phase_of_the_largest_operators():
    """Beyond 12 qubits the phase is found without the preparations: here by applying all gates to a column."""
    size = 13
    v = np.random.default_rng(1).normal(size=1 << size)
    v /= np.linalg.norm(v)
    turn = Turn(v, 0.3)
    gates = turns_program(None, [turn], size)
    start = np.zeros(1 << size)
    start[5] = 1.0
    wanted = start + np.expm1(-0.3j * np.pi) * v[5] * v
    found = np.exp(1j * turn_phase(turn, gates, size)) * applied(start[:, None], gates)[:, 0]
    assert abs(found - wanted).max() < 1e-9


def test_full_vocabulary_against_the_decoders_own_softmax(glass):
    program = compiled(glass)
    state = Statevector(program.circuit.remove_final_measurements(inplace=False)).data
    own = glass.decoder.law(glass.prompt[None, :])[0]
    np.testing.assert_allclose(abs(state[:1024]) ** 2, own, atol=1e-12)
    assert (program.cost.qubits, program.cost.clbits) == (11, 10)
    assert program.cost.two_qubit_gates <= 6320  # eight reflections
    assert compiled(glass, ancilla="none").cost.two_qubit_gates <= 8256
    assert compile_operator(glass, 3).cost.two_qubit_gates <= 1168
    assert compile_operator(glass, 3, ancilla="none").cost.two_qubit_gates <= 1410


def test_full_vocabulary_exported(glass):
    qasm = compiled(glass, upto=1).qasm3()
    np.testing.assert_allclose(probabilities(qasm, 1024), glass.psi[1] ** 2, atol=1e-12)


def test_exported_reflection_of_the_full_vocabulary(glass):
    """U psi for three vectors: the two states, and one that the layer was not made for; the clean qubit ends in |0>."""
    qasm = compile_operator(glass, 5).qasm3()
    other = np.random.default_rng(0).normal(size=1024)
    other /= np.linalg.norm(other)
    layer = glass.operator(5)
    for psi in (glass.psi[4], glass.psi[5], other):
        [branch] = branches(qasm, {"x": psi})
        wanted = layer.apply(psi)
        np.testing.assert_allclose(branch.state, np.pad(wanted, (0, 1024)), atol=1e-12)


def test_registers_named_like_gates():
    """The same gates on registers `x` and `q`, read by two readers; conditions included."""
    gates = (Gate("h", (0,)), Gate("x", (1,)), Gate("ry", (1,), (0.3,)), Gate("cx", (0, 1)), Gate("rz", (0,), (0.7,)))
    gates += (Gate("cz", (1, 0)), Gate("u", (0,), (0.1, 0.2, 0.3)))
    named, plain = (Flow(((name, 2),), (), gates).circuit() for name in ("x", "q"))
    texts = [flow_qasm(Flow(((name, 2),), (), gates)) for name in ("x", "q")]
    assert "stdgates" not in texts[0] and "stdgates" in texts[1]
    wanted = Operator(plain).data
    for found in (Operator(named).data, *map(operator, texts), *(Operator(qasm3.loads(text)).data for text in texts)):
        np.testing.assert_allclose(found * np.vdot(found, wanted) / 4, wanted, atol=1e-13)
    steered = (Gate("h", (0,)), Measure((0,), "c", (0,)), If("c", 1, (Gate("x", (1,)),)), Measure((1,), "t1", (0,)))
    qasm = flow_qasm(Flow((("x", 2),), (("c", 1), ("t1", 1)), steered))
    assert distribution(qasm, ["c", "t1"]) == pytest.approx({(0, 0): 0.5, (1, 1): 0.5})


def test_layers_that_do_nothing():
    decoder = TinyDecoder(tokens=4)
    decoder.mixing[:] = 0.0
    states = read_states(decoder, [2])
    program = compile_operator(states, 1)
    assert program.body.form.instructions == ()
    np.testing.assert_allclose(operator(program.qasm3()), np.eye(4), atol=0)
    assert compiled(states).cost == compiled(states, upto=0).cost


def test_files(tiny, tmp_path):
    program = compiled(tiny, upto=2)
    paths = program.write(tmp_path / "p.qasm")
    content = json.loads(paths[1].read_text())
    assert content["format"] == "stinespring/program@1"
    assert content["decode"] == {"t1": {str(i): f"w{i}" for i in range(6)}}
    assert content["hash"] == program.hash
    assert "seconds" not in content
    again = compiled(tiny, upto=2).write(tmp_path / "q.qasm")
    assert [p.read_bytes() for p in paths] == [p.read_bytes() for p in again]
    hashes = {
        compiled(tiny, **options).hash
        for options in ({}, {"upto": 2}, {"upto": 2, "time": 0.5}, {"simplify": "none"}, {"simplify": "state"})
    }
    assert len(hashes | {compile_operator(tiny, 2).hash}) == 6
    alone = compile_operator(tiny, 2).write(tmp_path / "x.qasm")
    assert json.loads(alone[1].read_text())["decode"] == {}


def test_what_was_simplified_is_said(tiny):
    assert "known state" in compiled(tiny, simplify="state").summary()["method"]
    assert "whatever the state" in compiled(tiny).summary()["method"]


@pytest.mark.parametrize(
    "options",
    [
        {"upto": 5}, {"upto": -1}, {"time": float("nan")}, {"time": float("inf")},
        {"upto": 0, "time": 0.5}, {"simplify": "all"}, {"simplify": "state", "time": 0.5},
    ],
)  # fmt: skip
def test_bad_input(tiny, options):
    with pytest.raises(InputError):
        compiled(tiny, **options)


@pytest.mark.parametrize("point", [True, 2.0, "2"])
def test_numbers_that_are_no_points(tiny, point):
    with pytest.raises(InputError, match="no such point"):
        require_point(tiny, point, first=0)
    with pytest.raises(InputError, match="no operator"):
        compile_operator(tiny, point)


def test_several_points_are_several_circuits(tiny, tmp_path):
    program = compile_lens(tiny, LensAsked((0, 2, 4)))
    singles = [compiled(tiny, upto=point) for point in (0, 2, 4)]
    assert program.cost.two_qubit_gates == max(single.cost.two_qubit_gates for single in singles)
    assert program.details["circuits"] == 3 and program.details["points"] == [0, 2, 4]
    batch = program.body.next((), 100)
    assert (batch.rows, batch.shots) == (3, 300)
    paths = program.write(tmp_path / "folder")
    for number, single in enumerate(singles, start=1):
        written = (tmp_path / "folder" / f"circuit_{number}.qasm").read_text().splitlines()
        assert [line for line in written if not line.startswith("//")] == single.qasm3().splitlines()
    assert json.loads(paths[-1].read_text())["decode"]["t1"]["5"] == "w5"
    with pytest.raises(InputError, match="no point"):
        compile_lens(tiny, LensAsked(()))


@pytest.mark.parametrize("options", [{"point": 0}, {"point": 5}, {"point": 1, "time": float("inf")}])
def test_bad_operators(tiny, options):
    with pytest.raises(InputError):
        compile_operator(tiny, **options)


@pytest.mark.parametrize("kind", ["program", "operator"])
def test_a_clean_qubit_must_return(kind):
    """The exact verification follows the qubit: left in |1>, or entangled, it is a FAIL even where all else is as promised."""
    states = read_states(TinyDecoder(tokens=20, seed=2), [1, 0])
    program = compile_operator(states, 3) if kind == "operator" else compile_lens(states, LensAsked((4,)))
    assert verify_block(program).verdict == "PASS"
    form = program.body.form
    [clean] = form.place("clean")
    for fault in (Gate("x", (clean,)), Gate("cx", (0, clean))):
        last = [i for i, item in enumerate(form.instructions) if isinstance(item, Gate)][-1] + 1
        wrong = replace(form, instructions=(*form.instructions[:last], fault, *form.instructions[last:]))
        found = verify_block(replace(program, body=replace(program.body, form=wrong)))
        assert found.verdict == "FAIL" and "clean qubit" in found.reason
