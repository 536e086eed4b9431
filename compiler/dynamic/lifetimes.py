# SPDX-License-Identifier: Apache-2.0
"""The life of every register as a graph of events: prepared, read by gates, measured, asked by conditions, freed.

A register that was prepared is read in its computational basis only, by gates that are diagonal on it. It may therefore be
measured any time after its preparation, whether or not gates still read it: the earliest legal measurement is right after it.
What needs its bits must come after the measurement, and its qubits are free after the last gate that reads it and the
measurement.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from networkx import DiGraph

__all__ = ["Life", "colour", "event_graph", "explain", "lives"]

START = -1  # of registers that hold a quantum prompt


@dataclass(frozen=True)
class Life:
    """One register's times, as numbers of laws.

    Attributes:
        register: its name.
        qubits: how many it takes while it lives.
        prepared: the law that makes it.
        measured: the law after whose gates it is measured; None if it never is.
        freed: the law after which its qubits may be used again.
        conditions: the laws that ask its bits.
        controls: the laws whose gates read it.
    """

    register: str
    qubits: int
    prepared: int
    measured: int | None
    freed: int
    conditions: tuple[int, ...]
    controls: tuple[int, ...]


def event_graph(
    prepared: Mapping[str, int],
    controls: Mapping[str, Iterable[int]],
    conditions: Mapping[str, Iterable[int]],
    read_out: set[str],
) -> DiGraph:
    """Return the events (kind, register, law) with an edge from each to what must come after it.

    Args:
        prepared: the law that makes each register.
        controls: the laws whose gates read it.
        conditions: the laws that ask its bits.
        read_out: registers whose outcome is wanted.
    """
    from networkx import DiGraph

    graph = DiGraph()
    for register, made in prepared.items():
        graph.add_edge(("allocate", register, made), ("prepare", register, made))
        uses = [("control", register, law) for law in sorted(controls.get(register, ()))]
        for use in uses:
            graph.add_edge(("prepare", register, made), use)
            graph.add_edge(use, ("free", register, made))
        asked = sorted(conditions.get(register, ()))
        if asked or register in read_out:
            graph.add_edge(("prepare", register, made), ("measure", register, made))
            graph.add_edge(("measure", register, made), ("free", register, made))
            graph.add_edges_from((("measure", register, made), ("condition", register, law)) for law in asked)
        graph.add_edge(("prepare", register, made), ("free", register, made))
    return graph


def lives(graph: DiGraph, qubits: Mapping[str, int]) -> list[Life]:
    """Return when every register is measured and freed.

    A register whose bits are asked is measured as soon as it legally can; one that is only read out is measured when the last
    gate has read it, so that its qubits are idle for no time between the two.

    Args:
        graph: the events.
        qubits: how many each register takes.
    """
    result = []
    for kind, register, made in graph.nodes:
        if kind != "prepare":
            continue
        after = graph.successors((kind, register, made))
        controls = sorted(law for other, _, law in after if other == "control")
        last = controls[-1] if controls else made
        measure = ("measure", register, made)
        asked: tuple[int, ...] = ()
        measured = None
        if measure in graph:
            asked = tuple(sorted(law for other, _, law in graph.successors(measure) if other == "condition"))
            measured = made if asked else last
        result.append(Life(register, qubits[register], made, measured, last, asked, tuple(controls)))
    return result


def colour(lifetimes: Iterable[Life]) -> dict[str, tuple[int, ...]]:
    """Return the qubits of every register, as few as ever live at once: an interval graph coloured by starting time."""
    from networkx import Graph
    from networkx.algorithms.coloring import greedy_color

    graph = Graph()
    spans = [(life, qubit) for life in sorted(lifetimes, key=lambda x: x.prepared) for qubit in range(life.qubits)]
    graph.add_nodes_from((life.register, qubit) for life, qubit in spans)
    active: list[tuple[Life, int]] = []
    for life, qubit in spans:
        active = [(other, q) for other, q in active if other.freed >= life.prepared]
        graph.add_edges_from(((life.register, qubit), (other.register, q)) for other, q in active)
        active.append((life, qubit))
    colours = greedy_color(graph, strategy=lambda g, _: [(life.register, qubit) for life, qubit in spans])
    return {life.register: tuple(colours[life.register, q] for q in range(life.qubits)) for life, _ in spans}


def explain(life: Life, names: Mapping[int, str]) -> str:
    """Return one sentence on why a register is measured where it is.

    Args:
        life: the register.
        names: what each law makes.
    """
    if life.measured is None:
        return f"{life.register}: never measured; its qubits are free after {names.get(life.freed, 'the start')}"
    if life.conditions:
        reason = f"measured right away: {names[life.conditions[0]]} is conditioned on its bits"
        if life.controls:
            reason += f"; its qubits go on controlling gates until {names[life.controls[-1]]}"
    elif life.controls:
        reason = f"measured after {names[life.controls[-1]]}, the last one whose gates it controls"
    else:
        reason = "measured right away: nothing reads it"
    return f"{life.register}: {reason}"
