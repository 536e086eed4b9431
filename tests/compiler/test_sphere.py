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
from stinespring.compiler.systems.sphere import compile_sphere
from stinespring.errors import InputError, TooLargeError
from stinespring.models.sphere.files import random_model, sphere_from
from strategies import sphere_models


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
    assert probability == pytest.approx(program.success_probability, abs=1e-10)
    wanted = np.zeros(len(states[0]))
    wanted[: len(xs[0])] = xs[particle]
    for state in states:
        assert abs(np.vdot(state, wanted)) / np.linalg.norm(state) == pytest.approx(1, abs=1e-10)
    np.testing.assert_allclose(program.updated, xs[particle], atol=1e-9)
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
    c = program.combinations[0]
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
        assert program.success_probability > program.plain_success
    if options.get("schedule") == "dynamic":
        assert program.cost.qubits == 2 + program.combinations[0].position_qubits


def test_readouts():
    """Measured amplitudes have the stated law; after the inverse preparation x is 0 whenever the flags are."""
    from oracles.qasm_runner import distribution

    for read in ("amplitudes", "fidelity"):
        program = compile_sphere(sphere_from(small()), particle=0, read=read)
        found = distribution(program.qasm3(), ["flag", "x1"])
        law = program.law()
        assert law.sum() == pytest.approx(program.success_probability)
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
    from stinespring.compiler.export.sphere_files import write_sphere_folder

    program = compile_sphere(sphere_from(small()), particle=1, layers=2)
    files = program.write(tmp_path / "a.qasm")
    first = [f.read_bytes() for f in files]
    compile_sphere(sphere_from(small()), particle=1, layers=2).write(tmp_path / "a.qasm")
    assert [f.read_bytes() for f in files] == first
    described = json.loads(files[1].read_text())
    assert described["format"] == "stinespring/program@1"
    made = write_sphere_folder(program, tmp_path / "folder")
    xs = [plain.unit(x) for x in small()["particles"]]
    for name in ("layer_1.qasm", "layer_2.qasm"):
        xs = plain.euler(small(), xs)
        [state], _ = successes(program, (tmp_path / "folder" / name).read_text())
        assert abs(np.vdot(state[:3], xs[1])) / np.linalg.norm(state) == pytest.approx(1, abs=1e-10)
    assert write_sphere_folder(program, tmp_path / "folder") == made
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "note.txt").write_text("mine")
    with pytest.raises(InputError, match="no program folder"):
        write_sphere_folder(program, tmp_path / "other")


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
