# SPDX-License-Identifier: Apache-2.0
"""An ``AerSimulator`` that somebody else made: with the noise, the couplings and the options that it came with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stinespring.backends.aer.chunks import MOST_ROWS
from stinespring.backends.aer.simulator import run_counts, versions
from stinespring.backends.rows import Gathered, batches, require_values, rows_of
from stinespring.backends.samplers import TOSSES, refuse_equal, told_apart
from stinespring.backends.seeds import derive_seed
from stinespring.batches import Batch, Report, quiet
from stinespring.circuits.devices.legality import Rules
from stinespring.circuits.devices.read_back import is_dynamic
from stinespring.errors import BackendError
from stinespring.readings import Outcomes
from stinespring.stages import Capabilities, Device

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit_aer import AerSimulator

__all__ = ["GivenSimulator", "device_of_simulator", "is_noisy"]


class GivenSimulator:
    """An Aer simulator as a backend; circuits are lowered to the gates that its noise acts on, so that it does act.

    Args:
        simulator: as it was given; its options stay as they are, but for shots and seeds.
    """

    keeps_jobs = False

    def __init__(self, simulator: AerSimulator) -> None:
        self.simulator, self.name = simulator, f"qiskit:{simulator.name}"
        self.capabilities = Capabilities(device=device_of_simulator(simulator), noisy=is_noisy(simulator))
        self._rows, self._tried = 0, False

    def close(self) -> None:
        """End nothing: the simulator belongs to whoever made it."""

    def metadata(self) -> dict[str, Any]:
        """Return versions, the simulator's method, and whether it has noise."""
        return {**versions(), "method": self.simulator.options.method, "noisy": self.capabilities.noisy, "seed_used": True}

    def toss(self, circuit: QuantumCircuit, number: int) -> list[bytes]:
        """Return what tells the coins of a call apart."""
        return [told_apart(row) for row in run_counts(self.simulator, circuit, None, TOSSES, derive_seed(1, number))]

    def sample(self, batch: Batch, seed: int, report: Report = quiet) -> list[Outcomes]:
        """Return the outcomes of every row; see :class:`stinespring.stages.Backend`.

        What is simulated shot by shot shares its run with nothing: Aer's seeds for neighbouring rows overlap there.

        Raises:
            BackendError: Aer refused a circuit or reports a failure.
        """
        from qiskit_aer import AerError, AerSimulator

        gathered = Gathered(batch)
        self._rows += batch.rows
        if self._rows > 1 and not self._tried and type(self.simulator) is not AerSimulator:
            self._tried = True
            refuse_equal(self.toss, self.capabilities.device, self.name.partition(":")[2])
        for number, item in enumerate(batch.items):
            require_values(item.circuit)
            alone = item.angles is None or self.capabilities.noisy or is_dynamic(item.circuit)
            together = 1 if alone else MOST_ROWS
            for shots, rows in batches(item.shots):
                for first in range(0, len(rows), together):
                    some = rows[first : first + together]
                    purpose = derive_seed(seed, number, shots, first)
                    try:
                        found = run_counts(self.simulator, item.circuit, rows_of(item.angles, some), shots, purpose)
                    except AerError as error:
                        raise BackendError("the simulator failed", got=str(error), expected="a result") from error
                    gathered.add(number, some, found)
        return gathered.outcomes()


def is_noisy(simulator: AerSimulator) -> bool:
    """Return whether a simulator has noise."""
    noise = simulator.options.noise_model
    return noise is not None and not noise.is_ideal()


def device_of_simulator(simulator: AerSimulator) -> Device | None:
    """Return what circuits must be lowered to; None for a simulator without noise and couplings, which takes any gate.

    The gates are those of the noise model (its ``basis_gates``), or those that the simulator was configured with.
    """
    from qiskit.circuit import IfElseOp
    from qiskit.circuit.library import get_standard_gate_name_mapping
    from qiskit.transpiler import CouplingMap, Target

    couplings = simulator.coupling_map
    if not is_noisy(simulator) and couplings is None:
        return None
    named = simulator.options.noise_model.basis_gates if is_noisy(simulator) else simulator.target.operation_names
    known = set(get_standard_gate_name_mapping()) - {"measure", "reset", "delay"}
    coupling = None if couplings is None else CouplingMap(couplings)
    qubits = int(simulator.num_qubits) if coupling is None else max(int(simulator.num_qubits), coupling.size())
    target = Target.from_configuration(
        basis_gates=[*sorted(known.intersection(named)), "measure", "reset"], coupling_map=coupling, num_qubits=qubits
    )
    target.add_instruction(IfElseOp, name="if_else")
    name = f"qiskit:{simulator.name}"
    return Device(name, target, Rules(name, frozenset({"if_else"}), register_names=False))
