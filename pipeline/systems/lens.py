# SPDX-License-Identifier: Apache-2.0
"""The lens in the pipeline: a prompt's states through a decoder, and the points where its token is measured."""

from __future__ import annotations

from typing import Any

from stinespring.checks.plain.lens import disagreement
from stinespring.checks.tables import check_tables
from stinespring.errors import InputError
from stinespring.models.lens.asked import LensAsked, made
from stinespring.models.lens.states import LensStates
from stinespring.pipeline.system import Settings, System
from stinespring.stages import Program, Samples, Verdict

__all__ = ["SYSTEM"]


def ask(states: LensStates, given: Settings) -> LensAsked:
    """Return the points: ``upto`` one of them (by default the last), ``every_point`` all of them, or ``points``."""
    last = len(states.points) - 1
    if given.get("every_point"):
        if given.get("upto") is not None or given.get("time", 1.0) != 1.0:
            raise InputError("--every-point measures whole layers, all of them", got="--upto or --time beside it")
        return LensAsked(tuple(range(last + 1)))
    upto = given.get("upto")
    points = given.get("points")
    return LensAsked(tuple(points) if points is not None else (last if upto is None else upto,), given.get("time", 1.0))


def compiled(states: LensStates, asked: LensAsked, options: Settings) -> Program:
    """Return the program that measures the token at the points."""
    from stinespring.compiler.systems.lens import compile_lens

    return compile_lens(states, asked, **options)


def check(samples: Samples, alpha: float, resolution: float, seed: int) -> Verdict:
    """Return the verdict on every point; all together keep the false-alarm rate."""
    return check_tables(samples, alpha=alpha, resolution=resolution, seed=seed)


def owns(source: Any) -> bool:
    """Return whether an object is the states of a prompt."""
    return isinstance(source, LensStates)


SYSTEM = System(
    "lens", LensAsked, owns, ("upto", "every_point", "points", "time"), ask, compiled, check, made, second=disagreement,
    helped=True,
)  # fmt: skip
