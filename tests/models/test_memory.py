# SPDX-License-Identifier: Apache-2.0
"""What a text must remember, against laws whose memory is known and against a decomposition by other means."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from oracles import plain_laws
from stinespring.models.load import load
from stinespring.models.texts.memory import (
    TOLERANCES,
    certified_states,
    classical_memory,
    coded,
    memory_at,
    memory_of,
    root_law,
    shorter,
)
from stinespring.models.texts.table import TableModel

Invoke = Callable[..., tuple[int, str, str]]


def table(law: list[list[float]], context: int) -> TableModel:
    return TableModel({"tokens": list("abcdef"[: len(law[0])]), "context": context, "law": law})


def random_chain(d: int, window: int, spread: float, seed: int) -> TableModel:
    weights = np.exp(np.random.default_rng(seed).normal(scale=spread, size=(d**window, d)))
    return table((weights / weights.sum(axis=1, keepdims=True)).tolist(), window)


def direct(model: TableModel, prompt: list[int], steps: int, cut: int) -> tuple[np.ndarray, np.ndarray]:
    """The matrix sqrt(P(w f)) from plain loops over all texts, and its squared singular values by eigenvalues."""
    data = {"format": "stinespring/table@1", "tokens": model.tokens, "context": model.window, "law": model.table.tolist()}
    joint = plain_laws.joint(data, prompt, steps)
    names = {name: i for i, name in enumerate(model.tokens)}
    matrix = np.zeros((model.d**cut, model.d ** (steps - cut)))
    for text, p in joint.items():
        numbers = [names[name] for name in text.split()]
        row = sum(t * model.d**i for i, t in enumerate(numbers[:cut]))
        matrix[row, sum(t * model.d**i for i, t in enumerate(numbers[cut:]))] = np.sqrt(p)
    return matrix, np.linalg.eigvalsh(matrix @ matrix.T)[::-1].clip(0)


@pytest.mark.parametrize(("d", "window"), [(2, 1), (2, 3), (3, 2)])
def test_rank_entropy_and_distances_against_a_direct_decomposition(d: int, window: int) -> None:
    model, steps = random_chain(d, window, 1.0, seed=d + window), 6
    cuts = memory_of(model.joint([0] * window, steps))
    for cut in cuts:
        matrix, squares = direct(model, [0] * window, steps, cut.step)
        assert cut.rank == (squares > 1e-15).sum() == min(d**window, d**cut.step, d ** (steps - cut.step))
        entropy = -sum(p * np.log2(p) for p in squares if p > 1e-15)
        assert cut.quantum_entropy == pytest.approx(entropy, abs=1e-9)
        assert cut.quantum_entropy <= cut.classical_entropy + 1e-12 <= cut.prefix_entropy + 2e-12
        vectors = np.linalg.eigh(matrix @ matrix.T)[1][:, ::-1]
        for tolerance in TOLERANCES:
            distances = [truncated(matrix, vectors[:, :kept]) for kept in range(1, cut.rank + 1)]
            number = cut.quantum_states[tolerance]
            assert distances[number - 1] <= tolerance
            assert number == 1 or distances[number - 2] > tolerance
            lost = 1 - squares[: cut.certified[tolerance]].sum()
            assert lost <= tolerance**2 + 1e-12
            assert cut.certified[tolerance] >= number
    assert [cut.classical_states for cut in cuts] == [min(d**window, d**cut.step) for cut in cuts]


def truncated(matrix: np.ndarray, vectors: np.ndarray) -> float:
    """The TVD between the law and that of its projection."""
    made = (vectors @ (vectors.T @ matrix)) ** 2
    return float(abs(made / made.sum() - matrix**2).sum()) / 2


def test_independent_tokens_need_one_state() -> None:
    [cut] = memory_of(table([[0.2, 0.3, 0.5]], 0).joint([], 2))
    assert (cut.classical_states, cut.rank, cut.quantum_states[0.02]) == (1, 1, 1)
    assert cut.classical_at == dict.fromkeys(TOLERANCES, 1)
    assert cut.quantum_entropy == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("period", [2, 3, 5])
def test_a_period_is_remembered_by_as_many_orthogonal_states(period: int) -> None:
    """After a first token at random the text counts on: the futures have nothing in common, so C_q = log2(period)."""
    counting = np.roll(np.eye(period), 1, axis=1)
    start = np.concatenate([np.full((1, period), 1 / period), counting])

    class Counting(TableModel):
        def law(self, step: int, texts: np.ndarray) -> np.ndarray:
            return start[:1].repeat(len(texts), axis=0) if step == 1 else counting[texts[:, -1]]

    model = Counting({"tokens": list("abcde"[:period]), "context": 1, "law": counting.tolist()})
    cuts = memory_of(model.joint([0], 4))
    assert [(cut.classical_states, cut.rank) for cut in cuts] == [(period, period)] * 3
    assert [cut.quantum_entropy for cut in cuts] == pytest.approx([np.log2(period)] * 3)
    places = memory_of(coded(model.joint([0], 4)))  # whoever knows the text so far has nothing to be told
    assert [cut.rank for cut in places] == [1, 1, 1]


def test_a_parity_is_two_states_that_overlap() -> None:
    """The last of four tokens tells the parity of the others up to an error e: the overlap of the states is 2 sqrt(e(1-e))."""
    error = 0.1

    class Parity(TableModel):
        def law(self, step: int, texts: np.ndarray) -> np.ndarray:
            odd = texts[:, 1:].sum(axis=1) % 2
            told = np.where(odd[:, None] == np.arange(2), 1 - error, error)
            return told if step == 4 else np.full((len(texts), 2), 0.5)

    joint = Parity({"tokens": ["a", "b"], "context": 1, "law": [[0.5, 0.5]] * 2}).joint([0], 4)
    overlap = 2 * np.sqrt(error * (1 - error))
    spectrum = np.array([1 + overlap, 1 - overlap]) / 2
    for cut in memory_of(joint):
        assert (cut.classical_states, cut.rank) == (2, 2)
        assert cut.classical_entropy == pytest.approx(1.0)
        assert cut.quantum_entropy == pytest.approx(-(spectrum * np.log2(spectrum)).sum())
    assert not shorter(joint)


def is_first_named(groups: tuple[int, ...]) -> bool:
    """Whether groups are numbered in the order in which they first occur."""
    return all(group <= max(groups[:place], default=-1) + 1 for place, group in enumerate(groups))


def test_merging_is_what_the_merged_law_costs() -> None:
    """The number of states at a distance against all partitions of five states."""
    laws = np.random.default_rng(3).dirichlet(np.ones(4), size=5)
    weights = np.full(5, 0.2)

    def cost(groups: tuple[int, ...]) -> float:
        total = 0.0
        for group in set(groups):
            members = [i for i in range(5) if groups[i] == group]
            mean = laws[members].mean(axis=0)
            total += sum(0.2 * abs(laws[i] - mean).sum() / 2 for i in members)
        return total

    partitions = [groups for groups in itertools.product(range(5), repeat=5) if is_first_named(groups)]
    for tolerance in (0.0, 0.05, 0.1, 0.2, 0.5):
        least = min(len(set(groups)) for groups in partitions if cost(groups) <= tolerance)
        found = classical_memory(laws, weights, [tolerance])
        assert found is not None
        assert least <= found[tolerance] <= least + 1  # merging pairs is not always the best partition


def test_the_certificate_is_not_given_for_less() -> None:
    singular = np.sqrt([0.5, 0.4, 0.0996, 0.0004])
    assert certified_states(singular, 0.02) == 3
    assert certified_states(singular, 0.0199) == 4


def test_places_are_ranks_after_each_prefix() -> None:
    model = random_chain(3, 1, 1.0, seed=5)
    joint = model.joint([0], 2)
    places = coded(joint)
    first = np.argsort(-model.table[0], kind="stable")
    for text, place in zip(joint.texts.tolist(), places.texts.tolist(), strict=True):
        second = np.argsort(-model.table[text[0]], kind="stable")
        assert (first[place[0]], second[place[1]]) == tuple(text)
    assert root_law(places, 1).shape == (3, 3)


def test_the_language_model_remembers_little(invoke: Invoke) -> None:
    """Six steps of top 4: the figures of the middle cut were found by other means."""
    pytest.importorskip("glassllm")
    model = load("glassllm:en", top_k=4)
    joint = model.joint("Alice was beginning to", 6)
    assert shorter(joint)
    places = coded(joint)
    squares = np.linalg.svd(root_law(places, 3), compute_uv=False) ** 2
    status, out, err = invoke(
        *("law", "glassllm:en", "--prompt", "Alice was beginning to", "--steps", 3, "--top-k", 4, "--memory", "--json")
    )
    assert status == 0, err
    data = json.loads(out)
    assert data["codes"] == "prefix"
    assert [cut["step"] for cut in data["memory"]] == [1, 2]
    cut = memory_at(places, 3, (0.1, 0.05, 0.02))
    assert dict(cut.quantum_states) == {0.1: 8, 0.05: 15, 0.02: 26}
    assert cut.quantum_entropy == pytest.approx(-(squares * np.log2(squares)).sum())
    assert 0.7 < cut.quantum_entropy < 1.1 < 4.2 < cut.prefix_entropy < 5.6
    assert cut.classical_at is not None
    assert all(cut.classical_at[e] > cut.quantum_states[e] for e in (0.1, 0.05, 0.02))


def test_codes_without_memory_are_refused(invoke: Invoke) -> None:
    path = Path(__file__).parents[2] / "examples" / "two_tokens.json"
    status, _, err = invoke("law", path, "--prompt", "a b", "--steps", 2, "--codes", "prefix")
    assert status == 2
    assert "--memory" in err
    status, out, _ = invoke("law", path, "--prompt", "a b", "--steps", 3, "--memory")
    assert status == 0
    assert "C_q" in out
