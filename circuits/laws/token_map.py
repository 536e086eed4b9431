# SPDX-License-Identifier: Apache-2.0
"""Token maps f as circuits up to phases: in place for permutations, onto fresh qubits otherwise."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from functools import lru_cache
from itertools import permutations

import numpy as np

from stinespring.circuits.core.gates import Gate
from stinespring.circuits.laws.closed_form import closed_form

__all__ = ["IN_PLACE_BITS", "load_bit", "permute", "phase_toffoli"]

Table = tuple[int, ...]
IN_PLACE_BITS = 3  # permutations of more bits have no word here
MONOMIAL_COST = {0: 0, 1: 1, 2: 3}  # two-qubit gates of a product of so many bits


def phase_toffoli(first: int, second: int, target: int) -> list[Gate]:
    """Return a Toffoli up to signs, with three CX.

    ``Ry(pi/4) CX Ry(pi/4) CX Ry(-pi/4) CX Ry(-pi/4)`` on the target.
    Source: N. Margolus; Barenco et al., Phys. Rev. A 52, 3457 (1995), section VI.B.
    """
    eighth = float(np.pi / 4)
    turn, back = Gate("ry", (target,), (eighth,)), Gate("ry", (target,), (-eighth,))
    outer, inner = Gate("cx", (first, target)), Gate("cx", (second, target))
    return [turn, outer, turn, inner, back, outer, back]


def elementary(k: int) -> list[tuple[int, tuple[int, ...], Table]]:
    """Return cost, qubits (the target last) and table of every X, CX and Toffoli on k bits."""
    moves = []
    for size, cost in ((1, 0), (2, 1), (3, 3)):
        for qubits in permutations(range(k), size):
            if qubits[:-1] == tuple(sorted(qubits[:-1])):
                need = sum(1 << q for q in qubits[:-1])
                table = tuple(v ^ (1 << qubits[-1]) if v & need == need else v for v in range(1 << k))
                moves.append((cost, qubits, table))
    return moves


@lru_cache(maxsize=256)
def cheapest_word(f: Table) -> tuple[tuple[int, ...], ...]:
    """Return the cheapest word of X, CX and Toffoli (0, 1 and 3 CX) for a permutation, by Dijkstra's search.

    Args:
        f: table of a permutation of at most three bits.

    Returns:
        Qubits of each letter in order, its target last.
    """
    k = len(f).bit_length() - 1
    moves, start = elementary(k), tuple(range(1 << k))
    heap: list[tuple[int, int, Table]] = [(0, 0, start)]
    reached: dict[Table, tuple[int, int, Table | None, tuple[int, ...]]] = {start: (0, 0, None, ())}
    while heap:
        cost, steps, state = heapq.heappop(heap)
        if state == f:
            break
        if (cost, steps) != reached[state][:2]:
            continue
        for price, qubits, table in moves:
            after = tuple([table[v] for v in state])
            key = (cost + price, steps + 1)
            if after not in reached or key < reached[after][:2]:
                reached[after] = (*key, state, qubits)
                heapq.heappush(heap, (*key, after))
    word: list[tuple[int, ...]] = []
    at: Table | None = f
    while at is not None:
        _, _, at, qubits = reached[at]
        word.append(qubits)
    return tuple(word[-2::-1])


def permute(f: Table, wires: Sequence[int]) -> list[Gate]:
    """Return a permutation of up to three bits in place, up to phases."""
    gates: list[Gate] = []
    for letter in cheapest_word(f):
        qubits = tuple(wires[q] for q in letter)
        if len(qubits) == 3:
            gates += phase_toffoli(*qubits)
        else:
            gates.append(Gate("x" if len(qubits) == 1 else "cx", qubits))
    return gates


def monomials(table: Table, polarity: int) -> list[int]:
    """Return the monomials of the Reed-Muller form of a boolean table, with the bits in ``polarity`` negated."""
    form = [table[v ^ polarity] for v in range(len(table))]
    for i in range(len(table).bit_length() - 1):
        for v in range(len(table)):
            if v >> i & 1:
                form[v] ^= form[v ^ (1 << i)]
    return [v for v, occurs in enumerate(form) if occurs]


def load_bit(table: Table, wires: Sequence[int], target: int) -> list[Gate]:
    """Return ``|u>|0> -> |u>|table[u]>`` up to phases: a Reed-Muller form, or a sequence if that is shorter.

    Args:
        table: a bit for each value of the wires.
        wires: the wires that are read.
        target: a fresh qubit.
    """
    size = len(table)
    forms = [(monomials(table, polarity), polarity) for polarity in range(size)]
    costs = [sum(MONOMIAL_COST.get(m.bit_count(), size) for m in form) for form, _ in forms]
    sequence = closed_form(np.pi * np.array(table, dtype=np.float64), np.ones(size, dtype=np.bool_))
    if sequence.cost < min(costs):
        return sequence.gate_list(wires, target)
    form, polarity = forms[int(np.argmin(costs))]
    flips = [Gate("x", (wire,)) for i, wire in enumerate(wires) if polarity >> i & 1]
    gates = list(flips)
    for monomial in form:
        used = [wire for i, wire in enumerate(wires) if monomial >> i & 1]
        if len(used) == 2:
            gates += phase_toffoli(used[0], used[1], target)
        else:
            gates.append(Gate("cx", (used[0], target)) if used else Gate("x", (target,)))
    return gates + flips
