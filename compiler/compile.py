# SPDX-License-Identifier: Apache-2.0
"""The whole compiler, top to bottom: model -> laws -> channels -> dilations -> schedule -> program."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from stinespring.compiler.devices.target import Device, open_target
from stinespring.compiler.dynamic.plan import BUDGETS
from stinespring.compiler.texts.draft import Budget, Options, Phases
from stinespring.compiler.texts.encode import Codes, registers
from stinespring.compiler.texts.programs import dynamic_program, on_device, static_program, stepwise_program
from stinespring.compiler.texts.specialise import channels
from stinespring.errors import InputError, TooLargeError
from stinespring.models.texts.base import TextModel
from stinespring.models.texts.fock import Start, start
from stinespring.stages import Program

__all__ = ["compile_model"]

SCHEDULES = ("auto", "static", "dynamic", "stepwise")
FEED_FORWARD = ("auto", "none", "all")
DELAYS = ("none", "pad", "decouple")
ATTENTION = ("auto", "table", "rejection")
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
    target: str | Device = "aer",
    max_qubits: int | None = None,
    max_two_qubit_gates: int | None = None,
    max_conditions: int | None = None,
    feed_forward: str = "auto",
    attention: str = "auto",
    delays: str = "none",
) -> Program:
    """Compile the next ``steps`` tokens of a model into a quantum program.

    The program prepares ``sum_x sqrt(P(x)) |x>`` over the generated texts x, one Stinespring isometry
    ``|w> -> |w> sum_t sqrt(P(t|w)) |t>`` a step (with ``position`` also the attended positions), and measures.

    Args:
        model: the law of each block.
        prompt: the known text; with ``input="quantum"`` only its length counts.
        steps: L, at least 1.
        input_state: instead of a prompt a superposition or mixture of texts, see
            :func:`stinespring.models.texts.fock.read_state`.
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
            :func:`stinespring.compiler.texts.synthesise.default_effort`.
        target: a device whose basis and coupling the circuit is lowered to; see
            :func:`stinespring.compiler.devices.target.open_target`. ``aer`` has no constraints. A stepwise program is
            lowered for its cost; a backend with a device lowers its templates again.
        max_qubits: a hard limit on the qubits declared.
        max_two_qubit_gates: a hard limit on the two-qubit gates of the worst path.
        max_conditions: a hard limit on the ``if`` statements.
        feed_forward: for ``dynamic``: ``none`` (quantum controls only), ``all`` (every register is measured before it is read)
            or ``auto``.
        attention: for ``dynamic``: ``table`` (a law for every context), ``rejection`` (attention models with one head, no stop
            token and a tolerance: attended positions are drawn by rejection, with gates polynomial in the length of the text)
            or ``auto``, which is rejection only where the table does not fit.
        delays: for a target that states its times: ``pad`` fills idle times with delays, ``decouple`` with pairs of X.

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
    check_options(
        schedule=schedule, extension=extension, input=input, codes=codes, phases=phases, feed_forward=feed_forward,
        attention=attention, delays=delays,
    )  # fmt: skip
    budget = Budget(
        check_limit(max_qubits, "max-qubits", 1),
        check_limit(max_two_qubit_gates, "max-two-qubit-gates", 0),
        check_limit(max_conditions, "max-conditions", 0),
        feed_forward,
    )
    given: dict[str, Any] = {
        "schedule": schedule, "extension": extension, "input": input, "codes": codes, "phases": phases,
        "target": target if isinstance(target, str) else target.name,
        "tolerance": check_share(tolerance, "tolerance", 1.0),
        "effort": None if effort is None else check_share(effort, "effort", math.inf),
        "budget": budget, "delays": delays, "attention": attention, "state": begin.state if input == "quantum" else None,
    }  # fmt: skip
    options, device = Options(**given), open_target(target) if isinstance(target, str) else target
    if schedule == "auto" and phases == "free" and (budget.asked or attention == "rejection"):
        options = replace(options, schedule="dynamic")
    elif schedule == "auto":
        options = replace(options, schedule="static" if fits_static(begin, steps, options) else "stepwise")
    if device is not None and options.schedule == "dynamic":  # a plan that fits on the device, if there is one
        room = min(device.target.num_qubits, max_qubits or device.target.num_qubits)
        options = replace(options, budget=replace(budget, qubits=room))
    build = {"static": static_program, "dynamic": dynamic_program, "stepwise": stepwise_program}[options.schedule]
    program = build(begin, steps, options)
    check_budget(program, budget)
    return replace(on_device(program, device, delays), seconds=time.perf_counter() - begun)


def check_share(value: float, name: str, most: float) -> float:
    """Return a number from 0 up to a limit, or say what is wrong."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < most:
        raise InputError(f"the {name} is out of range", got=value, expected=f"a number from 0 up to, not including, {most:g}")
    return float(value)


def check_options(**options: str) -> None:
    """Refuse values that do not exist and combinations that make no sense."""
    allowed = {
        "schedule": SCHEDULES,
        "extension": EXTENSIONS,
        "input": ("known", "quantum"),
        "codes": get_args(Codes),
        "phases": get_args(Phases),
        "feed_forward": FEED_FORWARD,
        "attention": ATTENTION,
        "delays": DELAYS,
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
    steered = options["feed_forward"] != "auto" or options["attention"] == "rejection"
    if steered and options["schedule"] in ("static", "stepwise"):
        raise InputError(
            "only dynamic programs have feed-forward",
            got=f"--schedule {options['schedule']} --feed-forward {options['feed_forward']} --attention {options['attention']}",
            expected="--schedule dynamic",
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
