# SPDX-License-Identifier: Apache-2.0
"""What a lens shows of glassllm, from the residual stream that glassllm itself records."""

from __future__ import annotations

import math

import numpy as np

from stinespring.checks.plain.texts import glass
from stinespring.models.lens.states import LensStates
from stinespring.stages import Samples

__all__ = ["disagreement"]

AGREE = 2e-4  # TVD: the recorded stream is in single precision
RECORDED = {"attention": "resid.attn", "mlp": "resid.ffn"}


def disagreement(samples: Samples) -> str | None:
    """Return where the law of a point differs from the plain one, in words; None where they agree, or for other decoders.

    ``P(t) = softmax(E norm(x + A x + b))_t`` with x the residual stream after the point at the prompt's last token, A and b
    the tuned lens', ``norm(x) = gain x / sqrt(mean(x^2) + eps)``; at the points that were asked for, and at the last one.
    """
    states: LensStates = samples.source
    kind, _, language = states.decoder.name.partition(":")
    if kind != "glassllm":
        return None
    streams = recorded(language, states.prompt.tolist())
    points = sorted({*samples.asked.points[:4], len(states.points) - 1})
    for number in points:
        point = states.points[number]
        place = ("embed", None) if point.layer is None else (RECORDED[point.after], point.layer)
        plain = shown(language, tuned(states, number, [float(value) for value in streams[place]]))
        off = 0.5 * math.fsum(abs(a - b) for a, b in zip(plain, states.law(number).tolist(), strict=True))
        if not off <= AGREE:
            return f"the law at point {number} ({point}) differs from a plain evaluation by TVD {off:.3g}"
    return None


def tuned(states: LensStates, number: int, stream: list[float]) -> list[float]:
    """Return what the lens makes of the stream at a point."""
    if states.tuned is None:
        return stream
    result = [value + float(shift) for value, shift in zip(stream, states.tuned.bias[number], strict=True)]
    if states.tuned.matrix is None:
        return result
    rows = states.tuned.matrix[number].tolist()
    added = [math.fsum(a * b for a, b in zip(row, stream, strict=True)) for row in rows]
    return [value + more for value, more in zip(result, added, strict=True)]


def recorded(language: str, prompt: list[int]) -> dict[tuple[str, int | None], list[float]]:
    """Return what glassllm records at the prompt's last token, by step and layer."""
    from glassllm import Tracer, no_grad

    model, trace = glass(language), Tracer()  # loaded within no_grad it would keep its random weights
    with no_grad():
        model(np.array([prompt], dtype=np.int64), trace=trace)
    wanted = ("embed", *RECORDED.values())
    return {(entry.id, entry.layer): entry.value[-1].tolist() for entry in trace.records if entry.id in wanted}


def shown(language: str, stream: list[float]) -> list[float]:
    """Return the softmax of the normalised stream's products with the unembedding."""
    model = glass(language)
    scale = 1.0 / math.sqrt(math.fsum(value * value for value in stream) / len(stream) + float(model.cfg.eps))
    normal = np.array([value * scale * float(gain) for value, gain in zip(stream, model.norm_f.gamma.data, strict=True)])
    logits = (np.asarray(model.E.data, dtype=np.float64) @ normal).tolist()
    sizes = [math.exp(logit - max(logits)) for logit in logits]
    total = math.fsum(sizes)
    return [size / total for size in sizes]
