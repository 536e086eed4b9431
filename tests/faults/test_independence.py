# SPDX-License-Identifier: Apache-2.0
"""What is sampled apart is independent: our own seeds, and objects of users whose random numbers repeat."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.primitives import StatevectorSampler
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit_aer import AerSimulator

import stinespring
from sampling import sampled
from stinespring.backends import open_backend, seeds
from stinespring.backends.aer import chunks
from stinespring.backends.exact import EXACT_SHOTS, ExactShares
from stinespring.backends.execute import sample_body
from stinespring.backends.histories.branches import _Part, _Shots, follow, share
from stinespring.backends.histories.flow_events import events
from stinespring.backends.histories.segment import Stage
from stinespring.backends.histories.stage_runner import StageOutcomes
from stinespring.backends.repeats import RATE, Repeats
from stinespring.backends.rows import Gathered
from stinespring.backends.seeds import one_run, used
from stinespring.batches import Batch, Item
from stinespring.circuits.core.flow import Flow, Measure, Reset
from stinespring.circuits.core.gates import Gate
from stinespring.errors import BackendError, InputError, StinespringError
from stinespring.models.load import model_of
from stinespring.readings import Outcomes
from stinespring.stages import Capabilities
from strategies import series


def coins(number: int = 5) -> QuantumCircuit:
    circuit = QuantumCircuit(number, number)
    circuit.h(range(number))
    circuit.measure(range(number), range(number))
    return circuit


def tossed(rng: np.random.Generator, shots: int = 1000, sides: int = 32) -> Outcomes:
    return Outcomes.tallied({"c": rng.integers(sides, size=shots)})


# ------------------------------------------------------------------------------------------------------- the detector


def test_independent_rows_are_no_repeats():
    """Rows of fair coins with few outcomes and few shots are often the same; the alarm stays off (1e-9 a run)."""
    rng, runs = np.random.default_rng(1), series(40, 5000)
    for shots, sides in ((1, 2), (10, 2), (100, 2), (5, 32)):
        for _ in range(runs // 4):
            repeats = Repeats("coins")
            for _ in range(5):
                repeats.see([tossed(rng, shots, sides) for _ in range(20)])


def test_the_bet_is_fair():
    """The mean of the product over independent runs is at most 1, as Ville's inequality needs: within five standard errors."""
    rng, runs, products = np.random.default_rng(2), series(400, 20_000), []
    for _ in range(runs):
        repeats = Repeats("coins")
        repeats.see([tossed(rng, 4, 2) for _ in range(6)])
        products.append(np.exp(repeats.won))
    assert np.mean(products) <= 1.0 + 5.0 * np.std(products) / np.sqrt(runs)


def test_what_always_reads_the_same_is_no_repeat():
    repeats = Repeats("zeros")
    repeats.see([Outcomes.tallied({"c": np.zeros(1000)})] * 500)
    assert repeats.same == 499 and repeats.won <= 1e-9


def test_one_row_twice_is_an_alarm_where_chance_cannot_be_the_reason():
    rng = np.random.default_rng(3)
    rows = [tossed(rng) for _ in range(9)]
    with pytest.raises(BackendError, match="repeats itself"):
        Repeats("b").see([*rows, rows[0]])
    later = Repeats("b")
    later.see(rows)
    with pytest.raises(BackendError, match="1 of 10 rows"):
        later.see([rows[4]])
    assert RATE <= 1e-6


def test_many_rows_of_one_bit_are_an_alarm_together():
    """One repeated row of a coin says nothing; forty do."""
    row = tossed(np.random.default_rng(4), 2500, 2)
    Repeats("b").see([row, row])
    with pytest.raises(BackendError, match="repeats itself"):
        Repeats("b").see([row] * 40)


# ----------------------------------------------------------------------------------------------------------- our seeds


def test_a_seed_is_used_once_in_a_run():
    with one_run():
        used(1), used(2), used(1, "numpy")
        with pytest.raises(StinespringError, match="one seed"):
            used(2)
    with one_run():
        used(2)
    assert used(2) == used(2)  # outside of a run nothing is noted


