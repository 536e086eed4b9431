# SPDX-License-Identifier: Apache-2.0
"""Exact real states, orthogonal matrices and reflections: CX beside other packages and published counts."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.stats import special_ortho_group

from benchmarks import ours, peers
from benchmarks.instances import SEED, preparation
from benchmarks.measure import Failure, Figures, measure
from benchmarks.sheet import line
from stinespring.circuits.core.gates import Gate, count_two_qubit
from stinespring.circuits.core.simulate import gate_isometry
from stinespring.circuits.exact.real_orthogonal import orthogonal_gates
from stinespring.circuits.systems.reflection import Turn, turns_program
from stinespring.readings import FloatArray

__all__ = ["tables"]

SIZES, QUICK = range(3, 13), (3, 4, 6, 8, 10)
MATRICES = range(2, 7)
PUBLISHED = {2: 1, 3: 3, 4: 7, 5: 18, 10: 867, 15: 29_627}  # arXiv 2603.16492: any complex state
ANY_UNITARY = {2: 3, 3: 19, 4: 95, 5: 423, 6: 1783}  # arXiv 2403.13692, Block-ZXZ
REAL_LEAVES = {2: 2, 3: 14, 4: 73, 5: 325, 6: 1365}  # arXiv 2512.18049 for three qubits, the recursion beyond
ROUTES = (
    ours.Ours("stinespring exact, closed", "exact", {"phases": "exact", "effort": 0.0}),
    ours.Ours("stinespring exact", "exact", {"phases": "exact"}),
)


def tables(context: Any, *, quick: bool, limit: float) -> tuple[str, list[dict[str, Any]]]:
    """Return the tables as Markdown, and their figures.

    Args:
        context: of the processes that measure.
        quick: fewer sizes.
        limit: seconds for one compilation.
    """
    rows: list[dict[str, Any]] = []
    parts = [states(context, QUICK if quick else SIZES, limit, rows), matrices(rows), reflections(quick, rows)]
    return "\n".join(parts), rows


def states(context: Any, sizes: Any, limit: float, rows: list[dict[str, Any]]) -> str:
    """Return the table of states: the roots of log-normal laws, exact with all phases."""
    others = [r.name for r in peers.ROUTES if "prep" in r.kinds and len(r.kinds) == 1 and r.promise == peers.EXACT]
    head = ["qubits", *(route.name for route in ROUTES), "Gray form", *others, "published, complex"]
    table = ["### Exact real states", "", line(*head), line(*["---:"] * len(head))]
    for size in sizes:
        print(f"state of {size} qubits", file=sys.stderr, flush=True)
        instance, cells = preparation(size, seed=SEED), []
        for route in (*ROUTES, None, *others):
            if route is None:
                cells.append(str(2**size - 1 - size))
                continue
            found = measure(context, route, instance, limit=limit, simulated=2**30)
            name = route if isinstance(route, str) else route.name
            cells.append(said(found))
            error = found.error if isinstance(found, Figures) else None
            rows.append({"table": "states", "qubits": size, "route": name, "figures": said(found), "law_error": error})
        table.append(line(size, *cells, PUBLISHED.get(size, "")))
    return "\n".join(table) + "\n"


def said(found: Figures | Failure) -> str:
    """Return CX and seconds, or why there are none."""
    return found.reason if isinstance(found, Failure) else f"{found.cx:,} ({found.seconds:.2g} s)"


def matrices(rows: list[dict[str, Any]]) -> str:
    """Return the table of random matrices of SO(2^n), each compared with the matrix of its gates."""
    head = ["qubits", "closed", "fitted", "error", "with published leaves", "any unitary, published"]
    table = ["### Orthogonal matrices", "", line(*head), line(*["---:"] * len(head))]
    for size in MATRICES:
        matrix = special_ortho_group.rvs(1 << size, random_state=size)
        costs = [timed(matrix, fitted) for fitted in (False, True)]
        error = max(error for *_, error in costs)
        cells = [f"{count:,} ({seconds:.2g} s)" for count, seconds, _ in costs]
        table.append(line(size, *cells, f"{error:.0e}", f"{REAL_LEAVES[size]:,}", f"{ANY_UNITARY[size]:,}"))
        rows.append({"table": "matrices", "qubits": size, "closed": costs[0], "fitted": costs[1], "error": error})
    return "\n".join(table) + "\n"


def timed(matrix: FloatArray, fitted: bool) -> tuple[int, float, float]:
    """Return CX, seconds and the largest error of an entry."""
    size = len(matrix).bit_length() - 1
    begun = time.perf_counter()
    gates = orthogonal_gates(matrix, fitted=fitted)
    seconds = time.perf_counter() - begun
    made = gate_isometry(gates, size, size)
    overlap = complex(np.vdot(made, matrix))
    return count_two_qubit(gates), seconds, float(abs(made * overlap / abs(overlap) - matrix).max())


def reflections(quick: bool, rows: list[dict[str, Any]]) -> str:
    """Return the table of reflections: one, and eight after a preparation, with one clean qubit and without."""
    head = ["qubits", "one, clean qubit", "one", "eight, clean qubit", "eight"]
    table = ["### Reflections about random real states", "", line(*head), line(*["---:"] * len(head))]
    rng = np.random.default_rng(SEED)
    for size in range(3, 9 if quick else 11):
        v = rng.normal(size=(9, 1 << size))
        v /= np.linalg.norm(v, axis=1, keepdims=True)
        turns = [Turn(one) for one in v[:8]]
        counts = list(both(None, turns[:1], size)) + list(both(v[8], turns, size))
        one, alone, eight, all_alone = (count_two_qubit(gates) for gates in counts)
        table.append(line(size, f"{one:,}", f"{alone:,}", f"{eight:,}", f"{all_alone:,}"))
        rows.append({"table": "reflections", "qubits": size, "one": [one, alone], "eight": [eight, all_alone]})
    return "\n".join(table) + "\n"


def both(state: FloatArray | None, turns: list[Turn], size: int) -> Iterator[list[Gate]]:
    """Yield a program of reflections with a clean qubit, and without."""
    for clean in (True, False):
        yield turns_program(state, turns, size, clean=clean)
