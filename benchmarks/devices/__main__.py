# SPDX-License-Identifier: Apache-2.0
"""Distances that real devices showed beside those predicted from a snapshot: ``python -m benchmarks devices FOLDER``.

``counts.json`` holds what eight runs of GHZ circuits on ibm_fez and ibm_marrakesh counted (CC0, see its ``source``). The
circuits belong to their authors and are not kept here: FOLDER is a checkout of the repository that ``source`` names.

For each run: the TVD of the counts from the law of its circuit, and what the backend ``fake:NAME`` makes of it, its noisy
law as it is, or trajectories of matrix product states where that is too large, with the errors of a snapshot

- as it is, and nobody waiting,
- with relaxation while qubits wait (everything as late as possible),
- with that, and T1, T2 and readout errors scaled to the averages that the run's authors state for its day,
- with waiting, and readout errors as the other variant of the same day shows them: its single flips of 0...0 and 1...1.

A prediction is called near if it is within a quarter of the measured distance.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from benchmarks.sheet import Sheet, arguments
from stinespring.backends.aer.backend import AerBackend
from stinespring.backends.aer.calibration import Calibration, QubitFigures, readout_of
from stinespring.backends.aer.fake import open_fake
from stinespring.backends.noisy.followed import noisy_readings
from stinespring.batches import Batch, Item
from stinespring.circuits.devices.read_back import used_qubits
from stinespring.compiler.devices.timing import with_delays
from stinespring.errors import TooLargeError

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

COUNTS = Path(__file__).with_name("counts.json")
NEAR = 0.25
WAYS = ("snapshot alone", "with waiting", "with stated averages", "with the other's flips")
MOST, WIDEST = 2e10, 15  # numbers that the exact law may take, a few minutes, and qubits from which on that is not tried
TRAJECTORIES = 500  # shots where the law is not computed
LEAST = 1e-9  # probabilities below are rounding


class Predicted(NamedTuple):
    """A distance, and whether it is that of the exact noisy law; else of trajectories, with a standard error of about 0.022."""

    tvd: float
    exact: bool


def published(folder: Path, pattern: str) -> QuantumCircuit:
    """Return the circuit of a run, as its authors publish it in OpenQASM 2."""
    from qiskit import qasm2

    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise SystemExit(f"{folder} is no checkout of the repository that {COUNTS.name} names: {len(found)} files {pattern}")
    return qasm2.load(found[0], custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS)


def law_of(circuit: QuantumCircuit) -> dict[int, float]:
    """Return the probability of every value of a circuit's bits without noise, bit 0 least significant; from its own gates."""
    from qiskit import QuantumCircuit
    from qiskit.quantum_info import Statevector

    place = {qubit: number for number, qubit in enumerate(sorted(used_qubits(circuit)))}
    small, read = QuantumCircuit(len(place)), [0] * circuit.num_clbits
    for item in circuit.data:
        on = [circuit.find_bit(qubit).index for qubit in item.qubits]
        if item.operation.name == "measure":
            read[circuit.find_bit(item.clbits[0]).index] = place[on[0]]
        elif item.operation.name != "barrier":
            small.append(item.operation, [place[qubit] for qubit in on])
    shares = Statevector(small).probabilities(read)
    return {int(value): float(shares[value]) for value in np.flatnonzero(shares > LEAST)}


def distance(counts: dict[int, float], law: dict[int, float]) -> float:
    """Return ``1 - sum_x min(P(x), f(x))`` of frequencies f, the TVD between both."""
    shots = sum(counts.values())
    return 1.0 - sum(min(law.get(value, 0.0), seen / shots) for value, seen in counts.items())


def scaled(calibration: Calibration, stated: dict[str, float]) -> Calibration:
    """Return a calibration whose averages over all qubits are those stated: microseconds, and percent of readings."""

    def factor(mean: float, values: list[float]) -> float:
        return mean / (sum(values) / len(values))

    qubits = calibration.qubits
    t1 = factor(stated["t1"] * 1e-6, [q.t1 for q in qubits if q.t1])
    t2 = factor(stated["t2"] * 1e-6, [q.t2 for q in qubits if q.t2])
    wrong = [(q.readout[0][1] + q.readout[1][0]) / 2 for q in qubits if q.readout]
    read = factor(stated["readout_percent"] / 100, wrong)

    def one(q: QubitFigures) -> QubitFigures:
        flips = None if q.readout is None else readout_of(min(0.5, read * q.readout[0][1]), min(0.5, read * q.readout[1][0]))
        return QubitFigures(q.t1 and q.t1 * t1, q.t2 and q.t2 * t2, flips)

    return replace(calibration, qubits=tuple(map(one, qubits)))


