# SPDX-License-Identifier: Apache-2.0
"""How sampling is cut into chunks: by the circuit and the shots alone, so that the counts do not know the workers.

A chunk repeats the simulation and shares only the drawing, so that shots of one final state are cut late, and shots that Aer
simulates one by one are cut early. Each chunk's seed is hashed from the root and its number: Aer gives shot i of a run
``seed + i``, so that neighbouring seeds would repeat shots.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from stinespring.backends.distributed.work import runnable_flow
from stinespring.backends.histories.choose_path import cheapest, estimates
from stinespring.backends.histories.flow_events import events
from stinespring.backends.histories.flow_plan import AMPLITUDE, CIRCUIT, DRAW
from stinespring.backends.seeds import derive_seed
from stinespring.circuits.core.flow import Flow
from stinespring.circuits.devices.read_back import is_dynamic, used_qubits

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = ["Chunk", "chunks_of"]

SECONDS = 0.25  # of work in a chunk, about: a task costs the scheduler some milliseconds
MOST_ROWS = 256  # of one chunk
DRAWN_AT_ONCE = 1 << 18  # shots of one final state
SIMULATED_AT_ONCE = 2048  # shots that Aer simulates one by one
REPEATED = 1.25  # work that cutting a dynamic program may take, relative to one piece
MOST_PIECES = 64


@dataclass(frozen=True)
class Chunk:
    """A part of the samples: some rows of the angles, some shots of each.

    Attributes:
        rows: first and last (excluded) row.
        shots: of each row.
        seed: of this chunk alone.
        path: how a dynamic program is simulated; None: by Aer itself.
    """

    rows: tuple[int, int]
    shots: int
    seed: int
    path: str | None = None


def chunks_of(
    circuit: QuantumCircuit,
    rows: int,
    shots: int,
    seed: int,
    *,
    options: Mapping[str, str],
    limit: int,
    most: int | None = None,
) -> list[Chunk]:
    """Return the chunks, in order; they do not depend on who works on them.

    Args:
        circuit: what is sampled; its angles do not matter.
        rows: sets of angles.
        shots: of each row.
        seed: root of the chunks' seeds.
        options: of backend ``aer``.
        limit: qubits of the widest statevector.
        most: shots of one chunk; None leaves it to the cost model.
    """
    path, at_once, together = None, DRAWN_AT_ONCE, 1
    statevector = options.get("method", "statevector") == "statevector" and not set(options) - {"method"}
    if is_dynamic(circuit):
        at_once = SIMULATED_AT_ONCE
        flow = runnable_flow(with_some_angles(circuit)) if statevector else None
        if flow is not None:
            path, at_once = path_and_shots(flow, shots, limit)
    elif statevector:
        together = max(1, min(MOST_ROWS, int(SECONDS / seconds_of_row(circuit, shots))))
    parts = split(shots, min(at_once, most or at_once))
    firsts = range(0, rows, together)
    return [
        Chunk((first, min(first + together, rows)), part, derive_seed(seed, number, rows, shots), path)
        for number, (first, part) in enumerate(product(firsts, parts))
    ]


def with_some_angles(circuit: QuantumCircuit) -> QuantumCircuit:
    """Return the circuit with numbers for its parameters: neither paths nor times depend on them."""
    return circuit.assign_parameters(np.linspace(0.1, 1.0, circuit.num_parameters)) if circuit.num_parameters else circuit


def seconds_of_row(circuit: QuantumCircuit, shots: int) -> float:
    """Return what one row of a circuit measured at its end takes, about."""
    qubits = len(used_qubits(circuit))
    size: int = circuit.size()
    return CIRCUIT + size * (AMPLITUDE * 2.0**qubits + 1e-6) + shots * qubits * DRAW


def path_and_shots(flow: Flow, shots: int, limit: int) -> tuple[str, int]:
    """Return the path of a dynamic program, and the shots of a chunk: cut in halves while that repeats little work."""
    path, whole = estimate(flow, shots, limit)
    pieces = 1
    while 2 * pieces <= min(MOST_PIECES, shots) and whole / (2 * pieces) > SECONDS:
        other, seconds = estimate(flow, ceil(shots / (2 * pieces)), limit)
        if 2 * pieces * seconds > REPEATED * whole:
            break
        path, pieces = other, 2 * pieces
    return path, ceil(shots / pieces)


def estimate(flow: Flow, shots: int, limit: int) -> tuple[str, float]:
    """Return the path with the least estimated time, and the time."""
    _, seconds = estimates(flow, events(flow), shots, limit)
    path, _ = cheapest(seconds, limit)
    return path, seconds[path]


def split(total: int, most: int) -> list[int]:
    """Return nearly equal parts of at most ``most``.

    Example:
        >>> split(10, 4)
        [4, 3, 3]
    """
    number = ceil(total / most)
    return [total // number + (i < total % number) for i in range(number)]
