# SPDX-License-Identifier: Apache-2.0
"""The reports of spins: sampled tokens, and bifurcation diagrams."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from stinespring.checks.spins.spins import MeanFieldVerdict, SpinVerdict
from stinespring.compiler.systems.spins import SpinSamples
from stinespring.models.spins import Diagram, SpinNetwork, network_content
from stinespring.report.figures.spins import plot_averages, plot_diagram
from stinespring.report.html.page import Figure, Finding, Page, Section, Table, embedded, plain_table

__all__ = ["diagram_page", "spins_page"]

SHOWN = 40  # rows of a table


def spins_page(samples: SpinSamples, verdict: SpinVerdict, limit: MeanFieldVerdict | None, *, command: str) -> Page:
    """Return the report of sampled tokens.

    Args:
        samples: what was sampled.
        verdict: every token against its product law.
        limit: the averages against the mean field; None for a single run.
        command: how to get it again.
    """
    program, network = samples.program, samples.program.network
    findings = spin_findings(verdict, limit)
    decisive = [found for found in findings[1:] if found.verdict == "FAIL"]
    averages: list[str | Figure | Table] = ["A single run has no averages."]
    if limit is not None:
        averages = [averages_figure(network, limit, samples.shots), averages_table(limit)]
    cost = {name: value for name, value in program.summary().items() if name != "hash"}
    return Page(
        title=f"{network.name}: {program.steps} token(s) of {network.spins:,} spins",
        lead=f"{samples.shots:,} runs of the circuits ({program.schedule}), sampled on {samples.backend}",
        command=command,
        verdict=findings[0] if findings[0].verdict == "FAIL" or not decisive else decisive[0],
        findings=findings,
        sections=[
            Section("Every token against its product law", [steps(verdict)]),
            Section("Averages against the mean field", averages),
            Section("The program", [plain_table("cost", cost)]),
        ],
        provenance={
            **network_provenance(network), "program": program.hash, "backend": samples.backend, "seed": samples.seed,
            **samples.metadata,
        },
    )  # fmt: skip


def spin_findings(verdict: SpinVerdict, limit: MeanFieldVerdict | None) -> list[Finding]:
    """Return the verdicts: product law, averages of finite N, mean field; where one is UNVERIFIED only the first counts."""
    reason = f"every token against its product law: p = {verdict.p_value:.3g} over {len(verdict.steps)} token(s)"
    found = [Finding(verdict.verdict, "product law", reason)]
    if limit is not None:
        reason = f"averages over {verdict.shots:,} runs against the exact law of finite N: p = {limit.exact_p_value:.3g}"
        found.append(Finding(limit.exact_verdict, "averages", reason))
        found.append(Finding(limit.verdict, "mean field", limit.reason))
    return found


def steps(verdict: SpinVerdict) -> Table:
    """Return the verdict on every token."""
    rows = [[str(s.step), f"{s.p_value:.3g}", f"{s.resolution:.3g}", s.verdict, s.reason] for s in verdict.steps[:SHOWN]]
    caption = f"{len(rows)} of {len(verdict.steps)} tokens"
    return Table(caption, ["token", "p", "resolution", "verdict", "what the shots tell"], rows)


def averages_figure(network: SpinNetwork, limit: MeanFieldVerdict, runs: int) -> Figure:
    """Return the averages over the mean field as a figure."""
    alt = f"Points of the averaged overlaps by token over lines of the mean field, and their distance: {limit.verdict}."
    caption = "averages with two standard errors, beside the limit of infinitely many spins"
    return embedded(
        lambda path: plot_averages(network, limit.mean, limit.standard_error, limit.mean_field, runs, path), alt, caption
    )


def averages_table(limit: MeanFieldVerdict) -> Table:
    """Return the averages by token and feature."""
    figures = (limit.mean, limit.standard_error, limit.mean_field, limit.spread, limit.finite_size)
    rows = [
        [f"{t + 1}", f"{b + 1}", *(f"{values[t, b]:.5f}" for values in figures)]
        for t, b in np.ndindex(limit.mean.shape)
    ][:SHOWN]  # fmt: skip
    caption = f"overlaps, {len(rows)} of {limit.mean.size}"
    return Table(caption, ["token", "feature", "average", "standard error", "mean field", "of one run", "finite size"], rows)


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


def exponents(found: Diagram) -> list[Table]:
    """Return where the largest exponent is largest, if there are some."""
    if found.exponents is None:
        return []
    largest, errors = found.exponents.values[:, 0], found.exponents.standard_errors[:, 0]
    order = np.argsort(-np.nan_to_num(largest, nan=-np.inf), kind="stable")[:10]
    rows = [[f"{found.betas[i]:.6g}", f"{largest[i]:.6f}", f"{errors[i]:.2g}"] for i in order]
    return [Table("where the largest exponent is largest", ["β", "nats a token", "standard error"], rows)]


def network_provenance(network: SpinNetwork) -> dict[str, Any]:
    """Return a network's hash and parameters."""
    content = json.dumps(network_content(network), sort_keys=True)
    return {
        "network": hashlib.sha256(content.encode()).hexdigest(), "spins": network.spins, "context": network.L,
        "beta": network.beta, "gamma": network.gamma, "eps": network.eps,
    }  # fmt: skip
