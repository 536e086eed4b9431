# SPDX-License-Identifier: Apache-2.0
"""Exact verification of a program: the circuit that is run or sent is followed, and compared with what was promised."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Literal, get_args

import numpy as np

from stinespring.backends.exact import EXACT_SHOTS, ExactShares, cost_of
from stinespring.backends.execute import sample_body
from stinespring.batches import Circuit, Several
from stinespring.checks.states import check_exact_tables, check_operator, check_particle
from stinespring.checks.texts.block import MOST_ERROR, check_isometry, check_law
from stinespring.checks.texts.promised import Text, promised
from stinespring.circuits.core.flow import Flow
from stinespring.circuits.exact.followed import Followed, follow
from stinespring.compiler.systems.ancilla import REGISTER
from stinespring.errors import InputError, TooLargeError
from stinespring.pipeline.places import choi_by_outcome, code_of, measured_law, placed, realised
from stinespring.pipeline.systems import system_of
from stinespring.readings import FloatArray, IntArray
from stinespring.stages import Program, Verdict

__all__ = ["MODES", "Mode", "block_told", "require_verify", "verify_block", "with_block"]

Mode = Literal["auto", "none", "all"]
MODES: tuple[Mode, ...] = get_args(Mode)
BUDGETS = {"auto": float(1 << 26), "all": float(1 << 36)}  # amplitudes: about a second, and a quarter of an hour
MOST_PREFIXES = 512  # of one step, that a host binds one by one
STATES, SEED = 4, 2510  # random states that an operator too large for its matrix is applied to
MOST_CHOI = 5  # qubits in and out of a channel whose diamond distance takes less than a second


def require_verify(mode: str) -> Mode:
    """Return what is to be verified.

    Raises:
        InputError: an unknown word.
    """
    if mode not in MODES:
        raise InputError("unknown --verify", got=mode, expected=" or ".join(MODES))
    return mode


def verify_block(program: Program, mode: Mode = "auto") -> Verdict | None:
    """Follow a program's circuits exactly, as they are run or sent, and compare them with what the source promises.

    Args:
        program: of any kind; where it is lowered, the lowered circuits.
        mode: ``auto``: what takes about a second, as nearly every program of up to ten qubits does; ``all``: whatever can be
            followed; ``none``: nothing.

    Returns:
        PASS, FAIL (the reason names an entry and by how much it differs), UNVERIFIED where it is too large for ``auto``, or
        None where nothing was asked.

    Raises:
        InputError: with ``all``, a program that cannot be followed.
    """
    if mode == "none":
        return None
    kind = system_of(program.source).kind
    verify = {"texts": of_texts, "sphere": of_particles, "channel": of_channel}.get(kind, of_tables)
    if kind == "lens" and program.asked is None:
        verify = of_operator
    try:
        left = left_behind(program, BUDGETS[mode])
        return verify(program, BUDGETS[mode]) if left is None else left
    except InputError as error:  # too large, or operations of a device that have no matrix
        if mode == "all":
            raise
        got = "" if error.got is None else f" ({error.got})"
        words = f"not followed, {error.what}{got}" + (
            "; --verify all takes its time" if isinstance(error, TooLargeError) else ""
        )
        return Verdict("UNVERIFIED", words, figures={"method": "none"})


def left_behind(program: Program, budget: float) -> Verdict | None:
    """Return FAIL where a clean qubit does not end in |0>, whatever goes in; None where it does, or there is none."""
    body: Any = program.body
    if system_of(program.source).kind not in ("lens", "sphere") or body.host:
        return None
    several = isinstance(body, Several)
    forms, circuits = (body.forms, body.circuits) if several else ((body.form,), (body.circuit,))
    pairs = zip(forms, circuits, strict=True)
    helped = [(form, circuit) for form, circuit in pairs if isinstance(form, Flow) and (REGISTER, 1) in form.quantum]
    for form, circuit in helped:
        alone = program.asked is None
        [inputs] = placed(circuit, form, ["x"]) if alone else [()]
        random = np.random.default_rng(SEED)
        starts = random.normal(size=(1 << len(inputs), 2)).view(np.complex128) / np.sqrt(2.0 * (1 << len(inputs)))
        require_budget(2 * len(helped) * cost_of(circuit, inputs=inputs), budget)
        [ends] = placed(circuit, form, [REGISTER], end=True)
        followed = follow(circuit, inputs, starts if alone else (0,), ends, budget)
        share = float(followed.weights[:, followed.codes(ends) != 0].sum())
        if share > MOST_ERROR**2:
            words = f"the clean qubit does not return to |0>: it is left in |1> with probability {share:.3g}"
            return Verdict("FAIL", words, figures={"method": "amplitudes", "error": math.sqrt(share)})
    return None


def with_block(verdict: Verdict, block: Verdict | None) -> Verdict:
    """Return the verdict on samples with that on the circuits as a test: where it fails, the whole fails."""
    if block is None:
        return verdict
    verdict = replace(verdict, details={**verdict.details, "block": block_told(block)})
    if block.verdict != "FAIL":
        return verdict
    return replace(verdict, verdict="FAIL", reason=f"block: {block.reason}; {verdict.reason}")


def block_told(block: Verdict | None) -> dict[str, Any] | None:
    """Return what ``--json`` prints of it."""
    return None if block is None else {"verdict": block.verdict, "reason": block.reason, **block.figures}


def of_texts(program: Program, budget: float) -> Verdict:
    """Verify a program of texts: its law, and where phases are promised its isometry."""
    if program.body.host:
        return of_templates(program, budget)
    body: Any = program.body
    model, asked, circuit = program.source, program.asked, body.circuit
    measured = {register.name for register in circuit.cregs}
    read = [r for role in ("token", "environment") for r in program.registers if r.role == role and r.name in measured]
    kept = [r for r in program.registers if r.role == "prompt"]
    names = [r.name for r in kept]
    prepared, quantum = asked.begin(model).state is not None, program.details["input"] == "quantum"
    starts = placed(circuit, body.form, names) if quantum and not prepared else ()
    inputs = tuple(qubit for qubits in starts for qubit in qubits)
    require_budget(cost_of(circuit, inputs=inputs, columns=model.d ** len(starts)), budget)
    position = any(r.role == "environment" for r in read)
    options = {"quantum": quantum, "dephased": program.details["extension"] == "dephased", "position": position}
    wanted = promised(model, asked, **options)
    wanted = wanted if quantum else wanted.folded()
    texts = tuple(wanted.law())
    exact = program.promise == "exact" and (program.claim is None or not (quantum or position))
    ends = placed(circuit, body.form, names, end=True) if exact and kept else ()
    columns = [code_of(kept, text) for text in texts] if inputs else [0]
    followed = follow(circuit, inputs, columns, [qubit for qubits in ends for qubit in qubits], budget)
    made = {text: measured_law(circuit, followed, read, column) for column, text in enumerate(texts)}
    law = check_law(model, made, wanted, bound=program.tvd_bound)
    if law.verdict == "FAIL" or not exact:
        return law
    if program.claim is not None:
        wanted = promised(model, asked, law=claimed(program), **options)
    operators = realised(circuit, followed, read, kept, ends, texts, measured=program.device is not None)
    found = check_isometry(model, operators, wanted)
    return replace(found, figures={**law.figures, **found.figures})


def claimed(program: Program) -> Any:
    """Return the law that a program claims, as a model."""
    claim: Any = program.claim
    return claim.law(program.source, program.asked)


def of_templates(program: Program, budget: float) -> Verdict:
    """Verify a host in the loop: its templates are bound and followed for every prefix that can occur."""
    model, asked, body = program.source, program.asked, program.body
    prefixes = asked.begin(model).model.branching ** (asked.steps - 1)
    if prefixes > MOST_PREFIXES and budget == BUDGETS["auto"]:
        raise TooLargeError("a host binds too many prefixes", got=f"up to {prefixes:,} of one step")
    exact = ExactShares(budget)
    outcomes = body.outcomes(sample_body(body, exact, EXACT_SHOTS, 0), EXACT_SHOTS)[0]
    wanted = promised(model, asked, quantum=False)
    texts = outcomes.of([f"t{step}" for step in range(1, asked.steps + 1)])
    made: dict[Text, tuple[IntArray, FloatArray]] = {(): (texts.values, texts.counts / EXACT_SHOTS)}
    found = check_law(model, made, wanted.folded(), bound=program.tvd_bound)
    if found.verdict == "FAIL" or program.device is not None or exact.sign_error <= MOST_ERROR:
        return found
    words = f"a template's amplitudes are not real and non-negative, by {exact.sign_error:.3g}"
    return Verdict("FAIL", words, figures={**found.figures, "error": exact.sign_error})


def of_tables(program: Program, budget: float) -> Verdict:
    """Verify the law of what is measured, of any kind of source."""
    if program.body.host:
        raise TooLargeError("the host keeps every shot by itself, which has no exact shares")
    batch = program.body.next((), EXACT_SHOTS)
    assert batch is not None, "a program has a first call"
    require_budget(math.fsum(cost_of(item.circuit, rows=item.rows) for item in batch.items), budget)
    shares = program.body.outcomes(sample_body(program.body, ExactShares(budget), EXACT_SHOTS, 0), EXACT_SHOTS)
    return check_exact_tables(program.source, program.asked, shares)


def of_particles(program: Program, budget: float) -> Verdict:
    """Verify layers on the sphere: the law of what is measured, and the particle's state where it is left in its register."""
    from stinespring.models.sphere.layer_law import steps_of

    law = of_tables(program, budget)
    if law.verdict == "FAIL" or program.asked.read != "nothing":
        return law
    body, parts = program.body, {}
    several = isinstance(body, Several)
    forms, circuits = (body.forms, body.circuits) if several else ((body.form,), (body.circuit,))  # type: ignore[attr-defined]
    for number, (one, form, circuit) in enumerate(zip(program.asked.circuits, forms, circuits, strict=True)):
        ends = placed(circuit, form, ["x"], end=True)
        followed = follow(circuit, kept=ends[0])
        after = steps_of(program.source, [one.particle], one.before + one.layers)[-1][one.particle].after
        state = successful(circuit, followed, ends[0])
        parts[str(number)] = check_particle(after, state, f"particle {one.particle} after layer {one.before + one.layers}")
    bad = next((part for part in parts.values() if part.verdict == "FAIL"), None)
    if bad is not None:
        return bad
    first = next(iter(parts.values()))
    return replace(first, figures={**law.figures, **first.figures})


