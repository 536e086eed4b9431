# SPDX-License-Identifier: Apache-2.0
"""The law of the texts that an exported program generates, and samples of it, without the package's own backends."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from qiskit_aer import AerSimulator

from oracles.decoding import law_of, read_registers
from oracles.qasm_runner import distribution
from stinespring.compiler.export.decode import decode_tables
from stinespring.readings import Outcomes
from stinespring.stages import Program, Samples

Law = dict[str, float]


def text_law(program: Program, initial: Mapping[str, int | np.ndarray] | None = None) -> Law:
    """Return the law of the texts by running the exported program outside; fails if an unused code carries amplitude."""
    decode = decode_tables(program)
    names = read_registers(decode, program.asked.steps)
    return law_of(decode, names, distribution(program.qasm3(), names, initial))


def exact_law(program: Program) -> Law:
    """Return the law of the source."""
    begin = program.asked.begin(program.source)
    return dict(begin.model.joint(begin.prompt, program.asked.steps))


def claimed_law(program: Program) -> Law:
    """Return the law that the program claims to realise."""
    if program.claim is None:
        return exact_law(program)
    begin = program.asked.begin(program.source)
    return dict(program.claim.law(program.source, program.asked).joint(begin.prompt, program.asked.steps))


def distance(first: Law, second: Law) -> float:
    """Return the total variation distance of two laws."""
    return sum(abs(first.get(text, 0.0) - second.get(text, 0.0)) for text in set(first) | set(second)) / 2


def assert_same(found: Law, expected: Law, tolerance: float = 1e-11) -> None:
    """Compare two laws; a text that only one of them has counts as probability 0 in the other."""
    texts = set(found) | set(expected)
    assert {t: found.get(t, 0.0) for t in texts} == pytest.approx({t: expected.get(t, 0.0) for t in texts}, abs=tolerance)


def sampled(program: Program, *, shots: int, seed: int) -> Samples:
    """Return the samples of a program before any device, drawn by Aer one call after the other."""
    seen: list[list[Outcomes]] = []
    while batch := program.body.next(seen, shots):
        rows = []
        for item in batch.items:
            for row in range(item.rows):
                angles = None if item.angles is None else item.angles[row]
                circuit = item.circuit if angles is None else item.circuit.assign_parameters(angles)
                rows.append(drawn(circuit, int(item.shots[row]), hash((seed, *batch.key, len(rows))) % 2**31))
        seen.append(rows)
    return Samples(
        source=program.source,
        asked=program.asked,
        outcomes=program.body.outcomes(seen, shots),
        registers=program.registers,
        tvd_bound=program.tvd_bound,
        claim=program.claim,
        backend="aer",
        seed=seed,
    )


def drawn(circuit, shots: int, seed: int) -> Outcomes:
    """Return what Aer reads of one circuit."""
    counts = AerSimulator().run(circuit, shots=shots, seed_simulator=seed).result().get_counts()
    names = [register.name for register in reversed(circuit.cregs)]
    rows = np.array([[int(bits, 2) for bits in key.split()] for key in counts])
    return Outcomes.tallied({name: rows[:, i] for i, name in enumerate(names)}, np.array(list(counts.values())))
