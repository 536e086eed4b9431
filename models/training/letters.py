# SPDX-License-Identifier: Apache-2.0
"""What is trained on where a text is given: its characters, and which of them are held out."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from stinespring.errors import InputError
from stinespring.models.training.windows import Corpus, Windows, counted
from stinespring.reading import read_bytes

__all__ = ["OTHER", "SPACE", "letters_of", "of_text", "read_text"]

MOST_TEXT = 1 << 22  # bytes of a text
SPACE, OTHER = "▁", "·"  # how white space is written, and a character that is not among the tokens
STRETCHES = 40  # the text is cut into so many, each of which is trained on, chooses or is held out
CHOOSE, HELD_OUT = 4, 6  # of the 40
LEAST = 400  # characters: each stretch is longer than the longest context


def read_text(path: str | Path) -> str:
    """Return a text file with every run of white space as one blank.

    Raises:
        InputError: no such file, not UTF-8, binary, or too short to hold parts out.
    """
    expected = "a text file of a few kB"
    content = read_bytes(path, kind="text", expected=expected, most=MOST_TEXT)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError("the text cannot be read", got=f"{path}: {error}", expected="a UTF-8 text file") from None
    text = " ".join(text.split())
    if (strange := next((c for c in text if not c.isprintable()), None)) is not None:
        raise InputError("the text is binary", got=f"{path}: {strange!r}", expected="printable characters")
    if len(text) < LEAST:
        raise InputError(
            "the text is too short to train on", got=f"{path}: {len(text)} characters", expected=f"at least {LEAST}"
        )
    return text


def letters_of(text: str, tokens: int) -> tuple[str, tuple[str, ...], str]:
    """Return the text in the letters of ``tokens`` tokens, the tokens, and what was done in words.

    If there are more characters than tokens, capitals become small; if there are still more, the rarest become one token ``·``.

    Example:
        >>> letters_of("Abba a cab", 3)
        ('abba·a··ab', ('a', 'b', '·'), 'capitals small, 2 characters as ·')
    """
    done = []
    if len(set(text)) > tokens and text != text.lower():
        text = text.lower()
        done.append("capitals small")
    text = text.replace(OTHER, " ").replace(" ", SPACE)
    ranked = sorted(Counter(text).items(), key=lambda item: (-item[1], item[0]))
    kept = [character for character, _ in ranked]
    if len(kept) > tokens:
        kept = [*kept[: tokens - 1], OTHER]
        gone = {ord(character): OTHER for character, _ in ranked[tokens - 1 :]}
        text = text.translate(gone)
        done.append(f"{len(gone)} characters as {OTHER}")
    return text, tuple(sorted(kept)), ", ".join(done) or "as it is"


def of_text(path: str | Path, *, tokens: int, context: int, seed: int) -> Corpus:
    """Return the windows of a text: every character after the ``context`` characters before it.

    The text is cut into 40 stretches; the characters of 30 are trained on, 4 decide when to stop and how n-grams are smoothed,
    and 6 are held out, at random. A context may reach back into the stretch before.

    Args:
        path: of the text.
        tokens: at most so many characters.
        context: n.
        seed: of the choice of stretches.

    Raises:
        InputError: a text that cannot be read or is too short.
    """
    text, names, done = letters_of(read_text(path), tokens)
    lookup = {name: number for number, name in enumerate(names)}
    numbers = np.array([lookup[character] for character in text], dtype=np.int64)
    parts = np.zeros(STRETCHES, dtype=np.int64)
    order = np.random.default_rng([seed, 2]).permutation(STRETCHES)
    parts[order[:CHOOSE]], parts[order[CHOOSE : CHOOSE + HELD_OUT]] = 1, 2
    places = np.arange(context, len(numbers))
    part = parts[places * STRETCHES // len(numbers)]

    def windows(which: int, length: int) -> Windows:
        chosen = places[part == which]
        return counted(numbers[chosen[:, None] + np.arange(-length, 0)], numbers[chosen], len(names))

    short = tuple(windows(0, length) for length in range(1, context))
    source = f"{Path(path).name}, {len(text):,} characters ({done})"
    return Corpus(names, None, windows(0, context), short, windows(1, context), windows(2, context), source)
