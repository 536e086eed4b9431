# SPDX-License-Identifier: Apache-2.0
"""Noisy circuits with density matrices, plainly: loops over histories, matrices of all qubits, errors by formulas of our own.

Shares nothing with the package but the figures of a calibration. A gate is followed by a depolarising channel and then by the
relaxation of each of its qubits during it; the depolarising one makes up what relaxation lacks of the gate's infidelity.
"""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np

GATES = {
    "x": lambda: np.array([[0, 1], [1, 0]], complex),
    "sx": lambda: np.array([[1 + 1j, 1 - 1j], [1 - 1j, 1 + 1j]]) / 2,
    "rz": lambda a: np.diag([np.exp(-0.5j * a), np.exp(0.5j * a)]),
    "id": lambda: np.eye(2, dtype=complex),
    "cz": lambda: np.diag([1, 1, 1, -1]).astype(complex),
}


def embedded(matrix, on, n):
    """A matrix of all qubits; qubit 0 is the least significant bit, as is the first of ``on``."""
    size, result = 1 << n, np.zeros((1 << n, 1 << n), complex)
    for column in range(size):
        code = sum((column >> q & 1) << i for i, q in enumerate(on))
        rest = column & ~sum(1 << q for q in on)
        for row_code in range(1 << len(on)):
            row = rest | sum((row_code >> i & 1) << q for i, q in enumerate(on))
            result[row, column] += matrix[row_code, code]
    return result


def relaxation(qubit, seconds):
    """Kraus operators of damping by T1 and dephasing by T2."""
    t1, t2 = qubit.t1, min(qubit.t2, 2 * qubit.t1)
    decay, coherence = 1 - math.exp(-seconds / t1), math.exp(-seconds / t2)
    lost = 1 - coherence**2 / (1 - decay)  # what pure dephasing leaves of coherence, squared
    damped = [np.diag([1, math.sqrt(1 - decay)]), np.array([[0, math.sqrt(decay)], [0, 0]])]
    phases = [math.sqrt((1 + math.sqrt(1 - lost)) / 2) * np.eye(2), math.sqrt((1 - math.sqrt(1 - lost)) / 2) * np.diag([1, -1])]
    return [a @ b for a in phases for b in damped]


def infidelity(kraus):
    """One minus the average fidelity."""
    dim = len(kraus[0])
    process = sum(abs(np.trace(k)) ** 2 for k in kraus) / dim**2
    return 1 - (dim * process + 1) / (dim + 1)


def after_gate(rho, n, figures, qubits):
    """The errors that follow a gate."""
    if figures is None or not figures.qubits or figures.duration is None:
        return rho
    on, dim = figures.qubits, 2 ** len(figures.qubits)
    each = [relaxation(qubits[q], figures.duration) for q in on]
    whole = [np.eye(1)]
    for kraus in each:
        whole = [np.kron(b, a) for a in whole for b in kraus]
    lacking = (figures.error or 0.0) - infidelity(whole)
    if lacking > 0:
        mixed = dim * lacking / (dim * (1 - infidelity(whole)) - 1)
        rho = (1 - mixed) * rho + mixed * replaced(rho, on, n)
    for q, kraus in zip(on, each):
        rho = sum(embedded(k, [q], n) @ rho @ embedded(k, [q], n).conj().T for k in kraus)
    return rho


def replaced(rho, on, n):
    """The state with some of its qubits replaced by the maximally mixed one."""
    paulis = [np.eye(2), np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]]), np.diag([1, -1])]
    for q in on:
        rho = sum(embedded(p, [q], n) @ rho @ embedded(p, [q], n).conj().T for p in paulis) / 4
    return rho


def law(circuit, calibration):
    """The probabilities of the values of all classical bits, by tuples; conditions see the bits as they were read."""
    n, dt = circuit.num_qubits, calibration.dt
    start = np.zeros((1 << n, 1 << n), complex)
    start[0, 0] = 1
    found = {(0,) * circuit.num_clbits: start}
    for item in circuit.data:
        on = [circuit.find_bit(q).index for q in item.qubits]
        made = defaultdict(lambda: np.zeros_like(start))
        for bits, rho in found.items():
            if item.operation.name == "measure":
                bit = circuit.find_bit(item.clbits[0]).index
                for outcome in (0, 1):
                    projector = embedded(np.diag([1 - outcome, outcome]), on, n)
                    for read in (0, 1):
                        key = (*bits[:bit], read, *bits[bit + 1 :])
                        made[key] += calibration.qubits[on[0]].readout[outcome][read] * (projector @ rho @ projector)
            elif item.operation.name == "if_else":
                tested, value = item.operation.condition
                places = [circuit.find_bit(b).index for b in (tested if hasattr(tested, "__len__") else [tested])]
                holds = sum(bits[p] << i for i, p in enumerate(places)) == int(value)
                block = item.operation.blocks[0] if holds else (*item.operation.blocks, None)[1]
                for inner in block.data if block is not None else ():
                    rho = done(rho, inner.operation, [on[block.find_bit(q).index] for q in inner.qubits], n, calibration)
                made[bits] += rho
            else:
                made[bits] += done(rho, item.operation, on, n, calibration, dt)
        found = made
    return {bits: float(np.trace(rho).real) for bits, rho in found.items()}


def done(rho, operation, on, n, calibration, dt=None):
    """A gate, a delay in dt or a reset, with its errors."""
    if operation.name == "barrier":
        return rho
    if operation.name == "delay":
        kraus = relaxation(calibration.qubits[on[0]], operation.duration * dt)
        return sum(embedded(k, on, n) @ rho @ embedded(k, on, n).conj().T for k in kraus)
    if operation.name == "reset":
        down = [np.diag([1, 0]), np.array([[0, 1], [0, 0]])]
        rho = sum(embedded(k, on, n) @ rho @ embedded(k, on, n).conj().T for k in down)
    else:
        unitary = embedded(GATES[operation.name](*map(float, operation.params)), on, n)
        rho = unitary @ rho @ unitary.conj().T
    return after_gate(rho, n, calibration.figures(operation.name, *on), calibration.qubits)
