# SPDX-License-Identifier: Apache-2.0
"""A user's decoder, held to what it has to give: its errors are those of the input, and no NaN or wrong shape goes further."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from stinespring.errors import InputError, StinespringError, shorten
from stinespring.models.decoders.decoder import Decoder, Past, decoder_lines
from stinespring.readings import FloatArray, IntArray
from stinespring.showing import Brief, FourLines

__all__ = ["Guarded", "said"]

CLOSE = {"float64": 1e-6, "float32": 1e-3}  # between a law of begin and that of the whole text, by rounding
TODO = "correct the decoder: see docs/models.md and examples/own_decoder.py"


def said(error: BaseException) -> str:
    """Return an error of a user's code as one line."""
    return shorten(f"{type(error).__name__}: {' '.join(str(error).split())}", 300)


class Guarded(Brief):
    """A decoder whose answers are looked at; everything else of it is passed through.

    Args:
        inner: the user's decoder.
        name: how the user named it.

    Raises:
        InputError: tokens, end, longest or rounding that cannot be used.
    """

    def __init__(self, inner: Decoder, name: str) -> None:
        self.inner, self.name = inner, name
        tokens, end, longest = inner.tokens, inner.end, inner.longest
        words = isinstance(tokens, tuple) and all(isinstance(t, str) and t and not any(map(str.isspace, t)) for t in tokens)
        if not words or not tokens or len(set(tokens)) != len(tokens):
            raise self._refused("tokens", tokens, "a tuple of distinct names without white space")
        if end is not None and not (_whole(end) and 0 <= end < len(tokens)):
            raise self._refused("end", end, f"None, or a number from 0 to {len(tokens) - 1}")
        if not _whole(longest) or longest < 1:
            raise self._refused("longest", longest, "a whole number of at least 1")
        if inner.rounding not in CLOSE:
            raise self._refused("rounding", inner.rounding, " or ".join(CLOSE))
        self.compared = False

    def __getattr__(self, attribute: str) -> Any:
        """Return what is not looked at."""
        if attribute == "inner" or attribute.startswith("__"):  # not there yet, as while it is copied
            raise AttributeError(attribute)
        return getattr(self.inner, attribute)

    def encode(self, prompt: str | Sequence[int]) -> IntArray:
        """Return the numbers of a prompt's tokens, as the decoder does.

        Raises:
            InputError: the decoder fails, or gives no whole numbers.
        """
        numbers = self._asked("encode", lambda: np.asarray(self.inner.encode(prompt)))
        if numbers.ndim != 1 or (numbers.size and not np.issubdtype(numbers.dtype, np.integer)):
            raise self._refused("encode", f"{numbers.dtype} of shape {numbers.shape}", "whole numbers, shape (n,)")
        return np.asarray(numbers, dtype=np.int64)

    def content(self) -> dict[str, Any]:
        """Return what identifies the weights, as the decoder does, where it can be written as JSON.

        Raises:
            InputError: it is no mapping of names to what JSON holds.
        """
        content: dict[str, Any] = self._asked("content", lambda: dict(self.inner.content()))
        self._asked("content", lambda: json.dumps(content, allow_nan=False))
        return content

    def plain(self, numbers: Sequence[int]) -> str:
        """Return tokens as plain text, as the decoder does."""
        text: str = self._asked("plain", lambda: self.inner.plain(numbers))
        if not isinstance(text, str):
            raise self._refused("plain", type(text).__name__, "a string")
        return text

    def begin(self, prompt: IntArray) -> tuple[FloatArray, Past]:
        """Return the logits after a prompt, and what is kept of it; the first ones are held against ``law``.

        Raises:
            InputError: the decoder fails, its logits cannot be used, or they are not those of its law.
        """
        logits, past = self._logits("begin", lambda: self.inner.begin(prompt), 1)
        if not self.compared:
            sizes = np.exp(logits.astype(np.float64) - np.max(logits))
            other = self.law(prompt[None])
            gap = float(np.max(np.abs(sizes / sizes.sum() - other)))
            if not gap <= CLOSE[self.inner.rounding]:
                raise self._refused("begin", f"a law that differs by {gap:.1g}", "the law that law has of the same text")
            self.compared = True
        return logits, past

    def proceed(self, past: Past, rows: IntArray, tokens: IntArray) -> tuple[FloatArray, Past]:
        """Return the logits after one more token of each text, and what is kept of them.

        Raises:
            InputError: the decoder fails, or its logits cannot be used.
        """
        return self._logits("proceed", lambda: self.inner.proceed(past, rows, tokens), len(rows))

    def law(self, texts: IntArray) -> FloatArray:
        """Return the laws after whole texts, shape (B, V).

        Raises:
            InputError: the decoder fails, or gives no laws.
        """
        law = self._numbers("law", self._asked("law", lambda: np.asarray(self.inner.law(texts))), len(texts))
        if not np.all(np.isfinite(law)) or law.min() < 0 or np.max(np.abs(law.sum(axis=1) - 1)) > 1e-3:
            raise self._refused("law", "numbers that are no law", "rows of probabilities that add up to 1")
        return law

    def stream(self, texts: IntArray) -> FloatArray:
        """Return the residual stream, as the decoder does, where it is finite."""
        stream: FloatArray = self._asked("stream", lambda: np.asarray(self.inner.stream(texts)))
        if stream.dtype.kind != "f" or stream.ndim != 4 or not np.all(np.isfinite(stream)):
            raise self._refused("stream", f"{stream.dtype} of shape {stream.shape}", "finite numbers, (points, B, n, e)")
        return stream

    def _logits(self, method: str, ask: Callable[[], Any], rows: int) -> tuple[FloatArray, Past]:
        answer = self._asked(method, ask)
        if not isinstance(answer, tuple) or len(answer) != 2:
            raise self._refused(method, type(answer).__name__, "a pair: logits, and what is kept")
        logits = self._numbers(method, np.asarray(answer[0]), rows)
        if np.isnan(logits).any() or not np.all(np.isfinite(logits.max(axis=1))):
            raise self._refused(method, "NaN or infinity", "logits, in every row one that is finite")
        return logits, answer[1]

    def _numbers(self, method: str, array: Any, rows: int) -> FloatArray:
        shape = (rows, len(self.inner.tokens))
        if array.dtype.kind not in "fi" or array.shape != shape:
            raise self._refused(method, f"{array.dtype} of shape {array.shape}", f"real numbers of shape {shape}")
        numbers: FloatArray = array
        return numbers

    def _asked(self, method: str, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except (StinespringError, KeyboardInterrupt, MemoryError):
            raise
        except BaseException as error:  # whatever the user's code raises, SystemExit too
            raise self._refused(method, said(error), "an answer") from error

    def _refused(self, place: str, got: object, expected: str) -> InputError:
        return InputError(f"the decoder's {place} cannot be used", got=f"{self.name}: {shorten(got)}", expected=expected,
                          todo=TODO)  # fmt: skip

    def brief(self) -> FourLines:
        """Return its tokens, its context and its precision."""
        return decoder_lines(self)


def _whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)
