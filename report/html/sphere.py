# SPDX-License-Identifier: Apache-2.0
"""The reports of particles on the sphere: a run, and sampled layers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from stinespring.models.sphere.model import SphereModel
from stinespring.models.sphere.simulate import SphereRun
from stinespring.pipeline.whole import Found
from stinespring.report.figures.sphere import played
from stinespring.report.figures.tables import together
from stinespring.report.html.page import Figure, Finding, Page, PageTable, Part, Player, Section, plain_table
from stinespring.report.html.parts import (
    asked_sections,
    cost_of,
    distances,
    explained,
    findings_of,
    mitigation,
    program_sections,
    provenance_of,
    where,
)
from stinespring.report.rows import SampledRow, rows_of, words_of
from stinespring.report.svg.shares import scatter_picture, shares_picture
from stinespring.report.svg.sphere import run_pictures

__all__ = ["layers_page", "run_page"]

SHOWN, CIRCUITS = 20, 16  # rows of a table and of a figure


def run_page(run: SphereRun, summary: Mapping[str, Any], *, command: str, movie: Path | None) -> Page:
    """Return the report of a run.

    Args:
        run: where the particles went.
        summary: what ``sphere run --json`` prints.
        command: how to get it again.
        movie: what was written besides; if it is a page, that page is put into this one, too.
    """
    model = run.model
    parts: list[Part] = [
        Figure(run_pictures(run), "positions, energy along the flow, and what still moves"),
        plain_table("where the run ended", ended(run, summary)),
        last_positions(run),
    ]
    if movie is not None and movie.suffix.lower() == ".html":
        caption = "the run, step by step"
        parts.append(Player(played(run), "particles on the sphere, to be played and turned", caption))
    return Page(
        title=f"{model.n:,} particles on the sphere in {model.d} dimensions",
        lead=f"{run.step:,} {run.scheme} steps to time {run.time:.6g}, {'converged' if run.converged else 'not converged'}",
        command=command,
        sections=[Section("The run", parts)],
        provenance=model_provenance(model),
    )


def ended(run: SphereRun, summary: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of a run by name."""
    clusters, check = summary["clusters"], summary["energy_check"]
    arcs, linked = clusters["greedy_arc"], clusters["single_linkage"]
    wrong = f"{check['wrong_steps']} steps, by at most {check['worst']:.3g}"
    return {
        "energy": summary["energy"], "residual": f"{run.residual:.4g}", "sums over pairs": run.method,
        "field": summary["field"], "kernel rescaling": summary["rescaling"],
        "clusters within": f"{clusters['threshold']:.4g} rad",
        "clusters by single linkage": f"{len(linked)}, largest {linked[0]}",
        "clusters by greedy arcs": None if arcs is None else f"{len(arcs)}, largest {arcs[0]}",
        "energy moved the wrong way": wrong if check["monotone_flow"] else None,
    }  # fmt: skip


def last_positions(run: SphereRun) -> PageTable:
    """Return where the first particles ended."""
    rows = [[str(i), *(f"{value:.6f}" for value in x[:6])] for i, x in enumerate(run.positions[:SHOWN].tolist())]
    names = [f"x{axis + 1}" for axis in range(min(6, run.model.d))]
    return PageTable(f"final positions, {len(rows)} of {run.model.n:,} particles", ["particle", *names], rows)


def layers_page(found: Found, command: str) -> Page:
    """Return the report of sampled layer steps.

    Args:
        found: from the particles to the verdict; a run of the ledger also shows what was asked.
        command: how to get it again.
    """
    samples, verdict, words = found.samples, found.verdict, words_of(found.samples)
    rows = rows_of(samples)
    kept, shots, law = np.array([(row.observed[:-1].sum(), row.shots, row.law[:-1].sum()) for row in rows[:CIRCUITS]]).T
    title = f"success of {len(kept)} of {len(rows)} circuits"
    pictures = [
        shares_picture(
            [row.name for row in rows[:CIRCUITS]], kept, shots, law, title=title, across="probability of success", whole=True
        ),
        scatter_picture(*together(rows), "outcomes"),
    ]
    figure = Figure(pictures, "sampled outcomes beside the analytic ones")
    return Page(
        title=f"Layer steps of {len(samples.asked.particles)} particle(s) on the sphere",
        lead=f"{len(samples.outcomes)} {words.rows}, {samples.shots:,} shots each, {where(samples)}",
        command=command,
        verdict=Finding(verdict.verdict, "layers", verdict.reason),
        findings=findings_of(verdict, "layers"),
        sections=[
            Section("Sampled against analytic", [figure, circuits(found), distances(verdict), explained(verdict)]),
            Section("Mitigation", [mitigation(found.mitigation)]),
            *program_sections(found),
            *asked_sections(found),
        ],
        provenance={**model_provenance(samples.source), **provenance_of(found)},
    )


def circuits(found: Found) -> PageTable:
    """Return one row a circuit."""
    rows, cost = rows_of(found.samples), cost_of(found)
    costs = cost.get("costs", [cost])
    shown = []
    for number, (row, one) in enumerate(zip(rows[:SHOWN], found.samples.asked.circuits, strict=False)):
        each = costs[number] if number < len(costs) else {}
        sampled = f"{row.observed[:-1].sum() / row.shots:.5f}" if row.shots else ""
        fidelity = fidelity_of(row) if one.read == "fidelity" else ""
        gates = [f"{each[name]:,}" if name in each else "" for name in ("qubits", "two_qubit_gates")]
        shown.append([row.name, f"{row.law[:-1].sum():.5f}", sampled, fidelity, *gates])
    names = ["circuit", "success", "sampled", "fidelity", "qubits", "two-qubit gates"]
    return PageTable(f"{len(shown)} of {len(rows)} circuits", names, shown)


def fidelity_of(row: SampledRow) -> str:
    """Return the sampled fidelity with the analytic state of a circuit that measures it."""
    kept = float(row.observed[:-1].sum())
    return f"{row.observed[0] / kept:.5f}" if kept else ""


def model_provenance(model: SphereModel) -> dict[str, Any]:
    """Return a sphere file's hash and parameters."""
    return {
        "model": model.fingerprint(), "particles": model.n, "beta": model.beta, "normalise": model.normalise,
        "direction": model.direction,
    }  # fmt: skip
