# SPDX-License-Identifier: Apache-2.0
"""What a program does, whatever it is written in: gates as matrices, measurements, resets and conditions, and where two differ.

One program exists as a flow, as a Qiskit circuit, as OpenQASM and as what a simulator takes. Each has a reader that shares
nothing with what wrote it; their accounts must agree, or something was dropped or changed on the way.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import pi
from typing import Literal, NamedTuple

import numpy as np

from stinespring.errors import DefectError
from stinespring.readings import ComplexArray

__all__ = ["MOST_DEEDS", "Account", "Deed", "difference", "fused", "require_same", "slot_angle"]

MOST_DEEDS = 5_000  # of a program that is compared: half a second
EXACT = 1e-12  # entries of matrices
TINY = 1e-15  # differences of rounding
PHASE = 1e-9  # of all gates together

Registers = tuple[tuple[str, int], ...]


class Deed(NamedTuple):
    """One thing that a program does.

    Attributes:
        kind: what it is; ``other`` is a gate that has no matrix.
        qubits: numbers; of a condition all that its branches touch.
        bits: measured into, or tested with the first one least significant.
        matrix: of a gate, the first qubit least significant.
        value: that the tested bits must have.
        then: what a condition guards.
        otherwise: what is done where it is not met.
        words: length and unit of a delay, name and angles of a gate without a matrix.
    """

    kind: Literal["gate", "measure", "reset", "if", "delay", "barrier", "other"]
    qubits: tuple[int, ...]
    bits: tuple[int, ...] = ()
    matrix: ComplexArray | None = None
    value: int = 0
    then: tuple[Deed, ...] = ()
    otherwise: tuple[Deed, ...] = ()
    words: str = ""

    def told(self) -> str:
        """Return it in words."""
        on = f"qubit {', '.join(map(str, self.qubits))}"
        if self.kind == "measure":
            return f"measure {on} into bit {self.bits[0]}"
        if self.kind == "if":
            return f"if bits {', '.join(map(str, self.bits))} are {self.value:0{len(self.bits)}b}: {len(self.then)} on {on}"
        return f"{self.kind} {self.words}{' ' * bool(self.words)}on {on}"


@dataclass(frozen=True, eq=False)
class Account:
    """What one representation of a program says that is done.

    Attributes:
        quantum: names and sizes; qubits are numbered through them.
        classical: names and sizes; bits are numbered through them, all 0 at the start.
        deeds: in order.
        phase: the global phase as a factor, beside those of the gates; None where it is left open.
        slots: free angles; number k stands in the matrices as :func:`slot_angle` of k.
    """

    quantum: Registers
    classical: Registers
    deeds: tuple[Deed, ...]
    phase: complex | None = 1.0
    slots: int = 0


def slot_angle(number: int) -> float:
    """Return the value that stands for a free angle: unlike all others, and unlike its own sums and multiples."""
    return float(((number + 1) * 0.6180339887498949 % 1.0 - 0.5) * 2 * pi)


def difference(
    expected: Account, found: Account, *, registers: bool = True, idle: bool = True, phase: bool = True
) -> str | None:
    """Return in words where two accounts differ first; None where they say the same.

    What acts on different qubits and bits may stand in any order. A bit that was never measured is 0.

    Args:
        expected: what should be done.
        found: what is done.
        registers: whether names and sizes of registers must agree.
        idle: whether delays and barriers count.
        phase: whether the global phase counts.
    """
    if registers:
        for kind, wanted, got in (
            ("quantum", expected.quantum, found.quantum),
            ("classical", expected.classical, found.classical),
        ):
            sized = [tuple((name, size) for name, size in some if size) for some in (wanted, got)]
            if sized[0] != sized[1]:
                return f"{kind} registers: {named(sized[0])} became {named(sized[1])}"
    if expected.slots != found.slots:
        return f"{expected.slots} free angles became {found.slots}"
    parts = [resolved(account.deeds, set(), idle) for account in (expected, found)]
    where, turned = mismatch(*parts)
    if where is not None or not phase or expected.phase is None or found.phase is None:
        return where
    turned *= found.phase / expected.phase
    return None if abs(turned - 1) < PHASE else f"the global phase is off by {np.angle(turned):.3g}"


def require_same(expected: Account, found: Account, what: str, **counts: bool) -> None:
    """Refuse to go on with a representation that differs.

    Args:
        expected: what should be done.
        found: what is done.
        what: the representation, for the message.
        **counts: what must agree, as for :func:`difference`.

    Raises:
        DefectError: the accounts differ; the message says where.
    """
    where = difference(expected, found, **counts)
    if where is not None:
        raise DefectError(f"{what} is another program: {where}")


def named(registers: Sequence[tuple[str, int]]) -> str:
    return " ".join(f"{name}[{size}]" for name, size in registers) or "none"


def resolved(deeds: Sequence[Deed], known: set[int], idle: bool) -> list[Deed]:
    """Return the deeds with tests of bits that were measured only; ``known`` grows by those that are.

    What is never done, and conditions without anything to do, are left out; what is always done stands alone; an ``else`` of
    one bit is a condition of its own.
    """
    result: list[Deed] = []
    for deed in deeds:
        if deed.kind == "measure":
            known.update(deed.bits)
        if deed.kind in ("delay", "barrier") and not idle:
            continue
        if deed.kind != "if":
            result.append(deed)
            continue
        seen = set(known)
        then, otherwise = (tuple(resolved(part, known, idle)) for part in (deed.then, deed.otherwise))
        tests = sorted((bit, deed.value >> i & 1) for i, bit in enumerate(deed.bits) if bit in seen)
        never = deed.value >> len(deed.bits) or any(deed.value >> i & 1 and bit not in seen for i, bit in enumerate(deed.bits))
        if never or not tests:
            result += otherwise if never else then
            continue
        bits, value = tuple(bit for bit, _ in tests), sum(one << i for i, (_, one) in enumerate(tests))
        branches: list[tuple[int, tuple[Deed, ...], tuple[Deed, ...]]] = [(value, then, otherwise)]
        if len(bits) == 1:
            branches = [(value, then, ()), (1 - value, otherwise, ())]
        for wanted, done, undone in branches:
            if done or undone:
                touched = tuple(sorted({qubit for inner in (*done, *undone) for qubit in inner.qubits}))
                result.append(Deed("if", touched, bits, None, wanted, done, undone))
    return result


def resources(deed: Deed) -> Iterator[tuple[str, int]]:
    """Yield what a deed must not be reordered on."""
    for qubit in deed.qubits:
        yield "q", qubit
    for bit in deed.bits:
        yield "c", bit
    for inner in (*deed.then, *deed.otherwise):
        for bit in inner.bits:
            yield "c", bit


def mismatch(expected: Sequence[Deed], found: Sequence[Deed]) -> tuple[str | None, complex]:
    """Return where deeds differ, in words, and the phase of all that is found relative to what is expected.

    Two sequences are the same up to the order of what is independent if they are the same on every qubit and every bit.
    """
    in_order = same_order(expected, found)
    if in_order is not None:
        return None, in_order
    waiting: dict[tuple[str, int], deque[int]] = {}
    for number, deed in enumerate(expected):
        for resource in set(resources(deed)):
            waiting.setdefault(resource, deque()).append(number)
    turned = 1.0 + 0j
    for number, deed in enumerate(found):
        needs = set(resources(deed))
        heads = {waiting[r][0] if waiting.get(r) else len(expected) for r in needs}
        first = min(heads, default=len(expected))
        if first == len(expected):
            return f"deed {number + 1}, {deed.told()}, is one too many", turned
        if len(heads) > 1 or set(resources(expected[first])) != needs:
            return f"deed {number + 1}: {expected[first].told()} became {deed.told()}", turned
        same, phase = equal(expected[first], deed)
        if not same:
            return f"deed {number + 1}: {expected[first].told()} became {deed.told()}, which differs", turned
        turned *= phase
        for resource in needs:
            waiting[resource].popleft()
    left = min((queue[0] for queue in waiting.values() if queue), default=None)
    return (None if left is None else f"{expected[left].told()} is missing (deed {left + 1})"), turned


def same_order(expected: Sequence[Deed], found: Sequence[Deed]) -> complex | None:
    """Return the phase of what is found relative to what is expected if both are the same one by one, as they mostly are."""
    if len(expected) != len(found):
        return None
    turned = 1.0 + 0j
    for one, other in zip(expected, found, strict=True):
        if one.qubits != other.qubits:
            return None
        same, phase = equal(one, other)
        if not same:
            return None
        turned *= phase
    return turned


def equal(one: Deed, other: Deed) -> tuple[bool, complex]:
    """Return whether two deeds are the same, and the phase of the other's matrix relative to the first's."""
    if one.kind != other.kind:
        return False, 1.0
    if one.kind == "gate":
        if one.qubits == other.qubits:
            assert one.matrix is not None and other.matrix is not None
            return equal_up_to_phase(one.matrix, other.matrix)
        return equal_up_to_phase(ordered(one), ordered(other))
    if one.kind == "if":
        same = (one.bits, one.value) == (other.bits, other.value)
        pairs = ((one.then, other.then), (one.otherwise, other.otherwise))
        return same and all(mismatch(a, b)[0] is None for a, b in pairs), 1.0  # nothing can see the phase of a branch
    if one.kind == "barrier":
        return set(one.qubits) == set(other.qubits), 1.0
    return one == other, 1.0


def ordered(deed: Deed) -> ComplexArray:
    """Return a gate's matrix with its lowest qubit least significant."""
    assert deed.matrix is not None
    return permuted(deed.matrix, deed.qubits)


