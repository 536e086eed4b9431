# SPDX-License-Identifier: Apache-2.0
"""From a source to a verdict in one call, at once or through the ledger; and the verdict on a run that was submitted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stinespring.backends.seeds import root_seed
from stinespring.batches import Report, quiet
from stinespring.checks.within import wanted_within
from stinespring.ledger.store import Ledger, Run
from stinespring.pipeline.compiling import compile_decided
from stinespring.pipeline.readout.flips import randomised
from stinespring.pipeline.readout.mitigation import (
    calibration_body,
    measured_calibration,
    mitigated,
    planned_mitigation,
    require_mode,
)
from stinespring.pipeline.running import check, on_backend, require_runnable, require_scoped, sampled, split
from stinespring.pipeline.runs import read
from stinespring.pipeline.systems import system_of
from stinespring.showing import Brief, FourLines
from stinespring.stages import Backend, Program, Samples, Verdict

if TYPE_CHECKING:
    from stinespring.pipeline.blocks import Mode

__all__ = ["Checked", "Found", "Result", "judged", "measured"]


@dataclass(frozen=True, eq=False, repr=False)
class Result(Brief):
    """Everything from a source to its verdict.

    Attributes:
        program: what ran.
        samples: what it measured.
        verdict: what that says, after mitigation where there was any.
        mitigation: what was mitigated, or why nothing was.
        run: of the ledger, if it went through it.
        block: what following the circuits exactly said, which is part of the verdict; None if nothing was asked.
    """

    program: Program
    samples: Samples
    verdict: Verdict
    mitigation: Mapping[str, Any]
    run: Run | None = None
    block: Verdict | None = None

    def brief(self) -> FourLines:
        """Return the verdict, the program and the samples."""
        return FourLines(
            f"Result: {self.verdict.verdict}",
            [f"reason: {self.verdict.reason}", self.program.brief().title, self.samples.brief().lines[0]],
        )


@dataclass(frozen=True, eq=False)
class Checked:
    """Counts from anywhere and the verdict on them; what made them is not known.

    Attributes:
        samples: the counts.
        verdict: what they say.
        mitigation: why nothing was mitigated.
        program, run: there are none.
    """

    samples: Samples
    verdict: Verdict
    mitigation: Mapping[str, Any] = field(default_factory=lambda: {"applied": False, "why": "the counts are from elsewhere"})
    program: None = None
    run: None = None


Found = Result | Checked


def measured(
    source: Any, given: Mapping[str, Any], *, backend: Backend, shots: int, seed: int | None = None,
    settings: Mapping[str, Any] | None = None, mitigation: str = "none", alpha: float = 0.001, resolution: float = 0.05,
    scope: str = "auto", within: float | str | None = "auto", detect: bool = False, verify: Mode = "auto",
    report: Report = quiet,
) -> Result:  # fmt: skip
    """Compile, sample and check at once, on an open backend that keeps no jobs.

    Args:
        source: of any kind.
        given: keyword arguments of :func:`stinespring.compile`.
        backend: open.
        shots: as asked for.
        seed: the same seed gives the same counts.
        settings: keyword arguments of :func:`stinespring.run` beyond those here.
        mitigation: ``none``, ``readout``, ``flips`` or ``always``.
        alpha: the false-alarm rate.
        resolution: the TVD that a PASS must be able to detect.
        scope: the deviations that a PASS covers; see :func:`stinespring.check`.
        verify: which programs are also followed exactly; see :func:`stinespring.pipeline.blocks.verify_block`.
        within: the distance of an equivalence test; see :func:`stinespring.check`.
        detect: whether shots whose readings tell an error are dropped; not together with mitigation, which needs them.
        report: progress.
    """
    from stinespring.pipeline.blocks import verify_block, with_block

    require_scoped(system_of(source), scope)
    require_mode(mitigation, detect)
    wanted_within(within, noisy=False, resolution=resolution)
    root, device = root_seed(seed), backend.capabilities.device
    if device is not None and given.get("target", "aer") == "aer":
        given = {**given, "target": device}
    report("compiling", 0.0)
    asked, options = split(source, given)
    program, _ = compile_decided(
        source, system_of(source).settled(source, asked, settings or {}, root), options, backend=backend,
        one_circuit=detect or mitigation != "none",
    )  # fmt: skip
    shots, program = require_runnable(program, shots), on_backend(program, backend)
    note = planned_mitigation(program, backend, mitigation, shots=shots, root=root)
    report("verifying", 0.0)
    block = verify_block(program, verify)
    report("sampling", 0.0)
    readings = measured_calibration(calibration_body(note, backend, shots), backend, root)
    samples = sampled(randomised(program, note, backend), backend, shots, root, report)
    report("checking", 1.0)
    verdict = check(samples, alpha=alpha, resolution=resolution, scope=scope, within=within, detect=detect)
    found, told = mitigated(samples, verdict, note, readings, resolution=resolution)
    return Result(program, samples, with_block(found, block), told, block=block)


def judged(
    ledger: Ledger, run: Run, *, alpha: float = 0.001, resolution: float = 0.05, scope: str = "auto",
    within: float | str | None = "auto", detect: bool = False,
) -> Result:  # fmt: skip
    """Return everything about a run of the ledger that is done.

    Args:
        ledger: where it is kept.
        run: which one.
        alpha: the false-alarm rate.
        resolution: the TVD that a PASS must be able to detect.
        scope: the deviations that a PASS covers; see :func:`stinespring.check`.
        within: the distance of an equivalence test; see :func:`stinespring.check`.
        detect: whether shots whose readings tell an error are dropped, if that was not asked for when it was submitted.

    Raises:
        InputError: it is not done, or an earlier version wrote it.
    """
    detect = detect or bool(run.request.get("detect"))
    require_mode(run.request["mitigation"], detect)
    program, samples, readings = read(ledger, run)
    verdict = check(samples, alpha=alpha, resolution=resolution, scope=scope, within=within, detect=detect)
    found, note = mitigated(samples, verdict, run.program["mitigation"], readings, resolution=resolution)
    return Result(program, samples, found, note, run)
