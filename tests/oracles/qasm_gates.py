# SPDX-License-Identifier: Apache-2.0
"""Matrices of the gates of `stdgates.inc`, each as controls on a small base matrix."""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Matrix = np.ndarray


def u3(theta: float, phi: float, lam: float) -> Matrix:
    """`[[cos, -e^{i lam} sin], [e^{i phi} sin, e^{i(phi+lam)} cos]]` of `theta/2`, as Qiskit reads `U`."""
    c, s = math.cos(theta / 2), math.sin(theta / 2)
    return np.array([[c, -cmath.exp(1j * lam) * s], [cmath.exp(1j * phi) * s, cmath.exp(1j * (phi + lam)) * c]])


def cu(theta: float, phi: float, lam: float, gamma: float) -> Matrix:
    """The controlled matrix of `cu`: `e^{i gamma} u3(theta, phi, lam)`."""
    return cmath.exp(1j * gamma) * u3(theta, phi, lam)


def phase(lam: float) -> Matrix:
    """`diag(1, e^{i lam})`."""
    return np.diag([1, cmath.exp(1j * lam)])


def rx(theta: float) -> Matrix:
    """`exp(-i theta X / 2)`."""
    c, s = math.cos(theta / 2), math.sin(theta / 2)
    return np.array([[c, -1j * s], [-1j * s, c]])


def ry(theta: float) -> Matrix:
    """`exp(-i theta Y / 2)`."""
    c, s = math.cos(theta / 2), math.sin(theta / 2)
    return np.array([[c, -s], [s, c]], dtype=complex)


def rz(theta: float) -> Matrix:
    """`exp(-i theta Z / 2)`."""
    return np.diag([cmath.exp(-0.5j * theta), cmath.exp(0.5j * theta)])


def fixed(rows: list[list[complex]]) -> Callable[[], Matrix]:
    """A gate without angles."""
    matrix = np.array(rows, dtype=complex)
    return lambda: matrix


@dataclass(frozen=True)
class StandardGate:
    """`controls` control qubits (operands first) on a base matrix over `targets` qubits.

    `exact_phase` is False where the OpenQASM text and Qiskit give the gate different global phases; such a
    gate must not be controlled, because the phase would then be seen.
    """

    angles: int
    controls: int
    targets: int
    matrix: Callable[..., Matrix]
    exact_phase: bool = True


IDENTITY = fixed([[1, 0], [0, 1]])
X = fixed([[0, 1], [1, 0]])
Y = fixed([[0, -1j], [1j, 0]])
Z = fixed([[1, 0], [0, -1]])
H = fixed([[math.sqrt(0.5), math.sqrt(0.5)], [math.sqrt(0.5), -math.sqrt(0.5)]])
S = fixed([[1, 0], [0, 1j]])
SDG = fixed([[1, 0], [0, -1j]])
T = fixed([[1, 0], [0, cmath.exp(0.25j * math.pi)]])
TDG = fixed([[1, 0], [0, cmath.exp(-0.25j * math.pi)]])
SX = fixed([[0.5 + 0.5j, 0.5 - 0.5j], [0.5 - 0.5j, 0.5 + 0.5j]])
SWAP = fixed([[1, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])

BUILT_IN: dict[str, StandardGate] = {"U": StandardGate(3, 0, 1, u3, exact_phase=False)}

STANDARD: dict[str, StandardGate] = {
    "p": StandardGate(1, 0, 1, phase),
    "phase": StandardGate(1, 0, 1, phase),
    "u1": StandardGate(1, 0, 1, phase),
    "id": StandardGate(0, 0, 1, IDENTITY),
    "x": StandardGate(0, 0, 1, X),
    "y": StandardGate(0, 0, 1, Y),
    "z": StandardGate(0, 0, 1, Z),
    "h": StandardGate(0, 0, 1, H),
    "s": StandardGate(0, 0, 1, S),
    "sdg": StandardGate(0, 0, 1, SDG),
    "t": StandardGate(0, 0, 1, T),
    "tdg": StandardGate(0, 0, 1, TDG),
    "sx": StandardGate(0, 0, 1, SX),
    "rx": StandardGate(1, 0, 1, rx),
    "ry": StandardGate(1, 0, 1, ry),
    "rz": StandardGate(1, 0, 1, rz),
    "u2": StandardGate(2, 0, 1, lambda phi, lam: u3(math.pi / 2, phi, lam), exact_phase=False),
    "u3": StandardGate(3, 0, 1, u3, exact_phase=False),
    "cx": StandardGate(0, 1, 1, X),
    "CX": StandardGate(0, 1, 1, X),
    "cy": StandardGate(0, 1, 1, Y),
    "cz": StandardGate(0, 1, 1, Z),
    "ch": StandardGate(0, 1, 1, H),
    "cp": StandardGate(1, 1, 1, phase),
    "cphase": StandardGate(1, 1, 1, phase),
    "crx": StandardGate(1, 1, 1, rx),
    "cry": StandardGate(1, 1, 1, ry),
    "crz": StandardGate(1, 1, 1, rz),
    "cu": StandardGate(4, 1, 1, cu),
    "swap": StandardGate(0, 0, 2, SWAP),
    "ccx": StandardGate(0, 2, 1, X),
    "cswap": StandardGate(0, 1, 2, SWAP),
}
