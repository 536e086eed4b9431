# SPDX-License-Identifier: Apache-2.0
"""A program of any source as a picture: registers and laws where there are laws, timelines of circuits otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from stinespring.batches import Body, Form, OneCircuit, Several
from stinespring.circuits.core.flow import Flow
from stinespring.circuits.core.gates import count_two_qubit
from stinespring.circuits.devices.read_back import flow_of
from stinespring.compiler.export.forms import FlowTemplate
from stinespring.compiler.options import DECODERS
from stinespring.compiler.stepwise.body import TextTemplate
from stinespring.compiler.stepwise.template import Template
from stinespring.compiler.systems.spin_template import SpinTemplate
from stinespring.compiler.texts.operations import Layout, Place
from stinespring.errors import InputError
from stinespring.readings import Register
from stinespring.report.figures.canvas import canvas, titled
from stinespring.report.figures.timeline import MOST_COLUMNS, columns, draw_timeline, lines
from stinespring.report.rows import words_of
from stinespring.stages import Program

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "MOST_BLOCKS", "MOST_CIRCUITS", "DrawnBlock", "blocks_of", "circuit_names", "draw_program", "extent", "flow_from", "head",
    "shown_of", "template_blocks", "timeline_title",
]  # fmt: skip

FILL = {"prompt": "#e8e8e8", "token": "#cfe0f5", "environment": "#fbe3c6", "memory": "#dcefdc", "ancilla": "#f0f0f0"}
EDGE, QUIET = "#1d3557", "#777777"
MOST_BLOCKS = 60
MOST_CIRCUITS = 3  # of several


class DrawnBlock(NamedTuple):
    """What makes one register out of others.

    Attributes:
        target: the register that is made.
        reads: those that it depends on.
        text: what is written on it.
    """

    target: Place
    reads: tuple[Place, ...]
    text: str


def draw_program(program: Program, path: Path) -> None:
    """Write the picture of a program, before any device.

    Texts with static measurements show registers, the laws that make them and what these read; so does the template of texts
    with the host in the loop. Every other program is a timeline of its circuit; of several circuits the first few.

    Args:
        program: of any source.
        path: ends in .png or .svg.

    Raises:
        InputError: the circuits are not at hand, as of a run that was fetched.
    """
    shown = shown_of(program.body)
    if isinstance(shown, Layout):
        gates = sum(count_two_qubit(d.gates) for d in shown.dilations) or program.cost.two_qubit_gates
        title = f"{shown.qubits} qubits, {gates} two-qubit gates, phases {program.promise}"
        draw_registers(shown.registers, blocks_of(shown), shown.measured, head(program, title), path)
    elif isinstance(shown, Template):
        title = f"template of {shown.qubits} qubits, {shown.slots} angles from the host, phases {program.promise}"
        names = [register.name for register in shown.registers]
        draw_registers(shown.registers, template_blocks(shown), names, head(program, title), path)
    else:
        kept = shown[:MOST_CIRCUITS]
        draw_timeline(kept, circuit_names(program, len(kept)), timeline_title(program, shown), path)


def extent(program: Program) -> tuple[int, int]:
    """Return the lines and the columns of a program's picture.

    Raises:
        InputError: the circuits are not at hand.
    """
    shown = shown_of(program.body)
    if isinstance(shown, Layout):
        return len(shown.registers), sum(len(d.channel.laws) for d in shown.dilations)
    if isinstance(shown, Template):
        return len(shown.registers), len(shown.registers)
    kept = shown[:MOST_CIRCUITS]
    return sum(len(lines(flow)[0]) for flow in kept), max(len(columns(flow)) for flow in kept)


def shown_of(body: Body) -> Layout | Template | tuple[Flow, ...]:
    """Return what is drawn of a body: a layout, a template, or circuits."""
    match body:
        case OneCircuit(form=Layout() as layout):
            return layout
        case OneCircuit():
            return (flow_from(body.form),)
        case Several():
            return tuple(flow_from(form) for form in body.forms[: MOST_CIRCUITS + 1])  # one more says that there are more
        case TextTemplate():
            return body.widest
        case SpinTemplate():
            return (body.widest.flow,)
    raise InputError(
        "the circuits of this program are not at hand", got="a run that was fetched", todo="compile it again and draw that"
    )


def flow_from(form: Form) -> Flow:
    """Return a circuit as instructions, under the names of its registers."""
    if isinstance(form, Flow):
        return form
    if isinstance(form, FlowTemplate):
        return form.flow
    circuit = form.circuit()
    flow, names = flow_of(circuit), tuple((register.name, register.size) for register in circuit.qregs)
    return replace(flow, quantum=names) if sum(size for _, size in names) == flow.qubits else flow


def head(program: Program, text: str) -> str:
    """Return a title: the source, the schedule, and what else there is to say."""
    device = f", drawn before it is lowered to {program.device}" if program.device else ""
    codes = program.details.get("codes")
    decoder = "" if codes is None else f", {DECODERS[codes]}"
    return f"{program.source.name}: {program.schedule}, {text}{decoder}{device}"


def timeline_title(program: Program, flows: Sequence[Flow]) -> str:
    """Return the title of timelines: what the program costs, and what of it is left out."""
    cost, width = program.cost, max(flow.qubits for flow in flows)
    worst = " on the worst path" if cost.conditions else ""
    parts = [f"{width} qubit{'s' * (width != 1)}", f"{cost.two_qubit_gates:,} two-qubit gates{worst}"]
    if cost.mid_circuit_measurements or cost.conditions:
        parts += [f"{cost.mid_circuit_measurements:,} measured on the way", f"{cost.conditions:,} conditions"]
    if isinstance(program.body, SpinTemplate):
        parts.append("the template of one token, its angles from the host")
    number = number_of_circuits(program.body)
    if number > MOST_CIRCUITS:
        parts.append(f"the first {MOST_CIRCUITS} of {number:,} circuits")
    events = max(len(columns(flow)) for flow in flows[:MOST_CIRCUITS])
    if events > MOST_COLUMNS:
        parts.append(f"the first {MOST_COLUMNS} of {events:,} events")
    return head(program, ", ".join(parts))


def number_of_circuits(body: Body) -> int:
    """Return how many circuits a body has."""
    return len(body.forms) if isinstance(body, Several) else 1


def circuit_names(program: Program, number: int) -> list[str]:
    """Return the names of the first circuits of a program."""
    names = () if program.asked is None else words_of(program).names
    known = len(names) == number_of_circuits(program.body)
    return list(names[:number]) if known else [f"circuit {i}" for i in range(1, number + 1)]


def blocks_of(layout: Layout) -> list[DrawnBlock]:
    """Return the laws of a layout as blocks, in order."""
    return [
        DrawnBlock(
            law.target,
            law.reads,
            f"step {d.channel.step}\n" + (f"| {len(law.contexts)} contexts" if law.reads else "prompt known"),
        )
        for d in layout.dilations
        for law in d.channel.laws
    ]


def template_blocks(template: Template) -> list[DrawnBlock]:
    """Return a template's registers as blocks: the last one, the token, depends on all before it."""
    *before, token = [Place.of(register) for register in template.registers]
    text = "angles\nfrom the host"
    return [*(DrawnBlock(place, (), text) for place in before), DrawnBlock(token, tuple(before), text)]


