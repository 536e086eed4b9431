# SPDX-License-Identifier: Apache-2.0
"""Memories of quantum states: their isometries against the law itself, and programs on fewer qubits than causal states take."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import stinespring
from oracles.text_programs import assert_same, claimed_law, distance, text_law
from stinespring.checks.texts.bound import check_bound
from stinespring.compiler.memory.phases import _Loss as Loss
from stinespring.compiler.memory.phases import fitted_phases
from stinespring.compiler.memory.tensors import exact_tensors, hidden_tensors, qubits_for, truncated_tensors
from stinespring.compiler.texts.merge import causal_states
from stinespring.compiler.texts.specialise import channels
from stinespring.errors import InputError, TooLargeError
from stinespring.models.texts.base import TextModel
from stinespring.models.texts.claims import MemoryClaim, claim_of
from stinespring.models.texts.law import TextLaw
from stinespring.models.texts.memory import memory_of
from stinespring.models.texts.table import TableModel


def random_chain(d: int, window: int, spread: float, seed: int) -> TableModel:
    weights = np.exp(np.random.default_rng(seed).normal(scale=spread, size=(d**window, d)))
    law = weights / weights.sum(axis=1, keepdims=True)
    return TableModel({"tokens": list("abc")[:d], "context": window, "law": law.tolist()})


class DualPoisson(TextModel):
    """A renewal process whose waiting time has the survival ``p g^n + (1-p) h^n``: the count since the last 1 is the causal
    state, so that there are as many as there are tokens."""

    name, tokens = "dual Poisson", ("0", "1")

    def __init__(self, p: float = 0.4, g: float = 0.9, h: float = 0.3) -> None:
        self.p, self.g, self.h = p, g, h

    def survival(self, n: np.ndarray) -> np.ndarray:
        return self.p * self.g**n + (1 - self.p) * self.h**n

    def law(self, step, texts):
        waited = np.logical_and.accumulate(texts[:, ::-1] == 0, axis=1).sum(axis=1)
        event = 1 - self.survival(waited + 1) / self.survival(waited)
        return np.stack([1 - event, event], axis=1)

    def content(self):
        return {"dual": [self.p, self.g, self.h]}


def states_of(model: TextModel, prompt: list[int], steps: int):
    found, _ = channels(model, np.array(prompt), steps, extension="token", quantum=False, tolerance=0.0)
    return causal_states([channel.laws[-1] for channel in found])


def amplitudes(tensors, texts: np.ndarray) -> np.ndarray:
    """The amplitude of each text, by a plain product of matrices."""
    return np.array(
        [np.linalg.multi_dot([t[:, x, 0, :] for t, x in zip(tensors.steps, text, strict=True)])[0, 0] for text in texts]
    )


def with_records(tensors, text: list[int]) -> float:
    """The probability of a text, by a plain sum over what the records hold."""
    total = 0.0
    for record in itertools.product(*(range(t.shape[2]) for t in tensors.steps)):
        vector = np.ones(1)
        for tensor, symbol, kept in zip(tensors.steps, text, record, strict=True):
            vector = vector @ tensor[:, symbol, kept, :]
        total += float(vector @ vector)
    return total


@settings(max_examples=12, deadline=None)
@given(st.sampled_from([(2, 1), (2, 2), (3, 1), (2, 3)]), st.integers(0, 10**6), st.sampled_from([0.3, 1.0, 3.0]))
def test_isometries_give_the_amplitudes_and_the_fidelity(shape, seed, spread):
    (d, window), steps = shape, 5
    model = random_chain(d, window, spread, seed)
    joint = model.joint([0] * window, steps)
    exact = exact_tensors(states_of(model, [0] * window, steps))
    np.testing.assert_allclose(amplitudes(exact, joint.texts), np.sqrt(joint.probabilities), atol=1e-13)
    assert list(exact.bonds) == [cut.rank for cut in memory_of(joint, ())]
    for most in (1, 2, 3):
        made = truncated_tensors(exact, most)
        for tensor in made.steps:
            flat = tensor.reshape(len(tensor), -1)
            np.testing.assert_allclose(flat @ flat.T, np.eye(len(tensor)), atol=1e-13)
        assert max(made.bonds) <= most
        found = amplitudes(made, joint.texts)
        assert (found @ np.sqrt(joint.probabilities)) ** 2 == pytest.approx(made.fidelity, abs=1e-12)
        assert abs(found**2 - joint.probabilities).sum() / 2 <= made.certified + 1e-12


def test_memory_states_have_the_gram_matrix_of_the_recursion():
    """``G_l(a,b) = sum_t sqrt(P(t|a)P(t|b)) G_{l+1}(d(a,t),d(b,t))`` by plain loops; its rank is the memory's dimension."""
    states = states_of(random_chain(3, 2, 1.0, 3), [0, 0], 5)
    gram = np.ones((1, 1))
    ranks = []
    for step in reversed(range(5)):
        size = len(states[step].laws)
        new = np.zeros((size, size))
        for a, b, t in itertools.product(range(size), range(size), range(3)):
            root = np.sqrt(states[step].laws[a, t] * states[step].laws[b, t])
            after = (0, 0) if step == 4 else (states[step].after[a, t], states[step].after[b, t])
            new[a, b] += root * gram[after]
        gram = new
        ranks.append(int((np.linalg.eigvalsh(gram) > 1e-12).sum()))
    assert ranks[::-1] == [1, *exact_tensors(states).bonds]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("d", "window", "classical"), [(3, 3, 27), (2, 5, 32)])
