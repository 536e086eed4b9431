"""Layer steps as circuits: the exported OpenQASM, run by an independent reader, against loops over the formula."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from qiskit import qasm3
from qiskit.quantum_info import Statevector

from oracles import plain_sphere as plain
from oracles.qasm_runner import branches, registers
from stinespring.circuits.systems.linear_combination import padded
from stinespring.compiler.export.qasm import flow_qasm
from stinespring.compiler.systems import sphere
from stinespring.compiler.systems.overlaps import compile_overlaps
from stinespring.compiler.systems.sphere_layer import layers_of
from stinespring.errors import InputError, TooLargeError
from stinespring.models.sphere.asked import SphereAsked
from stinespring.models.sphere.files import random_model, sphere_from
from stinespring.models.sphere.overlaps import pairs_of
from stinespring.pipeline.blocks import verify_block
from strategies import sphere_models


def compile_sphere(model, particle, layers=1, schedule="static", amplify=0, read="nothing"):
    return sphere.compile_sphere(model, SphereAsked((particle,), layers, schedule, amplify, read))


def successes(program, text):
    """Return the unnormalised states of x in all branches whose flags are 0, and their total probability."""
    size = 2 ** registers(text)[0]["x"]
    good = [b for b in branches(text) if all(v == 0 for name, v in b.values.items() if name.startswith("flag"))]
    parts = [b.state.reshape(-1, size) for b in good]
    return [row for part in parts for row in part if np.linalg.norm(row) > 1e-9], sum(b.probability for b in good)


def check(data, particle, layers=1, **options):
    program = compile_sphere(sphere_from(data), particle=particle, layers=layers, **options)
    xs = [plain.unit(x) for x in data["particles"]]
    for _ in range(layers):
        xs = plain.euler(data, xs)
    states, probability = successes(program, program.qasm3())
    assert probability == pytest.approx(program.details["success_probability"], abs=1e-10)
    wanted = np.zeros(len(states[0]))
    wanted[: len(xs[0])] = xs[particle]
    for state in states:
        assert abs(np.vdot(state, wanted)) / np.linalg.norm(state) == pytest.approx(1, abs=1e-10)
    np.testing.assert_allclose(program.details["updated"], xs[particle], atol=1e-9)
    return program


@given(sphere_models(max_particles=5, max_dimension=4), st.data())
@settings(max_examples=20)
def test_one_layer(data, draws):
    particle = draws.draw(st.integers(0, len(data["particles"]) - 1))
    try:
        program = check(data, particle)
    except InputError as error:
        assume("no direction" not in str(error))
        raise
    [c] = layers_of(program.source, [particle], 1)[particle]
    assert program.details["coefficients"] == c.coefficients.tolist()
    n, m = len(data["particles"]), len((data["perceptron"] or {"weights": []})["weights"])
    assert len(c.coefficients) == 1 + n + m
    x = plain.unit(data["particles"][particle])
    np.testing.assert_allclose(c.vectors[0], x, atol=1e-14)
    if data["field"] == "raw":
        assert c.coefficients[0] == 1
    total = c.coefficients @ c.vectors
    assert c.success == pytest.approx(total @ total / abs(c.coefficients).sum() ** 2)


def small(**changes):
    return {
        "format": "stinespring/sphere@1", "particles": [[1, 0.2, 0.1], [0.3, -1, 0.5], [0.2, 0.4, 1.0]], "beta": 1.5,
        "normalise": "SA", "kernel": "plain", "direction": "descent", "field": "projected", "step": 0.3,
        "perceptron": {"directions": [[1, 1, 0], [0, -1, 1]], "weights": [0.7, -0.4], "activation": "tanh"},
    } | changes  # fmt: skip


@pytest.mark.parametrize("field", ["projected", "raw"])
@pytest.mark.parametrize(
    ("layers", "options"), [(2, {}), (2, {"schedule": "dynamic"}), (1, {"amplify": 1}), (2, {"amplify": "auto"})]
)
def test_layers_and_amplification(field, layers, options):
    program = check(small(field=field), 1, layers, **options)
    if options.get("amplify"):
        assert program.details["success_probability"] > program.details["plain_success_probability"]
    if options.get("schedule") == "dynamic":
        assert program.cost.qubits == 2 + layers_of(program.source, [1], 1)[1][0].position_qubits


def test_amplification_with_a_clean_qubit():
    """The same law with fewer gates; the qubit returns to |0>, which the exact verification follows."""
    wide = small(particles=np.random.default_rng(1).normal(size=(6, 8)).tolist(), perceptron=None)
    found = {}
    for ancilla, room in (("auto", None), ("auto", 6), ("none", None)):
        asked = SphereAsked((1,), 1, "static", 1, "amplitudes")
        program = sphere.compile_sphere(sphere_from(wide), asked, ancilla=ancilla, room=room)
        found[ancilla, room] = program.cost.qubits, program.cost.two_qubit_gates
        assert verify_block(program).verdict == "PASS"
        assert program.details["ancilla"] == ("clean" if (ancilla, room) == ("auto", None) else "none")
    assert found["auto", 6] == found["none", None]
    assert found["auto", None][0] == found["none", None][0] + 1
    assert found["auto", None][1] <= found["none", None][1] - 50  # six wires: 24 CX instead of 82


def test_readouts():
    """Measured amplitudes have the stated law; after the inverse preparation x is 0 whenever the flags are."""
    from oracles.qasm_runner import distribution

    for read in ("amplitudes", "fidelity"):
        program = compile_sphere(sphere_from(small()), particle=0, read=read)
        found = distribution(program.qasm3(), ["flag", "x1"])
        law = program.asked.law(program.source).circuits[0].probabilities[:-1]
        assert law.sum() == pytest.approx(program.details["success_probability"])
        for value, p in enumerate(law):
            assert found.get((0, value), 0.0) == pytest.approx(p, abs=1e-12)


def test_qiskit_reads_the_export():
    """The register is called x like the library's gate, so the gates are defined in the program."""
    program = compile_sphere(sphere_from(small()), particle=2, amplify=1)
    text = program.qasm3()
    assert "stdgates" not in text
    loaded = qasm3.loads(text)
    loaded.remove_final_measurements()
    ours = program.circuit
    ours.remove_final_measurements()
    assert Statevector(loaded).equiv(Statevector(ours))


