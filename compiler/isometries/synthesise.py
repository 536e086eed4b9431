# SPDX-License-Identifier: Apache-2.0
"""From channels to circuits: each law by the cheapest construction that keeps the promise."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from stinespring.circuits.core.gates import Gate, concatenated, count_two_qubit, relabel
from stinespring.circuits.exact.multiplexer import NEGLIGIBLE, gray_angles, law_angles, law_gates, multiplexed_ry
from stinespring.circuits.exact.signed_state import SCHMIDT, real_state
from stinespring.circuits.laws.bit_by_bit import balanced_codes
from stinespring.circuits.laws.free_law import GROUPED, JOINT_BITS, free_law_circuit
from stinespring.circuits.laws.signs import signed
from stinespring.compiler.isometries.approximate import Approximation, approximate
from stinespring.compiler.isometries.dilate import context_index, law_table, require_room
from stinespring.compiler.isometries.prompt_state import copied, copy_gates, phase_gates, whole_gates
from stinespring.compiler.texts.draft import Draft, gray_count
from stinespring.compiler.texts.encode import plain, prompt_registers, token_register
from stinespring.compiler.texts.operations import BlockOperation, Dilation, Place, StepLaw
from stinespring.compiler.texts.truncate import spent
from stinespring.readings import UNUSED, BoolArray, FloatArray, IntArray, Register

__all__ = ["default_effort", "synthesise"]


@dataclass(frozen=True)
class Piece:
    """One law's circuit: gates on the registers read, the register made, ancillas that are traced out.

    ``error`` is what it costs the joint law; ``law`` what it realises, where that is not the law itself.
    """

    gates: Sequence[Gate]
    made: Register
    ancilla: Register | None = None
    error: float = 0.0
    law: StepLaw | None = None


LEAST_EFFORT, GATES_A_SECOND, MOST_EFFORT = 0.4, 200, 2.4  # of the default effort, in seconds
SIGNED_WIRES = 12  # beyond it no signs are searched, see circuits/signs.py
How = Literal["exact", "signs", "free"]


def synthesise(draft: Draft, *, how: How) -> Draft:
    """Return the draft with a circuit for every step.

    Args:
        draft: the operations.
        how: ``exact``: the isometry itself; ``signs``: Gray order with free signs; ``free``: whatever keeps the measured
            law, within what is left of the tolerance.
    """
    prompt = prompt_registers(draft.model, len(draft.prompt), draft.state) if draft.quantum else []
    made: dict[Place, Register] = {Place.of(register): register for register in prompt}
    ancillas: list[Register] = []
    dilations: list[Dilation] = []
    sizes = draft.sizes()
    work = {law.target: gray_count(law, sizes) for channel in draft.channels for law in channel.laws}
    total = default_effort(draft, sizes) if draft.options.effort is None else draft.options.effort
    total *= draft.effort_share
    left, remaining = draft.options.tolerance - sum(draft.errors), len(draft.channels)
    for channel, error in zip(draft.channels, draft.errors, strict=True):
        pieces: list[tuple[StepLaw, Piece]] = []
        for law in channel.laws:
            effort = total * work[law.target] / max(1, sum(work.values()))
            budget = left / remaining if how == "free" and law is channel.laws[-1] and approximable(draft) else 0.0
            piece = make_piece(draft, law, made, how, effort, budget)
            made[law.target] = piece.made
            left -= piece.error
            ancillas += [piece.ancilla] if piece.ancilla else []
            pieces.append((piece.law or law, piece))
        remaining -= 1
        channel = replace(channel, laws=tuple(law for law, _ in pieces))
        dilation = joined(channel, pieces, made, error + sum(piece.error for _, piece in pieces))
        if channel.step == 0 and how == "exact":
            dilation, copies = finished_input(draft, dilation, prompt)
            ancillas += copies
        dilations.append(dilation)
    order = ("prompt", "token", "environment", "memory")
    declared = [r for role in order for r in made.values() if r.role == role]
    errors = tuple(d.error for d in dilations)
    return replace(draft, dilations=tuple(dilations), declared=(*declared, *ancillas), errors=errors)


def finished_input(draft: Draft, dilation: Dilation, prompt: list[Register]) -> tuple[Dilation, list[Register]]:
    """Return step 0 with the phases of the input state, and with a copy of what must have no coherence."""
    state = draft.state
    gates = list(dilation.gates)
    registers = [*dilation.registers, *(q for q in prompt if q not in dilation.registers)]
    first, wires = 0, {}
    for register in registers:
        wires[register.name] = list(range(first, first + register.size))
        first += register.size
    if state is not None:
        places = [q for register in prompt for q in wires[register.name]]
        gates += [] if state.mixed else phase_gates(state, prompt, places)
        whole = whole_gates(state, prompt, places, fitted=draft.options.effort != 0)
        gates = gates if whole is None else min(gates, whole, key=count_two_qubit)
    if draft.options.extension != "dephased" and not (state is not None and state.mixed):
        return replace(dilation, registers=tuple(registers), gates=tuple(gates)), []
    sources = copied(prompt, state)
    copies = [Register("c", "ancilla", tuple(range(1 << len(sources))))] if sources else []
    gates += copy_gates([wires[prompt[column].name][bit] for column, bit in sources], range(first, first + len(sources)))
    return replace(dilation, registers=(*registers, *copies), gates=tuple(gates)), copies


def default_effort(draft: Draft, sizes: dict[str, int]) -> float:
    """Return the seconds of search if none are asked for: ``0.4 + gates / 200``, at most 2.4.

    The gates are those of the exact isometries that a search may shorten: of large laws without a context the highest bits.

    Args:
        draft: the operations.
        sizes: qubits of each register.
    """
    laws = [law for channel in draft.channels for law in channel.laws]
    most = [math.inf if law.reads or sizes[law.target.name] <= GROUPED else 1 << JOINT_BITS for law in laws]
    gates = sum(min(gray_count(law, sizes), limit) for law, limit in zip(laws, most, strict=True))
    return min(LEAST_EFFORT + gates / GATES_A_SECOND, MOST_EFFORT)


def approximable(draft: Draft) -> bool:
    """Return whether rotations may be dropped: every token law reads texts only, so that the realised law can be told."""
    roles = {place.role for channel in draft.channels for law in channel.laws for place in law.reads}
    return draft.options.tolerance > 0 and not roles & {"memory", "environment"}


def make_piece(draft: Draft, law: StepLaw, made: Mapping[Place, Register], how: How, effort: float, budget: float) -> Piece:
    """Return one law's circuit by the wanted construction."""
    if how == "exact":
        return exact_piece(draft, law, made)
    if how == "signs":
        return signed_piece(draft, law, made)
    pieces = [free_piece(draft, law, made, effort)]
    if wires_of(draft, law, made) <= SIGNED_WIRES:
        pieces.append(signed_piece(draft, law, made))
    if budget > 0:
        pieces.append(approximate_piece(draft, law, made, budget))
    return min(pieces, key=lambda piece: (count_two_qubit(piece.gates), piece.error))


