# SPDX-License-Identifier: Apache-2.0
"""Tokens as a person reads them: a tokenizer of ``transformers``, or plain numbers where a folder has none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stinespring.errors import InputError
from stinespring.models.decoders.decoder import shown
from stinespring.models.texts.base import require_numbers
from stinespring.readings import IntArray

__all__ = ["Spelling", "distinct_names"]

PADDED, MOST_UNNAMED = 8, 0.02  # embeddings are rounded up to a multiple, by at most this share of their rows


def distinct_names(pieces: Sequence[str | None]) -> tuple[str, ...]:
    """Return a name for every piece: visible, not empty, none twice; what has no piece or not one of its own gets its number.

    Example:
        >>> distinct_names(["a", "", "a", None])
        ('a', '<1>', 'a<2>', '<3>')
    """
    names: dict[str, None] = {}
    for number, piece in enumerate(pieces):
        name = shown(piece or "")
        while not name or name in names:
            name += f"<{number}>"
        names[name] = None
    return tuple(names)


class Spelling:
    """How texts become token numbers and back.

    Args:
        tokenizer: of ``transformers``; None names tokens by their numbers.
    """

    def __init__(self, tokenizer: Any = None) -> None:
        self.tokenizer = tokenizer

    def names(self, rows: int, model: str) -> tuple[str, ...]:
        """Return the names of a decoder's tokens.

        Args:
            rows: of the unembedding.
            model: for the message.

        Raises:
            InputError: a tokenizer with more tokens, or with so few that it is another model's.
        """
        if self.tokenizer is None:
            return tuple(str(number) for number in range(rows))
        own, size = self.tokenizer.vocab_size, len(self.tokenizer)  # without and with marks that the library adds
        if own > rows or (size < rows and (rows % PADDED or rows - size > MOST_UNNAMED * rows)):
            raise InputError(
                "the tokenizer does not belong to the weights", got=f"{min(own, size):,} tokens, {rows:,} rows in {model}",
                expected="as many rows as tokens, or a few more", todo="take the tokenizer's files of this model",
            )  # fmt: skip
        pieces = self.tokenizer.convert_ids_to_tokens(list(range(min(size, rows))))
        return distinct_names([*pieces, *[None] * max(0, rows - size)])

    def encode(self, prompt: str | Sequence[int], names: Sequence[str]) -> IntArray:
        """Return the numbers of a text, or of given numbers once they were seen to be tokens.

        Raises:
            InputError: an empty prompt, or a number that is no token.
        """
        if not isinstance(prompt, str):
            numbers = [int(number) for number in prompt]
        elif self.tokenizer is not None:
            numbers = [int(number) for number in self.tokenizer(prompt)["input_ids"]]
        else:
            words = prompt.split()
            unknown = next((word for word in words if not (word.isascii() and word.isdigit())), None)
            if unknown is not None:
                expected = f"numbers from 0 to {len(names) - 1}, or the tokenizer's files beside the weights"
                raise InputError("the folder has no tokenizer, so tokens are numbers", got=unknown, expected=expected)
            numbers = [int(word) for word in words]
        return require_numbers(numbers, len(names))

    def plain(self, numbers: Sequence[int], names: Sequence[str]) -> str:
        """Return token numbers as a text."""
        if self.tokenizer is None:
            return " ".join(names[number] for number in numbers)
        return str(self.tokenizer.decode(list(numbers), clean_up_tokenization_spaces=False))
