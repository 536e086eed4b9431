# SPDX-License-Identifier: Apache-2.0
"""Which reads are quantum controls and which are classical conditions: the cheapest plan within budgets.

Law by law, the newest q of the registers it reads may control gates; the others are conditions. A register stays quantum as
long as a later law controls on it, so the qubits alive are the state of a dynamic programme over the laws; two-qubit gates and
conditions add up. For every set of live registers only the plans are kept that no other one beats in every figure.

The cost model of a device with mid-circuit measurement: a two-qubit gate 1; a law with conditions :data:`LATENCY`, for the
measurement it waits for and the feed-forward; each condition :data:`CONDITION`; a qubit :data:`QUBIT`, for its read-out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from stinespring.compiler.dynamic.conditional import BitStage, ConditionalLaw, Steering, Synthesis
from stinespring.compiler.options import LIMITS, CompileOptions
from stinespring.errors import InputError
from stinespring.readings import Register

__all__ = ["SteeringPlan", "best_plan", "stages_of"]

LATENCY, CONDITION, QUBIT = 2.0, 0.05, 0.1
MOST_PLANS = 64  # kept for one set of live registers
OPERAND = 32  # bits of a register that a condition may test


@dataclass(frozen=True)
class SteeringPlan:
    """What steers the first laws, and what that costs.

    Attributes:
        steerings: one a law.
        alive: the registers that stay quantum after them.
        two_qubit: two-qubit gates, the worst case of each law.
        conditions: ``if`` statements.
        waits: laws that have conditions.
        peak: most qubits alive at once.
    """

    steerings: tuple[Steering, ...]
    alive: tuple[str, ...]
    two_qubit: int = 0
    conditions: int = 0
    waits: int = 0
    peak: int = 0

    @property
    def price(self) -> float:
        """What the cost model says."""
        return self.two_qubit + LATENCY * self.waits + CONDITION * self.conditions + QUBIT * self.peak

    @property
    def figures(self) -> dict[str, int]:
        """What the limits of the options limit, by their names."""
        return {"max_qubits": self.peak, "max_two_qubit_gates": self.two_qubit, "max_conditions": self.conditions}

    def beats(self, other: SteeringPlan) -> bool:
        """Whether no figure is worse than another plan's."""
        return (
            self.two_qubit <= other.two_qubit
            and self.conditions <= other.conditions
            and self.waits <= other.waits
            and self.peak <= other.peak
        )


@dataclass(frozen=True)
class PricedSteering:
    """One way to realise one law: two-qubit gates and conditions, and whether it waits for a measurement."""

    steering: Steering
    two_qubit: int
    conditions: int


