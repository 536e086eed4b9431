# SPDX-License-Identifier: Apache-2.0
"""Jobs on a backend that keeps none: sampled in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stinespring.backends.base import Backend
from stinespring.backends.execute import sampled_dynamic
from stinespring.backends.remote import Outcomes, outcomes_of
from stinespring.backends.seeds import derive_seed
from stinespring.circuits.devices.read_back import flow_of, is_dynamic
from stinespring.ledger.payload import Work

if TYPE_CHECKING:
    from stinespring.backends.remote import Pub

__all__ = ["sample_work"]


def sample_work(work: Work, backend: Backend, key: tuple[int, int, int]) -> list[Outcomes]:
    """Return the outcomes of a job's rows; the key (root, step, part) seeds them."""
    rows: list[Outcomes] = []
    for index, pub in enumerate(work.pubs):
        rows += sample_pub(pub, work.shots, backend, derive_seed(*key, index))
    return rows


def sample_pub(pub: Pub, shots: int, backend: Backend, seed: int) -> list[Outcomes]:
    """Return the outcomes of each row of one circuit."""
    if pub.angles is None and is_dynamic(pub.circuit):
        return [outcomes_of(sampled_dynamic(flow_of(pub.circuit), backend, shots, seed).values)]
    return [outcomes_of(values) for values in backend.sample(pub.circuit, pub.angles, shots, seed)]
