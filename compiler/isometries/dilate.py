# SPDX-License-Identifier: Apache-2.0
"""From a channel to its Stinespring isometry as a circuit of uniformly controlled rotations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from stinespring.circuits.core.gates import Gate, RotationArray, concatenated
from stinespring.circuits.exact.multiplexer import gray_angles, law_angles, rotation_array
from stinespring.compiler.texts.operations import Place, StepLaw
from stinespring.errors import TooLargeError
from stinespring.readings import UNUSED, BoolArray, FloatArray, IntArray, Register

__all__ = ["NEGLIGIBLE", "context_index", "law_gates", "law_table", "require_room"]

MOST_BITS = 22  # 4 million rotations
NEGLIGIBLE = 4e-16  # radians: the rounding of a Walsh coefficient that is zero


def law_table(law: StepLaw, registers: Mapping[Place, Register], target: Register) -> tuple[FloatArray, BoolArray]:
    """Return the law over codes, shape (2^M, 2^k), and which contexts occur, shape (2^M,).

    The first register read holds the least significant bits. Rows of contexts that never occur are zero.
    """
    width = sum(registers[place].size for place in law.reads)
    require_room(width + target.size, law)
    index = context_index(law, registers)
    dense, care = np.zeros((2**width, 2**target.size)), np.zeros(2**width, dtype=bool)
    care[index] = True
    symbols = np.array(target.symbols)
    codes = np.flatnonzero(symbols != UNUSED)
    dense[np.ix_(index, codes)] = law.probabilities[:, symbols[codes]]
    return dense, care


def context_index(law: StepLaw, registers: Mapping[Place, Register]) -> IntArray:
    """Return the code of each context over all registers read, shape (B,), the first register least significant."""
    index = np.zeros(len(law.contexts), dtype=np.int64)
    width = 0
    for column, place in enumerate(law.reads):
        index |= registers[place].code_of(law.contexts[:, column]) << width
        width += registers[place].size
    return index


def law_gates(dense: FloatArray, wires: Sequence[int]) -> Sequence[Gate]:
    """Return the isometry ``|x> -> |x> sum_t sqrt(P(t|x)) |t>``, exactly, phases included.

    Args:
        dense: shape (2^M, 2^k).
        wires: the M qubits that hold x and then the k qubits of the outcome, least significant first.

    Returns:
        ``sum_j (2^(M+j) - 1)`` CZ for j = 0..k-1 where no angle vanishes, ``2^M (2^k - 1) - k`` in all.
    """
    width, size = dense.shape[0].bit_length() - 1, dense.shape[1].bit_length() - 1
    parts: list[RotationArray] = []
    for higher, theta in enumerate(law_angles(dense)):
        bit = width + size - 1 - higher
        controls = [*wires[:width], *wires[bit + 1 : width + size]]
        parts.append(rotation_array([*controls, wires[bit]], gray_angles(theta), negligible=NEGLIGIBLE))
    return concatenated(parts)


def require_room(width: int, law: StepLaw) -> None:
    """Refuse a rotation with too many controls."""
    if width > MOST_BITS:
        raise TooLargeError(
            "one step needs too many rotations",
            got=f"2^{width} for register {law.target.name}",
            expected=f"at most 2^{MOST_BITS}",
            todo="use --schedule stepwise, fewer steps or a shorter prompt",
        )
