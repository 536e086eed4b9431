# SPDX-License-Identifier: Apache-2.0
"""Source to program, program to samples, samples to verdict."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from stinespring.backends.execute import sample_body
from stinespring.backends.native import sheltered
from stinespring.backends.registry import opened
from stinespring.backends.seeds import root_seed
from stinespring.batches import Body, Report, Several, quiet
from stinespring.checks.plain.shots import lost
from stinespring.checks.plain.spelling import misspelt
from stinespring.checks.statistics.family import require_scope
from stinespring.checks.within import equivalent, wanted_within
from stinespring.errors import InputError, TooLargeError
from stinespring.models.texts.joint import require_count
from stinespring.pipeline.python.bars import reporting
from stinespring.pipeline.python.known import require_known
from stinespring.pipeline.readout.stated import stated_errors
from stinespring.pipeline.system import System
from stinespring.pipeline.systems import system, system_of
from stinespring.readings import Outcomes
from stinespring.stages import Asked, Backend, Device, Program, Samples, Verdict
from stinespring.version import __version__

__all__ = [
    "check",
    "compile_asked",
    "looked_at",
    "on_backend",
    "require_runnable",
    "require_scoped",
    "run",
    "sampled",
    "samples_of",
    "split",
]

MOST_SHOTS = 20_000_000  # every shot is one string of a simulator's memory: about 1 GB
LOWERING = ("target", "delays")  # arguments of every compiler


def split(source: Any, given: Mapping[str, Any]) -> tuple[Asked, dict[str, Any]]:
    """Return what is asked of a source, and the compiler's own arguments."""
    kind = system_of(source)
    require_known(kind, given)
    asked = {name: given[name] for name in kind.asks if given.get(name) is not None}
    rest = {name: value for name, value in given.items() if name not in kind.asks and value is not None}
    return kind.ask(source, asked), rest


def compile_asked(source: Any, asked: Asked, options: Mapping[str, Any]) -> Program:
    """Return the program of what is asked; lowered, where a target is among the options.

    Its source is the one that was given, whatever a compiler made of it for itself: that is what the check reads.
    """
    from stinespring.circuits.devices.targets import open_target
    from stinespring.compiler.devices.lower import on_device

    kind, begun = system(asked.kind), time.perf_counter()
    if kind.kind == "texts":  # its plans know the device
        return replace(kind.compile(source, asked, options), source=source)
    own = {name: value for name, value in options.items() if name not in LOWERING}
    target = options.get("target", "aer")
    device: Device | None = open_target(target) if isinstance(target, str) else target
    if kind.helped:
        own["room"] = None if device is None else device.target.num_qubits
    lowered = on_device(kind.compile(source, asked, own), device, options.get("delays", "none"))
    return replace(lowered, source=source, seconds=time.perf_counter() - begun)


def on_backend(program: Program, backend: Backend) -> Program:
    """Return the program as the backend takes it: lowered to its device, if it has one.

    Raises:
        InputError: it was lowered for another device.
        DefectError: its circuits are not what was compiled.
    """
    from stinespring.compiler.devices.lower import on_device
    from stinespring.compiler.export.faithful import require_circuits

    require_circuits(program.body)
    device = backend.capabilities.device
    return program if device is None else on_device(program, device)


def require_runnable(program: Program, shots: object) -> int:
    """Return the number of shots; refuse programs that nothing can be sampled from.

    Raises:
        InputError: unusable shots, a prompt that nothing prepares, or nothing that is measured.
    """
    number = require_count(shots, "shots")
    if number > MOST_SHOTS:
        raise TooLargeError("the shots are too many for one run", got=f"{number:,}", expected=f"at most {MOST_SHOTS:,}")
    if program.asked is None:
        raise InputError("one operator alone measures nothing", got="an operator's program", expected="a program up to a point")
    if program.details.get("input") == "quantum" and program.asked.input_state is None:
        raise InputError(
            "a program with quantum input has no prompt to run on",
            got="--input quantum",
            expected="--input known",
            todo="give --input-state FILE, or compose the exported circuit with one that prepares p1..pn",
        )
    if isinstance(program.body, Several) and program.body.shared and number < len(program.body.forms):
        got = f"{number} and {len(program.body.forms)}"
        raise InputError("there are fewer shots than settings", got=got, expected="a shot a setting")
    return number


def run(
    program: Program,
    *,
    backend: str | Any = "aer",
    shots: int,
    seed: int | np.random.Generator | None = None,
    progress: bool | Report | None = None,
    settings: int | None = None,
) -> Samples:
    """Sample a program.

    Args:
        program: what :func:`stinespring.compile` returned.
        backend: a backend string such as ``aer``, or an object: see :func:`stinespring.backends.registry.open_backend`.
        shots: at least 1.
        seed: the same seed gives the same counts, at once, submitted or on a cluster; None draws a fresh one.
        progress: called with a phrase and the share done; True: a bar; None: a bar in notebooks.
        settings: channels: how many pairs of product input and measurement are drawn.

    Raises:
        InputError: no program, one with quantum input (nothing prepares its prompt), or unusable shots.
        BackendError: the backend failed.
    """
    sheltered()
    require_program(program)
    root = root_seed(seed)
    drawn = {} if settings is None else {"settings": settings}
    program = system_of(program.source).sampled(program, drawn, root)
    shots = require_runnable(program, shots)
    with opened(backend) as ready, reporting(progress) as report:
        program = on_backend(program, ready)
        samples = sampled(program, ready, shots, root, report)
    return replace(samples, seed=int(seed)) if isinstance(seed, int | np.integer) else samples


