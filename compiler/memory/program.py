# SPDX-License-Identifier: Apache-2.0
"""A chain with a memory of quantum states as a program: one memory register, a token and perhaps a record a step.

``static``: every token has qubits of its own and is measured at the end. ``dynamic``: a token is measured and its qubits are
used again, so that any number of steps runs on the memory and one token, without any condition.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from stinespring.circuits.core.flow import Flow, Instruction, Measure, Reset
from stinespring.circuits.core.gates import Gate, count_two_qubit, relabel
from stinespring.circuits.exact.closed_isometry import closed_isometry, complete
from stinespring.circuits.exact.real_orthogonal import Operator, Part, real_gates
from stinespring.circuits.exact.real_shannon import split_isometry
from stinespring.circuits.exact.signed_state import SCHMIDT, real_state
from stinespring.compiler.dynamic.program import without_useless_resets
from stinespring.compiler.memory.phases import fitted_phases
from stinespring.compiler.memory.tensors import (
    MemoryTensors,
    exact_tensors,
    hidden_tensors,
    qubits_for,
    truncated_tensors,
)
from stinespring.compiler.options import Codes
from stinespring.compiler.texts.draft import Draft
from stinespring.compiler.texts.encode import token_register
from stinespring.compiler.texts.merge import States, causal_states
from stinespring.compiler.texts.operations import Place
from stinespring.compiler.texts.passes import specialised
from stinespring.errors import InputError, TooLargeError
from stinespring.models.texts.claims import MemoryClaim
from stinespring.models.texts.law import MOST_TEXTS
from stinespring.models.texts.memory import reachable_texts
from stinespring.readings import UNUSED, ComplexArray, FloatArray, Register

__all__ = ["QuantumMemory", "quantum_memory"]

MOST_WIRES = 10  # of a step: memory, token and record
MOST_QUBITS = 6  # of a memory: isometries on more take minutes
ROUNDING = 1e-12  # of a computed TVD


@dataclass(frozen=True, eq=False)
class QuantumMemory:
    """A program whose memory holds quantum states.

    Attributes:
        flow: what is run.
        registers: tokens, the memory and records.
        tensors: what the memory does.
        classical: causal states between the steps.
        claim: what is realised where that is not the law itself.
        bound: on the TVD.
    """

    flow: Flow
    registers: tuple[Register, ...]
    tensors: MemoryTensors
    classical: int
    claim: MemoryClaim | None
    bound: float

    @property
    def reason(self) -> str:
        """What was done, one line."""
        states, qubits = max(self.tensors.bonds, default=1), self.tensors.qubits
        phases = " with phases" if any(np.iscomplexobj(tensor) for tensor in self.tensors.steps) else ""
        return (
            f"a memory of {states} quantum states{phases} on {qubits} qubit(s), where {self.classical} causal states take "
            f"{qubits_for(self.classical)}; certified TVD {self.tensors.certified:.3g}"
        )


def quantum_memory(draft: Draft, *, reuse: bool) -> QuantumMemory:
    """Return the program with the fewest memory qubits within the tolerance.

    Args:
        draft: before any pass. Laws of texts that may end are not truncated: something might follow a stop token then.
        reuse: measure every token at once and use its qubits again.

    Raises:
        InputError: a memory of quantum states is not possible for what is asked.
        TooLargeError: the memory would take too many qubits.
    """
    require_chain(draft)
    laws = [channel.laws[-1] for channel in specialised(draft)]
    states = causal_states(laws)
    ends = any(law.probabilities[:, draft.model.vacuum :].any() for law in laws)
    tensors, distance = _chosen(states, 0.0 if ends else draft.options.tolerance, fitted=draft.options.effort != 0)
    if tensors.qubits > MOST_QUBITS:
        raise TooLargeError(
            "the memory takes too many qubits",
            got=f"{tensors.qubits} qubits for {max(tensors.bonds)} quantum states",
            expected=f"at most {MOST_QUBITS}",
            todo="give a --tolerance, or use --memory classical",
        )
    codes: Codes = "binary" if draft.coding == "binary" else "free"
    tokens = [token_register(law, draft.model.d, codes) for law in laws]
    require_narrow(tensors, tokens)
    bound = 0.0 if tensors.fidelity == 1.0 else min(1.0, distance + ROUNDING)
    claim = None if not bound else MemoryClaim(tuple(tensor[:, :, 0, :] for tensor in tensors.steps))
    flow, others = _written(tensors, tokens, reuse=reuse, fitted=draft.options.effort != 0)
    classical = max((len(each.laws) for each in states[1:]), default=1)
    return QuantumMemory(flow, (*tokens, *others), tensors, classical, claim, bound)


def require_narrow(tensors: MemoryTensors, tokens: Sequence[Register]) -> None:
    """Refuse steps whose matrices are too wide: w wires take about ``4^w`` gates, and minutes from eleven on.

    Raises:
        TooLargeError: before any is made.
    """
    records = [qubits_for(tensor.shape[2]) for tensor in tensors.steps]
    widest = max(tensors.qubits + token.size + record for token, record in zip(tokens, records, strict=True))
    if widest > MOST_WIRES:
        raise TooLargeError(
            "a step on a memory of quantum states is too wide",
            got=f"{widest} qubits of memory and token, about {4**widest:,} gates",
            expected=f"at most {MOST_WIRES} qubits",
            todo="give a --tolerance, or use --memory classical",
        )


def require_chain(draft: Draft) -> None:
    """Refuse what a memory of quantum states cannot do.

    Raises:
        InputError: with the reason.
    """
    options = draft.options
    wrong = {
        "--input quantum": draft.quantum,
        f"--extension {options.extension}": options.extension != "token",
        f"--codes {options.codes}": options.codes in ("prefix", "texts"),
        "--phases exact": draft.promise == "exact",
        f"--feed-forward {options.feed_forward}": options.feed_forward == "all",
    }
    for got, found in wrong.items():
        if found:
            raise InputError(
                "a memory of quantum states carries the tokens after a known prompt, one code a token, without conditions",
                got=f"--memory quantum {got}",
                expected="a known prompt, --extension token, --codes free or binary, --phases free",
                todo="use --memory auto",
            )


def _chosen(states: Sequence[States], tolerance: float, *, fitted: bool) -> tuple[MemoryTensors, float]:
    """Return the memory on the fewest qubits within the tolerance, and a bound on its TVD; without phases where these do."""
    exact = exact_tensors(states)
    hidden = hidden_tensors(states) if exact.qubits > 1 else None
    if hidden is not None:
        return hidden, 0.0
    best = exact, 0.0
    for qubits in range(exact.qubits - 1, -1, -1) if tolerance > 0 else ():
        made = truncated_tensors(exact, 1 << qubits)
        distance = _distance(states, made)
        phases = fitted_phases(states, 1 << qubits) if fitted and distance > tolerance - ROUNDING else None
        if phases is not None:
            made = truncated_tensors(exact_tensors(states, phases), 1 << qubits)
            distance = _distance(states, made)
        if distance > tolerance - ROUNDING:
            break
        best = made, distance
    return best


def _distance(states: Sequence[States], tensors: MemoryTensors) -> float:
    """Return the TVD of what is realised where texts can be listed, else what the fidelity certifies."""
    listed = reachable_texts([each.laws for each in states], [each.after for each in states], MOST_TEXTS)
    if listed is None:
        return tensors.certified
    texts, probabilities = listed
    made = MemoryClaim(tuple(tensor[:, :, 0, :] for tensor in tensors.steps)).probabilities(texts)
    missing = max(0.0, 1.0 - float(made.sum()))
    return (float(abs(made - probabilities).sum()) + missing) / 2


def _written(tensors: MemoryTensors, tokens: Sequence[Register], *, reuse: bool, fitted: bool) -> tuple[Flow, list[Register]]:
    """Return the program and the registers that are not read."""
    memory = tensors.qubits
    records = [qubits_for(tensor.shape[2]) for tensor in tensors.steps]
    widths = [token.size for token in tokens]
    if reuse:
        quantum = [("m", memory), ("q", max(widths)), ("a", max(records))]
    else:
        quantum = [("m", memory), *((f"q_{token.name}", token.size) for token in tokens)]
        quantum += [(Place("ancilla", step + 1).name, record) for step, record in enumerate(records)]
    quantum = [(name, size) for name, size in quantum if size]
    classical = tuple((token.name, token.size) for token in tokens)
    empty = Flow(tuple(quantum), classical, ())
    out: list[Instruction] = []
    names = {name for name, _ in quantum}
    bonds = [1, *tensors.bonds, 1]
    for step, (token, (before, after)) in enumerate(zip(tokens, pairwise(bonds), strict=True)):
        wires = list(empty.place("m")[: max(qubits_for(before), qubits_for(after))]) if memory else []
        own = empty.place("q" if reuse else f"q_{token.name}")[: token.size]
        record = "a" if reuse else Place("ancilla", step + 1).name
        behind = empty.place(record)[: records[step]] if record in names else ()
        local = [*wires, *own, *behind]
        out += relabel(_step_gates(tensors.steps[step], token, len(wires), fitted=fitted), local)
        if reuse:
            out += [Measure(own, token.name, tuple(range(token.size))), Reset((*own, *behind))]
    if not reuse:
        for token in tokens:
            out.append(Measure(empty.place(f"q_{token.name}"), token.name, tuple(range(token.size))))
    others = [Register("m", "memory", tuple(range(1 << memory)))] if memory else []
    if not reuse:
        others += [Place("ancilla", step + 1).register(range(1 << size)) for step, size in enumerate(records) if size]
    return Flow(tuple(quantum), classical, tuple(without_useless_resets(out))), others


def _step_gates(tensor: FloatArray | ComplexArray, token: Register, memory: int, *, fitted: bool) -> list[Gate]:
    """Return gates of one step on memory, token and record wires, of which all but the memory's inputs start in |0>."""
    before, _, record, after = tensor.shape
    inputs, behind = qubits_for(before), qubits_for(record)
    width = memory + token.size + behind
    whole = np.zeros((1 << behind, 1 << token.size, 1 << memory, before), dtype=tensor.dtype)
    for code, symbol in enumerate(token.symbols):
        if symbol != UNUSED and symbol < tensor.shape[1]:
            whole[:record, code, :after] = tensor[:, symbol].transpose(1, 2, 0)
    columns = whole.reshape(1 << width, before)
    if columns.imag.any():
        return closed_isometry(complete(np.asarray(columns, dtype=np.complex128))[:, : 1 << inputs])
    return _real_isometry_gates(_filled(columns.real), inputs, width, fitted=fitted)


