# SPDX-License-Identifier: Apache-2.0
"""Which basis state of a register stands for which token: one code a token, or codes that depend on the text before.

With codes by prefix the code of a token after prefix w is its rank in the support of P(.|w). Outcomes are decoded classically,
so that under ``phases: free`` with a known prompt nothing but the joint law of the codes matters. A step then needs as many
qubits as its largest support has bits, whatever the vocabulary. Whoever decodes goes from token to token, as the model does:
the decoder is causal. With one register for the whole text the texts are numbered in the order of their trie, which wastes no
qubit where supports differ in size; in any other order the decoder is a table of texts.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from stinespring.compiler.options import Codes
from stinespring.compiler.texts.operations import BlockOperation, Place, StepLaw
from stinespring.compiler.texts.order import fitting_order
from stinespring.compiler.texts.truncate import averaged, bits
from stinespring.models.texts.base import TextModel
from stinespring.models.texts.fock import InputState
from stinespring.readings import UNUSED, Codebook, FloatArray, IntArray, Register, rows_of

__all__ = [
    "CodedLaws", "by_number", "by_prefix", "plain", "prompt_registers", "realised", "registers", "token_register", "with_book",
]  # fmt: skip


def registers(
    model: TextModel,
    channels: Iterable[BlockOperation],
    *,
    prompt_length: int,
    quantum: bool,
    codes: Codes,
    state: InputState | None = None,
) -> list[Register]:
    """Return all registers: prompt (if it is quantum), tokens, environment.

    Prompt registers and attended positions hold plain binary numbers. A token register does too, unless ``codes`` is free
    and the tokens that can occur fit on fewer qubits: then they are numbered in ascending order.
    """
    tokens, environment = [], []
    prompt = prompt_registers(model, prompt_length, state) if quantum else []
    for channel in channels:
        for law in channel.laws:
            if law.target.role == "token":
                tokens.append(token_register(law, model.d, codes))
            elif law.target.role != "prompt":
                n = law.probabilities.shape[1]
                environment.append(law.target.register(plain(range(n), n)))
    return [*prompt, *tokens, *environment]


def prompt_registers(model: TextModel, length: int, state: InputState | None) -> list[Register]:
    """Return ``p1..pn``: plain token numbers, and the vacuum d where an input state has texts of different lengths."""
    if state is None:
        return [Place("prompt", i + 1).register(plain(range(model.d), model.d)) for i in range(length)]
    count = max(model.d, int(state.texts.max(initial=0)) + 1)
    return [Place("prompt", i + 1).register(plain(np.unique(state.texts[:, i]).tolist(), count)) for i in range(state.width)]


def token_register(law: StepLaw, d: int, codes: Codes) -> Register:
    """Return the register of a token law over d tokens and the vacuum."""
    support = np.flatnonzero((law.probabilities > 0).any(axis=0)).tolist()
    count = max(d, support[-1] + 1)
    if codes == "free" and bits(len(support)) < bits(count):
        return law.target.register(fill(support, bits(len(support))))
    return law.target.register(plain(support, count))


def plain(support: Iterable[int], count: int) -> tuple[int, ...]:
    """Return the symbols of a register in which every symbol below ``count`` would be its own code."""
    symbols = [UNUSED] * 2 ** bits(count)
    if support == range(count):
        symbols[:count] = support
    else:
        for symbol in support:
            symbols[symbol] = symbol
    return tuple(symbols)


def fill(support: list[int], width: int) -> tuple[int, ...]:
    """Return the symbols in the given order, filled up to 2^width codes."""
    return tuple(support + [UNUSED] * (2**width - len(support)))


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


def by_prefix(operations: Iterable[BlockOperation], symbols: IntArray | None = None) -> CodedLaws:
    """Return the operations with every token replaced by its rank after its prefix, the likeliest first where that fits.

    Args:
        operations: one a step, in order, their laws over whole prefixes; the prompt is known.
        symbols: what the operations' tokens stand for; None: for themselves.
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
        better = fitting_order(ranked) if operation.laws[-1].reads == law.reads else None
        if better is not None:
            order, ranked = np.take_along_axis(order, better, axis=1), np.take_along_axis(ranked, better, axis=1)
        coded.append(replace(operation, laws=tuple(renamed(each, texts, codes, order) for each in operation.laws)))
        row, rank = np.nonzero(ranked)
        reach = reach[row] * ranked[row, rank]
        texts = np.concatenate([texts[row], order[row, rank][:, None]], axis=1)
        codes = np.concatenate([codes[row], rank[:, None]], axis=1)
    names = tuple(f"t{step}" for step in range(1, codes.shape[1] + 1))
    return CodedLaws(tuple(coded), Codebook(names, codes, texts if symbols is None else symbols[texts]), reach)


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


def by_number(coded: CodedLaws, *, sort: bool, split: bool = False) -> CodedLaws:
    """Return one law that draws the number of the whole text into a register ``text``.

    Args:
        coded: codes by prefix, whose texts are listed in the order of their trie.
        sort: number the texts by falling probability instead.
        split: use all codes: a likely text has several, each as likely as the others. No code is then impossible, which the
            constructions of laws with free phases need.
    """
    order = np.argsort(-coded.probabilities, kind="stable") if sort else np.arange(len(coded.probabilities))
    shares = coded.probabilities[order]
    if split:
        pieces = dealt_codes(shares, 1 << bits(len(shares)))
        order, shares = np.repeat(order, pieces), np.repeat(shares / pieces, pieces)
    law = StepLaw(Place("token", 0), (), np.zeros((1, 0), dtype=np.int64), shares[None], np.ones(1))
    book = Codebook((law.target.name,), np.arange(len(order))[:, None], coded.book.texts[order])
    return CodedLaws((BlockOperation(1, "token", (law,)),), book, shares)


def dealt_codes(shares: FloatArray, number: int) -> IntArray:
    """Return how many codes each text gets, shape (N,), at least 1: the next goes to the text whose codes are the likeliest.

    Example:
        >>> dealt_codes(np.array([0.5, 0.3, 0.2]), 4).tolist()
        [2, 1, 1]
    """
    pieces = np.ones(len(shares), dtype=np.int64)
    waiting = [(-share, text) for text, share in enumerate(shares.tolist())]
    heapq.heapify(waiting)
    for _ in range(number - len(shares)):
        text = waiting[0][1]
        pieces[text] += 1
        heapq.heapreplace(waiting, (-float(shares[text]) / int(pieces[text]), text))
    return pieces


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
