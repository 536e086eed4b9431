# SPDX-License-Identifier: Apache-2.0
"""Particles on the sphere in the pipeline: layers that move them, and their overlaps."""

from __future__ import annotations

from typing import Any, Literal

from stinespring.checks.plain.sphere import disagreement
from stinespring.checks.sphere.sphere import check_layers, check_overlaps
from stinespring.errors import InputError
from stinespring.models.sphere.asked import SphereAsked, SphereRead, made
from stinespring.models.sphere.model import SphereModel
from stinespring.pipeline.system import Settings, System
from stinespring.stages import Program, Samples, Verdict

__all__ = ["SYSTEM"]

OVERLAPS = ("hadamard", "swap")


def ask(model: SphereModel, given: Settings) -> SphereAsked:
    """Return the particles (``particle`` one of them; by default all), the layers, and what is read."""
    particle, particles = given.get("particle"), given.get("particles")
    chosen = tuple(particles) if particles is not None else (particle,) if particle is not None else tuple(range(model.n))
    if given.get("test") not in (None, *OVERLAPS):
        raise InputError("unknown test", got=given["test"], expected=" or ".join(OVERLAPS))
    read: SphereRead = given.get("test") or given.get("read") or "both"
    chosen = () if read in OVERLAPS else chosen
    return SphereAsked(
        chosen, given.get("layers", 1), given.get("schedule", "static"), rounds_of(given.get("amplify", 0)), read
    )


def rounds_of(amplify: int | str) -> int | Literal["auto"]:
    """Return the rounds of amplification: a number or ``auto``."""
    if amplify == "auto":
        return "auto"
    try:
        return int(amplify)
    except ValueError:
        raise InputError("the rounds cannot be read", got=amplify, expected="a whole number or auto") from None


def compiled(model: SphereModel, asked: SphereAsked, options: Settings) -> Program:
    """Return the circuits that show particles after their layers, or the overlaps of all pairs."""
    from stinespring.compiler.systems.overlaps import compile_overlaps
    from stinespring.compiler.systems.sphere import compile_sphere

    return compile_overlaps(model, asked) if asked.read in OVERLAPS else compile_sphere(model, asked, **options)


def check(samples: Samples, alpha: float, resolution: float, seed: int) -> Verdict:
    """Return the verdict on all circuits; of signed overlaps also on the energy, in the gradient case."""
    judge = check_overlaps if samples.asked.overlaps else check_layers
    return judge(samples, alpha=alpha, resolution=resolution, seed=seed)


def owns(source: Any) -> bool:
    """Return whether an object is a model of particles."""
    return isinstance(source, SphereModel)


ASKS = ("particle", "particles", "layers", "schedule", "read", "test", "amplify")
SYSTEM = System(
    "sphere", SphereAsked, owns, ASKS, ask, compiled, check, made, second=disagreement, helped=True,
    against="a failed post-selection is one outcome of the law, whatever its flags read; overlaps have no mitigated test yet",
)  # fmt: skip
