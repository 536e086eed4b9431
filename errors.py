# SPDX-License-Identifier: Apache-2.0
"""The errors a user can meet: each carries what is wrong, what was given, what was expected and what to do."""

from __future__ import annotations

__all__ = ["BackendError", "InputError", "StinespringError", "TooLargeError"]


def shorten(value: object, width: int = 120) -> str:
    """Return ``repr(value)`` cut to ``width`` characters, so that one message stays readable."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= width else text[: width - 1] + "…"


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
