# SPDX-License-Identifier: Apache-2.0
"""Counts of a program's bits, sampled by anybody, as samples: ``program.samples(counts)``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from stinespring.backends.rows import counted
from stinespring.batches import Item
from stinespring.errors import InputError
from stinespring.pipeline.counts.forms import given_of, read_given
from stinespring.pipeline.running import samples_of
from stinespring.readings import Outcomes
from stinespring.stages import Program, Samples

__all__ = ["samples_from"]

ENOUGH = 1 << 20  # shots with which every circuit of a program has some


def samples_from(program: Program, counts: Any, *, noisy: bool = False) -> Samples:
    """Return counts of a program's bits as samples, as if they had been read here.

    Args:
        program: of one circuit or of several, as it was compiled.
        counts: what :func:`stinespring.check` takes as counts: a mapping from bit strings, hexadecimal or whole numbers,
            Qiskit's ``Counts``, ``BitArray`` or results, or a file's path; for several circuits a list of them, in the order
            of ``program.body``.
        noisy: whether readings may be wrong where they were sampled: then equivalence is tested by default.

    Returns:
        The samples, decoded; how many shots were asked for is not known.

    Raises:
        InputError: a program with the host in the loop, a channel without settings, counts of other bits or of another number
            of circuits, quasi-probabilities.
    """
    if program.asked is None or (program.asked.kind == "channel" and not program.asked.settings):
        raise InputError("nothing is measured in this program", got=program.source.name, expected="a program with measurements",
                         todo="compile it with settings, or run it: stinespring.run draws them")  # fmt: skip
    batch = None if program.body.host else program.body.next((), ENOUGH)
    if batch is None:
        raise InputError("a stepwise program has a circuit for every text that was read", got=program.schedule,
                         expected="a static or dynamic program", todo="compile it with schedule='static'")  # fmt: skip
    circuits = [item.circuit for item in batch.items for _ in range(rows_of(item))]
    each = [counts] if len(circuits) == 1 and not is_list(counts) else counts
    if not is_list(each) or len(each) != len(circuits):
        got = f"{len(each)} counts" if is_list(each) else type(each).__name__
        raise InputError("there is not one of the counts for each circuit", got=got, expected=f"{len(circuits)} in a list")
    rows = [raw_of(circuit, one) for circuit, one in zip(circuits, each, strict=True)]
    return replace(samples_of(program, [rows], rows[0].shots, backend="counts", noisy=noisy), wanted=None)


def is_list(counts: Any) -> bool:
    """Return whether something is counts of several circuits."""
    return isinstance(counts, Sequence) and not isinstance(counts, str)


def rows_of(item: Item) -> int:
    """Return how many circuits with bound angles an item is."""
    return len(item.shots)


def raw_of(circuit: Any, counts: Any) -> Outcomes:
    """Return counts of one circuit's bits as raw readings of its registers."""
    registers = [(register.name, register.size) for register in circuit.cregs]
    is_file = isinstance(counts, str | Path)
    given = read_given(Path(counts), registers) if is_file else given_of(counts, registers)
    if given.quasi:
        raise InputError("quasi-probabilities are no counts", got="shares", expected="how often each reading occurred",
                         todo="stinespring.check(program, counts=...) judges them")  # fmt: skip
    return counted(circuit, list(given.values), [int(number) for number in given.values.values()])