def test_one_qubit_fewer_than_causal_states_need(d, window, classical, seed):
    """Random chains of logits of spread 1/2, ten steps, at a certified TVD of .02."""
    states = states_of(random_chain(d, window, 0.5, seed), [0] * window, 10)
    exact = exact_tensors(states)
    assert max(len(each.laws) for each in states) == classical
    assert exact.qubits == qubits_for(classical) == 5
    made = truncated_tensors(exact, 16)
    assert made.qubits == 4
    assert 0 < made.certified <= 0.02


def test_a_program_on_one_qubit_fewer():
    """Window five on two tokens: the exported program run outside, against the claim and against the model."""
    model = random_chain(2, 5, 0.5, 1)
    options = {"prompt": [0] * 5, "steps": 10, "schedule": "dynamic", "feed_forward": "none", "effort": 0}
    classical = stinespring.compile(model, memory="classical", **options)
    program = stinespring.compile(model, memory="quantum", tolerance=0.02, **options)
    assert (classical.cost.qubits, program.cost.qubits, program.cost.conditions) == (6, 5, 0)
    assert [r.size for r in program.registers if r.role == "memory"] == [4]
    law = text_law(program)
    assert_same(law, claimed_law(program))
    assert 0 < distance(law, dict(model.joint([0] * 5, 10))) <= program.tvd_bound <= 0.02
    assert "certified TVD" in program.passes[0].reason


def test_the_gradient_of_what_phases_lose():
    """Against central differences, on a chain whose causal states share tokens."""
    loss = Loss(states_of(random_chain(2, 2, 1.0, 3), [0, 0], 6), 2)
    phases, width = np.random.default_rng(0).normal(size=loss.unknowns), 1e-6
    found = loss(phases)[1]
    wanted = [(loss(phases + width * e)[0] - loss(phases - width * e)[0]) / (2 * width) for e in np.eye(loss.unknowns)]
    np.testing.assert_allclose(found, wanted, atol=1e-8)
    plain = loss(np.zeros(loss.unknowns))[0]
    made = truncated_tensors(exact_tensors(states_of(random_chain(2, 2, 1.0, 3), [0, 0], 6)), 2)
    assert 1 - made.fidelity <= plain + 1e-12  # the sum over cuts, each by itself, is what a sweep loses at most


def test_phases_put_three_states_on_one_qubit():
    """A chain on three tokens: three causal states with linearly independent roots, and phases that make them a plane."""
    model = random_chain(3, 1, 0.5, 0)
    states = states_of(model, [0], 6)
    real = truncated_tensors(exact_tensors(states), 2)
    turned = truncated_tensors(exact_tensors(states, fitted_phases(states, 2)), 2)
    assert turned.certified < 1e-4 < 0.01 < real.certified
    joint = model.joint([0], 6)
    whole = exact_tensors(states, fitted_phases(states, 2))
    np.testing.assert_allclose(abs(amplitudes(whole, joint.texts)) ** 2, joint.probabilities, atol=1e-12)
    program = stinespring.compile(
        model, prompt=[0], steps=5, schedule="dynamic", memory="quantum", tolerance=0.001, feed_forward="none", effort=0.5
    )
    assert (program.cost.qubits, [r.size for r in program.registers if r.role == "memory"]) == (3, [1])
    assert "with phases" in program.passes[0].reason
    law = text_law(program)
    assert_same(law, claimed_law(program))
    assert distance(law, dict(model.joint([0], 5))) <= program.tvd_bound <= 0.001
    again = claim_of(json.loads(json.dumps(program.claim.content())))
    np.testing.assert_allclose(again.tensors[1], program.claim.tensors[1])


def test_a_limit_on_qubits_is_kept_by_a_quantum_memory():
    model = random_chain(2, 3, 0.5, 2)
    options = {"prompt": [0] * 3, "steps": 6, "feed_forward": "none", "effort": 0, "tolerance": 0.02, "max_qubits": 3}
    program = stinespring.compile(model, **options)
    assert program.passes[0].name == "memory"
    assert (program.cost.qubits, program.schedule) == (3, "dynamic")
    assert distance(text_law(program), dict(model.joint([0] * 3, 6))) <= program.tvd_bound <= 0.02
    for refused in ({"memory": "classical"}, {"tolerance": 0.0}, {"max_two_qubit_gates": 5}):
        with pytest.raises(InputError):
            stinespring.compile(model, **options | refused)


