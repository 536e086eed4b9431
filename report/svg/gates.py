# SPDX-License-Identifier: Apache-2.0
"""Circuits as gates on lines, and registers with the laws that make them."""

from __future__ import annotations

from collections.abc import Sequence

from stinespring.circuits.core.flow import Flow, Measure
from stinespring.circuits.core.gates import TWO_QUBIT
from stinespring.compiler.texts.operations import Layout, Place
from stinespring.readings import Register
from stinespring.report.figures.draw import (
    MOST_BLOCKS,
    MOST_CIRCUITS,
    DrawnBlock,
    blocks_of,
    circuit_names,
    head,
    shown_of,
    template_blocks,
    timeline_title,
)
from stinespring.report.figures.timeline import MOST_COLUMNS, Column, columns, lines, placed
from stinespring.report.svg.paper import NARROW, SMALL, Paper, Picture, width_of
from stinespring.stages import Program

__all__ = ["circuit_picture", "gates_pictures", "program_pictures", "registers_picture"]

COLUMN, LINE = 62.0, 46.0
BOX = 52.0
LAW = 118.0  # pixels of a law's column
MOST_GATES = 160  # of a circuit that is drawn gate by gate
MOST_LINES = 10


def program_pictures(program: Program) -> list[Picture]:
    """Return a program before any device: registers and laws of texts, timelines of all others.

    Raises:
        InputError: the circuits are not at hand.
    """
    shown = shown_of(program.body)
    if isinstance(shown, Layout):
        return [registers_picture(shown.registers, blocks_of(shown), shown.measured, head(program, f"{shown.qubits} qubits"))]
    if not isinstance(shown, tuple):
        names = [register.name for register in shown.registers]
        title = head(program, f"template of {shown.qubits} qubits, {shown.slots} angles from the host")
        return [registers_picture(shown.registers, template_blocks(shown), names, title)]
    kept, title = shown[:MOST_CIRCUITS], timeline_title(program, shown)
    names = circuit_names(program, len(kept))
    return [circuit_picture(flow, title if len(kept) == 1 else f"{name}: {title}")
            for flow, name in zip(kept, names, strict=True)]  # fmt: skip


def gates_pictures(program: Program) -> list[Picture]:
    """Return the gates of a program whose picture shows registers and laws, where they are few; nothing otherwise."""
    shown = shown_of(program.body)
    if not isinstance(shown, Layout):
        return []
    number = sum(len(d.gates) for d in shown.dilations)
    if not 0 < number <= MOST_GATES or shown.qubits > MOST_LINES:
        return []
    sizes = {register.name: register.size for register in shown.registers}
    read = [Measure(shown.place(name), name, tuple(range(sizes[name]))) for name in shown.measured if sizes[name]]
    flow = Flow(tuple(sizes.items()), tuple((name, sizes[name]) for name in shown.measured), (*shown.gates(), *read))
    return [circuit_picture(flow, f"the same, gate by gate: {number} gates", single=True)]


def circuit_picture(flow: Flow, title: str, *, single: bool | None = None) -> Picture:
    """Return a circuit on its lines, in time from the left.

    Args:
        flow: gates, measurements, resets and conditions.
        title: of the picture.
        single: whether gates are drawn one by one; None: where they are few.
    """
    paper, (names, lane) = Paper(), lines(flow)
    events = columns(flow, single)[: MOST_COLUMNS if single is None else None]
    where = placed(events, lane)
    left = 16 + max((width_of(name) for name in names), default=0.0)
    above = max((width_of(words_of(event), 12.0) for event in events), default=0.0) * 0.6
    top = 40.0 + above
    wide = left + COLUMN * (max(where, default=0) + 1) + 16 + above
    for number, name in enumerate(names):
        y = top + LINE * number
        paper.line(left - 6, y, wide - above - 8, y, "thin")
        paper.words(left - 10, y + 5, name, "mono", at="end")
    for column, event in zip(where, events, strict=True):
        draw_event(paper, left + COLUMN * (column + 0.5), event, [top + LINE * lane[q] for q in event.on], top)
    turned = sum(event.kind in ("gate", "gates") for event in events)
    desc = f"{len(names)} lines, {len(events)} events, {turned} of them gates; " + "; ".join(map(told, events[:40])) + "."
    high = top + LINE * (len(names) - 1) + 34
    return paper.picture(max(wide, NARROW), high, title, desc, fixed=True)


