# SPDX-License-Identifier: Apache-2.0
"""A particle's layers as a folder: one circuit a layer, between which the host moves and re-prepares the particles."""

from __future__ import annotations

from pathlib import Path

from stinespring.circuits.systems.linear_combination import Combination
from stinespring.compiler.export.files import FORMAT, write_folder
from stinespring.compiler.export.qasm import flow_qasm
from stinespring.compiler.systems.sphere import SphereProgram, best_rounds, static_flow
from stinespring.writing import dump, usable

__all__ = ["write_sphere_folder"]


def write_sphere_folder(program: SphereProgram, path: str | Path) -> list[Path]:
    """Write ``layer_1.qasm``, ... and ``program.json`` in one move; an existing folder is replaced only if it is such a one.

    Each circuit prepares the particle and the others as they are before its layer.
    """
    files = {f"layer_{i}.qasm": layer_qasm(program, c) for i, c in enumerate(program.combinations, start=1)}
    figures = program.summary() | {"schedule": "stepwise"}
    figures.pop("seconds")  # so that the same program gives the same bytes
    files["program.json"] = dump({"format": FORMAT, **figures, "templates": sorted(files)})
    return write_folder(files, usable(path))


def layer_qasm(program: SphereProgram, combination: Combination) -> str:
    """Return one layer as a program of its own, amplified if the whole program is."""
    rounds = min(program.rounds, best_rounds((combination,)))
    return flow_qasm(static_flow((combination,), rounds, program.read))