def test_a_wrong_bound_of_a_memory_is_caught():
    model = random_chain(2, 2, 1.0, 7)
    program = stinespring.compile(model, prompt=[0, 0], steps=5, schedule="static", memory="quantum", tolerance=0.2, effort=0)
    claim = claim_of(program.claim.content())
    assert isinstance(claim, MemoryClaim)
    own = program.asked.law(model)
    texts, counts = np.zeros((1, 5), dtype=np.int64), np.ones(1, dtype=np.int64)
    claimed = TextLaw(claim.law(model, program.asked), own.prompt, 5)
    assert check_bound(own, claimed, claim, program.tvd_bound, texts, counts).verified is True
    assert check_bound(own, claimed, claim, 0.9 * program.tvd_bound, texts, counts).verified is False
    assert_same(text_law(program), claimed_law(program))
    broken = tuple(np.roll(tensor, 1, axis=1) for tensor in claim.tensors)
    law = text_law(replace(program, claim=MemoryClaim(broken)))
    assert distance(law, claimed_law(replace(program, claim=MemoryClaim(broken)))) > 0.01


@pytest.mark.parametrize("schedule", ["static", "dynamic"])
def test_a_renewal_process_on_one_qubit(schedule):
    """The number of causal states grows with the text, the memory does not, and the law is exact."""
    model = DualPoisson()
    for steps in (3, 8):
        program = stinespring.compile(model, prompt=[1], steps=steps, schedule=schedule, memory="quantum", effort=0)
        assert [r.size for r in program.registers if r.role == "memory"] == [1]
        assert (program.tvd_bound, program.claim) == (0.0, None)
        assert_same(text_law(program), dict(model.joint([1], steps)))
        if schedule == "dynamic":
            assert (program.cost.qubits, program.cost.conditions) == (2 if steps == 3 else 3, 0)


def test_hidden_states_of_long_waits_and_where_there_are_none():
    states = states_of(DualPoisson(0.7, 0.95, 0.5), [1], 15)
    tensors = hidden_tensors(states)
    assert tensors is not None
    assert max(len(each.laws) for each in states) == 15
    assert tensors.qubits == 1
    short = hidden_tensors(states_of(DualPoisson(), [1], 5))
    for text in itertools.product((0, 1), repeat=5):
        wanted = dict(DualPoisson().joint([1], 5))[" ".join(map(str, text))]
        assert with_records(short, list(text)) == pytest.approx(wanted, abs=1e-14)
    assert hidden_tensors(states_of(random_chain(2, 2, 1.0, 1), [0, 0], 5)) is None


@settings(max_examples=15, deadline=None)
@given(st.floats(0.05, 0.95), st.floats(0.5, 0.98), st.floats(0.02, 0.45), st.integers(0, 2**9 - 1))
def test_any_dual_poisson_process_is_exact_on_one_qubit(p, g, h, number):
    model, text = DualPoisson(p, g, h), [number >> place & 1 for place in range(9)]
    tensors = hidden_tensors(states_of(model, [1], 9))
    assert tensors is not None and tensors.qubits == 1
    shares = np.ones((1, 1))  # of what the records hold: a sum over all of them, step by step
    for tensor, symbol in zip(tensors.steps, text, strict=True):
        shares = np.einsum("ij,iro,jrp->op", shares, tensor[:, symbol], tensor[:, symbol])
    wanted = [model.law(1, np.array([[1, *text[:place]]]))[0, text[place]] for place in range(9)]
    assert np.trace(shares) == pytest.approx(np.prod(wanted), abs=1e-12)


def test_nothing_follows_a_stop_token(stop_token):
    """A truncated state could have tokens after the end of a text: such laws are kept as they are."""
    options = {"prompt": "on off", "steps": 4, "schedule": "dynamic", "memory": "quantum", "effort": 0}
    program = stinespring.compile(stop_token, tolerance=0.1, **options)
    assert (program.tvd_bound, program.claim) == (0.0, None)
    assert_same(text_law(program), dict(stop_token.joint("on off", 4)))


@pytest.mark.parametrize(
    "options",
    [{"codes": "prefix"}, {"phases": "exact"}, {"input": "quantum"}, {"extension": "dephased"}],
)
def test_what_a_quantum_memory_cannot_do_is_said(options):
    with pytest.raises(InputError, match="memory of quantum states"):
        stinespring.compile(random_chain(2, 1, 1.0, 1), prompt=[0], steps=3, schedule="static", memory="quantum", **options)


def test_a_stepwise_program_has_no_memory():
    with pytest.raises(InputError, match="the host remembers"):
        stinespring.compile(random_chain(2, 1, 1.0, 1), prompt=[0], steps=3, schedule="stepwise", memory="quantum")


def test_steps_that_would_take_minutes_are_refused_at_once():
    """Of a language model nearly every text is a state of its own, beside registers for all its tokens."""
    model = stinespring.load("glassllm:en", top_k=4)
    with pytest.raises(TooLargeError, match="too wide"):
        stinespring.compile(model, prompt="Alice was", steps=4, schedule="static", memory="quantum", effort=0)
