# SPDX-License-Identifier: Apache-2.0
"""Every path of a dynamic program against the exact law from the independent interpreter.

Each sampled test is a G-test with a false-alarm rate of 1e-6; outcomes of probability zero must not occur at all.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from scipy.stats import chi2_contingency

from sampling import same, sampled
from steering import ALPHA, chain, coherent, p_value, wide
from stinespring.backends.aer import chunks
from stinespring.backends.aer.backend import AerBackend
from stinespring.backends.histories import branches, segment
from stinespring.backends.histories import stage_runner as stages
from stinespring.backends.histories.branches import follow
from stinespring.backends.histories.choose_path import cheapest, estimates, register_values, sample_by_plan
from stinespring.backends.histories.flow_events import ClearEvent, ReadEvent, Switch, events
from stinespring.backends.histories.flow_plan import plan
from stinespring.circuits.core.flow import Flow, If, Measure, Reset
from stinespring.circuits.core.gates import Gate
from stinespring.errors import BackendError, InputError, TooLargeError
from stinespring.readings import Outcomes
from strategies import flows

SHOTS = 4000


def run(flow, *, shots, seed, path="auto", method="auto", **options) -> tuple[Outcomes, dict]:
    """Return the outcomes of a program on Aer, and what the backend says of them."""
    backend = AerBackend(method, path=path, **options)
    [outcomes] = sampled(backend, flow.circuit(), shots, seed)
    assert outcomes.shots == shots
    return outcomes, backend.metadata()


@pytest.mark.parametrize("path", ["together", "deferred", "branches", "shot_branching", "plain"])
@given(flow=flows())
@settings(max_examples=15)
def test_random_programs(path, flow):
    outcomes, said = run(flow, shots=SHOTS, seed=11, path=path)
    assert said.get("path", path) == path  # none where nothing is measured on the way
    assert p_value(outcomes, flow) > ALPHA


@pytest.mark.parametrize("value", [0, 1])
@pytest.mark.parametrize("twice", [False, True])
def test_a_condition_acts_on_the_qubit_it_was_read_from(value, twice):
    """The measured qubit controls a gate under the condition of its own value: it was control and target of one multiplexer."""
    again = (Measure((1,), "again", (0,)),) if twice else ()
    body = (Gate("cx", (1, 0)), Gate("cz", (1, 0)))
    for matrices in (segment.MOST_ENTRIES, 0):
        items = (Gate("h", (1,)), Measure((1,), "m", (0,)), *again, If("again" if twice else "m", value, body))
        flow = Flow((("q", 2),), (("m", 1), ("again", 1), ("last", 1)), (*items, Measure((0,), "last", (0,))))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(segment, "MOST_ENTRIES", matrices)
            found = sample_by_plan(flow, shots=SHOTS, seed=13, path="deferred", limit=20).outcomes
        assert (found.column("last") == found.column("m") * value).all()
        assert p_value(found, flow) > ALPHA


@given(flow=flows())
def test_random_programs_cut_everywhere(flow):
    program = events(flow)
    ran = follow(program, range(1, len(program)), shots=SHOTS, bits=flow.clbits, qubits=flow.qubits, seed=12)
    assert p_value(Outcomes.tallied(register_values(flow, ran.bits)), flow) > ALPHA


@given(flow=flows())
def test_random_programs_without_multiplexers(flow):
    """Conditions that are too wide for one matrix each become controlled gates."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segment, "MOST_ENTRIES", 0)
        assert p_value(sample_by_plan(flow, shots=SHOTS, seed=13, path="deferred", limit=20).outcomes, flow) > ALPHA


@pytest.mark.parametrize("flow", [chain(7, 3), chain(4, 2, bits=2), coherent(4)], ids=["bits", "pairs", "coherent"])
@pytest.mark.parametrize("path", ["together", "deferred", "branches", "shot_branching", "plain"])
def test_chains_and_coherent_memories(path, flow):
    shots = 20_000 if path in {"together", "deferred", "branches"} else SHOTS
    assert p_value(run(flow, shots=shots, seed=3, path=path)[0], flow) > ALPHA


@pytest.mark.parametrize("flow", [chain(7, 3), chain(4, 2, bits=2), coherent(4)], ids=["bits", "pairs", "coherent"])
def test_cut_at_every_measurement(flow):
    program = events(flow)
    ran = follow(program, range(1, len(program)), shots=20_000, bits=flow.clbits, qubits=flow.qubits, seed=4)
    assert p_value(Outcomes.tallied(register_values(flow, ran.bits)), flow) > ALPHA
    assert ran.qubits <= flow.qubits


