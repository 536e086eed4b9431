# SPDX-License-Identifier: Apache-2.0
"""Circuits of conditional laws that keep the promise ``phases: free``: the cheapest of several constructions.

Only the law counts: a context comes out as it went in, and measuring the outcome gives ``codes[t]`` with probability
``P(t|x)``. Phases are free, the codes of outcomes may be free, rows that cannot occur are free, and qubits that are traced
out may be left in any state. Each construction uses some of these freedoms; the fewest two-qubit gates win.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from stinespring.circuits.core.gates import Gate, count_two_qubit
from stinespring.circuits.core.realised_law import realised_law
from stinespring.circuits.exact.multiplexer import law_gates
from stinespring.circuits.laws.attended_position import attended_position, separate_sequences
from stinespring.circuits.laws.attention_law import AttentionLaw, attention_law
from stinespring.circuits.laws.bit_by_bit import balanced_codes, bit_gates, bit_sequences
from stinespring.circuits.laws.selection_fit import coupled_sequences
from stinespring.circuits.search.joint_search import joint_circuit
from stinespring.readings import BoolArray, FloatArray, IntArray

__all__ = ["GROUPED", "JOINT_BITS", "FreeCircuit", "counting_bound", "free_law_circuit"]

ACCEPTED = 1e-9  # largest error of a probability in a circuit that was found numerically
SIMULATED_WIRES = 17
SEARCHED_TOP = 12  # outcome bits beyond which the two or three gates that a search of the top saves do not matter
JOINT_BITS = 4  # the highest bits of a preparation that are searched jointly
GROUPED = 9  # outcome bits up to which the lower ones are searched two at a time, given the higher ones
SMALL_LAW = 32  # entries (twice as many for one bit) up to which more of the effort goes to sequences bit by bit
BITWISE_SHARES = (0.25, 0.1)  # of the effort that goes there for small and for larger laws; the rest goes to a joint search
GOOD_SHARE = 0.2  # of the rest, if the law of one bit has a half form already: only laws with structure take less
NATURAL_BITS = 8  # with free codes the natural one is tried as well up to so many outcome bits
UNUSED_MASS = 1e-20  # probability that a code without meaning may get: amplitudes of 1e-10
ROUNDING = 1e-14  # probabilities below this are zero: each was a difference of numbers near one


@dataclass(frozen=True)
class FreeCircuit:
    """A circuit of a conditional law, phases free.

    Attributes:
        gates: on wires 0..M-1 for the context (bit i of its index on wire i), M..M+k-1 for the outcome, then ancillas.
        ancillas: number of qubits above, in |0> before and traced out after.
        codes: the bit pattern that stands for each outcome, shape (2^k,).
        method: the construction that won.
    """

    gates: tuple[Gate, ...]
    ancillas: int
    codes: IntArray
    method: str

    @property
    def cost(self) -> int:
        """Number of two-qubit gates."""
        return count_two_qubit(self.gates)


@dataclass(frozen=True)
class LawTask:
    """A checked law and which freedoms there are.

    Attributes:
        law: shape (2^M, 2^k); rows that do not matter are zero.
        care: rows that matter, shape (2^M,).
        token_bits: wires of a context token, if the law may be one of attention.
        free_codes: whether outcomes may be renamed.
        ancillas: whether qubits may be left in any state.
        seed: seed of the searches.
    """

    law: FloatArray
    care: BoolArray
    token_bits: int | None
    free_codes: bool
    ancillas: bool
    seed: int

    @property
    def width(self) -> int:
        """Number of context wires M."""
        return len(self.law).bit_length() - 1

    @property
    def size(self) -> int:
        """Number of outcome wires k."""
        return len(self.law[0]).bit_length() - 1

    def circuit(self, gates: list[Gate], method: str, *, codes: IntArray | None = None, ancillas: int = 0) -> FreeCircuit:
        """Return the gates as a circuit, by default with the codes unchanged."""
        return FreeCircuit(tuple(gates), ancillas, np.arange(self.law.shape[1]) if codes is None else codes, method)


def counting_bound(law: FloatArray, care: BoolArray) -> int:
    """Return the fewest two-qubit gates of a generic law without ancillas, by counting parameters.

    A CZ brings four angles at most and every wire one: ``4 N + M + k >= D`` free probabilities, so
    ``N >= (D - M - k) / 4``. Laws with structure may need fewer.

    Args:
        law: shape (2^M, 2^k).
        care: rows that matter, shape (2^M,).
    """
    free = int(np.maximum((law[care] > ROUNDING).sum(axis=1) - 1, 0).sum())
    wires = law.size.bit_length() - 1
    return max(0, -((wires - free) // 4))


def free_law_circuit(
    law: FloatArray,
    *,
    token_bits: int | None = None,
    care: BoolArray | None = None,
    free_codes: bool = True,
    ancillas: bool = True,
    effort: float = 0.0,
    seed: int = 0,
) -> FreeCircuit:
    """Return the cheapest circuit found for ``P(t|x)``, phases free.

    Args:
        law: shape (2^M, 2^k); rows of contexts that matter sum to one.
        token_bits: wires of one context token, if the context is a text whose tokens may be copied to the outcome.
        care: contexts that matter, shape (2^M,); by default those whose row is not zero.
        free_codes: whether another bit pattern may stand for each outcome.
        ancillas: whether ancilla qubits may be used.
        effort: about the seconds of numerical search, counted in operations, so that results can be repeated; 0 takes closed
            forms only.
        seed: seed of the search.

    Returns:
        Never more two-qubit gates than ``2^M (2^k - 1) - k``.

    Raises:
        ValueError: if a shape is wrong, or a row that matters is no probability vector.

    Example:
        >>> circuit = free_law_circuit(np.array([[0.5, 0.5], [0.3, 0.7], [0.4, 0.6], [0.6, 0.4]]))
        >>> circuit.cost, circuit.method
        (2, 'half form')
    """
    table, rows = checked(law, care)
    task = LawTask(table, rows, token_bits, free_codes, ancillas, seed)
    best = gray_order(task)
    for candidate in candidates(task, effort):
        better = min(best, candidate, key=lambda circuit: (circuit.cost, circuit.ancillas))
        if better is candidate and leaves_unused(task, candidate):
            best = candidate
    return best


def leaves_unused(task: LawTask, circuit: FreeCircuit) -> bool:
    """Return whether outcomes that no context has get no more than rounding: they stand for nothing that could be decoded."""
    unused = ~np.any(task.law[task.care] > 0, axis=0)
    if not unused.any() or task.width + task.size + circuit.ancillas > SIMULATED_WIRES:
        return True
    found = realised_law(circuit.gates, width=task.width, size=task.size, ancillas=circuit.ancillas)
    return float(found[task.care][:, circuit.codes[unused]].max(initial=0.0)) <= UNUSED_MASS


def checked(law: FloatArray, care: BoolArray | None) -> tuple[FloatArray, BoolArray]:
    """Return the law with rows that do not matter set to zero, and the flags of those that do."""
    table = np.array(law, dtype=np.float64)
    powers = [size > 0 and size & (size - 1) == 0 for size in table.shape]
    if table.ndim != 2 or not all(powers):
        raise ValueError(f"the law has shape {table.shape}; expected (2^M, 2^k): pad contexts and outcomes with zeros")
    rows = np.any(table != 0, axis=1) if care is None else np.array(care, dtype=np.bool_)
    if rows.shape != table.shape[:1]:
        raise ValueError(f"care has shape {rows.shape}; expected {table.shape[:1]}, one flag for each context")
    table[~rows] = 0.0
    total = table.sum(axis=1)
    if not np.all(np.isfinite(table)) or np.any(table < -ROUNDING) or np.any(abs(total[rows] - 1) > ACCEPTED):
        raise ValueError("a row of the law is no probability vector; give non-negative entries that sum to one")
    table[table < ROUNDING] = 0.0
    table[rows] /= table[rows].sum(axis=1, keepdims=True)
    return table, rows


def candidates(task: LawTask, effort: float) -> Iterator[FreeCircuit]:
    """Yield circuits by every construction that applies; the effort goes to the one that is likely to win."""
    law = None
    if task.ancillas and task.token_bits is not None and task.size > 1:
        law = attention_law(task.law, task.care, token_bits=task.token_bits)
    best = None
    if law is not None:
        for found in by_attention(task, law, effort):
            yield found
            best = min(best or found, found, key=lambda circuit: circuit.cost)
        if best is not None and best.cost < half_forms(task):
            return
    for codes in code_choices(task, effort):
        found = by_bits(task, codes)
        yield found
        best = min(best or found, found, key=lambda circuit: circuit.cost)
        if found.cost <= half_forms(task):
            break
    if best is None or effort <= 0 or law is not None or best.cost <= counting_bound(task.law, task.care):
        return
    if task.width == 0 and task.size > 1:
        if JOINT_BITS < task.size <= GROUPED:
            yield from by_groups(task, best, effort)
        elif task.size <= SEARCHED_TOP:
            yield from by_top_bits(task, best, effort)
        return
    share = effort * BITWISE_SHARES[task.law.size > SMALL_LAW << (task.size == 1)]
    found = by_bits(task, best.codes, share)
    yield found
    if task.width > 0:
        left = (effort - share) * (GOOD_SHARE if task.size == 1 and found.cost <= half_forms(task) else 1.0)
        yield from jointly(task, best.codes, limit=min(best.cost, found.cost), effort=left)


def code_choices(task: LawTask, effort: float) -> Iterator[IntArray]:
    """Yield the codes that are worth a closed form: balanced ones if codes are free, and the natural ones."""
    if task.free_codes and task.size > 1:
        yield balanced_codes(task.law, enumerate_all=False)
        if effort > 0:
            yield balanced_codes(task.law)
    if not task.free_codes or task.size <= NATURAL_BITS:
        yield np.arange(task.law.shape[1])


def reordered(law: FloatArray, codes: IntArray) -> FloatArray:
    """Return the law over codes instead of outcomes."""
    result = np.empty_like(law)
    result[:, codes] = law
    return result


def verified(task: LawTask, circuit: FreeCircuit) -> Iterator[FreeCircuit]:
    """Yield a circuit that was found numerically if its simulated law is the task's within :data:`ACCEPTED`."""
    if task.width + task.size + circuit.ancillas <= SIMULATED_WIRES:
        law = realised_law(circuit.gates, width=task.width, size=task.size, ancillas=circuit.ancillas)
        if abs(law[:, circuit.codes] - task.law)[task.care].max(initial=0.0) < ACCEPTED:
            yield circuit


