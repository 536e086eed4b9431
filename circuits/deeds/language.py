# SPDX-License-Identifier: Apache-2.0
"""What the gates of OpenQASM 3 and of Amazon Braket's dialect are, as matrices written down from their definitions.

Sources: the library of the OpenQASM 3 specification (arXiv 2104.14722, appendix), and the gates that Braket's documentation
lists. The built-in ``U`` has a real corner, as Qiskit reads it.
"""

from __future__ import annotations

from cmath import exp
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from math import cos, pi, sin, sqrt
from typing import NamedTuple

import numpy as np

from stinespring.readings import ComplexArray

__all__ = ["BRAKET", "BUILT_IN", "ELDER", "STANDARD", "Spelled", "controlled_by", "on_wires"]


class Spelled(NamedTuple):
    """A gate that a language has: how many angles and qubits, and its matrix, the first qubit least significant."""

    angles: int
    qubits: int
    matrix: Callable[..., ComplexArray]


def general(theta: float, phi: float, lam: float) -> ComplexArray:
    """Return ``U``."""
    c, s = cos(theta / 2), sin(theta / 2)
    return np.array([[c, -exp(1j * lam) * s], [exp(1j * phi) * s, exp(1j * (phi + lam)) * c]])


def fixed(*rows: Sequence[complex]) -> Callable[[], ComplexArray]:
    """Return a function that returns one matrix."""
    matrix = np.array(rows, dtype=np.complex128)
    return lambda: matrix


def shifted(angle: float) -> ComplexArray:
    return np.diag([1, exp(1j * angle)])


def about_x(angle: float) -> ComplexArray:
    c, s = cos(angle / 2), -1j * sin(angle / 2)
    return np.array([[c, s], [s, c]])


def about_y(angle: float) -> ComplexArray:
    c, s = cos(angle / 2), sin(angle / 2)
    return np.array([[c, -s], [s, c]], dtype=np.complex128)


def about_z(angle: float) -> ComplexArray:
    return np.diag([exp(-0.5j * angle), exp(0.5j * angle)])


def controlled_by(matrix: ComplexArray, controls: int = 1) -> ComplexArray:
    """Return a matrix that acts where some qubits before its own are all 1."""
    size, step = len(matrix), 1 << controls
    result = np.eye(size * step, dtype=np.complex128)
    rows = np.arange(size) * step + step - 1
    result[np.ix_(rows, rows)] = matrix
    return result


def on_wires(matrix: ComplexArray, wires: Sequence[int], width: int) -> ComplexArray:
    """Return a matrix on some of ``width`` qubits as one on all of them, qubit 0 least significant."""
    numbers = np.arange(1 << width)
    column = sum((numbers >> wire & 1) << i for i, wire in enumerate(wires)) + 0 * numbers
    rest = numbers & ~sum(1 << wire for wire in wires)
    result = np.zeros((1 << width, 1 << width), dtype=np.complex128)
    for row in range(len(matrix)):
        result[rest | sum((row >> i & 1) << wire for i, wire in enumerate(wires)), numbers] += matrix[row, column]
    return result


def under_control(gate: Spelled) -> Spelled:
    """Return a gate with a control before its qubits; without angles its matrix is made once."""
    made = cache(lambda *angles: controlled_by(gate.matrix(*angles)))
    return Spelled(gate.angles, gate.qubits + 1, made if not gate.angles else lambda *a: controlled_by(gate.matrix(*a)))


HALF = sqrt(0.5)
SWAP = Spelled(0, 2, fixed((1, 0, 0, 0), (0, 0, 1, 0), (0, 1, 0, 0), (0, 0, 0, 1)))
ONE: Mapping[str, Spelled] = {
    "id": Spelled(0, 1, fixed((1, 0), (0, 1))),
    "x": Spelled(0, 1, fixed((0, 1), (1, 0))),
    "y": Spelled(0, 1, fixed((0, -1j), (1j, 0))),
    "z": Spelled(0, 1, fixed((1, 0), (0, -1))),
    "h": Spelled(0, 1, fixed((HALF, HALF), (HALF, -HALF))),
    "s": Spelled(0, 1, fixed((1, 0), (0, 1j))),
    "sdg": Spelled(0, 1, fixed((1, 0), (0, -1j))),
    "t": Spelled(0, 1, fixed((1, 0), (0, exp(0.25j * pi)))),
    "tdg": Spelled(0, 1, fixed((1, 0), (0, exp(-0.25j * pi)))),
    "sx": Spelled(0, 1, fixed((0.5 + 0.5j, 0.5 - 0.5j), (0.5 - 0.5j, 0.5 + 0.5j))),
    "sxdg": Spelled(0, 1, fixed((0.5 - 0.5j, 0.5 + 0.5j), (0.5 + 0.5j, 0.5 - 0.5j))),
    "p": Spelled(1, 1, shifted),
    "rx": Spelled(1, 1, about_x),
    "ry": Spelled(1, 1, about_y),
    "rz": Spelled(1, 1, about_z),
}
CONTROLLED = {f"c{name}": under_control(ONE[name]) for name in ("x", "y", "z", "h", "p", "rx", "ry", "rz")}
BUILT_IN: Mapping[str, Spelled] = {"U": Spelled(3, 1, general)}  # without any library
STANDARD: Mapping[str, Spelled] = {
    **{name: gate for name, gate in ONE.items() if name != "sxdg"},
    **CONTROLLED,
    "swap": SWAP,
    "cswap": under_control(SWAP),
    "ccx": under_control(CONTROLLED["cx"]),
    "cu": Spelled(4, 2, lambda theta, phi, lam, gamma: controlled_by(exp(1j * gamma) * general(theta, phi, lam))),
    "CX": CONTROLLED["cx"],
    "phase": ONE["p"],
    "cphase": CONTROLLED["cp"],
    "u1": ONE["p"],
    "u2": Spelled(2, 1, lambda phi, lam: general(pi / 2, phi, lam)),
    "u3": Spelled(3, 1, general),
}
ELDER: Mapping[str, Spelled] = {  # what stands in OpenQASM 2's library as it was published
    **{name: ONE[name] for name in ("id", "x", "y", "z", "h", "s", "sdg", "t", "tdg", "rx", "ry", "rz")},
    **{name: STANDARD[name] for name in ("u1", "u2", "u3", "cx", "cy", "cz", "ch", "ccx", "crz")},
}
ECHOED = HALF * np.array([[0, 1, 0, 1j], [1, 0, -1j, 0], [0, 1j, 0, 1], [-1j, 0, 1, 0]], dtype=np.complex128)
BRAKET: Mapping[str, Spelled] = {
    "i": ONE["id"],
    **{name: ONE[name] for name in ("x", "y", "z", "h", "s", "t", "rx", "ry", "rz")},
    "si": ONE["sdg"],
    "ti": ONE["tdg"],
    "v": ONE["sx"],
    "vi": ONE["sxdg"],
    "phaseshift": ONE["p"],
    "cnot": CONTROLLED["cx"],
    "cz": CONTROLLED["cz"],
    "swap": SWAP,
    "ecr": Spelled(0, 2, fixed(*ECHOED.tolist())),
}
