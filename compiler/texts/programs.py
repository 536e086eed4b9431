# SPDX-License-Identifier: Apache-2.0
"""From laws to programs, one function a schedule."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace

import numpy as np

from stinespring.compiler.devices.target import Device, lower, lowered_cost
from stinespring.compiler.devices.timing import duration, has_times, with_delays
from stinespring.compiler.dynamic.program import DynamicProgram, dynamic_flow
from stinespring.compiler.dynamic.rejection import rejection_flow
from stinespring.compiler.export.lowering import circuit_cost, flow_cost
from stinespring.compiler.texts.draft import Draft, Options
from stinespring.compiler.texts.operations import Layout, StepLaw
from stinespring.compiler.texts.passes import run_passes, specialised
from stinespring.compiler.texts.stepwise import Stepper
from stinespring.compiler.texts.truncate import TabulatedModel, TruncatedModel, averaged
from stinespring.errors import InputError, TooLargeError
from stinespring.models.texts.attention import AttentionModel
from stinespring.models.texts.fock import Start, StateModel
from stinespring.models.texts.rejection import require_simple
from stinespring.stages import Effect, Program
from stinespring.version import __version__

__all__ = ["dynamic_program", "on_device", "static_program", "stepwise_program"]

MERGED_CONTEXTS = 64  # laws with more contexts may be cheaper with a memory of the causal state


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
    """Return one program that measures on the way; long contexts by rejection where a table over them does not fit."""
    if options.attention == "rejection":
        return rejection_program(begin, steps, options)
    try:
        return planned_program(begin, steps, options)
    except TooLargeError:
        able = options.attention == "auto" and options.tolerance > 0 and options.input == "known"
        if not able or not isinstance(begin.model, AttentionModel):
            raise
        return rejection_program(begin, steps, options)


def rejection_program(begin: Start, steps: int, options: Options) -> Program:
    """Return one program that draws the attended positions by rejection."""
    model = require_simple(begin.model, options.extension)
    if options.tolerance == 0 or options.input == "quantum":
        raise InputError(
            "rejection stops after a number of rounds that a tolerance fixes, for a known prompt",
            got=f"--tolerance {options.tolerance:g} --input {options.input}",
            expected="--tolerance above 0 and --input known",
        )
    found = rejection_flow(model, begin.prompt, steps, tolerance=options.tolerance, position=options.extension == "position")
    cost, bound = flow_cost(found.flow), min(1.0, sum(found.errors))
    reason = f"attended positions drawn in at most {max(found.rounds)} rounds of rejection a token"
    note = Effect("schedule", True, reason, cost.two_qubit_gates, cost.two_qubit_depth, cost.qubits, bound, 0)
    return Program(
        model=begin.model,
        realises=found.realises,
        prompt=begin.prompt,
        steps=steps,
        schedule=Layout("dynamic", found.registers, tuple(r.name for r in found.registers), ()),
        extension=options.extension,
        input="known",
        phases="free",
        tvd_bound=bound,
        cost=cost,
        seconds=0.0,
        hash=provenance(begin, steps, options),
        effects=(note,),
        dynamic=DynamicProgram(found.flow, found.registers),
    )


def planned_program(begin: Start, steps: int, options: Options) -> Program:
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
            if other.price < found.price:
                draft, effects, found = merged, (*effects, *more), other
    bound, cost = min(1.0, sum(draft.errors)), flow_cost(found.flow)
    realises = TabulatedModel(model, len(prompt), realised_laws(draft)) if bound > 0 else model
    measured = tuple(r.name for r in found.registers if r.role in ("token", "environment"))
    waits = f"{found.waits} of {len(found.laws)} laws are steered by bits, {cost.mid_circuit_measurements} measured on the way"
    lower = effects[-1].lower_bound
    note = Effect("schedule", True, waits, cost.two_qubit_gates, cost.two_qubit_depth, cost.qubits, bound, lower)
    return Program(
        model=begin.model,
        realises=realises if options.state is None else StateModel(realises, options.state),
        prompt=begin.prompt,
        steps=steps,
        schedule=Layout("dynamic", found.registers, measured, ()),
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


def on_device(program: Program, device: Device | None, delays: str = "none") -> Program:
    """Return the program lowered to a device, if there is one, with what that did to its cost."""
    bound = program.effects[-1].lower_bound if program.effects else 0
    if device is None:
        if delays != "none":
            raise InputError("delays need a device's times", got="--target aer", expected="for example --target fake:boston")
        c = program.cost
        note = Effect("lower", False, "not applied: the target has no constraints", c.two_qubit_gates, c.two_qubit_depth,
                      c.qubits, program.tvd_bound, bound)  # fmt: skip
        return replace(program, effects=(*program.effects, note)) if program.effects else program
    lowered = lower(program.circuit, device)
    c = lowered_cost(lowered)
    if delays != "none":
        lowered = with_delays(lowered, device.target, dynamical_decoupling=delays == "decouple")
    reason = f"gates and coupling of {device.name}, the best of several layouts"
    note = Effect("lower", True, reason, c.two_qubit_gates, c.two_qubit_depth, c.qubits, program.tvd_bound, bound)
    took = duration(lowered, device.target).seconds if has_times(device.target) else None
    return replace(program, lowered=lowered, cost=c, effects=(*program.effects, note), duration=took)


def tails(options: Options) -> tuple[float, ...]:
    """Return the shares of the tolerance for tail tokens that are compared; the smallest circuit wins.

    Small means two-qubit gates plus qubits: on today's devices reading out a qubit costs about as much as one such gate.
    """
    return (1.0, 0.5, 0.0) if options.tolerance > 0 else (1.0,)


def realised_laws(draft: Draft) -> list[StepLaw]:
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
        schedule=Layout("stepwise", template.registers, tuple(r.name for r in template.registers), ()),
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
