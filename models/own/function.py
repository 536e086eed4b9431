# SPDX-License-Identifier: Apache-2.0
"""A function of texts as a model: all that somebody has to write is a law."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from stinespring.errors import InputError, shorten
from stinespring.models.decoders.local.spelling import distinct_names
from stinespring.models.own.guard import guarded, require_described
from stinespring.models.texts.attention import softmax
from stinespring.models.texts.base import TextModel, require_numbers
from stinespring.readings import FloatArray, IntArray

__all__ = ["FunctionModel", "FunctionOptions"]

PROBES = 3  # texts whose laws tell functions apart
DIGITS = 9  # of a probability that do


class FunctionOptions(NamedTuple):
    """What a function of texts does not say itself.

    Attributes:
        tokens: the d names, or d: then they are numbers. Pieces with white space, empty or twice are given names.
        logits: the function gives logits; else probabilities.
        stop: the token that ends a text, by number or as it was given in ``tokens``.
        window: the law reads so many last tokens only; None: all.
        longest: the most tokens of a text, prompt included.
        encode: from a prompt to token numbers; by default a prompt holds names separated by white space.
        decode: from token numbers to plain text.
        name: how it is called; by default as the function.
    """

    tokens: Sequence[str] | int
    logits: bool = False
    stop: int | str | None = None
    window: int | None = None
    longest: int | None = None
    encode: Callable[[str], Sequence[int]] | None = None
    decode: Callable[[Sequence[int]], str] | None = None
    name: str | None = None


class FunctionModel(TextModel):
    """A function of texts as a model: ``P(t | text) = f(texts)``, or ``softmax(f(texts))``.

    Args:
        function: from token numbers, shape (B, n), the oldest first, to numbers of shape (B, d). It is the same at every step.
        options: its tokens, and what else it does not say.

    Raises:
        InputError: tokens or a stop token that cannot be used.
    """

    costly = True

    def __init__(self, function: Callable[[IntArray], Any], options: FunctionOptions) -> None:
        self.function, self.options = function, options
        self.name = options.name or str(getattr(function, "__name__", type(function).__name__))
        pieces = options.tokens
        if isinstance(pieces, int | np.integer) and not isinstance(pieces, bool) and pieces > 0:
            self.tokens = tuple(str(number) for number in range(int(pieces)))
        elif isinstance(pieces, Sequence) and not isinstance(pieces, str) and pieces:
            self.tokens = distinct_names(pieces)
        else:
            raise InputError("a function needs its tokens", got=shorten(pieces), expected="their names, or how many there are",
                             todo="stinespring.load(function, tokens=...)")  # fmt: skip
        self.stop = self._number(options.stop)
        self.window, self.longest = options.window, options.longest
        require_described(self)

    def _number(self, stop: int | str | None) -> int | None:
        if not isinstance(stop, str):
            return stop
        pieces = self.tokens if isinstance(self.options.tokens, int) else list(self.options.tokens)
        if stop not in pieces:
            raise InputError("the stop token is no token", got=stop, expected="one of the tokens, or its number")
        return pieces.index(stop)

    @guarded
    def law(self, step: int, texts: IntArray) -> FloatArray:
        """Return the function's law, shape (B, d); looked at as those of other people's classes are."""
        found = self.function(texts)
        return softmax(np.asarray(found, dtype=np.float64)) if self.options.logits else found

    def encode(self, prompt: str | Sequence[int]) -> IntArray:
        """Return the prompt's token numbers, by the tokenizer that was given, if there is one.

        Raises:
            InputError: it fails, or the prompt cannot be used.
        """
        if not isinstance(prompt, str) or self.options.encode is None:
            return super().encode(prompt)
        try:
            numbers = [int(number) for number in self.options.encode(prompt)]
        except Exception as error:  # whatever the user's code raises
            raise InputError("the tokenizer fails", got=f"{type(error).__name__}: {error}", expected="token numbers") from error
        return super().encode(require_numbers(numbers, self.d, self.shortest).tolist())

    def plain(self, numbers: Sequence[int]) -> str:
        """Return a generated text as the tokenizer writes it, if there is one."""
        own = [number for number in numbers if number != self.vacuum]
        return self.text(numbers) if self.options.decode is None or min(own, default=0) < 0 else self.options.decode(own)

    def content(self) -> dict[str, Any]:
        """Return what tells functions apart: names, and the laws after a few texts. No function is made again of it."""
        return dict(self._content)

    @cached_property
    def _content(self) -> dict[str, Any]:
        length = max(self.shortest, 1)
        numbers = [n for n in (0, self.d // 2, self.d - 1)[:PROBES] if n != self.stop]
        texts = np.array([[number] * length for number in dict.fromkeys(numbers)], dtype=np.int64)
        laws = np.round(self.law(1, texts), DIGITS) + 0.0
        tokens = hashlib.sha256(json.dumps(self.tokens).encode()).hexdigest()
        return {
            "format": f"function:{self.name}", "tokens": tokens, "stop": self.stop, "window": self.window,
            "laws": hashlib.sha256(laws.tobytes()).hexdigest(),
        }  # fmt: skip
