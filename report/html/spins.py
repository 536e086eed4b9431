# SPDX-License-Identifier: Apache-2.0
"""The reports of spins: sampled tokens, and bifurcation diagrams."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from stinespring.models.spins import Diagram, SpinNetwork
from stinespring.pipeline.whole import Result
from stinespring.report.figures.spins import plot_diagram, plot_sampled
from stinespring.report.html.page import Figure, Finding, Page, PageTable, Section, embedded
from stinespring.report.html.parts import asked_sections, distances, mitigation, program_section, provenance_of
from stinespring.stages import Samples, Verdict

__all__ = ["diagram_page", "spins_page"]

SHOWN = 40  # rows of a table


def spins_page(found: Result, command: str) -> Page:
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
        averages = [averages_figure(samples, verdict), averages_table(limit)]
    return Page(
        title=f"{network.name}: {samples.asked.steps} token(s) of {network.spins:,} spins",
        lead=f"{samples.shots:,} runs of the circuits ({found.program.schedule}), sampled on {samples.backend}",
        command=command,
        verdict=Finding(verdict.verdict, "tokens", verdict.reason),
        findings=spin_findings(verdict),
        sections=[
            Section("Every token against its product law", [tokens_table(verdict)]),
            Section("Averages against the mean field", averages),
            Section("Mitigation", [mitigation(found.mitigation)]),
            program_section(found),
            *asked_sections(found),
        ],
        provenance={**network_provenance(network), **provenance_of(found)},
    )


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


def averages_figure(samples: Samples, verdict: Verdict) -> Figure:
    """Return the averages over the mean field as a figure."""
    limit = verdict.figures["mean_field"]["verdict"]
    alt = f"Points of the averaged overlaps by token over lines of the mean field, and their distance: {limit}."
    caption = "averages with two standard errors, beside the limit of infinitely many spins"
    return embedded(lambda path: plot_sampled(samples, verdict, path), alt, caption)


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
    alt = f"Scatter of the overlaps that the mean field takes at inverse temperatures from {low:g} to {high:g}."
    figure = embedded(lambda path: plot_diagram(network, found, path), alt, "outputs kept at every inverse temperature")
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