def permuted(matrix: ComplexArray, qubits: Sequence[int]) -> ComplexArray:
    """Return a matrix on some qubits, the first one least significant, with the lowest one least significant."""
    count = len(qubits)
    order = sorted(range(count), key=lambda i: -qubits[i])  # the highest qubit first, as axes are
    if order == list(range(count))[::-1]:
        return matrix
    axes = [count - 1 - i for i in order]
    whole = matrix.reshape((2,) * (2 * count)).transpose([*axes, *(count + axis for axis in axes)])
    return np.asarray(whole.reshape(matrix.shape))


def equal_up_to_phase(one: ComplexArray, other: ComplexArray) -> tuple[bool, complex]:
    """Return whether two matrices are equal up to a phase, and that phase."""
    if one.shape != other.shape:
        return False, 1.0
    if one is other or all(abs(a - b) < TINY for a, b in zip(one.ravel().tolist(), other.ravel().tolist(), strict=True)):
        return True, 1.0  # lists of few numbers are faster than arrays
    place = int(np.abs(one).argmax())
    phase = complex(other.flat[place] / one.flat[place])
    size = abs(phase)
    if not abs(size - 1) < EXACT * 10:
        return False, 1.0
    return bool(np.abs(other - phase / size * one).max() < EXACT), phase / size


