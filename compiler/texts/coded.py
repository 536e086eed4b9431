# SPDX-License-Identifier: Apache-2.0
"""Codes that depend on the text before: the code of a token after prefix w is its rank in the support of P(.|w).

Outcomes are decoded classically, so that under ``phases: free`` with a known prompt nothing but the joint law of the codes
matters. A step then needs as many qubits as its largest support has bits, whatever the vocabulary. Whoever decodes goes from
token to token, as the model does: the decoder is causal. With one register for the whole text the texts are numbered in the
order of their trie, which wastes no qubit where supports differ in size; in any other order the decoder is a table of texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from stinespring.compiler.texts.operations import BlockOperation, Place, StepLaw
from stinespring.compiler.texts.truncate import averaged
from stinespring.readings import Codebook, FloatArray, IntArray, Register, rows_of

__all__ = ["CodedLaws", "by_number", "by_prefix", "realised", "with_book"]


@dataclass(frozen=True, eq=False)
class CodedLaws:
    """The laws of codes.

    Attributes:
        operations: as those of tokens, with ranks in place of tokens.
        book: what the ranks stand for.
        probabilities: of the book's texts, shape (N,).
    """

    operations: tuple[BlockOperation, ...]
    book: Codebook
    probabilities: FloatArray


def by_prefix(operations: Iterable[BlockOperation]) -> CodedLaws:
    """Return the operations with every token replaced by its rank after its prefix, the likeliest first.

    Args:
        operations: one a step, in order, their laws over whole prefixes; the prompt is known.
    """
    texts, codes, reach = np.zeros((1, 0), dtype=np.int64), np.zeros((1, 0), dtype=np.int64), np.ones(1)
    coded = []
    for operation in operations:
        law = averaged(operation.laws[-1])
        where = rows_of(law.contexts, texts)
        order = np.argsort(-law.probabilities[where], axis=1, kind="stable")
        ranked = np.take_along_axis(law.probabilities[where], order, axis=1)
        size = int((ranked > 0).sum(axis=1).max())
        order, ranked = order[:, :size], ranked[:, :size]
        coded.append(replace(operation, laws=tuple(renamed(each, texts, codes, order) for each in operation.laws)))
        row, rank = np.nonzero(ranked)
        reach = reach[row] * ranked[row, rank]
        texts = np.concatenate([texts[row], order[row, rank][:, None]], axis=1)
        codes = np.concatenate([codes[row], rank[:, None]], axis=1)
    names = tuple(f"t{step}" for step in range(1, codes.shape[1] + 1))
    return CodedLaws(tuple(coded), Codebook(names, codes, texts), reach)


def renamed(law: StepLaw, texts: IntArray, codes: IntArray, order: IntArray) -> StepLaw:
    """Return one law of a step with ranks in place of tokens.

    Args:
        law: reads the whole prefix, and then perhaps attended positions.
        texts: shape (B, l-1), the prefixes.
        codes: shape (B, l-1), their ranks.
        order: shape (B, n), the token of each rank after each prefix.
    """
    tokens = [column for column, place in enumerate(law.reads) if place.role == "token"]
    where = rows_of(texts, law.contexts[:, tokens])
    contexts = law.contexts.copy()
    contexts[:, tokens] = codes[where]
    if law.target.role != "token":
        return replace(law, contexts=contexts)
    return replace(law, contexts=contexts, probabilities=np.take_along_axis(law.probabilities, order[where], axis=1))


def by_number(coded: CodedLaws, *, sort: bool) -> CodedLaws:
    """Return one law that draws the number of the whole text into a register ``text``.

    Args:
        coded: codes by prefix, whose texts are listed in the order of their trie.
        sort: number the texts by falling probability instead.
    """
    order = np.argsort(-coded.probabilities, kind="stable") if sort else np.arange(len(coded.probabilities))
    shares = coded.probabilities[order]
    law = StepLaw(Place("token", 0), (), np.zeros((1, 0), dtype=np.int64), shares[None], np.ones(1))
    book = Codebook((law.target.name,), np.arange(len(order))[:, None], coded.book.texts[order])
    return CodedLaws((BlockOperation(1, "token", (law,)),), book, shares)


def realised(operations: Sequence[BlockOperation], book: Codebook) -> FloatArray:
    """Return the probability of every text of the book under laws of codes that read tokens only, shape (N,)."""
    names = list(book.registers)
    result = np.ones(len(book.codes))
    for operation in operations:
        law = averaged(operation.laws[-1])
        where = rows_of(law.contexts, book.codes[:, [names.index(place.name) for place in law.reads]])
        result *= np.where(where < 0, 0.0, law.probabilities[where, book.codes[:, names.index(law.target.name)]])
    return result


def with_book(registers: Iterable[Register], book: Codebook | None) -> tuple[Register, ...]:
    """Return the registers, those that hold codes of a book with the book."""
    return tuple(replace(r, book=book) if book is not None and r.name in book.registers else r for r in registers)
