# SPDX-License-Identifier: Apache-2.0
"""One compilation in a process of its own, with a time limit: seconds, peak memory, counts, law error."""

from __future__ import annotations

import importlib.util
import multiprocessing
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from multiprocessing.connection import Connection
from typing import Any

from benchmarks import ours, peers
from benchmarks.gatelist import counts, isometry, isometry_error, law_error
from benchmarks.instances import SEED, Chain, Instance, as_model, block, preparation

__all__ = ["Failure", "Figures", "measure", "start", "versions"]

PRELOAD = (
    "qiskit.circuit.library", "qiskit.compiler", "stinespring.compiler.compile", "qclib.state_preparation", "qclib.gates.ucr",
    "pennylane", "pytket.passes",
)  # fmt: skip
PACKAGES = ("stinespring", "qiskit", "qclib", "pennylane", "pytket", "numpy")
REPEATS, ENOUGH = 3, 2.0  # runs, and the seconds after which no further run is made
WARM_UP = 120.0  # limit in seconds for imports and a tiny instance
ROUNDING = 1e-6  # amplitude error above which a promise counts as broken
MEGABYTE = 2**20 if sys.platform == "darwin" else 2**10  # in units of ru_maxrss


@dataclass(frozen=True)
class Figures:
    """What one route needs for one instance.

    Attributes:
        cx: CX after lowering.
        depth: two-qubit depth.
        seconds: best running time after a warm-up on a tiny instance.
        megabytes: peak resident memory of the first run above what the process held before it.
        error: ``max |p(t|x) - P(t|x)|`` simulated from the gates; None where that would take too long.
        note: who simulated, or what is wrong.
        circuit_seconds: ours: the same with the Qiskit circuit built from the program.
    """

    cx: int
    depth: int
    seconds: float
    megabytes: float
    error: float | None
    note: str = ""
    circuit_seconds: float | None = None


@dataclass(frozen=True)
class Failure:
    """Why there are no figures: ``missing: pytket``, ``> 60 s``, ``failed: ...``."""

    reason: str


def versions() -> dict[str, str | None]:
    """Return the versions of the packages that are compared; None where one is missing."""
    result: dict[str, str | None] = {}
    for name in PACKAGES:
        try:
            result[name] = version(name)
        except PackageNotFoundError:
            result[name] = "from source" if importlib.util.find_spec(name) else None
    return result


def start() -> Any:
    """Return a context whose processes are forked from one that has imported the packages but computed nothing."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOAD))
    return context


def peak() -> float:
    """Return the process's peak resident memory in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGABYTE


def timed(work: Callable[[], Any], done: Callable[[], None] = lambda: None) -> tuple[Any, float, float]:
    """Return the result, the best running time and what the first run added to the peak; ``done`` is called after that run."""
    before, result, memory = peak(), None, 0.0
    times: list[float] = []
    while len(times) < REPEATS and sum(times) < ENOUGH:
        begun = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - begun)
        if len(times) == 1:
            memory = peak() - before
            done()
    return result, min(times), memory


def tiny(instance: Instance | Chain) -> Instance:
    """Return a small instance of the same kind for the first, slow call."""
    return preparation(2, seed=SEED) if instance.kind == "prep" else block(1, 1, dense=instance.kind == "dense", seed=SEED)


def peer_figures(name: str, instance: Instance | Chain, simulated: int, connection: Connection) -> Figures:
    """Measure a peer's route."""
    assert isinstance(instance, Instance), "peers compile one law"
    route = next(route for route in peers.ROUTES if route.name == name)
    route.build(tiny(instance))
    connection.send("ready")
    circuit, seconds, memory = timed(lambda: route.build(instance), lambda: connection.send("ran"))
    connection.send("built")
    steps = route.read(circuit)
    cx, depth = counts(step.on for step in steps if step.matrix is None)
    error, note = None, "not simulated"
    if len(steps) << (instance.qubits + instance.k * instance.n) <= simulated:
        V = isometry(steps, instance.qubits, instance.k * instance.n)
        error, note = law_error(V, instance.P), "NumPy"
        if route.promise == peers.EXACT and isometry_error(V, instance.P) > ROUNDING:
            note = "NOT EXACT"
    return Figures(cx, depth, seconds, memory, error, note)


def our_figures(route: ours.Ours, instance: Instance | Chain, simulated: int, connection: Connection) -> Figures:
    """Measure one of our routes."""
    from stinespring.batches import OneCircuit
    from stinespring.models.texts.table import TableModel

    small = tiny(instance)
    _ = ours.compiled(TableModel(as_model(small)), small.n, 1, dict(route.options)).circuit
    model, steps = TableModel(as_model(instance)), instance.steps if isinstance(instance, Chain) else 1
    connection.send("ready")
    program, seconds, memory = timed(
        lambda: ours.compiled(model, instance.n, steps, route.options), lambda: connection.send("ran")
    )
    assert isinstance(program.body, OneCircuit), "a static program is one circuit"
    built = timed(program.body.form.circuit)[1]
    connection.send("built")
    cx, depth = counts(ours.pairs(program.qasm3()))
    note = "not simulated" if cx == program.cost.two_qubit_gates else f"reported {program.cost.two_qubit_gates} CX, not {cx}"
    error = None
    if isinstance(instance, Instance) and 2 * cx << (program.cost.qubits + instance.k * instance.n) <= simulated:
        error, who = ours.verify(program, instance)
        note = who if note == "not simulated" else note
        gates = ours.exact_steps(program, instance) if program.promise == "exact" else None
        if gates is not None:
            V = isometry(gates, instance.qubits, instance.k * instance.n)
            note += ", phases NumPy" if isometry_error(V, instance.P) <= ROUNDING else ", NOT EXACT"
    return Figures(cx, depth, seconds, memory, error, note, seconds + built)


def work(connection: Connection, route: str | ours.Ours, instance: Instance | Chain, simulated: int) -> None:
    """Run in the child: send ``ready``, ``ran``, ``built`` and the figures, or the reason why there are none."""
    try:
        if isinstance(route, str):
            connection.send(peer_figures(route, instance, simulated, connection))
        else:
            connection.send(our_figures(route, instance, simulated, connection))
    except ImportError as error:
        connection.send(Failure(f"missing: {error.name or error}"))
    except Exception as error:  # a peer may raise anything; it is reported in the table and shown on stderr
        connection.send(Failure(f"failed: {type(error).__name__}"))
        raise


def measure(
    context: Any, route: str | ours.Ours, instance: Instance | Chain, *, limit: float, simulated: int
) -> Figures | Failure:
    """Return what a route needs for an instance.

    Args:
        context: from :func:`start`.
        route: the name of a peer's route, or one of ours.
        instance: the law, for our routes also a chain.
        limit: seconds for the compilation; the simulation afterwards may take as long again and a minute.
        simulated: amplitude updates up to which the law is checked.
    """
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(sender, route, instance, simulated), daemon=True)
    process.start()
    sender.close()
    try:
        for stage, seconds in (("warm-up", WARM_UP), ("", limit), ("repeats", limit + 60), ("simulation", limit + 60)):
            if not receiver.poll(seconds):
                return Failure(f"> {seconds:g} s" + (f" ({stage})" if stage else ""))
            message = receiver.recv()
            if isinstance(message, Figures | Failure):
                return message
        return message if isinstance(message, Figures | Failure) else Failure("failed: no answer")
    except EOFError:
        process.join()
        return Failure(f"failed: exit status {process.exitcode}")
    finally:
        process.kill()
        process.join()
        receiver.close()