def by_attention(task: LawTask, law: AttentionLaw, effort: float) -> Iterator[FreeCircuit]:
    """Yield the law through the attended position, closed form first."""
    found = attended_position(law, separate_sequences(law), free_codes=task.free_codes)
    yield task.circuit(found.gates, "attended position", codes=found.codes, ancillas=found.ancillas)
    if effort <= 0:
        return
    share = effort if law.tokens < 3 else effort / 2
    separate = separate_sequences(law, effort=share, seed=task.seed)
    limit = sum(sequence.cost for sequence in separate)
    coupled = coupled_sequences(law, limit=limit, effort=effort - share, seed=task.seed)
    for sequences in [separate] if coupled is None else [separate, coupled]:
        found = attended_position(law, sequences, free_codes=task.free_codes)
        circuit = task.circuit(found.gates, "attended position", codes=found.codes, ancillas=found.ancillas)
        yield from verified(task, circuit)


def by_top_bits(task: LawTask, best: FreeCircuit, effort: float) -> Iterator[FreeCircuit]:
    """Yield a preparation whose highest bits are made jointly, with codes of their own, and the others bit by bit."""
    top = min(task.size, JOINT_BITS)
    if not task.free_codes and top < task.size:
        return
    low = task.size - top
    law = reordered(task.law, best.codes)
    coarse = replace(task, law=law.reshape(1, 1 << top, -1).sum(axis=2))
    limit = count_two_qubit(bit_gates(bit_sequences(coarse.law), width=0))
    for found in jointly(coarse, np.arange(1 << top), limit=limit, effort=effort):
        place = ((found.codes[:, None] << low) + np.arange(1 << low)).ravel()
        gates = [Gate(g.name, tuple([q + low for q in g.qubits]), g.params) for g in found.gates]
        gates += bit_gates(bit_sequences(reordered(law, place))[top:], width=0, made=top)
        yield task.circuit(gates, "joint search", codes=place[best.codes])


