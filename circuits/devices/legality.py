# SPDX-License-Identifier: Apache-2.0
"""What a target executes and what it does not, checked before anything is submitted.

Compilers and clients do not catch all of it: nested conditions and measurements inside conditions pass Qiskit's transpiler
and the client of IBM's service, and only the service refuses them.
"""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from stinespring.circuits.devices.own_kinds import is_measure, is_measure_reset, is_reset
from stinespring.errors import InputError

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.circuit import CircuitInstruction
    from qiskit.transpiler import Target

__all__ = [
    "AER", "IBM", "LATTICE", "Rules", "Violation", "broadcasts", "circuits_per_job", "require_legal", "rules_of", "violations",
]  # fmt: skip

MOST_TOGETHER = 10_000  # circuits of a job
SHOWN = 4  # violations that one message lists
QASM_KEYWORDS = frozenset(
    """
    OPENQASM include defcalgrammar def cal defcal gate extern box let break continue if else end return for while in switch
    case default pragma input output const readonly mutable qreg qubit creg bool bit int uint float angle complex array void
    duration stretch gphase inv pow ctrl negctrl durationof delay reset measure barrier true false pi tau euler im U
    """.split()  # noqa: SIM905
)
ARITHMETIC = frozenset({"add", "sub", "mul", "div", "shift_left", "shift_right"})


@dataclass(frozen=True)
class Rules:
    """What a target allows.

    Attributes:
        name: of the target, for messages.
        control_flow: names of the control flow it has.
        nesting: whether control flow may contain control flow.
        measurement_inside: whether control flow may contain measurements and resets.
        operand_bits: most bits of a register that is tested as a whole; None for any number.
        broadcasts: most broadcasts of measured bits a job may need: ``((bits, how many), (bits, how many))``, a straight line
            of cost per broadcast between; None for any number.
        register_truth: whether a register counts as true or false in an expression.
        no_operations: operations of expressions that it does not have.
        no_instructions: instructions it does not have although circuits can hold them.
        register_names: whether names of classical registers must be identifiers and no keywords, and registers not empty.
        stretches: whether delays may have a length that the target itself finds.
    """

    name: str
    control_flow: frozenset[str]
    nesting: bool = False
    measurement_inside: bool = False
    operand_bits: int | None = None
    broadcasts: tuple[tuple[int, int], tuple[int, int]] | None = None
    register_truth: bool = True
    no_operations: frozenset[str] = ARITHMETIC
    no_instructions: frozenset[str] = field(default_factory=frozenset)
    register_names: bool = True
    stretches: bool = False


# IBM's guide "execute dynamic circuits" of 2026; the budget is one of a job, whatever the number of its circuits.
IBM = Rules("IBM hardware", frozenset({"if_else"}), operand_bits=32, broadcasts=((1, 2400), (60, 300)), stretches=True)
# A lattice without a name stands for such hardware; a job is nothing it knows.
LATTICE = replace(IBM, name="a generic lattice", broadcasts=None, stretches=False)
# Measured with Aer 0.18: variables abort the process, registers as truth values are evaluated wrongly.
AER = Rules(
    "Aer",
    frozenset({"if_else", "switch_case", "for_loop", "while_loop"}),
    nesting=True,
    measurement_inside=True,
    register_truth=False,
    no_operations=ARITHMETIC | {"index"},
    no_instructions=frozenset({"measure_2", "reset_2", "measure_reset", "measure_reset_2"}),
    register_names=False,
)


@dataclass(frozen=True)
class Violation:
    """One thing that a target does not execute: what, at which instruction, and what to change."""

    what: str
    where: str
    todo: str

    def __str__(self) -> str:
        return f"{self.what} at {self.where}: {self.todo}"


def rules_of(target_name: str) -> Rules:
    """Return the rules of a target by its name, as :func:`stinespring.circuits.devices.targets.open_target` knows it.

    Raises:
        InputError: an unknown name.
    """
    kind = target_name.partition(":")[0]
    known = {"aer": AER, "fake": IBM, "ibm": IBM, "line": LATTICE, "grid": LATTICE, "heavy-hex": LATTICE}
    if kind not in known:
        raise InputError("unknown target", got=target_name, expected="aer, line:N, grid:RxC, heavy-hex:D or fake:NAME")
    return known[kind]


def require_legal(circuit: QuantumCircuit, rules: Rules, *, circuits_per_job: int = 1, target: Target | None = None) -> None:
    """Refuse a circuit that a target does not execute.

    Raises:
        InputError: listing the first violations with what to change.
    """
    found = violations(circuit, rules, circuits_per_job=circuits_per_job, target=target)
    if found:
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        raise InputError(
            f"{rules.name} does not execute this circuit:\n" + "\n".join(f"  - {v}" for v in found[:SHOWN]) + more,
            got=f"{len(found)} violation(s)",
            expected=f"what {rules.name} executes",
            todo=found[0].todo,
        )


