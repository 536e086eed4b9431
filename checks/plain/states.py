# SPDX-License-Identifier: Apache-2.0
"""Input states and the law of what follows them, evaluated plainly from the amplitudes that were given."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from stinespring.models.texts.base import TextModel
from stinespring.models.texts.fock import Start, StateModel
from stinespring.models.texts.law import texts_of
from stinespring.stages import Samples

__all__ = ["state_differs"]

CONTEXTS = 3  # generated parts of a step: the likeliest
MOST_STEPS = 4
MOST_LAWS = 256  # evaluations of the model's law in all

Text = tuple[int, ...]
Law = Callable[[int, Sequence[int]], "list[float] | None"]


def state_differs(samples: Samples, plain_law: Law, agree: float) -> str | None:
    """Return where the texts, amplitudes or the law of an input state differ from a plain evaluation, in words, or None.

    Of the state as it was given every text and amplitude is compared; of the law of the generated tokens,
    ``P(x_l | x_1..x_{l-1}) ~ sum_w |a_w|^2 prod_{k <= l} P_k(x_k | w x_1..x_{k-1})``, the first steps after the likeliest
    parts.

    Args:
        samples: of a program with an input state, or with a level.
        plain_law: the law of the next token after a text of some step; None where there is no plain one.
        agree: how far probabilities may be apart.
    """
    model, asked = samples.source, samples.asked
    begin: Start = asked.begin(model)
    given = {tuple(asked.prompt): 1.0 + 0.0j} if asked.input_state is None else amplitudes(asked.input_state, model.tokens)
    assert begin.state is not None, "a state or a level was given"
    rows = [tuple(t for t in row if t != model.vacuum) for row in begin.state.texts.tolist()]
    read = dict(zip(rows, begin.state.amplitudes.tolist(), strict=True))
    if read.keys() != given.keys() or len(rows) != len(read):
        return "the texts of the input state are not those that were given"
    wrong = max(abs(read[text] - given[text]) for text in given)
    if wrong > agree:
        return f"the amplitudes of the input state differ from those that were given by {wrong:.3g}"
    weights = {text: value.real**2 + value.imag**2 for text, value in given.items()}
    off = max(abs(float(w) - weights[text]) for text, w in zip(rows, begin.state.weights.tolist(), strict=True))
    if off > agree:
        return f"the probabilities of the input state differ from the squares of its amplitudes by {off:.3g}"
    return law_differs(samples, begin.model, weights, plain_law, agree)


def amplitudes(state: Mapping[str, Any], tokens: Sequence[str]) -> dict[Text, complex]:
    """Return the amplitude of each text of a ``stinespring/state@1`` object, of a mixture the root of its probability."""
    found: dict[Text, complex] = {}
    for key, value in dict(state.get("amplitudes") or state.get("probabilities") or {}).items():
        if "probabilities" in state:
            number = complex(math.sqrt(value))
        else:
            parts = value if isinstance(value, list | tuple) else [value]
            number = complex(parts[0], parts[1] if len(parts) > 1 else 0.0)
        if number:
            found[tuple(list(tokens).index(name) for name in key.split())] = number
    norm = math.sqrt(math.fsum(abs(number) ** 2 for number in found.values()))
    return {text: number / norm for text, number in found.items()}


def law_differs(samples: Samples, law: TextModel, weights: Mapping[Text, float], plain_law: Law, agree: float) -> str | None:
    """Return where the law of the generated tokens differs, in words; None where it does not or there is no plain one."""
    assert isinstance(law, StateModel), "a state's law"
    model, asked = samples.source, samples.asked
    texts, counts = texts_of(samples.outcomes[0], asked.steps, model.vacuum)
    known: dict[tuple[int, Text], list[float] | None] = {}

    def after(step: int, text: Text) -> list[float] | None:
        if (step, text) not in known:
            known[step, text] = symbol_law(model, asked.level, step, text, plain_law)
        return known[step, text]

    for step in range(1, min(asked.steps, MOST_STEPS) + 1):
        parts, where = np.unique(texts[:, : step - 1], axis=0, return_inverse=True)
        order = np.argsort(-np.bincount(where.ravel(), weights=counts, minlength=len(parts)), kind="stable")
        for part in [parts[i] for i in order if (parts[i] >= 0).all()][:CONTEXTS]:
            if len(known) + step * len(weights) > MOST_LAWS:
                return None
            plain = posterior(weights, part.tolist(), after)
            if plain is None:
                return None
            off = 0.5 * float(np.abs(np.array(plain) - law.symbol_law(step, part[None])[0]).sum())
            if off > agree:
                words = model.text(part.tolist())
                place = f"step {step} after {words!r} from the input state"
                return f"the law of {place} differs from a plain evaluation by TVD {off:.3g}"
    return None


def posterior(weights: Mapping[Text, float], part: Sequence[int], after: Callable[[int, Text], Any]) -> list[float] | None:
    """Return the law of the next token after a generated part; None where there is no plain law, or the part cannot be."""
    shares, rows = [], []
    for text, weight in weights.items():
        for place in range(len(part)):
            law = after(place + 1, (*text, *part[:place]))
            if law is None:
                return None
            weight *= law[part[place]]
        law = after(len(part) + 1, (*text, *part))
        if law is None:
            return None
        shares.append(weight)
        rows.append(law)
    total = math.fsum(shares)
    if total <= 0.0:
        return None
    symbols = range(len(rows[0]))
    return [math.fsum(share * row[symbol] for share, row in zip(shares, rows, strict=True)) / total for symbol in symbols]


def symbol_law(model: TextModel, level: int | None, step: int, text: Text, plain_law: Law) -> list[float] | None:
    """Return the law over tokens and vacuum after a text on Fock space: what is complete stays as it is."""
    d, tokens = len(model.tokens), list(model.tokens)
    stop = model.content().get("stop")
    number = tokens.index(stop) if stop in tokens else None
    length = len(text)
    if d in text or number in text or (level is not None and length >= level) or 0 < length < model.shortest:
        return [0.0] * d + [1.0]
    if not length and model.shortest:
        return [1.0] + [0.0] * d
    law = plain_law(step, list(text))
    return None if law is None else [*law, 0.0]
