# SPDX-License-Identifier: Apache-2.0
"""How long the parts of the spine take, beside Qiskit's own route in the same run."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
from qiskit import QuantumCircuit, transpile

import stinespring
from stinespring.models.texts.table import TableModel


def seconds(work: Callable[[], object], repeats: int = 5) -> float:
    """Return the median running time."""
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def process(*words: str) -> float:
    """Return the median running time of a whole process."""
    return seconds(lambda: subprocess.run([sys.executable, *words], check=True, capture_output=True), 7)


def distribution(qubits: int) -> TableModel:
    """Return a random distribution over 2^qubits tokens."""
    p = np.exp(np.random.default_rng(qubits).normal(size=2**qubits))
    return TableModel({"tokens": [f"w{i}" for i in range(2**qubits)], "context": 0, "law": [(p / p.sum()).tolist()]})


def qiskit_preparation(model: TableModel) -> None:
    """Prepare the same state by Qiskit's StatePreparation, lowered to {cx, u}."""
    qubits = int(np.log2(model.d))
    circuit = QuantumCircuit(qubits)
    circuit.prepare_state(np.sqrt(model.table[0]))
    transpile(circuit, basis_gates=["cx", "u"], optimization_level=0)


def main() -> None:
    """Print the table."""
    bare = process("-c", "pass")
    print(f"import stinespring           {process('-c', 'import stinespring') - bare:8.3f} s above a bare interpreter")
    print(f"stinespring --help           {process('-m', 'stinespring.cli.main', '--help'):8.3f} s")
    for qubits in (10, 12, 16):
        model = distribution(qubits)
        ours = seconds(lambda m=model: stinespring.compile(m, prompt="", steps=1, schedule="static", phases="exact"), 3)  # type: ignore[misc]
        peer = f"{seconds(lambda m=model: qiskit_preparation(m), 1) / ours:6.1f}" if qubits <= 12 else "   not run"  # type: ignore[misc]
        print(f"{qubits:2}-qubit state preparation  {ours:8.3f} s, Qiskit's route takes {peer} times as long")
    stepper = stinespring.compile(distribution(10), prompt="", steps=1, schedule="stepwise").stepper
    assert stepper is not None
    law = np.random.default_rng(0).dirichlet(np.ones(1024), size=64)
    stepper.model.table = law  # type: ignore[attr-defined]
    stepper.model.law = lambda step, texts: law  # type: ignore[method-assign]
    per_prefix = seconds(lambda: stepper.bind(1, np.zeros((64, 0), dtype=np.int64))) / 64
    print(f"10-qubit template, angles    {1000 * per_prefix:8.3f} ms a prefix")


if __name__ == "__main__":
    main()
