# SPDX-License-Identifier: Apache-2.0
"""``stinespring run``: from a source of any kind to a verdict."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import typer

from stinespring.backends.registry import opened, target_of
from stinespring.checks.statistics.ruling import require_shares
from stinespring.checks.within import wanted_within
from stinespring.cli import options
from stinespring.cli.chosen import say_choices
from stinespring.cli.failures import EXIT, conclude
from stinespring.cli.output import command_line, print_estimate, print_json, progress, say_block
from stinespring.cli.screen import wrote
from stinespring.cli.shown import shown
from stinespring.cli.sources import Named, named_source
from stinespring.ledger.store import Ledger, Run
from stinespring.models.texts.joint import require_count
from stinespring.pipeline.readout.mitigation import require_mode
from stinespring.pipeline.running import require_scoped
from stinespring.pipeline.runs import EVERYTHING, Planned, bring_forward, plan, submit
from stinespring.pipeline.systems import system_of
from stinespring.pipeline.whole import Result, judged, measured

__all__ = ["end", "resumable", "run_", "run_named"]


@options.takes(options.COMPILE)
def run_(
    model: options.AnySource,
    chosen: dict[str, Any],
    shots: options.Shots = 20_000,
    seed: options.Seed = None,
    backend: options.BackendOption = "aer",
    alpha: options.Alpha = 0.001,
    resolution: options.Resolution = 0.05,
    scope: options.Scope = "auto",
    within: options.Within = "auto",
    mitigation: options.MitigationOption = "none",
    detect: options.Detect = False,
    verify: options.Verify = "auto",
    plot: options.Plot = None,
    page: options.Report = None,
    json: options.Json = False,
) -> None:
    """Compile, sample and check: from a source to a verdict."""
    require_count(shots, "shots")
    require_shares(alpha, resolution)
    require_mode(mitigation, detect)
    run_named(
        named_source(model, chosen), backend=backend, shots=shots, seed=seed, alpha=alpha, resolution=resolution,
        scope=scope, within=within, mitigation=mitigation, detect=detect, verify=verify, plot=plot, page=page, json=json,
    )  # fmt: skip


def run_named(
    named: Named, *, backend: str, shots: int, seed: int | None, alpha: float, resolution: float, scope: str = "auto",
    within: str = "auto", mitigation: str = "none", detect: bool = False, verify: str = "auto", plot: Path | None = None,
    page: Path | None = None, json: bool = False,
) -> NoReturn:  # fmt: skip
    """Run a named source at once, or through the ledger on a service that keeps jobs; print the verdict and exit."""
    from stinespring.pipeline.blocks import require_verify, verify_block, with_block

    asked: dict[str, Any] = {"shots": shots, "seed": seed, "settings": named.settings, "mitigation": mitigation}
    asked |= {"alpha": alpha, "resolution": resolution, "within": within, "detect": detect}
    require_scoped(system_of(named.source), scope)
    wanted_within(within, noisy=False, resolution=resolution)
    mode = require_verify(verify)
    with opened(backend) as ready:
        given = named.given
        if isinstance(given.get("target"), str):
            given = {**given, "target": target_of(given["target"])}
        if ready.keeps_jobs:
            ledger = Ledger()
            ledger.require_writable()
            planned = plan(named.source, given, backend=ready, asked_of=backend, title=named.title, **asked)
            block = verify_block(planned.program, mode)
            if block is not None and block.verdict == "FAIL":
                say_block(block, to=sys.stderr)
                sys.stderr.write("nothing was sent\n")
                raise typer.Exit(EXIT["FAIL"])
            run = in_ledger(ledger, planned)
            found = judged(ledger, run, alpha=alpha, resolution=resolution, scope=scope, within=within, detect=detect)
            found = replace(found, verdict=with_block(found.verdict, block), block=block)
        else:
            with progress() as report:
                found = measured(named.source, given, backend=ready, report=report, scope=scope, verify=mode, **asked)
    end(found, named.title, alpha=alpha, plot=plot, page=page, json=json)


def end(found: Result, title: str, *, alpha: float, plot: Path | None, page: Path | None, json: bool) -> NoReturn:
    """Print a verdict, write the figure and the report that were asked for, and exit accordingly."""
    kind, run, block = shown(found.program.asked.kind), found.run, None
    if found.block is not None:
        from stinespring.pipeline.blocks import block_told

        block = block_told(found.block)

    def tell() -> None:
        if json:
            head = {} if run is None else {"state": run.state, "id": run.id, "executed": run.versions.get("executed", {})}
            print_json({**head, **kind.summary(found), "mitigation": dict(found.mitigation), "block": block})
        else:
            if found.block is not None:
                say_block(found.block)
            kind.show(found, title)

    def write_page(path: Path) -> None:
        command = command_line(found.samples.seed) if run is None else command_line(run.seed, run.id)
        kind.page(found, command).write(path)

    say_choices(found.program)
    files: dict[Path | None, Callable[[Path], object]] = {plot: partial(kind.plot, found), page: write_page}
    conclude(found.verdict, tell, *(partial(write_file, path, write) for path, write in files.items() if path is not None))


def write_file(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file, and say so."""
    write(path)
    wrote(path)


@contextmanager
def resumable(run: str) -> Iterator[None]:
    """Say after an interruption how the run goes on."""
    try:
        yield
    except KeyboardInterrupt:
        sys.stderr.write(f"run {run} is in the ledger: 'stinespring fetch {run} --wait' goes on\n")
        raise


def in_ledger(ledger: Ledger, planned: Planned) -> Run:
    """Submit a run to a service, and bring it to its end; whatever happens on the way, it can be fetched or resumed."""
    print_estimate(planned, to=sys.stderr)
    with progress() as report:
        sent = submit(ledger, planned, report=report)
        sys.stderr.write(f"run {sent.id} is in the ledger; it can be fetched and resumed\n")
        with resumable(sent.id):
            return bring_forward(ledger, sent, EVERYTHING, report, backend=planned.backend)
