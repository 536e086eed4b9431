# SPDX-License-Identifier: Apache-2.0
"""stinespring's own routes, through its public API; the counts and the law are taken from its OpenQASM text."""

from __future__ import annotations

import importlib
import math
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import stinespring
from benchmarks.gatelist import Step
from benchmarks.instances import Instance
from stinespring.models.texts.base import TextModel
from stinespring.stages import Program

__all__ = ["Ours", "compiled", "exact_steps", "pairs", "routes", "verify"]

ONE_CX = frozenset({"cx", "cz", "cy", "ch", "CX"})  # one CX each, up to one-qubit gates
CALL = re.compile(r"^\s*(\w+)\s*(?:\([^;]*\))?\s+([^;=]+);")
DECLARATION = re.compile(r"^\s*qubit\[(\d+)\]\s+(\w+);", re.MULTILINE)
NOT_GATES = frozenset({"OPENQASM", "include", "qubit", "bit", "input", "measure", "barrier", "reset"})
ORACLES = Path(__file__).parents[1] / "tests"


@dataclass(frozen=True)
class Ours:
    """One way to call the compiler.

    Attributes:
        name: for the tables.
        promise: what it holds.
        options: of :class:`stinespring.CompileOptions`.
    """

    name: str
    promise: str
    options: Mapping[str, Any]


def routes(effort: float) -> tuple[Ours, ...]:
    """Return the routes: both promises in closed form, and with numerical synthesis."""
    return (
        Ours("stinespring exact", "exact", {"phases": "exact", "effort": 0.0}),
        Ours("stinespring free", "law only", {"phases": "free", "effort": 0.0}),
        Ours(f"stinespring free, effort {effort:g} s", "law only", {"phases": "free", "effort": effort}),
    )


def compiled(model: TextModel, context: int, steps: int, options: Mapping[str, Any]) -> Program:
    """Compile a table with its context, if any, kept as quantum input."""
    given = "quantum" if context else "known"
    return stinespring.compile(model, prompt=[0] * context, steps=steps, schedule="static", input=given, **options)


def pairs(qasm: str) -> Iterator[tuple[int, ...]]:
    """Yield the qubits of every two-qubit gate in an OpenQASM text, which must need one CX each."""
    first, number = {}, 0
    for size, name in DECLARATION.findall(qasm):
        first[name], number = number, number + int(size)
    for line in qasm.splitlines():
        match = CALL.match(line)
        if not match or match[1] in NOT_GATES or "measure" in match[2]:
            continue
        operands = [word.strip() for word in match[2].split(",")]
        if len(operands) == 1:
            continue
        if match[1] not in ONE_CX or len(operands) != 2:
            raise ValueError(f"no CX count for {line!r}")
        places = [re.fullmatch(r"(\w+)\[(\d+)\]", word) for word in operands]
        yield tuple(first[place[1]] + int(place[2]) for place in places if place)


def with_reference(qasm: str, given: Sequence[tuple[str, int]]) -> str:
    """Return the program with every prompt register maximally entangled with a reference that is measured.

    The joint law of the references ``x_<name>`` and the tokens is then that of every input at once.
    """
    lines = qasm.splitlines()
    body = 1 + max(i for i, line in enumerate(lines) if re.match(r"\s*(qubit|bit|include|input)\b", line))
    declared, gates, measured = [], [], []
    for name, size in given:
        declared += [f"qubit[{size}] r_{name};", f"bit[{size}] x_{name};"]
        gates += [f"h r_{name}[{i}];\ncx r_{name}[{i}], {name}[{i}];" for i in range(size)]
        measured.append(f"x_{name} = measure r_{name};")
    return "\n".join([*lines[:body], *declared, *gates, *lines[body:], *measured]) + "\n"


