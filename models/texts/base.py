# SPDX-License-Identifier: Apache-2.0
"""What the compiler and the checks ask of a model of texts."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stinespring.errors import InputError
from stinespring.models.own.guard import guarded
from stinespring.models.texts.joint import JointLaw, SparseLaw, joint_law
from stinespring.models.texts.kraus import block_kraus
from stinespring.readings import FloatArray, IntArray
from stinespring.showing import Brief, FourLines, many

__all__ = ["NOTHING", "TextModel", "require_numbers"]

AT_ONCE = 1 << 22  # probabilities of one chunk of texts: 32 MB
NOTHING = "\N{REPLACEMENT CHARACTER}"


class TextModel(Brief, ABC):
    """A sequence of blocks, each of which appends one token to a text at random.

    Tokens are numbered ``0..d-1``. The *vacuum* has the number ``d``: it fills the places after a stop token.

    Attributes:
        name: how the user named the model.
        tokens: the d token names.
        stop: the stop token's number, or None.
        window: the law reads the last ``window`` tokens of the text only; None = all of them.
        shortest: the least number of tokens a text must have.
        longest: the greatest number of tokens a text may have, prompt and generated tokens together, or None.
        costly: whether a law takes so long that none is evaluated before it is needed.

    Outside this package a subclass needs ``name``, ``tokens``, :meth:`law` and :meth:`content`; what its law gives is looked
    at, see :mod:`stinespring.models.own.guard`.
    """

    name: str
    tokens: tuple[str, ...]
    stop: int | None = None
    window: int | None = None
    shortest: int = 1
    longest: int | None = None
    costly: bool = False

    def __init_subclass__(cls, **given: Any) -> None:
        super().__init_subclass__(**given)
        if "law" in vars(cls) and not cls.__module__.startswith("stinespring."):
            cls.law = guarded(cls.law)  # type: ignore[method-assign, assignment]

    @property
    def d(self) -> int:
        """Size of the vocabulary."""
        return len(self.tokens)

    def may_end(self, numbers: Sequence[int]) -> bool:
        """Return whether a generated part may be the whole of it, however many places there were."""
        return self.stop is not None and self.stop in numbers

    @property
    def branching(self) -> int:
        """The most tokens that can follow a text."""
        return self.d

    @property
    def least_branching(self) -> int:
        """The fewest tokens that can follow a text before it ends, as far as that is known without a law."""
        return 1

    @property
    def vacuum(self) -> int:
        """The number that stands for an empty place."""
        return self.d

    @abstractmethod
    def law(self, step: int, texts: IntArray) -> FloatArray:
        """Return ``P(next token | text)`` of generation step ``step``.

        Args:
            step: 1 for the first generated token; steps past the last block use the last block.
            texts: shape (B, n), token numbers, the oldest first, all texts of one length.

        Returns:
            Shape (B, d), rows sum to 1.
        """

    @abstractmethod
    def content(self) -> dict[str, Any]:
        """Return what defines the law, as JSON data: the basis of :meth:`fingerprint`."""

    def fingerprint(self) -> str:
        """Return the SHA-256 of everything that changes the law."""
        return hashlib.sha256(json.dumps(self.content(), sort_keys=True).encode()).hexdigest()

    def encode(self, prompt: str | Sequence[int]) -> IntArray:
        """Return the prompt's token numbers, shape (n,). A string holds token names separated by white space.

        Raises:
            InputError: a name or number outside the vocabulary, or fewer tokens than the model needs.
        """
        numbers: list[int]
        if isinstance(prompt, str):
            lookup = {name: i for i, name in enumerate(self.tokens)}
            unknown = [name for name in prompt.split() if name not in lookup]
            if unknown:
                raise InputError(
                    "the prompt has a token that is not in the vocabulary",
                    got=unknown[0],
                    expected="one of " + " ".join(self.tokens[:20]) + (" …" if self.d > 20 else ""),
                )
            numbers = [lookup[name] for name in prompt.split()]
        else:
            numbers = [int(number) for number in prompt]
        result = require_numbers(numbers, self.d, self.shortest)
        if self.stop is not None and self.stop in numbers:
            raise InputError(
                "the prompt holds the stop token, so nothing would be generated",
                got=prompt,
                expected=f"a prompt without {self.tokens[self.stop]!r}",
            )
        return result

    def check_length(self, length: int, what: str) -> None:
        """Refuse a text of ``length`` tokens if the model cannot continue it."""
        if self.longest is not None and length > self.longest:
            raise InputError(
                f"{what} is longer than the model's positions",
                got=f"{length} tokens",
                expected=f"at most {self.longest}",
                todo="use a shorter prompt or fewer steps",
            )

    def text(self, numbers: Sequence[int]) -> str:
        """Return the key of a generated text: token names joined by one space, the vacuum left out.

        A negative number stands for a code without a meaning, which only noise produces, and is written as U+FFFD.
        """
        return " ".join(self.tokens[n] if n >= 0 else NOTHING for n in numbers if n != self.vacuum)

    def plain(self, numbers: Sequence[int]) -> str:
        """Return a generated text as a person would read it."""
        return self.text(numbers)

    def joint(self, prompt: str | Sequence[int], steps: int) -> JointLaw:
        """Return the exact joint law of the next ``steps`` tokens; see :func:`stinespring.models.texts.joint.joint_law`."""
        return joint_law(self, prompt, steps)

    def kraus(self, block: int, level: int) -> dict[str, FloatArray]:
        """Return explicit Kraus operators of every extension; see :func:`stinespring.models.texts.kraus.block_kraus`."""
        return block_kraus(self, block, level)

    def symbol_law(self, step: int, texts: IntArray) -> FloatArray:
        """Return the law over tokens *and* vacuum: shape (B, d+1).

        A text that holds the stop token or the vacuum is complete: the vacuum follows with certainty.
        """
        result = np.zeros((len(texts), self.d + 1))
        done = self.complete(texts)
        if not done.all():
            result[~done, : self.d] = self.law(step, texts[~done])
        result[done, self.d] = 1.0
        return result

    def possible(self, step: int, texts: IntArray) -> SparseLaw:
        """Return what can follow each text, and how likely it is: :meth:`symbol_law` without its zeros, in bounded memory."""
        size = max(1, AT_ONCE // (self.d + 1))
        chunks = (texts[first : first + size] for first in range(0, len(texts), size))
        return SparseLaw.together([SparseLaw.of(self.symbol_law(step, chunk)) for chunk in chunks])

    def columns(self, step: int, texts: IntArray) -> tuple[FloatArray, IntArray]:
        """Return :meth:`possible` side by side: probabilities and symbols, both (B, K), rising in every row, zeros among them.

        Where every token can follow, that is the law itself: it is not taken apart to be put together again.
        """
        if self.branching < self.d:
            return self.possible(step, texts).columns()
        law = self.symbol_law(step, texts)
        law = law if law[:, self.vacuum].any() else law[:, : self.d]
        return law, np.broadcast_to(np.arange(law.shape[1]), law.shape)

    def complete(self, texts: IntArray) -> NDArray[np.bool_]:
        """Return which texts, shape (B, n), end with a stop token: shape (B,)."""
        if self.stop is None or texts.shape[1] == 0:
            return np.zeros(len(texts), dtype=bool)
        done: NDArray[np.bool_] = ((texts == self.stop) | (texts == self.vacuum)).any(axis=1)
        return done

    def brief(self) -> FourLines:
        """Return its tokens, and what its law reads."""
        some = " ".join(self.tokens[:8]) + (" …" if self.d > 8 else "")
        reads = "the whole text" if self.window is None else f"the last {many(self.window, 'token')}"
        ends = "none" if self.stop is None else repr(self.tokens[self.stop])
        lines = [f"tokens: {self.d:,}: {some}", f"law: reads {reads}; stop token: {ends}"]
        return FourLines(f"{type(self).__name__} {self.name!r}", [*lines, f"longest text: {self.longest or 'no limit'}"])


def require_numbers(numbers: Sequence[int], size: int, shortest: int = 1) -> IntArray:
    """Return a prompt's token numbers, shape (n,).

    Raises:
        InputError: fewer than ``shortest`` of them, or one outside ``0..size-1``.
    """
    if any(not 0 <= number < size for number in numbers):
        raise InputError("the prompt has a token number outside the vocabulary", got=list(numbers), expected=f"0..{size - 1}")
    if len(numbers) < shortest:
        raise InputError(
            "the prompt is empty" if not numbers else "the prompt is too short",
            got=f"{len(numbers)} token(s)",
            expected=f"at least {shortest}",
            todo="give a longer --prompt",
        )
    return np.array(numbers, dtype=np.int64)
