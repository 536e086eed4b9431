# SPDX-License-Identifier: Apache-2.0
"""Everything at a glance, in one run: states, laws with free phases, reflections, codes of texts, memories, beside their peers.

Counts compare within one promise and one class of decoder only: every row names both, and a table of texts stands in a column
of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from benchmarks import codes, memory, ours, peers, states
from benchmarks.instances import SEED, preparation
from benchmarks.measure import Failure, Figures, measure
from benchmarks.sheet import line
from stinespring.circuits.core.gates import count_two_qubit
from stinespring.circuits.systems.reflection import Turn
from stinespring.compiler.options import DECODERS
from stinespring.readings import FloatArray

__all__ = ["tables"]

SIZES, COMPARED = (2, 3, 4, 5, 8, 10, 15), 10  # qubits, and those up to which packages are measured
NOT_COMPARED = "not compared"
PACKAGES = ("Qiskit", "qclib", "PennyLane", "pytket")
LAW, EXACT = 8, "exact, all phases"
FREE = (
    ours.Ours("closed form", "law only", {"phases": "free", "effort": 0.0}),
    ours.Ours("default effort", "law only", {"phases": "free"}),
)
TOLERANCES = (0.0, 0.01, 0.05)
MIRRORS, GENERAL = (6, 8), 6  # qubits, and those up to which Qiskit makes the whole matrix
Result = Figures | Failure


class Row(NamedTuple):
    """A row of the table.

    Attributes:
        what: what is compiled.
        promise: what is kept, and the class of the decoder where there is one.
        qubits: of ours.
        cx: of ours.
        texts: of ours where a table of all texts decodes; never beside other classes.
        others: of each package, in the order of :data:`PACKAGES`.
        published: a count of the literature, if there is one.
        ratio: the best package's CX over ours, of this run.
    """

    what: str
    promise: str
    qubits: int | str
    cx: int | str
    texts: int | str
    others: tuple[str, ...]
    published: str
    ratio: str


def tables(context: Any, *, quick: bool, limit: float) -> tuple[str, list[dict[str, Any]]]:
    """Return the table as Markdown, and its figures.

    Args:
        context: of the processes that measure.
        quick: fewer texts.
        limit: seconds for one compilation.
    """
    rows = [*prepared(context, limit), *mirrors(), *texts(quick), *memories()]
    head = ["what", "promise, decoder", "qubits", "CX", "CX, table of texts", *PACKAGES, "published", "best package / ours"]
    lines = [line(*head), line(*("---" if place < 2 else "---:" for place in range(len(head))))]
    lines += [line(*row[:5], *row.others, *row[6:]) for row in rows]
    return "\n".join(["### Everything at a glance", "", *lines]) + "\n", [{"table": "glance", **row._asdict()} for row in rows]


def prepared(context: Any, limit: float) -> Iterator[Row]:
    """Yield the exact states of log-normal laws, and the law of 2^8 outcomes with free phases beside the same packages."""
    routes = [r for r in peers.ROUTES if "prep" in r.kinds and len(r.kinds) == 1 and r.promise == peers.EXACT]
    for size in SIZES:
        print(f"glance: {size} qubits", file=sys.stderr, flush=True)
        instance = preparation(size, seed=SEED)
        names = [route.name for route in routes if size <= min(COMPARED, route.most_qubits)]
        found = {name: measure(context, name, instance, limit=limit, simulated=2**30) for name in names}
        published = f"{states.PUBLISHED[size]:,} (arXiv 2603.16492)" if size in states.PUBLISHED else ""
        mine = [(f"exact real state, 2^{size}", EXACT, states.ROUTES[-1])]
        mine += [(f"law of 2^{LAW} outcomes, {route.name}", "law only, phases free", route) for route in FREE if size == LAW]
        for what, promise, route in mine:
            own = measure(context, route, instance, limit=limit, simulated=2**30)
            told = published if promise == EXACT else ""
            yield Row(what, promise, size, told_cx(own), "", tuple(by_package(found)), told, ratio(found, own))


def by_package(found: dict[str, Result]) -> Iterator[str]:
    """Yield the fewest CX of every package, or why there are none."""
    for package in PACKAGES:
        results = [figures for name, figures in found.items() if name.startswith(package)]
        counts = [f.cx for f in results if isinstance(f, Figures)]
        reasons = [f.reason for f in results if isinstance(f, Failure)]
        yield f"{min(counts):,}" if counts else (reasons or [NOT_COMPARED])[0]


def ratio(found: dict[str, Result], own: Result) -> str:
    """Return the fewest CX of all packages over ours."""
    counts = [f.cx for f in found.values() if isinstance(f, Figures)]
    return f"{min(counts) / own.cx:.2f}" if counts and isinstance(own, Figures) and own.cx else ""


def told_cx(own: Result) -> str:
    """Return our CX, or why there are none."""
    return own.reason if isinstance(own, Failure) else f"{own.cx:,}"


def alone(what: str, promise: str, qubits: int | str, cx: int | str, texts: int | str = "", qiskit: int = 0) -> Row:
    """Return a row of what the packages have no construction for, but for a general unitary of Qiskit's where that is given."""
    others = (f"{qiskit:,}" if qiskit else NOT_COMPARED, *(NOT_COMPARED for _ in PACKAGES[1:]))
    return Row(what, promise, qubits, cx, texts, others, "", "")


