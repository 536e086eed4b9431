# SPDX-License-Identifier: Apache-2.0
"""The prompt registers of an input state: the phases of its amplitudes, and copies that take coherence away."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stinespring.circuits.core.gates import Gate
from stinespring.circuits.exact.multiplexer import gray_code, walsh_hadamard
from stinespring.circuits.exact.signed_state import SCHMIDT, real_state
from stinespring.errors import TooLargeError
from stinespring.models.texts.fock import InputState
from stinespring.readings import FloatArray, IntArray, Register

__all__ = ["copied", "copy_gates", "phase_gates", "whole_gates"]

NEGLIGIBLE = 1e-15  # radians
MOST_QUBITS = 16


def phase_gates(state: InputState, registers: Sequence[Register], wires: Sequence[int]) -> list[Gate]:
    """Return the diagonal ``|w> -> e^{i arg a_w} |w>`` on the texts of a state; what it does to other texts is open.

    Args:
        state: the amplitudes a_w.
        registers: ``p1..pn``.
        wires: all their qubits, those of the first register first, least significant first.
    """
    phases = np.angle(state.amplitudes)
    if abs(phases).max(initial=0.0) <= NEGLIGIBLE:
        return []
    codes, width = text_codes(state, registers)
    kept = telling_bits(codes, phases, width)
    if len(kept) > MOST_QUBITS:
        raise TooLargeError(
            "the phases of the input state depend on too many qubits",
            got=f"{len(kept)} qubits",
            expected=f"at most {MOST_QUBITS}",
            todo="use --phases free, which keeps the law of the measured tokens",
        )
    values = np.zeros(1 << len(kept))
    values[sum(((codes >> bit & 1) << i for i, bit in enumerate(kept)), np.zeros_like(codes))] = phases
    return diagonal_gates(values, [wires[bit] for bit in kept])


def text_codes(state: InputState, registers: Sequence[Register]) -> tuple[IntArray, int]:
    """Return the code of each text over all registers, the first one least significant, and the number of their qubits."""
    codes, width = np.zeros(len(state.texts), dtype=np.int64), 0
    for column, register in enumerate(registers):
        codes |= register.code_of(state.texts[:, column]) << width
        width += register.size
    return codes, width


def whole_gates(state: InputState, registers: Sequence[Register], wires: Sequence[int], *, fitted: bool) -> list[Gate] | None:
    """Return gates that take |0> to a state as a whole, phases included; None if it has too many qubits.

    Args:
        state: the amplitudes; of a mixture the roots of its probabilities.
        registers: ``p1..pn``.
        wires: all their qubits, those of the first register first, least significant first.
        fitted: whether Newton's method may be used.
    """
    codes, width = text_codes(state, registers)
    if width not in SCHMIDT:
        return None
    turned = state.amplitudes * np.exp(-1j * np.angle(state.amplitudes[np.argmax(abs(state.amplitudes))]))
    real = bool((abs(turned.imag) <= NEGLIGIBLE * abs(turned)).all())
    vector = np.zeros(1 << width)
    vector[codes] = np.sqrt(state.weights) * (np.sign(turned.real) if real else 1.0)
    gates = list(real_state(vector / np.linalg.norm(vector), wires, fitted=fitted))
    return gates if real else [*gates, *phase_gates(state, registers, wires)]


def telling_bits(codes: IntArray, phases: FloatArray, width: int) -> list[int]:
    """Return few bits of the codes that tell the phase."""
    kept = list(range(width))
    for bit in reversed(range(width)):
        fewer = [b for b in kept if b != bit]
        key = sum((1 << b for b in fewer), 0)
        _, first, where = np.unique(codes & key, return_index=True, return_inverse=True)
        if abs(phases[first][where.ravel()] - phases).max() <= NEGLIGIBLE:
            kept = fewer
    return kept


def diagonal_gates(phases: FloatArray, wires: Sequence[int]) -> list[Gate]:
    """Return ``diag(e^{i phases})`` up to a global phase: uniformly controlled Rz, the highest qubit first.

    A uniformly controlled Rz takes half the difference of neighbouring phases, and leaves their mean to the qubits below.
    """
    gates: list[Gate] = []
    for target in reversed(range(len(wires))):
        low, high = phases.reshape(2, -1)
        gates += controlled_rz(high - low, wires[:target], wires[target])
        phases = (low + high) / 2
    return gates


def controlled_rz(angles: FloatArray, controls: Sequence[int], target: int) -> list[Gate]:
    """Return ``Rz(angles[x])`` on the target for every x of the controls, in Gray order; zero coefficients cost nothing."""
    code = gray_code(len(controls))
    coefficients = walsh_hadamard(angles)[code]
    gates, parity = [], 0
    for walsh, angle in zip(code.tolist(), coefficients.tolist(), strict=True):
        if abs(angle) > NEGLIGIBLE:
            gates += toggles(parity ^ walsh, controls, target)
            gates.append(Gate("rz", (target,), (angle,)))
            parity = walsh
    return gates + toggles(parity, controls, target)


def toggles(flips: int, controls: Sequence[int], target: int) -> list[Gate]:
    """Return the CX that change the parity a target holds."""
    return [Gate("cx", (control, target)) for bit, control in enumerate(controls) if flips >> bit & 1]


def copied(registers: Sequence[Register], state: InputState | None) -> list[tuple[int, int]]:
    """Return (register, bit) of every prompt qubit that is not the same in all texts: those whose copies dephase the prompt."""
    result = []
    for column, register in enumerate(registers):
        symbols = range(len(register.symbols)) if state is None else np.unique(state.texts[:, column])
        codes = [register.symbols.index(int(s)) for s in symbols if int(s) in register.symbols]
        result += [(column, bit) for bit in range(register.size) if len({code >> bit & 1 for code in codes}) > 1]
    return result


def copy_gates(sources: Sequence[int], copies: Sequence[int]) -> list[Gate]:
    """Return one CX a qubit."""
    return [Gate("cx", (source, copy)) for source, copy in zip(sources, copies, strict=True)]