def fused(account: Account) -> Account:
    """Return an account with neighbouring one-qubit gates of a qubit as one, without those that do nothing.

    Delays and barriers are left out, so that pairs of gates that only shield an idle qubit vanish.
    """
    return replace(account, deeds=tuple(joined(resolved(account.deeds, set(), False))), phase=None)


def joined(deeds: Sequence[Deed]) -> list[Deed]:
    result: list[Deed] = []
    waiting: dict[int, ComplexArray] = {}

    def flush(qubits: Sequence[int]) -> None:
        for qubit in qubits:
            matrix = waiting.pop(qubit, None)
            if matrix is not None and not equal_up_to_phase(np.eye(2, dtype=np.complex128), matrix)[0]:
                result.append(Deed("gate", (qubit,), matrix=matrix))

    for deed in deeds:
        if deed.kind == "gate" and len(deed.qubits) == 1:
            assert deed.matrix is not None
            before = waiting.get(deed.qubits[0])
            waiting[deed.qubits[0]] = deed.matrix if before is None else deed.matrix @ before
            continue
        flush(deed.qubits)
        inner = deed._replace(then=tuple(joined(deed.then)), otherwise=tuple(joined(deed.otherwise)))
        if deed.kind != "if" or inner.then or inner.otherwise:
            result.append(inner)
    flush(sorted(waiting))
    return result
