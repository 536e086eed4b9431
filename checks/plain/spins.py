# SPDX-License-Identifier: Apache-2.0
"""The law of a token of spins, evaluated plainly."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from stinespring.models.spins.contexts import tokens_of
from stinespring.models.spins.law import SpinLaw, visited
from stinespring.stages import Samples

__all__ = ["disagreement", "plain_plus"]

AGREE = 1e-9
MOST_STEPS, HISTORIES = 4, 3
SPINS = 64  # of a token that are compared, evenly spaced


def disagreement(samples: Samples) -> str | None:
    """Return where the network's law and the plain one differ, in words; None where they agree."""
    content, number = samples.source.content(), samples.source.spins
    [outcomes] = samples.outcomes
    if content.get("window") is None:
        return None
    tokens = tokens_of(outcomes, samples.asked.steps, number)
    likeliest = np.argsort(-outcomes.counts, kind="stable")[:HISTORIES]
    chosen = sorted({place * (number - 1) // max(1, SPINS - 1) for place in range(SPINS)})
    for step, contexts, which in visited(SpinLaw(samples.source, samples.asked.steps).columns, tokens):
        if step == MOST_STEPS:
            return None
        for row in likeliest.tolist()[: 1 if step == 0 else HISTORIES]:
            plain = plain_plus(content, tokens[row, :step].tolist(), chosen)
            law = contexts.plus[which[row]][chosen]
            if not np.allclose(plain, law, rtol=0.0, atol=AGREE):
                off = float(np.abs(np.array(plain) - law).max())
                place = f"law of token {step + 1}"
                return f"the network's {place} differs from a plain evaluation by {off:.3g} in a spin's probability"
    return None


def plain_plus(content: Mapping[str, Any], generated: Sequence[Sequence[int]], spins: Iterable[int]) -> list[float]:
    """Return ``P(x_i = +1) = (1 + tanh(beta h_i)) / 2`` of the next token for some spins.

    Args:
        content: of the network, as its file has it: spin i is of column ``i // repeat``.
        generated: the tokens since the file's window, the oldest first, all spins of each.
        spins: numbers of those that are wanted.

    Source: arXiv 2406.07247.
    """
    eps, features, places = content["eps"], content["features"], content["position_features"]
    P = len(places["q"][0]) if places["q"] else 0
    repeat, columns = int(content.get("repeat", 1)), len(features["q"][0])
    L, time = 2**P, int(content["time"]) + len(generated)
    grown = [[math.fsum(token[i * repeat : (i + 1) * repeat]) / repeat for i in range(columns)] for token in generated]
    context = [*grown[::-1], *content["window"]][:L]  # newest first, means of the spins of each column

    def overlap(kind: str, b: int, back: int) -> float:
        token, clock = context[back], (time - back) % L
        row = features[kind][b]
        semantic = math.fsum(w * x for w, x in zip(row, token, strict=True)) / len(token)
        bits = [2 * (clock >> (P - 1 - p) & 1) - 1 for p in range(P)]
        position = math.fsum(w * s for w, s in zip(places[kind][b], bits, strict=True)) / P if P else 0.0
        return float((1 - eps) * semantic + eps * position)

    M = len(features["q"])
    asked = [overlap("q", b, 0) for b in range(M)]
    scores = [
        content["gamma"] / math.sqrt(M) * math.fsum(asked[b] * overlap("k", b, back) for b in range(M)) for back in range(L)
    ]
    sizes = [math.exp(score - max(scores)) for score in scores]
    weights = [size / math.fsum(sizes) for size in sizes]
    attention = [math.fsum(weights[back] * overlap("v", b, back) for back in range(L)) for b in range(M)]
    fields = [math.fsum(features["o"][b][i // repeat] * attention[b] for b in range(M)) for i in spins]
    beta = float(content["beta"])
    return [0.5 * (1.0 + math.tanh(beta * h)) for h in fields]
