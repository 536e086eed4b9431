# SPDX-License-Identifier: Apache-2.0
"""The ``stinespring`` command: one verb a file, imported when it is called."""

from __future__ import annotations

import io
import sys
from importlib import import_module
from typing import Annotated

import typer
from typer.exceptions import TyperException

from stinespring.errors import StinespringError, shorten
from stinespring.version import __version__

VERBS = {
    "law": ("stinespring.cli.law", "law", "Print the exact joint law of the next tokens."),
    "compile": ("stinespring.cli.compile", "compile_", "Compile the next tokens of a model into a quantum program."),
    "run": ("stinespring.cli.run", "run_", "Compile, sample and check: from a model to a verdict."),
    "check": ("stinespring.cli.check", "check_", "Check sampled texts against a model's law."),
    "channel": ("stinespring.cli.channel", "channel_", "Compile any quantum channel into a circuit."),
    "sphere": ("stinespring.cli.sphere", "sphere", "Particles on the sphere: run, analyse, compile, sample."),
    "verify-channel": ("stinespring.cli.verify_channel", "verify_", "Compare a program with the channel it should be."),
}
INTERRUPTED = 130


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


def main() -> None:
    """Run the command line and exit: 0 PASS or done, 1 FAIL, 2 bad input, 3 UNVERIFIED, 4 backend failed, 130 interrupted."""
    arguments = sys.argv[1:]
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    wanted = next((word for word in arguments if not word.startswith("-")), None)
    try:
        status = application(wanted)(args=arguments, standalone_mode=False, prog_name="stinespring")
    except TyperException as error:
        if wanted in VERBS or arguments:
            verb = f" {wanted}" if wanted in VERBS else ""
            sys.stderr.write(f"stinespring: {shorten(error.format_message(), 600)}\n  to do: see 'stinespring{verb} --help'\n")
        else:
            verbs = "\n".join(f"  {name:14} {summary}" for name, (_, _, summary) in VERBS.items())
            sys.stderr.write(f"stinespring: no verb given\n{verbs}\n  to do: see 'stinespring --help'\n")
        status = 2
    except StinespringError as error:
        sys.stderr.write(f"stinespring: {error}\n")
        status = error.exit_status
    except (KeyboardInterrupt, typer.Abort):
        sys.stderr.write("stinespring: interrupted\n")
        status = INTERRUPTED
    sys.exit(status or 0)


if __name__ == "__main__":
    main()
