# SPDX-License-Identifier: Apache-2.0
"""What a compiled prompt of the lens is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from stinespring.circuits.core.flow import Flow
from stinespring.models.lens.law import PointLaw
from stinespring.models.lens.states import LensStates
from stinespring.readings import IntArray
from stinespring.stages import Cost, Samples

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = ["LensProgram", "Simplify"]

Simplify = Literal["operators", "none", "state"]
METHODS = {
    "operators": "one reflection for each operator; neighbouring preparations are one operator, whatever the state is",
    "none": "one reflection for each operator, each with its own preparation",
    "state": "the state at the point is prepared at once: the operators are replaced by their action on the known state",
}
OPERATOR = "one reflection, global phase included (with U as Qiskit reads it)"


@dataclass(frozen=True, eq=False)
class LensProgram:
    """The layers of a decoder for one prompt as a circuit.

    Attributes:
        states: the prompt's states and operators.
        point: number of the last point.
        measured: True for the initial state and all operators up to the point, read out into ``t1``; False for the operator of
            that point alone on quantum register ``x``.
        simplify: what the compiler was allowed to do.
        time: how much of the last operator acts: ``exp(-i H time)``.
        flow: the program.
        cost: gates and qubits.
        seconds: compile time.
        hash: SHA-256 of everything that changes the program.
    """

    states: LensStates
    point: int
    measured: bool
    simplify: Simplify
    time: float
    flow: Flow
    cost: Cost
    seconds: float
    hash: str

    @property
    def circuit(self) -> QuantumCircuit:
        """The Qiskit circuit."""
        return self.flow.circuit()

    @property
    def law(self) -> PointLaw:
        """What the measured token is distributed like."""
        return PointLaw(self.states, self.point, self.time)

    def qasm3(self) -> str:
        """Return the program as OpenQASM 3 in the portable subset."""
        from stinespring.compiler.export.qasm import flow_qasm

        return flow_qasm(self.flow)

    def write(self, path: str | Path) -> list[Path]:
        """Write FILE.qasm with FILE.json beside it; return what was written."""
        from stinespring.compiler.export.files import write_lens_program

        return write_lens_program(self, path)

    def samples(self, values: Mapping[str, IntArray], **record: Any) -> Samples:
        """Return the measured values of ``t1`` as samples of the law at the point.

        Args:
            values: by classical register, shape (shots,).
            record: what else the samples say of themselves: backend, seed, seconds, metadata.
        """
        tokens, counts = np.unique(values["t1"], return_counts=True)
        return Samples(
            model=self.law, prompt=self.states.prompt, texts=tokens.astype(np.int64)[:, None],
            counts=counts.astype(np.int64), **record,
        )  # fmt: skip

    def summary(self) -> dict[str, Any]:
        """Return the figures that ``lens compile --json`` prints."""
        place = self.states.points[self.point]
        return {
            "schedule": "static",
            "extension": None,
            "phases": "exact",
            **asdict(self.cost),
            "tvd_bound": 0.0,
            "seconds": self.seconds,
            "hash": self.hash,
            "model": self.states.decoder.name,
            "model_fingerprint": self.states.decoder.fingerprint(),
            "lens": self.states.lens,
            "prompt_ids": self.states.prompt.tolist(),
            "point": self.point,
            "after": place.after,
            "layer": place.layer,
            "time": self.time,
            "simplify": self.simplify,
            "method": METHODS[self.simplify] if self.measured else OPERATOR,
        }
