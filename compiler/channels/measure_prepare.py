# SPDX-License-Identifier: Apache-2.0
"""Channels that read their input like a classical word: measure the system itself, and prepare what follows from it.

``E(rho) = sum_i <psi_i|rho|psi_i> sigma_i`` with an orthonormal basis psi and states sigma needs no gate between the system
and an ancilla: the system is turned into the basis (up to phases), measured, reset and prepared again; which pure state
of a mixed sigma is prepared is decided by an ancilla that is measured like a coin. Entanglement-breaking channels of projective
measurements and replacement channels (all sigma equal: a reset instead of the measurement) are of this kind.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stinespring.circuits.channels.isometry import isometry_gates
from stinespring.circuits.channels.round import up_to_diagonal
from stinespring.circuits.core.flow import Flow, If, Instruction, Measure, Reset
from stinespring.circuits.core.gates import Gate
from stinespring.circuits.qasm.assigned import narrowed
from stinespring.models.channels.cptp import CPTP
from stinespring.readings import ComplexArray

__all__ = ["measure_and_prepare_flow"]

SAME = 1e-13  # largest deviation of a channel that counts as this form
NOTHING = 1e-14  # eigenvalues of a state up to this are zero


class Prepared(NamedTuple):
    """A basis, columns psi_i, and the states that follow, shape (2^m, 2^n, 2^n)."""

    basis: ComplexArray
    states: ComplexArray


def measure_and_prepare_flow(channel: CPTP, *, effort: float, seed: int) -> Flow | None:
    """Return the program of a channel of this form, or None.

    Args:
        channel: any channel.
        effort: about the seconds of search for the preparations.
        seed: of the search.
    """
    if channel.rank < 1 << channel.inputs:  # every word measured and every state prepared has operators of its own
        return None
    found = recognised(channel)
    if found is None:
        return None
    m, n = channel.inputs, channel.outputs
    width = max(m, n)
    instructions: list[Instruction] = []
    same = abs(found.states - found.states[0]).max() < SAME
    words = 1 if same else 1 << m
    read = 0 if same else m
    mixtures = [eigenstates(found.states[word]) for word in range(words)]
    coins = max((len(weights) - 1).bit_length() for weights, _ in mixtures)
    if not same:
        instructions += basis_change(found.basis)
        instructions.append(Measure(tuple(range(m)), "outcome", tuple(range(m))))
    instructions.append(Reset(tuple(range(width if same else m))))
    for flip in range(coins):
        instructions += flips(mixtures, flip, ancilla=width, read=read)
        instructions.append(Measure((width,), "outcome", (read + flip,)))
        if flip < coins - 1:
            instructions.append(Reset((width,)))
    prepared: dict[int, tuple[Gate, ...]] = {}
    for word, (_, states) in enumerate(mixtures):
        for index, state in enumerate(states):
            gates = isometry_gates(state.reshape(1, -1, 1), effort=effort / (words * len(states)), seed=seed)
            prepared[word | index << read] = tuple(gates)
    instructions += chosen(prepared, conditional=read + coins > 0)
    classical = (("outcome", read + coins),) if read + coins else ()
    return narrowed(Flow((("sys", width), ("env", 1 if coins else 0)), classical, tuple(instructions)))


def recognised(channel: CPTP) -> Prepared | None:
    """Return the basis and the states if the channel is of this form.

    The dual map sends every observable to one that is diagonal in the basis, so the image of a generic one has it as its
    eigenbasis.
    """
    outputs, inputs = channel.kraus.shape[1:]
    rng = np.random.default_rng(0)
    generic = rng.normal(size=(2, outputs, outputs))
    observable = generic[0] + 1j * generic[1]
    observable = observable + observable.conj().T
    dual = np.einsum("aji,jk,akl->il", channel.kraus.conj(), observable, channel.kraus, optimize=True)
    if abs(dual - np.trace(dual) / inputs * np.eye(inputs)).max() < SAME:
        basis = np.eye(inputs, dtype=np.complex128)
    else:
        _, basis = np.linalg.eigh(dual)
        if abs(dual - np.diag(np.diag(dual))).max() < SAME:
            basis = np.eye(inputs, dtype=np.complex128)
    turned = channel.kraus @ basis
    images = np.einsum("aix,aly->xyil", turned, turned.conj(), optimize=True)
    off = images.copy()
    off[np.arange(inputs), np.arange(inputs)] = 0
    if abs(off).max() > SAME:
        return None
    return Prepared(basis, images[np.arange(inputs), np.arange(inputs)])


def basis_change(basis: ComplexArray) -> list[Gate]:
    """Return gates that take psi_i to the basis state i, up to phases."""
    if abs(abs(basis) - np.eye(len(basis))).max() < SAME:
        return []
    return up_to_diagonal(basis.conj().T)


def eigenstates(rho: ComplexArray) -> tuple[list[float], list[ComplexArray]]:
    """Return the probabilities and the pure states of a density matrix."""
    values, vectors = np.linalg.eigh(rho)
    keep = [i for i in reversed(range(len(values))) if values[i] > NOTHING]
    total = sum(float(values[i]) for i in keep)
    return [float(values[i]) / total for i in keep], [vectors[:, i] for i in keep]


def flips(mixtures: list[tuple[list[float], list[ComplexArray]]], flip: int, *, ancilla: int, read: int) -> list[Instruction]:
    """Return the rotation of the coin that decides bit ``flip`` of a pure state's number, given the bits before."""
    rotations: dict[int, tuple[Gate, ...]] = {}
    for word, (weights, _) in enumerate(mixtures):
        for low in range(1 << flip):
            mass = [sum(w for i, w in enumerate(weights) if i & (1 << flip + 1) - 1 == low | bit << flip) for bit in (0, 1)]
            if mass[1] > 0:
                angle = 2 * float(np.arctan2(np.sqrt(mass[1]), np.sqrt(mass[0])))
                rotations[word | low << read] = (Gate("ry", (ancilla,), (angle,)),)
    return chosen(rotations, conditional=read + flip > 0)


def chosen(blocks: dict[int, tuple[Gate, ...]], *, conditional: bool) -> list[Instruction]:
    """Return gates under conditions on ``outcome``, or as they are where there is nothing to ask."""
    if not conditional:
        return list(blocks.get(0, ()))
    return [If("outcome", value, gates) for value, gates in sorted(blocks.items()) if gates]
