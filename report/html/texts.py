# SPDX-License-Identifier: Apache-2.0
"""The report of sampled texts."""

from __future__ import annotations

import numpy as np

from stinespring.checks.texts.verdict import claimed_law
from stinespring.models.texts.asked import texts_of
from stinespring.pipeline.whole import Found
from stinespring.readings import FloatArray, IntArray
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
from stinespring.report.html.tree import contexts_table, tree_parts
from stinespring.report.svg.heat import heat_picture
from stinespring.report.svg.shares import scatter_picture, shares_picture
from stinespring.report.visible import visible, visible_text
from stinespring.showing import many
from stinespring.stages import Samples, Verdict

__all__ = ["texts_page"]

SHOWN, BARS = 20, 16  # texts in the table and in the figure
ATTENTION = "attention"


def texts_page(found: Found, command: str) -> Page:
    """Return the report of sampled texts.

    Args:
        found: from the model to the verdict; a run of the ledger also shows what was asked.
        command: how to get it again.
    """
    samples, verdict = found.samples, found.verdict
    positions, asked = verdict.parts.get(ATTENTION), samples.asked
    prompt = samples.source.plain(list(asked.prompt))
    attention = [] if positions is None else [Section(
        "Attention", [attention_figure(samples, positions), attention_table(positions)]
    )]  # fmt: skip
    token_by_token = [*contexts_table(verdict.parts.get("texts", verdict)), *tree_parts(samples)]
    return Page(
        title=samples.source.name + (f" after “{prompt}”" if prompt else ""),  # an input state is named in the command
        lead=f"{samples.shots:,} texts of {many(asked.steps, 'token')}, {where(samples)}",
        command=command,
        verdict=Finding(verdict.verdict, "texts", verdict.reason),
        findings=text_findings(verdict),
        sections=[
            Section(
                "Sampled against analytic",
                [texts_figure(samples, verdict), texts_table(samples), distances(verdict), explained(verdict)],
            ),
            *([Section("Token by token", token_by_token)] if token_by_token else []),
            *attention,
            Section("Mitigation", [mitigation(found.mitigation)]),
            *program_sections(found),
            *asked_sections(found),
        ],
        provenance=provenance_of(found),
    )


def text_findings(verdict: Verdict) -> list[Finding]:
    """Return the verdict, and that on the attention map if positions were measured."""
    positions = verdict.parts.get(ATTENTION)
    texts = verdict.parts.get("texts", verdict)
    findings = [Finding(texts.verdict, "texts" if positions is None or texts is not verdict else "all together", texts.reason)]
    if positions is not None:
        number = len(positions.parts)
        findings.append(Finding(positions.verdict, "attention map", f"p = {positions.p_value:.3g} over {number} register(s)"))
    return findings


def ranked(samples: Samples, most: int) -> tuple[IntArray, IntArray, FloatArray, int]:
    """Return the most frequent texts, shape (T, L), with counts and probabilities, and how many different ones there are."""
    texts, counts = texts_of(samples.outcomes[0], samples.asked.steps, samples.source.vacuum)
    order = np.lexsort((np.arange(len(counts)), -counts))[:most]
    return texts[order], counts[order], claimed_law(samples).probabilities(texts[order]), len(counts)


def texts_figure(samples: Samples, verdict: Verdict) -> Figure:
    """Return the figure of shares against probabilities."""
    texts, counts, law, number = ranked(samples, BARS)
    names = [visible_text(samples.source.plain(text)) for text in texts.tolist()]
    title = f"the {len(names)} most frequent of {number:,} texts"
    every, all_counts = texts_of(samples.outcomes[0], samples.asked.steps, samples.source.vacuum)
    all_law = claimed_law(samples).probabilities(every)
    pictures = [
        shares_picture(names, counts, float(samples.shots), law, title=title),
        scatter_picture(all_counts, float(samples.shots), all_law, "texts"),
    ]
    far = "" if verdict.distance is None else (
        f"; TVD {verdict.distance.tvd:.4f}, of shot noise alone {verdict.distance.noise_floor:.4f}"
    )  # fmt: skip
    return Figure(pictures, f"sampled shares with 95 % intervals, beside the analytic law{far}")


def texts_table(samples: Samples) -> PageTable:
    """Return the most frequent texts with their shares and probabilities."""
    model = samples.source
    texts, counts, law, number = ranked(samples, SHOWN)
    rows = [
        [model.plain(text), " ".join(str(n) for n in text if n != model.vacuum), f"{count:,}", f"{count / samples.shots:.4f}",
         f"{p:.4f}"]
        for text, count, p in zip(texts.tolist(), counts.tolist(), law.tolist(), strict=True)
    ]  # fmt: skip
    caption = f"the {len(rows)} most frequent of {number:,} different texts"
    return PageTable(caption, ["text", "token numbers", "count", "share", "analytic"], rows)


def attention_figure(samples: Samples, positions: Verdict) -> Figure:
    """Return the attention map as a figure: a row for each token and head that attends, a column for each token attended to."""
    registers = positions.figures["registers"]
    rows = [attending(name) for name in registers]
    places = max(len(one["analytic"]) for one in registers.values())
    columns = [attended(samples, place) for place in range(places)]
    pictures = []
    for key in ("sampled", "analytic"):
        values = np.full((len(rows), places), np.nan)
        for row, one in zip(values, registers.values(), strict=True):
            row[: len(one[key])] = one[key][:places]
        pictures.append(heat_picture(values, rows, columns, title=key, across="attended token", down="attending", desc=""))
    caption = (
        "share of the texts that attended to each token, sampled and analytic; a generated token is named by its number, "
        "since it differs from text to text"
    )
    return Figure(pictures, caption)


def attending(register: str) -> str:
    """Return what attends in a register.

    Example:
        >>> attending("e2"), attending("e1_2")
        ('token 2', 'token 1, head 2')
    """
    step, _, head = register.removeprefix("e").partition("_")
    return f"token {step}" + (f", head {head}" if head else "")


def attended(samples: Samples, place: int) -> str:
    """Return what stands at a place of the text: a token of the prompt, or the number of a generated one."""
    prompt, state = samples.asked.prompt, samples.asked.input_state
    if state is not None:
        return f"place {place + 1}"
    return visible(samples.source.tokens[prompt[place]]) if place < len(prompt) else f"token {place - len(prompt) + 1}"


def attention_table(positions: Verdict) -> PageTable:
    """Return the attention map's verdicts by register."""
    rows = [
        [name, f"{part.p_value:.3g}", f"{part.tvd:.4f}", part.verdict, part.reason] for name, part in positions.parts.items()
    ]
    return PageTable("attention by register", ["register", "p", "TVD", "verdict", "what the shots tell"], rows)
