# SPDX-License-Identifier: Apache-2.0
"""What is said to a wrong word: which verb has that option, which word comes nearest; all from the verbs as registered."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

from typer.exceptions import TyperException
from typer.main import get_command

from stinespring.cli.words.verbs import VERBS, application
from stinespring.errors import shorten

__all__ = ["commands", "explained", "named_verbs"]

MOST_NAMED = 6  # verbs in a message
LONGEST = 600  # characters of what Typer says


@cache
def commands() -> dict[str, Any]:
    """Return every command by its words, as ``sphere run``; all verbs are imported."""
    group: Any = get_command(application(VERBS))
    found: dict[str, Any] = {}
    for name, command in group.commands.items():
        within = getattr(command, "commands", None)
        found |= {name: command} if within is None else {f"{name} {word}": inner for word, inner in within.items()}
    return found


def explained(error: TyperException, verb: str | None) -> str:
    """Return what to say to a command line that cannot be read, without the program's name.

    Args:
        error: what Typer says.
        verb: the first word that is one, if there is any.
    """
    context, option = getattr(error, "ctx", None), getattr(error, "option_name", None)
    words = getattr(context, "command_path", "stinespring").split()[1:] or ([verb] if verb else [])
    lines = [shorten(error.format_message(), LONGEST)]
    if type(error).__name__ == "NoSuchOption" and option is not None:
        lines = list(about_option(str(option), " ".join(words)))
    elif (inner := getattr(getattr(context, "command", None), "commands", None)) is not None:
        lines = list(about_word(error, words, inner))
    return "\n".join([*lines, f"  to do: see '{' '.join(['stinespring', *words])} --help'"])


def about_option(option: str, verb: str) -> Iterator[str]:
    """Yield lines on an option that a verb does not have."""
    known = commands()
    if verb not in known:
        yield f"there is no option {shorten(option)} before the verb"
    else:
        yield f"'{verb}' has no option {shorten(option)}"
    own = dict(options_of(known.get(verb)))
    having = [name for name, command in known.items() if option in dict(options_of(command))]
    near = difflib.get_close_matches(option, own, n=3, cutoff=0.85 if having else 0.7)
    if near:
        yield f"  the nearest it has: {', '.join(near)}"
    if having:
        yield f"  verbs that have it: {named_verbs(having, verb)}"
        return
    word = option.lstrip("-").replace("-", " ")
    said = [name for name, text in own.items() if re.search(rf"\b{re.escape(word)}\b", text)] if len(word) > 2 else []
    for name in sorted(said, key=lambda name: f"{word}=" not in own[name])[:1]:
        yield f"  it may be meant for {name}: {own[name]}"
    others = sorted({name for command in known.values() for name, _ in options_of(command)})
    far = [] if near or said else difflib.get_close_matches(option, others, n=1, cutoff=0.8)
    for name in far:
        having = [verb for verb, command in known.items() if name in dict(options_of(command))]
        yield f"  the nearest of other verbs: {name} of {named_verbs(having, verb)}"


def about_word(error: TyperException, words: Sequence[str], inner: Iterable[str]) -> Iterator[str]:
    """Yield lines on a word that is no verb, or on one that is missing."""
    unknown = re.match(r"No such command '(.*?)'", error.format_message())
    if unknown is None:
        yield f"'{' '.join(words)}' needs one more word" if words else "no verb given"
        yield f"  one of: {', '.join(inner)}"
        return
    word, group = unknown[1], " ".join(words)
    yield f"'{group}' has no verb '{shorten(word)}'" if words else f"there is no verb '{shorten(word)}'"
    near = difflib.get_close_matches(word, list(inner), n=3, cutoff=0.6)
    elsewhere = [name for name in commands() if name.split()[-1] == word]
    if near:
        yield f"  the nearest: {', '.join(near)}"
    if elsewhere:
        yield f"  there is: {named_verbs(elsewhere, group)}"
    elif words:
        yield f"  it has: {', '.join(inner)}"


def named_verbs(verbs: Sequence[str], nearest: str) -> str:
    """Return a few verbs as words: those of the same group first."""
    group = nearest.partition(" ")[0]
    ranked = sorted(verbs, key=lambda verb: verb.partition(" ")[0] != group)
    more = f", and {len(ranked) - MOST_NAMED} more" if len(ranked) > MOST_NAMED else ""
    return ", ".join(ranked[:MOST_NAMED]) + more


def options_of(command: Any) -> Iterator[tuple[str, str]]:
    """Yield every spelling of a command's options with what its help says."""
    for parameter in getattr(command, "params", ()):
        for name in (*parameter.opts, *parameter.secondary_opts):
            if name.startswith("-"):
                yield name, getattr(parameter, "help", None) or ""
