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


def figure(row: Row) -> str:
    """Return a figure with its unit."""
    value = f"{row['figure']:,}" if isinstance(row["figure"], int) else f"{row['figure']:.3g}"
    return f"{value} {row['unit']}".strip()


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
