# SPDX-License-Identifier: Apache-2.0
"""The reports of particles on the sphere: a run, and sampled layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stinespring.backends.base import Backend
from stinespring.compiler.systems.sphere import SphereProgram
from stinespring.models.sphere.model import SphereModel
from stinespring.models.sphere.simulate import SphereRun
from stinespring.readings import IntArray
from stinespring.report.figures.sphere import player, plot_run
from stinespring.report.figures.sphere_layers import plot_layers
from stinespring.report.html.page import Figure, Finding, Page, Player, Section, Table, embedded, plain_table
from stinespring.report.html.texts import distances
from stinespring.stages import Verdict

__all__ = ["layers_page", "run_page"]

SHOWN = 20  # rows of a table


def run_page(run: SphereRun, summary: Mapping[str, Any], *, command: str, movie: Path | None) -> Page:
    """Return the report of a run.

    Args:
        run: where the particles went.
        summary: what ``sphere run --json`` prints.
        command: how to get it again.
        movie: what was written besides; if it is a page, that page is put into this one, too.
    """
    model = run.model
    alt = f"First and last positions of {model.n} particles, the energy's parts and the largest projected field over time."
    parts: list[str | Figure | Table | Player] = [
        embedded(lambda path: plot_run(run, path), alt, "positions, energy along the flow, and what still moves"),
        plain_table("where the run ended", ended(run, summary)),
        last_positions(run),
    ]
    if movie is not None and movie.suffix.lower() == ".html":
        caption = "the run, step by step; a page of its own that nothing is loaded into"
        parts.append(Player(player(run), "particles on the sphere, to be played and turned", caption))
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


def last_positions(run: SphereRun) -> Table:
    """Return where the first particles ended."""
    rows = [[str(i), *(f"{value:.6f}" for value in x[:6])] for i, x in enumerate(run.positions[:SHOWN].tolist())]
    names = [f"x{axis + 1}" for axis in range(min(6, run.model.d))]
    return Table(f"final positions, {len(rows)} of {run.model.n:,} particles", ["particle", *names], rows)


def layers_page(
    model: SphereModel, programs: Sequence[SphereProgram], counts: IntArray, verdict: Verdict, *, command: str,
    backend: Backend, seed: int,
) -> Page:  # fmt: skip
    """Return the report of sampled layer steps.

    Args:
        model: the particles.
        programs: the circuits.
        counts: of each value with success, and last of failures; shape (S, 2^q + 1).
        verdict: on all of them.
        command: how to get it again.
        backend: where they were sampled.
        seed: of the sampling.
    """
    alt = f"Sampled shares of all outcomes over their analytic probabilities, and success by circuit: {verdict.verdict}."
    figure = embedded(lambda path: plot_layers(programs, counts, path), alt, "sampled outcomes beside the analytic ones")
    return Page(
        title=f"Layer steps of {len({p.particle for p in programs})} particle(s) on the sphere",
        lead=f"{len(programs)} circuits, {int(counts[0].sum()):,} shots each",
        command=command,
        verdict=Finding(verdict.verdict, "layers", verdict.reason),
        sections=[Section("Sampled against analytic", [figure, circuits(programs, counts), distances(verdict)])],
        provenance={
            **model_provenance(model), "programs": ", ".join(p.hash[:16] for p in programs[:SHOWN]),
            "backend": backend.name, "seed": seed, **backend.metadata(),
        },
    )  # fmt: skip


def circuits(programs: Sequence[SphereProgram], counts: IntArray) -> Table:
    """Return one row a circuit."""
    rows = []
    for program, row in zip(programs[:SHOWN], counts, strict=False):
        share = row[:-1].sum() / row.sum()
        figures = [f"{program.success_probability:.5f}", f"{share:.5f}", fidelity(program, row), str(program.cost.qubits)]
        rows.append([f"{program.particle}, {program.read}", *figures, f"{program.cost.two_qubit_gates:,}"])
    names = ["particle, what is read", "success", "sampled", "fidelity", "qubits", "two-qubit gates"]
    return Table(f"{len(rows)} of {len(programs)} circuits", names, rows)


def fidelity(program: SphereProgram, row: IntArray) -> str:
    """Return the sampled fidelity with the analytic state, where the circuit measures it."""
    kept = int(row[:-1].sum())
    return f"{row[0] / kept:.5f}" if program.read == "fidelity" and kept else ""


def model_provenance(model: SphereModel) -> dict[str, Any]:
    """Return a sphere file's hash and parameters."""
    return {
        "model": model.fingerprint(), "particles": model.n, "beta": model.beta, "normalise": model.normalise,
        "direction": model.direction,
    }  # fmt: skip
