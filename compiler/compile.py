# SPDX-License-Identifier: Apache-2.0
"""The whole compiler, top to bottom: model -> laws -> channels -> dilations -> schedule -> program."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Sequence
from typing import Any, get_args

from stinespring.compiler.dilate import dilate
from stinespring.compiler.encode import Codes, registers
from stinespring.compiler.lowering import circuit_cost, schedule_gates
from stinespring.compiler.specialise import channels
from stinespring.compiler.stepwise import Stepper
from stinespring.compiler.truncate import TabulatedModel, TruncatedModel
from stinespring.errors import InputError, TooLargeError
from stinespring.models.base import IntArray, TextModel
from stinespring.models.joint import require_count
from stinespring.stages import Dilation, Program, Schedule
from stinespring.version import __version__

__all__ = ["compile_model"]

SCHEDULES = ("auto", "static", "stepwise")
EXTENSIONS = ("token", "position")
AUTO_QUBITS = 22  # `auto` takes one circuit up to a statevector of 64 MB,
AUTO_ROTATIONS = 1 << 15  # about a second of simulation at that size,
AUTO_ROOM = 1 << 20  # and a table that is listed in well under a second


def compile_model(
    model: TextModel,
    *,
    prompt: str | Sequence[int],
    steps: int,
    schedule: str = "auto",
    extension: str = "token",
    input: str = "known",
    codes: str = "free",
    tolerance: float = 0.0,
) -> Program:
    """Compile the next ``steps`` tokens of a model into a quantum program.

    The program prepares ``sum_x sqrt(P(x)) |x>`` over the generated texts x, one Stinespring isometry
    ``|w> -> |w> sum_t sqrt(P(t|w)) |t>`` a step (with ``position`` also the attended positions), and measures.

    Args:
        model: the law of each block.
        prompt: the known text; with ``input="quantum"`` only its length counts.
        steps: L, at least 1.
        schedule: ``static`` (one circuit), ``stepwise`` (one template, bound for each sampled prefix) or ``auto``.
        extension: ``token`` or ``position`` (attention models): which environment the dilation has.
        input: ``known`` folds the prompt into the laws, ``quantum`` keeps it as registers ``p1..pn``.
        codes: ``free`` lets the compiler renumber the tokens that can occur, ``binary`` keeps plain numbers.
        tolerance: the TVD of the joint law that the compiler may spend, in [0, 1).

    Returns:
        The program. Its ``tvd_bound`` is proven and at most ``tolerance``.

    Raises:
        InputError: an option or a prompt that cannot be used.
        TooLargeError: the problem does not fit the schedule; the message says what would.

    Source: arXiv 2507.13354 for the blocks; the dilation is Stinespring's with the environment named above.
    """
    begun = time.perf_counter()
    options = check_options(schedule=schedule, extension=extension, input=input, codes=codes)
    if not isinstance(tolerance, int | float) or not math.isfinite(tolerance) or not 0 <= tolerance < 1:
        raise InputError("the tolerance is out of range", got=tolerance, expected="a number from 0 up to, not including, 1")
    numbers, steps = model.encode(prompt), require_count(steps, "steps")
    model.check_length(len(numbers) + steps, "the text")
    if schedule == "auto":
        schedule = "static" if fits_static(model, numbers, steps, options, tolerance) else "stepwise"
    build = static_program if schedule == "static" else stepwise_program
    program = build(model, numbers, steps, options | {"schedule": schedule}, float(tolerance))
    return replace_time(program, time.perf_counter() - begun)


def check_options(**options: str) -> dict[str, Any]:
    """Return the options if every one has a value that exists."""
    allowed = {"schedule": SCHEDULES, "extension": EXTENSIONS, "input": ("known", "quantum"), "codes": get_args(Codes)}
    for name, value in options.items():
        if value not in allowed[name]:
            raise InputError(f"unknown {name}", got=value, expected=" or ".join(allowed[name]))
    if options["input"] == "quantum" and options["schedule"] == "stepwise":
        raise InputError(
            "a stepwise program knows its prompt",
            got="--input quantum --schedule stepwise",
            expected="--schedule static",
            todo="use --schedule static or --input known",
        )
    return dict(options)


def fits_static(model: TextModel, prompt: IntArray, steps: int, options: dict[str, Any], tolerance: float) -> bool:
    """Return whether one circuit of moderate size holds the whole text: the choice of ``--schedule auto``."""
    if options["input"] == "quantum":
        return True
    try:
        operations, _ = channels(
            model, prompt, steps, extension=options["extension"], quantum=False, tolerance=tolerance, room=AUTO_ROOM
        )
    except TooLargeError:
        return False
    sizes = {r.name: r.size for r in registers(model, operations, prompt_length=0, quantum=False, codes=options["codes"])}
    rotations = [2 ** sum(sizes[name] for name in (*law.reads, law.target)) for c in operations for law in c.laws]
    return sum(sizes.values()) <= AUTO_QUBITS and sum(rotations) <= AUTO_ROTATIONS


def static_program(model: TextModel, prompt: IntArray, steps: int, options: dict[str, Any], tolerance: float) -> Program:
    """Return one circuit with all measurements at the end."""
    quantum = options["input"] == "quantum"
    operations, errors = channels(model, prompt, steps, extension=options["extension"], quantum=quantum, tolerance=tolerance)
    declared = registers(model, operations, prompt_length=len(prompt), quantum=quantum, codes=options["codes"])
    by_name = {r.name: r for r in declared}
    dilations: list[Dilation] = [dilate(c, by_name, e) for c, e in zip(operations, errors, strict=True)]
    measured = tuple(r.name for r in declared if r.role != "prompt")
    schedule = Schedule("static", tuple(declared), measured, tuple(dilations))
    clbits = sum(by_name[name].size for name in measured)
    bound = min(1.0, sum(errors))
    realises = TabulatedModel(model, len(prompt), [c.laws[-1] for c in operations]) if bound else model
    cost = circuit_cost(schedule_gates(schedule), schedule.qubits, clbits)
    return Program(
        model,
        realises,
        prompt,
        steps,
        schedule,
        options["extension"],
        options["input"],
        "exact",
        bound,
        cost,
        0.0,
        provenance(model, prompt, steps, options | {"schedule": "static"}, tolerance),
    )


def stepwise_program(model: TextModel, prompt: IntArray, steps: int, options: dict[str, Any], tolerance: float) -> Program:
    """Return a template and what binds its angles; each step may spend an equal share of the tolerance."""
    realises = TruncatedModel(model, tolerance / steps) if tolerance > 0 else model
    stepper = Stepper(realises, prompt, options["extension"], options["codes"])
    template = stepper.widest(steps)
    schedule = Schedule("stepwise", template.registers, tuple(r.name for r in template.registers), ())
    cost = circuit_cost(template.gates, template.qubits, template.qubits)
    return Program(
        model,
        realises,
        prompt,
        steps,
        schedule,
        options["extension"],
        options["input"],
        "exact",
        tolerance,
        cost,
        0.0,
        provenance(model, prompt, steps, options | {"schedule": "stepwise"}, tolerance),
        stepper,
    )


def provenance(model: TextModel, prompt: IntArray, steps: int, options: dict[str, Any], tolerance: float) -> str:
    """Return the SHA-256 of everything that changes the program."""
    content = {
        "model": model.fingerprint(),
        "prompt": prompt.tolist(),
        "steps": steps,
        "options": options,
        "tolerance": float(tolerance),
        "version": __version__,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def replace_time(program: Program, seconds: float) -> Program:
    """Return the program with its compile time filled in."""
    from dataclasses import replace

    return replace(program, seconds=seconds)
