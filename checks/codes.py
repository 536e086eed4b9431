# SPDX-License-Identifier: Apache-2.0
"""The law over what the measured registers hold, code by code, for sources whose law can be listed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stinespring.checks.texts.verdict import claimed_law
from stinespring.errors import InputError, TooLargeError
from stinespring.models.channels.asked import ChannelLaw
from stinespring.models.lens.asked import LensLaw
from stinespring.models.spins.law import SpinLaw
from stinespring.models.texts.law import TextLaw
from stinespring.readings import UNUSED, FloatArray, IntArray, Outcomes, Register
from stinespring.stages import Samples

__all__ = ["MOST_BITS", "codes_law", "judged_registers", "numbers", "readings_of", "require_few"]

MOST_BITS = 16
JUDGED = ("token", "state", "outcome")  # roles of registers whose readings are judged


def judged_registers(registers: Sequence[Register]) -> tuple[Register, ...]:
    """Return the registers whose readings are judged: tokens, states and outcomes."""
    return tuple(register for register in registers if register.role in JUDGED)


def readings_of(samples: Samples, entry: int = 0) -> Outcomes:
    """Return the raw readings of the registers that are judged, of one circuit.

    Raises:
        InputError: samples that kept no raw readings.
    """
    registers = judged_registers(samples.registers)
    if not samples.readings or not registers:
        raise InputError(
            "readout mitigation needs what one circuit read",
            got="samples of a stepwise program, or of a file",
            expected="a static or dynamic program",
            todo="use --schedule static, or --mitigation none",
        )
    return samples.readings[entry].of([register.name for register in registers])


def require_few(bits: int) -> None:
    """Refuse a law over too many bits."""
    if bits > MOST_BITS:
        raise TooLargeError(
            "the law as it would be read is too large",
            got=f"{bits} bits",
            expected=f"at most {MOST_BITS} bits",
            todo="use fewer steps, or --mitigation none",
        )


def numbers(registers: Sequence[Register], codes: IntArray) -> IntArray:
    """Return one number for each row of codes: the first register least significant."""
    shifts = np.cumsum([0, *(register.size for register in registers[:-1])])
    return np.asarray((codes << shifts).sum(axis=1), dtype=np.int64)


def codes_law(samples: Samples, entry: int = 0) -> FloatArray | None:
    """Return the law over what the judged registers of one circuit hold, shape (2^bits,); None where it cannot be listed.

    Values that the registers have no code for are missing, so that it may sum to less than 1.

    Args:
        samples: whose source, request, claim and registers count.
        entry: number of the circuit.

    Raises:
        TooLargeError: more than 16 bits.
    """
    registers = judged_registers(samples.registers)
    require_few(sum(register.size for register in registers))
    law = samples.asked.law(samples.source)
    listed = listing(claimed_law(samples) if isinstance(law, TextLaw) else law, entry)
    if listed is None:
        return None
    values, probabilities = listed
    book = registers[0].book if registers else None
    if book is not None:
        values, probabilities = book.write(values, probabilities)
    if values.shape[1] != len(registers):
        return None
    codes = np.stack([coded(register, values[:, i]) for i, register in enumerate(registers)], axis=1)
    held = (codes != UNUSED).all(axis=1)
    size = 2 ** sum(register.size for register in registers)
    return np.bincount(numbers(registers, codes[held]), weights=probabilities[held], minlength=size).astype(np.float64)


def listing(law: object, entry: int) -> tuple[IntArray, FloatArray] | None:
    """Return every reading of one circuit that can occur, (U, R), with its probability (U,); None where there is no list."""
    if isinstance(law, TextLaw):
        return None if law.listed is None else (law.listed.texts, law.listed.probabilities)
    if isinstance(law, LensLaw):
        return one_value(law.points[entry].p)
    if isinstance(law, ChannelLaw):
        return one_value(law.probabilities[entry])
    if isinstance(law, SpinLaw):
        return law.listed
    return None


def one_value(law: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return the values 0, 1, ... of one register with their probabilities."""
    return np.arange(len(law))[:, None], law


def coded(register: Register, symbols: IntArray) -> IntArray:
    """Return the codes of symbols, ``UNUSED`` where the register has none."""
    if not register.symbols:
        return np.where(symbols < 1 << register.bits, symbols, UNUSED)
    known = np.isin(symbols, register.symbols) & (symbols != UNUSED)
    if not known.any():
        return np.full(len(symbols), UNUSED)
    return np.where(known, register.code_of(np.where(known, symbols, symbols[known][0])), UNUSED)
