# SPDX-License-Identifier: Apache-2.0
"""The Choi matrix of an exported channel program: every branch of the independent interpreter, with a reference beside it."""

from __future__ import annotations

import numpy as np

from oracles.qasm_runner import branches, registers


def outcome_choi(qasm: str, m: int, n: int) -> dict[int, np.ndarray]:
    """Value of `outcome` (0 where there is none) -> sum_ij |i><j| (x) E(|i><j|), the input most significant.

    The reference register is declared last and maximally entangled with the first m qubits of `sys`.
    """
    lines = qasm.splitlines()
    last = max(i for i, line in enumerate(lines) if line.startswith(("qubit[", "bit[", "include")))
    sizes, _ = registers(qasm)
    pairs = [f"h ref[{i}]; cx ref[{i}], sys[{i}];" for i in range(m)]
    whole = [*lines[: last + 1], *([f"qubit[{m}] ref;"] if m else []), *pairs, *lines[last + 1 :]]
    width = sum(sizes.values())
    first = 0
    for name, size in sizes.items():
        if name == "sys":
            break
        first += size
    kept = list(range(first, first + n)) + list(range(width, width + m))  # least significant first
    rest = [q for q in range(width + m) if q not in kept]
    axes = [width + m - 1 - q for q in (*reversed(kept), *rest)]
    result: dict[int, np.ndarray] = {}
    for branch in branches("\n".join(whole)):
        state = branch.state.reshape((2,) * (width + m)).transpose(axes).reshape(2 ** (n + m), -1)
        value = branch.values.get("outcome", 0)
        result[value] = result.get(value, 0) + 2**m * state @ state.conj().T
    return result


def choi(qasm: str, m: int, n: int) -> np.ndarray:
    """The sum of :func:`outcome_choi` over all outcomes."""
    return sum(outcome_choi(qasm, m, n).values())
