# SPDX-License-Identifier: Apache-2.0
"""Stated effort beside the seconds of CPU that it takes and the work that is counted, and the price of a Qiskit circuit."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import stinespring
from benchmarks.instances import SEED, as_model, block, items, preparation
from benchmarks.sheet import Sheet, arguments
from stinespring.batches import OneCircuit
from stinespring.circuits.search.work import counted
from stinespring.models.texts.table import TableModel
from stinespring.stages import Program

__all__ = ["Input", "main"]

EFFORTS = (1.0, 5.0, 20.0)
GOAL = 1.5  # seconds of CPU beyond a compile without effort, for each second stated
# of TEXTS: top, steps, tolerance
TEXTS = (
    (4, 2, 0),
    (4, 3, 0),
    (4, 4, 0),
    (8, 3, 0),
    (3, 4, 0),
    (4, 3, 0.02),
    (4, 4, 0.05),
    (3, 4, 0.01),
)  # top, steps, tolerance
LAWS = ("block_1_3", "block_2_3", "block_3_2", "dense_2_2", "dense_2_3", "dense_3_2", "prep_4", "prep_8")
CHANNELS = ((1, 4), (2, 2), (2, 4), (2, 16), (3, 4))
QUICK = ("Alice was, 3", "dense_2_2", "channel 2, 4")
EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
CIRCUIT_GOAL, REPEATS = 3.0, 9  # times the bare compile, with the Qiskit circuit


class Input(NamedTuple):
    """Something to compile.

    Attributes:
        name: how the table calls it.
        compiled: the program for an effort.
    """

    name: str
    compiled: Callable[[float], Program]


def texts() -> Iterator[Input]:
    """Yield texts: of a language model, exact and within a tolerance, and of the examples."""
    for top, steps, tolerance in (
        (4, 2, 0),
        (4, 3, 0),
        (4, 4, 0),
        (8, 3, 0),
        (3, 4, 0),
        (4, 3, 0.02),
        (4, 4, 0.05),
        (3, 4, 0.01),
    ):
        model = stinespring.load("glassllm:en", top_k=top)
        given: dict[str, Any] = {"prompt": "Alice was", "steps": steps, "tolerance": tolerance}
        yield Input(f"Alice was, {steps} steps, top {top}, tolerance {tolerance:g}", text(model, given))
    for name, prompt in (("three_tokens", "sun"), ("stop_token", "on")):
        model = stinespring.load(str(EXAMPLES / f"{name}.json"))
        yield Input(f"{name}, 4 steps", text(model, {"prompt": prompt, "steps": 4}))
        yield Input(f"{name}, 4 steps, free", text(model, {"prompt": prompt, "steps": 4, "codes": "free"}))
        quantum = {"prompt": f"{prompt} {prompt}", "steps": 2, "input": "quantum", "phases": "free"}
        yield Input(f"{name}, quantum prompt", text(model, quantum))


def text(model: Any, given: dict[str, Any]) -> Callable[[float], Program]:
    """Return what compiles texts."""
    return lambda effort: stinespring.compile(model, effort=effort, **given)


def laws() -> Iterator[Input]:
    """Yield the laws of ``benchmarks synthesis``."""
    for name in LAWS:
        instance = items(SEED)[name]
        source = "quantum" if instance.n else "known"
        given = {"prompt": [0] * instance.n, "steps": 1, "schedule": "static", "input": source, "phases": "free"}
        yield Input(name, text(TableModel(as_model(instance)), given))


def channels() -> Iterator[Input]:
    """Yield Haar-random channels, in the form that takes fewer gates, and the example."""
    for qubits, rank in CHANNELS:
        kraus = random_channel(qubits, rank)
        yield Input(f"channel {qubits}, {rank}", lambda effort, kraus=kraus: stinespring.compile_channel(kraus, effort=effort))
    damping = stinespring.load(str(EXAMPLES / "amplitude_damping.npz"))
    yield Input("amplitude_damping", lambda effort: stinespring.compile(damping, effort=effort))


def random_channel(qubits: int, rank: int) -> Any:
    """Return Kraus operators of a Haar-random isometry."""
    random, shape = np.random.default_rng([SEED, qubits, rank]), (rank << qubits, 1 << qubits)
    columns = np.linalg.qr(random.normal(size=shape) + 1j * random.normal(size=shape))[0]
    return columns.reshape(rank, 1 << qubits, 1 << qubits)


def timed(work: Callable[[], Program]) -> tuple[Program, float, float]:
    """Return the program, the seconds of CPU, and the seconds that were counted."""
    begun = time.process_time()
    with counted() as spent:
        program = work()
    return program, time.process_time() - begun, spent.seconds


def measured(sheet: Sheet, each: Input, efforts: tuple[float, ...]) -> list[float]:
    """Print the rows of an input; return the seconds beyond those without effort, by the stated ones."""
    each.compiled(0.0)  # what is loaded and listed once
    bare, base, _ = timed(lambda: each.compiled(0.0))
    ratios = []
    for effort in efforts:
        print(f"{each.name}: effort {effort:g}", file=sys.stderr, flush=True)
        program, seconds, work = timed(lambda: each.compiled(effort))  # noqa: B023 -- called at once
        ratio = (seconds - base) / effort
        ratios.append(ratio)
        gates = (bare.cost.two_qubit_gates, program.cost.two_qubit_gates)
        cells = (f"{effort:g}", f"{work:.2f}", f"{seconds:.2f}", f"{base:.2f}", f"{ratio:.2f}", *gates)
        figures = {"stated": effort, "counted": work, "seconds": seconds, "without_effort": base, "ratio": ratio}
        sheet.row(each.name, *cells, input=each.name, **figures, gates_without_effort=gates[0], two_qubit_gates=gates[1])
    return ratios


def circuits(sheet: Sheet) -> None:
    """Print what the Qiskit circuit of 2^12 rotations adds to a bare compile."""
    print("\n### With the Qiskit circuit built\n")
    sheet.head("law", "instructions", "compile, ms", "circuit, ms", "both / compile", "goal", words=1)
    for instance in (block(1, 12, dense=True, seed=SEED), preparation(12, seed=SEED)):
        model, source = TableModel(as_model(instance)), "quantum" if instance.n else "known"
        given = {"prompt": [0] * instance.n, "steps": 1, "schedule": "static", "input": source, "phases": "exact", "effort": 0}

        def compiled(model: Any = model, given: dict[str, Any] = given) -> Program:
            return stinespring.compile(model, **given)

        program = compiled()
        assert isinstance(program.body, OneCircuit)
        bare, built = best(compiled), best(program.body.form.circuit)
        ratio, size = (bare + built) / bare, len(program.circuit.data)
        told = f"{CIRCUIT_GOAL:g} ({'reached' if ratio <= CIRCUIT_GOAL else 'missed'})"
        cells = (f"{size:,}", f"{1e3 * bare:.1f}", f"{1e3 * built:.1f}", f"{ratio:.2f}", told)
        figures = {"instructions": size, "compile": bare, "circuit": built, "ratio": ratio, "goal": CIRCUIT_GOAL}
        sheet.row(instance.name, *cells, law=instance.name, **figures)


def best(work: Callable[[], Any]) -> float:
    """Return the least seconds of CPU of some runs."""
    found = []
    for _ in range(REPEATS):
        begun = time.process_time()
        work()
        found.append(time.process_time() - begun)
    return min(found)


def main() -> None:
    """Print the tables."""
    parser = arguments("effort", __doc__)
    parser.add_argument("--quick", action="store_true", help="three inputs, effort 1")
    parser.add_argument("--efforts", type=float, nargs="+", default=EFFORTS, metavar="SECONDS")
    options, sheet = parser.parse_args(), Sheet("effort")
    efforts = (1.0,) if options.quick else tuple(options.efforts)
    print("### Stated and spent seconds\n")
    sheet.head("input", "stated", "counted", "CPU", "CPU, effort 0", "(CPU - effort 0) / stated", "gates, effort 0", "gates")
    ratios: list[float] = []
    for each in (*texts(), *laws(), *channels()):
        if not options.quick or each.name.startswith(QUICK):
            ratios += measured(sheet, each, efforts)
    over = sum(ratio > GOAL for ratio in ratios)
    print(f"\nWithin {GOAL:g} times the stated seconds: {len(ratios) - over} of {len(ratios)}; ", end="")
    sheet.told(
        f"the largest ratio is {max(ratios):.2f}, the median {statistics.median(ratios):.2f}.",
        goal=GOAL, over=over, of=len(ratios), largest=max(ratios), median=statistics.median(ratios),
    )  # fmt: skip
    circuits(sheet)
    sheet.keep(options.output)


if __name__ == "__main__":
    main()