def flipped(calibration: Calibration, circuit: QuantumCircuit, counts: dict[str, int]) -> Calibration:
    """Return a calibration whose readout errors are the shares of single flips of 0...0 and 1...1 in what a circuit counted."""
    seen = {int(bits, 2): number for bits, number in counts.items()}
    qubits, ones = list(calibration.qubits), 2**circuit.num_clbits - 1
    for item in circuit.data:
        if item.operation.name == "measure":
            bit, qubit = (circuit.find_bit(one[0]).index for one in (item.clbits, item.qubits))
            wrong = [seen.get(end ^ 1 << bit, 0) / (seen[end] + seen.get(end ^ 1 << bit, 0)) for end in (0, ones)]
            qubits[qubit] = replace(qubits[qubit], readout=readout_of(*wrong))
    return replace(calibration, qubits=tuple(qubits))


def predicted(circuit: QuantumCircuit, calibration: Calibration, backend: AerBackend, law: dict[int, float]) -> Predicted:
    """Return the TVD from the law that a calibration makes of a circuit, and how it was found."""
    try:
        if len(used_qubits(circuit)) > WIDEST:
            raise TooLargeError("not tried", got=f"{circuit.num_clbits} qubits", expected=f"at most {WIDEST}")
        read = noisy_readings(circuit, calibration, most=MOST)
        return Predicted(distance(dict(zip(read.values[:, 0].tolist(), read.weights.tolist(), strict=True)), law), True)
    except TooLargeError:
        noisy = AerBackend("matrix_product_state", calibration=calibration, device=backend.capabilities.device)
        [row] = noisy.sample(Batch((Item(circuit, None, np.array([TRAJECTORIES])),), (0,)), 18)
        values = dict(zip(row.values[:, 0].tolist(), row.counts.tolist(), strict=True))
        return Predicted(distance(values, law), False)


def measured(run: dict[str, Any], other: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return one row: what was measured, and the predictions; ``other`` is the other variant of the same day."""
    backend, circuit = open_fake(run["device"], {}), published(folder, run["circuit"])
    law, calibration = law_of(circuit), backend.calibration
    assert calibration is not None and backend.capabilities.device is not None, "a snapshot has both"
    waiting = with_delays(circuit, backend.capabilities.device.target)
    same_day = flipped(calibration, published(folder, other["circuit"]), other["counts"])
    found = {
        "snapshot alone": predicted(circuit, calibration, backend, law),
        "with waiting": predicted(waiting, calibration, backend, law),
        "with stated averages": predicted(waiting, scaled(calibration, run["stated"]), backend, law),
        "with the other's flips": predicted(waiting, same_day, backend, law),
    }
    return {
        "run": run["name"], "device": run["device"], "taken": run["taken"], "snapshot": calibration.taken,
        "qubits": circuit.num_clbits, "cz": circuit.count_ops()["cz"], "shots": sum(run["counts"].values()),
        "measured": distance({int(bits, 2): seen for bits, seen in run["counts"].items()}, law),
        "predicted": {way: one.tvd for way, one in found.items()}, "exact": all(one.exact for one in found.values()),
    }  # fmt: skip


def known(path: Path | None) -> dict[str, dict[str, Any]]:
    """Return the rows that a file of results already has, by run: what was stopped goes on."""
    if path is None or not path.is_file():
        return {}
    return {row["run"]: row for row in json.loads(path.read_text(encoding="utf-8"))["rows"] if "run" in row}


def main() -> None:
    """Print measured and predicted distances of every run, and how many are near."""
    parser = arguments("devices", __doc__)
    parser.add_argument("folder", type=Path, help="a checkout of the repository that counts.json names as its source")
    options, sheet = parser.parse_args(), Sheet("devices")
    runs = json.loads(COUNTS.read_text(encoding="utf-8"))["runs"]
    done = known(options.output)
    sheet.head("run", "device", "taken", "snapshot of", "qubits", "CZ", "measured", *WAYS, words=4)
    rows = []
    for place, run in enumerate(runs):
        row = done.get(run["name"]) or measured(run, runs[place ^ 1], options.folder)
        cells = [f"{tvd:.3f} ({tvd / row['measured'] - 1:+.0%})" for tvd in row["predicted"].values()]
        names = (row["run"], row["device"], row["taken"][:10], row["snapshot"][:10], row["qubits"], row["cz"])
        sheet.row(*names, f"{row['measured']:.3f}", *cells, **row)
        rows.append(row)
        sheet.keep(options.output)
    for way in WAYS:
        near = sum(abs(row["predicted"][way] / row["measured"] - 1) <= NEAR for row in rows)
        sheet.told(f"{way}: {near} of {len(runs)} within {NEAR:.0%}", way=way, near=near)
    sheet.keep(options.output)


if __name__ == "__main__":
    main()
