# SPDX-License-Identifier: Apache-2.0
"""One step of the flow: Euler as a layer takes it, Runge-Kutta of fourth order, and Dormand-Prince with step control.

The Runge-Kutta schemes integrate the flow on the sphere, ``x' = +- P_x drift(x)``: the field is extended to the space around
the sphere by ``f(x / |x|)``, for which |x| is conserved, so that normalising the result keeps the order.

Source of the coefficients: Dormand & Prince, J. Comput. Appl. Math. 6, 19 (1980); step control by Gustafsson's PI rule,
Hairer & Wanner, Solving Ordinary Differential Equations II, section IV.2.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from stinespring.errors import InputError
from stinespring.models.sphere.dynamics import Dynamics, Moment
from stinespring.models.sphere.model import normalised
from stinespring.readings import FloatArray

__all__ = ["SCHEMES", "Adaptive", "energy_slack", "scheme_of"]

SCHEMES = ("euler", "rk4", "adaptive")
STAGES = (
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
)
FIFTH = (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84)
ERROR = (71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)
ROUNDING = 1e-13  # of the energy's parts: changes below are rounding of a sum of n^2 terms
SMALLEST = 1e-200
LONGEST = 1e3  # step times force: at rest the error is 0 and steps would grow without end
SMALLEST_ERROR = 1e-15
RELATIVE = 100.0  # the error is also at most this times the tolerance of what a particle moves: so that runs converge
MOST_REJECTED = 400


def velocity(dynamics: Dynamics, moment: Moment) -> FloatArray:
    """Return ``+- P_x drift``."""
    return dynamics.model.sign * moment.field


@dataclass
class Euler:
    """``x <- N(x +- h field)`` with the projected or the raw field: one layer."""

    time: float

    def __call__(self, dynamics: Dynamics, now: Moment) -> Moment:
        """Return the particles after one step."""
        model = dynamics.model
        field = now.field if model.field == "projected" else now.drift
        return dynamics(normalised(now.x + (model.sign * self.time) * field))


@dataclass
class RK4:
    """The classical Runge-Kutta scheme."""

    time: float

    def __call__(self, dynamics: Dynamics, now: Moment) -> Moment:
        """Return the particles after one step."""
        h, x = self.time, now.x
        first = velocity(dynamics, now)
        second = velocity(dynamics, dynamics(normalised(x + 0.5 * h * first)))
        third = velocity(dynamics, dynamics(normalised(x + 0.5 * h * second)))
        fourth = velocity(dynamics, dynamics(normalised(x + h * third)))
        return dynamics(normalised(x + (h / 6.0) * (first + 2.0 * second + 2.0 * third + fourth)))


@dataclass
class Adaptive:
    """Dormand-Prince 5(4); a step is accepted if its error is within the tolerance and the energy moves the right way.

    Attributes:
        proposal: the next step to try.
        tolerance: largest error of a particle's position in one step, in radians, and a hundredfold of it relative to its way.
        time: the last accepted step.
        before: the last error over the tolerance, for the PI rule.
        rejected: how many steps were tried in vain.
        by_energy: how many of them only because of the energy.
    """

    proposal: float
    tolerance: float = 1e-6
    time: float = 0.0
    before: float = 1.0
    rejected: int = 0
    by_energy: int = field(default=0)

    def __call__(self, dynamics: Dynamics, now: Moment) -> Moment:
        """Return the particles after one accepted step."""
        first = velocity(dynamics, now)
        longest = LONGEST / max(now.reach, SMALLEST)
        for _ in range(MOST_REJECTED):
            h = min(self.proposal, longest)
            after, error = self.attempt(dynamics, now, first, h)
            wrong_way = after is not None and moves_wrongly(dynamics, now, after)
            if after is not None and error <= 1.0 and not wrong_way:
                self.proposal = h * min(5.0, max(0.2, 0.9 * max(error, 1e-10) ** -0.14 * self.before**0.08))
                self.before, self.time = max(error, 1e-4), h
                return after
            self.rejected += 1
            self.by_energy += wrong_way and error <= 1.0
            self.proposal = h * (0.5 if error <= 1.0 else max(0.1, 0.9 * error**-0.2))
            if not self.proposal > SMALLEST:
                break
        raise InputError(
            "no step is small enough",
            got=f"a step of {self.proposal:.3g} after {MOST_REJECTED} attempts",
            expected=f"an error of at most {self.tolerance:g} in one step",
            todo="use a larger --tolerance or the scaled kernel",
        )

    def attempt(self, dynamics: Dynamics, now: Moment, first: FloatArray, h: float) -> tuple[Moment | None, float]:
        """Return the particles after a step of size h, and the error over the tolerance."""
        slopes = [first]
        largest = h * float(np.sqrt((first**2).sum(axis=1).max()))
        if not largest < 1.0:  # more than a radian: no series in h can be trusted, and no power of h should overflow
            return None, max(2.0, min(1e5, (largest / 0.5) ** 5))
        for row in STAGES:
            moved = now.x + h * sum(a * k for a, k in zip(row, slopes, strict=True))
            slopes.append(velocity(dynamics, dynamics(normalised(moved))))
        after = dynamics(normalised(now.x + h * sum(b * k for b, k in zip(FIFTH, slopes, strict=True))))
        slopes.append(velocity(dynamics, after))
        error = h * sum(e * k for e, k in zip(ERROR, slopes, strict=True))
        allowed = max(SMALLEST_ERROR, self.tolerance * min(1.0, RELATIVE * largest))
        return after, float(np.sqrt((np.asarray(error) ** 2).sum(axis=1).max())) / allowed


def energy_slack(dynamics: Dynamics, now: Moment, after: Moment) -> float:
    """Return the change of energy that rounding may cause."""
    energies = [e for e in (now.energy, after.energy) if e is not None]
    size = max((abs(e.attention) + abs(e.perceptron) for e in energies), default=0.0)
    return ROUNDING * size + dynamics.energy_noise


def moves_wrongly(dynamics: Dynamics, now: Moment, after: Moment) -> bool:
    """Return whether the energy fell on the way up, or rose on the way down, by more than rounding."""
    if not dynamics.energy_rises or now.energy is None or after.energy is None:
        return False
    gain = dynamics.model.sign * (after.energy.total - now.energy.total)
    return bool(gain < -energy_slack(dynamics, now, after))


def scheme_of(name: str, step: float, tolerance: float) -> Euler | RK4 | Adaptive:
    """Return a scheme by name; ``step`` is its step, or the first one that the adaptive scheme tries."""
    if name == "euler":
        return Euler(step)
    if name == "rk4":
        return RK4(step)
    if name == "adaptive":
        return Adaptive(step, tolerance)
    raise InputError("unknown scheme", got=name, expected=" or ".join(SCHEMES))
