# SPDX-License-Identifier: Apache-2.0
"""Runs that outlive the process, in three functions: what one would take, sending it, reading it."""

from __future__ import annotations

from typing import Any, Unpack

from stinespring.backends.native import sheltered
from stinespring.backends.registry import opened
from stinespring.checks.statistics.family import Scope
from stinespring.checks.within import Within
from stinespring.ledger.listing import Listed
from stinespring.ledger.recorded import Permissions
from stinespring.ledger.store import Ledger, Run
from stinespring.pipeline import runs
from stinespring.pipeline.estimate import Estimate
from stinespring.pipeline.python.arguments import PlanArguments, spelt_out
from stinespring.pipeline.readout.mitigation import Mitigation
from stinespring.pipeline.whole import Result, judged

__all__ = ["estimate", "fetch", "submit"]

SAMPLING = ("settings",)  # arguments of stinespring.run, beside those of stinespring.compile


def parted(given: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the arguments of the compilation, and those of the sampling."""
    settings = {name: given.pop(name) for name in SAMPLING if name in given}
    return given, settings


@spelt_out(PlanArguments)
def estimate(
    source: Any, *, backend: str | Any, shots: int = 20_000, alpha: float = 0.001, resolution: float = 0.05,
    within: Within = "auto", **given: Unpack[PlanArguments],
) -> Estimate:  # fmt: skip
    """Return what a run would take; nothing is written or submitted.

    Args:
        source: of any kind.
        backend: a backend string, or an object.
        shots: as asked for.
        alpha: the false-alarm rate of the verdict.
        resolution: the TVD that a PASS must be able to detect.
        within: the distance of an equivalence test; see :func:`stinespring.check`.
        **given: as for :func:`stinespring.compile`; for a channel also ``settings``, as for :func:`stinespring.run`.
    """
    sheltered()
    asked, settings = parted(dict(given))
    with opened(backend) as ready:
        planned = runs.plan(
            source, asked, backend=ready, asked_of=ready.name, shots=shots, settings=settings, alpha=alpha,
            resolution=resolution, within=within, simulate=True,
        )  # fmt: skip
        return planned.estimate


@spelt_out(PlanArguments)
def submit(
    source: Any, *, backend: str, shots: int = 20_000, seed: int | None = None, mitigation: Mitigation = "none",
    detect: bool = False, once: bool = False, **given: Unpack[PlanArguments],
) -> Run:  # fmt: skip
    """Write a run into the ledger and send it; :func:`fetch` reads it, in this process or another.

    Args:
        source: of any kind.
        backend: a backend string.
        shots: as asked for.
        seed: the same seed gives the same counts as :func:`stinespring.run`.
        mitigation: ``none``, ``readout``, ``flips`` or ``always``.
        detect: whether shots whose readings tell an error will be dropped.
        once: return an earlier run that asked the same and did not fail, instead of a new one.
        **given: as for :func:`stinespring.compile`; for a channel also ``settings``, as for :func:`stinespring.run`.

    Raises:
        InputError: what cannot be asked or run, or a source that the ledger could not read back.
        BackendError: the run was written down but not sent; ``stinespring resume`` sends it.
    """
    sheltered()
    asked, settings = parted(dict(given))
    with opened(backend) as ready:
        planned = runs.plan(
            source, asked, backend=ready, asked_of=backend, shots=shots, seed=seed, settings=settings, mitigation=mitigation,
            detect=detect,
        )  # fmt: skip
        return runs.submit(Ledger(), planned, once=once)


def fetch(
    run: str | Run | Listed = "latest", *, wait: float | None = None, alpha: float = 0.001, resolution: float = 0.05,
    scope: Scope = "auto",
    within: Within = "auto", detect: bool = False,
) -> Result | Run:  # fmt: skip
    """Return everything about a run that is done, else the run as it is.

    Args:
        run: its id, or ``latest``; or the run itself.
        wait: seconds to wait for outcomes; None: one look.
        alpha: the false-alarm rate.
        resolution: the TVD that a PASS must be able to detect.
        scope: the deviations that a PASS covers; see :func:`stinespring.check`.
        within: the distance of an equivalence test; see :func:`stinespring.check`.
        detect: drop the shots whose readings tell an error; see :func:`stinespring.check`.

    Raises:
        InputError: no such run.
        BackendError: the service failed; the run stays as it was.
    """
    sheltered()
    ledger = Ledger()
    found = runs.bring_forward(
        ledger, ledger.run(run if isinstance(run, str) else run.id), Permissions(onward=wait is not None, wait=wait)
    )
    if found.state != "done":
        return found
    return judged(ledger, found, alpha=alpha, resolution=resolution, scope=scope, within=within, detect=detect)