def test_a_long_chain_runs_one_circuit_for_each_window():
    flow = chain(40, 3)
    program = events(flow)
    cuts = [i for i in range(1, len(program)) if isinstance(program[i], Switch)]
    ran = follow(program, cuts, shots=5000, bits=flow.clbits, qubits=1, seed=5)
    assert ran.circuits <= 40 * 2**3
    assert ran.qubits == 1
    _, said = run(flow, shots=5000, seed=5)
    assert said["path"] == "together"
    assert "plain" in said["why"]
    planned = sample_by_plan(flow, shots=5000, seed=5, path="branches", limit=20)
    assert planned.circuits <= planned.segments * 2**3


def test_histories_that_a_condition_tells_apart_must_not_be_merged(monkeypatch):
    """A mutant that forgets the tested bits at a cut is noticed."""
    flow = chain(7, 3)
    real = branches.needed
    monkeypatch.setattr(branches, "needed", lambda p: [n._replace(bits=frozenset(sorted(n.bits)[1:])) for n in real(p)])
    program = events(flow)
    ran = follow(program, range(1, len(program)), shots=20_000, bits=flow.clbits, qubits=1, seed=4)
    assert p_value(Outcomes.tallied(register_values(flow, ran.bits)), flow) < ALPHA


def test_states_that_differ_must_not_be_merged(monkeypatch):
    """A mutant that takes all states of the coherent qubit for one is noticed."""
    flow = coherent(4)
    real = branches._Shots.name
    monkeypatch.setattr(branches._Shots, "name", lambda self, qubits, vector: real(self, qubits, vector) and 1)
    program = events(flow)
    ran = follow(program, range(1, len(program)), shots=20_000, bits=flow.clbits, qubits=2, seed=4)
    assert p_value(Outcomes.tallied(register_values(flow, ran.bits)), flow) < ALPHA


def coins(number: int) -> Flow:
    items = [item for i in range(number) for item in (Reset((0,)), Gate("h", (0,)), Measure((0,), "c", (i,)))]
    return Flow((("q", 1),), (("c", number),), tuple(items))


def segmented_coins() -> np.ndarray:
    """Return 10 tosses a shot, each from a run of its own."""
    flow = coins(10)
    program = events(flow)
    cuts = [
        i for i in range(1, len(program)) if isinstance(program[i], Gate | ClearEvent) and isinstance(program[i - 1], ReadEvent)
    ]
    assert len(cuts) == 9
    return follow(program, cuts, shots=5000, bits=10, qubits=1, seed=6).bits


def association(a: np.ndarray, b: np.ndarray) -> float:
    return float(chi2_contingency(np.histogram2d(a, b, bins=2)[0]).pvalue)


def test_runs_of_one_program_are_independent(monkeypatch):
    """Tosses of different runs show no association; with one seed for all runs they would."""
    bits = segmented_coins()
    pairs = [association(bits[:, i], bits[:, j]) for i in range(10) for j in range(i)]
    assert min(pairs) > ALPHA / len(pairs)
    monkeypatch.setattr(stages, "derive_seed", lambda *purpose: purpose[-1])
    bits = segmented_coins()
    assert association(bits[:, 0], bits[:, 1]) < ALPHA


@pytest.mark.parametrize("path", ["plain", "shot_branching"])
def test_neighbouring_seeds_share_no_shots(monkeypatch, path):
    """Aer gives shot i the seed s + i: without hashing the counts of seeds s and s + 1 would differ by one shot."""
    flow = coins(8)

    def shared() -> int:
        counts = [
            np.bincount(np.repeat(o.column("c"), o.counts), minlength=256)
            for o in (run(flow, shots=2000, seed=seed, path=path)[0] for seed in (20, 21))
        ]
        return int(np.minimum(*counts).sum())

    assert shared() < 1850  # 1,600 expected for independent seeds, standard deviation below 25
    monkeypatch.setattr(chunks, "derive_seed", lambda root, *purpose: root)
    assert shared() >= 1998


def test_wide_registers_keep_their_bits():
    items = (Gate("x", (0,)), Measure((0,), "w", (61,)), Gate("h", (0,)), Measure((0,), "w", (0,)), Measure((0,), "v", (1,)))
    flow = Flow((("q", 1),), (("w", 62), ("v", 2), ("unused", 3)), items)
    for path in ("together", "deferred", "branches", "plain", "shot_branching"):
        outcomes, _ = run(flow, shots=200, seed=1, path=path)
        assert set(outcomes.column("w").tolist()) == {2**61, 2**61 + 1}
        assert np.array_equal(outcomes.column("w") & 1, outcomes.column("v") >> 1)
        assert not outcomes.column("unused").any() and "unused" in outcomes.registers
        assert outcomes.values.dtype == np.int64


