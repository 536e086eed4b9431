# SPDX-License-Identifier: Apache-2.0
"""Where the bits that a condition tests are: classical registers that hold exactly what a law reads.

A condition tests one register. A law that reads a single token can test that token's own register, and an outcome made bit by
bit without context tests itself. Any other law needs a *history*: a register whose slots hold the values it reads and zeros
elsewhere. Values enter a history when they are measured (the qubit is measured once more), since classical bits cannot be
copied; slots that go stale are overwritten by newer values or cleared by measuring a qubit in |0>.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from stinespring.compiler.dynamic.plan import OPERAND

__all__ = ["HistoryPlan", "Lookup", "Need", "plan_histories"]


@dataclass(frozen=True)
class Need:
    """What a law's conditions test.

    Attributes:
        registers: the registers read as bits, in reading order.
        target: the register of the outcome.
        own: whether earlier bits of the outcome are tested as well.
    """

    registers: tuple[str, ...]
    target: str
    own: bool


@dataclass(frozen=True)
class Lookup:
    """Where a law's conditions find their bits.

    Attributes:
        register: the classical register tested; empty if nothing is.
        offsets: position of each register's lowest bit, and of the outcome's if its earlier bits are tested.
        clears: bits to be measured from |0> before the law.
    """

    register: str = ""
    offsets: tuple[int, ...] = ()
    clears: tuple[int, ...] = ()


@dataclass
class _History:
    """A history in the making: for each slot its offset and size, and what it holds (None: zeros)."""

    name: str
    used: int  # the law that tested it last
    slots: list[tuple[int, int, str | None]] = field(default_factory=list)

    @property
    def width(self) -> int:
        return sum(size for _, size, _ in self.slots)

    def holds(self) -> set[str]:
        return {name for _, _, name in self.slots if name is not None}


@dataclass(frozen=True)
class HistoryPlan:
    """The plan.

    Attributes:
        lookups: one a law.
        copies: for each register the (history, offset) that its bits are measured into besides its own register.
        sizes: bits of each history.
    """

    lookups: tuple[Lookup, ...]
    copies: Mapping[str, tuple[tuple[str, int], ...]]
    sizes: Mapping[str, int]


def plan_histories(needs: Sequence[Need], sizes: Mapping[str, int], created: Mapping[str, int]) -> HistoryPlan:
    """Return where every law finds its bits, with few extra measurements.

    Args:
        needs: one a law, in order.
        sizes: bits of each register.
        created: the law that makes a register; negative for registers that are there from the start.
    """
    planner = _Planner(sizes, created)
    lookups = tuple(planner.lookup(number, need) for number, need in enumerate(needs))
    widths = {history.name: history.width for history in planner.histories}
    return HistoryPlan(lookups, {name: tuple(places) for name, places in planner.copies.items()}, widths)


class _Planner:
    def __init__(self, sizes: Mapping[str, int], created: Mapping[str, int]) -> None:
        self.sizes, self.created = sizes, created
        self.histories: list[_History] = []
        self.copies: dict[str, list[tuple[str, int]]] = {}

    def lookup(self, number: int, need: Need) -> Lookup:
        """Return where a law finds its bits; extends a history or opens one."""
        if not need.registers:
            return Lookup(need.target, (0,)) if need.own else Lookup()
        if len(need.registers) == 1 and not need.own:
            return Lookup(need.registers[0], (0,))
        candidates = [h for h in self.histories if self._possible(h, need)]
        fresh = sum(self.sizes[name] for name in need.registers)
        best = min(candidates, key=lambda h: self._price(h, need), default=None)
        if best is None or self._price(best, need) > fresh:
            best = _History(f"h{len(self.histories) + 1}", number)
            self.histories.append(best)
        clears = self._extend(best, need)
        best.used = number
        place = {name: offset for offset, _, name in best.slots if name is not None}
        wanted = [*need.registers, *([need.target] if need.own else [])]
        return Lookup(best.name, tuple(place[name] for name in wanted), tuple(clears))

    def _possible(self, history: _History, need: Need) -> bool:
        """Whether what is missing was made since the history was last tested, and everything fits in an operand."""
        missing = [name for name in need.registers if name not in history.holds()]
        if any(self.created[name] < history.used for name in missing):
            return False
        return self._width_after(history, need) <= OPERAND

    def _arrivals(self, history: _History, need: Need) -> list[str]:
        missing = [name for name in need.registers if name not in history.holds()]
        return [*missing, *([need.target] if need.own and need.target not in history.holds() else [])]

    def _stale(self, history: _History, need: Need) -> list[int]:
        return [i for i, (_, _, name) in enumerate(history.slots) if name is not None and name not in need.registers]

    def _placed(self, history: _History, need: Need) -> tuple[dict[str, int], list[int]]:
        """Return the slot of each arrival (negative: a new one) and the stale slots that are left."""
        stale, empty = self._stale(history, need), [i for i, (_, _, name) in enumerate(history.slots) if name is None]
        places: dict[str, int] = {}
        for name in self._arrivals(history, need):
            own = need.own and name == need.target
            fitting = [i for i in (empty if own else stale + empty) if history.slots[i][1] == self.sizes[name]]
            if not fitting and own:
                fitting = [i for i in stale if history.slots[i][1] == self.sizes[name]]
            places[name] = fitting[0] if fitting else -1
            if fitting:
                (stale if fitting[0] in stale else empty).remove(fitting[0])
        return places, stale

    def _width_after(self, history: _History, need: Need) -> int:
        places, _ = self._placed(history, need)
        return history.width + sum(self.sizes[name] for name, slot in places.items() if slot < 0)

    def _price(self, history: _History, need: Need) -> int:
        """Extra measurements: what is missing is measured once more, stale slots are cleared."""
        places, stale = self._placed(history, need)
        written = sum(self.sizes[name] for name in places if not (need.own and name == need.target))
        cleared = sum(history.slots[i][1] for i in stale)
        own = places.get(need.target, -1) if need.own else -1
        return written + cleared + (history.slots[own][1] if own >= 0 and history.slots[own][2] is not None else 0)

    def _extend(self, history: _History, need: Need) -> list[int]:
        """Put the arrivals into slots; return the bits to clear before the law."""
        places, stale = self._placed(history, need)
        clears = [bit for i in stale for bit in bits_of(history.slots[i])]
        for i in stale:
            history.slots[i] = (*history.slots[i][:2], None)
        for name, slot in places.items():
            own = need.own and name == need.target
            if slot < 0:
                history.slots.append((history.width, self.sizes[name], name))
            else:
                if own and history.slots[slot][2] is not None:
                    clears += bits_of(history.slots[slot])
                history.slots[slot] = (*history.slots[slot][:2], name)
            offset = history.slots[slot][0]
            self.copies.setdefault(name, []).append((history.name, offset))
        return clears


def bits_of(slot: tuple[int, int, str | None]) -> list[int]:
    """Return the bits of a slot."""
    offset, size, _ = slot
    return list(range(offset, offset + size))
