# SPDX-License-Identifier: Apache-2.0
"""Bodies to outcomes: the one loop over the calls of a program, whatever the program and whatever the backend."""

from __future__ import annotations

from stinespring.backends.repeats import Repeats
from stinespring.backends.samplers import require_independent
from stinespring.backends.seeds import derive_seed, one_run, used
from stinespring.batches import Batch, Body, Report, quiet
from stinespring.errors import BackendError
from stinespring.readings import Outcomes
from stinespring.stages import Backend

__all__ = ["sample_body"]


def sample_body(body: Body, backend: Backend, shots: int, seed: int, report: Report = quiet) -> list[list[Outcomes]]:
    """Return what every call of a body measured, row by row: raw readings, which ``body.outcomes`` decodes.

    Args:
        body: what is run.
        backend: open; if it has a device, the body is on it.
        shots: of the program.
        seed: root; the seed of a call is hashed from it and from the call's key.
        report: called with a phrase and the share done.

    Raises:
        InputError: an object of the user's that gives different calls the same random numbers.
        BackendError: the backend failed, gave other numbers of shots than were asked for, or repeats its counts.
    """
    seen: list[list[Outcomes]] = []
    repeats, rows, tried = Repeats(backend.name), 0, False
    with one_run():
        while (batch := body.next(seen, shots)) is not None:
            rows += batch.rows
            if rows > 1 and not tried:
                require_independent(backend)
                tried = True
            found = backend.sample(batch, used(derive_seed(seed, *batch.key), "call"), report)
            if batch.items:  # a call that is only named was measured, and held to its shots, when it was recorded
                require_complete(batch, found, backend.name)
            if backend.capabilities.random:
                repeats.see(found)
            seen.append(found)
    return seen


def require_complete(batch: Batch, found: list[Outcomes], name: str) -> None:
    """Refuse outcomes that are not those of the batch: every row has as many as it has shots."""
    wanted = [int(shots) for item in batch.items for shots in item.shots]
    if len(found) != len(wanted):
        raise BackendError(f"{name} returned other rows", got=f"{len(found)} rows", expected=f"{len(wanted)} rows")
    for row, (outcomes, shots) in enumerate(zip(found, wanted, strict=True)):
        if outcomes.shots != shots or (outcomes.counts < 0).any():
            raise BackendError(
                f"{name} returned another number of shots", got=f"{outcomes.shots:,} in row {row}", expected=f"{shots:,}"
            )
