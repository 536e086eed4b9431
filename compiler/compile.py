# SPDX-License-Identifier: Apache-2.0
"""The whole compiler of texts, top to bottom: model -> laws -> operations -> dilations -> what is run -> program."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from stinespring.circuits.devices.targets import open_target, readout_rates
from stinespring.compiler.devices.lower import lowered_cost, on_device, placed
from stinespring.compiler.export.files import EXPORTER
from stinespring.compiler.options import CompileOptions
from stinespring.compiler.texts.choose import codings, worth_listing
from stinespring.compiler.texts.draft import Draft
from stinespring.compiler.texts.passes import FEW_TOKENS, require_listed, run_passes
from stinespring.compiler.texts.programs import Compiled, drafted, dynamic_program, static_program, stepwise_program
from stinespring.compiler.texts.spare import Spare, with_spares
from stinespring.errors import InputError, TooLargeError
from stinespring.models.texts.asked import TextAsked
from stinespring.models.texts.base import TextModel
from stinespring.models.texts.fock import Start
from stinespring.models.texts.law import listed_law
from stinespring.stages import Device, Program
from stinespring.version import __version__

__all__ = ["compile_model", "compile_texts"]

AUTO_QUBITS = 22  # `auto` takes one circuit up to a statevector of 64 MB,
AUTO_ROTATIONS = 1 << 15  # about a second of simulation at that size,
AUTO_ROOM = 1 << 19  # and a table that is listed in about a second


def compile_model(
    model: TextModel,
    *,
    prompt: str | Sequence[int] | None = None,
    steps: int,
    input_state: str | Path | Mapping[str, Any] | None = None,
    level: int | None = None,
    **options: Any,
) -> Program:
    """Compile the next ``steps`` tokens of a model into a quantum program; see :func:`compile_texts`.

    Args:
        model: the law of each block.
        prompt: the known text; with ``input="quantum"`` only its length counts.
        steps: L, at least 1.
        input_state: instead of a prompt a superposition or mixture of texts, see
            :func:`stinespring.models.texts.fock.read_state`.
        level: N, the most tokens of a text in Fock space; a block leaves texts of N tokens alone. None: no limit.
        options: see :class:`stinespring.compiler.options.CompileOptions`.

    Raises:
        InputError: an option or a prompt that cannot be used.
        TooLargeError: the problem does not fit the schedule; the message says what would.
    """
    asked = TextAsked.of(model, prompt=prompt, steps=steps, input_state=input_state, level=level)
    return compile_texts(model, asked, CompileOptions(**options))


def compile_texts(model: TextModel, asked: TextAsked, options: CompileOptions) -> Program:
    """Compile what is asked of a model of texts into a quantum program.

    The program prepares ``sum_x sqrt(P(x)) |x>`` over the generated texts x, one Stinespring isometry
    ``|w> -> |w> sum_t sqrt(P(t|w)) |t>`` a step (with ``position`` also the attended positions), and measures.

    Args:
        model: the law of each block.
        asked: prompt or input state, and the number of steps.
        options: how.

    Returns:
        The program. Its ``tvd_bound`` is proven and at most the tolerance.

    Raises:
        InputError: options that do not fit the model, or limits that no program keeps.
        TooLargeError: the problem does not fit the schedule; the message says what would.

    Source: arXiv 2507.13354 for the blocks; the dilation is Stinespring's with the environment named by the extension.
    """
    begun = time.perf_counter()
    begin, steps = asked.begin(model), asked.steps
    device = open_target(options.target) if isinstance(options.target, str) else options.target
    settled = options.settled(state=begin.state is not None)
    first = drafted(begin, steps, settled)
    chosen = scheduled(first, settled)
    planned = fitted(chosen, device)
    build = {"static": static_program, "dynamic": dynamic_program, "stepwise": stepwise_program}[chosen.schedule]
    draft, spare = replace(first, options=planned), None
    if planned.spare == "any":
        compiled = build(begin, draft)
    else:
        extra = 1 if planned.spare == "bit" else 0
        compiled, spare = spared(
            lambda placing: build(begin, replace(draft, spare=placing)), begin, steps, device, extra
        )  # fmt: skip
    check_limits(compiled, options)
    program = Program(
        source=model,
        asked=asked,
        schedule=compiled.schedule,
        body=compiled.body,
        registers=compiled.registers,
        promise=compiled.promise,
        tvd_bound=compiled.tvd_bound,
        claim=compiled.claim,
        cost=compiled.cost,
        seconds=0.0,
        hash=provenance(begin, steps, planned),
        exporter=EXPORTER,
        passes=compiled.passes,
        details={"extension": chosen.extension, "input": chosen.input, "codes": compiled.codes}
        | ({} if spare is None else {"spare": spare}),
    )
    return replace(on_device(program, device, options.delays), seconds=time.perf_counter() - begun)


def spared(
    build: Callable[[Spare | None], Compiled], begin: Start, steps: int, device: Device | None, extra: int
) -> tuple[Compiled, dict[str, Any]]:  # fmt: skip
    """Return a program with its spare codes where wrong readings land, and what that is worth.

    Raises:
        InputError: texts that cannot be listed, or are decoded together.
    """
    joint = listed_law(begin.model, begin.prompt, steps)
    if joint is None:
        raise InputError("spare codes are placed for texts that can be listed", got=f"{steps} steps", expected="fewer")

    def measured(compiled: Compiled) -> tuple[int, dict[tuple[str, int], tuple[float, float]]]:
        if device is None:
            return compiled.cost.two_qubit_gates, {}
        body: Any = compiled.body
        circuit = placed(body.circuit, device)
        places = {item.clbits[0]: item.qubits[0] for item in circuit.data if item.operation.name == "measure"}
        named = {bit: circuit.find_bit(bit).registers[0] for bit in places}
        errors = {
            (named[bit][0].name, named[bit][1]): rates
            for bit, wire in places.items()
            if (rates := readout_rates(device, circuit.find_bit(wire).index)) is not None
        }
        return lowered_cost(circuit).two_qubit_gates, errors

    return with_spares(build, joint, measured, extra=extra)


def scheduled(first: Draft, options: CompileOptions) -> CompileOptions:
    """Return the options with a schedule in place of ``auto``."""
    if options.schedule != "auto":
        return options
    if options.phases == "free" and (options.budgeted or options.attention == "rejection"):
        return replace(options, schedule="dynamic")
    schedule: Literal["static", "stepwise"] = "static" if fits_static(first) else "stepwise"
    return replace(options, schedule=schedule, feed_forward="auto", attention="auto")


def fits_static(first: Draft) -> bool:
    """Return whether one circuit of moderate size holds the whole text: the choice of ``--schedule auto``."""
    if first.quantum:
        return True
    try:
        few = first.options.codes is None and not (first.model.d > FEW_TOKENS and worth_listing(first))
        require_listed(first, AUTO_ROOM, whole=not few and first.options.codes not in ("binary", "free"))
        return any(moderate(replace(first, coding=coding)) for coding in codings(first))
    except TooLargeError:
        return False


def moderate(draft: Draft) -> bool:
    """Return whether a draft's circuit has a moderate number of qubits and rotations."""
    draft, _ = run_passes(draft, ("specialise",))
    sizes = draft.sizes()
    widths = [sum(sizes[p.name] for p in (*law.reads, law.target)) for channel in draft.channels for law in channel.laws]
    return sum(sizes.values()) <= AUTO_QUBITS and sum(2**width for width in widths) <= AUTO_ROTATIONS