def draw_registers(
    registers: Sequence[Register], blocks: Sequence[DrawnBlock], measured: Sequence[str], title: str, path: Path
) -> None:
    """Write the picture of registers and the blocks that make them."""
    shown = blocks[:MOST_BLOCKS]
    if len(shown) < len(blocks):
        title = f"{title}; the first {MOST_BLOCKS} of {len(blocks)} laws"
    size = (max(6.0, 1.25 * (len(shown) + 3)), 0.75 * len(registers) + 1.5)
    with canvas(path, size=size) as (figure, grid):
        axes = grid[0, 0]
        rows = {Place.of(register): len(registers) - 1 - i for i, register in enumerate(registers)}
        for row, register in zip(rows.values(), registers, strict=True):
            draw_wire(axes, register, row, len(shown), measured=register.name in measured)
        for column, block in enumerate(shown):
            draw_block(axes, block, column, rows)
        axes.set(xlim=(-1.6, len(shown) + 1.1), ylim=(-0.7, len(registers) - 0.3))
        axes.axis("off")
        titled(figure, title, 10)


def draw_wire(axes: Axes, register: Register, row: int, columns: int, *, measured: bool) -> None:
    """Draw one register's line, its name and size, and its measurement."""
    axes.plot([-0.75, columns + 0.4], [row, row], color="#888888", lw=1, zorder=0)
    axes.text(-0.85, row, f"{register.name}  ({register.size} qubit{'s' * (register.size != 1)})", ha="right", va="center")
    if measured:
        axes.text(columns + 0.55, row, f"measure → {register.name}", ha="left", va="center", fontsize=8)
    elif register.role in ("memory", "ancilla"):
        axes.text(columns + 0.55, row, "left behind", ha="left", va="center", fontsize=8, color=QUIET)


def draw_block(axes: Axes, block: DrawnBlock, column: int, rows: dict[Place, int]) -> None:
    """Draw one block on the register it makes, with dots on the registers it reads."""
    from matplotlib.patches import FancyBboxPatch

    row = rows[block.target]
    involved = [rows[place] for place in block.reads] + [row]
    axes.plot([column, column], [min(involved), max(involved)], color=EDGE, lw=1, zorder=1)
    for place in block.reads:
        axes.plot([column], [rows[place]], "o", color=EDGE, ms=5, zorder=2)
    box = FancyBboxPatch(
        (column - 0.38, row - 0.28),
        0.76,
        0.56,
        boxstyle="round,pad=0.02",
        facecolor=FILL[block.target.role],
        edgecolor=EDGE,
        zorder=3,
    )
    axes.add_patch(box)
    axes.text(column, row, block.text, ha="center", va="center", fontsize=7, zorder=4)
