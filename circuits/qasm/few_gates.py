# SPDX-License-Identifier: Apache-2.0
"""Programs in few kinds of gates, for languages and devices that do not have all of them; phases of gates may change.

A phase of a gate that no condition on a qubit guards is one of the whole program, or of a branch that bits have chosen:
nothing can see it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from math import pi
from typing import Any

from stinespring.circuits.core.flow import Flow, If, Instruction, Measure, Reset
from stinespring.circuits.core.gates import Gate

__all__ = ["BRAKET_DEVICES", "QELIB1", "in_few_gates"]

BRAKET_DEVICES = frozenset({"x", "h", "rx", "ry", "rz", "cx"})  # that all gate-based devices of Braket list among theirs
QELIB1 = frozenset("u x y z h s sdg t tdg rx ry rz cx cz".split())  # noqa: SIM905 -- OpenQASM 2's own library, and "u" for u3

Parts = list[tuple[str, tuple[int, ...], tuple[Any, ...]]]
ONE, OTHER, BOTH, BACK = (0,), (1,), (0, 1), (1, 0)
WRITTEN: Mapping[str, Callable[..., Parts]] = {
    "id": lambda: [],
    "y": lambda: [("ry", ONE, (pi,))],
    "z": lambda: [("rz", ONE, (pi,))],
    "s": lambda: [("rz", ONE, (pi / 2,))],
    "sdg": lambda: [("rz", ONE, (-pi / 2,))],
    "t": lambda: [("rz", ONE, (pi / 4,))],
    "tdg": lambda: [("rz", ONE, (-pi / 4,))],
    "sx": lambda: [("rx", ONE, (pi / 2,))],
    "sxdg": lambda: [("rx", ONE, (-pi / 2,))],
    "p": lambda a: [("rz", ONE, (a,))],
    "u1": lambda a: [("rz", ONE, (a,))],
    "u2": lambda phi, lam: [("u", ONE, (pi / 2, phi, lam))],
    "u3": lambda theta, phi, lam: [("u", ONE, (theta, phi, lam))],
    "u": lambda theta, phi, lam: [("rz", ONE, (lam,)), ("ry", ONE, (theta,)), ("rz", ONE, (phi,))],
    "cz": lambda: [("h", OTHER, ()), ("cx", BOTH, ()), ("h", OTHER, ())],
    "swap": lambda: [("cx", BOTH, ()), ("cx", BACK, ()), ("cx", BOTH, ())],
    "ecr": lambda: [("s", ONE, ()), ("sx", OTHER, ()), ("cx", BOTH, ()), ("x", ONE, ())],
    "rzz": lambda a: [("cx", BOTH, ()), ("rz", OTHER, (a,)), ("cx", BOTH, ())],
}


def rewritten(gates: Iterable[Gate], kept: frozenset[str]) -> Iterator[Gate]:
    """Yield the same gates, up to phases, in the kinds that are kept where it is known how."""
    for gate in gates:
        if gate.name in kept or gate.name not in WRITTEN:
            yield gate
            continue
        parts = WRITTEN[gate.name](*gate.params)
        yield from rewritten((Gate(name, tuple(gate.qubits[i] for i in on), angles) for name, on, angles in parts), kept)


def in_few_gates(flow: Flow, kept: frozenset[str]) -> Flow:
    """Return the program in the kinds of gates that are kept, without its global phase; others that are not known stay.

    Example:
        >>> flow = Flow((("q", 2),), (), (Gate("cz", (0, 1)),))
        >>> [gate.name for gate in in_few_gates(flow, BRAKET_DEVICES).instructions]
        ['h', 'cx', 'h']
    """
    items: list[Instruction] = []
    for item in flow.instructions:
        if isinstance(item, If):
            items.append(item._replace(gates=tuple(rewritten(item.gates, kept))))
        elif isinstance(item, Measure | Reset):
            items.append(item)
        else:
            items += rewritten((item,), kept)
    return replace(flow, instructions=tuple(items), phase=0.0)
