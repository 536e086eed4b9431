# SPDX-License-Identifier: Apache-2.0
"""What the ledger needs of a service that keeps jobs, beyond what every backend does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeGuard

from stinespring.batches import Item
from stinespring.readings import Outcomes
from stinespring.stages import Backend

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = ["Remote", "RemoteState", "keeps_jobs"]


@dataclass(frozen=True)
class RemoteState:
    """The service's word on a job."""

    state: Literal["queued", "running", "done", "failed", "cancelled"]
    message: str = ""


class Remote(Backend, Protocol):
    """A service that takes jobs, keeps them and can be asked about them; all its failures are BackendErrors.

    Its ``keeps_jobs`` and ``name`` send nothing, unless the name is one that the service resolves; ``capabilities`` may ask it.
    """

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

    def post(
        self, items: Sequence[Item], shots: int, tags: Sequence[str], group: str | None, before: Callable[[], None]
    ) -> str:
        """Submit one job, once, and return its id; ``before`` is called when the request is about to leave.

        Args:
            items: finished circuits with their angles; their own numbers of shots do not matter.
            shots: of every row.
            tags: that the job is found by.
            group: session or batch, or None.
            before: see above.
        """

    def find(self, tag: str) -> list[str]:
        """Return the ids of all jobs with a tag, the oldest first."""

    def state(self, job: str) -> RemoteState:
        """Return the service's word on a job."""

    def result(self, job: str) -> list[list[Outcomes]]:
        """Return, for each item and each of its rows, what was measured."""

    def cancel(self, job: str) -> None:
        """Cancel a job that is not finished."""


def keeps_jobs(backend: Backend) -> TypeGuard[Remote]:
    """Return whether a backend is a service that keeps jobs; nothing is sent."""
    return backend.keeps_jobs
