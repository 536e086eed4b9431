# SPDX-License-Identifier: Apache-2.0
"""``stinespring run``: from a model to a verdict."""

from __future__ import annotations

import sys
from typing import Any

import typer

from stinespring.backends.base import device_of
from stinespring.backends.execute import run
from stinespring.backends.readout.mitigation import mitigated_verdict, require_mitigable, require_mode
from stinespring.backends.registry import opened
from stinespring.backends.remote import keeps_jobs
from stinespring.checks.texts.attention import check_attention
from stinespring.checks.texts.verdict import check
from stinespring.cli import options
from stinespring.cli.output import (
    EXIT,
    command_line,
    cost_line,
    print_estimate,
    print_json,
    print_samples,
    progress,
    require_plot,
    require_report,
    samples_summary,
    worst,
)
from stinespring.cli.runs.fetch import MONTH, judge, resumable
from stinespring.compiler.compile import compile_model
from stinespring.ledger.advance import Advance
from stinespring.ledger.store import Ledger, Run
from stinespring.ledger.submit import Plan, plan, submit
from stinespring.models.load import load
from stinespring.models.texts.joint import require_count


@options.takes_compile_options
def run_(
    model: options.Model,
    compiling: dict[str, Any],
    shots: options.Shots = 20_000,
    seed: options.Seed = None,
    backend: options.BackendOption = "aer",
    top_k: options.TopK = None,
    temperature: options.Temperature = None,
    alpha: options.Alpha = 0.001,
    resolution: options.Resolution = 0.05,
    mitigation: options.MitigationOption = "none",
    plot: options.Plot = None,
    page: options.Report = None,
    json: options.Json = False,
) -> None:
    """Compile, sample and check: from a model to a verdict."""
    require_count(shots, "shots")
    require_plot(plot)
    require_report(page, plot)
    require_mode(mitigation)
    with opened(backend) as sampler:
        if keeps_jobs(sampler):
            planned = plan(
                model, backend=sampler, asked=backend, shots=shots, seed=seed, options=compiling, top_k=top_k,
                temperature=temperature, mitigation=mitigation,
            )  # fmt: skip
            ledger = Ledger()
            done = in_ledger(ledger, planned)
            judge(ledger, done, waited=MONTH, alpha=alpha, resolution=resolution, plot=plot, page=page, json=json)
        source, wanted, device = load(model, top_k=top_k, temperature=temperature), compiling["target"], device_of(sampler)
        target = device if wanted == "aer" and device is not None else wanted
        with progress("compiling") as report:
            program = compile_model(source, **{**compiling, "target": target})
            require_mitigable(program, mitigation)
            report("sampling", 0.0)
            samples = run(program, backend=sampler, shots=shots, seed=seed, progress=report)
            report("checking", 1.0)
            verdict = check(samples, alpha=alpha, resolution=resolution)
            verdict, note = mitigated_verdict(samples, program, sampler, verdict, mode=mitigation, resolution=resolution)
            positions = None if note["applied"] else check_attention(samples, alpha=alpha, resolution=resolution)
    if plot is not None:
        from stinespring.report.figures.plot import plot_samples

        plot_samples(samples, verdict, plot)
    if page is not None:
        from stinespring.report.html.texts import texts_page

        cost, command = program.summary(), command_line(samples.seed)
        texts_page(samples, verdict, positions, note, cost=cost, command=command, program=program).write(page)
    if json:
        print_json(samples_summary(program.summary(), samples, verdict, positions) | {"mitigation": note})
    else:
        asked = compiling["prompt"] or str(compiling["input_state"])
        print_samples(samples, verdict, positions, asked, cost_line(program))
    raise typer.Exit(EXIT[worst(verdict, positions)])


def in_ledger(ledger: Ledger, planned: Plan) -> Run:
    """Submit a run to a service, and bring it to its end; whatever happens on the way, it can be fetched or resumed."""
    print_estimate(planned, to=sys.stderr)
    with progress() as report:
        sent = submit(ledger, planned, report=report)
        sys.stderr.write(f"run {sent.id} is in the ledger; it can be fetched and resumed\n")
        driver = Advance(ledger, sent.id, planned.texts, lambda: planned.backend, report)
        with resumable(sent.id):
            return driver.until(MONTH, send=True, onward=True)
