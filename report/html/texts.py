# SPDX-License-Identifier: Apache-2.0
"""The report of sampled texts: ``run`` and ``fetch``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from stinespring.checks.texts.contexts import text_probabilities
from stinespring.checks.texts.attention import AttentionVerdict
from stinespring.ledger.request import Request
from stinespring.ledger.store import Ledger, Run
from stinespring.ledger.texts import TextRun
from stinespring.report.figures.attention import plot_attention
from stinespring.report.figures.draw import draw_program
from stinespring.report.figures.plot import plot_samples
from stinespring.report.figures.timeline import columns
from stinespring.report.html.page import Figure, Finding, Page, Section, Table, embedded, plain_table
from stinespring.stages import Program, Samples, Verdict

__all__ = ["distances", "fetched_page", "texts_page"]

SHOWN = 20  # texts in the table
MOST_REGISTERS, MOST_BLOCKS, MOST_EVENTS = 16, 30, 80  # of a drawing that can be read on a page


def texts_page(
    samples: Samples, verdict: Verdict, positions: AttentionVerdict | None, note: Mapping[str, Any], *,
    cost: Mapping[str, Any], command: str, asked: Mapping[str, Any] | None = None, program: Program | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> Page:  # fmt: skip
    """Return the report of sampled texts.

    Args:
        samples: what was sampled.
        verdict: on the texts, after mitigation if there was any.
        positions: the verdict on the attention map, if positions were measured.
        note: what was mitigated, or why nothing was.
        cost: what ``compile --json`` prints of the program.
        command: how to get it again.
        asked: what was asked, of a run in the ledger.
        program: to be drawn, where it is at hand.
        provenance: further rows.
    """
    findings = [Finding(verdict.verdict, "texts", verdict.reason)]
    if positions is not None:
        findings.append(attention_finding(positions))
    prompt = samples.model.plain(samples.prompt.tolist())
    sections = [
        Section("Sampled against analytic", [texts_figure(samples, verdict), texts_table(samples), distances(verdict)]),
        *([] if positions is None else [Section("Attention", [attention_figure(positions), attention_table(positions)])]),
        Section("Mitigation", [mitigation(note)]),
        Section("The program", [*circuit(program), costs(cost), *passes(cost)]),
        *([] if asked is None else [Section("What was asked", [plain_table("the request in the ledger", asked)])]),
    ]
    return Page(
        title=samples.model.name + (f" after “{prompt}”" if prompt else ""),  # an input state is named in the command
        lead=f"{samples.shots:,} texts of {samples.steps} token(s), sampled on {samples.backend}",
        command=command,
        verdict=min(findings, key=lambda found: ("FAIL", "UNVERIFIED", "PASS").index(found.verdict)),
        findings=findings,
        sections=sections,
        provenance={
            "model": samples.model.fingerprint(), "program": cost.get("hash"), "backend": samples.backend, "seed": samples.seed,
            **samples.metadata, **(provenance or {}),
        },
    )  # fmt: skip


def fetched_page(
    ledger: Ledger, run: Run, samples: Samples, verdict: Verdict, positions: AttentionVerdict | None, note: Mapping[str, Any],
    *, command: str,
) -> Page:  # fmt: skip
    """Return the report of a run in the ledger: with what was asked, and the calibration of the day.

    Args:
        ledger: where the run is kept.
        run: which is done.
        samples: its texts.
        verdict: on them.
        positions: the verdict on the attention map, if positions were measured.
        note: what was mitigated, or why nothing was.
        command: how to get it again.
    """
    request, calibration = Request(**run.request), ledger.calibration(run.id)
    digest = None if calibration is None else hashlib.sha256(json.dumps(calibration, sort_keys=True).encode()).hexdigest()
    asked = {
        "model": request.name,
        **request.choices,
        **request.options,
        "shots": run.shots,
        "seed": run.seed,
        "when": run.created,
    }
    program = TextRun(request, run.program, run.seed).recompiled()
    return texts_page(
        samples, verdict, positions, note, cost=run.program["cost"], command=command, asked={**asked, "backend": run.backend},
        program=program if program.schedule.kind == run.program["schedule"] else None, provenance={"calibration": digest},
    )  # fmt: skip


def attention_finding(positions: AttentionVerdict) -> Finding:
    """Return the verdict on the attention map with a sentence."""
    number = len(positions.by_register)
    return Finding(positions.verdict, "attention map", f"p = {positions.p_value:.3g} over {number} register(s)")


def texts_figure(samples: Samples, verdict: Verdict) -> Figure:
    """Return the figure of shares against probabilities."""
    alt = (
        f"Bars of the sampled shares of the most frequent texts with the analytic probabilities as diamonds, and all shares "
        f"over their probabilities. TVD {verdict.tvd:.4f}, of shot noise alone {verdict.tvd_noise_floor:.4f}."
    )
    return embedded(
        lambda path: plot_samples(samples, verdict, path), alt, "sampled shares with 95 % intervals, beside the analytic law"
    )


def texts_table(samples: Samples) -> Table:
    """Return the most frequent texts with their shares and probabilities."""
    order = np.lexsort((np.arange(len(samples.counts)), -samples.counts))[:SHOWN]
    law = text_probabilities(samples.realises or samples.model, samples.prompt, samples.texts[order])
    rows = [
        [samples.model.plain(text), " ".join(str(n) for n in text if n != samples.model.vacuum), f"{count:,}",
         f"{count / samples.shots:.4f}", f"{p:.4f}"]
        for text, count, p in zip(samples.texts[order].tolist(), samples.counts[order].tolist(), law.tolist(), strict=True)
    ]  # fmt: skip
    caption = f"the {len(rows)} most frequent of {len(samples.counts):,} different texts"
    return Table(caption, ["text", "token numbers", "count", "share", "analytic"], rows)


def distances(verdict: Verdict) -> Table:
    """Return the distances between what was sampled and the law, and what the shots could have told."""
    rows = [
        ["p-value", f"{verdict.p_value:.4g}", f"false-alarm rate {verdict.alpha:g}"],
        ["total variation distance", f"{verdict.tvd:.5f}", f"shot noise alone: {verdict.tvd_noise_floor:.5f}"],
        ["95 % interval of the true one", f"{verdict.tvd_low:.5f} to {verdict.tvd_high:.5f}", ""],
        ["Hellinger fidelity", f"{verdict.hellinger_fidelity:.6f}", ""],
        ["resolution", f"{verdict.resolution:.4g}", "the smallest distance these shots detect with power 0.9"],
        ["shots", f"{verdict.shots:,}", f"needed: {verdict.shots_needed:,}" if verdict.shots_needed else ""],
    ]
    return Table("distances", ["figure", "value", "what to compare it with"], rows)


def attention_figure(positions: AttentionVerdict) -> Figure:
    """Return the attention map as a figure."""
    alt = f"Two heat maps of attended positions by register, sampled and analytic: {positions.verdict}."
    caption = "share of the texts that attended to each position, sampled and analytic; position 0 is the text's first token"
    return embedded(lambda path: plot_attention(positions, path), alt, caption)


def attention_table(positions: AttentionVerdict) -> Table:
    """Return the attention map's verdicts by register."""
    rows = [
        [name, f"{found.p_value:.3g}", f"{found.tvd:.4f}", found.verdict, found.reason]
        for name, found in positions.by_register.items()
    ]
    return Table("attention by register", ["register", "p", "TVD", "verdict", "what the shots tell"], rows)


