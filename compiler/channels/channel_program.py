# SPDX-License-Identifier: Apache-2.0
"""What a compiled channel is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from stinespring.circuits.core.flow import Flow
from stinespring.models.channels.cptp import CPTP
from stinespring.stages import Cost

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = ["ChannelProgram"]


@dataclass(frozen=True)
class ChannelProgram:
    """A compiled channel.

    Attributes:
        channel: what was compiled.
        form: ``isometry`` (an environment that is traced out) or ``tree`` (one ancilla, measured and used again).
        flow: the program: register ``sys`` (the first m qubits in, the first n out), ``env``, and classical ``outcome``.
        outcomes: for an instrument, the outcome that each value of ``outcome`` stands for.
        method: how the circuit was found, one sentence.
        choi_error: largest deviation of an element of the circuit's Choi matrix, summed over branches, from the channel's.
        cost: gates and qubits; gates and depths on the worst path.
        seconds: compile time.
        hash: SHA-256 of everything that changes the program.
    """

    channel: CPTP
    form: Literal["isometry", "tree"]
    flow: Flow
    outcomes: Mapping[int, int]
    method: str
    choi_error: float
    cost: Cost
    seconds: float
    hash: str

    @property
    def circuit(self) -> QuantumCircuit:
        """The Qiskit circuit."""
        return self.flow.circuit()

    def qasm3(self) -> str:
        """Return the program as OpenQASM 3 in the portable subset."""
        from stinespring.compiler.export.qasm import flow_qasm

        return flow_qasm(self.flow)

    def choi(self) -> NDArray[np.complex128]:
        """Return the circuit's Choi matrix by channel-state duality on Aer; the input most significant."""
        from stinespring.backends.aer.choi import channel_wires, circuit_choi

        circuit = self.circuit
        return circuit_choi(circuit, *channel_wires(circuit, inputs=self.channel.inputs, outputs=self.channel.outputs))

    def draw(self, **options: Any) -> Any:
        """Return Qiskit's drawing of the circuit."""
        return self.circuit.draw(**options)

    def write(self, path: str | Path) -> list[Path]:
        """Write FILE.qasm with FILE.json beside it; return what was written."""
        from stinespring.compiler.export.files import write_channel_program

        return write_channel_program(self, path)

    def summary(self) -> dict[str, Any]:
        """Return the figures that ``channel --json`` prints."""
        return {
            "schedule": "dynamic" if self.form == "tree" else "static",
            "extension": None,
            "phases": "exact",
            **asdict(self.cost),
            "tvd_bound": 0.0,
            "seconds": self.seconds,
            "hash": self.hash,
            "form": self.form,
            "rank": self.channel.rank,
            "choi_error": self.choi_error,
            "inputs": self.channel.inputs,
            "outputs": self.channel.outputs,
            "method": self.method,
        }
