# SPDX-License-Identifier: Apache-2.0
"""Laws that stand in for a model's own: looked up in tables, without their tails, or as they are sampled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from stinespring.errors import InputError
from stinespring.models.texts.attention import softmax
from stinespring.models.texts.base import TextModel
from stinespring.models.texts.fock import StateModel
from stinespring.models.texts.joint import require_count
from stinespring.reading import positive_number
from stinespring.readings import BoolArray, ComplexArray, FloatArray, IntArray, rows_of

__all__ = [
    "ListedModel", "MemoryModel", "RenumberedModel", "ReplacedLaw", "SampledModel", "Sampling", "StepTable", "TabulatedModel",
    "TruncatedModel", "kept",
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class StepTable:
    """The law of one step as a table over the contexts that can occur.

    Attributes:
        columns: which places of the text (prompt, then generated tokens, from 0) a context holds.
        contexts: shape (B, k), symbols; all rows distinct.
        probabilities: shape (B, D) over symbols 0..D-1, the vacuum being number d; rows sum to 1.
    """

    columns: tuple[int, ...]
    contexts: IntArray
    probabilities: FloatArray


class ReplacedLaw(TextModel):
    """A model that speaks another one's language: same tokens, prompts and texts, another law."""

    def __init__(self, model: TextModel) -> None:
        self.name, self.tokens, self.stop = f"{model.name} (truncated)", model.tokens, model.stop
        self.shortest, self.longest, self.costly = model.shortest, model.longest, model.costly
        self._model = model

    @property
    def branching(self) -> int:
        """The most tokens that can follow a text."""
        return self._model.branching

    def encode(self, prompt: str | Sequence[int]) -> IntArray:
        """Return the prompt's token numbers as the original model reads it."""
        return self._model.encode(prompt)

    def may_end(self, numbers: Sequence[int]) -> bool:
        """Return whether a generated part may be the whole of it, as the original model has it."""
        return self._model.may_end(numbers)

    def plain(self, numbers: Sequence[int]) -> str:
        """Return a text as the original model writes it."""
        return self._model.plain(numbers)

    def complete(self, texts: IntArray) -> BoolArray:
        """Return which texts do not grow, as the original model has it."""
        return self._model.complete(texts)


class RenumberedModel(ReplacedLaw):
    """A model over the tokens that can follow one prompt, numbered in the same order; the prompt keeps its own numbers.

    Args:
        model: the law.
        length: number of tokens of the prompt.
        symbols: the tokens that can occur, in rising order.
    """

    def __init__(self, model: TextModel, length: int, symbols: IntArray) -> None:
        super().__init__(model)
        self.window, self.tokens = model.window, tuple(model.tokens[symbol] for symbol in symbols.tolist())
        self.stop = next((i for i, symbol in enumerate(symbols.tolist()) if symbol == model.stop), None)
        self.symbols: IntArray = np.append(symbols, model.vacuum)
        self._length = length

    def content(self) -> dict[str, object]:
        """Return the model's content and the tokens."""
        return {"model": self._model.content(), "tokens": list(self.tokens)}

    def complete(self, texts: IntArray) -> BoolArray:
        """Return which texts do not grow."""
        return self._model.complete(self._own(texts))

    def law(self, step: int, texts: IntArray) -> FloatArray:
        """Return the part of :meth:`symbol_law` over tokens, shape (B, d)."""
        return self.symbol_law(step, texts)[:, : self.d]

    def symbol_law(self, step: int, texts: IntArray) -> FloatArray:
        """Return the model's law, shape (B, d+1)."""
        found = self._model.possible(step, self._own(texts))
        result = np.zeros((len(texts), self.d + 1))
        result[found.rows, np.searchsorted(self.symbols, found.symbols)] = found.probabilities
        return result

    def _own(self, texts: IntArray) -> IntArray:
        return np.concatenate([texts[:, : self._length], self.symbols[texts[:, self._length :]]], axis=1)


