# SPDX-License-Identifier: Apache-2.0
"""``stinespring run``: from a model to a verdict."""

from __future__ import annotations

import sys
from typing import Any

import typer

from stinespring.backends.base import device_of
from stinespring.backends.execute import run
from stinespring.backends.mitigation import mitigated_verdict, require_mitigable, require_mode
from stinespring.backends.registry import open_backend
from stinespring.backends.remote import keeps_jobs
from stinespring.checks.attention import check_attention
from stinespring.checks.verdict import check
from stinespring.cli import options
from stinespring.cli.fetch import MONTH, judge
from stinespring.cli.output import (
    EXIT,
    cost_line,
    print_estimate,
    print_json,
    print_samples,
    progress,
    require_plot,
    samples_summary,
    worst,
)
from stinespring.compiler.compile import compile_model
from stinespring.ledger.store import Ledger, Run
from stinespring.ledger.submit import Plan, advance_of, plan, submit
from stinespring.models.joint import require_count
from stinespring.models.load import load


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
    json: options.Json = False,
) -> None:
    """Compile, sample and check: from a model to a verdict."""
    require_count(shots, "shots")
    require_plot(plot)
    require_mode(mitigation)
    sampler = open_backend(backend)
    if keeps_jobs(sampler):
        ledger = Ledger()
        planned = plan(
            model, backend=sampler, shots=shots, seed=seed, options=compiling, top_k=top_k, temperature=temperature,
            mitigation=mitigation,
        )  # fmt: skip
        done = in_ledger(ledger, planned)
        judge(ledger, done, waited=MONTH, alpha=alpha, resolution=resolution, plot=plot, json=json)
    source = load(model, top_k=top_k, temperature=temperature)
    device = device_of(sampler)
    wanted = compiling["target"]
    program = compile_model(source, **{**compiling, "target": device if wanted == "aer" and device is not None else wanted})
    require_mitigable(program, mitigation)
    with progress() as report:
        samples = run(program, backend=sampler, shots=shots, seed=seed, progress=report)
        report("checking", 1.0)
        verdict = check(samples, alpha=alpha, resolution=resolution)
        positions = check_attention(samples, alpha=alpha, resolution=resolution)
        verdict, note = mitigated_verdict(samples, program, sampler, verdict, mode=mitigation, resolution=resolution)
        if note["applied"]:
            positions = None  # its test knows no readout errors
    if plot is not None:
        from stinespring.report.plot import plot_samples

        plot_samples(samples, verdict, plot)
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
        return advance_of(ledger, sent, report).until(MONTH, send=True, onward=True)
