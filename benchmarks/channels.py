# SPDX-License-Identifier: Apache-2.0
"""Random channels: two-qubit gates and seconds of both forms beside Qiskit's exact isometry, in one run."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

import stinespring
from benchmarks.sheet import Sheet, arguments
from stinespring import channels

__all__ = ["main"]

SHAPES = ((1, 2), (1, 4), (2, 2), (2, 4), (2, 16), (3, 4))
FORMS = ("isometry", "tree")


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


def measured(channel: channels.CPTP, efforts: Sequence[float]) -> list[tuple[int, float]]:
    """Return two-qubit gates and seconds of Qiskit's isometry, and of both our forms for each effort."""
    row = [qiskit_isometry(channel)]
    for form in FORMS:
        for effort in efforts:
            begun = time.perf_counter()
            cost = stinespring.compile_channel(channel, form=form, effort=effort).cost
            row.append((cost.two_qubit_gates, time.perf_counter() - begun))
    return row


def main() -> None:
    """Print one row for each size and rank: the median over seeds."""
    parser = arguments("channels", __doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--effort", type=float, nargs="+", default=[0.0, 1.0])
    parser.add_argument("--quick", action="store_true", help="one seed of the four smallest, effort 0")
    options, sheet = parser.parse_args(), Sheet("channels")
    if options.quick:
        options.seeds, options.effort = 1, [0.0]
    names = ["Qiskit Isometry", *(f"{form}, effort {effort:g}" for form in FORMS for effort in options.effort)]
    sheet.head("qubits, rank", "bound by counting", *names)
    for m, r in SHAPES[:4] if options.quick else SHAPES:
        turns = 3 * m - (r - 1).bit_length()  # parameters of one-qubit gates beside those that a CX brings
        bound = -(-(2 * r * 4**m - 4**m - r**2 - turns) // 4)
        seeds = range(options.seeds)
        rows = np.array([measured(channels.random_channel(m, r, seed=seed), options.effort) for seed in seeds])
        medians = np.median(rows, axis=0)  # by way: gates, seconds
        cells = [f"{gates:g} ({seconds:.2f} s)" for gates, seconds in medians]
        figures = {name: rows[:, place].tolist() for place, name in enumerate(names)}
        sheet.row(f"{m}, {r}", bound, *cells, qubits=m, rank=r, bound=bound, gates_and_seconds=figures)
    sheet.keep(options.output)


if __name__ == "__main__":
    main()
