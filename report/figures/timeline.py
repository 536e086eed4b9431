# SPDX-License-Identifier: Apache-2.0
"""Circuits as timelines: which register lives on which qubit, gates, measurements, resets, and what bits steer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from stinespring.circuits.core.flow import Flow, If, Measure, Reset
from stinespring.circuits.core.gates import TWO_QUBIT, Gate, Slot
from stinespring.report.figures.canvas import canvas, titled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["MOST_COLUMNS", "MOST_GATES", "Column", "columns", "draw_timeline", "lines", "placed"]

MOST_COLUMNS = 120
MOST_GATES = 48  # gates that are drawn one by one
MOST_QUBITS = 24  # qubits that have a line each; otherwise each register has one
GATES, STEERED, EDGE, READ, STEER, QUIET = "#cfe0f5", "#fbe3c6", "#1d3557", "#1b7f4d", "#d9822b", "#777777"
WIDTH, LINE = 0.55, 0.55  # inches of a column and of a line
NARROWEST, MARGIN = 6.0, 1.4  # inches of a figure, and of the names beside the lines
ROOM = 1.6  # lines of room for words above the first line
TURNED = {"rotation": 35, "ha": "left", "va": "bottom", "rotation_mode": "anchor"}


class Column(NamedTuple):
    """What happens at one moment.

    Attributes:
        kind: ``gate`` (one), ``gates``, ``measure``, ``reset`` or ``if``.
        on: the qubits; of one gate control first.
        label: what is written there.
        number: of gates, or of conditions.
        pairs: two-qubit gates among them.
        angle: of one gate that turns, in few letters.
    """

    kind: str
    on: tuple[int, ...]
    label: str = ""
    number: int = 1
    pairs: int = 0
    angle: str = ""

    def joined(self, other: Column) -> Column | None:
        """Return both as one column, where they are one thing: gates, conditions on one register, bits of the same qubits."""
        together = tuple(sorted({*self.on, *other.on}))
        if self.kind == other.kind == "gates" or (self.kind == other.kind == "if" and self.label == other.label):
            return self._replace(on=together, number=self.number + other.number, pairs=self.pairs + other.pairs)
        if self.kind == other.kind == "measure" and self.on == other.on:
            return self._replace(label=f"{self.label}\n{other.label}")
        return None


def columns(flow: Flow, single: bool | None = None) -> list[Column]:
    """Return what happens, in order: few gates one by one, or all of them with ``single``.

    Of many gates neighbours are one column, and so are neighbouring conditions on one register.
    """
    if single is None:
        single = sum(isinstance(item, Gate) for item in flow.instructions) <= MOST_GATES
    result: list[Column] = []
    for column in happenings(flow, single):
        merged = result[-1].joined(column) if result else None
        if merged is None:
            result.append(column)
        else:
            result[-1] = merged
    return result


def happenings(flow: Flow, single: bool) -> Iterator[Column]:
    """Yield every instruction as a column of its own; neighbouring measurements of a register are one."""
    sizes = dict(flow.classical)
    items = list(flow.instructions)
    for number, item in enumerate(items):
        if isinstance(item, Measure):
            if number and follows(items[number - 1], item):
                continue
            qubits, bits = list(item.qubits), list(item.bits)
            for one, other in pairwise(items[number:]):
                if not follows(one, other):
                    break
                assert isinstance(other, Measure)
                qubits += other.qubits
                bits += other.bits
            yield Column("measure", tuple(qubits), bits_label(item.register, bits, sizes[item.register]))
        elif isinstance(item, Reset):
            yield Column("reset", item.qubits, "|0⟩")
        elif isinstance(item, If):
            yield Column("if", tuple(sorted({q for gate in item.gates for q in gate.qubits})), item.register)
        elif single:
            yield Column("gate", item.qubits, item.name, 1, int(item.name in TWO_QUBIT), angle_of(item))
        else:
            yield Column("gates", tuple(sorted(set(item.qubits))), "", 1, int(item.name in TWO_QUBIT))


def angle_of(gate: Gate) -> str:
    """Return the angle of a gate that has one, in few letters; the host's angles by their numbers.

    Example:
        >>> angle_of(Gate("ry", (0,), (1.57079,))), angle_of(Gate("ry", (0,), (Slot(2),))), angle_of(Gate("x", (0,)))
        ('1.571', 'a2', '')
    """
    if len(gate.params) != 1:
        return ""
    [angle] = gate.params
    return f"a{angle.number}" if isinstance(angle, Slot) else f"{angle:.3f}".replace("-", "\N{MINUS SIGN}")


def follows(one: object, other: object) -> bool:
    """Return whether two instructions measure different qubits into one register."""
    if not isinstance(one, Measure) or not isinstance(other, Measure):
        return False
    return one.register == other.register and not set(one.qubits) & set(other.qubits)


def bits_label(register: str, bits: Sequence[int], size: int) -> str:
    """Return the bits of a register in few words.

    Example:
        >>> bits_label("t1", [0, 1, 2], 3), bits_label("t1", [1, 2], 3), bits_label("t1", [0, 2], 3)
        ('t1', 't1[1..2]', 't1[0, 2]')
    """
    if list(bits) == list(range(size)):
        return register
    low, high = min(bits), max(bits)
    if len(bits) > 1 and list(bits) == list(range(low, high + 1)):
        return f"{register}[{low}..{high}]"
    return f"{register}[{', '.join(map(str, bits))}]"


def lines(flow: Flow) -> tuple[list[str], list[int]]:
    """Return the names of the lines, and the line of each qubit: one a qubit, or where they are many one a register."""
    if flow.qubits <= MOST_QUBITS:
        names = [f"{name}[{i}]" for name, size in flow.quantum for i in range(size)]
        return names, list(range(len(names)))
    kept = [(name, size) for name, size in flow.quantum if size]
    names = [f"{name}  ({size} qubit{'s' * (size != 1)})" for name, size in kept]
    return names, [line for line, (_, size) in enumerate(kept) for _ in range(size)]


def draw_timeline(flows: Sequence[Flow], names: Sequence[str], title: str, path: Path) -> None:
    """Write the timelines of one or several circuits, below each other.

    Args:
        flows: the circuits.
        names: of the circuits; not shown where there is one only.
        title: of the figure.
        path: ends in .png or .svg.
    """
    shown = [columns(flow)[:MOST_COLUMNS] for flow in flows]
    rows = [[-line for line in lines(flow)[1]] for flow in flows]
    places = [placed(events, row) for events, row in zip(shown, rows, strict=True)]
    wide = max(NARROWEST, MARGIN + WIDTH * (max(max(place, default=0) for place in places) + 2))
    heights = [LINE * (len(lines(flow)[0]) + ROOM) for flow in flows]
    several = 0.3 * (len(flows) > 1)
    with canvas(path, len(flows), 1, size=(wide, sum(heights) + several * len(flows) + 0.5), font=9, height_ratios=heights) as (
        figure, grid,
    ):  # fmt: skip
        for axes, flow, events, row, place, name in zip(grid[:, 0], flows, shown, rows, places, names, strict=True):
            draw_flow(axes, lines(flow)[0], zip(place, events, strict=True), row, (wide - MARGIN) / WIDTH - 1.0)
            if several:
                axes.set_title(name, fontsize=9, loc="left")
        titled(figure, title, 9)


def draw_flow(axes: Axes, names: Sequence[str], events: Iterable[tuple[int, Column]], row: Sequence[int], wide: float) -> None:
    """Draw the lines of a circuit and what happens on them.

    Args:
        axes: to draw on.
        names: of the lines.
        events: each with its place.
        row: the height of each qubit's line.
        wide: how many columns there is room for.
    """
    last = 0
    for place, event in events:
        draw_event(axes, place, event, [row[q] for q in event.on])
        last = max(last, place)
    for line, name in enumerate(names):
        axes.plot([-0.6, last + 0.6], [-line, -line], color="#888888", lw=1, zorder=0)
        axes.text(-0.75, -line, name, ha="right", va="center")
    axes.set(xlim=(-1.0, max(wide, last + 1.0)), ylim=(0.5 - len(names), ROOM - 0.5))
    axes.axis("off")


def placed(events: Sequence[Column], row: Sequence[int]) -> list[int]:
    """Return the column of each event: a single gate stands as far left as it can, everything else after all before it."""
    free: dict[int, int] = {}
    result, end = [], 0
    for event in events:
        rows = [row[q] for q in event.on]
        span = range(min(rows), max(rows) + 1) if rows else range(0)
        place = max((free.get(r, 0) for r in span), default=end) if event.kind == "gate" else end
        end = max(end, place + 1)
        free.update(dict.fromkeys(span if event.kind == "gate" else row, place + 1))
        result.append(place)
    return result


def draw_event(axes: Axes, column: int, event: Column, on: Sequence[int]) -> None:
    """Draw one column: gates as blocks, measurements and resets as marks, conditions with the register they ask."""
    rows = sorted(set(on))
    if len(rows) > 1 and event.kind != "reset":
        axes.plot([column, column], [rows[0], rows[-1]], color=EDGE, lw=1, zorder=1)
    if event.kind == "gate":
        draw_gate(axes, column, event.label, on)
        return
    for row in rows:
        if event.kind in ("gates", "if"):
            draw_box(axes, column, row, GATES if event.kind == "gates" else STEERED)
        elif event.kind == "measure":
            axes.plot([column], [row], marker="D", color=READ, ms=7, zorder=3)
        else:
            axes.text(column, row, event.label, ha="center", va="center", fontsize=8, zorder=3, backgroundcolor="white")
    above = (rows[-1] if rows else 0) + 0.3
    if event.kind == "if":
        many = f" ×{event.number}" if event.number > 1 else ""
        axes.text(column, above, f"if {event.label}{many}", fontsize=7, color=STEER, **TURNED)  # type: ignore[arg-type]
    elif event.kind == "measure":
        axes.text(column, above, f"→ {event.label}", fontsize=7, color=READ, **TURNED)  # type: ignore[arg-type]
    elif event.kind == "gates" and event.number > 1:
        pairs = f", {event.pairs:,} two-qubit" if event.pairs else ""
        axes.text(column, above, f"{event.number:,} gates{pairs}", fontsize=6, color=QUIET, **TURNED)  # type: ignore[arg-type]


def draw_gate(axes: Axes, column: int, name: str, on: Sequence[int]) -> None:
    """Draw a single gate: a box with its name; CX and CZ as dots, the target of a CX as a circle."""
    if name not in TWO_QUBIT:
        for row in on:
            draw_box(axes, column, row, GATES)
            axes.text(column, row, name, ha="center", va="center", fontsize=7, zorder=3)
        return
    control, target = on
    axes.plot([column], [control], "o", color=EDGE, ms=5, zorder=2)
    if name == "cz":
        axes.plot([column], [target], "o", color=EDGE, ms=5, zorder=2)
    else:
        axes.plot([column], [target], "o", mfc="white", mec=EDGE, ms=10, zorder=2)
        axes.plot([column], [target], "+", color=EDGE, ms=10, zorder=3)


def draw_box(axes: Axes, column: int, row: int, colour: str) -> None:
    """Draw an empty box on a line."""
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((column - 0.3, row - 0.22), 0.6, 0.44, facecolor=colour, edgecolor=EDGE, zorder=2))