def joined(
    channel: BlockOperation, pieces: list[tuple[StepLaw, Piece]], made: Mapping[Place, Register], error: float
) -> Dilation:
    """Return the step's circuit from the circuits of its laws, on the registers they touch in order of appearance."""
    involved: list[Register] = []
    for law, piece in pieces:
        extra = [piece.ancilla] if piece.ancilla else []
        involved += [r for r in (*(made[place] for place in law.reads), piece.made, *extra) if r not in involved]
    first, wires = 0, {}
    for register in involved:
        wires[register.name] = list(range(first, first + register.size))
        first += register.size
    parts: list[Sequence[Gate]] = []
    for law, piece in pieces:
        names = [*(place.name for place in law.reads), law.target.name] + ([piece.ancilla.name] if piece.ancilla else [])
        local = [q for name in names for q in wires[name]]
        parts.append(relabel(piece.gates, local))
    return Dilation(channel, tuple(involved), concatenated(parts), error)


def wires_of(draft: Draft, law: StepLaw, made: Mapping[Place, Register]) -> int:
    """Return the number of qubits of a law's context and outcome."""
    return sum(made[place].size for place in law.reads) + target_register(draft, law).size


def target_register(draft: Draft, law: StepLaw) -> Register:
    """Return the register that a law's outcome goes to, with its plain codes."""
    if law.target.role == "token":
        register = token_register(law, draft.model.d, "binary" if draft.coding == "binary" else "free")
        return register if draft.spare is None else draft.spare.register(register, law.reach @ law.probabilities)
    if law.target.role == "prompt":
        return prompt_registers(draft.model, len(draft.prompt), draft.state)[law.target.step - 1]
    count = law.probabilities.shape[1]
    return law.target.register(plain(range(count), count))


def exact_piece(draft: Draft, law: StepLaw, made: Mapping[Place, Register]) -> Piece:
    """Return the isometry itself: in Gray order, or without a context as a real state, whichever is shorter."""
    register = target_register(draft, law)
    dense, care = law_table(law, made, register)
    kept, rows = telling_context(dense, care)
    width = dense.shape[0].bit_length() - 1
    wires = [*kept, *range(width, width + register.size)]
    gates = law_gates(rows, wires)
    if not kept and register.size in SCHMIDT:
        gates = min(gates, real_state(np.sqrt(rows[0]), wires, fitted=draft.options.effort != 0), key=count_two_qubit)
    return Piece(gates, register)


def telling_context(dense: FloatArray, care: BoolArray) -> tuple[list[int], FloatArray]:
    """Return the bits of the context that tell the law wherever a context occurs, and the law over them.

    Contexts that never occur (texts that an input state does not hold, codes without meaning) may get any law.

    Args:
        dense: shape (2^M, 2^k).
        care: contexts that occur, shape (2^M,).
    """
    kept = list(range(dense.shape[0].bit_length() - 1))
    occurring = np.flatnonzero(care)
    if occurring.size == care.size or not occurring.size:
        return kept, dense
    for bit in list(kept):
        fewer = [b for b in kept if b != bit]
        _, first, where = np.unique(packed(occurring, fewer), return_index=True, return_inverse=True)
        if np.array_equal(dense[occurring[first]][where.ravel()], dense[occurring]):
            kept = fewer
    rows = np.zeros((1 << len(kept), dense.shape[1]))
    rows[packed(occurring, kept)] = dense[occurring]
    return kept, rows


