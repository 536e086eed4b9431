# SPDX-License-Identifier: Apache-2.0
"""Circuits of spins: exported programs give the enumerated law, exactly, in an interpreter that shares no code."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracles import plain_spins
from oracles.qasm_runner import distribution
from stinespring.circuits.core.cost import flow_cost
from stinespring.circuits.systems.spin_tokens import token_angles
from stinespring.compiler.systems import spins
from stinespring.compiler.systems.spin_template import SpinTemplate, shared_out
from stinespring.errors import InputError, TooLargeError
from stinespring.models.spins import draw_network, read_network
from stinespring.models.spins.asked import SpinAsked
from stinespring.readings import Outcomes
from strategies import spin_networks


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("spins") / "network.json"


def load(data, path):
    path.write_text(json.dumps(data))
    return read_network(path)


def compile_spins(network, steps, **options):
    return spins.compile_spins(network, SpinAsked(steps), **options)


def same(found, law):
    for text in {*found, *law}:
        assert abs(found.get(text, 0.0) - law.get(text, 0.0)) < 1e-10


@settings(max_examples=30)
@given(spin_networks(spins=2), st.integers(1, 4), st.sampled_from(["static", "dynamic"]))
def test_the_exported_program_gives_the_enumerated_law(path, data, steps, schedule):
    data["gamma"] = min(data["gamma"], 20.0)
    program = compile_spins(load(data, path), steps=steps, schedule=schedule)
    found = distribution(program.qasm3(), [f"t{step}" for step in range(1, steps + 1)])
    same(found, plain_spins.joint_law(data, steps))


def test_a_context_of_one_token_tests_its_own_register(path):
    network = draw_network(M=2, N=2, P=0, eps=0.0, gamma=2.0, beta=0.8, seed=3)
    program = compile_spins(network, steps=4, schedule="dynamic")
    assert "h1" not in program.qasm3()
    same(distribution(program.qasm3(), ["t1", "t2", "t3", "t4"]), plain_spins.joint_law(network.content(), 4))


@settings(max_examples=15)
@given(spin_networks(spins=2), st.integers(1, 3))
def test_the_cost_of_conditions_is_that_of_the_worst_path(path, data, steps):
    program = compile_spins(load(data, path), steps=steps, schedule="dynamic")
    walked = flow_cost(program.body.form)
    assert program.cost == replace(walked, depth=program.cost.depth)
    assert walked.depth <= program.cost.depth <= walked.depth + steps


def test_qiskit_reads_the_program_and_the_static_circuit_is_its_state():
    from qiskit import qasm3
    from qiskit.quantum_info import Statevector

    network = draw_network(M=3, N=2, P=1, eps=0.1, gamma=4.0, beta=1.1, seed=8)
    law = plain_spins.joint_law(network.content(), 3)
    program = compile_spins(network, steps=3, schedule="static")
    for circuit in (program.circuit, qasm3.loads(program.qasm3())):
        state = Statevector(circuit.remove_final_measurements(inplace=False)).probabilities()
        for code, p in enumerate(state):
            assert abs(p - law[code & 3, code >> 2 & 3, code >> 4]) < 1e-12
    dynamic = qasm3.loads(compile_spins(network, steps=3, schedule="dynamic").qasm3())
    assert dynamic.num_qubits == 2


def test_one_token_has_one_rotation_a_spin_and_nothing_else():
    network = draw_network(M=3, N=50, P=2, eps=0.02, gamma=220.0, beta=1.27, repeat=2, seed=1)
    program = compile_spins(network, steps=7)
    assert program.cost.two_qubit_gates == 0
    assert program.cost.qubits == 100
    text = program.qasm3()
    assert len(re.findall(r"^ry\(a\d+\)", text, flags=re.M)) == 100
    assert {name.size for name in program.circuit.cregs} == {60, 40}  # values fit in 64 bits


def test_angles_keep_small_probabilities():
    beta_h = np.array([-300.0, -20.0, 0.0, 0.7, 20.0, 300.0, 1e4])
    minus = np.sin(token_angles(beta_h) / 2) ** 2
    np.testing.assert_allclose(minus[1:-1], 1 / (1 + np.exp(2 * beta_h[1:-1])), rtol=1e-12)
    assert minus[0] == 1.0 and minus[-1] == 0.0


def test_a_folder_lists_angles_that_give_the_enumerated_law(path, tmp_path):
    network = draw_network(M=2, N=2, P=1, eps=0.1, gamma=3.0, beta=1.0, seed=4)
    compile_spins(network, steps=3).write(tmp_path / "program")
    description = json.loads((tmp_path / "program" / "program.json").read_text())
    prefixes = json.loads((tmp_path / "program" / "angles.json").read_text())["prefixes"]
    assert description["complete"] and len(prefixes) == 1 + 4 + 16
    law = plain_spins.joint_law(network.content(), 3)
    names = description["decode"]["t1"]
    for text, weight in law.items():
        p = 1.0
        for step, value in enumerate(text):
            entry = prefixes[" ".join(names[str(v)] for v in text[:step])]
            assert abs(entry["probability"] - p) < 1e-12
            template = (tmp_path / "program" / entry["template"]).read_text()
            assert f"bit[2] t{step + 1};" in template
            minus = np.sin(np.array(entry["angles"]) / 2) ** 2
            p *= np.prod([m if value >> i & 1 else 1 - m for i, m in enumerate(minus)])
        assert abs(p - weight) < 1e-12


def test_what_cannot_be_listed_is_said(tmp_path):
    network = draw_network(M=2, N=40, P=1, eps=0.1, gamma=3.0, beta=1.0, seed=4)
    compile_spins(network, steps=2).write(tmp_path / "program")
    description = json.loads((tmp_path / "program" / "program.json").read_text())
    assert (description["steps_listed"], description["complete"]) == (1, False)
    assert description["decode"] == {}


def test_the_same_network_gives_the_same_bytes(tmp_path):
    network = draw_network(M=2, N=2, P=1, eps=0.1, gamma=3.0, beta=1.0, seed=4)
    for name in ("a", "b"):
        compile_spins(network, steps=3, schedule="dynamic").write(tmp_path / f"{name}.qasm")
    assert (tmp_path / "a.qasm").read_bytes() == (tmp_path / "b.qasm").read_bytes()
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    other = compile_spins(network.with_beta(1.1), steps=3, schedule="dynamic")
    assert other.hash != compile_spins(network, steps=3, schedule="dynamic").hash


@pytest.mark.parametrize("schedule", ["static", "dynamic"])
def test_too_many_contexts_are_refused(schedule):
    network = draw_network(M=2, N=20, P=2, eps=0.1, gamma=3.0, beta=1.0, seed=4)
    with pytest.raises(TooLargeError, match="stepwise"):
        compile_spins(network, steps=5, schedule=schedule)
    assert compile_spins(network, steps=1, schedule=schedule).cost.qubits == 20


def test_attention_vectors_leave_tokens_open(path):
    data = draw_network(M=2, N=2, P=0, eps=0.1, gamma=3.0, beta=1.0, seed=4).content()
    del data["window"]
    with pytest.raises(InputError, match="attention_window"):
        compile_spins(load(data | {"attention_window": [[0.1, 0.2]]}, path), steps=1)


@pytest.mark.parametrize("change", [{"steps": 0}, {"schedule": "auto"}])
def test_unusable_numbers(change):
    network = draw_network(M=2, N=2, P=0, eps=0.1, gamma=3.0, beta=1.0, seed=4)
    with pytest.raises(InputError):
        compile_spins(network, **({"steps": 1} | change))


def sampled(batch, rng):
    """Return readings of a template by hand: each bit of each row is 1 with probability sin^2(angle / 2)."""
    [item] = batch.items
    names = [parameter.name for parameter in item.circuit.parameters]
    places = np.argsort([int(name[2:-1]) for name in names])
    found = []
    for angles, shots in zip(item.angles[:, places], item.shots.tolist(), strict=True):
        bits = rng.random((shots, len(angles))) < np.sin(angles / 2) ** 2
        sizes = {register.name: register.size for register in item.circuit.cregs}
        columns, first = {}, 0
        for name, size in sizes.items():
            columns[name] = bits[:, first : first + size] @ (1 << np.arange(size))
            first += size
        found.append(Outcomes.tallied(columns))
    return found


def looped(body, shots, seed):
    """Run a body to its end; return what was seen and the outcomes."""
    rng, seen = np.random.default_rng(seed), []
    while (batch := body.next(seen, shots)) is not None:
        assert batch.shots == shots and batch.key == (len(seen) + 1,)
        seen.append(sampled(batch, rng))
    [outcomes] = body.outcomes(seen, shots)
    return seen, outcomes


def test_the_host_in_the_loop_draws_from_the_enumerated_law():
    """Longer than the context, so that readings of a row are dealt to several sequences; false alarm 1e-6."""
    from scipy.stats import chisquare

    network = draw_network(M=2, N=2, P=0, eps=0.0, gamma=2.0, beta=0.8, seed=3)
    law, shots = plain_spins.joint_law(network.content(), 3), 40_000
    _, outcomes = looped(compile_spins(network, steps=3).body, shots, seed=1)
    assert outcomes.registers == ("t1", "t2", "t3") and outcomes.shots == shots
    found = {tuple(row): count for row, count in zip(outcomes.values.tolist(), outcomes.counts.tolist(), strict=True)}
    assert set(found) <= {text for text, p in law.items() if p > 0}
    likely = [text for text, p in law.items() if p * shots > 5]
    observed = [found.get(text, 0) for text in likely]
    expected = [law[text] * shots for text in likely]
    rest = shots - sum(observed), shots - sum(expected)
    cells = ([*observed, rest[0]], [*expected, rest[1]]) if rest[1] > 1e-6 else (observed, expected)
    assert chisquare(*cells).pvalue > 1e-6


def test_a_row_is_a_context_and_what_was_seen_is_all_that_counts():
    network = draw_network(M=2, N=2, P=0, eps=0.0, gamma=2.0, beta=0.3, seed=3)
    program = compile_spins(network, steps=5)
    seen, outcomes = looped(program.body, 3000, seed=2)
    assert [len(rows) for rows in seen] == [1, 4, 4, 4, 4]  # one token of context: as many rows as it has values
    fresh = SpinTemplate(program.source, 5)
    for known in (2, 4, 0, 5):  # in any order, and in another process
        again, before = fresh.next(seen[:known], 3000), program.body.next(seen[:known], 3000)
        assert (again is None) == (before is None) == (known == 5)
        if again is not None:
            np.testing.assert_array_equal(again.items[0].angles, before.items[0].angles)
            np.testing.assert_array_equal(again.items[0].shots, before.items[0].shots)
    [other] = fresh.outcomes(seen, 3000)
    np.testing.assert_array_equal(other.values, outcomes.values)
    np.testing.assert_array_equal(other.counts, outcomes.counts)


def test_wide_tokens_come_in_pieces():
    network = draw_network(M=3, N=50, P=1, eps=0.02, gamma=20.0, beta=0.5, repeat=2, seed=1)
    program = compile_spins(network, steps=2)
    _, outcomes = looped(program.body, 50, seed=3)
    assert outcomes.registers == ("t1_0", "t1_1", "t2_0", "t2_1")
    assert [(r.name, r.size, r.step) for r in program.registers] == [
        ("t1_0", 60, 1),
        ("t1_1", 40, 1),
        ("t2_0", 60, 2),
        ("t2_1", 40, 2),
    ]
    assert all(len(text.split()) == 2 and len(text) == 201 for text in program.asked.spell(program.source, outcomes))
    with pytest.raises(TooLargeError, match="do not fit in memory"):
        program.body.next((), 1 << 28)


@settings(max_examples=20)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=8), st.integers(1, 8), st.integers(0, 99))
def test_readings_are_shared_out_whole(takers, colours, seed):
    rng = np.random.default_rng(seed)
    readings = np.bincount(rng.integers(colours, size=sum(takers)), minlength=colours)
    table = shared_out(np.array(takers), readings, rng)
    assert (table >= 0).all()
    np.testing.assert_array_equal(table.sum(axis=1), takers)
    np.testing.assert_array_equal(table.sum(axis=0), readings)


def test_sharing_out_has_the_means_of_dealing():
    """Against ``row x column / total``; the mean of 4,000 tables is within 6 standard errors: false alarm 1e-7 for 6 cells."""
    rng, takers, readings = np.random.default_rng(5), np.array([2, 5, 3]), np.array([6, 4])
    tables = np.array([shared_out(takers, readings, rng) for _ in range(4000)])
    expected = np.outer(takers, readings) / 10
    assert (abs(tables.mean(axis=0) - expected) <= 6 * tables.std(axis=0) / np.sqrt(4000) + 1e-12).all()
