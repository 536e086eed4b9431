# SPDX-License-Identifier: Apache-2.0
"""Two-qubit unitaries from Cartan's form, without rounding what is nearly special.

Qiskit's decomposer takes a unitary within 1e-9 (in fidelity) of a product for a product, an error of up to 3e-5 for weak noise.
"""

from __future__ import annotations

import numpy as np

from stinespring.circuits.core.gates import Gate
from stinespring.circuits.core.one_qubit import u_gate, wire_gates
from stinespring.readings import ComplexArray

__all__ = ["two_qubit_gates", "without_zz"]

QUARTER = np.pi / 2
VANISHES = 2e-14  # interactions by a smaller angle are left out


def two_qubit_gates(unitary: ComplexArray) -> list[Gate]:
    """Return gates of a 4 x 4 unitary ``(K1 (x) K1') exp(i (a XX + b YY + c ZZ)) (K2 (x) K2')``.

    They take two CX if c = 0, of which (pi/4, 0, 0) needs one, and three otherwise.

    Source:
        quant-ph/0308006, figure 6; quant-ph/0308033 for two.
    """
    from qiskit.synthesis import TwoQubitWeylDecomposition

    form = TwoQubitWeylDecomposition(unitary, fidelity=None)
    a, b, c = (float(x) for x in (form.a, form.b, form.c))
    before = u_gate(0, np.asarray(form.K2r)) + u_gate(1, np.asarray(form.K2l))
    after = u_gate(0, np.asarray(form.K1r)) + u_gate(1, np.asarray(form.K1l))
    if max(abs(a), abs(b), abs(c)) <= VANISHES:
        core: list[Gate] = []
    elif max(abs(a - QUARTER / 2), abs(b), abs(c)) <= VANISHES:
        # CX is exp(i pi/4 (1 - Z)(1 - X)) for the first wire's Z, which H carries to X
        turns = [Gate("rz", (0,), (-QUARTER,)), Gate("u", (1,), (-QUARTER, -QUARTER, QUARTER))]
        core = [Gate("h", (0,)), Gate("cx", (0, 1)), *turns, Gate("h", (0,))]
    elif abs(c) <= VANISHES:
        # CX carries X_0 to XX and Z_1 to ZZ, and a quarter turn around X carries ZZ to YY
        turned = [Gate("u", (q,), (QUARTER, -QUARTER, QUARTER)) for q in (0, 1)]
        back = [Gate("u", (q,), (-QUARTER, -QUARTER, QUARTER)) for q in (0, 1)]
        inner = [Gate("u", (0,), (-2 * a, -QUARTER, QUARTER)), Gate("rz", (1,), (-2 * b,))]
        core = [*turned, Gate("cx", (0, 1)), *inner, Gate("cx", (0, 1)), *back]
    else:
        core = [
            Gate("rz", (1,), (QUARTER,)),
            Gate("cx", (0, 1)),
            Gate("rz", (1,), (QUARTER - 2 * c,)),
            Gate("ry", (0,), (2 * b - QUARTER,)),
            Gate("cx", (1, 0)),
            Gate("ry", (0,), (QUARTER - 2 * a,)),
            Gate("cx", (0, 1)),
            Gate("rz", (0,), (-QUARTER,)),
        ]
    return wire_gates([*before, *core, *after], 2)


def without_zz(unitary: ComplexArray) -> tuple[float, ComplexArray]:
    """Return t and V of ``U = V exp(-i t/2 Z (x) Z)``, where V takes two CX.

    Two suffice where the trace of ``V Y V^T Y``, Y = sigma_y (x) sigma_y, is real for V in SU(4) (quant-ph/0308045). Where the
    second wire is in |0>, the factor is ``Rz(t)`` on the first.
    """
    flip = np.diag([-1.0, 1.0, 1.0, -1.0])[::-1]
    special = unitary / np.linalg.det(unitary) ** 0.25
    even, odd = np.diag([1.0, 0.0, 0.0, 1.0]), np.diag([0.0, 1.0, 1.0, 0.0])
    outer, inner = (np.trace(special @ part @ flip @ special.T @ flip) for part in (even, odd))
    # exp(i t/2 ZZ) on the right multiplies the first trace by exp(i t) and the second by exp(-i t)
    angle = float(np.arctan2(outer.imag + inner.imag, inner.real - outer.real))
    return angle, unitary * np.exp(0.5j * angle * np.array([1.0, -1.0, -1.0, 1.0]))
