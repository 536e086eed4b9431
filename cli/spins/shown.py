# SPDX-License-Identifier: Apache-2.0
"""How tokens of spins are shown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from stinespring.cli.output import print_verdict
from stinespring.cli.screen import print_table, say
from stinespring.pipeline.counts.files import counts_of
from stinespring.showing import many
from stinespring.stages import Program, Verdict

if TYPE_CHECKING:
    from stinespring.pipeline.whole import Found, Result
    from stinespring.report.html.page import Page

NO_DISTANCE = dict.fromkeys(("tvd", "tvd_low", "tvd_high", "tvd_noise_floor", "hellinger_fidelity"))


def judged(verdict: Verdict) -> dict[str, Any]:
    """Return what ``check --json`` prints; tokens of many spins have no one distance."""
    return NO_DISTANCE | verdict.summary()


def summary(found: Result) -> dict[str, Any]:
    """Return what ``spins sample --json`` prints."""
    samples = found.samples
    return judged(found.verdict) | {
        "seconds": samples.seconds, "seed": samples.seed, "backend": samples.backend,
        "counts": counts_of(samples), "cost": found.program.summary() if found.run is None else dict(found.run.program["cost"]),
        "initial": samples.source.initial(), "metadata": dict(samples.metadata),
    }  # fmt: skip


def show(found: Result, title: str) -> None:
    """Print the cost and the verdicts."""
    samples = found.samples
    begun = cost_line(found.program) + "; " if found.run is None else ""
    say(f"{begun}{samples.shots:,} runs on {samples.backend} in {samples.seconds:.2f} s")
    print_judged(found.verdict)


def print_judged(verdict: Verdict) -> None:
    """Print the verdicts on every token and on the averages."""
    figures = verdict.figures
    if "within" in figures:
        print_verdict(verdict)
    if "steps" not in figures:  # after readout mitigation the verdict is one on all codes together
        print_verdict(verdict)
        return
    rows = [[str(s["step"]), f"{s['p_value']:.3g}", s["verdict"], s["reason"]] for s in figures["steps"]]
    print_table("every token against its product law", ["token", "p", "verdict", "what the shots tell"], rows)
    say(f"{figures['product_law']}: product law, p = {verdict.p_value:.3g} over {many(len(rows), 'token')}")
    limit = figures["mean_field"]
    if limit is not None:
        exact = f"{limit['exact_verdict']}: averages of the exact law of finite N, p = {limit['exact_p_value']:.3g}\n"
        say(f"{exact}{limit['verdict']}: mean field: {limit['reason']}")


def cost_line(program: Program) -> str:
    """Return a program's cost in one line."""
    c, told = program.cost, program.details
    return (
        f"{program.schedule}: {many(told['steps'], 'token')} of {told['spins']} spins on {c.qubits} qubits, "
        f"{c.two_qubit_gates} two-qubit gates, {c.mid_circuit_measurements} mid-circuit measurements, "
        f"{c.conditions} conditions, compiled in {program.seconds:.2f} s"
    )


def plot(found: Result, path: Path) -> None:
    """Write the figure: sampled averages beside the mean field, where there are any."""
    from stinespring.report.figures.spins import plot_sampled

    plot_sampled(found.samples, found.verdict, path)


def page(found: Found, command: str) -> Page:
    """Return the report."""
    from stinespring.report.html.spins import spins_page

    return spins_page(found, command)
