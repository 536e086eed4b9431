# SPDX-License-Identifier: Apache-2.0
"""The verbs, and the command line made of them: one file a verb, imported when it is called."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from stinespring.version import __version__

__all__ = ["ASKED", "VERBS", "application"]

ASKED = "_STINESPRING_COMPLETE"  # what a shell sets when it asks for completions: it takes each word of a verb by itself

FIRST = ("Arguments", "Options")  # parts of a help
MANY_PARTS = 5  # fewer are one list of options

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


class LightFlags:
    """A command whose flags, ``--help`` among them, are False where not given: for None Typer imports a validator, 0.07 s."""

    def get_params(self, ctx: Any) -> Any:
        """Return the parameters."""
        found = super().get_params(ctx)  # type: ignore[misc]
        for option in found:
            if getattr(option, "is_flag", False) and option.default is None:
                option.default = False
            if ASKED in os.environ:  # a shell needs no values
                option.process_value = as_written
        return found


def as_written(context: Any, value: Any) -> Any:
    """Return a value without reading it, which takes the validator."""
    return value


class Verb(LightFlags, TyperCommand):
    """A verb; its help has the options of a kind of source by themselves, where the verb takes several kinds."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments and options: first those that every source may have."""
        records: dict[str, list[Any]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                part = FIRST[0] if parameter.param_type_name == "argument" else parameter.rich_help_panel or FIRST[1]
                records.setdefault(part, []).append(record)
        if len(records) < MANY_PARTS:
            super().format_options(ctx, formatter)
            return
        for title in [*FIRST, *(title for title in records if title not in FIRST)]:
            with formatter.section(title):
                formatter.write_dl(records[title])


class Verbs(LightFlags, TyperGroup):
    """All verbs."""


def show_version(value: bool) -> None:
    """Print the version and end."""
    if value:
        sys.stdout.write(f"stinespring {__version__}\n")
        raise typer.Exit


def common(
    version: Annotated[bool, typer.Option("--version", callback=show_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    """Compile transformers into quantum circuits, run them, and check what comes out."""


def application(wanted: Collection[str]) -> typer.Typer:
    """Return the command line with the wanted verbs' options; the other verbs are only named."""
    app = typer.Typer(
        cls=Verbs,
        no_args_is_help=True,
        add_completion=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        help="Compile transformers into quantum circuits, run them, and check what comes out.",
    )

    app.callback()(common)
    for name, (module, function, summary) in VERBS.items():
        found = getattr(import_module(module), function) if name in wanted else None
        if isinstance(found, typer.Typer):  # a verb with verbs of its own
            app.add_typer(found, name=name, help=summary)
        elif found is not None:
            app.command(name, cls=Verb, help=summary)(found)
        else:
            app.command(name, cls=Verb, help=summary, hidden=" " in name and ASKED in os.environ)(lambda: None)
    return app
