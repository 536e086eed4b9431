# SPDX-License-Identifier: Apache-2.0
"""A phase on one basis state of many wires: without help, or with one clean qubit that returns to |0>.

With a clean qubit a, k controls and a target take ``6 k - 6`` CX for any phase. The product of the controls is gathered into
a and one other control: ``a = x_1 x_2``; given a = 1, x_1 and x_2 are known, so NOT x_2 is a clean place for ``x_3 x_4``; given
that one, too, NOT x_4 is a clean place for ``x_5 x_6``, and so on; then the products are gathered into the wires NOT x_3,
NOT x_1 from the last one back. Where a place is not clean, an earlier product is 0. That takes k - 2 Toffoli gates, which are
undone after a doubly controlled phase of 6 CX, so that they may have signs of their own: 3 CX each.

Source: conditionally clean qubits are from Khattar, Gidney, arXiv 2407.17966; the Toffoli gate with signs is Margolus'
(Barenco et al., Phys. Rev. A 52, 3457 (1995), section VI B).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import pi

from stinespring.circuits.core.from_qiskit import plain_gates
from stinespring.circuits.core.gates import Gate, inverted
from stinespring.circuits.core.one_qubit import wire_gates

__all__ = ["phase_of_ones", "phase_of_zeros"]


def phase_of_zeros(wires: Sequence[int], angle: float, clean: int | None = None) -> list[Gate]:
    """Return ``1 + (exp(i angle) - 1) |0...0><0...0|``, see :func:`phase_of_ones`."""
    flips = [Gate("x", (wire,)) for wire in wires]
    return [*flips, *phase_of_ones(wires, angle, clean), *flips]


def phase_of_ones(wires: Sequence[int], angle: float, clean: int | None = None) -> list[Gate]:
    """Return ``1 + (exp(i angle) - 1) |1...1><1...1|`` up to a global phase.

    Args:
        wires: n of them.
        angle: in radians; pi changes the sign.
        clean: a wire in |0>, which is there again afterwards; used from four wires on.

    Returns:
        0, 1 (2 if the angle is not pi), 6 two-qubit gates for n = 1, 2, 3, and 6 n - 12 with a clean wire; without one
        Qiskit's: 290 for n = 10.
    """
    if len(wires) > 3 and clean is not None:
        gathered, left = _gathered(wires[:-1], clean)
        return [*gathered, *_controlled_phase((*left, wires[-1]), angle), *inverted(gathered)]
    if len(wires) > 3:
        return [gate._replace(qubits=tuple(wires[q] for q in gate.qubits)) for gate in _unhelped(len(wires), angle)]
    return _controlled_phase(tuple(wires), angle)


def _gathered(controls: Sequence[int], clean: int) -> tuple[list[Gate], tuple[int, int]]:
    """Return gates that gather the product of k >= 3 controls into two wires, up to signs of basis states; and these wires."""
    gates = _toffoli(controls[0], controls[1], clean)
    rest, places = list(controls[2:]), list(controls[:2])
    products: list[int] = []  # wires whose product, with the clean one, is the product of all controls
    spare: list[int] = []  # wires that are 1 if the clean one and all products but the last few are: one for each product
    while len(rest) >= 2:
        target = places[1]
        gates += [Gate("x", (target,)), *_toffoli(rest[0], rest[1], target)]
        products.append(target)
        spare.append(places[0])
        places, rest = rest[:2], rest[2:]
    if rest:
        products.append(rest[0])
        spare.append(places[0])
    while len(products) > 1:
        last, before = products.pop(), products.pop()
        spare.pop()
        target = spare[-1]
        gates += [Gate("x", (target,)), *_toffoli(before, last, target)]
        products.append(target)
    return gates, (clean, products[0])


def _toffoli(one: int, other: int, target: int) -> list[Gate]:
    """Return a Toffoli gate up to the sign of one basis state."""
    turn, back = Gate("ry", (target,), (pi / 4,)), Gate("ry", (target,), (-pi / 4,))
    inner = Gate("cx", (other, target))
    return [turn, inner, turn, Gate("cx", (one, target)), back, inner, back]


def _controlled_phase(wires: tuple[int, ...], angle: float) -> list[Gate]:
    """Return the phase on one, two or three wires, from the parities of its wires."""
    if len(wires) == 1:
        return [Gate("u", wires, (0.0, 0.0, angle))]
    if len(wires) == 2 and abs(angle) == pi:
        return [Gate("cz", wires)]
    share = angle / (1 << len(wires) - 1)
    a, b, c = (*wires, 0)[:3]
    gates = [Gate("rz", (wire,), (share,)) for wire in wires]
    if len(wires) == 2:
        return [*gates, Gate("cx", (a, b)), Gate("rz", (b,), (-share,)), Gate("cx", (a, b))]
    gates += [Gate("cx", (a, b)), Gate("rz", (b,), (-share,)), Gate("cx", (a, b))]
    for control, sign in ((b, -1), (a, 1), (b, -1)):
        gates += [Gate("cx", (control, c)), Gate("rz", (c,), (sign * share,))]
    return [*gates, Gate("cx", (a, c))]


@lru_cache(maxsize=64)
def _unhelped(size: int, angle: float) -> tuple[Gate, ...]:
    """Return the phase without a clean wire, on wires 0 to size - 1."""
    from qiskit import QuantumCircuit
    from qiskit.circuit.library import MCXGate

    circuit, turn = QuantumCircuit(size), Gate("h", (size - 1,))
    if abs(angle) != pi:
        circuit.mcp(angle, list(range(size - 1)), size - 1)
        return tuple(plain_gates(circuit))
    circuit.append(MCXGate(size - 1), range(size))
    return tuple(wire_gates([turn, *plain_gates(circuit), turn], size))
