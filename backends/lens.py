# SPDX-License-Identifier: Apache-2.0
"""A lens' program to samples: one token measured at one point."""

from __future__ import annotations

import time

import numpy as np

from stinespring.backends.base import Backend
from stinespring.backends.execute import sample_circuit
from stinespring.backends.registry import opened
from stinespring.backends.seeds import derive_seed, root_seed
from stinespring.compiler.systems.lens_program import LensProgram
from stinespring.errors import InputError
from stinespring.models.texts.joint import require_count
from stinespring.stages import Samples
from stinespring.version import __version__

__all__ = ["run_lens"]


def run_lens(
    program: LensProgram, *, backend: str | Backend = "aer", shots: int, seed: int | np.random.Generator | None = None
) -> Samples:
    """Sample the token at a program's point.

    Args:
        program: what :func:`stinespring.compiler.systems.lens.compile_lens` returned.
        backend: a backend string such as ``aer``, or an object with ``sample``.
        shots: at least 1.
        seed: the same seed gives the same counts; None draws a fresh one.

    Raises:
        InputError: a single operator, which measures nothing, or unusable shots.
        BackendError: the backend failed.
    """
    shots = require_count(shots, "shots")
    if not program.measured:
        raise InputError("one operator alone measures nothing", got="an operator's program", expected="a program up to a point")
    root, begun = root_seed(seed), time.perf_counter()
    with opened(backend) as sampler:
        values = sample_circuit(program.circuit, sampler, shots, derive_seed(root, program.point))
        return program.samples(
            values, backend=sampler.name, seed=int(seed) if isinstance(seed, int | np.integer) else root,
            seconds=time.perf_counter() - begun,
            metadata={**sampler.metadata(), "stinespring": __version__, "program": program.hash},
        )  # fmt: skip