def _filled(columns: FloatArray) -> FloatArray:
    """Return an orthogonal matrix of determinant 1 (where a column is free) that begins with some columns."""
    rows, have = columns.shape
    rest = np.linalg.svd(columns)[0][:, have:]
    whole = np.concatenate([columns, rest], axis=1)
    if have < rows and np.linalg.det(whole) < 0:
        whole[:, -1] *= -1
    return whole


def _real_isometry_gates(matrix: FloatArray, inputs: int, width: int, *, fitted: bool) -> list[Gate]:
    """Return gates of the first ``2^inputs`` columns of an orthogonal matrix; the other wires start in |0>."""
    wires = range(width)
    found: list[list[Gate]] = []
    if not inputs and width in SCHMIDT:
        found.append(list(real_state(matrix[:, 0], wires, fitted=fitted)))
    elif width > 2:
        found.append(real_gates(_parts(Operator(matrix, tuple(wires)), width - inputs), width, fitted=fitted))
    if width <= 3:
        found.append(closed_isometry(matrix[:, : 1 << inputs].astype(np.complex128)))
    return min(found, key=count_two_qubit)


def _parts(operator: Operator, fresh: int) -> list[Part]:
    """Return an orthogonal matrix whose last wires start in |0> in parts, one of these wires after the other."""
    if not fresh:
        return [operator]
    first, *rest = split_isometry(operator)
    if not rest or not isinstance(first, Operator):
        return [first, *rest]
    return [*_parts(first, fresh - 1), *rest]
