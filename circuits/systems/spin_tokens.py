# SPDX-License-Identifier: Apache-2.0
"""Tokens of spins as circuits: one qubit a spin, one Ry a token; |0> is the spin +1, |1> is -1.

A spin in the field h is -1 with probability ``(1 - tanh(beta h)) / 2 = sin^2(theta / 2)``, so ``tan(theta / 2) = e^{-beta h}``.
Spins of one token are independent given the context: no gate entangles them. What the angles are may depend on earlier
tokens: the host looks (a template), classical bits decide (conditions), or qubits do (uniformly controlled rotations).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stinespring.circuits.core.flow import Flow, If, Instruction, Measure, Reset
from stinespring.circuits.core.gates import Gate, Slot
from stinespring.circuits.exact.multiplexer import gray_angles, multiplexed_ry
from stinespring.circuits.qasm.assigned import narrowed
from stinespring.readings import FloatArray

__all__ = ["controlled_tokens", "steered_tokens", "token_angles", "token_template"]

NOTHING = 1e-14  # rotations of at most this angle are rounding, and left out
HISTORY = "h1"


def token_angles(beta_h: FloatArray) -> FloatArray:
    """Return the angles of spins in fields ``beta h``: ``2 arctan e^{-beta h}``, in [0, pi].

    Example:
        >>> token_angles(np.array([0.0, 800.0])).round(6).tolist()
        [1.570796, 0.0]
    """
    with np.errstate(over="ignore"):
        return np.asarray(2.0 * np.arctan(np.exp(-np.asarray(beta_h, dtype=np.float64))))


def token_template(spins: int, name: str = "t1") -> Flow:
    """Return the circuit of one token whose angles ``a0, a1, ...`` are bound by the host, measured into register ``name``."""
    wires = tuple(range(spins))
    gates = tuple(Gate("ry", (i,), (Slot(i),)) for i in wires)
    return Flow(((f"q_{name}", spins),), ((name, spins),), (*gates, Measure(wires, name, wires)))


def controlled_tokens(angles: Sequence[FloatArray]) -> tuple[Flow, float]:
    """Return the circuit of several tokens with quantum controls, measured at the end.

    Args:
        angles: of step l = 1..T, shape (2^(k N), N): by the bits of the k tokens before, the newest one least significant.

    Returns:
        The circuit with quantum registers ``q_t1..q_tT`` and classical registers ``t1..tT``; and a bound on the TVD that
        rotations left out as rounding can cost.
    """
    spins, steps, spent = angles[0].shape[1], len(angles), 0.0
    gates: list[Instruction] = []
    for step, table in enumerate(angles):
        read = (len(table).bit_length() - 1) // spins
        controls = [spins * (step - 1 - back) + i for back in range(read) for i in range(spins)]
        for i in range(spins):
            turned = gray_angles(table[:, i])
            gates += multiplexed_ry([*controls, spins * step + i], turned, negligible=NOTHING)
            spent += float(abs(turned[abs(turned) <= NOTHING]).sum()) / 2.0
    names = [f"t{step}" for step in range(1, steps + 1)]
    for step, name in enumerate(names):
        gates.append(Measure(tuple(range(spins * step, spins * (step + 1))), name, tuple(range(spins))))
    return Flow(tuple((f"q_{n}", spins) for n in names), tuple((n, spins) for n in names), tuple(gates)), spent


def steered_tokens(angles: Sequence[FloatArray], L: int) -> Flow:
    """Return the circuit of several tokens on one token's qubits, each steered by the measured bits of those before.

    A token that depends on one measured token tests that token's register. Where it depends on several, their bits are
    measured a second time into the history ``h1``, a ring of min(L, T - 1) slots that is tested as a whole.

    Args:
        angles: as for :func:`controlled_tokens`.
        L: length of the context.
    """
    spins, steps = angles[0].shape[1], len(angles)
    slots = min(L, steps - 1)
    wires = tuple(range(spins))
    items: list[Instruction] = []
    for step, table in enumerate(angles):
        name, read = f"t{step + 1}", (len(table).bit_length() - 1) // spins
        if step:
            items.append(Reset(wires))
        rows, which, counts = np.unique(table, axis=0, return_inverse=True, return_counts=True)
        common = rows[counts.argmax()]
        items += [Gate("ry", (i,), (float(common[i]),)) for i in wires if common[i] != 0.0]
        for context, row in enumerate(which.ravel().tolist()):
            turns = rows[row] - common
            gates = tuple(Gate("ry", (i,), (float(turns[i]),)) for i in wires if abs(turns[i]) > NOTHING)
            if gates:
                items.append(condition(context, gates, step, read, spins, slots))
        items.append(Measure(wires, name, wires))
        if slots > 1 and step < steps - 1:
            first = spins * (step % slots)
            items.append(Measure(wires, HISTORY, tuple(range(first, first + spins))))
    classical = [(f"t{step}", spins) for step in range(1, steps + 1)]
    if slots > 1:
        classical.append((HISTORY, spins * slots))
    return narrowed(Flow((("q", spins),), tuple(classical), tuple(items)), spare=(HISTORY,) if slots > 1 else ())


def condition(context: int, gates: tuple[Gate, ...], step: int, read: int, spins: int, slots: int) -> If:
    """Return gates that are applied after one context: its ``read`` tokens, the newest in the lowest bits."""
    if read == 1 and (slots == 1 or step == 1):
        return If(f"t{step}", context, gates)
    value = 0
    for back in range(read):
        token = context >> (spins * back) & ((1 << spins) - 1)
        value |= token << (spins * ((step - 1 - back) % slots))
    return If(HISTORY, value, gates)
