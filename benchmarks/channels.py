# SPDX-License-Identifier: Apache-2.0
"""Random channels: two-qubit gates and seconds of both forms beside Qiskit's exact isometry, in one run."""

from __future__ import annotations

import argparse
import time

import numpy as np

import stinespring
from stinespring import channels

__all__ = ["main"]

SHAPES = ((1, 2), (1, 4), (2, 2), (2, 4), (2, 16), (3, 4))


def qiskit_isometry(channel: channels.CPTP) -> tuple[int, float]:
    """Return CX and seconds of Qiskit's ``Isometry`` for the stacked Kraus operators, at optimization level 3."""
    from qiskit import QuantumCircuit, transpile
    from qiskit.circuit.library import Isometry

    environment = (channel.rank - 1).bit_length()
    stacked = np.zeros((1 << environment, *channel.kraus.shape[1:]), dtype=np.complex128)
    stacked[: channel.rank] = channel.kraus
    begun = time.perf_counter()
    circuit = QuantumCircuit(channel.outputs + environment)
    circuit.append(Isometry(stacked.reshape(-1, stacked.shape[2]), 0, 0), circuit.qubits)
    lowered = transpile(circuit, basis_gates=["u", "cx"], optimization_level=3, seed_transpiler=1)
    return int(lowered.num_nonlocal_gates()), time.perf_counter() - begun


def main() -> None:
    """Print one row for each size and rank: the median over seeds."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks channels")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--effort", type=float, nargs="+", default=[0.0, 1.0])
    chosen = parser.parse_args()
    names = [f"{form}, effort {effort:g}" for form in ("isometry", "tree") for effort in chosen.effort]
    print("| qubits, rank | bound by counting | Qiskit Isometry | " + " | ".join(names) + " |")
    print("|---" * (3 + len(names)) + "|")
    for m, r in SHAPES:
        turns = 3 * m - (r - 1).bit_length()  # parameters of one-qubit gates beside those that a CX brings
        bound = -(-(2 * r * 4**m - 4**m - r**2 - turns) // 4)
        rows = []
        for seed in range(chosen.seeds):
            channel = channels.random_channel(m, r, seed=seed)
            row = [qiskit_isometry(channel)]
            for form in ("isometry", "tree"):
                for effort in chosen.effort:
                    begun = time.perf_counter()
                    cost = stinespring.compile_channel(channel, form=form, effort=effort).cost
                    row.append((cost.two_qubit_gates, time.perf_counter() - begun))
            rows.append(row)
        cells = [f"{np.median(column[:, 0]):g} ({np.median(column[:, 1]):.2f} s)" for column in np.array(rows).swapaxes(0, 1)]
        print(f"| {m}, {r} | {bound} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