def fitted(options: CompileOptions, device: Device | None) -> CompileOptions:
    """Return the options with the device's qubits as a limit where a plan may be chosen that fits on them, if there is one."""
    if device is None or options.schedule != "dynamic":
        return options
    room = device.target.num_qubits
    return replace(options, max_qubits=min(room, options.max_qubits or room))


def check_limits(compiled: Compiled, options: CompileOptions) -> None:
    """Refuse a program over budget: a limit is hard."""
    cost = compiled.cost
    found = {"max_qubits": cost.qubits, "max_two_qubit_gates": cost.two_qubit_gates, "max_conditions": cost.conditions}
    for name, number in found.items():
        limit = getattr(options, name)
        if limit is not None and number > limit:
            raise InputError(
                "the program is over the budget",
                got=f"--{name.replace('_', '-')} {limit}",
                expected=f"at least {number} with --schedule {compiled.schedule}",
                todo="raise it, or use --schedule dynamic" if compiled.schedule != "dynamic" else "raise it",
            )


def provenance(begin: Start, steps: int, options: CompileOptions) -> str:
    """Return the SHA-256 of everything that changes the program; the model at the start holds an input state."""
    content = {
        "model": begin.model.fingerprint(),
        "prompt": begin.prompt.tolist(),
        "steps": steps,
        "options": options.plain(),
        "version": __version__,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
