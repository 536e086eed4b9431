# SPDX-License-Identifier: Apache-2.0
"""A program as a picture: registers by name, steps as blocks, dots where a step reads a register."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from stinespring.circuits.core.gates import count_two_qubit
from stinespring.compiler.texts.operations import StepLaw
from stinespring.readings import Register
from stinespring.report.figures.plot import require_figure
from stinespring.report.figures.timeline import draw_timeline
from stinespring.stages import Program
from stinespring.writing import write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_program"]

FILL = {"prompt": "#e8e8e8", "token": "#cfe0f5", "environment": "#fbe3c6", "memory": "#dcefdc", "ancilla": "#f0f0f0"}
EDGE = "#1d3557"
MOST_BLOCKS = 60


def draw_program(program: Program, path: Path) -> None:
    """Write the picture of a program.

    Args:
        program: what to draw; of a stepwise program the template's registers, of a dynamic one the timeline.
        path: ends in .png or .svg.
    """
    if program.dynamic is not None:
        draw_timeline(program, path)
        return
    require_figure(path)
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    registers = program.schedule.registers
    blocks = [(d.channel.step, law) for d in program.schedule.dilations for law in d.channel.laws][:MOST_BLOCKS]
    width = max(6.0, 1.25 * (len(blocks) + 3))
    with pyplot.rc_context({"svg.hashsalt": "stinespring", "font.size": 10}):
        figure, axes = pyplot.subplots(figsize=(width, 0.75 * len(registers) + 1.5), layout="constrained")
        rows = {register.name: len(registers) - 1 - i for i, register in enumerate(registers)}
        for register in registers:
            draw_wire(axes, register, rows[register.name], len(blocks), measured=register.name in program.schedule.measured)
        for column, (step, law) in enumerate(blocks):
            draw_block(axes, law, column, rows, {r.name: r for r in registers}, step)
        gates = sum(count_two_qubit(d.gates) for d in program.schedule.dilations) or program.cost.two_qubit_gates
        axes.set_title(
            f"{program.model.name}: {program.schedule.kind}, {program.schedule.qubits} qubits, {gates} two-qubit gates, "
            f"phases {program.phases}",
            fontsize=10,
        )
        axes.set(xlim=(-1.6, len(blocks) + 1.1), ylim=(-0.7, len(registers) - 0.3))
        axes.axis("off")
        buffer = io.BytesIO()
        kind = path.suffix.lower()[1:]
        figure.savefig(buffer, format=kind, dpi=150, metadata={"Date": None} if kind == "svg" else None)
        pyplot.close(figure)
    write_whole(path, buffer.getvalue())


def draw_wire(axes: Axes, register: Register, row: int, columns: int, *, measured: bool) -> None:
    """Draw one register's line, its name and size, and its measurement."""
    axes.plot([-0.75, columns + 0.4], [row, row], color="#888888", lw=1, zorder=0)
    axes.text(-0.85, row, f"{register.name}  ({register.size} qubit{'s' * (register.size != 1)})", ha="right", va="center")
    if measured:
        axes.text(columns + 0.55, row, f"measure → {register.name}", ha="left", va="center", fontsize=8)
    elif register.role in ("memory", "ancilla"):
        axes.text(columns + 0.55, row, "left behind", ha="left", va="center", fontsize=8, color="#777777")


def draw_block(axes: Axes, law: StepLaw, column: int, rows: dict[str, int], registers: dict[str, Register], step: int) -> None:
    """Draw one law: a block on the register it makes, dots on the registers it reads."""
    from matplotlib.patches import FancyBboxPatch

    row = rows[law.target]
    involved = [rows[name] for name in law.reads] + [row]
    axes.plot([column, column], [min(involved), max(involved)], color=EDGE, lw=1, zorder=1)
    for name in law.reads:
        axes.plot([column], [rows[name]], "o", color=EDGE, ms=5, zorder=2)
    box = FancyBboxPatch(
        (column - 0.38, row - 0.28),
        0.76,
        0.56,
        boxstyle="round,pad=0.02",
        facecolor=FILL[registers[law.target].role],
        edgecolor=EDGE,
        zorder=3,
    )
    axes.add_patch(box)
    condition = f"\n| {len(law.contexts)} contexts" if law.reads else "\nprompt known"
    axes.text(column, row, f"step {step}{condition}", ha="center", va="center", fontsize=7, zorder=4)