def by_groups(task: LawTask, best: FreeCircuit, effort: float) -> Iterator[FreeCircuit]:
    """Yield a preparation made in groups of bits: the highest four (or three) jointly, then two at a time given all above.

    A law with a context takes about half as many CZ jointly as bit by bit, so that not only the highest bits gain.
    """
    top = JOINT_BITS if task.size % 2 == 0 else JOINT_BITS - 1
    work = [1 << top, *((1 << made) * 3 for made in range(top, task.size, 2))]
    law = reordered(task.law, best.codes)
    coarse = replace(task, law=law.reshape(1, 1 << top, -1).sum(axis=2), free_codes=False)
    limit = count_two_qubit(bit_gates(bit_sequences(coarse.law), width=0))
    found = min(
        jointly(coarse, np.arange(1 << top), limit=limit, effort=effort * work[0] / sum(work)), key=cost_of, default=None
    )
    upper = by_bits(coarse, np.arange(1 << top)) if found is None else found
    gates = [Gate(g.name, tuple([q + task.size - top for q in g.qubits]), g.params) for g in upper.gates]
    for made, share in zip(range(top, task.size, 2), work[1:], strict=True):
        masses = law.reshape(1 << made, 4, -1).sum(axis=2)
        total = masses.sum(axis=1, keepdims=True)
        given = np.divide(masses, total, out=np.zeros_like(masses), where=total > 0)
        part = free_law_circuit(
            given, care=total[:, 0] > 0, free_codes=False, ancillas=False, effort=effort * share / sum(work), seed=task.seed
        )
        low = task.size - made - 2
        wires = [*range(low + 2, task.size), low, low + 1]
        gates += [Gate(g.name, tuple([wires[q] for q in g.qubits]), g.params) for g in part.gates]
    yield from verified(task, task.circuit(gates, "joint search", codes=best.codes))


