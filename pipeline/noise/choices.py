# SPDX-License-Identifier: Apache-2.0
"""How a program of texts is compiled for a device with noise: by what it is predicted to read, approximation and noise in one.

The minimised figure is the TVD between what the noisy program reads and the model's law. It is computed exactly where the noisy
law can be followed (:mod:`stinespring.pipeline.noise.predicted`); elsewhere it is the bound, approximation and errors added.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from stinespring.backends.aer.calibration import Calibration
from stinespring.compiler.devices.lower import on_device, padded
from stinespring.compiler.devices.timing import has_times
from stinespring.errors import InputError
from stinespring.pipeline.foreseen import Noise
from stinespring.pipeline.noise.predicted import bounded, exact_noise, exactly
from stinespring.pipeline.noise.product import error_bound
from stinespring.stages import Device, Program

__all__ = ["Candidate", "choose", "choose_schedule"]

Compile = Callable[[Mapping[str, Any]], Program]
FIRST, LATER = (0.5, 0.125), (0.75, 0.5, 0.25)  # tolerances that are tried, as shares of the least figure so far
FAR = 2.0  # a way of compiling whose figure is so many times the least is not tried with tolerances
FEW_GATES = {"static": 1, "dynamic": 8, "stepwise": 2}  # below which a tolerance shortens nothing that matters
DIGITS = 9  # of figures that are compared: rounding decides nothing
LEAST = 1e-4  # a figure below which nothing is gained
BUDGET = 1.0e9  # numbers computed for one candidate: a few seconds
MOST_CIRCUITS = 64  # of a stepwise program that is a candidate beside one circuit
GAIN = 0.02  # share of the figure that noise must make before layouts are compared
RANKED = 2  # ways of compiling whose layouts are compared
SEVERAL = 3  # layouts that are followed exactly


@dataclass(frozen=True, eq=False)
class Candidate:
    """One way of compiling, and what it is predicted to read.

    Attributes:
        options: the compiler's arguments.
        program: lowered.
        layout: ``gates`` (fewest two-qubit gates) or ``noise`` (least noise).
        noise: None: not followed, its approximation alone is more than the least figure.
    """

    options: Mapping[str, Any]
    program: Program
    layout: str
    noise: Noise | None

    @property
    def figure(self) -> float:
        """What is minimised."""
        return self.program.tvd_bound if self.noise is None else self.noise.tvd

    @property
    def exact(self) -> bool:
        """Whether that is exact."""
        return self.noise is not None and self.noise.by == "exact noisy law"

    def row(self, chosen: bool) -> dict[str, Any]:
        """Return it as JSON data."""
        return {
            "schedule": self.program.schedule, "codes": self.program.details.get("codes"),
            "tolerance": self.options.get("tolerance", 0.0), "delays": self.options.get("delays", "none"),
            "layout": self.layout, "two_qubit_gates": self.program.cost.two_qubit_gates, "tvd_bound": self.program.tvd_bound,
            "expected_tvd": None if self.noise is None else self.noise.tvd,
            "expected_tvd_by": "not followed" if self.noise is None else self.noise.by, "chosen": chosen,
        }  # fmt: skip


class _Candidates:
    """Candidates, in the order in which they were tried."""

    def __init__(self, compile: Compile, device: Device, calibration: Calibration) -> None:
        self.compile, self.device, self.calibration = compile, device, calibration
        self.found: list[Candidate] = []
        self.tried: set[str] = set()

    @property
    def best(self) -> Candidate:
        """The candidate with the least figure; of equal ones the first."""
        return min((c for c in self.found if c.noise is not None), key=lambda c: round(c.figure, DIGITS))

    def attempt(self, options: Mapping[str, Any]) -> Candidate | None:
        """Compile and predict one way; None where that cannot be, or was tried."""
        key = repr(sorted((name, str(value)) for name, value in options.items()))
        if key in self.tried:
            return None
        self.tried.add(key)
        try:
            return self.add(options, self.compile(options), "gates")
        except InputError:  # not for this model, device or budget
            if not self.found:
                raise
            return None

    def add(self, options: Mapping[str, Any], program: Program, layout: str) -> Candidate:
        """Predict one program."""
        noise = None
        if not self.found or program.tvd_bound < self.best.figure:
            noise = self.noise(program)
        choice = Candidate(options, program, layout, noise)
        self.found.append(choice)
        return choice

    def noise(self, program: Program) -> Noise:
        """Return what a program is predicted to read: exactly, or a bound."""
        found = exactly(program, self.device, self.calibration, budget=BUDGET)
        return bounded(program, self.device) if found is None else exact_noise(found)

    def decided(self) -> tuple[Program, dict[str, Any]]:
        """Return the best program, with the table it was chosen from, and its options."""
        best = self.best
        rows = [choice.row(choice is best) for choice in self.found]
        program = replace(best.program, details={**best.program.details, "choices": rows})
        if best.layout != "gates":
            program = replace(program, hash=hashlib.sha256(f"{program.hash} {best.layout}".encode()).hexdigest())
        return program, dict(best.options)


def choose(
    compile: Compile, options: Mapping[str, Any], device: Device, calibration: Calibration, *, one_circuit: bool = False
) -> tuple[Program, dict[str, Any]]:  # fmt: skip
    """Return the program with the least predicted TVD over tolerance, schedule, codes, layout and delays, and its options.

    What is compiled with tolerance 0 is always among the candidates. What the options say is kept: a schedule other than
    ``auto``, codes, delays.

    Args:
        compile: from the compiler's arguments to a lowered program.
        options: those that were given, but for the tolerance.
        device: the target.
        calibration: its errors.
        one_circuit: only programs without conditions are candidates, and none with the host in the loop.

    Raises:
        InputError: the options cannot be used.
    """
    begun, search = time.perf_counter(), _Candidates(compile, device, calibration)
    exact = {**options, "tolerance": 0.0}
    ways = [exact, *schedules(search, exact, one_circuit)]
    if options.get("codes") is None and search.found[0].program.schedule == "static":
        ways.append({**exact, "schedule": "static", "codes": "texts"})
    for way in ways:
        search.attempt(way)
    least = search.best.figure
    for choice in [c for c in search.found if (c.noise is not None and c.figure <= FAR * least) or tabled(c)]:
        tolerate(search, choice, [share * least for share in FIRST])
    best = search.best
    origin = next(c for c in search.found if c.program.schedule == best.program.schedule and same_codes(c, best))
    tolerate(search, origin, [share * best.figure for share in LATER])
    arrange(search)
    program, settled = search.decided()
    return replace(program, seconds=time.perf_counter() - begun), settled


def choose_schedule(
    compile: Compile, options: Mapping[str, Any], device: Device, calibration: Calibration, *, one_circuit: bool = False
) -> tuple[Program, dict[str, Any]]:  # fmt: skip
    """Return the program whose schedule has the least predicted TVD, and its options; see :func:`choose`.

    Where the noisy law of what ``auto`` takes elsewhere cannot be followed, that is taken here, too.
    """
    begun, search = time.perf_counter(), _Candidates(compile, device, calibration)
    others = schedules(search, dict(options), one_circuit)
    for way in others if search.best.exact else ():
        search.attempt(way)
    program, settled = search.decided()
    return replace(program, seconds=time.perf_counter() - begun), settled


def schedules(search: _Candidates, options: Mapping[str, Any], one_circuit: bool) -> list[dict[str, Any]]:
    """Return the options with the other schedules that are candidates; what ``auto`` alone would take is tried at once.

    With the host in the loop only where ``auto`` was asked for, and few circuits are needed.
    """
    first = search.attempt(options)
    assert first is not None, "the first candidate raises what is wrong with it"
    if options.get("schedule", "auto") != "auto" or one_circuit or first.program.schedule != "static":
        return []
    others = []
    if "if_else" in search.device.target.operation_names:
        others.append({**options, "schedule": "dynamic"})
    law = first.program.asked.law(first.program.source)
    if options.get("schedule") == "auto" and law.listed is not None and len(law.listed.probabilities) <= MOST_CIRCUITS:
        others.append({**options, "schedule": "stepwise"})
    return others


def tabled(choice: Candidate) -> bool:
    """Return whether readings are decoded by a table of texts, which gains most of a tolerance."""
    return choice.program.details.get("codes") == "texts"


def same_codes(one: Candidate, other: Candidate) -> bool:
    """Return whether two candidates were asked for the same codes."""
    return bool(one.options.get("codes") == other.options.get("codes"))


def tolerate(search: _Candidates, exact: Candidate, tolerances: Sequence[float]) -> None:
    """Try a way of compiling with falling tolerances of two digits, until one saves no gates.

    What is exact with fewer than two gates gains nothing: readings are wrong with any tolerance.
    """
    gates = exact.program.cost.two_qubit_gates
    for tolerance in tolerances:
        if tolerance < LEAST or gates < FEW_GATES[exact.program.schedule]:
            return
        found = search.attempt({**exact.options, "tolerance": float(f"{tolerance:.2g}")})
        if found is not None and found.program.cost.two_qubit_gates >= gates:
            return


def arrange(search: _Candidates) -> None:
    """Try other layouts of the best programs, and delays in the best one's idle times if nothing was said of them."""
    best, device = search.best, search.device
    if best.program.body.host or best.figure - best.program.tvd_bound < GAIN * best.figure:
        return
    ranked = sorted((c for c in search.found if c.noise is not None and not c.program.body.host), key=lambda c: c.figure)
    for candidate in ranked[:RANKED]:
        search.add(candidate.options, quietest(search, candidate), "noise")
    best = search.best
    if "delays" in best.options or device.target.dt is None or not has_times(device.target):
        return
    for delays in ("pad", "decouple"):
        try:
            body = best.program.body.on(partial(padded, device=device, delays=delays))
        except InputError:  # the passes that fill them are not installed, or do not take the circuit
            return
        search.add({**best.options, "delays": delays}, replace(best.program, body=body), best.layout)


def quietest(search: _Candidates, best: Candidate) -> Program:
    """Return the best program with the layout of least noise: of those with the least errors the one followed exactly."""
    target = search.device.target
    bare = search.compile({**best.options, "target": "aer", "delays": "none"})
    bare = replace(bare, passes=bare.passes[:-1])

    def pick(circuits: Sequence[Any]) -> Any:
        some = sorted(circuits, key=lambda circuit: error_bound(circuit, target))[:SEVERAL]
        placed = [replace(bare, body=bare.body.on(partial(instead, circuit))) for circuit in some]
        figures = [search.noise(program).tvd for program in placed]
        return some[figures.index(min(figures))]

    return on_device(bare, search.device, best.options.get("delays", "none"), pick=pick)


def instead(circuit: Any, before: Any) -> Any:
    """Return a circuit that takes the place of another."""
    return circuit
