# SPDX-License-Identifier: Apache-2.0
"""Completion in a shell: only the verb that is on the line is imported.

Typer writes the shells' scripts (``--install-completion``, ``--show-completion``) and answers them; the words come in the
environment. Here they are made what the command line reads, before, and what Bash expects, after: Bash takes ``:`` and ``=``
for ends of words, and puts what it gets in place of what follows them.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from io import StringIO

from stinespring.cli.words.verbs import ASKED, VERBS, application

__all__ = ["answer"]

WORDS, PLACE, ARGUMENTS = "COMP_WORDS", "COMP_CWORD", "_TYPER_COMPLETE_ARGS"
JOINED = (":", "=")


def answer() -> None:
    """Print what the shell asks for, and exit."""
    if not os.environ[ASKED].startswith("complete_"):  # for its script
        application(())(args=[], standalone_mode=False, prog_name="stinespring")
    bash = os.environ[ASKED].endswith("_bash")
    words, last = asked(bash)
    pair = " ".join(words[:2])
    given = [pair, *words[2:]] if pair in VERBS else words
    wanted = next((word for word in given if not word.startswith("-")), None)
    if bash:
        os.environ[WORDS], os.environ[PLACE] = shlex.join(["stinespring", *given, last]), str(len(given) + 1)
    else:
        os.environ[ARGUMENTS] = " ".join([shlex.join(["stinespring", *given]), shlex.quote(last) if last else ""])
    before, said = sys.stdout, StringIO()
    sys.stdout = said
    try:
        application({wanted} if wanted else ())(args=[], standalone_mode=False, prog_name="stinespring")
    except SystemExit as end:
        status = end.code
    else:
        status = 1
    finally:
        sys.stdout = before
    lines = said.getvalue().splitlines()
    if bash:
        cut = max(last.rfind(sign) for sign in JOINED) + 1
        lines = [line[cut:] for line in lines]
    sys.stdout.write("\n".join([*lines, ""]))
    sys.stdout.flush()
    raise SystemExit(status)


def asked(bash: bool) -> tuple[list[str], str]:
    """Return the whole words of the line after the program's name, and the one that is being written."""
    if bash:
        pieces, place = os.environ.get(WORDS, "").split("\n"), int(os.environ.get(PLACE, "0"))
        if len(pieces) == 1:
            pieces = pieces[0].split(" ")
        words = rejoined(pieces[: place + 1])
        return words[1:-1], words[-1] if len(words) > 1 else ""
    line = os.environ.get(ARGUMENTS, "")
    words = split(line)
    return (words[1:], "") if line.endswith(" ") or len(words) < 2 else (words[1:-1], words[-1])


def split(line: str) -> list[str]:
    """Return a line's words, also where a quote is still open."""
    for end in ("", '"', "'"):
        try:
            return shlex.split(line + end)
        except ValueError:
            continue
    return line.split()


def rejoined(pieces: Sequence[str]) -> list[str]:
    """Return words as they were typed: Bash cuts them at ``:`` and ``=``.

    Example:
        >>> rejoined(["stinespring", "law", "glassllm", ":", "e"]), rejoined(["x", "--backend", "fake", ":"])
        (['stinespring', 'law', 'glassllm:e'], ['x', '--backend', 'fake:'])
    """
    words: list[str] = []
    join = False
    for piece in pieces:
        if words and (piece in JOINED or (join and piece)):
            words[-1] += piece
        else:
            words.append(piece)
        join = piece in JOINED
    return words
