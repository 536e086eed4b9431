# SPDX-License-Identifier: Apache-2.0
"""The report of sampled texts."""

from __future__ import annotations

import numpy as np

from stinespring.checks.texts.verdict import claimed_law
from stinespring.models.texts.asked import texts_of
from stinespring.pipeline.whole import Result
from stinespring.report.figures.attention import plot_attention
from stinespring.report.figures.plot import plot_samples
from stinespring.report.html.page import Figure, Finding, Page, PageTable, Section, embedded
from stinespring.report.html.parts import asked_sections, distances, mitigation, program_section, provenance_of
from stinespring.report.html.tree import BREAK, contexts_table, tree_table
from stinespring.stages import Samples, Verdict

__all__ = ["texts_page"]

SHOWN = 20  # texts in the table
ATTENTION = "attention"


def texts_page(found: Result, command: str) -> Page:
    """Return the report of sampled texts.

    Args:
        found: from the model to the verdict; a run of the ledger also shows what was asked.
        command: how to get it again.
    """
    samples, verdict = found.samples, found.verdict
    positions, asked = verdict.parts.get(ATTENTION), samples.asked
    prompt = samples.source.plain(list(asked.prompt))
    attention = [] if positions is None else [Section(
        "Attention", [attention_figure(positions), attention_table(positions)]
    )]  # fmt: skip
    token_by_token = [*contexts_table(verdict.parts.get("texts", verdict)), *tree(samples)]
    return Page(
        title=samples.source.name + (f" after “{prompt}”" if prompt else ""),  # an input state is named in the command
        lead=f"{samples.shots:,} texts of {asked.steps} token(s), sampled on {samples.backend}",
        command=command,
        verdict=Finding(verdict.verdict, "texts", verdict.reason),
        findings=text_findings(verdict),
        sections=[
            Section("Sampled against analytic", [texts_figure(samples, verdict), texts_table(samples), distances(verdict)]),
            *([Section("Token by token", token_by_token)] if token_by_token else []),
            *attention,
            Section("Mitigation", [mitigation(found.mitigation)]),
            program_section(found),
            *asked_sections(found),
        ],
        provenance=provenance_of(found),
    )


def tree(samples: Samples) -> list[PageTable]:
    """Return the tree of texts; none after a prompt that is a state, where a token has no law of its own."""
    return [] if samples.asked.begin(samples.source).state is not None else [tree_table(samples)]


def text_findings(verdict: Verdict) -> list[Finding]:
    """Return the verdict, and that on the attention map if positions were measured."""
    positions = verdict.parts.get(ATTENTION)
    texts = verdict.parts.get("texts", verdict)
    findings = [Finding(texts.verdict, "texts" if positions is None or texts is not verdict else "all together", texts.reason)]
    if positions is not None:
        number = len(positions.parts)
        findings.append(Finding(positions.verdict, "attention map", f"p = {positions.p_value:.3g} over {number} register(s)"))
    return findings


def texts_figure(samples: Samples, verdict: Verdict) -> Figure:
    """Return the figure of shares against probabilities."""
    far = "" if verdict.distance is None else (
        f" TVD {verdict.distance.tvd:.4f}, of shot noise alone {verdict.distance.noise_floor:.4f}."
    )  # fmt: skip
    alt = (
        "Bars of the sampled shares of the most frequent texts with the analytic probabilities as diamonds, and all shares "
        f"over their probabilities.{far}"
    )
    caption = "sampled shares with 95 % intervals, beside the analytic law"
    return embedded(lambda path: plot_samples(samples, verdict, path), alt, caption)


def texts_table(samples: Samples) -> PageTable:
    """Return the most frequent texts with their shares and probabilities."""
    model = samples.source
    texts, counts = texts_of(samples.outcomes[0], samples.asked.steps, model.vacuum)
    order = np.lexsort((np.arange(len(counts)), -counts))[:SHOWN]
    law = claimed_law(samples).probabilities(texts[order])
    rows = [
        [model.plain(text).replace("\n", BREAK), " ".join(str(n) for n in text if n != model.vacuum), f"{count:,}",
         f"{count / samples.shots:.4f}", f"{p:.4f}"]
        for text, count, p in zip(texts[order].tolist(), counts[order].tolist(), law.tolist(), strict=True)
    ]  # fmt: skip
    caption = f"the {len(rows)} most frequent of {len(counts):,} different texts"
    return PageTable(caption, ["text", "token numbers", "count", "share", "analytic"], rows)


def attention_figure(positions: Verdict) -> Figure:
    """Return the attention map as a figure."""
    alt = f"Two heat maps of attended positions by register, sampled and analytic: {positions.verdict}."
    caption = "share of the texts that attended to each position, sampled and analytic; position 0 is the text's first token"
    return embedded(lambda path: plot_attention(positions, path), alt, caption)


def attention_table(positions: Verdict) -> PageTable:
    """Return the attention map's verdicts by register."""
    rows = [
        [name, f"{part.p_value:.3g}", f"{part.tvd:.4f}", part.verdict, part.reason] for name, part in positions.parts.items()
    ]
    return PageTable("attention by register", ["register", "p", "TVD", "verdict", "what the shots tell"], rows)