def exact_steps(program: Program, instance: Instance) -> list[Step] | None:
    """Return the program as steps, or None where its registers are not just p1..pn and t1 in plain binary code."""
    plain = tuple(range(2**instance.k))
    registers = {r.name: r.symbols for r in program.registers}
    if registers != dict.fromkeys([*(f"p{i + 1}" for i in range(instance.n)), "t1"], plain):
        return None
    circuit = program.circuit
    steps: list[Step] = []
    hadamard = np.array([[1, 1], [1, -1]]) / np.sqrt(2)
    for instruction in circuit.data:
        on = tuple(circuit.find_bit(q).index for q in instruction.qubits)
        name = instruction.operation.name
        if name in ("measure", "barrier"):
            continue
        if len(on) == 1:
            steps.append(Step(on, instruction.operation.to_matrix()))
        elif name in ("cx", "cz"):
            turn = [Step(on[1:], hadamard)] if name == "cz" else []
            steps += [*turn, Step(on), *turn]
        else:
            return None
    return steps


def joint_law(qasm: str, registers: Sequence[str]) -> tuple[str, dict[tuple[int, ...], float]]:
    """Return who simulated, and the joint probabilities of classical registers."""
    if (ORACLES / "oracles" / "qasm_runner.py").is_file():
        if str(ORACLES) not in sys.path:
            sys.path.insert(0, str(ORACLES))
        return "qasm_runner", importlib.import_module("oracles.qasm_runner").distribution(qasm, registers)
    return "Qiskit", qiskit_law(qasm, registers)


def qiskit_law(qasm: str, registers: Sequence[str]) -> dict[tuple[int, ...], float]:
    """Return the joint probabilities of classical registers that are measured once, at the end."""
    from qiskit import qasm3
    from qiskit.quantum_info import Statevector

    circuit = qasm3.loads(qasm)
    source = {i.clbits[0]: i.qubits[0] for i in circuit.data if i.operation.name == "measure"}
    circuit.remove_final_measurements()
    weights = Statevector(circuit).probabilities()
    index, values = np.arange(len(weights)), []
    by_name = {register.name: register for register in qasm3.loads(qasm).cregs}
    for name in registers:
        qubits = [circuit.find_bit(source[bit]).index for bit in by_name[name]]
        values.append(sum(((index >> q) & 1) << place for place, q in enumerate(qubits)))
    result: dict[tuple[int, ...], float] = {}
    for *key, weight in zip(*(np.asarray(v).tolist() for v in values), weights.tolist(), strict=True):
        result[tuple(key)] = result.get(tuple(key), 0.0) + weight
    return result


def verify(program: Program, instance: Instance) -> tuple[float, str]:
    """Return ``max |p(t|x) - P(t|x)|`` of the program's text, simulated outside, and who simulated."""
    by_name = {r.name: r for r in program.registers}
    given = [(f"p{i + 1}", by_name[f"p{i + 1}"].size) for i in range(instance.n) if f"p{i + 1}" in by_name]
    given = [(name, size) for name, size in given if size]
    qasm = program.qasm3()
    who, joint = joint_law(with_reference(qasm, given) if given else qasm, [*(f"x_{name}" for name, _ in given), "t1"])
    d, contexts = 2**instance.k, 2 ** sum(size for _, size in given)
    place = [instance.k * (int(name[1:]) - 1) for name, _ in given]
    free = ~sum((d - 1) << p for p in place) & (d**instance.n - 1)  # context bits that no register holds
    x = np.arange(d**instance.n)
    found = np.zeros_like(instance.P)
    for (*codes, outcome), probability in joint.items():
        symbols = [by_name[name].symbols[c] for (name, _), c in zip(given, codes, strict=True)]
        context = sum(symbol << p for symbol, p in zip(symbols, place, strict=True))
        symbol = by_name["t1"].symbols[outcome]
        if symbol < 0:
            return math.inf, f"{who}: code {outcome} occurs but means nothing"
        found[(x & ~free) == context, symbol] += probability * contexts
    return float(abs(found - instance.P).max()), who
