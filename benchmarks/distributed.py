# SPDX-License-Identifier: Apache-2.0
"""How long sampling takes on local Dask workers, beside the same chunks one after the other in this process."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import ParameterVector

from benchmarks.programs import chain
from stinespring.backends.aer.backend import open_aer
from stinespring.backends.distributed import DaskBackend
from stinespring.backends.distributed.chunks import chunks_of
from stinespring.backends.distributed.work import circuit_bytes, sample_chunk, versions

Work = tuple[str, QuantumCircuit, np.ndarray | None, int, dict[str, str]]
REPEATS = 3


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
    """Return what is sampled: a title, circuit, angles, shots and Aer's options."""
    rows, shots = (256, 2000) if quick else (2048, 8000)
    angles = np.random.default_rng(1).uniform(-3, 3, (rows, 20))
    program = chain(steps=8, bits=2, window=4, seed=5).circuit()
    return [
        (f"sweep, {rows} rows of 10 qubits, 1000 shots each", sweep(10), angles, 1000, {}),
        (f"chain of 8 tokens shot by shot, {shots:,} shots", program, None, shots, {"method": "matrix_product_state"}),
    ]


def best(call: Callable[[], object]) -> float:
    """Return the best time of some runs."""
    times = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        call()
        times.append(time.perf_counter() - begun)
    return min(times)


def loop(work: Work, limit: int) -> None:
    """Sample all chunks here."""
    _, circuit, angles, shots, options = work
    rows = 1 if angles is None else len(angles)
    data, expected = circuit_bytes(circuit), versions()
    for chunk in chunks_of(circuit, rows, shots, 1, options=options, limit=limit):
        some = None if angles is None else angles[slice(*chunk.rows)]
        sample_chunk(data, some, chunk.shots, chunk.seed, chunk.path, options=options, limit=limit, expected=expected)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks distributed", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller programs")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    options = parser.parse_args()
    print("| work | where | chunks | seconds | this process / seconds |\n|---|---|---:|---:|---:|", flush=True)
    for work in works(options.quick):
        title, circuit, angles, shots, aer = work
        open_aer("", aer).sample(circuit, None if angles is None else angles[:1], 1, 1)  # imports
        with DaskBackend("local", options=aer) as asks:
            limit = asks.limit
        here = best(lambda work=work, limit=limit: loop(work, limit))  # type: ignore[misc]
        print(f"| {title} | this process | | {here:.3g} | 1 |", flush=True)
        for workers in options.workers:
            with DaskBackend("local", workers=workers, options=aer) as backend:
                backend.sample(circuit, angles, shots, 1)  # imports on the workers
                before = backend.metadata()["chunks"]
                seconds = best(lambda b=backend, w=work: b.sample(w[1], w[2], w[3], 1))  # type: ignore[misc]
                chunks = (backend.metadata()["chunks"] - before) // REPEATS
            print(f"| | {workers} workers | {chunks} | {seconds:.3g} | {here / seconds:.3g} |", flush=True)


if __name__ == "__main__":
    main()
