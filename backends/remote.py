# SPDX-License-Identifier: Apache-2.0
"""What the ledger needs of a service that keeps jobs, and the form in which work goes out and outcomes come back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeGuard

import numpy as np

from stinespring.backends.base import Backend
from stinespring.readings import FloatArray, IntArray

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

    from stinespring.compiler.devices.target import Device

__all__ = ["Outcomes", "Pub", "Remote", "RemoteState", "keeps_jobs", "outcomes_of"]


@dataclass(frozen=True)
class Pub:
    """One circuit with its parameter values: shape (rows, parameters), or None for a circuit without parameters."""

    circuit: QuantumCircuit
    angles: FloatArray | None

    @property
    def rows(self) -> int:
        """Number of parameter rows; 1 without parameters."""
        return 1 if self.angles is None else len(self.angles)


@dataclass(frozen=True)
class RemoteState:
    """The service's word on a job."""

    state: Literal["queued", "running", "done", "failed", "cancelled"]
    message: str = ""


@dataclass(frozen=True)
class Outcomes:
    """What was measured in one row: distinct values of the classical registers and how often each occurred.

    Attributes:
        registers: names, in order.
        values: shape (U, registers).
        counts: shape (U,).
    """

    registers: tuple[str, ...]
    values: IntArray
    counts: IntArray

    def column(self, register: str) -> IntArray:
        """Return the values of one register; zeros if nothing was measured into it."""
        if register not in self.registers:
            return np.zeros(len(self.counts), dtype=np.int64)
        return np.asarray(self.values[:, self.registers.index(register)])

    def limited(self, shots: int, seed: int) -> Outcomes:
        """Return a random choice of so many shots; all of them if there are no more."""
        if self.counts.sum() <= shots:
            return self
        chosen = np.random.default_rng(seed).multivariate_hypergeometric(self.counts, shots)
        kept = chosen > 0
        return Outcomes(self.registers, self.values[kept], chosen[kept])


def outcomes_of(values: Mapping[str, IntArray]) -> Outcomes:
    """Return the distinct outcomes of one row from every shot's register values."""
    names = tuple(sorted(values))
    if not names:
        return Outcomes((), np.zeros((1, 0), dtype=np.int64), np.zeros(1, dtype=np.int64))
    distinct, counts = np.unique(np.stack([values[name] for name in names], axis=1), axis=0, return_counts=True)
    return Outcomes(names, distinct.astype(np.int64), counts.astype(np.int64))


class Remote(Backend, Protocol):
    """A service that takes jobs, keeps them and can be asked about them; all its failures are BackendErrors."""

    device: Device | None

    @property
    def max_shots(self) -> int:
        """Most shots of one row of parameters."""

    def calibration(self) -> dict[str, Any]:
        """Return the device's calibration as it is now."""

    def finish(self, circuit: QuantumCircuit) -> QuantumCircuit:
        """Return a lowered circuit as this device best executes it; refuse what it does not execute."""

    def open_group(self, jobs: int) -> str | None:
        """Open a session or batch for a run of so many jobs, and return its id; None where jobs stand alone."""

    def group_is_open(self, group: str) -> bool:
        """Return whether a session or batch still takes jobs."""

    def close_group(self, group: str) -> None:
        """Take no more jobs in a session or batch."""

    def post(self, pubs: Sequence[Pub], shots: int, tags: Sequence[str], group: str | None, before: Callable[[], None]) -> str:
        """Submit one job, once, and return its id; ``before`` is called when the request is about to leave."""

    def find(self, tag: str) -> list[str]:
        """Return the ids of all jobs with a tag, the oldest first."""

    def state(self, job: str) -> RemoteState:
        """Return the service's word on a job."""

    def result(self, job: str) -> list[list[Outcomes]]:
        """Return, for each pub and each of its rows, what was measured."""

    def cancel(self, job: str) -> None:
        """Cancel a job that is not finished."""


def keeps_jobs(backend: object) -> TypeGuard[Remote]:
    """Return whether a backend is a service that keeps jobs; looks at its class only, so that nothing is sent."""
    return callable(getattr(type(backend), "post", None)) and callable(getattr(type(backend), "find", None))