def successful(circuit: Circuit, followed: Followed, qubits: tuple[int, ...]) -> Any:
    """Return the normalised state of qubits in the branches in which every classical bit is 0; the rest must be in |0>."""
    place = {bit: index for index, bit in enumerate(circuit.clbits)}
    flags = np.sum([followed.values([place[bit] for bit in register]) for register in circuit.cregs], axis=0)
    states = np.where(flags == 0, followed.states[:, :, 0], 0.0)
    branch = int(np.argmax((abs(states) ** 2).sum(axis=1)))
    codes, result = followed.codes(qubits), np.zeros(1 << len(qubits), dtype=np.complex128)
    np.add.at(result, codes, states[branch])
    return result / max(float(np.linalg.norm(result)), 1e-300)


def of_operator(program: Program, budget: float) -> Verdict:
    """Verify one operator of a lens: the whole matrix, with its global phase unless a device's compiler had the circuit."""
    body: Any = program.body
    [qubits] = placed(body.circuit, body.form, ["x"])
    [ends] = placed(body.circuit, body.form, ["x"], end=True)
    size = 1 << len(qubits)
    starts = np.eye(size, dtype=np.complex128)
    if cost_of(body.circuit, inputs=qubits, columns=size) > budget:  # states that no other operator takes where this one does
        random = np.random.default_rng(SEED)
        starts = random.normal(size=(size, 2 * STATES)).view(np.complex128) / np.sqrt(2.0 * size)
    require_budget(cost_of(body.circuit, inputs=qubits, columns=starts.shape[1]), budget)
    followed = follow(body.circuit, qubits, starts, ends)
    made = np.zeros_like(starts)
    np.add.at(made, followed.codes(ends), followed.states[0])
    return check_operator(program.source, program.details["point"], program.details["time"], starts, made)


