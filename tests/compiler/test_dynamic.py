# SPDX-License-Identifier: Apache-2.0
"""Dynamic programs: the exported OpenQASM has exactly the joint law, at every budget, and keeps the rules of hardware."""

from __future__ import annotations

import dataclasses
import itertools
import re

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mqt import qcec
from qiskit import ClassicalRegister, transpile

import stinespring
import strategies
from oracles import plain_laws
from oracles.qasm_runner import distribution, registers, statements, worst_path_two_qubit_gates
from oracles.text_programs import assert_same, claimed_law, distance, exact_law, sampled, text_law
from stinespring.backends.aer.deferred import defer
from stinespring.checks.texts.verdict import check_texts
from stinespring.circuits.core.flow import If
from stinespring.compiler.dynamic.history import Need, plan_histories
from stinespring.compiler.dynamic.lifetimes import START, Life, colour, event_graph, explain, lives
from stinespring.compiler.export.qasm import flow_qasm
from stinespring.errors import InputError
from stinespring.models.texts.attention import AttentionModel
from stinespring.models.texts.table import TableModel

FEED = st.sampled_from(["auto", "none", "all"])


def assert_legal(program) -> None:
    """Flat conditions on gates only, operands of at most 32 bits, the cost that is stated."""
    qasm = program.qasm3()
    sizes = registers(qasm)[1]
    for line in qasm.splitlines():
        if line.startswith("if"):
            assert line.count("{") == 1
            assert "measure" not in line
            assert "reset" not in line
            assert sizes[re.match(r"if \(!?(\w+)", line).group(1)] <= 32
    assert statements(qasm)["if"] == program.cost.conditions
    assert sum(registers(qasm)[0].values()) == program.cost.qubits
    assert sum(sizes.values()) == program.cost.clbits
    assert worst_path_two_qubit_gates(qasm) <= program.cost.two_qubit_gates


@given(st.data(), FEED, st.sampled_from(["token", "position"]), st.sampled_from(["free", "binary"]))
def test_attention_models(data, feed_forward, extension, codes):
    model = data.draw(strategies.attention_models(max_tokens=3, max_heads=2))
    prompt = data.draw(strategies.texts(model))[:2]
    assume(plain_laws.joint_margin(model, prompt, 2) > 1e-9)
    program = stinespring.compile(
        AttentionModel(model), prompt=prompt, steps=2, schedule="dynamic", effort=0,
        extension=extension, codes=codes, feed_forward=feed_forward,
    )  # fmt: skip
    assert_legal(program)
    assert_same(text_law(program), plain_laws.joint(model, prompt, 2))
    if feed_forward == "all":
        assert program.cost.two_qubit_gates == 0
        assert program.cost.qubits <= 1
    if feed_forward == "none":
        assert program.cost.conditions == 0


@given(st.data(), FEED)
def test_tables(data, feed_forward):
    model = data.draw(strategies.table_models())
    prompt = [0] * model["context"]
    program = stinespring.compile(
        TableModel(model), prompt=prompt, steps=3, schedule="dynamic", effort=0, feed_forward=feed_forward
    )
    assert_legal(program)
    assert_same(text_law(program), plain_laws.joint(model, prompt, 3))


