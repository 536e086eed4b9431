# SPDX-License-Identifier: Apache-2.0
"""The gates of OpenQASM 3 as factors: small matrices under controls, and their modifiers ``ctrl``, ``inv`` and ``pow``.

A gate that a program defines is the product of the factors of its body, whatever it is called. The built-in ``U`` has a real
corner, ``U(t, f, l)[0, 0] = cos(t/2)``, as Qiskit exports and executes it; the text of the language has ``e^{it/2}`` times
that, a difference that shows only under a control.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stinespring.errors import InputError, TooLargeError
from stinespring.readings import ComplexArray

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.circuit import Gate as QiskitGate

__all__ = ["LIBRARY", "Factor", "append_factor", "controlled", "inverse", "library_factors", "phase_factor", "power"]

Control = tuple[int, bool]
WIDEST_MATRIX = 8  # qubits of a matrix that has no circuit: a power of a product
WIDEST_POWER = 6  # qubits of the product itself
LARGEST_POWER = 1 << 20  # rounding grows with it
UNITARY = 1e-9  # how far rounding may take a power from unitary
LIBRARY: Mapping[str, tuple[str, int]] = {  # the language's library: the kind of factor, and how many controls
    **{name: (name, 0) for name in ("p", "x", "y", "z", "h", "s", "sdg", "t", "tdg", "sx", "rx", "ry", "rz", "id", "swap")},
    **{f"c{name}": (name, 1) for name in ("x", "y", "z", "h", "p", "rx", "ry", "rz", "swap")},
    **{"phase": ("p", 0), "cphase": ("p", 1), "u1": ("p", 0), "u2": ("u", 0), "u3": ("u", 0)},
    **{"CX": ("x", 1), "ccx": ("x", 2), "cu": ("u", 1)},
}
ANGLES: Mapping[str, int] = {"p": 1, "rx": 1, "ry": 1, "rz": 1, "u": 3, "u2": 2, "cu": 4}
INVERSE: Mapping[str, str] = {"s": "sdg", "sdg": "s", "t": "tdg", "tdg": "t", "sx": "sxdg", "sxdg": "sx"}
OWN_INVERSE = frozenset({"x", "y", "z", "h", "id", "swap"})
ADDITIVE = frozenset({"p", "rx", "ry", "rz", "phase"})


class Factor(NamedTuple):
    """One operation on ``targets`` that happens where every control has its value.

    Attributes:
        kind: of the library without its controls, ``u``, ``phase`` (a global phase, on no target), or ``matrix``.
        angles: in radians.
        targets: qubits.
        controls: qubits and the values they must have.
        matrix: of kind ``matrix``; the first target is least significant.
    """

    kind: str
    angles: tuple[float, ...]
    targets: tuple[int, ...]
    controls: tuple[Control, ...] = ()
    matrix: ComplexArray | None = None

    @property
    def wires(self) -> tuple[int, ...]:
        """All qubits."""
        return (*self.targets, *(qubit for qubit, _ in self.controls))


def phase_factor(angle: float) -> Factor:
    """Return a global phase."""
    return Factor("phase", (angle,), ())


def gate_sizes(name: str) -> tuple[int, int]:
    """Return how many angles and qubits a gate of the library, or ``U``, has."""
    kind, controls = LIBRARY.get(name, ("u", 0))
    return ANGLES.get(name, ANGLES.get(kind, 0)), controls + (2 if kind == "swap" else 1)


def library_factors(name: str, angles: Sequence[float], qubits: Sequence[int]) -> list[Factor]:
    """Return a gate of the library, or ``U``.

    Raises:
        InputError: other numbers of angles and qubits.
    """
    if (len(angles), len(qubits)) != gate_sizes(name):
        wanted = gate_sizes(name)
        raise InputError(
            f"gate {name} is called wrongly",
            got=f"{len(angles)} angles, {len(qubits)} qubits",
            expected=f"{wanted[0]} angles, {wanted[1]} qubits",
        )
    kind, count = LIBRARY.get(name, ("u", 0))
    on, controls = tuple(qubits[count:]), tuple([(qubit, True) for qubit in qubits[:count]])
    if name == "u2":
        angles = (math.pi / 2, *angles)
    if name == "cu":
        return [Factor("phase", (angles[3],), (), controls), Factor("u", tuple(angles[:3]), on, controls)]
    return [Factor(kind, tuple(angles), on, controls)]


def controlled(factors: Sequence[Factor], controls: Sequence[Control]) -> list[Factor]:
    """Return the factors under more controls."""
    return [factor._replace(controls=(*controls, *factor.controls)) for factor in factors]


def inverse(factors: Sequence[Factor]) -> list[Factor]:
    """Return the inverse of a product."""
    return [_inverted(factor) for factor in reversed(factors)]


def _inverted(factor: Factor) -> Factor:
    if factor.kind in OWN_INVERSE:
        return factor
    if factor.kind in INVERSE:
        return factor._replace(kind=INVERSE[factor.kind])
    if factor.kind == "u":
        theta, phi, lam = factor.angles
        return factor._replace(angles=(-theta, -lam, -phi))
    if factor.kind in ADDITIVE:
        return factor._replace(angles=(-factor.angles[0],))
    return factor._replace(matrix=_matrix(factor).conj().T)


def power(factors: Sequence[Factor], exponent: float, *, most: int) -> list[Factor]:
    """Return ``U^k``; where ``k`` is a fraction its principal value, with eigenvalues ``e^{ik w}``, ``-pi < w <= pi``.

    Args:
        factors: the product.
        exponent: k.
        most: how many factors there may be.

    Raises:
        TooLargeError: too many factors, or a fraction of a product on more than six qubits.
        InputError: an exponent above 2^20, also of nested powers.
    """
    if abs(exponent) > LARGEST_POWER:
        raise too_large(exponent)
    if not factors or exponent == 0:
        return []
    whole = float(exponent).is_integer()
    if len(factors) == 1:
        [factor] = factors
        if factor.kind in ADDITIVE and whole:
            if abs(factor.angles[0] * exponent) > LARGEST_POWER:
                raise too_large(exponent)
            return [factor._replace(angles=(factor.angles[0] * exponent,))]
        if factor.kind == "phase":
            return [factor._replace(angles=(math.remainder(factor.angles[0], math.tau) * exponent,))]
        return [factor._replace(kind="matrix", angles=(), matrix=_matrix_power(_matrix(factor), exponent))]
    if whole and abs(exponent) * len(factors) <= min(most, 1 << 12):
        return list(factors if exponent > 0 else inverse(factors)) * int(abs(exponent))
    wires = sorted({wire for factor in factors for wire in factor.wires})
    if len(wires) > WIDEST_POWER:
        if whole and abs(exponent) * len(factors) <= most:
            return list(factors if exponent > 0 else inverse(factors)) * int(abs(exponent))
        raise TooLargeError(
            "a power of a gate is too large", got=f"{len(wires)} qubits", expected=f"at most {WIDEST_POWER} qubits"
        )
    product: ComplexArray = np.eye(1 << len(wires), dtype=np.complex128)
    for factor in factors:
        product = _embedded(factor, wires) @ product
    return [Factor("matrix", (), tuple(wires), (), _matrix_power(product, exponent))]


def too_large(exponent: float) -> InputError:
    """Return what is said of a power whose rounding would show."""
    return InputError(
        "a power of a gate is too large to be accurate", got=exponent, expected=f"at most {LARGEST_POWER:,} in all"
    )


def _matrix(factor: Factor) -> ComplexArray:
    """Return the matrix on the targets, the first one least significant."""
    if factor.matrix is not None:
        return factor.matrix
    if factor.kind == "phase":
        return np.array([[cmath.exp(1j * factor.angles[0])]])
    return np.asarray(_classes(factor.kind)[0](*factor.angles).to_matrix())


def _matrix_power(matrix: ComplexArray, exponent: float) -> ComplexArray:
    """Return the principal power of a unitary matrix."""
    if float(exponent).is_integer():
        base = matrix if exponent > 0 else matrix.conj().T
        result = np.asarray(np.linalg.matrix_power(base, int(abs(exponent))))
        if abs(result @ result.conj().T - np.eye(len(result))).max() > UNITARY:
            raise too_large(exponent)
        return result
    from scipy.linalg import schur

    triangle, basis = schur(matrix, output="complex")
    turns = np.angle(triangle.diagonal())
    turns = np.where(turns < -math.pi + 1e-9, turns + math.tau, turns)  # -1 has the angle pi, however it was rounded
    return np.asarray((basis * np.exp(1j * exponent * turns)) @ basis.conj().T)


def _embedded(factor: Factor, wires: Sequence[int]) -> ComplexArray:
    """Return the matrix of a factor on some qubits, the first one least significant."""
    place = {wire: i for i, wire in enumerate(wires)}
    size, small = 1 << len(wires), _matrix(factor)
    numbers = np.arange(size)
    met = np.ones(size, dtype=bool)
    for qubit, value in factor.controls:
        met &= (numbers >> place[qubit] & 1) == value
    columns = sum((numbers >> place[q] & 1) << i for i, q in enumerate(factor.targets)) + 0 * numbers
    rest = numbers & ~sum(1 << place[q] for q in factor.targets)
    result: ComplexArray = np.diag(np.where(met, 0, 1)).astype(np.complex128)
    for row in range(len(small)):
        rows = rest | sum((row >> i & 1) << place[q] for i, q in enumerate(factor.targets))
        result[rows[met], numbers[met]] += small[row, columns[met]]
    return result


@cache
def _classes(kind: str) -> tuple[type[QiskitGate], ...]:
    """Return Qiskit's class of a kind of factor, and those of the factor under one and two controls."""
    from qiskit.circuit import library

    names = {
        "p": ("PhaseGate", "CPhaseGate"),
        "x": ("XGate", "CXGate", "CCXGate"),
        "y": ("YGate", "CYGate"),
        "z": ("ZGate", "CZGate"),
        "h": ("HGate", "CHGate"),
        "rx": ("RXGate", "CRXGate"),
        "ry": ("RYGate", "CRYGate"),
        "rz": ("RZGate", "CRZGate"),
        "swap": ("SwapGate", "CSwapGate"),
        "id": ("IGate",),
        "s": ("SGate",),
        "sdg": ("SdgGate",),
        "t": ("TGate",),
        "tdg": ("TdgGate",),
        "sx": ("SXGate",),
        "sxdg": ("SXdgGate",),
        "u": ("UGate",),
    }
    return tuple([getattr(library, name) for name in names.get(kind, ())])


