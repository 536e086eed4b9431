# SPDX-License-Identifier: Apache-2.0
"""How sampling is cut into chunks: by the circuits and the shots alone, so that the counts do not know who works on them.

A chunk repeats the simulation and shares only the drawing, so that shots of one final state are cut late, and shots that Aer
simulates one by one are cut early. Each chunk's seed is hashed from the root and its number: Aer gives shot i of a run
``seed + i``, so that neighbouring seeds would repeat shots.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stinespring.backends.histories.flow_plan import AMPLITUDE, CIRCUIT, DRAW
from stinespring.backends.rows import batches
from stinespring.backends.seeds import derive_seed
from stinespring.batches import Batch
from stinespring.circuits.devices.read_back import used_qubits

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = ["DRAWN_AT_ONCE", "MOST_ROWS", "Chunk", "How", "Route", "chunks_of", "rows_together", "with_some_angles"]

SECONDS = 0.25  # of work in a chunk, about: a task costs a cluster's scheduler some milliseconds
MOST_ROWS = 256  # of one chunk
DRAWN_AT_ONCE = 1 << 18  # shots of one final state


class How(NamedTuple):
    """How a chunk is simulated; plain values, that travel.

    Attributes:
        method: of Aer.
        path: of a program with measurements on the way, see :mod:`stinespring.backends.histories.choose_path`; else empty.
        branching: whether shots share states.
        limit: qubits of the widest statevector that the path may use.
    """

    method: str
    path: str
    branching: bool
    limit: int


class Route(NamedTuple):
    """How a circuit is simulated, why, and how its rows and shots are cut.

    Attributes:
        how: what is done.
        method_why: the reason for the method.
        why: the reason for the path; empty without one.
        shots: of one chunk, at most.
        rows: of one chunk, at most.
    """

    how: How
    method_why: str
    why: str
    shots: int
    rows: int


@dataclass(frozen=True)
class Chunk:
    """A part of the samples: some rows of one item, some shots of each.

    Attributes:
        item: its number in the batch.
        rows: of the item.
        shots: of each of these rows.
        seed: of this chunk alone.
        how: it is simulated.
    """

    item: int
    rows: tuple[int, ...]
    shots: int
    seed: int
    how: How


def chunks_of(batch: Batch, seed: int, route: Callable[[QuantumCircuit, int], Route], most: int | None = None) -> list[Chunk]:
    """Return the chunks, in order; they do not depend on who works on them.

    Args:
        batch: what is sampled.
        seed: root of the chunks' seeds.
        route: from a circuit and the shots of a row to how it is simulated.
        most: shots of one chunk; None leaves it to the cost model.
    """
    result = []
    for number, item in enumerate(batch.items):
        for shots, rows in batches(item.shots):
            found = route(item.circuit, shots)
            parts = split(shots, min(found.shots, most or found.shots))
            together = found.rows if item.angles is not None and item.circuit.num_parameters else 1
            for first in range(0, len(rows), together):
                some = tuple(rows[first : first + together].tolist())
                for piece, part in enumerate(parts):
                    result.append(Chunk(number, some, part, derive_seed(seed, number, shots, first, piece), found.how))
    return result


def with_some_angles(circuit: QuantumCircuit) -> QuantumCircuit:
    """Return the circuit with numbers for its parameters: neither paths nor times depend on them."""
    return circuit.assign_parameters(np.linspace(0.1, 1.0, circuit.num_parameters)) if circuit.num_parameters else circuit


def rows_together(circuit: QuantumCircuit, shots: int, *, density: bool = False) -> int:
    """Return how many rows of a circuit measured at its end make a chunk."""
    qubits = len(used_qubits(circuit))
    size: int = circuit.size()
    amplitudes = 2.0 ** (2 * qubits if density else qubits)
    row = CIRCUIT + size * (AMPLITUDE * amplitudes + 1e-6) + shots * qubits * DRAW
    return max(1, min(MOST_ROWS, int(SECONDS / row)))


def split(total: int, most: int) -> list[int]:
    """Return nearly equal parts of at most ``most``.

    Example:
        >>> split(10, 4)
        [4, 3, 3]
    """
    number = ceil(total / most)
    return [total // number + (i < total % number) for i in range(number)]