def violations(
    circuit: QuantumCircuit, rules: Rules, *, circuits_per_job: int = 1, target: Target | None = None
) -> tuple[Violation, ...]:
    """Return everything in a circuit that a target does not execute; empty for a legal circuit.

    Args:
        circuit: before or after lowering.
        rules: of the target.
        circuits_per_job: circuits like this one in a job, which share its budget of broadcasts.
        target: also check that each instruction exists on its qubits; for lowered circuits.
    """
    walk = _Walk(rules, target)
    walk.declarations(circuit)
    walk.block(circuit, list(range(circuit.num_qubits)), "")
    walk.budget(broadcasts(circuit), circuits_per_job)
    return tuple(walk.found)


class _Walk:
    """A walk through a circuit and all its blocks that collects violations."""

    def __init__(self, rules: Rules, target: Target | None) -> None:
        self.rules = rules
        self.target = target
        self.found: list[Violation] = []

    def add(self, what: str, where: str, todo: str) -> None:
        self.found.append(Violation(what, where, todo))

    def declarations(self, circuit: QuantumCircuit) -> None:
        """Check registers and variables."""
        for register in circuit.cregs if self.rules.register_names else ():
            where = f"register {register.name!r}"
            if register.size == 0:
                self.add("a classical register has no bits", where, "leave it out")
            if not register.name.isidentifier() or keyword.iskeyword(register.name) or register.name in QASM_KEYWORDS:
                self.add("the name of a classical register is no identifier, or a keyword", where, "rename it")
        stretches = [] if self.rules.stretches else [stretch.name for stretch in circuit.iter_stretches()]
        for name in [var.name for var in circuit.iter_vars()] + stretches:
            self.add("a variable is declared", f"variable {name!r}", "use classical registers and flat ifs only")
        if self.target is not None and circuit.num_qubits > self.target.num_qubits:
            self.add(f"{circuit.num_qubits} qubits", "the circuit", f"use at most {self.target.num_qubits}")

    def block(self, circuit: QuantumCircuit, wires: list[int], outside: str) -> None:
        """Check the instructions of a circuit or of a block, whose qubits are ``wires`` of the whole."""
        for index, item in enumerate(circuit.data):
            name = item.operation.name
            where = f"{outside}instruction {index} ({name})"
            on = [wires[circuit.find_bit(qubit).index] for qubit in item.qubits]
            self.instruction(name, on, where)
            within = is_measure(name) or is_reset(name) or is_measure_reset(name)
            if outside and within and not self.rules.measurement_inside:
                todo = "measure before the condition, or steer gates only and measure afterwards"
                self.add("a measurement or reset inside a condition", where, todo)
            if hasattr(item.operation, "blocks"):
                self.control_flow(item, where, bool(outside))
                for number, inner in enumerate(item.operation.blocks):
                    branch = "" if len(item.operation.blocks) == 1 else f" block {number}"
                    self.block(inner, on, f"{where}{branch} > ")

    def instruction(self, name: str, on: list[int], where: str) -> None:
        """Check that the target has an instruction."""
        if name == "store":
            self.add("a value is stored", where, "measure into a register of its own instead")
        elif name in self.rules.no_instructions:
            plain = "measure and reset" if is_measure_reset(name) else name.removesuffix("_2")
            self.add(f"{self.rules.name} has no {name}", where, f"use {plain}")
        elif self.target is not None and name not in ("barrier", "delay", "break_loop", "continue_loop"):
            place = None if name in self.rules.control_flow else tuple(on)
            if not self.target.instruction_supported(name, place):
                self.add(f"no {name} on qubits {tuple(on)}", where, "lower the circuit to the target")

    def control_flow(self, item: CircuitInstruction, where: str, inside: bool) -> None:
        """Check one control flow instruction itself."""
        name = item.operation.name
        if name not in self.rules.control_flow:
            self.add(f"{self.rules.name} has no {name}", where, "write it as flat ifs")
        if inside and not self.rules.nesting:
            todo = "fill one register bit by bit and test it as a whole in flat ifs"
            self.add("a condition inside a condition", where, todo)
        tested = operand(item)
        if name == "switch_case" and tested is not None and is_expression(tested):
            self.add("a switch on an expression", where, "switch on a register or a bit")
        for size, label in sizes(tested):
            if self.rules.operand_bits is not None and size > self.rules.operand_bits:
                todo = f"test single bits, or split the register into parts of at most {self.rules.operand_bits} bits"
                self.add(f"a condition on all {size} bits of {label}", where, todo)
        if is_expression(tested):
            for node in nodes(tested):
                self.expression(node, where)

    def expression(self, node: Any, where: str) -> None:
        """Check one node of the expression that a condition tests."""
        kind = type(node).__name__
        operation = node.op.name.lower() if hasattr(node, "op") else kind.lower()
        if kind in ("Var", "Stretch") and getattr(node, "standalone", True):
            self.add("a condition on a variable", where, "test a classical register or one of its bits")
        if operation in self.rules.no_operations:
            self.add(f"the operation {operation} in a condition", where, "compare registers or bits with constants")
        if (
            kind == "Cast"
            and not self.rules.register_truth
            and is_register(node.operand)
            and type(node.type).__name__ == "Bool"
        ):
            self.add("a register as a truth value in an expression", where, "compare it with a constant")

    def budget(self, sizes: list[int], circuits: int) -> None:
        """Check that a job of such circuits stays within the broadcasts that hardware can hold."""
        if self.rules.broadcasts is None:
            return
        share = circuits * sum(cost(bits, self.rules.broadcasts) for bits in sizes)
        if share > 1:
            what = f"{circuits * len(sizes)} broadcasts of measured bits, {share:.2f} times the budget of a job"
            self.add(what, "the job", "submit fewer circuits a job, test single bits, or use --max-conditions")


