# SPDX-License-Identifier: Apache-2.0
"""The errors a user can meet: each carries what is wrong, what was given, what was expected and what to do."""

from __future__ import annotations

__all__ = ["BackendError", "DefectError", "InputError", "StinespringError", "TooLargeError"]


def shorten(value: object, width: int = 120) -> str:
    """Return ``repr(value)`` cut to ``width`` characters, so that one message stays readable.

    No more of a list or a mapping is spelt out than is shown, however long or deep it is.

    Example:
        >>> shorten([0] * 10**7, 12), shorten({"a": [1, 2]})
        ('[0, 0, 0, 0…', "{'a': [1, 2]}")
    """
    text = value if isinstance(value, str) else spelt(value, width)
    return text if len(text) <= width else text[: width - 1] + "…"


def spelt(value: object, width: int) -> str:
    """Return ``repr(value)``, or a text longer than ``width`` that begins like it."""
    if isinstance(value, str):
        return repr(value[: width + 1])
    if getattr(value, "shape", None) == ():  # one of NumPy's numbers
        return repr(value.item())  # type: ignore[attr-defined]
    if not isinstance(value, list | tuple | dict) or not value:
        return repr(value)
    brackets = {list: "[]", dict: "{}"}.get(type(value), "()")
    parts, room = [], width  # every level of depth takes a character, so that this ends
    for entry in value.items() if isinstance(value, dict) else value:
        if room < 0:
            break
        pair = entry if isinstance(value, dict) else (entry,)
        parts.append(": ".join(spelt(part, room - 1) if room > 0 else "…" for part in pair))
        room -= len(parts[-1]) + 2
    comma = "," if isinstance(value, tuple) and len(value) == 1 else ""
    return brackets[0] + ", ".join(parts) + comma + brackets[1]


class StinespringError(Exception):
    """Base of all errors that a user can mend; a defect of stinespring itself is never one of these.

    Args:
        what: one sentence naming what is wrong.
        got: what was given.
        expected: what would have been right.
        todo: what to do next.

    Example:
        >>> print(InputError("the prompt is empty", got="''", expected="at least one token", todo="give --prompt"))
        the prompt is empty
          got: ''
          expected: at least one token
          to do: give --prompt
    """

    exit_status = 2

    def __init__(self, what: str, *, got: object = None, expected: object = None, todo: str | None = None) -> None:
        self.what, self.got, self.expected, self.todo = what, got, expected, todo
        lines = [what]
        for label, value in (("got", got), ("expected", expected), ("to do", todo)):
            if value is not None:
                lines.append(f"  {label}: {shorten(value, 300)}")
        super().__init__("\n".join(lines))


class InputError(StinespringError, ValueError):
    """A file, an option or an argument that cannot be used as it is."""


class TooLargeError(InputError):
    """A problem that does not fit; the message names the size that would."""


class BackendError(StinespringError, RuntimeError):
    """A backend that did not deliver what it was asked for."""

    exit_status = 4


class DefectError(Exception):
    """Two parts of stinespring disagree that must not: no user can mend that, so the command line ends with exit status 70."""
