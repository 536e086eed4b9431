# SPDX-License-Identifier: Apache-2.0
"""All histories followed at once: the exact law against the independent interpreter, and the draws against the law.

Sampled tests have a false-alarm rate of 1e-6.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from scipy.stats import chi2_contingency

from oracles.qasm_runner import distribution
from steering import ALPHA, chain, coherent, p_value, ry, wide
from stinespring.backends.histories import amplitudes, exact, together
from stinespring.backends.histories import rounds as rounds_of
from stinespring.backends.histories.choose_path import require_path, sample_by_plan, values_of
from stinespring.backends.histories.flow_events import events
from stinespring.backends.histories.rounds import rounds
from stinespring.backends.histories.together import law_together
from stinespring.backends.histories.together_plan import plan_together
from stinespring.circuits.core.flow import Flow, If, Measure, Reset
from stinespring.circuits.core.gates import Gate
from stinespring.compiler.export.qasm import flow_qasm
from stinespring.errors import DefectError, TooLargeError
from stinespring.readings import Outcomes
from strategies import flows

WAYS = {
    "as it is": {},
    "no tables": {"MOST_TABLE": 0},
    "one history at a time": {"AT_ONCE": 1},
    "draws by search": {"COMPARED": 0},
}


def run(flow, shots=20_000, seed=1):
    return sample_by_plan(flow, shots=shots, seed=seed, path="together", limit=24).outcomes


def blocks(steps: int, width: int) -> Flow:
    """Blocks of qubits, entangled with one that stays coherent; the block's outcome chooses the next block's angles."""
    random, block = np.random.default_rng(width), tuple(range(width))
    items = [Gate("h", (width,))]
    for step in range(steps):
        if step:
            items.append(Reset(block))
            for value in range(1 << width):
                turned = tuple(ry(float(random.uniform(-3, 3)), q) for q in block)
                items.append(If(f"t{step}", value, (*turned, Gate("cx", (0, 1)), Gate("cz", (1, 0)))))
        items += [Gate("u", (q,), tuple(random.uniform(-3, 3, 3).tolist())) for q in (*block, width)]
        items += [Gate("cx", (width, q)) for q in block] + [ry(0.7, width), Gate("cx", (0, width))]
        items.append(Measure(block, f"t{step + 1}", block))
    items.append(Measure((width,), "m", (0,)))
    registers = (*((f"t{step + 1}", width) for step in range(steps)), ("m", 1))
    return Flow((("q", width + 1),), registers, tuple(items))


def law(flow: Flow) -> dict[tuple[int, ...], float]:
    """Return the law of all registers by the rounds."""
    found = law_together(rounds(events(flow), flow.clbits), columns=flow.clbits + flow.qubits)
    values = values_of(flow, found.words)
    result: dict[tuple[int, ...], float] = {}
    for key, share in zip(zip(*(values[name].tolist() for name, _ in flow.classical), strict=True), found.counts, strict=True):
        result[key] = result.get(key, 0.0) + float(share)
    return result


def distance(flow: Flow) -> float:
    """Return the TVD from the law of the independent interpreter."""
    one, other = law(flow), distribution(flow_qasm(flow), [name for name, _ in flow.classical])
    return sum(abs(one.get(key, 0.0) - other.get(key, 0.0)) for key in {*one, *other}) / 2


@pytest.mark.parametrize("way", ["as it is", "no tables", "one history at a time"])
@given(flow=flows())
@settings(max_examples=25)
def test_the_exact_law_of_random_programs(way, flow):
    with pytest.MonkeyPatch.context() as patch:
        for name, value in WAYS[way].items():
            patch.setattr(together, name, value)
        assert distance(flow) < 1e-11


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "flow", [chain(8, 4), chain(4, 2, bits=2), coherent(5), blocks(3, 2)], ids=["bits", "pairs", "coherent", "blocks"]
)
def test_draws_have_the_law(monkeypatch, way, flow):
    for name, value in WAYS[way].items():
        monkeypatch.setattr(together, name, value)
    assert distance(flow) < 1e-11
    assert p_value(run(flow, seed=list(WAYS).index(way)), flow) > ALPHA


def pooled(flow: Flow) -> Outcomes:
    """Return 200 runs of 100 shots, as one."""
    parts = [run(flow, shots=100, seed=seed) for seed in range(200)]
    columns = {name: np.concatenate([part.column(name) for part in parts]) for name in parts[0].registers}
    return Outcomes.tallied(columns, np.concatenate([part.counts for part in parts]))


def test_draws_among_many_outcomes_and_few_shots(monkeypatch):
    """More outcomes than shots are searched for, one draw a shot; with one point for all shots of a round that is noticed."""
    flow = wide(8)
    whole = pooled(flow)
    assert whole.shots == 20_000 and p_value(whole, flow) > ALPHA

    class Same:
        def __init__(self, seed):
            self.real = np.random.Generator(np.random.PCG64(seed))

        def random(self, size):
            return np.full(size, self.real.random())

        def multinomial(self, *given):
            return self.real.multinomial(*given)

    monkeypatch.setattr(np.random, "default_rng", Same)
    assert p_value(pooled(flow), flow) < ALPHA


def test_bits_beyond_one_word_keep_their_places():
    """150 tosses and their copies, in registers that lie across words: copies agree, tosses are fair and independent."""
    items, names = [], [f"r{i}" for i in range(6)]
    for toss in range(150):
        items += [Reset((0,)), Gate("h", (0,)), Measure((0,), names[toss // 50], (toss % 50,))]
        items.append(Measure((0,), names[3 + toss // 50], (toss % 50,)))
    flow = Flow((("q", 1),), tuple((name, 50) for name in names), tuple(items))
    found = run(flow, shots=4000)
    bits = np.array([found.column(names[i // 50]) >> i % 50 & 1 for i in range(150)])
    assert all(np.array_equal(found.column(names[i]), found.column(names[3 + i])) for i in range(3))
    assert found.counts.sum() == 4000
    shares = bits @ found.counts / 4000
    assert abs(shares - 0.5).max() < 6 * 0.5 / np.sqrt(4000)  # of 150 tosses: 3e-7
    tables = [np.histogram2d(bits[i], bits[i + 1], bins=2, weights=found.counts)[0] for i in range(149)]
    assert min(chi2_contingency(table).pvalue for table in tables) > ALPHA / 149


def test_a_condition_on_more_bits_than_a_table_has():
    """A register of 20 bits is looked up by search; the rest of the program follows it."""
    tosses = [item for i in range(3) for item in (Reset((0,)), Gate("h", (0,)), Measure((0,), "w", (9 * i,)))]
    turned = [If("w", 1 + (1 << 18), (Gate("x", (1,)),)), If("w", 1 << 9, (Gate("x", (1,)),))]
    flow = Flow((("q", 2),), (("w", 20), ("last", 1)), (*tosses, *turned, Measure((1,), "last", (0,))))
    assert amplitudes.DENSE < 20
    found = run(flow)
    assert np.array_equal(found.column("last") == 1, np.isin(found.column("w"), [1 + (1 << 18), 1 << 9]))
    assert len(found.counts) == 8 and distance(flow) < 1e-12


FAULTS = {
    "conditions are forgotten": ("one_round", lambda real: lambda *given: real(*given)._replace(columns=())),
    "resets are forgotten": ("one_round", lambda real: lambda work, tail, *rest: real(work, tuple(
        event for event in tail if type(event).__name__ != "ClearEvent"), *rest)),
    "outcomes go to the wrong bits": ("runs_of", lambda real: lambda found: real(
        {column: bit ^ (len(found) > 1) for column, bit in found.items()})),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_faults_are_refused_before_anything_is_sampled(monkeypatch, fault):
    flow = blocks(2, 2)
    require_path(flow, "together")
    name, made = FAULTS[fault]
    monkeypatch.setattr(rounds_of, name, made(getattr(rounds_of, name)))
    exact.require_together.cache_clear()
    with pytest.raises(DefectError, match="followed together"):
        require_path(flow, "together")


def test_the_plan_bounds_memory_and_the_law_is_compared_where_it_is_small(monkeypatch):
    flow = wide(12)
    made = rounds(events(flow), flow.clbits)
    assert plan_together(made, shots=100, limit=13).seconds == np.inf
    assert plan_together(made, shots=100, limit=14).seconds < 1
    with pytest.raises(TooLargeError, match="path together"):
        sample_by_plan(flow, shots=100, seed=1, path="together", limit=13)
    calls = []
    monkeypatch.setattr(exact, "law_together", lambda *given, **named: calls.append(given) or law_together(*given, **named))
    require_path(flow, "together")  # twelve qubits
    assert not calls
    exact.require_together.cache_clear()
    for _ in range(2):  # a process compares a program once
        require_path(chain(8, 4), "together")
    assert len(calls) == 1
