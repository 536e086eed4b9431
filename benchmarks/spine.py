# SPDX-License-Identifier: Apache-2.0
"""How long the parts of the spine take, beside Qiskit's own route in the same run."""

from __future__ import annotations

import statistics
import subprocess
import sys

import numpy as np
from qiskit import QuantumCircuit, transpile

import stinespring
from benchmarks.sheet import Sheet, arguments, times
from stinespring.compiler.stepwise.template import Binder
from stinespring.models.texts.table import TableModel
from stinespring.stages import Program

__all__ = ["main"]

WIDTHS = (10, 12, 16)
PEER = 12  # qubits up to which Qiskit is asked
PREFIXES = 64


def process(repeats: int, *words: str) -> float:
    """Return the median running time of a whole process."""

    def whole() -> None:
        subprocess.run([sys.executable, *words], check=True, capture_output=True)

    return statistics.median(times(repeats, whole))


def random_table(qubits: int, context: int = 0) -> TableModel:
    """Return random laws over 2^qubits tokens, of which the last ``context`` decide."""
    d = 2**qubits
    p = np.exp(np.random.default_rng(qubits).normal(size=(d**context, d)))
    law = p / p.sum(axis=1, keepdims=True)
    return TableModel({"tokens": [f"w{i}" for i in range(d)], "context": context, "law": law.tolist()})


def prepared(model: TableModel) -> Program:
    """Return our program that prepares a distribution, phases kept."""
    return stinespring.compile(model, prompt="", steps=1, schedule="static", phases="exact")


def qiskit_preparation(model: TableModel) -> None:
    """Prepare the same state by Qiskit's StatePreparation, lowered to {cx, u}."""
    qubits = int(np.log2(model.d))
    circuit = QuantumCircuit(qubits)
    circuit.prepare_state(np.sqrt(model.table[0]))
    transpile(circuit, basis_gates=["cx", "u"], optimization_level=0)


def main() -> None:
    """Print the figures."""
    parser = arguments("spine", __doc__)
    parser.add_argument("--quick", action="store_true", help="one run of each process, 10 qubits only")
    options, sheet = parser.parse_args(), Sheet("spine")
    repeats = 1 if options.quick else 7
    bare = process(repeats, "-c", "pass")
    seconds = process(repeats, "-c", "import stinespring") - bare
    sheet.told(f"import stinespring           {seconds:8.3f} s above a bare interpreter", what="import", seconds=seconds)
    seconds = process(repeats, "-m", "stinespring.cli.main", "--help")
    sheet.told(f"stinespring --help           {seconds:8.3f} s", what="help", seconds=seconds)
    for work in (prepared, qiskit_preparation):
        work(random_table(2))  # imports
    for qubits in WIDTHS[:1] if options.quick else WIDTHS:
        model = random_table(qubits)
        seconds = statistics.median(times(3, prepared, model))
        peer = times(1, qiskit_preparation, model)[0] if qubits <= PEER else None
        ratio = "   not run" if peer is None else f"{peer / seconds:6.1f}"
        text = f"{qubits:2}-qubit state preparation  {seconds:8.3f} s, Qiskit's route takes {ratio} times as long"
        sheet.told(text, what="state preparation", qubits=qubits, seconds=seconds, qiskit_seconds=peer)
    binder = Binder(random_table(10, context=1), np.zeros(0, dtype=np.int64), "token", "free")
    prefixes = np.arange(PREFIXES)[:, None]
    seconds = statistics.median(times(5, binder.bind, 2, prefixes)) / PREFIXES
    sheet.told(f"10-qubit template, angles    {1000 * seconds:8.3f} ms a prefix", what="angles of a prefix", seconds=seconds)
    sheet.keep(options.output)


if __name__ == "__main__":
    main()
