# SPDX-License-Identifier: Apache-2.0
"""A decoder of one's own: the next token depends on the last two, by a table of scores; run it, or name it to stinespring.

python examples/own_decoder.py
stinespring law examples/own_decoder.py:weather --prompt "sun rain" --steps 2
stinespring lens examples/own_decoder.py:weather --prompt "sun rain"
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import stinespring
from stinespring.errors import InputError
from stinespring.models.decoders.decoder import FinalNorm, Past, Point
from stinespring.models.decoders.language import LanguageModel
from stinespring.readings import FloatArray, IntArray


@dataclass(frozen=True)
class LastTwo:
    """All that this decoder keeps of texts: their last two tokens."""

    pairs: IntArray

    @property
    def rows(self) -> int:
        """How many texts."""
        return len(self.pairs)

    @property
    def nbytes(self) -> int:
        """Of the pairs."""
        return self.pairs.nbytes


class Weather:
    """Days follow each other: the stream is a score for each token, by the last day, and then also by the one before."""

    name, tokens, longest, rounding = "weather", ("sun", "rain", "snow", "end"), 30, "float64"
    end: int | None = 3  # this token ends a text
    points = (Point("embedding", None), Point("mlp", 0))  # where the lens looks: before and after the only layer
    unembedding = np.eye(4)

    def __init__(self) -> None:
        self.today = np.array([[2.0, 0.5, -1.0, 0.0], [0.5, 1.5, 0.5, 0.0], [-0.5, 0.5, 2.0, 0.5], [0.0, 0.0, 0.0, 0.0]])
        self.yesterday = 0.4 * self.today.T
        self.norm = FinalNorm("rms", np.full(4, 1.5), 1e-6)

    def encode(self, prompt: str | Sequence[int]) -> IntArray:
        """Return numbers of words, or given numbers."""
        if isinstance(prompt, str):
            unknown = next((word for word in prompt.split() if word not in self.tokens), None)
            if unknown is not None:
                raise InputError("the prompt has an unknown word", got=unknown, expected=" or ".join(self.tokens))
            prompt = [self.tokens.index(word) for word in prompt.split()]
        return np.array(prompt, dtype=np.int64)

    def plain(self, numbers: Sequence[int]) -> str:
        """Return words."""
        return " ".join(self.tokens[number] for number in numbers)

    def stream(self, texts: IntArray) -> FloatArray:
        """Return the scores at every token, before and after the layer, shape (2, B, n, 4)."""
        before = np.concatenate([texts[:, :1], texts[:, :-1]], axis=1)
        return np.stack([self.today[texts], self.today[texts] + self.yesterday[before]])

    def logits(self, pairs: IntArray) -> FloatArray:
        """Return ``norm(x) W_U^T``, shape (B, 4)."""
        return self.norm(self.stream(pairs)[-1][:, -1]) @ self.unembedding.T

    def begin(self, prompt: IntArray) -> tuple[FloatArray, Past]:
        """Return the logits after a prompt, and what is kept of it."""
        pairs = np.array([[prompt[max(0, len(prompt) - 2)], prompt[-1]]])
        return self.logits(pairs), LastTwo(pairs)

    def proceed(self, past: Past, rows: IntArray, tokens: IntArray) -> tuple[FloatArray, Past]:
        """Return the logits after longer texts: row i continues text ``rows[i]`` by ``tokens[i]``."""
        assert isinstance(past, LastTwo)
        pairs = np.stack([past.pairs[rows, 1], tokens], axis=1)
        return self.logits(pairs), LastTwo(pairs)

    def law(self, texts: IntArray) -> FloatArray:
        """Return the law of the next token, from the whole texts."""
        sizes = np.exp(self.norm(self.stream(texts)[-1][:, -1]) @ self.unembedding.T)
        return np.asarray(sizes / sizes.sum(axis=1, keepdims=True))

    def content(self) -> dict[str, Any]:
        """Return what identifies the weights."""
        return {"weights": self.fingerprint()}

    def fingerprint(self) -> str:
        """Return the SHA-256 of the weights."""
        return hashlib.sha256(self.today.tobytes() + self.yesterday.tobytes() + self.norm.gain.tobytes()).hexdigest()


def weather() -> Weather:
    """Return the decoder; stinespring calls this when examples/own_decoder.py:weather is named."""
    return Weather()


def main() -> bool:
    """Compile two days, sample them, and hold the samples to the decoder's law."""
    model = LanguageModel(weather(), top_p=0.95)
    program = stinespring.compile(model, prompt="sun rain", steps=2)
    samples = stinespring.run(program, shots=20_000, seed=1)
    verdict = stinespring.check(samples)
    for text, probability in sorted(model.joint("sun rain", 2).items(), key=lambda pair: -pair[1])[:5]:
        print(f"{text:<12} {probability:.4f}")
    print(f"{program.cost.qubits} qubits: {verdict.verdict}, p = {verdict.p_value:.3f}")
    return verdict.verdict == "PASS"


if __name__ == "__main__":
    raise SystemExit(0 if main() else 1)