@settings(max_examples=15)
@given(st.data())
def test_every_point_between_coherent_and_classical(data):
    """Every budget is kept; what the planner says is the least is reached, and one less is refused."""
    model = TableModel(data.draw(strategies.table_models(max_tokens=4, max_context=2, min_tokens=2)))
    prompt, steps = [0] * model.window, 3
    whole = stinespring.compile(model, prompt=prompt, steps=steps, schedule="dynamic", feed_forward="none", effort=0)
    bits = stinespring.compile(model, prompt=prompt, steps=steps, schedule="dynamic", feed_forward="all", effort=0)
    expected = dict(model.joint(prompt, steps))
    for limit in range(bits.cost.qubits, whole.cost.qubits + 1):
        program = stinespring.compile(model, prompt=prompt, steps=steps, max_qubits=limit, effort=0)
        assert program.schedule == "dynamic"
        assert program.cost.qubits <= limit
        assert_same(text_law(program), expected)
    for limit in {0, 1, bits.cost.conditions // 2}:
        program = stinespring.compile(model, prompt=prompt, steps=steps, max_conditions=limit, effort=0)
        assert program.cost.conditions <= limit
        assert_same(text_law(program), expected)
    for limit in {0, 1, whole.cost.two_qubit_gates // 2}:
        program = stinespring.compile(model, prompt=prompt, steps=steps, max_two_qubit_gates=limit, effort=0)
        assert program.cost.two_qubit_gates <= limit
        assert_same(text_law(program), expected)


def chain(d: int, window: int, seed: int = 0) -> TableModel:
    rows = np.random.default_rng(seed).dirichlet(np.ones(d), size=d**window)
    return TableModel({"tokens": [f"w{i}" for i in range(d)], "context": window, "law": rows.tolist()})


@pytest.mark.parametrize(("d", "qubits"), [(2, 1), (4, 1)])
def test_forty_steps_on_one_qubit(d, qubits):
    program = stinespring.compile(chain(d, 2), prompt=[0, 0], steps=40, max_qubits=qubits, effort=0)
    assert program.cost.qubits == 1
    assert program.cost.two_qubit_gates == 0
    conditions = [line for line in program.qasm3().splitlines() if line.startswith("if")]
    assert len(conditions) == program.cost.conditions <= 40 * d**2 * (d - 1)
    sizes = registers(program.qasm3())[1]
    assert max(sizes.values()) <= 32


def test_what_cannot_be_met_is_refused_with_the_least_that_can():
    model = chain(2, 2)
    with pytest.raises(InputError, match="at least --max-conditions 0|at least --max-qubits"):
        stinespring.compile(model, prompt=[0, 0], steps=4, max_qubits=1, max_conditions=2, effort=0)
    try:
        stinespring.compile(model, prompt=[0, 0], steps=4, max_qubits=1, max_conditions=2, effort=0)
    except InputError as error:
        least = int(re.search(r"--max-conditions (\d+)", str(error).split("expected")[1]).group(1))
    program = stinespring.compile(model, prompt=[0, 0], steps=4, max_qubits=1, max_conditions=least, effort=0)
    assert program.cost.conditions == least
    with pytest.raises(InputError, match="no plan"):
        stinespring.compile(model, prompt=[0, 0], steps=4, max_qubits=1, max_conditions=least - 1, effort=0)
    with pytest.raises(InputError, match="over the budget"):
        stinespring.compile(model, prompt=[0, 0], steps=4, schedule="static", max_qubits=2, effort=0)
    with pytest.raises(InputError, match="keeps the measured law only"):
        stinespring.compile(model, prompt=[0, 0], steps=4, schedule="dynamic", phases="exact")
    for name in ("max_qubits", "max_two_qubit_gates", "max_conditions"):
        for value in (-1, 1.5, True):
            with pytest.raises(InputError, match="out of range"):
                stinespring.compile(model, prompt=[0, 0], steps=1, **{name: value})


@given(st.data(), FEED)
def test_stop_tokens(data, feed_forward):
    """Texts of different length decode right, and a finished text takes no gate: its conditions never hold."""
    content = data.draw(strategies.attention_models(max_tokens=3, min_tokens=2, max_heads=1, stop=True))
    prompt = data.draw(strategies.texts(content))[:1]
    assume(plain_laws.joint_margin(content, prompt, 3) > 1e-9)
    model = AttentionModel(content)
    steps = 3 if model.longest is None else min(3, model.longest - 1)
    program = stinespring.compile(model, prompt=prompt, steps=steps, schedule="dynamic", effort=0, feed_forward=feed_forward)
    assert_same(text_law(program), plain_laws.joint(content, prompt, steps))


@given(st.data(), st.sampled_from(["token", "dephased"]), FEED)
def test_quantum_prompts(data, extension, feed_forward):
    content = data.draw(strategies.table_models(max_tokens=3, max_context=2, min_tokens=2))
    assume(content["context"] > 0)
    model, n = TableModel(content), content["context"]
    program = stinespring.compile(
        model, prompt=[0] * n, steps=2, schedule="dynamic", input="quantum", extension=extension, effort=0,
        feed_forward=feed_forward,
    )  # fmt: skip
    for prompt in itertools.product(range(model.d), repeat=n):
        initial = {f"p{i + 1}": token for i, token in enumerate(prompt)}
        assert_same(text_law(program, initial), plain_laws.joint(content, list(prompt), 2))


@given(st.data(), FEED)
def test_input_states(data, feed_forward):
    content = data.draw(strategies.table_models(max_tokens=3, max_context=1, min_tokens=2))
    model = TableModel(content)
    state = {"format": "stinespring/state@1", "amplitudes": {"": [0.6, 0], f"{model.tokens[1]} {model.tokens[0]}": [0, 0.8]}}
    program = stinespring.compile(model, input_state=state, steps=2, schedule="dynamic", effort=0, feed_forward=feed_forward)
    assert_same(text_law(program), exact_law(program))


def test_schedules_agree_when_sampled(three_tokens):
    for options in ({"feed_forward": "all"}, {"feed_forward": "none"}, {"max_qubits": 3}):
        program = stinespring.compile(three_tokens, prompt="sun rain", steps=2, schedule="dynamic", effort=0, **options)
        assert check_texts(sampled(program, shots=20_000, seed=4), alpha=1e-6).passed  # false-alarm rate 1e-6


@pytest.mark.parametrize("feed_forward", ["all", "none", "auto"])
def test_tolerance(feed_forward):
    model = chain(4, 1, seed=3)
    program = stinespring.compile(
        model, prompt=[0], steps=3, schedule="dynamic", tolerance=0.3, effort=0, feed_forward=feed_forward
    )
    found, expected = text_law(program), dict(model.joint([0], 3))
    assert distance(found, expected) <= program.tvd_bound + 1e-12 <= 0.3 + 1e-12
    assert_same(found, claimed_law(program))


def life(register: str, prepared: int, freed: int, qubits: int = 1) -> Life:
    return Life(register, qubits, prepared, None, freed, (), ())


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 4), st.integers(1, 3)), min_size=1, max_size=12))
def test_qubits_are_as_few_as_live_at_once(spans):
    lifetimes = [life(f"r{i}", start, start + length, size) for i, (start, length, size) in enumerate(spans)]
    place = colour(lifetimes)
    peak = max(sum(x.qubits for x in lifetimes if x.prepared <= t <= x.freed) for t in range(13))
    assert 1 + max(q for wires in place.values() for q in wires) == peak
    for a, b in itertools.combinations(lifetimes, 2):
        if a.prepared <= b.freed and b.prepared <= a.freed:
            assert not set(place[a.register]) & set(place[b.register])