def test_files(tmp_path):
    program = compile_sphere(sphere_from(small()), particle=1, layers=2)
    files = program.write(tmp_path / "a.qasm")
    first = [f.read_bytes() for f in files]
    compile_sphere(sphere_from(small()), particle=1, layers=2).write(tmp_path / "a.qasm")
    assert [f.read_bytes() for f in files] == first
    described = json.loads(files[1].read_text())
    assert described["format"] == "stinespring/program@1"
    assert described["decode"] == {}
    read = compile_sphere(sphere_from(small()), particle=1, read="amplitudes").write(tmp_path / "b.qasm")
    assert json.loads(read[1].read_text())["decode"] == {"x1": {"0": 0, "1": 1, "2": 2}}
    turned = compile_sphere(sphere_from(small()), particle=1, read="fidelity").write(tmp_path / "c.qasm")
    assert json.loads(turned[1].read_text())["decode"] == {}


def test_layers_as_a_folder(tmp_path):
    program = compile_sphere(sphere_from(small()), particle=1, layers=2, schedule="stepwise")
    made = program.write(tmp_path / "folder")
    xs = [plain.unit(x) for x in small()["particles"]]
    for name in ("layer_1.qasm", "layer_2.qasm"):
        xs = plain.euler(small(), xs)
        [state], _ = successes(program, (tmp_path / "folder" / name).read_text())
        assert abs(np.vdot(state[:3], xs[1])) / np.linalg.norm(state) == pytest.approx(1, abs=1e-10)
    described = json.loads((tmp_path / "folder" / "program.json").read_text())
    assert described["schedule"] == "stepwise" and described["templates"] == ["layer_1.qasm", "layer_2.qasm"]
    assert len(described["layers"]) == described["circuits"] == 2
    assert program.write(tmp_path / "folder") == made
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "note.txt").write_text("mine")
    with pytest.raises(InputError, match="no program folder"):
        program.write(tmp_path / "other")