def packed(codes: IntArray, bits: list[int]) -> IntArray:
    """Return the number that some bits of a code make."""
    result = np.zeros_like(codes)
    for place, bit in enumerate(bits):
        result |= (codes >> bit & 1) << place
    return result


def free_piece(draft: Draft, law: StepLaw, made: Mapping[Place, Register], effort: float) -> Piece:
    """Return the cheapest circuit found for the measured law; the register's codes may be renumbered."""
    register = target_register(draft, law)
    dense, care = law_table(law, made, register)
    require_room(dense.shape[0].bit_length() + dense.shape[1].bit_length() - 2, law)
    renumber = draft.renumbered and register.role == "token"
    codings = {made[place].symbols for place in law.reads}  # the tokens of a text are alike if they are coded alike
    alike = register.size if len(codings) == 1 and len(codings.pop()) == len(register.symbols) else None
    found = free_law_circuit(
        dense,
        token_bits=alike if register.role == "token" else None,
        care=care,
        free_codes=renumber,
        ancillas=register.role == "token",
        effort=effort,
    )
    symbols = np.full(len(register.symbols), UNUSED)
    symbols[found.codes] = register.symbols
    ancilla = Place("ancilla", law.target.step).register(range(2**found.ancillas)) if found.ancillas else None
    return Piece(list(found.gates), replace(register, symbols=tuple(symbols.tolist())), ancilla)


def signed_piece(draft: Draft, law: StepLaw, made: Mapping[Place, Register]) -> Piece:
    """Return Gray order with the signs of the angles chosen for a sparse Walsh spectrum; plain codes."""
    register = target_register(draft, law)
    dense, care = law_table(law, made, register)
    width, size = dense.shape[0].bit_length() - 1, register.size
    gates: list[Gate] = []
    for higher, theta in enumerate(law_angles(dense)):
        mass = dense.reshape(dense.shape[0], 2**higher, -1).sum(axis=2).T.reshape(-1)
        bit = width + size - 1 - higher
        wires = [*range(width), *range(bit + 1, width + size), bit]
        angles = signed(theta, np.tile(care, 2**higher) & (mass > 0))
        gates += multiplexed_ry(wires, gray_angles(angles), negligible=NEGLIGIBLE)
    return Piece(gates, register)


def approximate_piece(draft: Draft, law: StepLaw, made: Mapping[Place, Register], budget: float) -> Piece:
    """Return a circuit with rotations dropped within the budget, on balanced codes if codes are free."""
    register = target_register(draft, law)
    if draft.renumbered:
        dense, _ = law_table(law, made, register)
        code = balanced_codes(dense)
        symbols = np.full(len(register.symbols), UNUSED)
        symbols[code] = register.symbols
        register = replace(register, symbols=tuple(symbols.tolist()))
    dense, care = law_table(law, made, register)
    index = context_index(law, made)
    weights = np.zeros(len(dense))
    weights[index] = 1.0 if draft.quantum else law.reach
    found = most_approximate(dense, care, weights, budget / (len(law.contexts) if draft.quantum else 1))
    probabilities = np.zeros_like(law.probabilities)
    known = np.flatnonzero(np.array(register.symbols) != UNUSED)
    probabilities[:, np.array(register.symbols)[known]] = found.law[np.ix_(index, known)]
    lost = 1.0 - probabilities.sum(axis=1)
    if (lost > 1e-12).any():  # mass on codes that stand for nothing: not a law of texts
        return Piece(law_gates(dense, range(dense.shape[0].bit_length() + register.size - 1)), register)
    realised = replace(law, probabilities=probabilities / probabilities.sum(axis=1, keepdims=True))
    return Piece(found.gates, register, None, spent(law, found.distances[index], worst=draft.quantum), realised)


def most_approximate(dense: FloatArray, care: BoolArray, weights: FloatArray, budget: float) -> Approximation:
    """Return the sparsest approximation whose true cost is within the budget.

    The budget of single rotations bounds the cost of the whole, often by far: larger ones are tried first.
    """
    for factor in (32.0, 16.0, 8.0, 4.0, 2.0):
        found = approximate(dense, care, weights, factor * budget)
        if weights @ found.distances <= budget:
            return found
    return approximate(dense, care, weights, budget)


def cheaper(first: Draft, second: Draft) -> Draft:
    """Return the draft with fewer two-qubit gates, the first of equals; a draft without circuits is none."""
    if not first.dilations:
        return second
    counts = [sum(count_two_qubit(d.gates) for d in draft.dilations) for draft in (first, second)]
    return second if counts[1] < counts[0] else first