def append_factor(circuit: QuantumCircuit, factor: Factor, place: Mapping[int, int]) -> None:
    """Append a factor to a circuit as Qiskit's standard gates (a power of a product as a matrix).

    Args:
        circuit: changed in place.
        factor: what to append.
        place: where each qubit is in the circuit.

    Raises:
        TooLargeError: a matrix on more than eight qubits, controls included.
    """
    from qiskit.circuit.library import UGate, UnitaryGate, XGate

    kind, angles, targets, controls, _ = factor
    classes = _classes(kind)
    if len(classes) > len(controls) and all(value for _, value in controls):
        _put(circuit, classes[len(controls)](*angles), [place[q] for q, _ in controls] + [place[q] for q in targets])
        return
    wires = [place[q] for q, _ in controls]
    zeros = [place[q] for q, value in controls if not value]
    on = [place[q] for q in targets]
    for wire in zeros:
        _put(circuit, XGate(), [wire])
    if kind == "phase":
        _append_phase(circuit, angles[0], wires)
    elif kind == "swap":
        _append_turn(circuit, np.array([[0, 1], [1, 0]]), on[0], [on[1]])
        _append_turn(circuit, np.array([[0, 1], [1, 0]]), on[1], [*wires, on[0]])
        _append_turn(circuit, np.array([[0, 1], [1, 0]]), on[0], [on[1]])
    elif len(on) == 1 and not wires:
        theta, phi, lam, phase = euler_angles(_matrix(factor))
        circuit.global_phase += phase
        _put(circuit, UGate(theta, phi, lam), on)
    elif len(on) == 1:
        _append_turn(circuit, _matrix(factor), on[0], wires)
    else:
        if len(factor.wires) > WIDEST_MATRIX:
            raise TooLargeError(
                "a power of a gate has too many controls",
                got=f"{len(factor.wires)} qubits",
                expected=f"at most {WIDEST_MATRIX} qubits",
            )
        ones = factor._replace(controls=tuple([(q, True) for q, _ in controls]))
        _put(circuit, UnitaryGate(_embedded(ones, factor.wires), check_input=False), [*on, *wires])
    for wire in zeros:
        _put(circuit, XGate(), [wire])


