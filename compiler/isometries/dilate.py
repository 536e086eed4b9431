# SPDX-License-Identifier: Apache-2.0
"""Laws of single steps over the codes of their registers, and what is too large for a uniformly controlled rotation."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from stinespring.compiler.texts.operations import Place, StepLaw
from stinespring.errors import TooLargeError
from stinespring.readings import UNUSED, BoolArray, FloatArray, IntArray, Register

__all__ = ["context_index", "law_table", "require_room"]

MOST_BITS = 22  # 4 million rotations


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


def require_room(width: int, law: StepLaw) -> None:
    """Refuse a rotation with too many controls."""
    if width > MOST_BITS:
        raise TooLargeError(
            "one step needs too many rotations",
            got=f"2^{width} for register {law.target.name}",
            expected=f"at most 2^{MOST_BITS}",
            todo="use --schedule stepwise, fewer steps or a shorter prompt",
        )
