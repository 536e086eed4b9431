# SPDX-License-Identifier: Apache-2.0
"""What notebooks show of an object: a card with its verdict, a figure, its cost and its circuit, as one piece of HTML.

Nothing is loaded from anywhere, every word is escaped, and the style, which knows light and dark, applies to the card alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from html import escape

import numpy as np

from stinespring.errors import StinespringError, shorten
from stinespring.models.texts.asked import TextAsked
from stinespring.models.texts.base import TextModel
from stinespring.models.texts.law import readable
from stinespring.pipeline.estimate import Estimate
from stinespring.pipeline.whole import Result
from stinespring.report.rows import SampledRow, rows_of
from stinespring.showing import Brief
from stinespring.stages import Program, Samples, Verdict

__all__ = ["card"]

BARS = 8  # outcomes of the figure
SMALL = (8, 48)  # qubits and instructions of a circuit that is drawn
DENSE = 4096  # tokens of a model whose law is drawn
SHOTS = 1 << 20  # different readings of which a figure is drawn
STYLE = """<style>
.stinespring{--ink:#1f2328;--faint:#656d76;--line:#d0d7de;--paper:#fff;--law:#0969da;--seen:#9a6700;--good:#1a7f37;--bad:#cf222e}
@media (prefers-color-scheme:dark){.stinespring{--ink:#e6edf3;--faint:#9198a1;--line:#3d444d;--paper:#151b23;--law:#4493f8;
--seen:#d29922;--good:#3fb950;--bad:#f85149}}
[data-jp-theme-light=false] .stinespring,.vscode-dark .stinespring{--ink:#e6edf3;--faint:#9198a1;--line:#3d444d;--paper:#151b23;
--law:#4493f8;--seen:#d29922;--good:#3fb950;--bad:#f85149}
.stinespring{color:var(--ink);background:var(--paper);border:1px solid var(--line);border-radius:8px;padding:.8em 1em;
max-width:46em;font:14px/1.45 system-ui,sans-serif}
.stinespring h4{margin:0 0 .4em;font-size:1.05em;overflow-wrap:anywhere}.stinespring p{margin:.3em 0;overflow-wrap:anywhere}
.stinespring dl{display:grid;grid-template-columns:max-content 1fr;gap:.15em 1em;margin:.5em 0}
.stinespring dt{color:var(--faint)}.stinespring dd{margin:0;overflow-wrap:anywhere}
.stinespring .ruling{font-weight:600;border-radius:1em;padding:.1em .7em;color:var(--paper);background:var(--faint)}
.stinespring .PASS{background:var(--good)}.stinespring .FAIL{background:var(--bad)}
.stinespring pre{overflow-x:auto;margin:.5em 0;line-height:1.15;font-size:12px;background:none;color:inherit}
.stinespring svg{display:block;max-width:100%;height:auto}.stinespring svg text{fill:var(--ink);font-size:12px}
.stinespring .law{fill:var(--law)}.stinespring .seen{fill:var(--seen)}.stinespring .key{fill:var(--faint)}
</style>"""

Pairs = Sequence[tuple[str, str]]


def card(thing: Brief) -> str:
    """Return an object as a card: of a verdict, a program, samples, an estimate or a model what matters, of others four lines.

    Args:
        thing: anything that says what it is.
    """
    match thing:
        case Verdict():
            parts = [*verdict_parts(thing), *([] if thing.samples is None else samples_parts(thing.samples))]
        case Samples():
            parts = samples_parts(thing)
        case Program():
            parts = program_parts(thing)
        case Result():
            shown = replace(thing.samples, program=thing.program)
            parts = [*verdict_parts(thing.verdict), *samples_parts(shown)]
        case Estimate():
            parts = estimate_parts(thing)
        case TextModel():
            parts = model_parts(thing)
        case _:
            parts = plain_parts(thing)
    return f'<div class="stinespring">{STYLE}{"".join(parts)}</div>'


def plain_parts(thing: Brief) -> list[str]:
    """Return the four lines of an object."""
    title, lines = thing.brief()
    pairs = [tuple(line.partition(": ")[::2]) if ": " in line else ("", line) for line in lines]
    return [heading(title), listed([(str(name), str(value)) for name, value in pairs])]


def verdict_parts(verdict: Verdict) -> list[str]:
    """Return the ruling, its reason, and the figures."""
    pairs = [("p-value", f"{verdict.p_value:.3g} at false-alarm rate {verdict.alpha:g}"), ("shots", f"{verdict.shots:,}")]
    if verdict.distance is not None:
        d = verdict.distance
        pairs.append(("TVD", f"{d.tvd:.4f}; true one {d.low:.4f} to {d.high:.4f}; shot noise alone {d.noise_floor:.4f}"))
    pairs.append(("detects", f"a TVD of {verdict.resolution:.3g} with power 0.9"))
    pairs += [(name, part.verdict) for name, part in verdict.parts.items()]
    return [f"<p>{badge(verdict.verdict)}</p>", f"<p>{escape(verdict.reason)}</p>", listed(pairs)]


def samples_parts(samples: Samples) -> list[str]:
    """Return what was read beside the law, as bars, and where it was read."""
    program = [] if samples.program is None else program_parts(samples.program)
    return [*plain_parts(samples), figure_of(samples), *program]


def figure_of(samples: Samples) -> str:
    """Return the figure of the first table of the samples; nothing where there is none that can be shown at once."""
    if isinstance(samples.asked, TextAsked):
        return texts_read(samples, samples.asked)
    if samples.asked is None or len(samples.outcomes[0].counts) > SHOTS:
        return read_only(samples)
    try:
        rows = rows_of(samples)
    except StinespringError:  # a law that cannot be listed
        return read_only(samples)
    return bars(rows[0]) if rows else read_only(samples)


def texts_read(samples: Samples, asked: TextAsked) -> str:
    """Return the texts that were read most often, beside their probabilities; those of no other text are computed."""
    top = samples.outcomes[0].of([f"t{step}" for step in range(1, asked.steps + 1)]).likeliest(BARS)
    texts = readable(top, asked.steps, samples.source.vacuum)
    names, shares = asked.spell(samples.source, top), top.counts / max(1, samples.shots)
    law = np.zeros(len(texts))
    meant = np.flatnonzero((texts >= 0).all(axis=1))
    try:
        law[meant] = asked.law(samples.source).probabilities(texts[meant])
    except StinespringError:
        return read_only(samples)
    return svg([(name, float(p), float(seen)) for name, p, seen in zip(names, law, shares, strict=True)])


def read_only(samples: Samples) -> str:
    """Return what was read most often, as bars, without a law."""
    if samples.asked is None:
        return ""
    top = samples.outcomes[0].likeliest(BARS)
    names = samples.asked.spell(samples.source, top)
    return svg([(name, None, number / max(1, samples.shots)) for name, number in zip(names, top.counts.tolist(), strict=True)])


def bars(row: SampledRow) -> str:
    """Return a row's likeliest outcomes: the law and what was read."""
    total = max(1.0, row.shots)
    words = f"<p>{escape(row.name)}</p>" if row.name else ""
    return words + svg([(row.shown(i), float(row.law[i]), float(row.observed[i]) / total) for i in row.likeliest(BARS)])


def svg(rows: Sequence[tuple[str, float | None, float | None]]) -> str:
    """Return bars, one line an outcome: above what the law says, below what was read."""
    if not rows:
        return ""
    most = max(value for row in rows for value in row[1:] if value is not None) or 1.0
    line, left, wide = 30, 150, 300
    shapes = []
    for number, (name, law, seen) in enumerate(rows):
        y = 22 + line * number
        told = " / ".join(f"{value:.4f}" for value in (law, seen) if value is not None)
        shapes.append(f'<text x="{left - 8}" y="{y + 14}" text-anchor="end">{escape(shorten(name, 20))}</text>')
        for kind, value, down in (("law", law, 0), ("seen", seen, 10)):
            if value is not None:
                width = max(0.5, wide * value / most)
                shapes.append(f'<rect class="{kind}" x="{left}" y="{y + down}" width="{width:.1f}" height="9"/>')
        shapes.append(f'<text x="{left + wide + 8}" y="{y + 14}" class="key">{told}</text>')
    words = " ".join(kind for kind, i in (("law", 1), ("sampled", 2)) if any(row[i] is not None for row in rows))
    keys = {"law": "law", "sampled": "seen"}
    head = "".join(
        f'<rect class="{keys[word]}" x="{left + 80 * i}" y="4" width="9" height="9"/>'
        f'<text x="{left + 80 * i + 14}" y="13">{word}</text>'
        for i, word in enumerate(words.split())
    )
    size = f"0 0 {left + wide + 130} {26 + line * len(rows)}"
    label = f"{words} of the likeliest outcomes"
    return f'<svg viewBox="{size}" width="580" role="img" aria-label="{label}">{head}{"".join(shapes)}</svg>'


def program_parts(program: Program) -> list[str]:
    """Return the cost, and the circuit where it is small."""
    cost = program.cost
    pairs = [
        ("schedule", program.schedule), ("qubits", f"{cost.qubits:,}"),
        ("two-qubit gates", f"{cost.two_qubit_gates:,} (depth {cost.two_qubit_depth:,})"),
        ("mid-circuit", f"{cost.mid_circuit_measurements:,} measurements, {cost.conditions:,} conditions"),
        ("law", f"{program.promise}, TVD bound {program.tvd_bound:.3g}"), ("device", program.device or "all-to-all"),
        ("hash", program.hash[:12]),
    ]  # fmt: skip
    return [heading(program.brief().title), listed(pairs), drawn(program)]


def drawn(program: Program) -> str:
    """Return the circuit as text, where it is small."""
    if program.cost.qubits > SMALL[0] or program.cost.two_qubit_gates > SMALL[1]:
        return ""
    try:
        circuit = program.circuit
    except StinespringError:  # a run that was read back has none
        return ""
    if len(circuit.data) > 2 * SMALL[1] or circuit.num_qubits > SMALL[0]:
        return ""
    return f"<pre>{escape(str(circuit.draw('text', fold=-1, idle_wires=False)))}</pre>"


def estimate_parts(found: Estimate) -> list[str]:
    """Return the verdict to expect, and what the run takes."""
    chance = found.expected_pass_probability
    pairs = [
        ("expected TVD", f"{found.expected_tvd:.4f} ({found.expected_tvd_by})"),
        ("PASS", "cannot be told" if chance is None else f"with probability {chance:.2f}"),
        ("shots for a verdict", "cannot be told" if found.shots_for_verdict is None else f"{found.shots_for_verdict:,}"),
        ("circuits, jobs", f"{found.circuits:,}, {found.jobs:,}"), ("executions", f"{found.executions:,}"),
        ("QPU time", f"{found.qpu_seconds:.1f} s"),
        ("circuit", f"{found.qubits_used} of {found.qubits} qubits, {found.two_qubit_gates:,} two-qubit gates"),
        ("note", found.note),
    ]  # fmt: skip
    ruling = badge(found.expected_verdict) if found.expected_verdict else ""
    return [heading("Estimate"), f"<p>expected: {ruling or 'cannot be told'}</p>", listed([pair for pair in pairs if pair[1]])]


def model_parts(model: TextModel) -> list[str]:
    """Return a model's lines, and of one whose laws cost little the law after its first token."""
    first = next((n for n in range(model.d) if n != model.stop), None)
    if model.costly or model.d > DENSE or first is None or model.shortest > 1:
        return plain_parts(model)
    law = model.law(1, np.array([[first]]))[0]
    order = np.argsort(-law, kind="stable")[:BARS]
    words = f"<p>law of the next token after {escape(repr(model.tokens[first]))}</p>"
    return [*plain_parts(model), words, svg([(model.tokens[i], float(law[i]), None) for i in order])]


def heading(words: str) -> str:
    """Return a title."""
    return f"<h4>{escape(words)}</h4>"


def badge(ruling: str) -> str:
    """Return a ruling in its colour."""
    return f'<span class="ruling {escape(ruling)}">{escape(ruling)}</span>'


def listed(pairs: Pairs) -> str:
    """Return names and values."""
    return "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in pairs) + "</dl>"
