# SPDX-License-Identifier: Apache-2.0
"""The command line's reference, made of the command line itself: every verb, every argument, every option."""

from __future__ import annotations

import re
from typing import Any

from typer.main import get_command

from stinespring.cli.words.verbs import VERBS, application

INTRODUCTION = """# The command line

Generated from the command itself: what `stinespring VERB --help` prints. Data goes to stdout (`--json`: one object),
messages to stderr.

| exit status | meaning |
|---|---|
| 0 | done, or PASS |
| 1 | FAIL |
| 2 | bad input |
| 3 | UNVERIFIED: too few shots to tell |
| 4 | the backend failed |
| 70 | a defect of stinespring |
| 74 | output that cannot be written |
| 130 | interrupted |

"""


def page() -> str:
    """Return the page."""
    verbs = every_verb()
    lines = [INTRODUCTION, "| verb | what it does |", "|---|---|"]
    lines += [f"| [{name}](#{anchor(name)}) | {escaped(command.help or '')} |" for name, command in verbs.items()]
    for name, command in verbs.items():
        lines += ["", *section(name, command)]
    return "\n".join(lines) + "\n"


def every_verb() -> dict[str, Any]:
    """Return the commands by what is typed: ``run``, ``lens run``, ``spins step``."""
    found: dict[str, Any] = {}
    for name in VERBS:
        command = get_command(application(name)).commands[name]
        if hasattr(command, "commands"):
            found |= {f"{name} {inner}": value for inner, value in command.commands.items()}
        else:
            found[name] = command
    return found


def section(name: str, command: Any) -> list[str]:
    """Return a verb's part of the page."""
    context = command.context_class(command, info_name=f"stinespring {name}")
    records = [(parameter, *parameter.get_help_record(context)) for parameter in command.params if recorded(parameter, context)]
    usage = command.get_usage(context).removeprefix("Usage: ")
    lines = [f"## {name}", "", command.help or "", "", "```text", re.sub(r"\s+", " ", usage), "```"]
    for title, kind in (("Arguments", "argument"), ("Options", "option")):
        rows = [f"- **`{words}`**: {escaped(text)}" for parameter, words, text in records if parameter.param_type_name == kind]
        if rows:
            lines += ["", f"{title}:", "", *rows]
    return lines


def recorded(parameter: Any, context: Any) -> bool:
    """Return whether the help says anything of a parameter."""
    return parameter.get_help_record(context) is not None


def escaped(text: str) -> str:
    """Return a line of help as Markdown that reads the same."""
    return re.sub(r"([*_<>|\[\]])", r"\\\1", re.sub(r"\s+", " ", text))


def anchor(name: str) -> str:
    """Return the anchor of a verb's heading."""
    return name.replace(" ", "-")
