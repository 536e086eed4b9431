# SPDX-License-Identifier: Apache-2.0
"""The Choi matrix of an exported channel program: every branch of the independent interpreter, with a reference beside it."""

from __future__ import annotations

import re

import numpy as np

from oracles.qasm_runner import branches, registers

HADAMARD = "U(pi/2, 0, pi)"


def outcome_choi(qasm: str, m: int, n: int) -> dict[int, np.ndarray]:
    """Value of `outcome` (0 where there is none) -> sum_ij |i><j| (x) E(|i><j|), the input most significant.

    The reference register is declared after `sys` and maximally entangled with its first m qubits, by what is built into the
    language: a program may give every other name a meaning of its own.
    """
    pairs = [
        f"{HADAMARD} ref[{i}]; {HADAMARD} sys[{i}]; ctrl(2) @ gphase(pi) ref[{i}], sys[{i}]; {HADAMARD} sys[{i}];"
        for i in range(m)
    ]
    added = " ".join([f"qubit[{m}] ref;" if m else "", *pairs])
    whole = re.sub(r"(\bqubit(\[\d+\])?\s+sys;)", rf"\1 {added}", qasm, count=1)
    first, place = 0, {}
    for name, size in registers(whole)[0].items():
        place[name] = range(first, first + size)
        first += size
    kept = [*place.get("sys", range(0))[:n], *place.get("ref", range(0))]  # least significant first
    rest = [q for q in range(first) if q not in kept]
    axes = [first - 1 - q for q in (*reversed(kept), *rest)]
    result: dict[int, np.ndarray] = {}
    for branch in branches(whole):
        state = branch.state.reshape((2,) * first).transpose(axes).reshape(2 ** (n + m), -1)
        value = branch.values.get("outcome", 0)
        result[value] = result.get(value, 0) + 2**m * state @ state.conj().T
    return result


def choi(qasm: str, m: int, n: int) -> np.ndarray:
    """The sum of :func:`outcome_choi` over all outcomes."""
    return sum(outcome_choi(qasm, m, n).values())