def mirrors() -> Iterator[Row]:
    """Yield reflections about random real states, without and with a clean qubit."""
    random = np.random.default_rng(SEED)
    for size in MIRRORS:
        v = random.normal(size=1 << size)
        v /= np.linalg.norm(v)
        clean, bare = (f"{count_two_qubit(gates):,}" for gates in states.both(None, [Turn(v)], size))
        general = two_qubit_gates(np.eye(1 << size) - 2 * np.outer(v, v)) if size <= GENERAL else 0
        yield alone(f"reflection about a real state, 2^{size}", "exact", size, bare, qiskit=general)
        yield alone(f"reflection about a real state, 2^{size}, one clean qubit", "exact", size + 1, clean)


def two_qubit_gates(matrix: FloatArray) -> int:
    """Return the CX of Qiskit's circuit of a unitary matrix."""
    from qiskit import QuantumCircuit, transpile
    from qiskit.circuit.library import UnitaryGate

    circuit = QuantumCircuit(len(matrix).bit_length() - 1)
    circuit.append(UnitaryGate(matrix), circuit.qubits)
    return int(transpile(circuit, basis_gates=["cx", "u"], optimization_level=1, seed_transpiler=0).num_nonlocal_gates())


def texts(quick: bool) -> Iterator[Row]:
    """Yield texts by each class of decoder."""
    for case in codes.ISSUE[: 1 if quick else 2]:
        for tolerance in TOLERANCES:
            for coding in ("free", "prefix", "texts"):
                if (coding == "texts") != (tolerance > 0) and coding != "prefix":
                    continue  # one code a token is compared exact, a table of texts within a tolerance
                print(f"glance: {case.words}, {coding}, {tolerance:g}", file=sys.stderr, flush=True)
                given = {"codes": coding, "schedule": "static", "tolerance": tolerance}
                program, _, reason = codes.compiled(case, **given, **({"effort": 0} if coding != "prefix" else {}))
                kept = f"law within TVD {tolerance:g}" if tolerance else "law"
                cx = reason if program is None else f"{program.cost.two_qubit_gates:,}"
                qubits = "" if program is None else program.cost.qubits
                where = ("", cx) if coding == "texts" else (cx, "")
                yield alone(case.words, f"{kept}; {DECODERS[coding]}", qubits, *where)


def memories() -> Iterator[Row]:
    """Yield the qubits that the middle of a text needs: of quantum states, beside those of classical ones."""
    for row in memory.language():
        if row["step"] == memory.STEPS // 2:
            for tolerance, count in row["quantum_states"].items():
                classical = row["classical_at"][tolerance]
                what = f"memory after {row['prompt']!r} and {row['step']} tokens: {count} quantum, {classical} classical states"
                bits = memory.qubits_for(count)
                yield alone(what, f"law within TVD {tolerance}", f"{bits} ({memory.qubits_for(classical)} classical)", "")
