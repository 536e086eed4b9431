# SPDX-License-Identifier: Apache-2.0
"""What a program of texts promises, entry by entry: the amplitudes of its isometry, or the law of what is measured.

Input states are read here again, from the file's own keys and numbers, and texts of different lengths are grown one by one:
the models' padding, posteriors and weights take no part. The law of a single token is the model's; see
:mod:`stinespring.checks.plain` for its second evaluation.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stinespring.errors import TooLargeError
from stinespring.models.texts.asked import TextAsked
from stinespring.models.texts.attention import AttentionModel
from stinespring.models.texts.base import TextModel

__all__ = ["Entry", "Promised", "promised"]

MOST_ENTRIES = 1 << 15

Text = tuple[int, ...]
Symbols = tuple[int, ...]


@dataclass(frozen=True)
class Entry:
    """One matrix element of one Kraus operator.

    Attributes:
        input: the prompt that goes in; empty where the program prepares its own.
        output: the symbols of all registers: prompt (where it is kept), tokens, attended positions.
        operator: which Kraus operator it belongs to: texts that must keep no coherence have one each.
        amplitude: complex.
    """

    input: Text
    output: Symbols
    operator: int
    amplitude: complex


@dataclass(frozen=True)
class Promised:
    """All entries that are not 0.

    Attributes:
        entries: of the isometry, or of all Kraus operators.
        prompt: registers of a prompt that is kept; 0 if it is folded in.
        steps: number of tokens.
    """

    entries: tuple[Entry, ...]
    prompt: int
    steps: int

    def law(self) -> dict[Text, dict[Symbols, float]]:
        """Return for each input the probabilities of the tokens and the attended positions."""
        result: dict[Text, dict[Symbols, float]] = {}
        for entry in self.entries:
            law, read = result.setdefault(entry.input, {}), entry.output[self.prompt :]
            law[read] = law.get(read, 0.0) + abs(entry.amplitude) ** 2
        return result

    def folded(self) -> Promised:
        """Return what is promised of a program that keeps no prompt: the roots of the law of what it makes."""
        if not self.prompt:
            return self
        return Promised(
            tuple(Entry(g, y, 0, math.sqrt(p)) for g, law in self.law().items() for y, p in law.items()), 0, self.steps
        )


def promised(
    model: TextModel, asked: TextAsked, *, quantum: bool, dephased: bool = False, position: bool = False,
    law: TextModel | None = None,
) -> Promised:  # fmt: skip
    """Return what a program of texts promises.

    ``V = sum_{w,t} sqrt(P(t|w)) |w t><w|`` for each step; with attended positions ``sum_j sqrt(p_j(w) P(t|j,w)) |w t j><w|``.
    ``dephased``, and a mixture of prompts, have one operator for every prompt.

    Args:
        model: the law of a token.
        asked: prompt or input state, and the number of steps.
        quantum: whether the prompt is kept in registers; without an input state it is then the input.
        dephased: whether prompts must keep no coherence.
        position: whether attended positions are kept.
        law: a law in place of the model's: what is claimed within a tolerance.

    Raises:
        TooLargeError: more than 2^15 entries.
    """
    starts, mixed = starts_of(model, asked, quantum)
    width = max((len(text) for _, text, _ in starts), default=0)
    grown: list[tuple[int, Text, Text, Symbols, float]] = [(i, text, (), (), 1.0) for i, (_, text, _) in enumerate(starts)]
    for step in range(1, asked.steps + 1):
        texts = list(dict.fromkeys(text + made for _, text, made, _, _ in grown))
        next_of = dict(zip(texts, successors(law or model, model, step, texts, asked.level, position), strict=True))
        if sum(len(next_of[text + made]) for _, text, made, _, _ in grown) > MOST_ENTRIES:
            raise TooLargeError("the texts are too many to be compared one by one", expected=f"at most {MOST_ENTRIES:,}")
        grown = [
            (i, text, (*made, symbol), (*places, *attended), p * q)
            for i, text, made, places, p in grown
            for attended, symbol, q in next_of[text + made]
        ]
    kept = quantum or asked.input_state is not None
    entries = []
    for i, text, made, places, p in grown:
        given, _, amplitude = starts[i]
        prompt = (model.vacuum,) * (width - len(text)) + text if kept else ()
        operator = i if kept and (mixed or dephased) else 0
        entries.append(Entry(given, (*prompt, *made, *places), operator, amplitude * math.sqrt(p)))
    return Promised(tuple(entries), width if kept else 0, asked.steps)


def starts_of(model: TextModel, asked: TextAsked, quantum: bool) -> tuple[list[tuple[Text, Text, complex]], bool]:
    """Return (what goes in, the text, its amplitude) for every start, and whether the starts are a mixture."""
    if asked.input_state is not None:
        return state_of(model, asked.input_state)
    if quantum and asked.level is None:
        return [(w, w, 1.0 + 0j) for w in itertools.product(range(model.d), repeat=len(asked.prompt))], False
    return [((), asked.prompt, 1.0 + 0j)], False


def state_of(model: TextModel, state: Mapping[str, Any]) -> tuple[list[tuple[Text, Text, complex]], bool]:
    """Return the texts of an input state with their amplitudes, whose squared moduli are the probabilities."""
    number = {name: i for i, name in enumerate(model.tokens)}
    mixed, found = "probabilities" in state, []
    for words, value in (state["probabilities"] if mixed else state["amplitudes"]).items():
        parts = list(value) if isinstance(value, Sequence) else [value]
        amplitude = complex(math.sqrt(parts[0]), 0.0) if mixed else complex(parts[0], parts[1] if len(parts) > 1 else 0.0)
        if amplitude != 0:
            found.append((tuple(number[word] for word in words.split()), amplitude))
    norm = math.sqrt(math.fsum(a.real**2 + a.imag**2 for _, a in found))
    return [((), text, a / norm) for text, a in found], mixed


def successors(
    law: TextModel, model: TextModel, step: int, texts: Sequence[Text], level: int | None, position: bool
) -> list[list[tuple[Symbols, int, float]]]:
    """Return for each text what may follow it: (attended positions, symbol, probability).

    A text that ended, one at the highest level and one that is too short for the law stay as they are, and attend to their
    first token; the vacuum becomes the text of token 0.
    """
    heads = len(model.block(step).heads) if position and isinstance(model, AttentionModel) else 0
    first = (0,) * heads
    result: list[list[tuple[Symbols, int, float]]] = [[] for _ in texts]
    going: dict[int, list[int]] = {}
    for i, text in enumerate(texts):
        ended = model.vacuum in text or (model.stop is not None and model.stop in text)
        if ended or (level is not None and len(text) >= level) or 0 < len(text) < model.shortest:
            result[i] = [(first, model.vacuum, 1.0)]
        elif not text and model.shortest > 0:
            result[i] = [(first, 0, 1.0)]
        else:
            going.setdefault(len(text), []).append(i)
    for length, rows in going.items():
        array = np.array([texts[i] for i in rows], dtype=np.int64).reshape(len(rows), length)
        if heads:
            assert isinstance(model, AttentionModel), "only attention models have attended positions"
            weights, readings = model.attention(step, array), model.readings(step, array)
            for row, i in enumerate(rows):
                for places in itertools.product(range(length), repeat=heads):
                    share = math.prod(float(weights[row, h, j]) for h, j in enumerate(places))
                    tokens = share * readings[(row, *places)]
                    result[i] += [(places, int(t), float(tokens[t])) for t in np.flatnonzero(tokens)]
            continue
        probabilities = law.symbol_law(step, array)
        for row, i in enumerate(rows):
            result[i] = [((), int(t), float(probabilities[row, t])) for t in np.flatnonzero(probabilities[row])]
    return result
