# SPDX-License-Identifier: Apache-2.0
"""Laws to a program that measures on the way: quantum controls, classical conditions, qubits that are used again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from stinespring.circuits.core.flow import Flow, If, Instruction, Measure, Reset
from stinespring.circuits.core.gates import Gate, relabel
from stinespring.circuits.qasm.assigned import narrowed
from stinespring.compiler.dynamic.conditional import BitStage, ConditionalLaw, Synthesis
from stinespring.compiler.dynamic.history import HistoryPlan, Lookup, Need, plan_histories
from stinespring.compiler.dynamic.lifetimes import START, Life, colour, event_graph, explain, lives
from stinespring.compiler.dynamic.plan import SteeringPlan, best_plan, stages_of
from stinespring.compiler.isometries.synthesise import target_register
from stinespring.compiler.texts.draft import Draft
from stinespring.compiler.texts.encode import prompt_registers
from stinespring.compiler.texts.operations import Place, StepLaw
from stinespring.readings import UNUSED, Register

__all__ = ["SteeredFlow", "dynamic_flow"]

OUTPUTS = ("token", "environment")


@dataclass(frozen=True)
class SteeredFlow(Flow):
    """A program that measures on the way, and why it does what it does where it does it.

    Attributes:
        registers: what the bits of each classical register mean.
        plan: what was chosen for each law, where there was a choice.
        lives: when each register is measured and freed.
        laws: what each law makes.
    """

    registers: tuple[Register, ...] = ()
    plan: SteeringPlan | None = None
    lives: tuple[Life, ...] = ()
    laws: tuple[str, ...] = ()

    @property
    def price(self) -> float:
        """What the cost model says of the plan."""
        return 0.0 if self.plan is None else self.plan.price

    @property
    def waits(self) -> int:
        """How many laws are steered by bits."""
        return 0 if self.plan is None else self.plan.waits

    def reasons(self) -> list[str]:
        """Return for each register why it is measured where it is."""
        names = {START: "the start"} | dict(enumerate(self.laws))
        return [explain(life, names) for life in self.lives]


def dynamic_flow(draft: Draft, *, effort: float = 0.0) -> SteeredFlow:
    """Return the cheapest program within the limits for a draft's laws.

    Args:
        draft: the laws, tabulated, and the limits among its options.
        effort: about the seconds of numerical synthesis, shared among the laws of the chosen plan.

    Raises:
        InputError: no program keeps within them.
    """
    given = prompt_registers(draft.model, len(draft.prompt), None) if draft.quantum and draft.state is None else []
    made = {Place.of(register): register for register in given}
    laws: list[ConditionalLaw] = []
    for law in (law for channel in draft.channels for law in channel.laws):
        target = outcome_register(draft, law)
        laws.append(ConditionalLaw(law, target, tuple(made[place] for place in law.reads)))
        made[law.target] = target
    quick = Synthesis()
    plan = best_plan(laws, given, draft.options, quick)
    stages = stages_of(laws, plan, quick)
    if effort > 0 and plan.two_qubit:
        stages = stages_of(laws, plan, Synthesis(effort / laws_of(stages)))
    return _SteeredWriter(draft, laws, plan, stages, given).program()


def laws_of(stages: Sequence[Sequence[BitStage]]) -> int:
    """Return how many circuits of stages a search may shorten: those of every case, and what is always done."""
    return max(1, sum(max(1, len(stage.cases)) for each in stages for stage in each if stage.two_qubit))


def outcome_register(draft: Draft, law: StepLaw) -> Register:
    """Return the register of a law's outcome; with free codes the vacuum is code 0, so that a finished text takes no gate."""
    register = target_register(draft, law)
    vacuum = draft.model.vacuum
    if register.role != "token" or draft.coding != "free" or vacuum not in register.symbols or len(register.symbols) < 2:
        return register
    others = [symbol for symbol in register.symbols if symbol not in (vacuum, UNUSED)]
    symbols = [vacuum, *others]
    return replace(register, symbols=tuple(symbols + [UNUSED] * (len(register.symbols) - len(symbols))))