def test_one_seed_for_all_prefixes_is_noticed(monkeypatch, two_tokens):
    program = stinespring.compile(two_tokens, prompt="a b", steps=3, schedule="stepwise")
    for module in ("execute", "aer.chunks"):
        monkeypatch.setattr(f"stinespring.backends.{module}.derive_seed", lambda root, *purpose: root)
    with pytest.raises(StinespringError, match="one seed"):
        stinespring.run(program, shots=2000, seed=1)


def test_one_seed_for_all_stretches_of_the_histories_is_noticed(monkeypatch):
    """Two coins, one after the other, cut between them: with one seed they are one coin."""
    toss = (Gate("h", (0,)), Measure((0,), "a", (0,)), Reset((0,)), Gate("h", (0,)), Measure((0,), "b", (0,)))
    program = events(Flow((("q", 1),), (("a", 1), ("b", 1)), toss))
    with one_run():
        assert follow(program, [2], shots=100, bits=2, qubits=1, seed=1).bits.shape == (100, 2)
    monkeypatch.setattr("stinespring.backends.histories.stage_runner.derive_seed", lambda root, *purpose: root)
    with one_run(), pytest.raises(StinespringError, match="one seed"):
        follow(program, [2], shots=100, bits=2, qubits=1, seed=1)


def test_one_seed_for_all_chunks_is_noticed(monkeypatch):
    batch = Batch((Item(coins(), None, np.array([4000])),), (1,))
    backend = open_backend("aer")
    monkeypatch.setattr(chunks, "split", lambda total, most: [total // 4] * 4)
    assert backend.sample(batch, 1)[0].shots == 4000
    monkeypatch.setattr(chunks, "derive_seed", lambda root, *purpose: seeds.derive_seed(root))
    with pytest.raises(BackendError, match="repeats itself"):  # without a run, as on a cluster, by the counts alone
        backend.sample(batch, 1)
    with one_run(), pytest.raises(StinespringError, match="one seed"):
        backend.sample(batch, 1)


def test_outcomes_of_one_run_that_are_given_to_two_histories_are_noticed():
    """Two histories of 200 shots each read one bit of one stretch: each has its own part of the 400 outcomes."""
    one, two = np.arange(200), np.arange(200, 400)
    shots = _Shots(400, 2, 2)
    parts = [_Part(rows, {1: 0}, {}, ()) for rows in (one, two)]
    values = np.random.default_rng(6).integers(2, size=400)
    stage = Stage((), 1, (0,), ())
    share(shots, stage, parts, StageOutcomes(values, {}))
    assert (shots.bits[:, 1] == values).all()
    with pytest.raises(StinespringError, match="outcomes of one run"):
        share(shots, stage, parts, StageOutcomes(np.tile(values[:200], 2), {}))


def test_outcomes_of_one_row_that_are_given_to_two_are_noticed():
    batch = Batch((Item(coins(), None, np.array([1000, 1000])),), (1,))
    gathered, row = Gathered(batch), tossed(np.random.default_rng(5))
    gathered.add(0, [0], [row])
    gathered.add(0, [0], [row])
    with pytest.raises(BackendError, match="repeats itself"):
        gathered.outcomes()


# ----------------------------------------------------------------------------------------------------- objects of users


def with_seed(circuit: QuantumCircuit, shots: int) -> dict[str, int]:
    return AerSimulator().run(circuit, shots=shots, seed_simulator=42).result().get_counts()


def fresh(circuit: QuantumCircuit, shots: int) -> dict[str, int]:
    return AerSimulator().run(circuit, shots=shots).result().get_counts()


def stored(known: dict[str, dict[str, int]]):
    """A function that keeps results by their circuit's name and shots, as a cache does."""

    def run(circuit: QuantumCircuit, shots: int) -> dict[str, int]:
        key = f"{circuit.count_ops()}{shots}"
        return known.setdefault(key, fresh(circuit, shots))

    return run


class EveryPub(StatevectorSampler):
    """Fresh numbers at every call, but the same for each publication and row of it."""

    def run(self, pubs, *, shots=None):
        seed, parts = int(np.random.default_rng().integers(2**31)), []
        for circuit, angles, count in pubs:
            for row in [None] if angles is None else angles:
                parts.append((circuit if row is None else circuit.assign_parameters(row), count, seed))
        results = [StatevectorSampler(seed=s).run([(c, None, n)]).result()[0] for c, n, s in parts]
        return type("Job", (), {"result": lambda _: merged(results, pubs)})()


def merged(results, pubs):
    """Rows of a publication as one bit array, in order."""
    found, first = [], 0
    for _, angles, _ in pubs:
        rows = 1 if angles is None else len(angles)
        mine, first = results[first : first + rows], first + rows
        arrays = {name: np.stack([one.data[name].array for one in mine]) for name in mine[0].data}
        data = {name: type("Bits", (), {"array": a[0] if angles is None else a})() for name, a in arrays.items()}
        found.append(type("Pub", (), {"data": data})())
    return found


class Fixed(GenericBackendV2):
    """A device of the user's whose simulator begins with the same seed, whatever is asked."""

    def run(self, run_input, **options):
        return super().run(run_input, **{**options, "seed_simulator": 7})


class Same(AerSimulator):
    """A simulator that ignores the seeds it is given."""

    def run(self, circuits, **options):
        return super().run(circuits, **{**options, "seed_simulator": 7})


class Given:
    """A backend of the user's own that forgets its seed."""

    keeps_jobs = False
    name = "given"
    capabilities = Capabilities()
    forgets = True

    def metadata(self):
        return {}

    def close(self):
        pass

    def sample(self, batch, seed, report=None):
        return open_backend("aer").sample(batch, 5 if self.forgets else seed)


REPEAT = {
    "function with a seed": lambda: with_seed,
    "stored results": lambda: stored({}),
    "the same for every publication": EveryPub,
    "device with a seed": lambda: Fixed(5, seed=1),
    "simulator that ignores seeds": Same,
    "backend that forgets its seed": Given,
}


@pytest.mark.parametrize("source", REPEAT)
@pytest.mark.parametrize("program", ["prefixes", "settings"])
def test_what_repeats_is_refused(two_tokens, source, program):
    """Prefixes of the host in the loop, and settings of a channel: refused, with what to do; one circuit alone is fine."""
    settings = {}
    if program == "prefixes":
        compiled = stinespring.compile(two_tokens, prompt="a b", steps=3, schedule="stepwise")
        single = stinespring.compile(two_tokens, prompt="a b", steps=1, effort=0)
        assert stinespring.run(single, backend=REPEAT[source](), shots=100, seed=1).shots == 100
    else:
        compiled = stinespring.compile(stinespring.load("examples/amplitude_damping.npz"), effort=0)
        settings = {"settings": 6}
    with pytest.raises((InputError, BackendError, StinespringError), match="repeats|one seed") as caught:
        stinespring.run(compiled, backend=REPEAT[source](), shots=4000, seed=1, **settings)
    assert "seed" in str(caught.value)


class Mindful(Given):
    forgets = False


@pytest.mark.parametrize("source", [lambda: fresh, lambda: GenericBackendV2(5, seed=1), Mindful])
def test_what_does_not_repeat_is_taken(two_tokens, source):
    program = stinespring.compile(two_tokens, prompt="a b", steps=2, schedule="stepwise")
    assert stinespring.run(program, backend=source(), shots=500, seed=1).shots == 500


def test_two_calls_of_a_stored_function_are_refused_row_by_row():
    backend = open_backend(stored({}))
    assert sampled(backend, coins(3), 100, 1)[0].shots == 100
    with pytest.raises(InputError, match="stored results"):
        sampled(backend, coins(3), 100, 2)


def test_shares_of_an_exact_law_are_no_repeats(two_tokens):
    """Prefixes with one law have one share: nothing is drawn, and nothing repeats itself."""
    flat = {"format": "stinespring/table@1", "tokens": ["a", "b"], "context": 1, "law": [[0.3, 0.7], [0.3, 0.7]]}
    program = stinespring.compile(model_of(flat, "flat"), prompt="a", steps=4, schedule="stepwise")
    seen = sample_body(program.body, ExactShares(1e9), EXACT_SHOTS, 0)
    assert [len(call) for call in seen] == [1, 2, 4, 8] and len({row.counts.tobytes() for row in seen[1]}) <= 2
