# SPDX-License-Identifier: Apache-2.0
"""The ``stinespring`` command: one verb a file, imported when it is called."""

from __future__ import annotations

import io
import os
import sys
from itertools import pairwise
from pathlib import Path
from typing import TextIO, cast

import typer
from typer.exceptions import TyperException

from stinespring.cli.failures import INTERRUPTED, UNWRITTEN, Heard, tell, unheard
from stinespring.cli.supervisor import supervised
from stinespring.cli.words.verbs import VERBS, application
from stinespring.errors import InputError

BLAS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")  # read when NumPy is imported
VERIFY = ("auto", "none", "all")  # the values of --verify


def with_bare_options(arguments: list[str]) -> list[str]:
    """Return the arguments with ``--wait`` and ``--verify`` given a value where they have none.

    ``--wait`` means for as long as it takes, ``--verify`` what takes about a second.

    Example:
        >>> with_bare_options(["fetch", "--wait", "--json", "--wait", "5"])
        ['fetch', '--wait=forever', '--json', '--wait', '5']
    """
    pairs = pairwise([*arguments, ""])
    bare = ["--wait=forever" if word == "--wait" and not is_number(after) else word for word, after in pairs]
    return ["--verify=auto" if word == "--verify" and after not in VERIFY else word for word, after in pairwise([*bare, ""])]


def asked_for_help(arguments: list[str]) -> list[str]:
    """Return the arguments with ``help VERB`` as ``VERB --help``.

    Example:
        >>> asked_for_help(["help", "lens", "run"]), asked_for_help(["run", "help"])
        (['lens', 'run', '--help'], ['run', 'help'])
    """
    return [*arguments[1:], "--help"] if arguments[:1] == ["help"] else arguments


def is_number(word: str) -> bool:
    """Return whether a word reads as a number, also one that is out of range."""
    try:
        float(word)
    except ValueError:
        return False
    return True


def spelled(arguments: list[str]) -> list[str]:
    """Return the arguments with a verb of two words as one: ``lens compile`` is a verb, and so is ``lens``.

    Example:
        >>> spelled(["lens", "compile", "glassllm:en"]), spelled(["lens", "glassllm:en"])
        (['lens compile', 'glassllm:en'], ['lens', 'glassllm:en'])
    """
    pair = " ".join(arguments[:2])
    return [pair, *arguments[2:]] if pair in VERBS else arguments


def require_second_word(arguments: list[str]) -> None:
    """Refuse the first word alone of verbs that all have two; with ``--help`` list them and end."""
    first = arguments[0] if arguments else ""
    lines = [f"  {name:14} {summary}" for name, (_, _, summary) in VERBS.items() if name.startswith(f"{first} ")]
    if first in VERBS or not lines:
        return
    if "--help" in arguments:
        sys.stdout.write("\n".join([f"Verbs of stinespring {first}:", *lines, ""]))
        raise SystemExit(0)
    raise InputError(f"'{first}' needs one more word", expected="\n".join(["one of", *lines]))


def gone(error: SystemExit) -> int:
    """Return the exit status where nobody reads what is printed, and say no more than the verdict that was found."""
    for note in getattr(error.__context__, "__notes__", ()):
        sys.stderr.write(f"stinespring: {note}\n")
    unheard()
    return UNWRITTEN


def main() -> None:
    """Run the command line in a process that can always be interrupted, and exit: see :func:`command`."""
    supervised(command)


def command() -> None:
    """Run the command line in this process and exit; :mod:`stinespring.cli.failures` says with which status."""
    for variable in BLAS:  # two threads of BLAS on small matrices take up to twenty times the processor time of one
        os.environ.setdefault(variable, "1")
    arguments = spelled(with_bare_options(asked_for_help(sys.argv[1:])))
    sys.stdout = sys.stdout or Path(os.devnull).open("w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.stderr = cast("TextIO", sys.stderr if isinstance(sys.stderr, Heard) else Heard(sys.stderr))
    wanted = next((word for word in arguments if not word.startswith("-")), None)
    try:
        require_second_word(arguments)
        status = application({wanted} if wanted else ())(args=arguments, standalone_mode=False, prog_name="stinespring")
        sys.stdout.flush()
    except TyperException as error:
        if wanted in VERBS or arguments:
            from stinespring.cli.words.mistakes import explained

            sys.stderr.write(f"stinespring: {explained(error, wanted if wanted in VERBS else None)}\n")
        else:
            verbs = "\n".join(f"  {name:14} {summary}" for name, (_, _, summary) in VERBS.items())
            sys.stderr.write(f"stinespring: no verb given\n{verbs}\n  to do: see 'stinespring --help'\n")
        status = 2
    except (KeyboardInterrupt, typer.Abort):
        status = INTERRUPTED
    except SystemExit as error:  # Typer's, with 1, where nobody reads on
        status = error.code if error.code in (0, None) else gone(error)
    except Exception as error:  # noqa: BLE001 -- the last resort: 1 means FAIL and nothing else
        status = tell(error)
    sys.exit(status or 0)


if __name__ == "__main__":
    main()
