# SPDX-License-Identifier: Apache-2.0
"""Mitigated quasi-probabilities, evaluated plainly: read wrongly again, they give back the counts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from stinespring.checks.codes import judged_registers
from stinespring.checks.plain.spelling import plain_key
from stinespring.readings import UNUSED, FloatArray, IntArray, Outcomes, Register
from stinespring.readout import Mitigated
from stinespring.stages import Samples

__all__ = ["quasi_differ"]

MOST_READINGS = 2048  # their confusion matrix has 4 million entries
AGREE = 5e-4  # sum of the differences of shares: mthree solves in single precision
PART = 32  # bits of a register of the calibration


def quasi_differ(
    samples: Samples, read: Outcomes, found: Mitigated, wires: Sequence[int], calibration: Sequence[Outcomes],
    printed: Mapping[str, float],
) -> str | None:  # fmt: skip
    """Return what is wrong with quasi-probabilities q, in words; None where nothing is, or beyond 2,048 different readings.

    With ``A[r, s]`` the product over the bits of the probability to read r_i for s_i, its columns normalised on what was read,
    ``A q`` is the share of each reading; the keys under which q is printed are those of the readings.

    Args:
        samples: whose source and registers count.
        read: codes and counts of the judged registers of one circuit.
        found: their quasi-probabilities.
        wires: the device's qubit of every bit of the registers, in order.
        calibration: what its two circuits read, zeros first.
        printed: the quasi-probabilities by what was read.
    """
    registers = judged_registers(samples.registers)
    if not np.array_equal(read.values, found.codes):
        return "the quasi-probabilities are of other readings than the counts"
    if len(read.counts) > MOST_READINGS:
        return None
    bits = np.array([bits_of(row, [register.size for register in registers]) for row in read.values.tolist()])
    qubits = sorted(set(wires))
    matrix = np.ones((len(bits), len(bits)))
    for place, wire in enumerate(wires):
        matrix *= confusion(calibration, qubits.index(wire))[bits[:, None, place], bits[None, :, place]]
    shares = matrix / matrix.sum(axis=0) @ found.quasi
    off = math.fsum(abs(a - b / read.shots) for a, b in zip(shares.tolist(), read.counts.tolist(), strict=True))
    if not off <= AGREE:
        return f"the mitigated quasi-probabilities, read with the calibrated errors, miss the counts by {off / 2:.3g}"
    wanted: dict[str, float] = {}
    for row, quasi in zip(read.values.tolist(), found.quasi.tolist(), strict=True):
        meant = {r.name: r.symbols[code] if r.symbols else code for r, code in zip(registers, row, strict=True)}
        key = plain_key(samples, plain_text(registers, meant))
        if key is None:
            return None
        wanted[key] = wanted.get(key, 0.0) + quasi
    wrong = next((key for key in wanted if abs(printed.get(key, math.inf) - wanted[key]) > AGREE), None)
    return None if wrong is None else f"the quasi-probability printed for {wrong!r} is another reading's"


def plain_text(registers: Sequence[Register], meant: dict[str, int]) -> dict[str, int]:
    """Return the symbols of registers, with the tokens of the text where their meaning depends on each other."""
    book = next((register.book for register in registers if register.book is not None), None)
    if book is None:
        return meant
    rows = np.arange(len(book.codes))
    result = {name: value for name, value in meant.items() if name not in book.registers}
    for column, name in enumerate(book.registers):
        rows = rows[book.codes[rows, column] == meant[name]]
        if len(book.registers) == book.texts.shape[1]:
            result[f"t{column + 1}"] = int(book.texts[rows[0], column]) if rows.size else UNUSED
    if len(book.registers) != book.texts.shape[1]:
        result |= {f"t{i + 1}": int(book.texts[rows[0], i]) if rows.size else UNUSED for i in range(book.texts.shape[1])}
    return result


def bits_of(row: Sequence[int], sizes: Sequence[int]) -> list[int]:
    """Return the bits of the codes of all registers, the least significant of each first."""
    return [code >> bit & 1 for code, size in zip(row, sizes, strict=True) for bit in range(size)]


def confusion(calibration: Sequence[Outcomes], number: int) -> FloatArray:
    """Return ``A[read, prepared]`` of the calibration's qubit of a number, from what was read after 0 and after 1."""
    result = np.zeros((2, 2))
    for prepared, outcomes in enumerate(calibration):
        column: IntArray = outcomes.column(f"r{number // PART}")
        for value, count in zip(column.tolist(), outcomes.counts.tolist(), strict=True):
            result[value >> number % PART & 1, prepared] += count / outcomes.shots
    return result
