# SPDX-License-Identifier: Apache-2.0
"""How long sampling takes on local Dask workers, beside the same chunks one after the other in this process."""

from __future__ import annotations

import sys
from typing import NamedTuple

import numpy as np
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import ParameterVector

from benchmarks.programs import chain
from benchmarks.sheet import Sheet, arguments, times
from stinespring.backends.aer.backend import open_aer
from stinespring.backends.distributed import DaskBackend
from stinespring.batches import Batch, Item
from stinespring.readings import Outcomes

__all__ = ["main"]

REPEATS = 3
SEED = 1


class Work(NamedTuple):
    """What is sampled, with the options of backend ``aer``."""

    title: str
    batch: Batch
    options: dict[str, str]


def sweep(qubits: int) -> QuantumCircuit:
    """Return a template: a rotation of each qubit, a chain of CX, twice."""
    angles = ParameterVector("a", 2 * qubits)
    circuit = QuantumCircuit(QuantumRegister(qubits, "q"), ClassicalRegister(qubits, "t1"))
    for layer in range(2):
        for qubit in range(qubits):
            circuit.ry(angles[layer * qubits + qubit], qubit)
        for qubit in range(qubits - 1):
            circuit.cx(qubit, qubit + 1)
    circuit.measure(range(qubits), range(qubits))
    return circuit


def works(quick: bool) -> list[Work]:
    """Return what is sampled."""
    rows, bits, shots = (256, 1, 6000) if quick else (2048, 2, 8000)
    angles = np.random.default_rng(1).uniform(-3, 3, (rows, 20))
    rotated = Item(sweep(10), angles, np.full(rows, 1000))
    program = Item(chain(steps=8, bits=bits, window=4, seed=5).circuit(), None, np.array([shots]))
    titles = (
        f"sweep, {rows} rows of 10 qubits, 1000 shots each",
        f"chain of 8 tokens, {8 * bits} bits, one by one, {shots:,} shots",
    )
    return [
        Work(titles[0], Batch((rotated,), (1,)), {}),
        Work(titles[1], Batch((program,), (1,)), {"method": "matrix_product_state"}),
    ]


def require_same(some: list[Outcomes], others: list[Outcomes]) -> None:
    """End if the workers sampled anything else."""
    for a, b in zip(some, others, strict=True):
        if not (np.array_equal(a.values, b.values) and np.array_equal(a.counts, b.counts)):
            sys.exit("the workers' counts are not those of this process")


def main() -> None:
    """Print the table."""
    parser = arguments("distributed", __doc__)
    parser.add_argument("--quick", action="store_true", help="smaller programs")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    options, sheet = parser.parse_args(), Sheet("distributed")
    sheet.head("work", "where", "chunks", "seconds", "this process / seconds", words=2)
    for title, batch, aer in works(options.quick):
        alone = open_aer("", aer)
        wanted = alone.sample(batch, SEED)  # imports
        here = min(times(REPEATS, alone.sample, batch, SEED))
        number = len(alone.chunks(batch, SEED))
        sheet.row(title, "this process", number, f"{here:.3g}", 1, work=title, workers=0, chunks=number, seconds=here)
        for workers in options.workers:
            with DaskBackend("local", workers=workers, options=aer) as backend:
                require_same(wanted, backend.sample(batch, SEED))  # imports on the workers
                before = backend.metadata()["chunks"]
                seconds = min(times(REPEATS, backend.sample, batch, SEED))
                chunks = (backend.metadata()["chunks"] - before) // REPEATS
            where = f"{workers} worker{'s' * (workers != 1)}"
            figures = {"work": title, "workers": workers, "chunks": chunks, "seconds": seconds}
            sheet.row("", where, chunks, f"{seconds:.3g}", f"{here / seconds:.3g}", **figures)
    sheet.keep(options.output)


if __name__ == "__main__":
    main()