class TabulatedModel(ReplacedLaw):
    """A law looked up in tables, one a step; a context that no table lists cannot occur, and keeps the model's own law.

    Args:
        model: whose language it speaks.
        length: number of tokens of the prompt.
        tables: one for each step.
    """

    def __init__(self, model: TextModel, length: int, tables: Sequence[StepTable]) -> None:
        super().__init__(model)
        self.window = max((length + i - min(table.columns, default=length + i) for i, table in enumerate(tables)), default=0)
        self._tables = tuple(tables)
        self._rows = [{tuple(context): i for i, context in enumerate(table.contexts.tolist())} for table in self._tables]

    @property
    def branching(self) -> int:
        """The most tokens that can follow a text."""
        return max((int((table.probabilities > 0).sum(axis=1).max(initial=1)) for table in self._tables), default=1)

    def content(self) -> dict[str, object]:
        """Return the model's content and the tables."""
        return {"model": self._model.content(), "tables": [table.probabilities.tolist() for table in self._tables]}

    def law(self, step: int, texts: IntArray) -> FloatArray:
        """Return the part of :meth:`symbol_law` over tokens, shape (B, d)."""
        return self.symbol_law(step, texts)[:, : self.d]

    def symbol_law(self, step: int, texts: IntArray) -> FloatArray:
        """Return the table's rows, shape (B, d+1)."""
        table, rows = self._tables[step - 1], self._rows[step - 1]
        contexts, where = np.unique(texts[:, table.columns], axis=0, return_inverse=True)
        index = np.array([rows.get(tuple(context), -1) for context in contexts.tolist()], dtype=np.int64)[where.ravel()]
        result = np.zeros((len(texts), self.d + 1))
        width = min(self.d + 1, table.probabilities.shape[1])
        listed = index >= 0
        result[listed, :width] = table.probabilities[index[listed], :width]
        if not listed.all():
            result[~listed] = self._model.symbol_law(step, texts[~listed])
        return result


class ListedModel(ReplacedLaw):
    """A law of whole texts, each listed with its probability; a prefix that no listed text has keeps the model's own law.

    Args:
        model: whose language it speaks.
        length: number of tokens of the prompt.
        texts: shape (N, L), symbols, all rows distinct.
        probabilities: shape (N,).
    """

    def __init__(self, model: TextModel, length: int, texts: IntArray, probabilities: FloatArray) -> None:
        super().__init__(model)
        self._length, self._texts, self._probabilities = length, texts, probabilities

    def content(self) -> dict[str, object]:
        """Return the model's content and the texts."""
        return {
            "model": self._model.content(), "texts": self._texts.tolist(), "probabilities": self._probabilities.tolist(),
        }  # fmt: skip

    def law(self, step: int, texts: IntArray) -> FloatArray:
        """Return the part of :meth:`symbol_law` over tokens, shape (B, d)."""
        return self.symbol_law(step, texts)[:, : self.d]

    def symbol_law(self, step: int, texts: IntArray) -> FloatArray:
        """Return ``P(x_l | x_1..x_(l-1))``, the listed texts' shares after each prefix, shape (B, d+1)."""
        prefixes = np.unique(self._texts[:, : step - 1], axis=0)
        number = rows_of(prefixes, self._texts[:, : step - 1])
        shares = np.zeros((len(prefixes), self.d + 1))
        np.add.at(shares, (number, self._texts[:, step - 1]), self._probabilities)
        total = shares.sum(axis=1)
        where = rows_of(prefixes, texts[:, self._length :])
        listed = (where >= 0) & (total[where] > 0)
        result = np.zeros((len(texts), self.d + 1))
        result[listed] = shares[where[listed]] / total[where[listed], None]
        if not listed.all():
            result[~listed] = self._model.symbol_law(step, texts[~listed])
        return result


