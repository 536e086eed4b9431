# SPDX-License-Identifier: Apache-2.0
"""From a channel to its Stinespring isometry as a circuit of uniformly controlled rotations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from stinespring.circuits.gates import Gate
from stinespring.circuits.multiplexer import gray_angles, law_angles, multiplexed_ry
from stinespring.errors import TooLargeError
from stinespring.models.base import FloatArray
from stinespring.stages import UNUSED, Channel, Dilation, Law, Register

__all__ = ["dilate", "law_gates", "table"]

MOST_BITS = 22  # 4 million rotations
NEGLIGIBLE = 4e-16  # radians: the rounding of a Walsh coefficient that is zero


def table(law: Law, registers: Mapping[str, Register]) -> FloatArray:
    """Return the law over codes, shape (2^M, 2^k): the first register read holds the least significant bits.

    Codes that never occur have all-zero rows and columns.
    """
    target = registers[law.target]
    index = np.zeros(len(law.contexts), dtype=np.int64)
    width = 0
    for column, name in enumerate(law.reads):
        index |= registers[name].code_of(law.contexts[:, column]) << width
        width += registers[name].size
    require_room(width + target.size, law)
    dense = np.zeros((2**width, 2**target.size))
    symbols = np.array(target.symbols)
    codes = np.flatnonzero(symbols != UNUSED)
    dense[np.ix_(index, codes)] = law.probabilities[:, symbols[codes]]
    return dense


def law_gates(dense: FloatArray, wires: Sequence[int]) -> list[Gate]:
    """Return the isometry ``|x> -> |x> sum_t sqrt(P(t|x)) |t>``, exactly, phases included.

    Args:
        dense: shape (2^M, 2^k).
        wires: the M qubits that hold x and then the k qubits of the outcome, least significant first.

    Returns:
        ``sum_j (2^(M+j) - 1)`` CZ for j = 0..k-1 where no angle vanishes, ``2^M (2^k - 1) - k`` in all.
    """
    width, size = dense.shape[0].bit_length() - 1, dense.shape[1].bit_length() - 1
    gates: list[Gate] = []
    for higher, theta in enumerate(law_angles(dense)):
        bit = width + size - 1 - higher
        controls = [*wires[:width], *wires[bit + 1 : width + size]]
        gates += multiplexed_ry([*controls, wires[bit]], gray_angles(theta), negligible=NEGLIGIBLE)
    return gates


def dilate(channel: Channel, registers: Mapping[str, Register], error: float = 0.0) -> Dilation:
    """Return the circuit of one step: each law's isometry in turn.

    Args:
        channel: the operation.
        registers: how every register encodes its symbols.
        error: what truncation cost.
    """
    names: list[str] = []
    for law in channel.laws:
        names += [name for name in (*law.reads, law.target) if name not in names]
    first, wires = 0, {}
    for name in names:
        wires[name] = list(range(first, first + registers[name].size))
        first += registers[name].size
    gates: list[Gate] = []
    for law in channel.laws:
        local = [q for name in (*law.reads, law.target) for q in wires[name]]
        gates += law_gates(table(law, registers), local)
    return Dilation(channel, tuple(registers[name] for name in names), tuple(gates), error)


def require_room(width: int, law: Law) -> None:
    """Refuse a rotation with too many controls."""
    if width > MOST_BITS:
        raise TooLargeError(
            "one step needs too many rotations",
            got=f"2^{width} for register {law.target}",
            expected=f"at most 2^{MOST_BITS}",
            todo="use --schedule stepwise, fewer steps or a shorter prompt",
        )
