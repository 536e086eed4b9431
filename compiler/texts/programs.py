# SPDX-License-Identifier: Apache-2.0
"""From laws to what is run, one function a schedule."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from stinespring.batches import Body, OneCircuit
from stinespring.circuits.core.cost import circuit_cost, flow_cost
from stinespring.circuits.search.work import counted
from stinespring.compiler.dynamic.program import dynamic_flow
from stinespring.compiler.dynamic.rejection import rejection_flow
from stinespring.compiler.memory.program import quantum_memory
from stinespring.compiler.options import Codes, CompileOptions
from stinespring.compiler.stepwise.body import TextTemplate
from stinespring.compiler.stepwise.template import Binder
from stinespring.compiler.texts.choose import cheapest, codings, decoder, far_more, proven, realised_law
from stinespring.compiler.texts.draft import Coding, Draft
from stinespring.compiler.texts.encode import with_book
from stinespring.compiler.texts.passes import run_passes, specialised
from stinespring.compiler.texts.truncate import averaged
from stinespring.errors import InputError, TooLargeError
from stinespring.models.texts.attention import AttentionModel
from stinespring.models.texts.claims import ListedClaim, RejectionClaim, StepTable, TableClaim, TailClaim
from stinespring.models.texts.fock import Start
from stinespring.models.texts.rejection import require_simple
from stinespring.models.texts.truncated import TruncatedModel
from stinespring.readings import Register
from stinespring.stages import Claim, Cost, Effect, Promise, Schedule

__all__ = ["Compiled", "dynamic_program", "static_program", "stepwise_program"]

MERGED_CONTEXTS = 64  # laws with more contexts may be cheaper with a memory of the causal state


@dataclass(frozen=True, eq=False)
class Compiled:
    """What a schedule makes of a model, see :class:`stinespring.stages.Program`."""

    schedule: Schedule
    body: Body
    registers: tuple[Register, ...]
    promise: Promise
    cost: Cost
    tvd_bound: float = 0.0
    claim: Claim | None = None
    passes: tuple[Effect, ...] = ()
    codes: Codes = "free"


def static_program(begin: Start, first: Draft) -> Compiled:
    """Return one circuit with all measurements at the end, after all passes, with the codes that need the fewest gates."""
    if first.options.memory == "quantum":
        return memory_program(first, "static")
    draft, effects = cheapest(first)
    layout, bound = draft.layout(), proven(draft)
    return Compiled(
        schedule="static",
        body=OneCircuit(layout, read_out(layout.registers)),
        registers=layout.registers,
        promise=draft.promise,
        cost=draft.cost,
        tvd_bound=bound,
        claim=table_claim(draft) if bound > 0 else None,
        passes=effects,
        codes=decoder(draft.coding),
    )


def dynamic_program(begin: Start, first: Draft) -> Compiled:
    """Return one program that measures on the way; long contexts by rejection where a table over them does not fit."""
    options = first.options
    if options.attention == "rejection":
        return rejection_program(begin, first)
    if options.memory == "quantum":
        return memory_program(first, "dynamic")
    try:
        return planned_program(first)
    except InputError as error:  # over a limit that the command line sets
        found = within_limits(first)
        if found is None:
            raise error from None
        return found
    except TooLargeError:
        able = options.attention == "auto" and options.tolerance > 0 and options.input == "known"
        if not able or not isinstance(begin.model, AttentionModel):
            raise
        return rejection_program(begin, first)


def within_limits(first: Draft) -> Compiled | None:
    """Return a program with a memory of quantum states where that keeps the limits and nothing else does."""
    if first.options.memory == "classical" or not first.options.budgeted:
        return None
    try:
        found = memory_program(first, "dynamic")
    except (InputError, TooLargeError):
        return None
    limits = {"max_qubits": found.cost.qubits, "max_two_qubit_gates": found.cost.two_qubit_gates}
    kept = all(
        getattr(first.options, name) is None or number <= getattr(first.options, name) for name, number in limits.items()
    )
    return found if kept else None


def memory_program(first: Draft, schedule: Literal["static", "dynamic"]) -> Compiled:
    """Return one circuit whose memory holds quantum states; see :mod:`stinespring.compiler.memory.program`."""
    found = quantum_memory(first, reuse=schedule == "dynamic")
    cost, draft = flow_cost(found.flow), run_passes(first, ("specialise",))[0]
    effect = Effect(
        "memory", True, found.reason, cost.two_qubit_gates, cost.two_qubit_depth, cost.qubits, found.bound, draft.bound
    )
    return Compiled(
        schedule=schedule,
        body=OneCircuit(found.flow, read_out(found.registers)),
        registers=found.registers,
        promise="free",
        cost=cost,
        tvd_bound=found.bound,
        claim=found.claim,
        passes=(effect,),
        codes="binary" if first.coding == "binary" else "free",
    )


def rejection_program(begin: Start, first: Draft) -> Compiled:
    """Return one program that draws the attended positions by rejection."""
    options = first.options
    model = require_simple(begin.model, options.extension)
    if options.tolerance == 0 or options.input == "quantum":
        raise InputError(
            "rejection stops after a number of rounds that a tolerance fixes, for a known prompt",
            got=f"--tolerance {options.tolerance:g} --input {options.input}",
            expected="--tolerance above 0 and --input known",
        )
    found = rejection_flow(
        model, begin.prompt, first.steps, tolerance=options.tolerance, position=options.extension == "position"
    )
    cost, bound = flow_cost(found.flow), min(1.0, sum(found.errors))
    reason = f"attended positions drawn in at most {max(found.rounds)} rounds of rejection a token"
    return Compiled(
        schedule="dynamic",
        body=OneCircuit(found.flow, read_out(found.registers)),
        registers=found.registers,
        promise="free",
        cost=cost,
        tvd_bound=bound,
        claim=RejectionClaim(found.rounds),
        passes=(Effect("schedule", True, reason, cost.two_qubit_gates, cost.two_qubit_depth, cost.qubits, bound, 0),),
    )


def planned_program(first: Draft) -> Compiled:
    """Return one program that measures on the way, the cheapest plan within the budget, with the codes that need least."""
    found: list[tuple[float, Compiled]] = []
    refused: list[InputError | TooLargeError] = []
    least, left = None, 1.0 if first.options.effort is None else first.options.effort
    for coding in codings(first):
        draft = replace(first, coding=coding)
        if coding in ("number", "split"):
            continue  # measured on the way, registers that are not full waste no qubits
        try:
            if far_more(draft, least):
                continue
            with counted() as spent:
                found.append(planned(draft, left / 2))
            left -= spent.seconds
            least = min(each.cost.two_qubit_gates + each.cost.conditions for _, each in found)
        except (InputError, TooLargeError) as error:
            refused.append(error)
    if not found:
        raise refused[-1]
    return min(found, key=lambda each: (each[0], each[1].codes == "prefix"))[1]


def planned(first: Draft, effort: float) -> tuple[float, Compiled]:
    """Return the cheapest program that measures on the way for one way of coding texts, and its price."""
    draft, effects = run_passes(first, ("specialise", "prune", "truncate"))
    merging = any(len(law.contexts) > MERGED_CONTEXTS for channel in draft.channels for law in channel.laws)
    with counted() as spent:
        found = dynamic_flow(draft, effort=effort / 2 if merging else effort)
    if merging:
        merged, more = run_passes(draft, ("merge",))
        if more[0].applied:
            other = dynamic_flow(merged, effort=effort - spent.seconds)
            if other.price < found.price:
                draft, effects, found = merged, (*effects, *more), other
    bound, cost = proven(draft), flow_cost(found)
    registers = with_book(found.registers, draft.book)
    waits = f"{found.waits} of {len(found.laws)} laws are steered by bits, {cost.mid_circuit_measurements} measured on the way"
    lower = effects[-1].lower_bound
    note = Effect("schedule", True, waits, cost.two_qubit_gates, cost.two_qubit_depth, cost.qubits, bound, lower)
    program = Compiled(
        schedule="dynamic",
        body=OneCircuit(found, read_out(registers)),
        registers=registers,
        promise="free",
        cost=cost,
        tvd_bound=bound,
        claim=table_claim(draft) if bound > 0 else None,
        passes=(*effects, note),
        codes=decoder(draft.coding),
    )
    return found.price, program


def stepwise_program(begin: Start, first: Draft) -> Compiled:
    """Return a template and what binds its angles; each step may spend an equal share of the tolerance."""
    options, steps = first.options, first.steps
    share = options.tolerance / steps
    model = TruncatedModel(begin.model, share) if share > 0 else begin.model
    if options.extension == "position":
        require_positions(begin, share)
    codes: Codes = "binary" if options.codes == "binary" else "prefix"
    body = TextTemplate(Binder(model, begin.prompt, options.extension, codes, options.round_codes), steps)
    template = body.widest
    return Compiled(
        schedule="stepwise",
        body=body,
        registers=template.registers,
        promise="exact",
        cost=circuit_cost(template.gates, template.qubits, template.qubits),
        tvd_bound=options.tolerance,
        claim=TailClaim(share) if share > 0 else None,
        codes=codes,
    )


def require_positions(begin: Start, share: float) -> None:
    """Refuse attended positions where templates have none: they are those of an attention model's own law after one prompt.

    Raises:
        InputError: a tolerance, an input state, a level, or a model without attention.
    """
    if isinstance(begin.model, AttentionModel) and share == 0:
        return
    reason = "--tolerance" if share > 0 else "--input-state" if begin.state is not None else begin.model.name
    raise InputError(
        "a stepwise program measures attended positions of an attention model as it is, after one prompt",
        got=f"--extension position with {reason}",
        expected="--extension token, or --schedule static",
    )


def drafted(begin: Start, steps: int, options: CompileOptions) -> Draft:
    """Return the draft before any pass; a prompt that is a state stays in registers, padded to one length."""
    coding: Coding = "binary" if options.codes == "binary" else "free"
    if options.input != "quantum" or begin.state is None or begin.padded is None:
        return Draft(begin.model, begin.prompt, steps, options, coding=coding)
    return Draft(begin.padded, np.zeros(begin.state.width, dtype=np.int64), steps, options, begin.state, coding=coding)


def read_out(registers: tuple[Register, ...]) -> tuple[Register, ...]:
    """Return the registers whose readings are wanted."""
    return tuple(register for register in registers if register.role in ("token", "environment"))


def table_claim(draft: Draft) -> TableClaim | ListedClaim:
    """Return the token law of each step as a function of the text: without memories, averaged over attended positions.

    With codes that depend on the text before it is the law of whole texts.
    """
    if draft.book is not None:
        return ListedClaim(draft.book.texts, realised_law(draft))
    merged = any(place.role == "memory" for channel in draft.channels for law in channel.laws for place in law.reads)
    synthesised = [dilation.channel for dilation in draft.dilations] or list(draft.channels)
    operations = specialised(draft) if merged else synthesised
    tables = []
    for operation in operations:
        if operation.step > 0:
            law = averaged(next(law for law in operation.laws if law.target.role == "token"))
            columns = [place.step - 1 + (len(draft.prompt) if place.role == "token" else 0) for place in law.reads]
            tables.append(StepTable(tuple(columns), law.contexts, law.probabilities))
    return TableClaim(tuple(tables), padded=draft.state is not None)