def cost_of(circuit: FreeCircuit) -> int:
    """Return the number of two-qubit gates."""
    return circuit.cost


def jointly(task: LawTask, codes: IntArray, *, limit: int, effort: float) -> Iterator[FreeCircuit]:
    """Yield a circuit of fewer than ``limit`` two-qubit gates over all outcome bits at once; codes are kept for contexts."""
    found = joint_circuit(
        reordered(task.law, codes),
        task.care,
        limit=limit,
        bound=counting_bound(task.law, task.care),
        free_codes=task.free_codes,
        effort=effort,
        seed=task.seed,
    )
    if found is not None:
        gates, moved = found
        yield from verified(task, task.circuit(gates, "joint search", codes=moved[codes]))


def half_forms(task: LawTask) -> int:
    """Return the two-qubit gates if the half form with one gamma fits every bit."""
    return sum(1 << (n - 1) for n in range(max(1, task.width), task.width + task.size))


def by_bits(task: LawTask, codes: IntArray, effort: float = 0.0) -> FreeCircuit:
    """Return the law bit by bit under given codes."""
    sequences = bit_sequences(reordered(task.law, codes), effort=effort, seed=task.seed)
    method = "sequence search" if effort > 0 else "half form"
    return task.circuit(bit_gates(sequences, width=task.width), method, codes=codes)


def gray_order(task: LawTask) -> FreeCircuit:
    """Return the exact isometry: uniformly controlled rotations in Gray order, phases included."""
    return task.circuit(list(law_gates(task.law, range(task.width + task.size))), "Gray order")
