# SPDX-License-Identifier: Apache-2.0
"""Runs of the dynamics: many steps, a record on the way, and checkpoints that survive a kill at any moment."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from stinespring.errors import InputError
from stinespring.memory import require_memory
from stinespring.models.sphere.dynamics import Dynamics, Energy, Moment, Sums
from stinespring.models.sphere.landscape.rest import at_rest
from stinespring.models.sphere.model import SphereModel
from stinespring.models.sphere.schemes import Adaptive, energy_slack, scheme_of
from stinespring.reading import MODEL_BYTES, read_arrays
from stinespring.readings import FloatArray

__all__ = ["Record", "SphereRun", "simulate"]

Progress = Callable[[str, float], None]
CHECK_EVERY = 10  # steps between looks at the clock
CONVERGED = 1e-8
WRONG, SETTLED, TURN = 20, 10, 0.5  # see SphereRun.diverges


@dataclass
class Record:
    """What was kept on the way; the lists have one entry for each kept moment."""

    steps: list[int] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    positions: list[FloatArray] = field(default_factory=list)
    energies: list[tuple[float, float]] = field(default_factory=list)
    residuals: list[float] = field(default_factory=list)

    def add(self, step: int, at: float, moment: Moment) -> None:
        """Keep a moment."""
        nothing = (np.nan, np.nan)
        self.steps.append(step)
        self.times.append(at)
        self.positions.append(moment.x.copy())
        self.energies.append(nothing if moment.energy is None else (moment.energy.attention, moment.energy.perceptron))
        self.residuals.append(moment.residual)

    def arrays(self) -> dict[str, Any]:
        """Return arrays: steps (T,), times (T,), trajectory (T, n, d), energies (T, 2), residuals (T,)."""
        return {
            "steps": np.array(self.steps, dtype=np.int64),
            "times": np.array(self.times, dtype=np.float64),
            "trajectory": np.array(self.positions),
            "energies": np.array(self.energies, dtype=np.float64).reshape(-1, 2),
            "residuals": np.array(self.residuals, dtype=np.float64),
        }


@dataclass
class SphereRun:
    """A run so far.

    Attributes:
        model: what moves; its particles are those of step 0.
        scheme: euler, rk4 or adaptive.
        moment: the particles now.
        step: accepted steps taken.
        time: the flow's time reached.
        converged: whether every particle's field is at most the tolerance times the forces on it.
        wrong_steps: steps after which the energy had moved the wrong way by more than rounding.
        worst_change: the largest such change.
        method: ``direct`` or ``series``: how sums over pairs were evaluated.
        adaptive: the adaptive scheme's state.
        record: what was kept.
    """

    model: SphereModel
    scheme: str
    moment: Moment
    step: int = 0
    time: float = 0.0
    converged: bool = False
    wrong_steps: int = 0
    worst_change: float = 0.0
    method: str = "direct"
    adaptive: Adaptive | None = None
    record: Record = field(default_factory=Record)

    @property
    def positions(self) -> FloatArray:
        """Positions now, shape (n, d)."""
        return self.moment.x

    @property
    def energy(self) -> Energy | None:
        """The energy now."""
        return self.moment.energy

    @property
    def residual(self) -> float:
        """Largest norm of the projected field now."""
        return self.moment.residual

    @property
    def diverges(self) -> str | None:
        """How it shows that the steps are too large to follow the flow, or None; the adaptive scheme's never are.

        Particles stay on the sphere whatever the step. What shows is the energy, where it is monotone along the flow: it moves
        the wrong way in more than one of :data:`WRONG` steps, as they jump from side to side of where they should come to rest.
        Where no energy tells, it is particles that after :data:`SETTLED` steps still turn by more than :data:`TURN` radians in
        each.
        """
        if self.adaptive is not None:
            return None
        if self.wrong_steps * WRONG > self.step and self.wrong_steps > 1:
            return (
                f"the energy moved the wrong way in {self.wrong_steps} of {self.step} steps, by at most {self.worst_change:.3g}"
            )
        turn = self.model.step * self.residual
        if self.step >= SETTLED and not self.converged and turn > TURN:
            return f"after {self.step} steps a particle still turns by {turn:.3g} rad in a step"
        return None


def simulate(
    model: SphereModel, *, steps: int, scheme: str = "euler", tolerance: float = 1e-6, every: int | None = None,
    stop: bool = False, converged: float = CONVERGED, sums: Sums = "auto", checkpoint: str | Path | None = None,
    checkpoint_seconds: float = 30.0, progress: Progress | None = None,
) -> SphereRun:  # fmt: skip
    """Move the particles.

    Args:
        model: particles and rule.
        steps: how many steps in all; for the adaptive scheme accepted ones.
        scheme: ``euler`` (a layer: ``x <- N(x +- h field)``), ``rk4`` or ``adaptive`` (both follow the projected flow).
        tolerance: of the adaptive scheme, radians per step.
        every: keep the particles of every so many steps, the first and the last included.
        stop: end as soon as the particles have converged.
        converged: residual over the largest drift at which they have.
        sums: ``auto``, ``direct`` or ``series``.
        checkpoint: a file that is replaced in one move every ``checkpoint_seconds``, at the end, and on an interrupt. If it
            exists the run goes on from it, and gives to the last bit what an uninterrupted run gives.
        checkpoint_seconds: how often.
        progress: called with a phrase and the share done.

    Raises:
        InputError: unusable numbers, an overflowing kernel, a checkpoint of another run.
    """
    require_numbers(steps, every, tolerance, converged)
    if every is not None:
        kept = 8.0 * (steps // every + 2) * model.particles.size
        require_memory(kept, "what is kept of the particles on the way", "keep fewer moments: a larger --every")
    dynamics, stepper = Dynamics(model, sums=sums), scheme_of(scheme, model.step, tolerance)
    run = SphereRun(model, scheme, dynamics(model.particles), method=dynamics.sums.name)
    run.adaptive = stepper if isinstance(stepper, Adaptive) else None
    identity = f"{model.fingerprint()} {scheme} {tolerance!r} {every} {dynamics.sums.name}"
    file = None if checkpoint is None else Path(checkpoint)
    if file is not None and file.exists():
        restore(run, file, identity, steps, dynamics)
    elif every:
        run.record.add(0, 0.0, run.moment)
    saved = time.monotonic()
    run.converged = at_rest(dynamics, run.moment, converged)
    try:
        while run.step < steps and not (stop and run.converged):
            advance(run, dynamics, stepper, every)
            looks = run.step % CHECK_EVERY == 0
            if stop or looks:
                run.converged = at_rest(dynamics, run.moment, converged)
            if looks and progress is not None:
                progress(f"step {run.step:,}", run.step / steps)
            if file is not None and looks and time.monotonic() - saved > checkpoint_seconds:
                save(run, file, identity)
                saved = time.monotonic()
    finally:
        if file is not None:
            save(run, file, identity)
    run.converged = at_rest(dynamics, run.moment, converged)
    if every and run.record.steps[-1] != run.step:
        run.record.add(run.step, run.time, run.moment)
    return run


def require_numbers(steps: int, every: int | None, tolerance: float, converged: float) -> None:
    """Refuse numbers that make no run."""
    for name, value in (("steps", steps), ("every", 1 if every is None else every)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
            raise InputError(f"{name} must be at least 1", got=value, expected="a whole number, at least 1")
    for name, share in (("tolerance", tolerance), ("converged", converged)):
        if not 0 < share < 1:
            raise InputError(f"{name} is out of range", got=share, expected="a number between 0 and 1")


def advance(run: SphereRun, dynamics: Dynamics, stepper: Any, every: int | None) -> None:
    """Take one step and note what happened to the energy."""
    before = run.moment
    after = stepper(dynamics, before)
    if dynamics.energy_rises and before.energy is not None and after.energy is not None:
        lost = run.model.sign * (before.energy.total - after.energy.total)
        if lost > energy_slack(dynamics, before, after):
            run.wrong_steps += 1
            run.worst_change = max(run.worst_change, lost)
    run.moment = after
    run.step += 1
    run.time += stepper.time
    if every and run.step % every == 0:
        run.record.add(run.step, run.time, after)


def save(run: SphereRun, file: Path, identity: str) -> None:
    """Write a checkpoint in one move."""
    from stinespring.writing import write_whole

    state = [run.time, float(run.wrong_steps), run.worst_change]
    if run.adaptive is not None:
        a = run.adaptive
        state += [a.proposal, a.time, a.before, float(a.rejected), float(a.by_energy)]
    buffer = io.BytesIO()
    np.savez(buffer, identity=identity, positions=run.moment.x, step=run.step, state=np.array(state), **run.record.arrays())
    write_whole(file, buffer.getvalue())


def restore(run: SphereRun, file: Path, identity: str, steps: int, dynamics: Dynamics) -> None:
    """Go on from a checkpoint."""
    try:
        found = read_arrays(file, kind="checkpoint", expected="a file that an earlier run wrote", most=MODEL_BYTES)
        same, step = str(found["identity"]) == identity, int(found["step"])
    except (TypeError, ValueError, KeyError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            "the checkpoint cannot be read", got=f"{file}: {error}", expected="a file that an earlier run wrote"
        ) from None
    if not same or step > steps:
        raise InputError(
            "the checkpoint belongs to another run",
            got=f"{file}: step {step:,}" + ("" if same else ", another model, scheme or --every"),
            expected=f"the same run with at most {steps:,} steps",
            todo="give another --checkpoint file, or remove this one",
        )
    run.step, run.moment = step, dynamics(found["positions"])
    state = found["state"].tolist()
    run.time, run.wrong_steps, run.worst_change = state[0], int(state[1]), state[2]
    if run.adaptive is not None:
        a = run.adaptive
        a.proposal, a.time, a.before = state[3:6]
        a.rejected, a.by_energy = int(state[6]), int(state[7])
    run.record = Record(
        found["steps"].tolist(), found["times"].tolist(), list(found["trajectory"]),
        [tuple(pair) for pair in found["energies"].tolist()], found["residuals"].tolist(),
    )  # fmt: skip
