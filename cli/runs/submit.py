# SPDX-License-Identifier: Apache-2.0
"""``stinespring submit``: a run is written into the ledger and sent."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from stinespring.backends.registry import opened
from stinespring.cli import options
from stinespring.cli.chosen import say_choices
from stinespring.cli.output import print_estimate, print_json, progress
from stinespring.cli.screen import say
from stinespring.cli.sources import named_source
from stinespring.errors import InputError
from stinespring.ledger.store import Ledger
from stinespring.pipeline.rehearsal import rehearse
from stinespring.pipeline.runs import plan, submit
from stinespring.showing import many

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Once = Annotated[bool, typer.Option("--once", help="Return an earlier run that asked the same, if there is one.")]

DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what would be sent, and let the service check it; nothing that costs is sent.")
]


@options.takes(options.COMPILE)
def submit_(
    model: options.AnySource,
    chosen: dict[str, Any],
    shots: options.Shots = 20_000,
    seed: options.Seed = None,
    backend: options.BackendOption = "aer",
    mitigation: options.MitigationOption = "none",
    detect: options.Detect = False,
    yes: Yes = False,
    once: Once = False,
    dry_run: DryRun = False,
    json: options.Json = False,
) -> None:
    """Submit a run to a backend and keep it in the ledger."""
    if not yes and not dry_run and not sys.stdin.isatty():
        raise InputError(
            "submitting needs a yes, and there is no terminal to ask on", expected="--yes", todo="add --yes; nothing was sent"
        )
    named = named_source(model, chosen)
    ledger = None if dry_run else Ledger()
    if ledger is not None:
        ledger.require_writable()
    with opened(backend) as ready:
        with progress("compiling") as report:
            planned = plan(
                named.source, named.given, backend=ready, asked_of=backend, shots=shots, seed=seed, settings=named.settings,
                mitigation=mitigation, detect=detect, simulate=not yes and not dry_run, title=named.title, report=report,
            )  # fmt: skip
        if ledger is None:
            with progress("dry run") as report:
                told = rehearse(planned, report)
            return say_dry_run(told, json)
        say_choices(planned.program)
        if not yes:
            print_estimate(planned, to=sys.stderr)
            if not typer.confirm("Submit?", err=True):
                raise InputError("not submitted: the answer was no", todo="nothing was sent")
        with progress("submitting") as report:
            run = submit(ledger, planned, once=once, report=report)
    jobs = len(ledger.jobs(run.id))
    if once and run.state == "created" and ready.keeps_jobs:
        sys.stderr.write(f"run {run.id} asked the same and was never sent; 'stinespring resume {run.id}' sends it\n")
    if json:
        print_json({"id": run.id, "state": run.state, "jobs": jobs, "backend": run.backend, "estimate": dict(run.estimate)})
    else:
        say(f"run {run.id} on {run.backend}: {run.state}, {many(jobs, 'job')}")
        say(f"see 'stinespring fetch {run.id} --wait'")


def say_dry_run(found: dict[str, Any], json: bool) -> None:
    """Print what a dry run found."""
    if json:
        return print_json(found)
    say(f"dry run on {found['backend']}: {many(len(found['would_send']), 'job')} would be sent; nothing was")
    for number, job in enumerate(found["would_send"], 1):
        for circuit in job["circuits"]:
            words = ", ".join(f"{count} {name}" for name, count in circuit["instructions"].items())
            say(f"job {number}: {circuit['rows']} row(s) of {job['shots']} shots, {words}")
    for number, told in enumerate(found["service"] or (), 1):
        state = f"the service's mock says {told['state']}" if told["sent"] else f"no dry run: {told['reason']}"
        took = [part["circuit_duration_s"] for part in told.get("executed", ()) if "circuit_duration_s" in part]
        say(f"job {number}: {state}{f', {max(took):.3g} s a shot' if took else ''}")
    return None
