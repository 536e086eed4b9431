# SPDX-License-Identifier: Apache-2.0
"""Any decoder as a text model: ``P(t|text) = softmax(logits / T)`` over the tokens that are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from stinespring.models.decoders.decoder import Decoder
from stinespring.models.decoders.prefixes import Prefixes
from stinespring.models.texts.attention import softmax
from stinespring.models.texts.base import TextModel
from stinespring.models.texts.joint import SparseLaw
from stinespring.models.texts.truncated import Sampling, kept
from stinespring.readings import FloatArray, IntArray

__all__ = ["LanguageModel"]

COLD = 0.2  # below that logits that differ by 149, as those of decoders may, have a share of 0 in float64


class LanguageModel(TextModel):
    """A decoder's whole stack as one block, with the options of sampling as parts of the law.

    ``softmax(logits / T)``, of which the k likeliest tokens are kept, and of these the fewest likeliest ones that have at least
    the share p together; what is kept is normalised. Ties at a cut go to the lowest token number. A decoder's end of text is
    the stop token.

    Args:
        decoder: the weights.
        top_k: k; None keeps all.
        top_p: p in (0, 1]; None keeps all.
        temperature: T > 0.

    Raises:
        InputError: a wrong top_k, top_p or temperature.
    """

    costly = True

    def __init__(
        self, decoder: Decoder, *, top_k: int | None = None, top_p: float | None = None, temperature: float = 1.0
    ) -> None:
        self.decoder, self.name, self.tokens = decoder, decoder.name, decoder.tokens
        self.longest, self.stop = decoder.longest, decoder.end
        self.top_k, self.top_p, self.temperature = Sampling.of(self.d, top_k, top_p, temperature)
        self._prefixes = Prefixes(decoder, self._law)

    @property
    def branching(self) -> int:
        """The most tokens that can follow a text."""
        return self.top_k

    @property
    def least_branching(self) -> int:
        """The tokens that are kept, but for the end of text; not known with top-p, nor where small shares may be no numbers."""
        unknown = self.top_p is not None or self.temperature < COLD
        return 1 if unknown else max(1, self.top_k - (self.stop is not None))

    def content(self) -> dict[str, Any]:
        """Return what identifies the weights, and the options of sampling."""
        options: dict[str, Any] = {"top_k": self.top_k, "temperature": self.temperature}
        if self.top_p is not None:
            options["top_p"] = self.top_p
        return {**self.decoder.content(), "format": self.name, **options}  # by its name it is loaded again

    def encode(self, prompt: str | Sequence[int]) -> IntArray:
        """Return the token numbers of a prompt given as plain text, or as numbers.

        Raises:
            InputError: empty, longer than the decoder's context, or not in its vocabulary.
        """
        numbers = super().encode([int(number) for number in self.decoder.encode(prompt)])
        self.check_length(len(numbers) + 1, "the prompt with a token after it")
        return numbers

    def plain(self, numbers: Sequence[int]) -> str:
        """Return the text as the tokenizer writes it."""
        if min(numbers, default=0) < 0:
            return self.text(numbers)
        return self.decoder.plain([n for n in numbers if n != self.vacuum])

    def law(self, step: int, texts: IntArray) -> FloatArray:
        """Return the decoder's next-token law, shape (B, V), in float64; ``step`` does not matter."""
        self.check_length(texts.shape[1], "a text")
        return self._prefixes.laws(np.ascontiguousarray(texts, dtype=np.int64))

    def possible(self, step: int, texts: IntArray) -> SparseLaw:
        """Return what can follow each text; of few tokens that are kept, no law is made of all."""
        done = self.complete(texts)
        if done.any() or (self.top_k == self.d and self.top_p is None):
            return super().possible(step, texts)
        self.check_length(texts.shape[1], "a text")
        return self._prefixes.possible(np.ascontiguousarray(texts, dtype=np.int64))

    def columns(self, step: int, texts: IntArray) -> tuple[FloatArray, IntArray]:
        """Return what can follow each text side by side; of a share of the law as few columns as there are."""
        return super().columns(step, texts) if self.top_p is None else self.possible(step, texts).columns()

    def _law(self, logits: FloatArray) -> FloatArray:
        scaled = logits.astype(np.float64) / self.temperature
        return softmax(kept(scaled, self.top_k, self.top_p))
