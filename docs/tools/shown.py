# SPDX-License-Identifier: Apache-2.0
"""Which columns of the benchmarks' files are shown, and under which names; other files are shown as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

Row = dict[str, Any]


class Shown(NamedTuple):
    """A table: its title, the keys that a row must have to be in it, and its columns by their headings."""

    title: str
    needs: tuple[str, ...]
    columns: dict[str, str | Callable[[Row], Any]]


def text(row: Row) -> str:
    """Return the text of a row of ``codes``."""
    case = row["case"]
    return f"{case['language']}, '{case['prompt']}', top {case['top']}, {case['steps']} steps"


def asked(name: str) -> Callable[[Row], Any]:
    """Return a column of what was asked for."""
    return lambda row: row["asked"].get(name)


def method(name: str, figure: str) -> Callable[[Row], Any]:
    """Return a column of one way of making intervals."""
    return lambda row: row["methods"].get(name, {}).get(figure)


def foretold(way: str) -> Callable[[Row], Any]:
    """Return a column of one way of predicting."""
    return lambda row: row["predicted"][way]


def figure(row: Row) -> str:
    """Return a figure with its unit."""
    value = f"{row['figure']:,.0f}" if abs(row["figure"]) >= 100 else f"{row['figure']:.3g}"
    return f"{value} {row['unit']}".strip()


def cell(kind: str) -> Callable[[Row], Any]:
    """Return a column of ``readers``: what became of an export of one kind."""

    def found(row: Row) -> str:
        tried = row["cells"].get(kind, {})
        return f"TVD {tried['tvd']:.3f}" if "tvd" in tried else str(tried.get("outcome", ""))

    return found


KINDS = ("static", "dynamic", "one-qubit chain", "template", "channel tree", "spins", "lens", "braket", "qasm2")
FORETOLD = ("snapshot alone", "with waiting", "with stated averages", "with the other's flips")  # ways of ``devices``
ABOUT = {  # what a benchmark asks
    "devices": "How near do predictions from a snapshot come to what real devices counted eight months later?",
    "codes": "How many qubits and two-qubit gates do texts of a trained decoder take, by what decodes a reading?",
    "decoders": "What do whole runs with language models cost, and do their laws agree with the decoders' own?",
    "dynamic": "How long do programs that measure on the way take, by the path on which they are simulated?",
    "effort": "Does a compile take the seconds that were stated, and what do they buy?",
    "fuzz": "What do damaged inputs do to each reader?",
    "interval": "How often do 95 % intervals hold the true distance, and how wide are they?",
    "memory": "How many states must a text remember, classically and quantum?",
    "mutants": "Of faults planted in a copy of the package, which does a verdict find?",
    "readers": "Which other tools read our exports, and do their counts agree with the law?",
    "synthesis": "How many two-qubit gates do states, laws and matrices take, beside other packages?",
}
TABLES: dict[str, tuple[Shown, ...]] = {
    "codes": (
        Shown(
            "Programs of texts; counts of different codes do not compare",
            ("case", "asked"),
            {
                "text": text, "codes": "codes", "schedule": "schedule", "effort": asked("effort"),
                "tolerance": asked("tolerance"), "qubits": "qubits", "two-qubit gates": "two_qubit_gates",
                "conditions": "conditions", "TVD bound": "tvd_bound", "seconds": "seconds",
            },
        ),
    ),
    "decoders": (
        Shown("Figures", ("what", "figure", "goal"), {"what": "what", "figure": figure, "asked for": "goal", "met": "met"}),
        Shown("Growth", ("growth",), {"shots": "shots", "prefixes": "prefixes", "seconds": "seconds", "MB": "megabytes"}),
        Shown("", ("seconds_a_prefix",), {}),
        Shown("", ("transformers_error",), {}),
    ),
    "devices": (
        Shown(
            "TVD from the circuit's law, measured and predicted",
            ("run", "measured"),
            {
                "run": "run", "device": "device", "taken": "taken", "snapshot of": "snapshot", "CZ": "cz",
                "measured": "measured",
                **{way: foretold(way) for way in FORETOLD},
            },
        ),
        Shown("Near", ("way", "near"), {"prediction": "way", "within a quarter": "near"}),
    ),
    "dynamic": (
        Shown(
            "Seconds of CPU by path",
            ("program", "path"),
            {
                "program": "program", "path": "path", "shots": "shots", "circuits": "circuits", "qubits": "qubits",
                "seconds": "seconds", "chosen": "chosen",
            },
        ),
    ),
    "readers": (
        Shown(
            "By reader: the TVD of what it gave, or what became of the export",
            ("reader", "cells"),
            {"reader": "reader", "version": "version", **{kind: cell(kind) for kind in KINDS}},
        ),
    ),
    "effort": (
        Shown("All", ("over",), {"limit": "goal", "over it": "over", "of": "of", "largest": "largest", "median": "median"}),
        Shown(
            "Seconds of CPU for seconds stated",
            ("input", "stated"),
            {
                "input": "input", "stated": "stated", "CPU s": "seconds", "ratio": "ratio",
                "gates without effort": "gates_without_effort", "with": "two_qubit_gates",
            },
        ),
        Shown(
            "Making a circuit",
            ("law", "circuit"),
            {"law": "law", "instructions": "instructions", "compile s": "compile", "circuit s": "circuit", "ratio": "ratio"},
        ),
    ),
    "fuzz": (
        Shown("All", ("faults",), {"cases": "cases", "faults": lambda row: len(row["faults"])}),
        Shown(
            "By reader",
            ("reader",),
            {
                "reader": "reader", "cases": "cases", "slowest s": "slowest_s", "MB": "most_mb",
                "exit statuses": lambda row: ", ".join(f"{k}: {v}" for k, v in row["statuses"].items()),
            },
        ),
    ),
    "interval": (
        Shown(
            "Coverage and width of 95 % intervals for the TVD",
            ("methods",),
            {
                "law": "law", "shots": "shots", "true TVD": "distance", "ours: coverage": method("ours", "coverage"),
                "width": method("ours", "width"), "McDiarmid: coverage": method("McDiarmid", "coverage"),
                "width ": method("McDiarmid", "width"), "bootstrap: coverage": method("percentile", "coverage"),
                "width  ": method("percentile", "width"),
            },
        ),
    ),
    "memory": (
        Shown(
            "Texts of a language model, by cut",
            ("prompt", "C_q"),
            {
                "prompt": "prompt", "step": "step", "causal states": "classical_states", "rank": "rank", "C_q": "C_q",
                "C_mu": "C_mu", "quantum at .05": lambda row: row["quantum_states"]["0.05"],
                "classical at .05": lambda row: row["classical_at"]["0.05"],
            },
        ),
    ),
    "mutants": (
        Shown(
            "Planted faults, and what found them",
            ("name", "by"),
            {"fault": "name", "room": "room", "found by": "by"},
        ),
    ),
}  # fmt: skip