def cost(bits: int, line: tuple[tuple[int, int], tuple[int, int]]) -> float:
    """Return the share of a job's budget that one broadcast takes: a straight line through the two published points."""
    (few, many_times), (many, few_times) = line
    slope = (1 / few_times - 1 / many_times) / (many - few)
    return 1 / many_times + slope * (bits - few)


def broadcasts(circuit: QuantumCircuit) -> list[int]:
    """Return the size in bits of each broadcast that a circuit's conditions need.

    A register (or bit) that is tested again unchanged needs none.
    """
    result: list[int] = []
    known: set[frozenset[int]] = set()
    for item in circuit.data:
        bits = frozenset(circuit.find_bit(bit).index for bit in tested_bits(operand(item)))
        if bits and bits not in known:
            known.add(bits)
            result.append(len(bits))
        written = {circuit.find_bit(bit).index for bit in written_bits(item)}
        known = {group for group in known if not group & written}
    return result


def circuits_per_job(circuit: QuantumCircuit, rules: Rules = IBM) -> int:
    """Return how many circuits like this one a job may hold by its budget of broadcasts, at least 1; 10,000 without one."""
    if rules.broadcasts is None:
        return MOST_TOGETHER
    share = sum(cost(bits, rules.broadcasts) for bits in broadcasts(circuit))
    return max(1, min(MOST_TOGETHER, int(1 / share))) if share else MOST_TOGETHER


def written_bits(item: CircuitInstruction) -> set[Any]:
    """Return the classical bits that an instruction, or anything inside it, measures into."""
    blocks = getattr(item.operation, "blocks", None)
    if blocks is None:
        return set(item.clbits)
    result: set[Any] = set()
    for block in blocks:
        outer = dict(zip(block.clbits, item.clbits, strict=False))
        result |= {outer.get(bit, bit) for inner in block.data for bit in written_bits(inner)}
    return result


def operand(item: CircuitInstruction) -> Any:
    """Return what an instruction tests: a bit, a register, an expression, or None."""
    operation = item.operation
    tested = getattr(operation, "target", None) if operation.name == "switch_case" else getattr(operation, "condition", None)
    return tested[0] if isinstance(tested, tuple) else tested


def is_expression(tested: Any) -> bool:
    """Return whether a condition is more than one bit or one register."""
    from qiskit.circuit.classical import expr

    return isinstance(tested, expr.Expr)


def is_register(node: Any) -> bool:
    """Return whether a node of an expression has several bits."""
    return type(node.type).__name__ == "Uint"


def nodes(expression: Any) -> Iterator[Any]:
    """Yield a node of an expression and all below it."""
    yield expression
    for name in ("operand", "left", "right", "target", "index"):
        child = getattr(expression, name, None)
        if child is not None and is_expression(child):
            yield from nodes(child)


def leaves(tested: Any) -> Iterator[Any]:
    """Yield the bits and registers that a condition reads."""
    if is_expression(tested):
        for node in nodes(tested):
            if type(node).__name__ == "Var" and not node.standalone:
                yield node.var
    elif tested is not None:
        yield tested


def sizes(tested: Any) -> Iterable[tuple[int, str]]:
    """Yield the size and name of each register that a condition tests as a whole."""
    return [(leaf.size, f"register {leaf.name!r}") for leaf in leaves(tested) if hasattr(leaf, "size")]


def tested_bits(tested: Any) -> Iterator[Any]:
    """Yield the classical bits that a condition reads."""
    for leaf in leaves(tested):
        yield from leaf if hasattr(leaf, "size") else (leaf,)