def of_channel(program: Program, budget: float) -> Verdict:
    """Verify a channel: its Choi matrix, or between product inputs and measurements the law of each setting."""
    from stinespring.checks.process import verify_channel

    if program.asked is not None and program.asked.settings:
        return of_tables(program, budget)
    channel = program.source
    if channel.inputs + channel.outputs > 2 * MOST_CHOI and budget == BUDGETS["auto"]:
        raise TooLargeError("the channel's Choi matrix is large", got=f"{channel.inputs} and {channel.outputs} qubits")
    body: Any = program.body
    size = max(channel.inputs, channel.outputs)
    starts, ends = [(), ()] if not size else (placed(body.circuit, body.form, ["sys"], end=end)[0] for end in (False, True))
    inputs, outputs = starts[: channel.inputs], ends[: channel.outputs]
    require_budget(cost_of(body.circuit, inputs=inputs, columns=1 << len(inputs)), budget)
    followed = follow(body.circuit, inputs, range(1 << len(inputs)), outputs, budget)
    outcome = next((r for r in program.registers if r.name == "outcome"), None) if channel.labels is not None else None
    choi = choi_by_outcome(body.circuit, followed, outputs, None if outcome is None else outcome.name)
    meaning = dict(enumerate(outcome.symbols)) if outcome is not None and outcome.symbols else None
    found = verify_channel(channel, choi, outcomes=meaning)
    return replace(found, figures={**found.figures, "method": "Choi matrix", "error": found.figures["choi_error"]})


def require_budget(cost: float, budget: float) -> None:
    """Refuse what takes too long, before it is begun.

    Raises:
        TooLargeError: with how long it would take at least.
    """
    if cost > budget:
        raise TooLargeError("it would take too long", got=f"at least {cost / BUDGETS['auto']:,.0f} s")
