# SPDX-License-Identifier: Apache-2.0
"""What a program of texts claims to realise where that is not the model's own law: a table or a rule, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from stinespring.errors import InputError
from stinespring.models.texts.asked import TextAsked
from stinespring.models.texts.attention import AttentionModel
from stinespring.models.texts.base import TextModel
from stinespring.models.texts.fock import StateModel
from stinespring.models.texts.rejection import RejectionModel
from stinespring.models.texts.truncated import ListedModel, MemoryModel, StepTable, TabulatedModel, TruncatedModel
from stinespring.readings import ComplexArray, FloatArray, IntArray

__all__ = ["ListedClaim", "MemoryClaim", "RejectionClaim", "StepTable", "TableClaim", "TailClaim", "TextClaim", "claim_of"]


@dataclass(frozen=True, eq=False)
class TableClaim:
    """One table a step.

    Attributes:
        tables: for each step.
        padded: whether the tables' places count the padded prompt of an input state first, which the program keeps in
            registers; otherwise the known prompt, which an input state leaves empty.
    """

    kind: ClassVar[str] = "table"
    tables: tuple[StepTable, ...]
    padded: bool = False

    def law(self, model: TextModel, asked: TextAsked) -> TextModel:
        """Return the claimed law of the generated tokens, after the prompt of ``asked.begin(model)``."""
        begin = asked.begin(model)
        if self.padded and begin.padded is not None and begin.state is not None:
            return StateModel(TabulatedModel(begin.padded, begin.state.width, self.tables), begin.state)
        return TabulatedModel(begin.model, len(begin.prompt), self.tables)

    def content(self) -> dict[str, Any]:
        """Return the claim as JSON data."""
        tables = [[list(t.columns), t.contexts.tolist(), t.probabilities.tolist()] for t in self.tables]
        return {"kind": self.kind, "padded": self.padded, "tables": tables}


@dataclass(frozen=True)
class TailClaim:
    """Every law without its tail: at most ``budget`` of its mass is lost, down to a power of two of outcomes."""

    kind: ClassVar[str] = "tail"
    budget: float

    def law(self, model: TextModel, asked: TextAsked) -> TextModel:
        """Return the claimed law; see :class:`stinespring.models.texts.truncated.TruncatedModel`."""
        return TruncatedModel(asked.begin(model).model, self.budget)

    def content(self) -> dict[str, Any]:
        """Return the claim as JSON data."""
        return {"kind": self.kind, "budget": self.budget}


@dataclass(frozen=True)
class RejectionClaim:
    """Attended positions drawn by so many rounds of rejection a step."""

    kind: ClassVar[str] = "rejection"
    rounds: tuple[int, ...]

    def law(self, model: TextModel, asked: TextAsked) -> TextModel:
        """Return the claimed law; see :class:`stinespring.models.texts.rejection.RejectionModel`."""
        begin = asked.begin(model)
        if not isinstance(begin.model, AttentionModel):
            raise InputError("rejection draws attended positions", got=model.name, expected="an attention model with a prompt")
        return RejectionModel(begin.model, begin.prompt, self.rounds)

    def content(self) -> dict[str, Any]:
        """Return the claim as JSON data."""
        return {"kind": self.kind, "rounds": list(self.rounds)}


@dataclass(frozen=True, eq=False)
class ListedClaim:
    """Whole texts after a known prompt with their probabilities.

    Attributes:
        texts: shape (N, L), symbols.
        probabilities: shape (N,), sum 1.
    """

    kind: ClassVar[str] = "texts"
    texts: IntArray
    probabilities: FloatArray

    def law(self, model: TextModel, asked: TextAsked) -> TextModel:
        """Return the claimed law; see :class:`stinespring.models.texts.truncated.ListedModel`."""
        begin = asked.begin(model)
        return ListedModel(begin.model, len(begin.prompt), self.texts, self.probabilities)

    def content(self) -> dict[str, Any]:
        """Return the claim as JSON data."""
        return {"kind": self.kind, "texts": self.texts.tolist(), "probabilities": self.probabilities.tolist()}


@dataclass(frozen=True, eq=False)
class MemoryClaim:
    """A matrix-product state: ``P(x_1..x_L) = |A_1[x_1] A_2[x_2] ... A_L[x_L]|^2``.

    Attributes:
        tensors: for each step, shape (in, D, out) over symbols 0..D-1; each is an isometry from ``in`` to the rest.
    """

    kind: ClassVar[str] = "memory"
    tensors: tuple[FloatArray | ComplexArray, ...]

    def law(self, model: TextModel, asked: TextAsked) -> TextModel:
        """Return the claimed law; see :class:`stinespring.models.texts.truncated.MemoryModel`."""
        begin = asked.begin(model)
        return MemoryModel(begin.model, len(begin.prompt), self.tensors)

    def probabilities(self, texts: IntArray) -> FloatArray:
        """Return the probability of each text, shape (N,)."""
        amplitudes: FloatArray | ComplexArray = np.ones((len(texts), 1))
        for column, tensor in enumerate(self.tensors):
            amplitudes = np.einsum("ni,nio->no", amplitudes, tensor.transpose(1, 0, 2)[texts[:, column]])
        return np.asarray((abs(amplitudes) ** 2).sum(axis=1))

    def content(self) -> dict[str, Any]:
        """Return the claim as JSON data."""
        return {"kind": self.kind, "tensors": [[tensor.real.tolist(), tensor.imag.tolist()] for tensor in self.tensors]}


TextClaim = TableClaim | TailClaim | RejectionClaim | ListedClaim | MemoryClaim


def claim_of(data: Mapping[str, Any]) -> TextClaim:
    """Return the claim that ``content`` described.

    Example:
        >>> claim_of(TailClaim(0.25).content())
        TailClaim(budget=0.25)
    """
    if data["kind"] == TailClaim.kind:
        return TailClaim(float(data["budget"]))
    if data["kind"] == RejectionClaim.kind:
        return RejectionClaim(tuple(int(rounds) for rounds in data["rounds"]))
    if data["kind"] == ListedClaim.kind:
        return ListedClaim(np.array(data["texts"], dtype=np.int64), np.array(data["probabilities"], dtype=np.float64))
    if data["kind"] == MemoryClaim.kind:
        parts = [(np.array(real, dtype=np.float64), np.array(imaginary)) for real, imaginary in data["tensors"]]
        return MemoryClaim(tuple(real + 1j * imaginary if imaginary.any() else real for real, imaginary in parts))
    tables = [
        StepTable(tuple(columns), np.array(rows, dtype=np.int64).reshape(len(rows), len(columns)), np.array(law))
        for columns, rows, law in data["tables"]
    ]
    return TableClaim(tuple(tables), bool(data["padded"]))
