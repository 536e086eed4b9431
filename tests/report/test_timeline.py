# SPDX-License-Identifier: Apache-2.0
"""Circuits as timelines: what is one column, and where it stands."""

from __future__ import annotations

from stinespring.circuits.core.flow import Flow, If, Measure, Reset
from stinespring.circuits.core.gates import Gate
from stinespring.report.figures.timeline import MOST_GATES, MOST_QUBITS, columns, draw_timeline, lines, placed

X0, X1, CX = Gate("x", (0,)), Gate("x", (1,)), Gate("cx", (1, 0))


def flow(*items, sizes=(("c", 2),)):
    return Flow((("q", 2),), sizes, items)


def test_few_gates_stand_one_by_one():
    found = columns(flow(X0, X1, CX, Measure((0, 1), "c", (0, 1))))
    assert [(c.kind, c.on, c.label, c.pairs) for c in found] == [
        ("gate", (0,), "x", 0), ("gate", (1,), "x", 0), ("gate", (1, 0), "cx", 1), ("measure", (0, 1), "c", 0),
    ]  # fmt: skip
    assert placed(found, [0, -1]) == [0, 0, 1, 2]


def test_many_gates_are_one_column():
    found = columns(flow(*[X0] * MOST_GATES, CX, Reset((0,)), X1))
    assert [(c.kind, c.on, c.number, c.pairs) for c in found] == [
        ("gates", (0, 1), MOST_GATES + 1, 1), ("reset", (0,), 1, 0), ("gates", (1,), 1, 0),
    ]  # fmt: skip


def test_conditions_on_one_register_are_one_column():
    found = columns(flow(If("c", 1, (X0,)), If("c", 2, (X1,)), If("d", 1, (X0,)), sizes=(("c", 2), ("d", 1))))
    assert [(c.kind, c.on, c.label, c.number) for c in found] == [("if", (0, 1), "c", 2), ("if", (0,), "d", 1)]


def test_measurements_are_one_column_by_register_or_by_qubit():
    sizes = (("c", 2), ("h", 3))
    one = columns(flow(Measure((0,), "c", (0,)), Measure((1,), "c", (1,)), sizes=sizes))
    assert [(c.on, c.label) for c in one] == [((0, 1), "c")]
    two = columns(flow(Measure((0,), "c", (1,)), Measure((0,), "h", (2,)), Measure((1,), "h", (0,)), sizes=sizes))
    assert [(c.on, c.label) for c in two] == [((0,), "c[1]"), ((0, 1), "h[2, 0]")]
    same = columns(flow(Measure((0, 1), "c", (0, 1)), Measure((0, 1), "h", (1, 2)), sizes=sizes))
    assert [(c.on, c.label) for c in same] == [((0, 1), "c\nh[1..2]")]


def test_what_measures_stands_after_all_before_it():
    found = columns(flow(X0, Measure((0,), "c", (0,)), X1, X0))
    assert placed(found, [0, -1]) == [0, 1, 2, 2]


def test_many_qubits_share_a_line_by_register():
    wide = Flow((("a", MOST_QUBITS), ("none", 0), ("b", 1)), (), ())
    assert lines(wide) == ([f"a  ({MOST_QUBITS} qubits)", "b  (1 qubit)"], [0] * MOST_QUBITS + [1])
    assert lines(flow()) == (["q[0]", "q[1]"], [0, 1])


def test_circuits_without_instructions_are_drawn(tmp_path):
    draw_timeline([flow(), flow(If("c", 1, ()))], ["one", "two"], "nothing", tmp_path / "p.svg")
    text = (tmp_path / "p.svg").read_text(encoding="utf-8")
    assert all(f"<!-- {word}" in text for word in ("one", "two", "nothing", "q[1]"))
