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

from stinespring.compiler.draft import Budget, Draft, Options, Phases
from stinespring.compiler.dynamic import dynamic_flow
from stinespring.compiler.encode import Codes, registers
from stinespring.compiler.lowering import circuit_cost, flow_cost
from stinespring.compiler.passes import run_passes, specialised
from stinespring.compiler.plan import BUDGETS
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

SCHEDULES = ("auto", "static", "dynamic", "stepwise")
FEED_FORWARD = ("auto", "none", "all")
EXTENSIONS = ("token", "position", "dephased")
AUTO_QUBITS = 22  # `auto` takes one circuit up to a statevector of 64 MB,
AUTO_ROTATIONS = 1 << 15  # about a second of simulation at that size,
MERGED_CONTEXTS = 64  # laws with more contexts may be cheaper with a memory of the causal state
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
    max_qubits: int | None = None,
    max_two_qubit_gates: int | None = None,
    max_conditions: int | None = None,
    feed_forward: str = "auto",
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
        schedule: ``static`` (one circuit, measured at the end), ``dynamic`` (measured on the way, qubits reused, later gates
            steered by bits), ``stepwise`` (one template, bound for each sampled prefix) or ``auto``, which is ``dynamic`` where
            a budget or feed-forward is asked for.
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
        max_qubits: a hard limit on the qubits declared.
        max_two_qubit_gates: a hard limit on the two-qubit gates of the worst path.
        max_conditions: a hard limit on the ``if`` statements.
        feed_forward: for ``dynamic``: ``none`` (quantum controls only), ``all`` (every register is measured before it is read)
            or ``auto``.

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
        measured = schedule == "dynamic" or input == "known"
        phases = "free" if measured and schedule != "stepwise" else "exact"
    check_options(schedule=schedule, extension=extension, input=input, codes=codes, phases=phases, feed_forward=feed_forward)
    budget = Budget(
        check_limit(max_qubits, "max-qubits", 1),
        check_limit(max_two_qubit_gates, "max-two-qubit-gates", 0),
        check_limit(max_conditions, "max-conditions", 0),
        feed_forward,
    )
    for name, value, most in (("tolerance", tolerance, 1.0), ("effort", 0.0 if effort is None else effort, math.inf)):
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < most:
            raise InputError(
                f"the {name} is out of range", got=value, expected=f"a number from 0 up to, not including, {most:g}"
            )
    device = open_target(target)
    state = begin.state if input == "quantum" else None
    effort = None if effort is None else float(effort)
    options = Options(schedule, extension, input, codes, phases, float(tolerance), effort, target, budget, state)  # type: ignore[arg-type]
    if schedule == "auto" and budget.asked and phases == "free":
        options = replace(options, schedule="dynamic")
    elif schedule == "auto":
        options = replace(options, schedule="static" if fits_static(begin, steps, options) else "stepwise")
    build = {"static": static_program, "dynamic": dynamic_program, "stepwise": stepwise_program}[options.schedule]
    program = on_device(build(begin, steps, options), device)
    check_budget(program, budget)
    return replace(program, seconds=time.perf_counter() - begun)


def check_options(**options: str) -> None:
    """Refuse values that do not exist and combinations that make no sense."""
    allowed = {
        "schedule": SCHEDULES,
        "extension": EXTENSIONS,
        "input": ("known", "quantum"),
        "codes": get_args(Codes),
        "phases": get_args(Phases),
        "feed_forward": FEED_FORWARD,
    }
    for name, value in options.items():
        if value not in allowed[name]:
            raise InputError(f"unknown {name}", got=value, expected=" or ".join(allowed[name]))
    if options["phases"] == "exact" and options["schedule"] == "dynamic":
        raise InputError(
            "a dynamic program keeps the measured law only",
            got="--phases exact --schedule dynamic",
            expected="--phases free",
            todo="use --phases free, or --schedule static",
        )
    if options["input"] == "quantum" and options["schedule"] == "stepwise":
        raise InputError(
            "a stepwise program knows its prompt",
            got="--input quantum --schedule stepwise",
            expected="--schedule static",
            todo="use --schedule static or --input known",
        )


def check_limit(value: object, name: str, least: int) -> int | None:
    """Return a budget, or say why it is none."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InputError(f"--{name} is out of range", got=value, expected=f"a whole number of at least {least}")
    return value


def check_budget(program: Program, budget: Budget) -> None:
    """Refuse a program over budget: a limit is hard."""
    found = {"qubits": program.cost.qubits, "two_qubit": program.cost.two_qubit_gates, "conditions": program.cost.conditions}
    for name, option in BUDGETS.items():
        limit = getattr(budget, name)
        if limit is not None and found[name] > limit:
            raise InputError(
                "the program is over the budget",
                got=f"--{option} {limit}",
                expected=f"at least {found[name]} with --schedule {program.schedule.kind}",
                todo="raise it, or use --schedule dynamic" if program.schedule.kind != "dynamic" else "raise it",
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


def dynamic_program(begin: Start, steps: int, options: Options) -> Program:
    """Return one program that measures on the way, the cheapest plan within the budget."""
    model, prompt = begin.model, begin.prompt
    if options.state is not None and begin.padded is not None:
        model, prompt = begin.padded, np.zeros(options.state.width, dtype=np.int64)
    draft, effects = run_passes(Draft(model, prompt, steps, options, (), ()), ("specialise", "prune", "truncate"))
    effort = 1.0 if options.effort is None else options.effort
    found = dynamic_flow(draft, options.budget, effort=effort)
    if any(len(law.contexts) > MERGED_CONTEXTS for channel in draft.channels for law in channel.laws):
        merged, more = run_passes(draft, ("merge",))
        if more[0].applied:
            other = dynamic_flow(merged, options.budget, effort=effort)
            if other.plan.price < found.plan.price:
                draft, effects, found = merged, (*effects, *more), other
    bound, cost = min(1.0, sum(draft.errors)), flow_cost(found.flow)
    realises = TabulatedModel(model, len(prompt), realised_laws(draft)) if bound > 0 else model
    measured = tuple(r.name for r in found.registers if r.role in ("token", "environment"))
    waits = (
        f"{found.plan.waits} of {len(found.laws)} laws are steered by bits, {cost.mid_circuit_measurements} measured on the way"
    )
    lower = effects[-1].lower_bound
    note = Effect("schedule", True, waits, cost.two_qubit_gates, cost.two_qubit_depth, cost.qubits, bound, lower)
    return Program(
        model=begin.model,
        realises=realises if options.state is None else StateModel(realises, options.state),
        prompt=begin.prompt,
        steps=steps,
        schedule=Schedule("dynamic", found.registers, measured, ()),
        extension=options.extension,
        input=options.input,
        phases="free",
        tvd_bound=bound,
        cost=cost,
        seconds=0.0,
        hash=provenance(begin, steps, options),
        state=options.state,
        effects=(*effects, note),
        dynamic=found,
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
    synthesised = [dilation.channel for dilation in draft.dilations] or list(draft.channels)
    operations = specialised(draft) if merged else synthesised
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
