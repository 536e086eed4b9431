# SPDX-License-Identifier: Apache-2.0
"""Qiskit Aer's simulator with what Aer leaves to its callers: failures that are noticed, idle qubits, counts by register."""

from __future__ import annotations

from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING, Any

from stinespring.backends.rows import counted
from stinespring.backends.seeds import used
from stinespring.errors import BackendError
from stinespring.readings import FloatArray, Outcomes

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit_aer import AerSimulator

__all__ = ["binds_rows", "checked", "checked_simulator", "run_counts", "versions", "without_idle_qubits"]

ROW_BY_ROW = frozenset(("ry", "rx", "rz", "p", "u", "h", "x", "sx", "cx", "cz", "crx", "rzz", "measure"))


@cache
def versions() -> dict[str, str]:
    """Return the versions of Qiskit and Aer."""
    return {name: metadata.version(name) for name in ("qiskit", "qiskit-aer")}


def checked(result: Any) -> Any:
    """Return Aer's result, or raise what it only sets a flag for."""
    if not result.success:
        raise BackendError(
            "Aer did not run the circuit",
            got=result.status,
            expected="a successful result",
            todo="use a smaller program or another method",
        )
    return result


def checked_simulator(method: str, **options: Any) -> AerSimulator:
    """Return an Aer simulator whose ``run`` raises when Aer failed.

    Its attribute ``seconds`` adds up the time that Aer says it took.
    """
    from qiskit_aer import AerSimulator

    class CheckedSimulator(AerSimulator):  # type: ignore[misc]
        seconds = 0.0

        def run(self, *args: Any, **kwargs: Any) -> Any:
            job = super().run(*args, **kwargs)
            result = checked(job.result())
            self.seconds += float(getattr(result, "time_taken", 0.0) or 0.0)
            return job

    # Aer 0.18 fails ("unordered_map::at") where it drops a qubit that a condition acts on and no measurement needs
    return CheckedSimulator(method=method, enable_truncation=False, **options)


def binds_rows(circuit: QuantumCircuit, method: str) -> bool:
    """Return whether Aer may write the angles of each row into one circuit while it runs, instead of a circuit for every row.

    The counts and the seeds are the same, and 5 qubits with 31 angles take a third of the time. Asked of statevectors without
    noise, and of gates for which the test of this function has compared both ways.
    """
    plain = not circuit.parameters or isinstance(circuit.global_phase, int | float)
    return method == "statevector" and plain and ROW_BY_ROW.issuperset(circuit.count_ops())


def run_counts(
    simulator: AerSimulator, circuit: QuantumCircuit, angles: FloatArray | None, shots: int, seed: int
) -> list[Outcomes]:
    """Return the outcomes of one run, one for each row of angles.

    Args:
        simulator: Aer's.
        circuit: in Aer's own instructions.
        angles: shape (rows, parameters), in the order of ``circuit.parameters``; None: one row without parameters.
        shots: of each row.
        seed: of the run: Aer gives row k the seed ``seed + 2113 k`` and shot i of a row that is simulated shot by shot one
            that is larger by i, so that such rows must not share a run.
    """
    binds = None if angles is None else [{p: angles[:, i].tolist() for i, p in enumerate(circuit.parameters)}]
    if binds == [{}]:
        binds = None  # rows without parameters are one row
    result = checked(simulator.run(circuit, shots=shots, seed_simulator=seed, parameter_binds=binds).result())
    found = []
    for number, one in enumerate(result.results):
        used(getattr(one, "seed_simulator", None) or seed + number)  # as Aer says that it took it
        counts = one.data.to_dict().get("counts") or {"0x0": shots}  # nothing is measured
        found.append(counted(circuit, [int(key, 16) for key in counts], list(counts.values())))
    return found


def without_idle_qubits(circuit: QuantumCircuit) -> QuantumCircuit:
    """Return the circuit on the qubits it uses: a circuit lowered to a large device leaves most of them alone."""
    from qiskit import QuantumCircuit

    used = {qubit for item in circuit.data if item.operation.name not in ("barrier", "delay") for qubit in item.qubits}
    if len(used) == circuit.num_qubits:
        return circuit
    qubits = [qubit for qubit in circuit.qubits if qubit in used]
    smaller = QuantumCircuit(qubits, *circuit.cregs, global_phase=circuit.global_phase)
    for item in circuit.data:
        if item.operation.name != "barrier" and used.issuperset(item.qubits):
            smaller.append(item)
    return smaller
