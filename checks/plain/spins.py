# SPDX-License-Identifier: Apache-2.0
"""The law of a token of spins, evaluated plainly."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from stinespring.models.spins.contexts import tokens_of
from stinespring.models.spins.law import visited
from stinespring.stages import Samples

__all__ = ["disagreement", "plain_plus"]

AGREE = 1e-9
MOST_STEPS = 4
SPINS = 64  # of a token that are compared: the first ones


def disagreement(samples: Samples) -> str | None:
    """Return where the network's law and the plain one differ, in words; None where they agree."""
    network = samples.source.one_column_a_spin()
    [outcomes] = samples.outcomes
    tokens = tokens_of(outcomes, samples.asked.steps, network.N)
    likeliest = int(np.argmax(outcomes.counts))
    content = network.content()
    if content.get("window") is None:
        return None
    for step, contexts, which in visited(network, tokens):
        if step == MOST_STEPS:
            return None
        before = tokens[likeliest, :step]
        plain = plain_plus(content, before.tolist(), SPINS)
        law = contexts.plus[which[likeliest]][: len(plain)]
        if not np.allclose(plain, law, rtol=0.0, atol=AGREE):
            off = float(np.abs(np.array(plain) - law).max())
            return f"the network's law of token {step + 1} differs from a plain evaluation by {off:.3g} in a spin's probability"
    return None


def plain_plus(content: Mapping[str, Any], generated: Sequence[Sequence[int]], spins: int) -> list[float]:
    """Return ``P(x_i = +1) = (1 + tanh(beta h_i)) / 2`` of the next token for the first spins.

    Args:
        content: of the network, one column a spin.
        generated: the tokens since the file's window, the oldest first.
        spins: how many are wanted.

    Source: arXiv 2406.07247.
    """
    eps, features, places = content["eps"], content["features"], content["position_features"]
    P = len(places["q"][0]) if places["q"] else 0
    L, time = 2**P, int(content["time"]) + len(generated)
    context = [*list(generated)[::-1], *content["window"]][:L]  # newest first

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
    columns = range(min(spins, len(features["o"][0])))
    fields = [math.fsum(features["o"][b][i] * attention[b] for b in range(M)) for i in columns]
    beta = float(content["beta"])
    return [0.5 * (1.0 + math.tanh(beta * h)) for h in fields]
