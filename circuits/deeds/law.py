# SPDX-License-Identifier: Apache-2.0
"""The exact law of a program's bits from its account, by following every branch: for programs on few qubits.

Where two representations differ in their gates, as before and after the passes of a device, this law says whether they are one
program.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from stinespring.circuits.deeds.account import Account, Deed, resolved
from stinespring.readings import ComplexArray

__all__ = ["MOST_QUBITS", "law_of", "on_used_qubits", "required_law", "skeleton"]

MOST_QUBITS = 10
MOST_WORK = 2.0**26  # amplitudes that are touched, all deeds together: about a second
NOTHING = 1e-28  # squared norm of a branch that does not occur

Branches = dict[int, ComplexArray]  # bits as a number -> states, one a column


def on_used_qubits(account: Account) -> Account:
    """Return an account on the qubits that something acts on, in their order."""
    deeds = resolved(account.deeds, set(), False)
    used = sorted({qubit for deed in deeds for qubit in deed.qubits})
    number = {qubit: i for i, qubit in enumerate(used)}

    def moved(deed: Deed) -> Deed:
        inner = (tuple(moved(d) for d in part) for part in (deed.then, deed.otherwise))
        then, otherwise = inner
        return deed._replace(qubits=tuple([number[q] for q in deed.qubits]), then=then, otherwise=otherwise)

    return replace(account, quantum=(("q", len(used)),), deeds=tuple(moved(deed) for deed in deeds))


def law_of(account: Account) -> dict[int, float] | None:
    """Return the probability of every value of all bits (bit 0 least significant); None where that would take too long.

    All qubits start in |0>. Measurements after which neither their qubit nor their bit is used again are read off at the end.
    """
    account = on_used_qubits(account)
    width = sum(size for _, size in account.quantum)
    if width > MOST_QUBITS:
        return None
    last = final_measurements(account.deeds)
    states: Branches = {0: np.eye(1 << width, 1, dtype=np.complex128)}
    work = 0.0
    for number, deed in enumerate(account.deeds):
        if number in last:
            continue
        if deed.kind == "other":
            return None
        work += sum(state.size for state in states.values())
        if work > MOST_WORK:
            return None
        states = done(states, deed)
    return read_off(states, {account.deeds[n].qubits[0]: account.deeds[n].bits[0] for n in last}, width)


def final_measurements(deeds: Sequence[Deed]) -> set[int]:
    """Return the numbers of the measurements that can be read off at the end."""
    busy: set[tuple[str, int]] = set()
    result = set()
    for number in range(len(deeds) - 1, -1, -1):
        deed = deeds[number]
        needs = {("q", q) for q in deed.qubits} | {("c", b) for d in (deed, *deed.then, *deed.otherwise) for b in d.bits}
        if deed.kind == "measure" and not needs & busy:
            result.add(number)
        busy |= needs
    return result


def done(states: Branches, deed: Deed) -> Branches:
    """Return the branches after a deed."""
    if deed.kind == "gate":
        assert deed.matrix is not None
        matrix = deed.matrix
        return {bits: acted(state, matrix, deed.qubits) for bits, state in states.items()}
    if deed.kind == "if":
        result: Branches = {}
        wanted = {bit: deed.value >> i & 1 for i, bit in enumerate(deed.bits)}
        mask, pattern = sum(1 << bit for bit in wanted), sum(value << bit for bit, value in wanted.items())
        never = deed.value >> len(deed.bits) != 0
        for bits, state in states.items():
            met = bits & mask == pattern and not never
            part: Branches = {bits: state}
            for inner in deed.then if met else deed.otherwise:
                part = done(part, inner)
            joined(result, part.items())
        return result
    result = {}
    for bits, state in states.items():
        for outcome in (0, 1):
            half = state.reshape(-1, 2, 1 << deed.qubits[0], state.shape[1])[:, outcome]
            if (np.abs(half) ** 2).sum() < NOTHING:
                continue
            after = np.zeros_like(state)
            kept = outcome if deed.kind == "measure" else 0
            after.reshape(-1, 2, 1 << deed.qubits[0], state.shape[1])[:, kept] = half
            word = bits if deed.kind != "measure" else bits & ~(1 << deed.bits[0]) | outcome << deed.bits[0]
            joined(result, [(word, after)])
    return result


def joined(result: Branches, parts: Iterable[tuple[int, ComplexArray]]) -> None:
    """Add branches to those with the same bits; more columns than rows are replaced by as many that are the same mixture."""
    for bits, state in parts:
        both = np.concatenate([result[bits], state], axis=1) if bits in result else state
        if both.shape[1] > both.shape[0]:
            both = np.asarray(np.linalg.qr(both.conj().T, mode="r")).conj().T
        result[bits] = both


def acted(state: ComplexArray, matrix: ComplexArray, qubits: Sequence[int]) -> ComplexArray:
    """Return states, shape (2^n, columns), after a matrix on some qubits, the first one least significant."""
    width = state.shape[0].bit_length() - 1
    axes = [width - 1 - qubit for qubit in reversed(qubits)]
    shape = (2,) * width + (state.shape[1],)
    moved = np.moveaxis(state.reshape(shape), axes, range(len(axes)))
    after = (matrix @ moved.reshape(len(matrix), -1)).reshape(moved.shape)
    return np.ascontiguousarray(np.moveaxis(after, range(len(axes)), axes)).reshape(state.shape)


def read_off(states: Branches, measured: dict[int, int], width: int) -> dict[int, float]:
    """Return the law from the final branches and what is measured at the end: qubit -> bit."""
    numbers = np.arange(1 << width)
    codes = sum((numbers >> qubit & 1) << i for i, qubit in enumerate(measured)) + 0 * numbers
    law: dict[int, float] = {}
    clear = ~sum(1 << bit for bit in measured.values())
    for bits, state in states.items():
        weights = np.bincount(codes, (np.abs(state) ** 2).sum(axis=1), minlength=1 << len(measured))
        for code in np.flatnonzero(weights > NOTHING).tolist():
            word = bits & clear | sum((code >> i & 1) << bit for i, bit in enumerate(measured.values()))
            law[word] = law.get(word, 0.0) + float(weights[code])
    return law


def skeleton(account: Account) -> dict[int, list[tuple[str, tuple[int, ...], int]]]:
    """Return for each bit, in order, what writes it and what tests it: all that may not change whatever the gates are."""
    found: dict[int, list[tuple[str, tuple[int, ...], int]]] = {}
    for deed in resolved(account.deeds, set(), False):
        for bit in deed.bits:
            found.setdefault(bit, []).append((deed.kind, deed.bits, deed.value))
    return found


def required_law(expected: Account, found: Account, tolerance: float = 1e-8) -> str | None:
    """Return in words how programs differ whose gates may be others; None where nothing was found.

    Programs on at most ten qubits have their laws compared; of others the measurements of every bit, in number.
    """
    laws = [law_of(expected), law_of(found)]
    if laws[0] is not None and laws[1] is not None:
        one, other = laws[0], laws[1]
        distance = sum(abs(one.get(bits, 0.0) - other.get(bits, 0.0)) for bits in {*one, *other}) / 2
        return f"the law of its bits is off by a TVD of {distance:.3g}" if distance > tolerance else None
    before, after = (
        {bit: [row[0] for row in rows if row[0] == "measure"] for bit, rows in skeleton(account).items()}
        for account in (expected, found)
    )
    wrong = sorted(bit for bit in before if before[bit] != after.get(bit, []))
    return f"bits {', '.join(map(str, wrong[:8]))} are measured another number of times" if wrong else None