def require_program(program: object) -> None:
    """Refuse what was not compiled."""
    if not isinstance(program, Program):
        raise InputError(
            "only a program can be run", got=type(program).__name__, expected="what stinespring.compile returns",
            todo="compile it first: stinespring.run(stinespring.compile(source, ...), shots=...)",
        )  # fmt: skip


def sampled(program: Program, backend: Backend, shots: int, root: int, report: Report = quiet) -> Samples:
    """Return the samples of a program on an open backend that takes it as it is."""
    begun = time.perf_counter()
    seen = sample_body(program.body, backend, shots, root, report)
    found = {**backend.metadata(), "stinespring": __version__, "program": program.hash}
    if backend.capabilities.noisy and backend.capabilities.device is not None:
        found["stated_errors"] = stated_errors(program, backend)
    return samples_of(
        program,
        seen,
        shots,
        backend=backend.name,
        noisy=backend.capabilities.noisy,
        seed=root,
        seconds=time.perf_counter() - begun,
        metadata=found,
    )


def samples_of(program: Program, seen: Any, shots: int, **record: Any) -> Samples:
    """Return the samples that the calls of a program's body measured."""
    return Samples(
        source=program.source,
        asked=program.asked,
        outcomes=program.body.outcomes(seen, shots),
        readings=raw_readings(program.body, seen),
        registers=program.registers,
        tvd_bound=program.tvd_bound,
        claim=program.claim,
        wanted=shots,
        program=program,
        **record,
    )


def raw_readings(body: Body, seen: Any) -> tuple[Outcomes, ...]:
    """Return the raw codes of a program's circuits, of randomised ones together; nothing where the host decoded."""
    if body.host:
        return ()
    plan = getattr(body, "flips", None)
    return tuple(seen[0]) if plan is None else (plan.tagged(seen[0]),)


def require_scoped(kind: System, scope: str) -> None:
    """Refuse a scope that there is not, or not for this kind of sources."""
    require_scope(scope)
    if not kind.scoped and scope not in ("auto", "all"):
        raise InputError("this kind of source has one scope", got=f"{scope} of {kind.kind}", expected="auto or all")


def check(
    samples: Samples, source: Any = None, *, alpha: float = 0.001, resolution: float = 0.05, seed: int = 0,
    scope: str = "auto", within: float | str | None = "auto", detect: bool = False,
) -> Verdict:  # fmt: skip
    """Test samples against the law of their source.

    The law is computed from the source and what was asked alone: nothing that was compiled takes part. What a program claims
    to realise within a tolerance is tested as claimed, and the claim itself is compared with the source's law. On a few
    contexts of every run the law is evaluated again, plainly, by code that shares nothing with the models
    (:mod:`stinespring.checks.plain`). Counts that do not add up to the shots that were asked for are a FAIL, and so is a key of
    the counts that says another reading than was measured.

    Args:
        samples: what was sampled.
        source: another source to test against, of the same kind; nothing is claimed then.
        alpha: the false-alarm rate.
        resolution: the TVD that a PASS must have been able to detect.
        seed: of the Monte-Carlo p-values.
        scope: the deviations that a PASS covers, of texts and spins: ``auto`` (all where the law can be listed, else the widest
            scope in which these shots have the resolution) or one of :data:`stinespring.checks.statistics.family.SCOPES`.
        within: D: test equivalence instead, whether the sampled distribution is at most at a TVD of D from the law, see
            :func:`stinespring.checks.within.equivalent`. ``auto``: the resolution where readings may be wrong
            (``samples.noisy``), else none; ``none``: test agreement.
        detect: drop the shots whose readings tell an error, and judge the others against the law given that nothing was
            detected, see :func:`stinespring.checks.detection.with_detection`; ``figures["detected"]`` says how many.

    Raises:
        InputError: no samples, an unknown scope, overlaps with ``detect``, or alpha, resolution or within out of range.
    """
    sheltered()
    if source is not None:
        samples = replace(samples, source=source, claim=None, tvd_bound=0.0)
    kind = system(samples.asked.kind)
    require_scoped(kind, scope)
    distance = wanted_within(within, noisy=samples.noisy, resolution=resolution)
    sought = resolution if distance is None else distance

    def judged(some: Samples, rate: float) -> Verdict:
        verdict = kind.check(some, rate, sought, seed, *([scope] if kind.scoped else []))
        if distance is None:
            return verdict
        return equivalent(verdict, distance, bound=samples.tvd_bound if samples.claim is not None else 0.0)

    if not detect:
        verdict = judged(samples, alpha)
    else:
        from stinespring.checks.detection import with_detection

        verdict = with_detection(samples, judged, alpha=alpha)
    found = looked_at(samples, verdict)
    return replace(found, samples=samples)


def looked_at(samples: Samples, verdict: Verdict) -> Verdict:
    """Return the verdict, or FAIL where what is counted, spelt or evaluated plainly a second time says otherwise."""
    kind = system(samples.asked.kind)
    sifted = verdict.figures.get("detected", {})
    whole = replace(verdict, shots=verdict.shots + sifted["dropped"]) if sifted.get("judged") == "kept" else verdict
    for wrong in (lost(samples, whole, shared=kind.shared), misspelt(samples), kind.second(samples)):
        if wrong is not None:
            return replace(verdict, verdict="FAIL", reason=f"{wrong}; {verdict.reason}")
    return verdict