def _put(circuit: QuantumCircuit, gate: QiskitGate, wires: Sequence[int]) -> None:
    from qiskit.circuit import CircuitInstruction

    circuit._append(CircuitInstruction(gate, [circuit.qubits[wire] for wire in wires], ()))


def _append_phase(circuit: QuantumCircuit, angle: float, wires: Sequence[int]) -> None:
    """Append ``e^{i angle}`` where all these qubits are 1."""
    from qiskit.circuit.library import CPhaseGate, MCPhaseGate, PhaseGate

    if not wires:
        circuit.global_phase += math.remainder(angle, math.tau)
    elif len(wires) == 1:
        _put(circuit, PhaseGate(angle), wires)
    elif len(wires) == 2:
        _put(circuit, CPhaseGate(angle), wires)
    else:
        _put(circuit, MCPhaseGate(angle, len(wires) - 1), wires)


def _append_turn(circuit: QuantumCircuit, matrix: ComplexArray, target: int, controls: Sequence[int]) -> None:
    """Append a matrix on one qubit where all controls are 1: ``V diag(e^{ia}, e^{ib}) V^dagger``."""
    from qiskit.circuit.library import UGate
    from scipy.linalg import schur

    triangle, basis = schur(matrix, output="complex")
    a, b = (cmath.phase(entry) for entry in triangle.diagonal())
    theta, phi, lam, _ = euler_angles(basis)
    turned = abs(theta) > 0
    if turned:
        _put(circuit, UGate(-theta, -lam, -phi), [target])
    _append_phase(circuit, a, controls)
    _append_phase(circuit, b - a, [*controls, target])
    if turned:
        _put(circuit, UGate(theta, phi, lam), [target])


def euler_angles(matrix: ComplexArray) -> tuple[float, float, float, float]:
    """Return ``t, f, l, g`` of ``e^{ig} u(t, f, l)``, a unitary matrix on one qubit."""
    (a, b), (c, d) = matrix.tolist()
    theta = 2 * math.atan2(abs(c), abs(a))
    phase = cmath.phase(a) if a else 0.0
    phi = cmath.phase(c) - phase if c else 0.0
    lam = cmath.phase(d) - phase - phi if abs(a) >= abs(c) else cmath.phase(-b) - phase
    return theta, phi, lam, phase