def words_of(event: Column) -> str:
    """Return what is written above an event."""
    match event.kind:
        case "if":
            return f"if {event.label}" + (f" ×{event.number}" if event.number > 1 else "")
        case "measure":
            return f"→ {event.label}".replace("\n", ", ")
        case "gates" if event.number > 1:
            return f"{event.number:,} gates" + (f", {event.pairs:,} two-qubit" if event.pairs else "")
    return ""


def told(event: Column) -> str:
    """Return an event in words."""
    return (words_of(event) or f"{event.label} {event.angle}".strip()) + f" on {', '.join(map(str, event.on))}"


def draw_event(paper: Paper, x: float, event: Column, on: Sequence[float], top: float) -> None:
    """Draw one event: gates as boxes, measurements as meters, conditions with the register they ask, named above ``top``."""
    rows = sorted(set(on))
    if len(rows) > 1 and event.kind != "reset":
        paper.line(x, rows[0], x, rows[-1], "gate")
    if event.kind == "gate" and event.label in TWO_QUBIT:
        control, target = on
        paper.circle(x, control, 4.5, "")
        if event.label == "cz":
            paper.circle(x, target, 4.5, "")
        else:
            paper.circle(x, target, 10, "open")
            paper.line(x - 10, target, x + 10, target, "gate")
            paper.line(x, target - 10, x, target + 10, "gate")
        return
    kind = {"gate": "token", "gates": "token", "if": "environment", "measure": "memory"}.get(event.kind, "plain")
    for y in rows:
        paper.box(x - BOX / 2, y - 17, BOX, 34, f"{kind} gate", round=4, hint=told(event))
        if event.kind == "measure":
            paper.path([(x - 9, y + 6), (x - 5, y - 1), (x, y - 4), (x + 5, y - 1), (x + 9, y + 6)], "gate")
            paper.line(x, y + 6, x + 7, y - 8, "gate")
        elif event.kind == "reset":
            paper.words(x, y + 5, "|0⟩", at="middle")
        elif event.kind == "gate" and event.angle:
            paper.words(x, y - 3, event.label, "tiny", at="middle")
            paper.words(x, y + 12, event.angle, "tiny", at="middle")
        elif event.kind == "gate":
            paper.words(x, y + 5, event.label, "small", at="middle")
        elif event.kind == "gates":
            paper.words(x, y + 5, "…", at="middle")
    if text := words_of(event):
        paper.words(x - 4, top - 24, text, "tiny soft", turn=-35)
        if rows and rows[0] > top:
            paper.line(x, top - 20, x, rows[0] - 17, "guide")


def registers_picture(
    registers: Sequence[Register], blocks: Sequence[DrawnBlock], measured: Sequence[str], title: str
) -> Picture:
    """Return registers as lines, and the laws that make them as blocks with dots on what they read."""
    paper, shown = Paper(), blocks[:MOST_BLOCKS]
    names = [f"{r.name} ({r.size} qubit{'s' * (r.size != 1)})" for r in registers]
    left = 16 + max((width_of(name) for name in names), default=0.0)
    ends = ["measure" if r.name in measured else "left behind" if r.role in ("memory", "ancilla") else "" for r in registers]
    last = left + LAW * len(shown)
    wide = last + 16 + max((width_of(words, SMALL) for words in ends), default=0.0)
    row = {Place.of(register): 36 + 58.0 * number for number, register in enumerate(registers)}
    for y, name, words in zip(row.values(), names, ends, strict=True):
        paper.line(left - 6, y, last + 4, y, "thin")
        paper.words(left - 10, y + 5, name, "mono", at="end")
        paper.words(last + 10, y + 5, words, "soft")
    for number, block in enumerate(shown):
        x, y = left + LAW * (number + 0.5), row[block.target]
        reach = [row[place] for place in block.reads] + [y]
        paper.line(x, min(reach), x, max(reach), "gate")
        for place in block.reads:
            paper.circle(x, row[place], 4.5, "")
        paper.box(x - LAW / 2 + 5, y - 21, LAW - 10, 42, f"{block.target.role} gate", round=5)
        first, _, second = block.text.partition("\n")
        paper.words(x, y - 4 if second else y + 5, first, "small", at="middle")
        paper.words(x, y + 13, second, "small", at="middle")
    more = f"; the first {MOST_BLOCKS} of {len(blocks)} laws" if len(shown) < len(blocks) else ""
    called = {Place.of(register): register.name for register in registers}
    made = [f"{called[b.target]} from {', '.join(called[p] for p in b.reads) or 'what is known'}" for b in shown]
    desc = "; ".join(made) + more + "."
    return paper.picture(max(wide, NARROW), 36 + 58.0 * (len(registers) - 1) + 34, title + more, desc, fixed=True)
