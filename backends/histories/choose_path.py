# SPDX-License-Identifier: Apache-2.0
"""Samples of a program with measurements, resets and conditions, by the fastest faithful path on Aer.

Aer itself simulates such a program shot by shot. Three paths give the same law sooner: ``deferred`` keeps every measured bit
in a qubit and samples one final state; ``branches`` cuts the program where few histories can be told apart and runs one
circuit for each; ``shot_branching`` is Aer's own sharing of states between shots. ``plain`` is the reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal, get_args

import numpy as np

from stinespring.backends.aer.backend import WIDEST, AerBackend, statevector_qubits
from stinespring.backends.base import Backend
from stinespring.backends.histories.branches import Bits, follow
from stinespring.backends.histories.flow_events import Event, events
from stinespring.backends.histories.flow_plan import Plan, per_shot, plan, shot_branching
from stinespring.backends.seeds import derive_seed
from stinespring.circuits.core.flow import Flow
from stinespring.errors import InputError, TooLargeError
from stinespring.models.texts.joint import require_count
from stinespring.readings import IntArray

__all__ = ["FlowSamples", "Path", "cheapest", "estimates", "sample_flow", "sample_flow_on"]

Path = Literal["auto", "deferred", "branches", "shot_branching", "plain"]


@dataclass(frozen=True)
class FlowSamples:
    """Sampled values of a program's classical registers.

    Attributes:
        values: for each register, shape (shots,); row i of all registers is one shot. The order of the shots means nothing.
        path: the path that ran: ``deferred``, ``branches``, ``shot_branching``, ``plain``, or ``backend``.
        why: the reason for the path, in a sentence.
        metadata: versions, options and what the path did.
    """

    values: Mapping[str, IntArray]
    path: str
    why: str
    metadata: Mapping[str, Any]


def sample_flow(
    flow: Flow,
    *,
    shots: int,
    seed: int,
    path: Path = "auto",
    method: str = "statevector",
    backend: AerBackend | None = None,
    limit: int | None = None,
) -> FlowSamples:
    """Sample a program on Aer.

    Args:
        flow: the program; all gates have their angles.
        shots: at least 1.
        seed: root of all seeds; the same seed gives the same samples of one path.
        path: ``auto`` takes the path with the least estimated time.
        method: ``statevector``; others are supported by ``plain`` only.
        backend: whose method, threads and memory are used instead, without noise; its method ``auto`` is ``statevector`` where
            that fits.
        limit: qubits of the widest statevector that a path may plan with; None: what the backend's memory holds.

    Raises:
        InputError: an unknown path or method, one that does not fit the other, or a register of more than 62 bits.
        TooLargeError: the path needs more qubits than fit in memory.
        BackendError: Aer failed.

    Example:
        >>> from stinespring.circuits.core.flow import Flow, If, Measure, Reset
        >>> from stinespring.circuits.core.gates import Gate
        >>> coin = (Gate("h", (0,)), Measure((0,), "a", (0,)), Reset((0,)))
        >>> copy = (If("a", 1, (Gate("x", (0,)),)), Measure((0,), "b", (0,)))
        >>> samples = sample_flow(Flow((("q", 1),), (("a", 1), ("b", 1)), (*coin, *copy)), shots=10_000, seed=1)
        >>> samples.path, bool((samples.values["a"] == samples.values["b"]).all())
        ('deferred', True)
    """
    shots = require_count(shots, "shots")
    if path not in get_args(Path):
        raise InputError("unknown path of a dynamic program", got=path, expected=", ".join(get_args(Path)))
    for name, size in flow.classical:
        if size > WIDEST:
            raise InputError("a classical register is too wide", got=f"{name}[{size}]", expected=f"at most {WIDEST} bits")
    if backend is None:
        backend = AerBackend(method)
    method = "statevector" if backend.method == "auto" else backend.method
    if method != "statevector":
        if path not in {"auto", "plain"}:
            raise InputError("the path needs a statevector", got=f"path {path}, method {method}", expected="path plain")
        return shot_by_shot(flow, shots, seed, "plain", f"the method {method} has no other path", backend)
    program, limit = events(flow), limit or statevector_qubits(backend.memory)
    plans, seconds = estimates(flow, program, shots, limit)
    why = "asked for"
    if path == "auto":
        if backend.method == "auto" and not any(map(isfinite, seconds.values())):
            return shot_by_shot(flow, shots, seed, "plain", "no statevector fits", backend)
        path, why = cheapest(seconds, limit)
    if path in plans:
        return by_plan(flow, program, plans[path], shots, seed, path, why, limit)
    return shot_by_shot(flow, shots, seed, path, why, backend)


def estimates(flow: Flow, program: list[Event], shots: int, limit: int) -> tuple[dict[str, Plan], dict[str, float]]:
    """Return the plans of the paths that have one, and the estimated seconds of all paths.

    Args:
        flow: the program.
        program: its events.
        shots: number of shots.
        limit: qubits of the widest statevector.
    """
    plans = {name: plan(program, shots=shots, limit=limit, cut=name == "branches") for name in ("deferred", "branches")}
    seconds = {name: found.seconds for name, found in plans.items()}
    if flow.qubits <= limit:
        seconds |= {"shot_branching": shot_branching(flow, shots), "plain": per_shot(flow, shots)}
    return plans, seconds


def cheapest(seconds: Mapping[str, float], limit: int) -> tuple[Any, str]:
    """Return the path with the least time, and the reason; segments may have ``limit`` qubits."""
    order = sorted((name for name in seconds if isfinite(seconds[name])), key=lambda name: seconds[name])
    if not order:
        raise TooLargeError(
            "no path simulates the program in this machine's memory",
            got="every path needs a larger statevector",
            expected=f"segments of at most {limit} qubits",
            todo="use fewer coherent qubits between measurements, or the method matrix_product_state",
        )
    best, *others = (f"{name} {seconds[name]:.2g} s" for name in order)
    return order[0], f"estimated: {best}" + (f"; {', '.join(others)}" if others else "")


def by_plan(
    flow: Flow, program: list[Event], found: Plan, shots: int, seed: int, path: str, why: str, limit: int
) -> FlowSamples:
    """Sample by deferred measurements, in one segment or in several."""
    if not isfinite(found.seconds):
        raise TooLargeError(
            "the path does not fit in memory",
            got=f"path {path}",
            expected=f"at most {limit} qubits at a time",
            todo="use path auto, or fewer coherent qubits",
        )
    root = derive_seed(seed, len(found.cuts))
    ran = follow(program, found.cuts, shots=shots, bits=flow.clbits, qubits=flow.qubits, seed=root)
    details = {"segments": len(found.cuts) + 1, "circuits": ran.circuits, "qubits": ran.qubits}
    return FlowSamples(register_values(flow, ran.bits), path, why, {**AerBackend().metadata(), **details})


def register_values(flow: Flow, bits: Bits) -> dict[str, IntArray]:
    """Return the registers' values from all bits, shape (shots, bits)."""
    values, first = {}, 0
    for name, size in flow.classical:
        powers = np.left_shift(1, np.arange(size, dtype=np.int64))
        values[name] = bits[:, first : first + size].astype(np.int64) @ powers
        first += size
    return values


def shot_by_shot(flow: Flow, shots: int, seed: int, path: str, why: str, backend: AerBackend) -> FlowSamples:
    """Sample by Aer's own simulation of the whole program.

    Aer gives shot i the seed ``seed + i``; the hashed seed keeps the runs apart.
    """
    samples = sample_flow_on(backend.sharing(path == "shot_branching"), flow, shots, seed)
    return FlowSamples(samples.values, path, why, samples.metadata)


def sample_flow_on(backend: Backend, flow: Flow, shots: int, seed: int) -> FlowSamples:
    """Sample a program on any backend, which runs it as it is.

    Args:
        backend: an object with ``sample``.
        flow: the program.
        shots: at least 1.
        seed: hashed before the backend sees it.
    """
    [found] = backend.sample(flow.circuit(), None, shots, derive_seed(seed, 0))
    nothing = np.zeros(shots, dtype=np.int64)
    values = {name: np.asarray(found.get(name, nothing), dtype=np.int64) for name, _ in flow.classical}
    return FlowSamples(values, "backend", f"{backend.name} runs the program as it is", backend.metadata())
