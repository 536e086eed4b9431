# SPDX-License-Identifier: Apache-2.0
"""Drop the tail of a law within an allowed total variation distance, so that the outcome fits on fewer qubits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stinespring.compiler.texts.operations import StepLaw
from stinespring.models.texts.base import TextModel
from stinespring.readings import FloatArray, IntArray

__all__ = ["TabulatedModel", "TruncatedModel", "bits", "truncate"]


def bits(count: int) -> int:
    """Return the number of qubits for ``count`` codes, at least 1.

    Example:
        >>> [bits(n) for n in (1, 2, 3, 4, 5)]
        [1, 1, 2, 2, 3]
    """
    return max(1, (count - 1).bit_length())


def spent(law: StepLaw, distances: FloatArray, *, worst: bool) -> float:
    """Return what changing each context's law by a TVD (shape (B,)) costs the joint law.

    Known prompt: ``sum_w P(w) d(w)``, by replacing the laws one step after the other. Quantum prompt (``worst``): nothing is
    known of w, so the largest distance counts.
    """
    return float(distances.max(initial=0.0) if worst else law.reach @ distances)


def truncate(law: StepLaw, budget: float, *, worst: bool = False) -> tuple[StepLaw, float]:
    """Keep the likeliest outcomes, as few qubits' worth as the budget allows, the same ones in every context.

    Renormalising a row that lost the mass ``m`` moves it by TVD m, so the joint law moves by at most
    ``sum_w P(w) m(w)``. A context whose outcomes are all dropped gets the likeliest kept one.

    Args:
        law: the law of one step.
        budget: the most that the joint law may move.
        worst: bound the error for the worst context instead of the mean; see :func:`spent`.

    Returns:
        The law, and the bound on what it costs, at most ``budget``.
    """
    marginal = law.reach @ law.probabilities
    order = np.argsort(-marginal, kind="stable")
    support = int((law.probabilities > 0).any(axis=0).sum())
    for width in range(1, bits(support)):
        kept = np.sort(order[: 2**width])
        mass = law.probabilities[:, kept].sum(axis=1)
        error = spent(law, np.clip(1.0 - mass, 0.0, 1.0), worst=worst)
        if error <= budget:
            break
    else:
        return law, 0.0
    probabilities = np.zeros_like(law.probabilities)
    probabilities[:, kept] = law.probabilities[:, kept] / np.where(mass > 0, mass, 1.0)[:, None]
    probabilities[mass <= 0, order[0]] = 1.0
    return replace(law, probabilities=probabilities), error


def averaged(law: StepLaw) -> StepLaw:
    """Return a token law as a function of the text alone: attended positions are averaged over with their probabilities."""
    columns = [i for i, name in enumerate(law.reads) if not name.startswith("e")]
    if len(columns) == len(law.reads):
        return law
    contexts, where = np.unique(law.contexts[:, columns], axis=0, return_inverse=True)
    reach = np.zeros(len(contexts))
    np.add.at(reach, where.ravel(), law.reach)
    total = np.zeros((len(contexts), law.probabilities.shape[1]))
    np.add.at(total, where.ravel(), law.reach[:, None] * law.probabilities)
    reads = tuple(law.reads[i] for i in columns)
    return replace(law, reads=reads, contexts=contexts, probabilities=total / reach[:, None], reach=reach)


class ReplacedLaw(TextModel):
    """A model that speaks another one's language: same tokens, prompts and texts, another law."""

    def __init__(self, model: TextModel) -> None:
        self.name, self.tokens, self.stop = f"{model.name} (truncated)", model.tokens, model.stop
        self.shortest, self.longest = model.shortest, model.longest
        self._model = model

    def encode(self, prompt: str | Sequence[int]) -> IntArray:
        """Return the prompt's token numbers as the original model reads it."""
        return self._model.encode(prompt)

    def plain(self, numbers: Sequence[int]) -> str:
        """Return a text as the original model writes it."""
        return self._model.plain(numbers)

    def complete(self, texts: IntArray) -> NDArray[np.bool_]:
        """Return which texts do not grow, as the original model has it."""
        return self._model.complete(texts)


class TabulatedModel(ReplacedLaw):
    """The law that a truncated static program realises, looked up in its own tables."""

    def __init__(self, model: TextModel, prompt_length: int, laws: list[StepLaw]) -> None:
        super().__init__(model)
        self._laws, self._n = laws, prompt_length
        self._rows = [{tuple(c): i for i, c in enumerate(law.contexts.tolist())} for law in laws]

    def content(self) -> dict[str, Any]:
        """Return the model's content and the tables."""
        return {"model": self._model.content(), "tables": [law.probabilities.tolist() for law in self._laws]}

    def law(self, step: int, texts: IntArray) -> FloatArray:
        """Return the truncated law; a text that the tables exclude has no law and raises KeyError."""
        law, rows = self._laws[step - 1], self._rows[step - 1]
        columns = [(0 if name.startswith("p") else self._n) + int(name[1:]) - 1 for name in law.reads]
        index = [rows[tuple(context)] for context in texts[:, columns].tolist()]
        return law.probabilities[index, : self.d]


class TruncatedModel(ReplacedLaw):
    """A model whose every law lost its tail: at most ``budget`` of mass, down to a power of two of outcomes."""

    def __init__(self, model: TextModel, budget: float) -> None:
        super().__init__(model)
        self.window = model.window
        self._budget = budget

    def content(self) -> dict[str, Any]:
        """Return the model's content and the budget."""
        return {"model": self._model.content(), "budget": self._budget}

    def law(self, step: int, texts: IntArray) -> FloatArray:
        """Return the truncated law of each text, shape (B, d)."""
        law = self._model.law(step, texts)
        order = np.argsort(-law, axis=1, kind="stable")
        ranked = np.take_along_axis(law, order, axis=1)
        tail = 1.0 - np.cumsum(ranked, axis=1)  # mass lost when ranks 0..r are kept
        needed = 1 + np.argmax(tail <= self._budget, axis=1)
        kept = 2 ** np.ceil(np.log2(needed)).astype(np.int64)
        ranked[np.arange(self.d) >= kept[:, None]] = 0.0
        result = np.zeros_like(law)
        np.put_along_axis(result, order, ranked / ranked.sum(axis=1, keepdims=True), axis=1)
        return result