def test_why_registers_are_measured_where_they_are():
    graph = event_graph({"t1": 0, "t2": 1, "t3": 2, "m1": 0}, {"t1": [1], "m1": [1, 2]}, {"t2": [2]}, {"t1", "t2", "t3"})
    found = {each.register: each for each in lives(graph, {"t1": 1, "t2": 2, "t3": 1, "m1": 1})}
    assert (found["t1"].measured, found["t1"].freed) == (1, 1)
    assert (found["t2"].measured, found["t2"].freed) == (1, 1)
    assert found["t3"].measured == 2
    assert (found["m1"].measured, found["m1"].freed) == (None, 2)
    names = {START: "the start", 0: "t1", 1: "t2", 2: "t3"}
    assert "last one whose gates it controls" in explain(found["t1"], names)
    assert "t3 is conditioned on its bits" in explain(found["t2"], names)
    assert "nothing reads it" in explain(found["t3"], names)
    assert "never measured" in explain(found["m1"], names)


def test_a_window_rolls_through_one_history():
    sizes = {f"t{i}": 1 for i in range(9)}
    created = {f"t{i}": i for i in range(9)}
    needs = [Need(tuple(f"t{j}" for j in range(max(0, i - 2), i)), f"t{i}", own=False) for i in range(9)]
    found = plan_histories(needs, sizes, created)
    assert len(found.sizes) == 1
    assert set(found.sizes.values()) == {2}
    assert not any(lookup.clears for lookup in found.lookups)
    assert all(len(places) == 1 for places in found.copies.values())


@given(st.integers(2, 10), st.integers(0, 2**32 - 1))
def test_histories_hold_what_is_asked_and_zeros_elsewhere(count, seed):
    """A plain simulation of the classical registers, for needs of any kind."""
    rng = np.random.default_rng(seed)
    names = [f"r{i}" for i in range(count)]
    sizes = {name: int(rng.integers(1, 4)) for name in names}
    created = {name: i for i, name in enumerate(names)}
    needs = []
    for i, name in enumerate(names):
        chosen = [names[j] for j in range(i) if rng.random() < 0.4]
        while sum(sizes[c] for c in chosen) + sizes[name] > 32:
            chosen.pop()
        needs.append(Need(tuple(chosen), name, own=bool(rng.integers(2))))
    plan = plan_histories(needs, sizes, created)
    values = {name: int(rng.integers(1, 1 << sizes[name])) for name in names}
    bits: dict[str, int] = dict.fromkeys([*names, *plan.sizes], 0)
    for i, (name, need, lookup) in enumerate(zip(names, needs, plan.lookups, strict=True)):
        for bit in lookup.clears:
            bits[lookup.register] &= ~(1 << bit)
        wanted = [values[r] for r in need.registers] + ([0] if need.own else [])
        if lookup.register:
            expected = sum(v << o for v, o in zip(wanted, lookup.offsets, strict=True))
            assert bits[lookup.register] == expected, (i, need, lookup)
        bits[name] = values[name]
        for history, offset in plan.copies.get(name, ()):
            mask = (1 << sizes[name]) - 1
            bits[history] = bits[history] & ~(mask << offset) | values[name] << offset