def test_the_same_seed_gives_the_same_samples():
    flow = chain(5, 2)
    for path in ("together", "deferred", "branches", "shot_branching", "plain"):
        one, two, other = (run(flow, shots=300, seed=s, path=path)[0] for s in (7, 7, 8))
        assert same([one], [two])
        assert not same([one], [other])


def test_the_cheapest_path_is_taken():
    assert run(chain(6, 3), shots=20_000, seed=1)[1]["path"] == "together"
    _, seconds = estimates(wide(21), events(wide(21)), 20_000, 26)
    assert cheapest(seconds, 26)[0] == "deferred"  # one state, and Aer's gates are the faster ones
    program = events(chain(40, 3))
    cut = plan(program, shots=20_000, limit=12)
    assert cut.qubits <= 12
    assert cut.cuts
    assert plan(program, shots=20_000, limit=12, cut=False).seconds == np.inf


def test_events_that_nothing_notices_are_left_out():
    kept = (Gate("h", (0,)), Measure((0,), "a", (0,)))
    idle = (Gate("x", (1,)), If("a", 1, (Gate("x", (1,)),)), Reset((0,)), If("a", 4, (Gate("x", (0,)),)))
    assert events(Flow((("q", 2),), (("a", 1),), kept + idle)) == [Gate("h", (0,)), ReadEvent(0, 0)]


def test_a_program_without_classical_bits_or_events():
    outcomes, _ = run(Flow((("q", 1),), (("a", 2),), (Reset((0,)),)), shots=9, seed=1)
    assert (outcomes.values.tolist(), outcomes.counts.tolist()) == ([[0]], [9])


def test_the_method_without_other_paths():
    outcomes, said = run(chain(4, 2), shots=4000, seed=1, method="matrix_product_state")
    assert said["path"] == "plain" and "no other path" in said["why"]
    assert p_value(outcomes, chain(4, 2)) > ALPHA
    with pytest.raises(InputError, match="needs a statevector"):
        AerBackend("matrix_product_state", path="deferred")


def test_what_cannot_be_run_is_named():
    with pytest.raises(InputError, match="unknown path"):
        AerBackend(path="fast")
    with pytest.raises(InputError, match="too wide"):
        run(Flow((("q", 1),), (("w", 63),), (Measure((0,), "w", (0,)), Reset((0,)))), shots=1, seed=1)
    with pytest.raises(TooLargeError, match="path deferred"):
        run(chain(60, 2), shots=10, seed=1, path="deferred")
    with pytest.raises(TooLargeError, match="no path"):
        run(coherent(2), shots=10, seed=1, method="statevector", limit=1)
    _, said = run(coherent(2), shots=10, seed=1, limit=1)
    assert (said["path"], said["why"]) == ("shot_branching", "no statevector fits")


def test_what_cannot_be_read_back_is_simulated_by_aer_itself():
    """An else on a register and a gate that no path knows: the bits are those of the classical program."""
    circuit = QuantumCircuit(2, 3)
    circuit.y(0)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.cregs[0], 1)) as otherwise:
        circuit.y(1)
    with otherwise:
        circuit.y(0)
    circuit.measure([0, 1], [1, 2])
    backend = AerBackend()
    [outcomes] = sampled(backend, circuit, 100, 1)
    assert (outcomes.values.tolist(), outcomes.counts.tolist()) == ([[7]], [100])
    assert backend.metadata()["path"] == "shot_branching" and "only Aer itself" in backend.metadata()["why"]
    with pytest.raises(InputError, match="cannot be read back"):
        sampled(AerBackend(path="branches"), circuit, 10, 1)


def test_rows_of_angles_are_read_back_one_by_one():
    """A template that measures and goes on: certain outcomes tell the rows."""
    angle = Parameter("a")
    circuit = QuantumCircuit(1, 2)
    circuit.ry(angle, 0)
    circuit.measure(0, 0)
    circuit.x(0)
    circuit.measure(0, 1)
    rows = np.pi * np.array([[0.0], [1.0], [0.0]])
    for path in ("auto", "deferred", "branches", "plain", "shot_branching"):
        found = sampled(AerBackend(path=path), circuit, 50, 1, rows)
        assert [(row.values.tolist(), row.counts.tolist()) for row in found] == [([[2]], [50]), ([[1]], [50]), ([[2]], [50])]


def test_a_stage_that_aer_does_not_sample_is_refused():
    one = type(
        "Result", (), {"data": type("Data", (), {"to_dict": lambda self: {}})(), "metadata": {"measure_sampling": False}}
    )()
    with pytest.raises(BackendError, match="shot by shot"):
        stages.outcomes(segment.Stage((), 1, (0,), ()), one, 1, np.random.default_rng(0))