class MemoryModel(ReplacedLaw):
    """The law of a matrix-product state; after a prefix of probability 0 it keeps the model's own law.

    ``P(x_l | x_1..x_(l-1)) = |v A_l[x_l]|^2 / |v|^2`` with ``v = A_1[x_1] ... A_(l-1)[x_(l-1)]``, since every tensor is an
    isometry from its memory to all that follows.

    Args:
        model: whose language it speaks.
        length: number of tokens of the prompt.
        tensors: for each step, shape (in, D, out).
    """

    def __init__(self, model: TextModel, length: int, tensors: Sequence[FloatArray | ComplexArray]) -> None:
        super().__init__(model)
        self._length, self._tensors = length, tuple(tensors)

    def content(self) -> dict[str, object]:
        """Return the model's content and the tensors."""
        return {
            "model": self._model.content(),
            "tensors": [[tensor.real.tolist(), tensor.imag.tolist()] for tensor in self._tensors],
        }

    def law(self, step: int, texts: IntArray) -> FloatArray:
        """Return the part of :meth:`symbol_law` over tokens, shape (B, d)."""
        return self.symbol_law(step, texts)[:, : self.d]

    def symbol_law(self, step: int, texts: IntArray) -> FloatArray:
        """Return the law over tokens and vacuum, shape (B, d+1)."""
        memory: FloatArray | ComplexArray = np.ones((len(texts), 1))
        for column, tensor in enumerate(self._tensors[: step - 1]):
            symbols = texts[:, self._length + column]
            known = (symbols >= 0) & (symbols < tensor.shape[1])
            chosen = tensor.transpose(1, 0, 2)[np.where(known, symbols, 0)]
            memory = np.einsum("ni,nio->no", memory, chosen) * known[:, None]
        shares = (abs(np.einsum("ni,ito->nto", memory, self._tensors[step - 1])) ** 2).sum(axis=2)
        total = shares.sum(axis=1)
        listed = total > 0
        result = np.zeros((len(texts), self.d + 1))
        result[listed, : shares.shape[1]] = shares[listed] / total[listed, None]
        if not listed.all():
            result[~listed] = self._model.symbol_law(step, texts[~listed])
        return result


class Sampling(NamedTuple):
    """How a token is sampled from a law.

    Attributes:
        top_k: the number of likeliest tokens that are kept.
        top_p: of these the fewest likeliest ones that have at least this share together; None keeps all.
        temperature: T: the law is ``p^(1/T)``, normalised, before anything is dropped.
    """

    top_k: int
    top_p: float | None
    temperature: float

    @classmethod
    def of(cls, d: int, top_k: int | None, top_p: float | None, temperature: float | None) -> Sampling:
        """Return the options of a vocabulary of d tokens; what is None keeps the law as it is.

        Raises:
            InputError: a number that cannot be used.
        """
        share = None if top_p is None else positive_number(top_p, "top-p")
        if share is not None and share > 1.0:
            raise InputError("top-p is out of range", got=top_p, expected="a share in (0, 1]")
        count = d if top_k is None else min(require_count(top_k, "top-k"), d)
        return cls(count, share, positive_number(1.0 if temperature is None else temperature, "temperature"))

    def after(self, first: Sampling) -> Sampling:
        """Return this and a first one without top-p as one: the logits of what stays are scaled by both temperatures."""
        return Sampling(min(self.top_k, first.top_k), self.top_p, self.temperature * first.temperature)


