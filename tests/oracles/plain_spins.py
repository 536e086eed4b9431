# SPDX-License-Identifier: Apache-2.0
"""1-bit self-attention in plain loops over its formulas, one token at a time; shares no code with the package."""

from __future__ import annotations

import itertools
import math


def position_bits(time: int, bits: int) -> list[int]:
    value = time % 2**bits
    return [1 if value >> (bits - 1 - place) & 1 else -1 for place in range(bits)]


def overlap(data: dict, role: str, b: int, token: list[float], time: int) -> float:
    row, positions = data["features"][role][b], data["position_features"][role][b]
    semantic = sum(w * x for w, x in zip(row, token, strict=True)) / len(row)
    bits = position_bits(time, len(positions))
    position = sum(w * p for w, p in zip(positions, bits, strict=True)) / len(bits) if bits else 0.0
    return (1 - data["eps"]) * semantic + data["eps"] * position


def step(data: dict, window: list[list[float]], time: int) -> dict:
    """Weights, A, h and p_plus of the next token from tokens (newest first) of times ``time``, ``time - 1``, ..."""
    M = len(data["features"]["q"])
    scores = []
    for d, token in enumerate(window):
        dot = sum(overlap(data, "q", c, window[0], time) * overlap(data, "k", c, token, time - d) for c in range(M))
        scores.append(data["gamma"] / math.sqrt(M) * dot)
    top = max(scores)
    weights = [math.exp(score - top) for score in scores]
    total = sum(weights)
    weights = [weight / total for weight in weights]
    A = [sum(w * overlap(data, "v", b, token, time - d) for d, (w, token) in enumerate(zip(weights, window))) for b in range(M)]
    N = len(data["features"]["o"][0])
    h = [sum(data["features"]["o"][b][i] * A[b] for b in range(M)) for i in range(N)]
    return {"attention_weights": weights, "A": A, "h": h, "p_plus": [0.5 * (1 + math.tanh(data["beta"] * x)) for x in h]}


def initial(data: dict) -> list[list[float]]:
    """Tokens of the context; of an attention window their means."""
    if "window" in data:
        return [list(map(float, token)) for token in data["window"]]
    return [mean_token(data, A) for A in data["attention_window"]]


def mean_token(data: dict, A: list[float]) -> list[float]:
    N = len(data["features"]["o"][0])
    return [math.tanh(data["beta"] * sum(data["features"]["o"][b][i] * A[b] for b in range(len(A)))) for i in range(N)]


def mean_field(data: dict, steps: int) -> tuple[list[list[float]], list[list[float]]]:
    """A and m_o of the times t0..t0+T."""
    window, time = initial(data), data.get("time", 0)
    M, N = len(data["features"]["o"]), len(data["features"]["o"][0])
    As, outputs = [], []
    for number in range(steps + 1):
        A = step(data, window, time + number)["A"]
        As.append(A)
        outputs.append([sum(data["features"]["o"][b][i] * window[0][i] for i in range(N)) / N for b in range(M)])
        window = [mean_token(data, A), *window[:-1]]
    return As, outputs


def joint_law(data: dict, steps: int) -> dict[tuple[int, ...], float]:
    """Exact law of the values of t1..tT (bit i of a value is spin i, 1 means -1), by enumeration; ``repeat`` must be 1."""
    N = len(data["features"]["o"][0])
    law = {(): (1.0, initial(data))}
    for number in range(steps):
        longer = {}
        for text, (weight, window) in law.items():
            plus = step(data, window, data.get("time", 0) + number)["p_plus"]
            for token in itertools.product((1, -1), repeat=N):
                p = weight * math.prod(p if x > 0 else 1 - p for x, p in zip(token, plus, strict=True))
                value = sum(1 << i for i, x in enumerate(token) if x < 0)
                longer[(*text, value)] = (p, [list(map(float, token)), *window[:-1]])
        law = longer
    return {text: weight for text, (weight, _) in law.items()}
