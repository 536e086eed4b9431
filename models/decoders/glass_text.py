# SPDX-License-Identifier: Apache-2.0
"""A real decoder as one block: the trained weights of the PyPI package ``glassllm`` (extra ``[demo]``)."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata, resources
from typing import Any

import numpy as np

from stinespring.errors import InputError
from stinespring.models.texts.attention import softmax
from stinespring.models.texts.base import TextModel
from stinespring.models.texts.joint import require_count
from stinespring.reading import positive_number
from stinespring.readings import FloatArray, IntArray

__all__ = ["GlassModel"]

LANGUAGES = ("en", "pt")
MOST_LOGITS = 1 << 22  # logits of one batch: 32 MB in float64
MOST_KNOWN = 1 << 14  # laws kept: 128 MB


class GlassModel(TextModel):
    """glassllm's whole stack as one block: ``P(t|text) = softmax(logits / T)`` over the k most likely tokens.

    The weights are evaluated in float64. Once a text outgrows the decoder's context, its last ``max_len`` tokens decide,
    as in glassllm's own generation. Ties at the cut go to the lowest token number.

    Args:
        language: "en" or "pt".
        top_k: keep this many tokens and renormalise; None keeps all 1024.
        temperature: T > 0.

    Raises:
        InputError: glassllm is not installed, an unknown language, a wrong top_k or temperature.
    """

    def __init__(self, language: str, *, top_k: int | None = None, temperature: float = 1.0) -> None:
        if language not in LANGUAGES:
            raise InputError("unknown glassllm language", got=language, expected="glassllm:en or glassllm:pt")
        self.name = f"glassllm:{language}"
        self.temperature = positive_number(temperature, "temperature")
        self.decoder, self.tokenizer = _load(language)
        self._known: dict[bytes, FloatArray] = {}  # compiling, running and checking ask for the same prefixes
        self.tokens = tuple(_visible(piece) for piece in self.tokenizer.vocab)
        self.top_k = self.d if top_k is None else min(require_count(top_k, "top-k"), self.d)

    @property
    def branching(self) -> int:
        """The most tokens that can follow a text."""
        return self.top_k

    def content(self) -> dict[str, Any]:
        """Return the package's version, the language and the sampling options."""
        return {
            "format": self.name,
            "version": metadata.version("glassllm"),
            "top_k": self.top_k,
            "temperature": self.temperature,
        }

    def encode(self, prompt: str | Sequence[int]) -> IntArray:
        """Return the token numbers of a prompt given as plain text, or as numbers.

        Raises:
            InputError: empty, or with characters that the tokenizer does not know.
        """
        if not isinstance(prompt, str):
            return super().encode(prompt)
        numbers = self.tokenizer.encode(prompt)
        if self.tokenizer.unk_id in numbers:
            unknown = next(c for c in prompt if self.tokenizer.unk_id in self.tokenizer.encode(c))
            raise InputError(
                "the prompt has a character that the tokenizer does not know",
                got=unknown,
                expected="the language's letters",
            )
        return super().encode(numbers)

    def plain(self, numbers: Sequence[int]) -> str:
        """Return the text as the tokenizer writes it."""
        if min(numbers, default=0) < 0:
            return self.text(numbers)
        return str(self.tokenizer.decode([n for n in numbers if n != self.vacuum]))

    def law(self, step: int, texts: IntArray) -> FloatArray:
        """Return the decoder's next-token law, shape (B, 1024), in float64; ``step`` does not matter."""
        texts = np.ascontiguousarray(np.asarray(texts, dtype=np.int64)[:, -self.decoder.cfg.max_len :])
        keys = [text.tobytes() for text in texts]
        missing = [i for i, key in enumerate(keys) if key not in self._known]
        if len(self._known) + len(missing) > MOST_KNOWN:
            self._known.clear()
            missing = list(range(len(keys)))
        result = np.empty((len(texts), self.d))
        rows = max(1, MOST_LOGITS // (texts.shape[1] * self.d))
        for i in range(0, len(missing), rows):
            chunk = missing[i : i + rows]
            result[chunk] = self._law(texts[chunk])
        fresh = set(missing)
        for i, key in enumerate(keys):
            if i not in fresh:
                result[i] = self._known[key]
            elif len(self._known) < MOST_KNOWN:
                self._known[key] = result[i].copy()
        return result

    def _law(self, texts: IntArray) -> FloatArray:
        from glassllm import no_grad

        with no_grad():
            logits = self.decoder(texts).data[:, -1].astype(np.float64) / self.temperature
        if self.top_k < self.d:
            dropped = np.argsort(-logits, axis=1, kind="stable")[:, self.top_k :]
            np.put_along_axis(logits, dropped, -np.inf, axis=1)
        return softmax(logits)


def _load(language: str) -> tuple[Any, Any]:
    try:
        from glassllm import GlassLM, Tokenizer
    except ImportError:
        raise InputError(
            "glassllm is not installed",
            got=f"glassllm:{language}",
            expected="the PyPI package glassllm==0.1.0",
            todo="pip install 'stinespring[demo]'",
        ) from None
    folder = resources.files("glassllm") / "weights"
    with (
        resources.as_file(folder / f"{language}.npz") as weights,
        resources.as_file(folder / f"{language}.tokenizer.json") as tokenizer,
    ):
        return GlassLM.load(weights, dtype=np.float64), Tokenizer.load(tokenizer)


def _visible(piece: str) -> str:
    """Return a tokenizer's piece as a token name: white space is written as an escape."""
    return "".join(repr(c)[1:-1] if c in "\n\t\r" else f"\\u{ord(c):04x}" if c.isspace() else c for c in piece)