def test_a_swapped_condition_is_caught(three_tokens):
    program = stinespring.compile(three_tokens, prompt="sun rain", steps=2, feed_forward="all", effort=0)
    items = list(program.body.form.instructions)
    index = max(i for i, item in enumerate(items) if isinstance(item, If))
    items[index] = items[index]._replace(value=items[index].value ^ 1)
    broken = dataclasses.replace(program.body.form, instructions=tuple(items))
    right, wrong = (distribution(flow_qasm(flow), ["t1", "t2"]) for flow in (program.body.form, broken))
    assert sum(abs(right.get(c, 0) - wrong.get(c, 0)) for c in set(right) | set(wrong)) > 1e-3


@pytest.mark.parametrize("options", [{"feed_forward": "all"}, {"feed_forward": "none"}, {"max_qubits": 2}])
def test_qcec_finds_dynamic_and_deferred_equivalent(options):
    """An outside checker turns resets and conditions into a unitary circuit by itself, and finds ours equivalent.

    It wants every measured qubit to have one bit, so the chain has a window of one: no history is needed.
    """
    program = stinespring.compile(chain(2, 1), prompt=[0], steps=4, schedule="dynamic", effort=0, **options)
    dynamic = program.circuit
    deferred = defer(dynamic)
    static = deferred.circuit.copy()
    for register in dynamic.cregs:
        static.add_register(ClassicalRegister(register.size, register.name))
    for bit, qubit in enumerate(deferred.clbits):
        if qubit is not None:
            static.measure(qubit, bit)
    static = transpile(static, basis_gates=["u", "cx"], optimization_level=0)
    how = {"transform_dynamic_circuit": True, "backpropagate_output_permutation": True}
    assert "not" not in str(qcec.verify(static, dynamic, **how).equivalence)
    broken = list(program.body.form.instructions)
    index = next(i for i, item in enumerate(broken) if getattr(item, "name", "") == "ry")
    broken[index] = broken[index]._replace(params=(broken[index].params[0] + 0.3,))
    other = dataclasses.replace(program.body.form, instructions=tuple(broken)).circuit()
    assert "not_equivalent" in str(qcec.verify(static, other, **how).equivalence)


@pytest.mark.filterwarnings("ignore:Properties of fake_nighthawk")
def test_delays_fill_the_idle_times_of_a_device(two_tokens):
    options = {"prompt": "a b", "steps": 3, "max_qubits": 2, "target": "fake:boston", "effort": 0}
    plain = stinespring.compile(two_tokens, **options)
    padded = stinespring.compile(two_tokens, delays="pad", **options)
    coupled = stinespring.compile(two_tokens, delays="decouple", **options)
    assert "delay[" not in plain.qasm3()
    assert "delay[" in padded.qasm3()
    assert padded.duration >= plain.duration > 0
    for program in (padded, coupled):
        assert program.circuit.count_ops()["measure"] == plain.circuit.count_ops()["measure"]
    flips = coupled.circuit.count_ops().get("x", 0) - plain.circuit.count_ops().get("x", 0)
    assert flips > 0
    assert flips % 2 == 0
    with pytest.raises(InputError, match="delays need a device"):
        stinespring.compile(two_tokens, prompt="a b", steps=1, delays="pad")


def test_a_quantum_prompt_gives_its_qubits_back():
    """Found by an outside tester: the least that a message names is what a program needs."""
    model = chain(2, 2)
    options = {"prompt": [0, 0], "steps": 3, "schedule": "dynamic", "input": "quantum", "effort": 0}
    for feed_forward in ("auto", "none", "all"):
        free = stinespring.compile(model, feed_forward=feed_forward, **options)
        for limit in range(2, free.cost.qubits + 1):
            try:
                program = stinespring.compile(model, feed_forward=feed_forward, max_qubits=limit, **options)
            except InputError as error:
                least = int(re.search(r"--max-qubits (\d+)", str(error).split("expected")[1]).group(1))
                assert stinespring.compile(model, feed_forward=feed_forward, max_qubits=least, **options).cost.qubits == least
            else:
                assert program.cost.qubits <= limit
        assert stinespring.compile(model, feed_forward=feed_forward, max_qubits=free.cost.qubits, **options)


def test_plans_fit_on_their_device():
    program = stinespring.compile(chain(2, 2), prompt=[0, 0], steps=3, schedule="dynamic", target="line:1", effort=0)
    assert program.cost.qubits == 1
    with pytest.raises(InputError, match="feed-forward"):
        stinespring.compile(chain(2, 2), prompt=[0, 0], steps=3, schedule="static", feed_forward="all")
