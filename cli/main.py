# SPDX-License-Identifier: Apache-2.0
"""The ``stinespring`` command: one verb a file, imported when it is called."""

from __future__ import annotations

import io
import os
import sys
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Annotated, TextIO, cast

import typer
from typer.exceptions import TyperException

from stinespring.cli.failures import INTERRUPTED, UNWRITTEN, Heard, tell, unheard
from stinespring.cli.supervisor import supervised
from stinespring.errors import InputError, shorten
from stinespring.version import __version__

BLAS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")  # read when NumPy is imported
VERBS = {
    "law": ("stinespring.cli.texts.law", "law", "Print the exact joint law of the next tokens."),
    "compile": ("stinespring.cli.runs.compile", "compile_", "Compile a source of any kind into a quantum program."),
    "run": ("stinespring.cli.runs.run", "run_", "Compile, sample and check: from a model to a verdict."),
    "estimate": ("stinespring.cli.runs.estimate", "estimate_", "Tell what a run will cost before it is submitted."),
    "submit": ("stinespring.cli.runs.submit", "submit_", "Submit a run to a backend and keep it in the ledger."),
    "jobs": ("stinespring.cli.runs.jobs", "jobs_", "List the runs in the ledger."),
    "fetch": ("stinespring.cli.runs.fetch", "fetch_", "Fetch and judge what a submitted run measured."),
    "resume": ("stinespring.cli.runs.resume", "resume_", "Send what was never sent of a run, and heal what was."),
    "cancel": ("stinespring.cli.runs.cancel", "cancel_", "Cancel a run at the service."),
    "export": ("stinespring.cli.runs.export", "export_", "Write a run's counts and provenance to a file."),
    "backends": ("stinespring.cli.runs.backends", "backends_", "List where programs can run, or save a calibration."),
    "check": ("stinespring.cli.runs.check", "check_", "Check counts from anywhere against the law of a source."),
    "channel": ("stinespring.cli.channels.channel", "channel_", "Compile any quantum channel into a circuit."),
    "spins": ("stinespring.cli.spins.spins", "spins", "1-bit self-attention: simulate, analyse, compile and check."),
    "sphere": ("stinespring.cli.sphere.sphere", "sphere", "Particles on the sphere: run, analyse, compile, sample."),
    "verify-channel": ("stinespring.cli.channels.verify", "verify_", "Compare a program with the channel it should be."),
    "train": ("stinespring.cli.texts.train", "train_", "Train attention blocks on a text or on a larger model's laws."),
    "lens": ("stinespring.cli.lens.lens", "lens_", "What a decoder would say after each layer; see also the next four."),
    "lens compile": ("stinespring.cli.lens.compile", "compile_", "Compile the layers for a prompt into reflections."),
    "lens run": ("stinespring.cli.lens.run", "run_", "Sample the layers as circuits and check every point."),
    "lens study": ("stinespring.cli.lens.study", "study_", "Compare the operators of many prompts."),
    "lens train": ("stinespring.cli.lens.train", "train_", "Train a bias-only tuned lens."),
}

VERIFY = ("auto", "none", "all")  # the values of --verify


def show_version(value: bool) -> None:
    """Print the version and end."""
    if value:
        sys.stdout.write(f"stinespring {__version__}\n")
        raise typer.Exit


def common(
    version: Annotated[bool, typer.Option("--version", callback=show_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    """Compile transformers into quantum circuits, run them, and check what comes out."""


def application(wanted: str | None) -> typer.Typer:
    """Return the command line with the wanted verb's options; the other verbs are only named."""
    app = typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        help="Compile transformers into quantum circuits, run them, and check what comes out.",
    )

    app.callback()(common)
    for name, (module, function, summary) in VERBS.items():
        found = getattr(import_module(module), function) if name == wanted else None
        if isinstance(found, typer.Typer):  # a verb with verbs of its own
            app.add_typer(found, name=name, help=summary)
        elif found is not None:
            app.command(name, help=summary)(found)
        else:
            app.command(name, help=summary)(lambda: None)
    return app


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
    arguments = spelled(with_bare_options(sys.argv[1:]))
    sys.stdout = sys.stdout or Path(os.devnull).open("w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.stderr = cast("TextIO", sys.stderr if isinstance(sys.stderr, Heard) else Heard(sys.stderr))
    wanted = next((word for word in arguments if not word.startswith("-")), None)
    try:
        require_second_word(arguments)
        status = application(wanted)(args=arguments, standalone_mode=False, prog_name="stinespring")
        sys.stdout.flush()
    except TyperException as error:
        if wanted in VERBS or arguments:
            verb = f" {wanted}" if wanted in VERBS else ""
            sys.stderr.write(f"stinespring: {shorten(error.format_message(), 600)}\n  to do: see 'stinespring{verb} --help'\n")
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
