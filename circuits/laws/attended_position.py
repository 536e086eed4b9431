# SPDX-License-Identifier: Apache-2.0
"""Laws of attention through the attended position, which stays in ancillas.

Ancilla j = 1..n-1 takes position j over the earlier ones with probability ``v_j = a_j / sum_{i<=j} a_i``, one sequence each.
Then every bit of the attended token is selected to a fresh qubit, four CX a position, and f is applied. That costs about
``(n - 1) (2^{kn-1} + 4 k)`` instead of ``2^{kn-1} (2^k - 1)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import NamedTuple

import numpy as np

from stinespring.circuits.core.cz_sequence import CzSequence
from stinespring.circuits.core.gates import Gate, count_two_qubit
from stinespring.circuits.laws.attention_law import AttentionLaw
from stinespring.circuits.laws.sequence_search import law_sequence
from stinespring.circuits.laws.token_map import IN_PLACE_BITS, load_bit, permute
from stinespring.readings import BoolArray, FloatArray, IntArray

__all__ = ["AttendedCircuit", "attended_position", "select"]

NO_MASS = 1e-300
RENAMED_BITS = 2  # all codes are compared up to so many outcome bits if f is no permutation


class AttendedCircuit(NamedTuple):
    """Gates, number of ancillas, and the code of every outcome."""

    gates: list[Gate]
    ancillas: int
    codes: IntArray


def take_laws(law: AttentionLaw) -> list[tuple[FloatArray, BoolArray]]:
    """Return polar angles of ``v_j = a_j / sum_{i<=j} a_i`` for j = 1..n-1, and the rows that matter."""
    total = np.cumsum(law.weights, axis=1)
    result = []
    for j in range(1, law.tokens):
        theta = 2 * np.arctan2(np.sqrt(law.weights[:, j]), np.sqrt(total[:, j - 1]))
        differs = np.any(law.outcomes[:, : j + 1] != law.outcomes[:, :1], axis=1)
        result.append((theta, law.care & differs & (total[:, j] > NO_MASS)))
    return result


def separate_sequences(law: AttentionLaw, *, effort: float = 0.0, seed: int = 0) -> list[CzSequence]:
    """Return one sequence a position, each for its own law."""
    laws = take_laws(law)
    share = effort / max(1, len(laws))
    return [law_sequence(theta, care, effort=share, seed=seed + j) for j, (theta, care) in enumerate(laws)]


def select(position: int, keep: int, take: int, fresh: int) -> list[Gate]:
    """Return four CX that write ``take`` on a fresh qubit if ``position`` is one, else ``keep``, up to phases.

    ``C-H(position); Z^take; X^keep; C-H(position)``: Z leaves |0> and flips |+>, X flips |0> and leaves |+>.
    """
    eighth = float(np.pi / 4)
    branch = [Gate("ry", (fresh,), (-eighth,)), Gate("cz", (position, fresh)), Gate("ry", (fresh,), (eighth,))]
    return [*branch, Gate("cz", (take, fresh)), Gate("cx", (keep, fresh)), *branch]


def needed_bits(token_map: IntArray) -> list[int]:
    """Return the token bits that f depends on."""
    words = np.arange(len(token_map))
    return [b for b in range(len(words).bit_length() - 1) if np.any(token_map != token_map[words ^ (1 << b)])]


def load_map(token_map: IntArray, wires: Sequence[int], output: Sequence[int]) -> list[Gate]:
    """Return f onto fresh output qubits, read from the wires of the bits that it needs."""
    needed = needed_bits(token_map)
    words = sum(((np.arange(1 << len(needed)) >> i & 1) << b for i, b in enumerate(needed)), start=np.zeros(1, dtype=np.int64))
    image = token_map[words]
    return [g for b, out in enumerate(output) for g in load_bit(tuple((image >> b & 1).tolist()), wires, out)]


def shortest_codes(token_map: IntArray) -> IntArray:
    """Return codes of the outcomes under which f is cheap to load."""
    size = len(token_map)
    wires = range(len(needed_bits(token_map)))
    output = range(len(wires), len(wires) + size.bit_length() - 1)
    every = permutations(range(size)) if size <= 1 << RENAMED_BITS else [tuple(range(size)), first_token_codes(token_map)]
    return min(
        (np.array(codes, dtype=np.int64) for codes in every),
        key=lambda codes: count_two_qubit(load_map(codes[token_map], wires, output)),
    )


def first_token_codes(token_map: IntArray) -> tuple[int, ...]:
    """Return codes that name every outcome after the first token it comes from."""
    codes = {t: int(np.flatnonzero(token_map == t)[0]) for t in set(token_map.tolist())}
    unused = [c for c in range(len(token_map)) if c not in codes.values()]
    return tuple(codes[t] if t in codes else unused.pop(0) for t in range(len(token_map)))


def attended_position(law: AttentionLaw, sequences: list[CzSequence], *, free_codes: bool) -> AttendedCircuit:
    """Join the choice of a position, the selection of its bits, and the token map.

    Args:
        law: the law of attention.
        sequences: of ancillas 1..n-1, each controlled by the kn context wires.
        free_codes: whether outcomes may be renamed: a permutation f then costs nothing.

    Returns:
        Gates on context wires 0..kn-1, outcome wires kn..kn+k-1 and ancillas.
    """
    k, width = law.token_bits, law.token_bits * law.tokens
    permutation = len(np.unique(law.token_map)) == 1 << k
    in_place = permutation and (free_codes or k <= IN_PLACE_BITS)
    codes = np.arange(1 << k)
    if free_codes:
        codes = np.argsort(law.token_map) if permutation else shortest_codes(law.token_map)
    token_map = codes[law.token_map]
    needed = list(range(k)) if in_place else needed_bits(token_map)
    output, free = list(range(width, width + k)), width + k
    positions = list(range(free, free + len(sequences))) if needed else []
    free += len(positions)
    gates = [g for s, p in zip(sequences, positions, strict=False) for g in s.gate_list(range(width), p)]
    selected = []
    for bit in needed:
        held = bit
        for j, position in enumerate(positions, start=1):
            fresh = output[bit] if in_place and j == len(positions) else free
            free += fresh == free
            gates += select(position, held, j * k + bit, fresh)
            held = fresh
        selected.append(held)
    if not in_place:
        gates += load_map(token_map, selected, output)
        return AttendedCircuit(gates, free - width - k, codes)
    if not positions:
        gates += [Gate("cx", (bit, output[bit])) for bit in range(k)]
    if np.any(token_map != np.arange(1 << k)):
        gates += permute(tuple(token_map.tolist()), output)
    return AttendedCircuit(gates, free - width - k, codes)
