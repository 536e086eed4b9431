# SPDX-License-Identifier: Apache-2.0
"""The whole compiler, top to bottom: model -> laws -> channels -> dilations -> schedule -> program."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np

from stinespring.compiler.draft import Draft, Options, Phases
from stinespring.compiler.encode import Codes, registers
from stinespring.compiler.lowering import circuit_cost
from stinespring.compiler.passes import run_passes, specialised
from stinespring.compiler.specialise import channels
from stinespring.compiler.stepwise import Stepper
from stinespring.compiler.target import Device, lower, lowered_cost, open_target
from stinespring.compiler.truncate import TabulatedModel, TruncatedModel, averaged
from stinespring.errors import InputError, TooLargeError
from stinespring.models.base import TextModel
from stinespring.models.fock import Start, StateModel, start
from stinespring.stages import Effect, Law, Program, Schedule
from stinespring.version import __version__

__all__ = ["compile_model"]

SCHEDULES = ("auto", "static", "stepwise")
EXTENSIONS = ("token", "position", "dephased")
AUTO_QUBITS = 22  # `auto` takes one circuit up to a statevector of 64 MB,
AUTO_ROTATIONS = 1 << 15  # about a second of simulation at that size,
AUTO_ROOM = 1 << 17  # and a table that is listed in well under a second


def compile_model(
    model: TextModel,
    *,
    prompt: str | Sequence[int] | None = None,
    steps: int,
    input_state: str | Path | Mapping[str, Any] | None = None,
    level: int | None = None,
    schedule: str = "auto",
    extension: str = "token",
    input: str | None = None,
    codes: str = "free",
    phases: str | None = None,
    tolerance: float = 0.0,
    effort: float | None = None,
    target: str = "aer",
) -> Program:
    """Compile the next ``steps`` tokens of a model into a quantum program.

    The program prepares ``sum_x sqrt(P(x)) |x>`` over the generated texts x, one Stinespring isometry
    ``|w> -> |w> sum_t sqrt(P(t|w)) |t>`` a step (with ``position`` also the attended positions), and measures.

    Args:
        model: the law of each block.
        prompt: the known text; with ``input="quantum"`` only its length counts.
        steps: L, at least 1.
        input_state: instead of a prompt a superposition or mixture of texts, see :func:`stinespring.models.fock.read_state`.
        level: N, the most tokens of a text in Fock space; a block leaves texts of N tokens alone. None: no limit.
        schedule: ``static`` (one circuit), ``stepwise`` (one template, bound for each sampled prefix) or ``auto``.
        extension: which environment the dilation has: ``token`` none, ``position`` (attention models) the attended
            positions, ``dephased`` a record of the text, so that no coherence between prompts survives.
        input: ``known`` folds the prompt into the laws, ``quantum`` keeps it as registers ``p1..pn`` (the default with an
            input state, which is then prepared in them).
        codes: ``free`` lets the compiler renumber the tokens that can occur, ``binary`` keeps plain numbers.
        phases: the promise: ``exact`` (the isometry itself) or ``free`` (the law of the measured tokens; the default where
            the prompt is known and everything is measured). Stepwise templates are exact.
        tolerance: the TVD of the joint law that the compiler may spend, in [0, 1).
        effort: about the seconds that numerical synthesis may take (counted in operations, so that results repeat); 0 means
            closed forms only. By default 1 to 6, more where more gates can be saved; see
            :func:`stinespring.compiler.synthesise.default_effort`.
        target: a device whose basis and coupling the circuit is lowered to; see
            :func:`stinespring.compiler.target.open_target`. ``aer`` has no constraints.

    Returns:
        The program. Its ``tvd_bound`` is proven and at most ``tolerance``.

    Raises:
        InputError: an option or a prompt that cannot be used.
        TooLargeError: the problem does not fit the schedule; the message says what would.

    Source: arXiv 2507.13354 for the blocks; the dilation is Stinespring's with the environment named above.
    """
    begun = time.perf_counter()
    begin = start(model, prompt, steps, input_state=input_state, level=level)
    if input is None:
        input = "known" if begin.state is None else "quantum"
    if phases is None:
        phases = "exact" if input == "quantum" or schedule == "stepwise" else "free"
    check_options(schedule=schedule, extension=extension, input=input, codes=codes, phases=phases)
    for name, value, most in (("tolerance", tolerance, 1.0), ("effort", 0.0 if effort is None else effort, math.inf)):
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < most:
            raise InputError(
                f"the {name} is out of range", got=value, expected=f"a number from 0 up to, not including, {most:g}"
            )
    device = open_target(target)
    state = begin.state if input == "quantum" else None
    effort = None if effort is None else float(effort)
    options = Options(schedule, extension, input, codes, phases, float(tolerance), effort, target, state)  # type: ignore[arg-type]
    if schedule == "auto":
        options = replace(options, schedule="static" if fits_static(begin, steps, options) else "stepwise")
    build = static_program if options.schedule == "static" else stepwise_program
    program = on_device(build(begin, steps, options), device)
    return replace(program, seconds=time.perf_counter() - begun)


def check_options(**options: str) -> None:
    """Refuse values that do not exist and combinations that make no sense."""
    allowed = {
        "schedule": SCHEDULES,
        "extension": EXTENSIONS,
        "input": ("known", "quantum"),
        "codes": get_args(Codes),
        "phases": get_args(Phases),
    }
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


def fits_static(begin: Start, steps: int, options: Options) -> bool:
    """Return whether one circuit of moderate size holds the whole text: the choice of ``--schedule auto``."""
    if options.input == "quantum":
        return True
    try:
        operations, _ = channels(
            begin.model,
            begin.prompt,
            steps,
            extension=options.extension,
            quantum=False,
            tolerance=options.tolerance,
            room=AUTO_ROOM,
        )
    except TooLargeError:
        return False
    sizes = {r.name: r.size for r in registers(begin.model, operations, prompt_length=0, quantum=False, codes=options.codes)}
    rotations = [2 ** sum(sizes[name] for name in (*law.reads, law.target)) for c in operations for law in c.laws]
    return sum(sizes.values()) <= AUTO_QUBITS and sum(rotations) <= AUTO_ROTATIONS


def static_program(begin: Start, steps: int, options: Options) -> Program:
    """Return one circuit with all measurements at the end, after all passes."""
    model, prompt = begin.model, begin.prompt
    if options.state is not None and begin.padded is not None:  # the prompt stays in registers, padded to one length
        model, prompt = begin.padded, np.zeros(options.state.width, dtype=np.int64)
    shares = tails(options)
    versions = [replace(options, tail=tail, effort_share=1 / len(shares)) for tail in shares]
    drafts = [run_passes(Draft(model, prompt, steps, version, (), ())) for version in versions]
    draft, effects = min(drafts, key=lambda found: (found[0].figures[0] + found[0].figures[2], found[0].figures[0]))
    schedule, bound = draft.schedule(), min(1.0, sum(draft.errors))
    realises = TabulatedModel(model, len(prompt), realised_laws(draft)) if bound > 0 else model
    return Program(
        model=begin.model,
        realises=realises if options.state is None else StateModel(realises, options.state),
        prompt=begin.prompt,
        steps=steps,
        schedule=schedule,
        extension=options.extension,
        input=options.input,
        phases=options.phases,
        tvd_bound=bound,
        cost=draft.cost,
        seconds=0.0,
        hash=provenance(begin, steps, options),
        state=options.state,
        effects=effects,
    )


def on_device(program: Program, device: Device | None) -> Program:
    """Return the program lowered to a device, if there is one, with what that did to its cost."""
    bound = program.effects[-1].lower_bound if program.effects else 0
    if device is None:
        c = program.cost
        note = Effect("lower", False, "not applied: the target has no constraints", c.two_qubit_gates, c.two_qubit_depth,
                      c.qubits, program.tvd_bound, bound)  # fmt: skip
        return replace(program, effects=(*program.effects, note)) if program.effects else program
    lowered = lower(program.circuit, device)
    c = lowered_cost(lowered)
    reason = f"gates and coupling of {device.name}, the best of several layouts"
    note = Effect("lower", True, reason, c.two_qubit_gates, c.two_qubit_depth, c.qubits, program.tvd_bound, bound)
    return replace(program, lowered=lowered, cost=c, effects=(*program.effects, note))


def tails(options: Options) -> tuple[float, ...]:
    """Return the shares of the tolerance for tail tokens that are compared; the smallest circuit wins.

    Small means two-qubit gates plus qubits: on today's devices reading out a qubit costs about as much as one such gate.
    """
    return (1.0, 0.5, 0.0) if options.tolerance > 0 else (1.0,)


def realised_laws(draft: Draft) -> list[Law]:
    """Return the token law of each step as a function of the text: without memories, averaged over attended positions."""
    merged = any(name.startswith("m") for channel in draft.channels for law in channel.laws for name in law.reads)
    operations = specialised(draft) if merged else [dilation.channel for dilation in draft.dilations]
    laws = [next(law for law in c.laws if law.target == f"t{c.step}") for c in operations if c.step > 0]
    return [averaged(law) for law in laws]


def stepwise_program(begin: Start, steps: int, options: Options) -> Program:
    """Return a template and what binds its angles; each step may spend an equal share of the tolerance."""
    model, prompt = begin.model, begin.prompt
    realises = TruncatedModel(model, options.tolerance / steps) if options.tolerance > 0 else model
    stepper = Stepper(realises, prompt, options.extension, options.codes)
    template = stepper.widest(steps)
    return Program(
        model=model,
        realises=realises,
        prompt=prompt,
        steps=steps,
        schedule=Schedule("stepwise", template.registers, tuple(r.name for r in template.registers), ()),
        extension=options.extension,
        input=options.input,
        phases="exact",
        tvd_bound=options.tolerance,
        cost=circuit_cost(template.gates, template.qubits, template.qubits),
        seconds=0.0,
        hash=provenance(begin, steps, options),
        stepper=stepper,
    )


def provenance(begin: Start, steps: int, options: Options) -> str:
    """Return the SHA-256 of everything that changes the program."""
    content = {
        "model": begin.model.fingerprint(),
        "prompt": begin.prompt.tolist(),
        "steps": steps,
        "options": asdict(replace(options, state=None)),
        "version": __version__,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
