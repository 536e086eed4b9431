# SPDX-License-Identifier: Apache-2.0
"""A dynamic program as a timeline: which register lives on which qubit, when it is measured, and what its bits steer."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from stinespring.circuits.core.flow import If, Measure, Reset
from stinespring.report.figures.plot import require_figure
from stinespring.stages import Program
from stinespring.writing import write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from stinespring.circuits.core.flow import Flow

__all__ = ["draw_timeline"]

MOST_COLUMNS = 120
GATES, EDGE, READ, STEER = "#cfe0f5", "#1d3557", "#1b7f4d", "#d9822b"


def columns(flow: Flow) -> list[tuple[str, tuple[int, ...], str]]:
    """Return what happens, in order: (kind, qubits, label).

    Neighbouring gates are one column, and so are neighbouring conditions on one register.
    """
    result: list[tuple[str, tuple[int, ...], str]] = []
    tested: dict[int, set[int]] = {}
    for item in flow.instructions:
        if isinstance(item, Measure):
            names = ", ".join(f"{item.register}[{bit}]" for bit in item.bits)
            if result and result[-1][:2] == ("measure", item.qubits):
                result[-1] = ("measure", item.qubits, f"{result[-1][2]}\n{names}")
            else:
                result.append(("measure", item.qubits, names))
        elif isinstance(item, Reset):
            result.append(("reset", item.qubits, "|0⟩"))
        elif isinstance(item, If):
            on = {q for gate in item.gates for q in gate.qubits}
            if result and result[-1][0] == "if" and result[-1][2] == item.register:
                tested[len(result) - 1] |= on
            else:
                result.append(("if", (), item.register))
                tested[len(result) - 1] = on
        elif result and result[-1][0] == "gates":
            result[-1] = ("gates", tuple({*result[-1][1], *item.qubits}), "")
        else:
            result.append(("gates", item.qubits, ""))
    return [(kind, tuple(sorted(tested.get(i, on))), label) for i, (kind, on, label) in enumerate(result)]


def draw_timeline(program: Program, path: Path) -> None:
    """Write the timeline of a dynamic program.

    Args:
        program: with the schedule ``dynamic``.
        path: ends in .png or .svg.
    """
    require_figure(path)
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    assert program.dynamic is not None, "only dynamic programs have a timeline"
    flow = program.dynamic.flow
    events = columns(flow)
    shown = events[:MOST_COLUMNS]
    names = [f"{name}[{i}]" for name, size in flow.quantum for i in range(size)]
    width = max(9.5, 0.55 * len(shown) + 2.5)
    with pyplot.rc_context({"svg.hashsalt": "stinespring", "font.size": 9}):
        figure, axes = pyplot.subplots(figsize=(width, 0.6 * flow.qubits + 1.9), layout="constrained")
        for row, name in enumerate(names):
            axes.plot([-0.6, len(shown) - 0.4], [-row, -row], color="#888888", lw=1, zorder=0)
            axes.text(-0.75, -row, name, ha="right", va="center")
        for column, event in enumerate(shown):
            draw_event(axes, column, *event)
        cost = program.cost
        more = f" (the first {MOST_COLUMNS} of {len(events)} events)" if len(events) > MOST_COLUMNS else ""
        axes.set_title(
            f"{program.model.name}: dynamic, {flow.qubits} qubits, {cost.two_qubit_gates} two-qubit gates on the worst path, "
            f"{cost.mid_circuit_measurements} measured on the way, {cost.conditions} conditions{more}",
            fontsize=9,
        )
        axes.set(xlim=(-2.2, len(shown)), ylim=(-flow.qubits + 0.1, 0.9))
        axes.axis("off")
        buffer = io.BytesIO()
        kind = path.suffix.lower()[1:]
        figure.savefig(buffer, format=kind, dpi=130, metadata={"Date": None} if kind == "svg" else None)
        pyplot.close(figure)
    write_whole(path, buffer.getvalue())


def draw_event(axes: Axes, column: int, kind: str, on: tuple[int, ...], label: str) -> None:
    """Draw one column: gates as blocks, measurements and resets as marks, conditions with the register they ask."""
    from matplotlib.patches import Rectangle

    rows = [-q for q in on]
    if len(rows) > 1:
        axes.plot([column, column], [min(rows), max(rows)], color=EDGE, lw=1, zorder=1)
    for row in rows:
        if kind in ("gates", "if"):
            colour = GATES if kind == "gates" else "#fbe3c6"
            axes.add_patch(Rectangle((column - 0.3, row - 0.22), 0.6, 0.44, facecolor=colour, edgecolor=EDGE, zorder=2))
        elif kind == "measure":
            axes.plot([column], [row], marker="D", color=READ, ms=7, zorder=3)
        else:
            axes.text(column, row, label, ha="center", va="center", fontsize=8, zorder=3, backgroundcolor="white")
    if kind == "if":
        axes.text(column, max(rows) + 0.3, f"if {label}", ha="center", va="bottom", fontsize=7, color=STEER, rotation=35)
    elif kind == "measure":
        axes.text(column, max(rows) + 0.28, f"→ {label}", ha="center", va="bottom", fontsize=6, color=READ, rotation=35)
