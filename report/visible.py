# SPDX-License-Identifier: Apache-2.0
"""Tokens and texts as they can be seen in tables and figures: blanks, new lines and tabs have signs of their own."""

from __future__ import annotations

import re

__all__ = ["BLANK", "LINE", "escaped", "legend", "visible", "visible_text"]

BLANK, LINE, TAB, NOTHING = "\N{OPEN BOX}", "\N{DOWNWARDS ARROW WITH CORNER LEFTWARDS}", "\N{RIGHTWARDS ARROW TO BAR}", "∅"
SIGNS = {" ": BLANK, "\n": LINE, "\t": TAB}
MEANING = {LINE: "a new line", BLANK: "a blank", TAB: "a tabulator", NOTHING: "nothing"}
EDGE = re.compile(r"^ +| +$| {2,}|(?<=\n) +| +(?=\n)")  # blanks of a text that could be overlooked


def visible(token: str) -> str:
    r"""Return a token with everything in it visible: ``↵`` for a new line, ``␣`` for a blank, ``⇥`` for a tabulator.

    Other control characters, separators of lines and halves of characters become escapes; an empty token is ``∅``.

    Example:
        >>> visible(" a\n"), visible("\x00"), visible("")
        ('␣a↵', '\\x00', '∅')
    """
    return "".join(SIGNS.get(c) or (c if c.isprintable() else escaped(c)) for c in token) or NOTHING


def visible_text(text: str) -> str:
    r"""Return a text with new lines, tabulators, and those blanks visible that could be overlooked, not single ones.

    Example:
        >>> visible_text(" a b\nc  d")
        '␣a b↵c␣␣d'
    """
    marked = EDGE.sub(lambda found: BLANK * len(found[0]), text)
    return "".join(c if c == " " else visible(c) for c in marked) or NOTHING


def legend(shown: str) -> str:
    """Return what the signs in a text that was made visible mean; nothing if there are none.

    Example:
        >>> legend("␣a↵")
        '↵ is a new line, ␣ a blank'
    """
    found = [(sign, meaning) for sign, meaning in MEANING.items() if sign in shown]
    return ", ".join(f"{sign}{' is' * (number == 0)} {meaning}" for number, (sign, meaning) in enumerate(found))


def escaped(character: str) -> str:
    """Return a character as an escape, in ASCII."""
    return character.encode("ascii", errors="backslashreplace").decode() if ord(character) > 0x7F else ascii(character)[1:-1]
