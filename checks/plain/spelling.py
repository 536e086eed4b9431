# SPDX-License-Identifier: Apache-2.0
"""Keys of printed counts, decoded plainly: they say what was read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stinespring.readings import UNUSED, Outcomes
from stinespring.stages import Samples

__all__ = ["misspelt"]

MOST_KEYS = 256  # of each circuit: the most frequent readings
MOST_TEXTS = 1 << 14  # whose counts are added up
NOTHING = "\N{REPLACEMENT CHARACTER}"


def misspelt(samples: Samples) -> str | None:
    """Return a key of the counts that says another reading than was measured, in words; None where all are right.

    Of the 256 most frequent readings of each circuit; texts, lenses and spins, whose keys are words, and what is spelt as
    ``register=value``.
    """
    several = samples.outcomes[:1] if samples.asked.kind in ("texts", "spins") else samples.outcomes
    for outcomes in several:
        order = (-outcomes.counts).argsort(kind="stable")[:MOST_KEYS]
        few = Outcomes(outcomes.registers, outcomes.values[order], outcomes.counts[order])
        keys = samples.asked.spell(samples.source, few)
        for row, key in zip(few.values.tolist(), keys, strict=True):
            wanted = plain_key(samples, dict(zip(few.registers, row, strict=True)))
            if wanted is not None and key != wanted:
                return f"a reading is spelt {key!r}, and is {wanted!r}"
    if samples.asked.kind in ("texts", "spins") and len(samples.outcomes[0].counts) <= MOST_TEXTS:
        total = sum(samples.by_text().values())
        if total != int(samples.outcomes[0].counts.sum()):
            return f"the counts by text add up to {total:,} of {int(samples.outcomes[0].counts.sum()):,}"
    return None


def plain_key(samples: Samples, read: Mapping[str, int]) -> str | None:
    """Return how a reading is written; None for kinds that are not known here."""
    source: Any = samples.source
    if samples.asked.kind == "texts":
        return text_key(list(source.tokens), [read.get(f"t{step + 1}", 0) for step in range(samples.asked.steps)])
    if samples.asked.kind == "spins":
        return " ".join(token_key(read, step + 1, source.spins) for step in range(samples.asked.steps))
    if samples.asked.kind == "lens":
        [code] = read.values()
        return NOTHING if code < 0 else str(source.decoder.tokens[code])
    if samples.asked.kind == "sphere":
        return " ".join(f"{name}={value}" for name, value in read.items())
    return f"probe={read['probe']}" if samples.asked.kind == "channel" else None


def text_key(tokens: list[str], numbers: list[int]) -> str:
    """Return the names joined by blanks, without the empty places at the end; U+FFFD for what stands for no token."""
    while numbers and numbers[-1] == len(tokens):
        numbers = numbers[:-1]
    return " ".join(NOTHING if number == UNUSED or number == len(tokens) else tokens[number] for number in numbers)


def token_key(read: Mapping[str, int], step: int, spins: int) -> str:
    """Return a token's signs, spin 0 first: bit i of a register is its spin i, and 1 is minus; registers hold 60 spins."""
    single = f"t{step}" in read
    signs = []
    for spin in range(spins):
        value, bit = (read[f"t{step}"], spin) if single else (read[f"t{step}_{spin // 60}"], spin % 60)
        signs.append("-" if value >> bit & 1 else "+")
    return "".join(signs)
