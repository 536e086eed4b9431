# SPDX-License-Identifier: Apache-2.0
"""Spare codes where wrong readings of single bits land: which token gets which code, by what a device reads wrongly.

A register of k bits has 2^k codes and often fewer tokens. A reading in which one bit is wrong is detected if it is a spare code
(or makes a text that cannot be). Given which codes are spare, a code misses ``m(c) = sum_b e_b(c_b) [c with bit b turned is not
spare]``, and the likeliest tokens get the codes that miss least; all sets of spare codes are compared.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from stinespring.models.texts.joint import JointLaw
from stinespring.readings import UNUSED, FloatArray, IntArray, Register, meanings, rows_of

__all__ = ["Errors", "Spare", "placed", "single_errors", "with_spares"]

Errors = Mapping[tuple[str, int], tuple[float, float]]  # of a register's bit: 1 read for 0, 0 read for 1
USUAL = (0.01, 0.02)  # where no device says anything; a 1 decays while it is read
MOST_SETS = 20_000  # of spare codes that are compared
CANDIDATES = 4  # placements that are compiled, the best first


@dataclass(frozen=True)
class Spare:
    """How the spare codes of token registers are placed.

    Attributes:
        number: which of the placements, the best one first.
        extra: bits that every register has beyond what its tokens need.
        errors: of the registers' bits.
    """

    number: int
    extra: int = 0
    errors: Errors = field(default_factory=dict, compare=False)

    def register(self, register: Register, probabilities: FloatArray) -> Register:
        """Return a register whose symbols have other codes.

        Args:
            register: with a symbol for each token that can occur.
            probabilities: of each symbol, shape (D,).
        """
        known = [symbol for symbol in register.symbols if symbol != UNUSED]
        size = register.size + self.extra
        if len(known) == 1 << size:
            return register
        rates = np.array([self.errors.get((register.name, bit), USUAL) for bit in range(size)])
        symbols = placed(known, probabilities[known], rates, self.number)
        return replace(register, symbols=symbols)


def placed(tokens: Sequence[int], probabilities: FloatArray, rates: FloatArray, number: int = 0) -> tuple[int, ...]:
    """Return the symbols of all codes of k bits, spare ones ``UNUSED``: a placement that misses few single wrong bits.

    Args:
        tokens: fewer than 2^k.
        probabilities: of the tokens.
        rates: of each bit the rates of 1 read for 0, and of 0 read for 1, shape (k, 2).
        number: 0 for the best placement, 1 for the next best set of spare codes, and so on.

    Example:
        >>> placed([0, 1, 2], np.array([0.5, 0.4, 0.1]), np.array([[0.01, 0.03]] * 2))
        (-1, 0, 1, 2)
    """
    bits, size = len(rates), 1 << len(rates)
    spare = size - len(tokens)
    few = math.comb(size, spare) <= MOST_SETS
    sets = combinations(range(size), spare) if few else iter([tuple(range(spare)), tuple(range(size - spare, size))])
    order = np.argsort(-probabilities, kind="stable")
    found: list[tuple[float, tuple[int, ...], IntArray]] = []
    turned = np.arange(size)[:, None] ^ (1 << np.arange(bits))
    rate = rates[np.arange(bits), np.arange(size)[:, None] >> np.arange(bits) & 1]  # (codes, bits)
    for chosen in sets:
        mask = np.zeros(size, dtype=bool)
        mask[list(chosen)] = True
        value = -(rate * ~mask[turned]).sum(axis=1)
        value[mask] = -np.inf
        codes = np.argsort(-value, kind="stable")[: len(tokens)]
        found.append((float(probabilities[order] @ value[codes]), chosen, codes))
    found.sort(key=lambda each: -each[0])
    _, _, codes = found[min(number, len(found) - 1)]
    symbols = np.full(size, UNUSED)
    symbols[codes] = np.array(tokens)[order]
    return tuple(symbols.tolist())


def single_errors(registers: Sequence[Register], joint: JointLaw, errors: Errors) -> tuple[float, float, float]:
    """Return how many bits of a shot are wrong, after how many of them a reading is a possible text, and the TVD of the rest.

    The TVD is that between the law and what is kept after all detected readings are dropped, to first order in the errors. It
    need not fall with what is missed: texts beside spare codes are dropped more often than others.

    Args:
        registers: of the program; those of tokens count.
        joint: the law of its texts.
        errors: of the registers' bits.
    """
    tokens = [register for register in registers if register.role == "token"]
    book = next((register.book for register in tokens if register.book is not None), None)
    values, shares = (joint.texts, joint.probabilities) if book is None else book.write(joint.texts, joint.probabilities)
    codes = {r.name: r.code_of(values[:, i]) if r.symbols else values[:, i] for i, r in enumerate(tokens)}
    wrong = missed = 0.0
    own, kept = rows_of(joint.texts, values if book is None else book.read(values)), joint.probabilities.copy()
    for register in tokens:
        for bit in range(register.size):
            rate = np.array(errors.get((register.name, bit), USUAL))[codes[register.name] >> bit & 1] * shares
            read = meanings({**codes, register.name: codes[register.name] ^ (1 << bit)}, tokens)
            texts = np.stack([read[f"t{step + 1}"] for step in range(joint.texts.shape[1])], axis=1)
            where = rows_of(joint.texts, texts)
            wrong, missed = wrong + float(rate.sum()), missed + float(rate[where >= 0].sum())
            np.subtract.at(kept, own, rate)
            np.add.at(kept, where[where >= 0], rate[where >= 0])
    return wrong, missed, float(abs(kept / kept.sum() - joint.probabilities).sum() / 2)


class Judged(NamedTuple):
    """A program with what its readings miss.

    Attributes:
        program: with ``registers``.
        gates: on two qubits, on the device if there is one.
        wrong: mean number of wrong bits in a shot.
        missed: of those that are not detected.
        tvd: of what is kept from the law, to first order.
    """

    program: Any
    gates: int
    wrong: float
    missed: float
    tvd: float

    @property
    def told(self) -> dict[str, Any]:
        """The figures."""
        share = 1.0 - self.missed / self.wrong if self.wrong else 0.0
        return {
            "two_qubit_gates": self.gates, "wrong_bits": self.wrong, "undetected": self.missed, "detected_share": share,
            "kept_tvd": self.tvd,
        }  # fmt: skip


def with_spares(
    build: Callable[[Spare | None], Any], joint: JointLaw, measured: Callable[[Any], tuple[int, Errors]], *, extra: int = 0
) -> tuple[Any, dict[str, Any]]:  # fmt: skip
    """Return the program that misses fewest wrong bits without more two-qubit gates than that without placement.

    With bits beyond what tokens need it may have more, which is said.

    Args:
        build: makes a program of a placement, or of none.
        joint: the law of the texts.
        measured: the two-qubit gates of a program, and the errors of its registers' bits, on the device if there is one.
        extra: bits of every token's register beyond what its tokens need.
    """

    def judged(placing: Spare | None) -> Judged:
        program = build(placing)
        gates, errors = measured(program)
        return Judged(program, gates, *single_errors(program.registers, joint, errors))

    plain = judged(None)
    _, errors = measured(plain.program)
    found = [judged(Spare(number, extra, errors)) for number in range(CANDIDATES)]
    able = [each for each in found if each.gates <= plain.gates or extra]
    best = min([plain, *able], key=lambda each: each.missed)
    refused = [each.told["two_qubit_gates"] for each in found if each not in able]
    return best.program, {**best.told, "without": plain.told, "refused": refused}