class Planner:
    """The dynamic programme.

    Args:
        laws: in the order they are applied.
        given: registers that are quantum from the start (a quantum prompt).
        options: the limits, and which feed-forward is wanted.
        synthesis: makes the circuits.
    """

    def __init__(
        self, laws: Sequence[ConditionalLaw], given: Sequence[Register], options: CompileOptions, synthesis: Synthesis
    ) -> None:
        self.laws, self.limits, self.synthesis = laws, options, synthesis
        self.sizes = {r.name: r.size for r in given} | {law.target.name: law.target.size for law in laws}
        self.created = {name: i for i, name in enumerate([*(r.name for r in given), *(law.target.name for law in laws)])}
        self.last = {name: i for i, law in enumerate(laws) for name in law.reads}
        self.given = tuple(r.name for r in given)
        self.steerings = [list(self._priced(law)) for law in laws]

    def plans(self) -> list[SteeringPlan]:
        """Return the plans for all laws that keep within the budgets and that no other one beats."""
        read = [name for name in self.given if name in self.last]  # the others are free at once
        starts = [tuple(read[first:]) for first in range(len(read) + 1)]
        front = {alive: [SteeringPlan((), alive, peak=self._size(self.given))] for alive in starts}
        for number in range(len(self.laws)):
            following: dict[tuple[str, ...], list[SteeringPlan]] = {}
            for plans in front.values():
                for plan in plans:
                    for longer in self._longer(plan, number):
                        following.setdefault(longer.alive, []).append(longer)
            front = {alive: unbeaten(plans) for alive, plans in following.items()}
        return [plan for plans in front.values() for plan in plans]

    def _longer(self, plan: SteeringPlan, number: int) -> Iterator[SteeringPlan]:
        law = self.laws[number]
        target, alive = law.target, set(plan.alive)
        for option in self.steerings[number]:
            steering = option.steering
            if not set(steering.quantum) <= alive:
                continue
            peak = max(plan.peak, self._size(plan.alive) + (1 if steering.bitwise else target.size))
            longer = replace(
                plan,
                steerings=(*plan.steerings, steering),
                two_qubit=plan.two_qubit + option.two_qubit,
                conditions=plan.conditions + option.conditions,
                waits=plan.waits + (option.conditions > 0),
                peak=peak,
            )
            if over(longer.peak, self.limits.max_qubits) or over(longer.two_qubit, self.limits.max_two_qubit_gates):
                continue
            if over(longer.conditions, self.limits.max_conditions):
                continue
            still = [*plan.alive] + ([] if steering.bitwise else [target.name])
            useful = sorted((r for r in still if self.last.get(r, -1) > number), key=self.created.__getitem__)
            for first in range(len(useful) + 1):
                yield replace(longer, alive=tuple(useful[first:]))

    def _priced(self, law: ConditionalLaw) -> Iterator[PricedSteering]:
        """Yield the ways to realise a law that its registers and the feed-forward allow."""
        reads = sorted(law.reads, key=self.created.__getitem__)
        for classical in range(len(reads) + 1):
            quantum = tuple(reads[classical:])
            for bitwise in (False, True) if law.target.size > 1 else (False,):
                if self.limits.feed_forward == "none" and (classical or bitwise):
                    continue
                if self.limits.feed_forward == "all" and (quantum or (law.target.size > 1 and not bitwise)):
                    continue
                tested = sum(self.sizes[name] for name in reads[:classical]) + (law.target.size if bitwise else 0)
                if tested > OPERAND:
                    continue
                steering = Steering(tuple(name for name in law.reads if name in quantum), bitwise)
                stages = law.stages(steering, self.synthesis)
                yield PricedSteering(steering, sum(s.two_qubit for s in stages), sum(len(s.cases) for s in stages))

    def _size(self, names: Sequence[str]) -> int:
        return sum(self.sizes[name] for name in names)


def over(value: int, limit: int | None) -> bool:
    """Whether a figure is above its limit."""
    return limit is not None and value > limit


def unbeaten(plans: list[SteeringPlan]) -> list[SteeringPlan]:
    """Return the plans that no other one beats, the cheapest ones where they are many."""
    result: list[SteeringPlan] = []
    for plan in sorted(plans, key=lambda p: (p.price, p.two_qubit, p.conditions)):
        if not any(kept.beats(plan) for kept in result):
            result.append(plan)
    if len(result) <= MOST_PLANS:
        return result
    extremes = [
        min(result, key=lambda p: p.peak),
        min(result, key=lambda p: p.two_qubit),
        min(result, key=lambda p: p.conditions),
    ]
    return [*dict.fromkeys([*extremes, *result[:MOST_PLANS]])]


def best_plan(
    laws: Sequence[ConditionalLaw], given: Sequence[Register], options: CompileOptions, synthesis: Synthesis
) -> SteeringPlan:
    """Return the plan that the cost model likes best within the budgets.

    Raises:
        InputError: no plan keeps within them; the message says what the least would be.
    """
    plans = Planner(laws, given, options, synthesis).plans()
    if plans:
        return min(plans, key=lambda p: (p.price, p.two_qubit, p.conditions, p.peak))
    limits = {name: getattr(options, name) for name in LIMITS if getattr(options, name) is not None}
    least = []
    for name in limits:
        raised: dict[str, Any] = {name: None}
        reachable = Planner(laws, given, replace(options, **raised), synthesis).plans()
        figures = [plan.figures[name] for plan in reachable]
        least += [f"--{name.replace('_', '-')} {min(figures)}"] if figures else []
    raise InputError(
        "no plan keeps within the budgets",
        got=", ".join(f"--{name.replace('_', '-')} {value}" for name, value in limits.items())
        or f"--feed-forward {options.feed_forward}",
        expected="with the other limits as they are, at least " + " or ".join(least) if least else "several of them raised",
        todo="raise a limit, or use another --feed-forward",
    )


def stages_of(laws: Sequence[ConditionalLaw], plan: SteeringPlan, synthesis: Synthesis) -> list[list[BitStage]]:
    """Return the stages of every law."""
    return [law.stages(steering, synthesis) for law, steering in zip(laws, plan.steerings, strict=True)]
