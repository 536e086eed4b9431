# SPDX-License-Identifier: Apache-2.0
"""A random decoder of a few numbers, and the lens by plain loops over the formulas."""

from __future__ import annotations

import hashlib
import math

import numpy as np

from stinespring.models.decoders.decoder import FinalNorm, layer_points


class TinyDecoder:
    """One or two random layers; attention is the mean over earlier positions, so that the stream is causal."""

    def __init__(self, tokens: int = 6, width: int = 5, layers: int = 2, seed: int = 0, kind: str = "rms") -> None:
        rng = np.random.default_rng(seed)
        self.name, self.tokens, self.longest = "tiny", tuple(f"w{i}" for i in range(tokens)), 9
        self.points = layer_points(layers)
        self.embedding = rng.normal(size=(tokens, width))
        self.unembedding = 1.5 * rng.normal(size=(tokens, width))
        shift = rng.normal(size=width) if kind == "layer" else None
        self.norm = FinalNorm(kind, rng.uniform(0.5, 1.5, width), 1e-6, shift)
        self.mixing = rng.normal(size=(layers, 2, width, width))

    def encode(self, prompt):
        if isinstance(prompt, str):
            prompt = [self.tokens.index(word) for word in prompt.split()]
        return np.array(prompt, dtype=np.int64)

    def plain(self, numbers):
        return " ".join(self.tokens[i] for i in numbers)

    def stream(self, texts):
        x = self.embedding[texts]
        result = [x]
        for attention, mlp in self.mixing:
            seen = np.cumsum(x, axis=1) / np.arange(1, x.shape[1] + 1)[:, None]
            x = x + seen @ attention
            result.append(x)
            x = x + np.tanh(x @ mlp)
            result.append(x)
        return np.array(result)

    def law(self, texts):
        return np.array([plain_law(self, self.stream(texts)[-1, row, -1]) for row in range(len(texts))])

    def fingerprint(self):
        parts = (self.embedding, self.unembedding, self.mixing, self.norm.gain)
        return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()


def plain_law(decoder, x):
    """softmax(W_U LN_f(x)) number by number."""
    values = [float(value) for value in x]
    if decoder.norm.kind == "layer":
        mean = sum(values) / len(values)
        values = [value - mean for value in values]
    root = math.sqrt(sum(value * value for value in values) / len(values) + decoder.norm.eps)
    shift = [0.0] * len(values) if decoder.norm.shift is None else decoder.norm.shift
    normed = [value / root * gain + add for value, gain, add in zip(values, decoder.norm.gain, shift)]
    logits = [sum(w * h for w, h in zip(row, normed)) for row in decoder.unembedding]
    weights = [math.exp(logit - max(logits)) for logit in logits]
    return [weight / sum(weights) for weight in weights]


def dense_reflection(before, after):
    """U = 1 - 2 v v^T entry by entry."""
    difference = [b - a for a, b in zip(before, after)]
    norm = math.sqrt(sum(d * d for d in difference))
    size = len(difference)
    v = [d / norm for d in difference]
    return np.array([[(i == j) - 2.0 * v[i] * v[j] for j in range(size)] for i in range(size)])


def frobenius_cosine(a, b):
    """Tr(A^T B) / (||A|| ||B||) entry by entry."""
    inner = sum(float(x) * float(y) for x, y in zip(a.ravel(), b.ravel()))
    return inner / math.sqrt(sum(float(x) ** 2 for x in a.ravel()) * sum(float(y) ** 2 for y in b.ravel()))


def plain_distance_correlation(x, y):
    """Székely, Rizzo, Bakirov 2007, equations 2.8 to 2.10, by loops."""

    def centred(points):
        n = len(points)
        d = [[math.dist(points[i], points[j]) for j in range(n)] for i in range(n)]
        row = [sum(line) / n for line in d]
        whole = sum(row) / n
        return [[d[i][j] - row[i] - row[j] + whole for j in range(n)] for i in range(n)]

    def inner(a, b):
        return sum(p * q for line, other in zip(a, b) for p, q in zip(line, other))

    a, b = centred(x), centred(y)
    return math.sqrt(inner(a, b) / math.sqrt(inner(a, a) * inner(b, b)))
