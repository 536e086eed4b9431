# SPDX-License-Identifier: Apache-2.0
"""The reports of spins: sampled tokens, and bifurcation diagrams."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from stinespring.models.spins import Diagram, SpinNetwork
from stinespring.pipeline.whole import Found
from stinespring.report.figures.spins import MOST_LINES, Averages, averages_of, overlap
from stinespring.report.html.page import Figure, Finding, Page, PageTable, Section
from stinespring.report.html.parts import (
    asked_sections,
    distances,
    explained,
    mitigation,
    program_sections,
    provenance_of,
    where,
)
from stinespring.report.svg.paper import Picture
from stinespring.report.svg.plot import Series, diagram_picture, plot_picture
from stinespring.showing import many
from stinespring.stages import Samples, Verdict

__all__ = ["diagram_page", "spins_page"]

SHOWN = 40  # rows of a table
FEATURES = 3  # that are drawn
FEW = 60  # temperatures whose exponents are dots, too


def spins_page(found: Found, command: str) -> Page:
    """Return the report of sampled tokens.

    Args:
        found: from the network to the verdict; a run of the ledger also shows what was asked.
        command: how to get it again.
    """
    samples, verdict, network = found.samples, found.verdict, found.samples.source
    limit = verdict.figures.get("mean_field")
    alone = "A single run has no averages." if samples.shots < 2 else "The averages were not compared with the mean field."
    averages: list[str | Figure | PageTable] = [alone]
    if limit is not None:
        averages = [averages_figure(samples), averages_table(limit)]
    return Page(
        title=f"{network.name}: {many(samples.asked.steps, 'token')} of {network.spins:,} spins",
        lead=f"{samples.shots:,} runs{of_circuits(found)}, {where(samples)}",
        command=command,
        verdict=Finding(verdict.verdict, "tokens", verdict.reason),
        findings=spin_findings(verdict),
        sections=[
            Section("Every token against its product law", [tokens_table(verdict), explained(verdict)]),
            Section("Averages against the mean field", averages),
            Section("Mitigation", [mitigation(found.mitigation)]),
            *program_sections(found),
            *asked_sections(found),
        ],
        provenance={**network_provenance(network), **provenance_of(found)},
    )


def of_circuits(found: Found) -> str:
    """Return what ran, where that is known."""
    return "" if found.program is None else f" of the circuits ({found.program.schedule})"


def spin_findings(verdict: Verdict) -> list[Finding]:
    """Return the verdicts: product law, averages of finite N, mean field; where one is UNVERIFIED only the first counts."""
    parts, limit = verdict.parts, verdict.figures.get("mean_field")
    if "product law" not in parts:
        return [Finding(verdict.verdict, "tokens", verdict.reason)]
    product, number = parts["product law"], len(verdict.figures["steps"])
    reason = f"every token against its product law: p = {product.p_value:.3g} over {number} token(s)"
    found = [Finding(product.verdict, "product law", reason)]
    if limit is not None:
        reason = f"averages over {verdict.shots:,} runs against the exact law of finite N: p = {limit['exact_p_value']:.3g}"
        found.append(Finding(limit["exact_verdict"], "averages", reason))
        found.append(Finding(limit["verdict"], "mean field", limit["reason"]))
    return found


def tokens_table(verdict: Verdict) -> PageTable:
    """Return the verdict on every token; after readout mitigation there is one on all codes together."""
    steps = verdict.figures.get("steps")
    if steps is None:
        return distances(verdict)
    rows = [[str(s["step"]), f"{s['p_value']:.3g}", f"{s['resolution']:.3g}", s["verdict"], s["reason"]] for s in steps[:SHOWN]]
    caption = f"{len(rows)} of {len(steps)} tokens"
    return PageTable(caption, ["token", "p", "resolution", "verdict", "what the shots tell"], rows)


def averages_figure(samples: Samples) -> Figure:
    """Return the averages over the mean field as a figure."""
    return Figure(averages_pictures(averages_of(samples)), "averages with two standard errors (dots), beside the limit of "
                  "infinitely many spins (lines), and how far they are from it")  # fmt: skip


def averages_pictures(shown: Averages) -> list[Picture]:
    """Return averages over the mean field, and their distance from it by token."""
    times = np.arange(1.0, len(shown.mean) + 1)
    series = []
    for feature in range(min(shown.mean.shape[1], MOST_LINES)):
        colour = f"c{feature + 1}"
        series.append(Series(overlap(feature), times, shown.limit[:, feature], f"curve {colour}"))
        error = 2.0 * shown.error[:, feature]
        series.append(Series("", times, shown.mean[:, feature], f"dots {colour}", error=error))
    far = np.sqrt(((shown.mean - shown.limit) ** 2).mean(axis=1))
    distance = [Series("distance", times, np.maximum(far, 1e-12), "dots c1"), Series("", times, np.maximum(far, 1e-12))]
    if np.isfinite(shown.error).all():
        noise = np.maximum(np.sqrt((shown.error**2).mean(axis=1)), 1e-12)
        distance.append(Series("standard error", times, noise, "curve c6 dash"))
    return [
        plot_picture(series, title="averaged overlaps", across="generated token", up="overlap", whole=True),
        plot_picture(
            distance, title="distance from the mean field", across="generated token", up="distance", log=True, whole=True
        ),
    ]


def averages_table(limit: Mapping[str, Any]) -> PageTable:
    """Return the averages by token and feature."""
    figures = np.array([limit[key] for key in ("mean", "standard_error", "mean_field", "spread", "finite_size")])
    rows = [[f"{t + 1}", f"{b + 1}", *(f"{value:.5f}" for value in figures[:, t, b])] for t, b in np.ndindex(figures[0].shape)]
    caption = f"overlaps, {len(rows[:SHOWN])} of {len(rows)}"
    names = ["token", "feature", "average", "standard error", "mean field", "of one run", "finite size"]
    return PageTable(caption, names, rows[:SHOWN])


def diagram_page(network: SpinNetwork, found: Diagram, *, command: str, settings: Mapping[str, Any]) -> Page:
    """Return the report of a bifurcation diagram.

    Args:
        network: whose mean field.
        found: the outputs kept at every temperature, and exponents.
        command: how to get it again.
        settings: transient, sweep and the like.
    """
    low, high, keep = float(found.betas.min()), float(found.betas.max()), found.m_o.shape[1]
    pictures = [
        diagram_picture(
            found.betas,
            found.m_o[:, :, feature].astype(np.float64),
            title=f"outputs of feature {feature + 1}",
            across="β",
            up=overlap(feature),
        )
        for feature in range(min(network.M, FEATURES))
    ]
    if found.exponents is not None:
        values = found.exponents.values
        lines = [
            Series(f"exponent {i + 1}", found.betas, values[:, i], f"curve c{i + 1}")
            for i in range(min(MOST_LINES, values.shape[1]))
        ]
        dots = [Series("", one.x, one.y, one.kind.replace("curve", "dots")) for one in lines] if len(found.betas) <= FEW else []
        finite = values[np.isfinite(values)]
        least = max(-1.0, float(finite.min())) if finite.size else -1.0
        pictures.append(plot_picture([*lines, *dots], title="Lyapunov exponents", across="β", up="nats a token", low=least))
    figure = Figure(pictures, "outputs kept at every inverse temperature")
    return Page(
        title=f"{network.name}: bifurcation diagram",
        lead=f"{keep:,} tokens of the mean field at each of {len(found.betas):,} temperatures, β {low:g} to {high:g}",
        command=command,
        sections=[Section("The diagram", [figure, *exponents(found)])],
        provenance={**network_provenance(network), **settings},
    )


def exponents(found: Diagram) -> list[PageTable]:
    """Return where the largest exponent is largest, if there are some."""
    if found.exponents is None:
        return []
    largest, errors = found.exponents.values[:, 0], found.exponents.standard_errors[:, 0]
    order = np.argsort(-np.nan_to_num(largest, nan=-np.inf), kind="stable")[:10]
    rows = [[f"{found.betas[i]:.6g}", f"{largest[i]:.6f}", f"{errors[i]:.2g}"] for i in order]
    return [PageTable("where the largest exponent is largest", ["β", "nats a token", "standard error"], rows)]


def network_provenance(network: SpinNetwork) -> dict[str, Any]:
    """Return a network's hash and parameters."""
    return {
        "network": network.fingerprint(), "spins": network.spins, "context": network.L, "beta": network.beta,
        "gamma": network.gamma, "eps": network.eps,
    }  # fmt: skip
