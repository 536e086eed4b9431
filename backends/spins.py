# SPDX-License-Identifier: Apache-2.0
"""Programs of spins to samples: one run, or one batch for each token with the host in the loop."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from stinespring.backends.base import Backend, device_of
from stinespring.backends.execute import Progress, batches, sampled_dynamic
from stinespring.backends.registry import open_backend
from stinespring.backends.seeds import derive_seed, root_seed
from stinespring.compiler.systems.spins import MOST_SPINS, SpinProgram, SpinSamples
from stinespring.errors import TooLargeError
from stinespring.models.spins.contexts import Contexts, distinct
from stinespring.models.spins.network import SignArray
from stinespring.models.texts.joint import require_count
from stinespring.readings import IntArray
from stinespring.version import __version__

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = ["sample_spins"]

ROWS = 512  # contexts in one call


def sample_spins(
    program: SpinProgram,
    *,
    backend: str | Backend = "aer",
    shots: int,
    seed: int | np.random.Generator | None = None,
    progress: Progress | None = None,
) -> SpinSamples:
    """Sample the tokens of a program.

    Args:
        program: what :func:`stinespring.compiler.systems.spins.compile_spins` returned.
        backend: a backend string, or an object with ``sample``.
        shots: number of runs.
        seed: the same seed gives the same samples; None draws a fresh one.
        progress: called with a phrase and the share done.

    Raises:
        InputError: unusable numbers.
        BackendError: the backend failed.
    """
    shots = require_count(shots, "shots")
    if shots * program.steps * program.network.N > MOST_SPINS:
        raise TooLargeError(
            "the samples do not fit in memory",
            got=f"{shots:,} shots of {program.steps} tokens of {program.network.N} spins",
            expected=f"at most {MOST_SPINS:,} spins in all",
        )
    sampler, root, begun = open_backend(backend), root_seed(seed), time.perf_counter()
    ran: dict[str, Any] = {}
    if program.schedule == "stepwise":
        tokens = host_in_the_loop(program, sampler, shots, root, progress or (lambda phrase, share: None))
    elif program.schedule == "static" or device_of(sampler) is not None:
        [values] = sampler.sample(fitting(program.circuit, sampler), None, shots, derive_seed(root, 0))
        tokens = program.decode(values)
    else:
        found = sampled_dynamic(program.flow, sampler, shots, derive_seed(root, 0))
        tokens, ran = program.decode(found.values), {"path": found.path, "why": found.why}
    return SpinSamples(
        program, tokens, sampler.name, int(seed) if isinstance(seed, int | np.integer) else root,
        time.perf_counter() - begun, {**sampler.metadata(), **ran, "stinespring": __version__, "program": program.hash},
    )  # fmt: skip


def fitting(circuit: QuantumCircuit, sampler: Backend) -> QuantumCircuit:
    """Return the circuit as the backend takes it: lowered to its device, if it has one, with free angles left free."""
    device = device_of(sampler)
    if device is None:
        return circuit
    from stinespring.compiler.devices.target import lower

    return lower(circuit, device)


def host_in_the_loop(program: SpinProgram, sampler: Backend, shots: int, root: int, report: Progress) -> SignArray:
    """Return tokens, shape (shots, T, N): for every token the template runs once for each different context."""
    network = program.network
    tokens = np.empty((shots, program.steps, network.N), dtype=np.int8)
    circuit, contexts = fitting(program.circuit, sampler), program.start()
    which = np.zeros(shots, dtype=np.int64)
    for step in range(program.steps):
        report(f"token {step + 1} of {program.steps}", step / program.steps)
        tokens[:, step] = drawn(program, circuit, contexts, which, sampler, (root, step))
        if step < program.steps - 1:
            first, grown = distinct(tokens[:, max(0, step + 1 - network.L) : step + 1])
            contexts, which = contexts.after(which[first], tokens[first, step]), grown
    return tokens


def drawn(
    program: SpinProgram, circuit: QuantumCircuit, contexts: Contexts, which: IntArray, sampler: Backend, key: tuple[int, int]
) -> SignArray:
    """Return one token for every shot, shape (shots, N), from its context's angles.

    Backends may sort a circuit's outcomes, so they are dealt at random to the runs that share a context.
    """
    result = np.empty((len(which), program.network.N), dtype=np.int8)
    counts = np.bincount(which, minlength=len(contexts.semantic))
    dealt = np.random.default_rng(derive_seed(key[0], key[1], 0)).permutation(len(which))
    order, place = dealt[np.argsort(which[dealt], kind="stable")], np.concatenate([[0], np.cumsum(counts)])
    done = np.zeros(len(counts), dtype=np.int64)
    root, step = key
    slots = [parameter.index for parameter in circuit.parameters]  # in the order in which values are bound
    angles = np.ascontiguousarray(program.bind(contexts)[:, slots])
    for shots, rows in batches(counts.astype(np.int64)):
        for first in range(0, len(rows), ROWS):
            part = rows[first : first + ROWS]
            values = sampler.sample(circuit, angles[part], shots, derive_seed(root, step, shots, first))
            for row, found in zip(part.tolist(), values, strict=True):
                begin = place[row] + done[row]
                result[order[begin : begin + shots]] = program.decode(found)[:, 0]
                done[row] += shots
    return result