class SampledModel(ReplacedLaw):
    """A model whose next token is sampled with a temperature, or from its likeliest tokens only; see :class:`Sampling`.

    Ties at a cut go to the lowest token number.

    Args:
        model: the law; its attended positions are not those of the law that is left, and are not known here.
        sampling: how.
    """

    def __init__(self, model: TextModel, sampling: Sampling) -> None:
        super().__init__(model)
        self.name, self.window, self.sampling = model.name, model.window, sampling

    @property
    def inner(self) -> TextModel:
        """The model as it is not sampled."""
        return self._model

    @property
    def branching(self) -> int:
        """The most tokens that can follow a text."""
        return min(self._model.branching, self.sampling.top_k)

    def content(self) -> dict[str, Any]:
        """Return the model's content and how it is sampled; of a model that is sampled already, one after the other."""
        content, own = self._model.content(), self.sampling._asdict()
        before = content.get("sampling")
        stages = before if isinstance(before, list) else [] if before is None else [before]
        return {**content, "sampling": [*stages, own] if stages else own}

    def law(self, step: int, texts: IntArray) -> FloatArray:
        """Return the law of what is sampled, shape (B, d)."""
        with np.errstate(divide="ignore"):
            logits = np.log(self._model.law(step, texts)) / self.sampling.temperature
        return softmax(kept(logits, self.sampling.top_k, self.sampling.top_p))


class TruncatedModel(ReplacedLaw):
    """A model whose every law lost its tail: at most ``budget`` of mass, down to a power of two of outcomes."""

    def __init__(self, model: TextModel, budget: float) -> None:
        super().__init__(model)
        self.window = model.window
        self._budget = budget

    def content(self) -> dict[str, object]:
        """Return the model's content and the budget."""
        return {"model": self._model.content(), "budget": self._budget}

    def law(self, step: int, texts: IntArray) -> FloatArray:
        """Return the truncated law of each text, shape (B, d)."""
        if isinstance(self._model, StateModel):
            return self.symbol_law(step, texts)[:, : self.d]
        return without_tail(self._model.law(step, texts), self._budget)

    def symbol_law(self, step: int, texts: IntArray) -> FloatArray:
        """Return the truncated law over tokens and vacuum, shape (B, d+1)."""
        if isinstance(self._model, StateModel):  # a prompt that does not grow gives the vacuum some probability
            return without_tail(self._model.symbol_law(step, texts), self._budget)
        return super().symbol_law(step, texts)


def without_tail(law: FloatArray, budget: float) -> FloatArray:
    """Return laws, shape (B, D), that keep a power of two of their likeliest outcomes each and lose at most ``budget``."""
    order = np.argsort(-law, axis=1, kind="stable")
    ranked = np.take_along_axis(law, order, axis=1)
    tail = 1.0 - np.cumsum(ranked, axis=1)  # mass lost when ranks 0..r are kept
    needed = 1 + np.argmax(tail <= budget, axis=1)
    kept = 2 ** np.ceil(np.log2(needed)).astype(np.int64)
    ranked[np.arange(law.shape[1]) >= kept[:, None]] = 0.0
    result = np.zeros_like(law)
    np.put_along_axis(result, order, ranked / ranked.sum(axis=1, keepdims=True), axis=1)
    return result


def kept(logits: FloatArray, top_k: int, top_p: float | None) -> FloatArray:
    """Return logits, shape (B, V), with -inf for what is dropped: all but the k likeliest, and then all beyond the share p."""
    if top_k >= logits.shape[1] and top_p is None:
        return logits
    result = np.full_like(logits, -np.inf)
    order = _first(logits, top_k)
    chosen = np.take_along_axis(logits, order, axis=1)
    if top_p is not None:
        law = softmax(chosen)
        before = np.cumsum(law, axis=1) - law  # the share of what is likelier
        chosen = np.where(before < top_p, chosen, -np.inf)
    np.put_along_axis(result, order, chosen, axis=1)
    return result


def _first(logits: FloatArray, k: int) -> IntArray:
    """Return the k likeliest tokens of each row, the likeliest first, shape (B, k); equals by rising number."""
    if 8 * k >= logits.shape[1]:
        return np.argsort(-logits, axis=1, kind="stable")[:, :k]
    edge = -np.partition(-logits, k - 1, axis=1)[:, k - 1]
    result = np.empty((len(logits), k), dtype=np.int64)
    for i, row in enumerate(logits):
        near = np.flatnonzero(row >= edge[i])
        result[i] = near[np.argsort(-row[near], kind="stable")][:k]
    return result