class _SteeredWriter:
    """Writes the instructions of a plan."""

    def __init__(
        self,
        draft: Draft,
        laws: Sequence[ConditionalLaw],
        plan: SteeringPlan,
        stages: Sequence[Sequence[BitStage]],
        given: list[Register],
    ) -> None:
        self.laws, self.plan, self.stages, self.given = laws, plan, stages, given
        self.registers = {r.name: r for r in [*given, *(law.target for law in laws)]}
        asks = [any(stage.cases for stage in each) for each in stages]
        needs = [
            Need(
                law.classical(steering) if ask else (),
                law.target.name,
                ask and steering.bitwise and any(stage.cases for stage in each[1:]),
            )
            for law, steering, each, ask in zip(laws, plan.steerings, stages, asks, strict=True)
        ]
        created = {r.name: START for r in given} | {law.target.name: i for i, law in enumerate(laws)}
        sizes = {name: register.size for name, register in self.registers.items()}
        self.histories: HistoryPlan = plan_histories(needs, sizes, created)
        self.needs = needs
        dephased = {r.name for r in given} if draft.options.extension == "dephased" else set()
        read_out = {name for name, register in self.registers.items() if register.role in OUTPUTS} | dephased
        direct = {lookup.register for lookup in self.histories.lookups}
        self.classical = {name: bits_name(self.registers[name]) for name in self.registers if name in read_out | direct}
        bitwise = {law.target.name for law, steering in zip(laws, plan.steerings, strict=True) if steering.bitwise}
        controls = {name: [i for i, each in enumerate(plan.steerings) if name in each.quantum] for name in self.registers}
        asked = {name: [i for i, need in enumerate(needs) if name in need.registers] for name in self.registers}
        graph = event_graph(created, controls, asked, read_out | bitwise)
        self.lives = lives(graph, {name: 1 if name in bitwise else sizes[name] for name in self.registers})
        self.place = colour(self.lives)
        self.bitwise = bitwise
        self.out: list[Instruction] = []

    def program(self) -> SteeredFlow:
        """Return the whole program."""
        life = {each.register: each for each in self.lives}
        for register in self.given:
            if life[register.name].measured == START:
                self.measure(register.name)
        self.free(START, life)
        for number, law in enumerate(self.laws):
            self.law(number, law)
            for name, each in life.items():
                if each.measured == number and name not in self.bitwise:
                    self.measure(name)
            self.free(number, life)
        return self.finished()

    def finished(self) -> SteeredFlow:
        """Return the instructions that were written with their registers; qubits of a quantum prompt keep its names."""
        count = 1 + max((q for wires in self.place.values() for q in wires), default=-1)
        order: list[int] = []
        quantum: list[tuple[str, int]] = []
        for register in self.given:
            order += self.place[register.name]
            quantum.append((register.name, register.size))
        rest = [q for q in range(count) if q not in order]
        number = {q: i for i, q in enumerate([*order, *rest])}
        useful = without_unread_copies(self.out, set(self.histories.sizes))
        items = tuple(moved(item, number) for item in without_useless_resets(useful))
        sizes = {self.classical[name]: register.size for name, register in self.registers.items() if name in self.classical}
        classical = tuple(sizes.items()) + tuple(self.histories.sizes.items())
        given = (*quantum, *((("q", len(rest)),) if rest else ()))
        flow = narrowed(Flow(given, classical, items), spare=self.histories.sizes)
        return SteeredFlow(
            flow.quantum,
            flow.classical,
            flow.instructions,
            registers=tuple(self.registers.values()),
            plan=self.plan,
            lives=tuple(self.lives),
            laws=tuple(law.target.name for law in self.laws),
        )

    def law(self, number: int, law: ConditionalLaw) -> None:
        """Write one law's gates, and the measurements of an outcome that is made bit by bit."""
        steering, lookup = self.plan.steerings[number], self.histories.lookups[number]
        wires = self.place[law.target.name]
        self.out += [Measure((wires[0],), lookup.register, (bit,)) for bit in lookup.clears]
        controls = [q for name in steering.quantum for q in self.place[name]]
        for stage in self.stages[number]:
            local = [*controls, *wires]
            self.out += relabel(stage.always, local)
            for key, gates in sorted(stage.cases.items()):
                self.out.append(self.condition(lookup, key, tuple(relabel(gates, local)), stage))
            if steering.bitwise:
                bit = law.target.size - 1 - stage.made
                self.record(law.target.name, wires[0], bit)
                if stage.made < law.target.size - 1:
                    self.out.append(Reset(wires))

    def condition(self, lookup: Lookup, key: tuple[int, ...], gates: tuple[Gate, ...], stage: BitStage) -> If:
        """Return gates under the condition that the classical context and the bits made so far have a value."""
        register = lookup.register if lookup.register in self.histories.sizes else self.classical[lookup.register]
        values = key if stage.made or len(key) == len(lookup.offsets) else key[: len(lookup.offsets)]
        padded = (*values, *[0] * (len(lookup.offsets) - len(values)))
        value = sum(code << offset for code, offset in zip(padded, lookup.offsets, strict=True))
        return If(register, value, gates)

    def measure(self, name: str) -> None:
        """Measure a register into its own bits and into every history that holds it."""
        for bit, wire in enumerate(self.place[name]):
            self.record(name, wire, bit)

    def record(self, name: str, wire: int, bit: int) -> None:
        """Measure one qubit wherever the bit is needed."""
        if name in self.classical:
            self.out.append(Measure((wire,), self.classical[name], (bit,)))
        for history, offset in self.histories.copies.get(name, ()):
            self.out.append(Measure((wire,), history, (offset + bit,)))

    def free(self, number: int, life: Mapping[str, Life]) -> None:
        """Reset the qubits that nothing reads any more."""
        done = tuple(q for name, each in life.items() if each.freed == number for q in self.place[name])
        if done:
            self.out.append(Reset(done))


def bits_name(register: Register) -> str:
    """Return the name of a register's bits: a quantum prompt's own name belongs to its qubits."""
    return f"c_{register.name}" if register.role == "prompt" else register.name


def moved(item: Instruction, number: Mapping[int, int]) -> Instruction:
    """Return an instruction on renumbered qubits."""
    if isinstance(item, If):
        return item._replace(gates=tuple(g._replace(qubits=tuple(number[q] for q in g.qubits)) for g in item.gates))
    return item._replace(qubits=tuple(number[q] for q in item.qubits))


def without_unread_copies(items: Sequence[Instruction], histories: set[str]) -> list[Instruction]:
    """Return the instructions without measurements into histories that no later condition tests."""
    tested: set[str] = set()
    result: list[Instruction] = []
    for item in reversed(items):
        if isinstance(item, If):
            tested.add(item.register)
        elif isinstance(item, Measure) and item.register in histories and item.register not in tested:
            continue
        result.append(item)
    return result[::-1]


def without_useless_resets(items: Sequence[Instruction]) -> list[Instruction]:
    """Return the instructions without resets that nothing follows on the qubit."""
    live: set[int] = set()
    result: list[Instruction] = []
    for item in reversed(items):
        if isinstance(item, Reset):
            kept = tuple(q for q in item.qubits if q in live)
            if kept:
                result.append(Reset(kept))
            continue
        live.update(q for g in item.gates for q in g.qubits) if isinstance(item, If) else live.update(item.qubits)
        result.append(item)
    return result[::-1]
