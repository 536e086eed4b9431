# SPDX-License-Identifier: Apache-2.0
"""Programs of spins on disk: FILE.qasm with FILE.json beside it, or a stepwise program's folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from stinespring.circuits.systems.spin_tokens import token_template
from stinespring.compiler.export.files import FORMAT, write_folder, write_pair
from stinespring.compiler.systems.spins import SpinProgram, spin_qasm
from stinespring.models.spins import network_content
from stinespring.models.spins.contexts import spins_of
from stinespring.writing import dump, usable

__all__ = ["token_text", "write_spin_program"]

LISTED = 1 << 10  # values of a register that a decode table lists
MOST_ANGLES = 1 << 20


def write_spin_program(program: SpinProgram, path: str | Path) -> list[Path]:
    """Write a program; return the files."""
    path = usable(path)
    if program.schedule != "stepwise":
        return write_pair(path, program.qasm3(), describe(program))
    return write_folder(folder(program), path)


def describe(program: SpinProgram) -> dict[str, Any]:
    """Return what FILE.json says: compile keys, the network, and how registers are read."""
    figures = program.summary()
    figures.pop("seconds")  # so that the same program gives the same bytes
    N = program.network.N
    table = {}
    if 1 << N <= LISTED:
        table = {str(code): token_text(spins) for code, spins in enumerate(spins_of(np.arange(1 << N), N).tolist())}
    return {
        "format": FORMAT,
        **figures,
        "bits": "bit i of a register t<l> is spin i; 0 means +1, 1 means -1",
        "decode": {f"t{step}": table for step in range(1, program.steps + 1)} if table else {},
        "network": network_content(program.network),
    }


def token_text(spins: list[int]) -> str:
    """Return a token as text, spin 0 first.

    Example:
        >>> token_text([1, -1, 1])
        '+-+'
    """
    return "".join("+" if x > 0 else "-" for x in spins)


def folder(program: SpinProgram) -> dict[str, str]:
    """Return the files of a stepwise program by name: templates, angles by prefix, description.

    ``angles.json`` lists the angles after every prefix (its key is the text generated so far) as long as they are few; after
    others the host computes them from the network in ``program.json``.
    """
    N = program.network.N
    files = {f"template_{step}.qasm": spin_qasm(token_template(N, f"t{step}"), N) for step in range(1, program.steps + 1)}
    prefixes: dict[str, Any] = {}
    contexts, texts, weights, listed = program.start(), [""], np.ones(1), 0
    for step in range(1, program.steps + 1):
        listed = step
        for text, weight, angles in zip(texts, weights.tolist(), program.bind(contexts).tolist(), strict=True):
            prefixes[text] = {"template": f"template_{step}.qasm", "probability": weight, "angles": angles}
        if step == program.steps or N * len(texts) << N > MOST_ANGLES:
            break
        every = spins_of(np.arange(1 << N), N)
        law = np.where(every[None] > 0, contexts.plus[:, None], 1.0 - contexts.plus[:, None]).prod(axis=-1)
        names = [token_text(spins) for spins in every.tolist()]
        texts = [f"{text} {name}".strip() for text in texts for name in names]
        rows = np.repeat(np.arange(len(weights)), len(every))
        contexts = contexts.after(rows, np.tile(every, (len(weights), 1)))
        weights = (weights[:, None] * law).ravel()
    description = describe(program) | {
        "templates": sorted(files), "steps_listed": listed, "complete": listed == program.steps
    }  # fmt: skip
    angles_file = {"format": "stinespring/angles@1", "prefixes": prefixes}
    return files | {"angles.json": json.dumps(angles_file) + "\n", "program.json": dump(description)}