def mitigation(note: Mapping[str, Any]) -> str | Table:
    """Return what was mitigated, or why nothing was."""
    if not note.get("applied"):
        return f"Readout errors were not mitigated: {note.get('why', 'not asked for')}."
    return plain_table("readout errors were mitigated", note)


def circuit(program: Program | None) -> list[str | Figure]:
    """Return the drawing of a program that is small enough to be read."""
    if program is None:
        return []
    registers = program.schedule.registers
    blocks = sum(len(d.channel.laws) for d in program.schedule.dilations)
    events = 0 if program.dynamic is None else len(columns(program.dynamic.flow))
    if len(registers) > MOST_REGISTERS or blocks > MOST_BLOCKS or events > MOST_EVENTS:
        return [f"{len(registers)} registers, {max(blocks, events)} columns: too large to draw here; see 'compile --draw'."]
    caption = "the timeline of the qubits" if program.dynamic is not None else "registers, and the law that each step applies"
    alt = f"The {program.schedule.kind} program on {program.cost.qubits} qubits: {caption}."
    return [embedded(lambda path: draw_program(program, path), alt, caption)]


def costs(cost: Mapping[str, Any]) -> Table:
    """Return what the program costs."""
    return plain_table("cost", {name: value for name, value in cost.items() if name not in ("passes", "hash")})


def passes(cost: Mapping[str, Any]) -> list[Table]:
    """Return what each pass of the compiler did, if it took note."""
    rows = [
        [p["name"], *(f"{p[key]:,}" for key in ("two_qubit_gates", "two_qubit_depth", "qubits")), f"{p['tvd_bound']:.3g}",
         f"{p['lower_bound']:,}", p["reason"]]
        for p in cost.get("passes", ())
    ]  # fmt: skip
    names = ["pass", "two-qubit gates", "depth", "qubits", "TVD bound", "bound from below", "what it did"]
    return [Table("passes of the compiler", names, rows)] if rows else []