@pytest.mark.parametrize("schedule", ["static", "dynamic", "stepwise"])
def test_all_circuits_of_a_request_have_the_law_that_the_dynamics_give(schedule):
    """Two particles, two layers, amplitudes and fidelities: every circuit against the law, in the same order."""
    from oracles.qasm_runner import distribution

    asked = SphereAsked((2, 0), 2, schedule)
    program = sphere.compile_sphere(sphere_from(small()), asked)
    laws = asked.law(program.source).circuits
    assert len(program.body.forms) == len(laws) == program.details["circuits"] == (8 if schedule == "stepwise" else 4)
    for form, law in zip(program.body.forms, laws, strict=True):
        found = distribution(flow_qasm(form), [*law.registers, law.values])
        for value, p in enumerate(law.probabilities[:-1]):
            assert found.get((*[0] * len(law.registers), value), 0.0) == pytest.approx(p, abs=1e-10)
    assert {register.role for register in program.registers} == {"flag", "ancilla"}
    assert program.body.next((), 10).rows == len(laws)


@pytest.mark.parametrize("test", ["hadamard", "swap"])
def test_overlaps(test, tmp_path):
    """Every pair's ancilla in Qiskit's simulator, against the inner products."""
    program = compile_overlaps(sphere_from(small()), SphereAsked((), read=test))
    u, v = pairs_of(program.source)
    laws = program.asked.law(program.source).circuits
    batch = program.body.next((), 100)
    assert batch.rows == len(u) == program.details["pairs"] == len(laws)
    bound = [
        item.circuit if item.angles is None else item.circuit.assign_parameters(row)
        for item in batch.items
        for row in (item.angles if item.angles is not None else [None])
    ]
    for circuit, one, other, law in zip(bound, padded(u), padded(v), laws, strict=True):
        ancilla = circuit.find_bit(circuit.data[-1].qubits[0]).index
        state = Statevector(circuit.remove_final_measurements(inplace=False))
        overlap = one @ other if test == "hadamard" else (one @ other) ** 2
        assert state.probabilities([ancilla])[0] == pytest.approx((1 + overlap) / 2, abs=1e-10)
        assert law.probabilities[0] == pytest.approx((1 + overlap) / 2, abs=1e-10)
    files = {path.name for path in program.write(tmp_path / "folder")}
    assert ("angles.json" in files) == (test == "hadamard") and "circuit_1.qasm" in files
    with pytest.raises(InputError, match="unknown test"):
        compile_overlaps(sphere_from(small()), SphereAsked((0,)))


def test_refusals():
    model = sphere_from(small())
    for options, message in (
        ({"particle": 3}, "no such particle"),
        ({"particle": -1}, "no such particle"),
        ({"particle": 0, "layers": 0}, "layers"),
        ({"particle": 0, "schedule": "parallel"}, "unknown schedule"),
        ({"particle": 0, "schedule": "dynamic", "amplify": 1}, "cannot be amplified"),
        ({"particle": 0, "amplify": -1}, "amplification"),
    ):
        with pytest.raises(InputError, match=message):
            compile_sphere(model, **options)
    opposite = {
        "format": "stinespring/sphere@1", "particles": [[1, 0]], "beta": 1.0, "normalise": "SA", "field": "raw",
        "direction": "descent", "step": 1.0,
    }  # fmt: skip
    with pytest.raises(InputError, match="no direction"):
        compile_sphere(sphere_from(opposite), particle=0)
    with pytest.raises(TooLargeError):
        compile_sphere(random_model(particles=1500, dimension=900, beta=1.0, seed=1), particle=0)
