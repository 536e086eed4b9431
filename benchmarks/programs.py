# SPDX-License-Identifier: Apache-2.0
"""Dynamic programs that are timed: a chain of tokens on one reused qubit, and blocks of qubits that steer each other."""

from __future__ import annotations

import numpy as np

from stinespring.circuits.core.flow import Flow, If, Instruction, Measure, Reset
from stinespring.circuits.core.gates import Gate

__all__ = ["blocks", "chain"]


def chain(*, steps: int, bits: int, window: int, seed: int) -> Flow:
    """Return a chain on one qubit: each bit of a token is an Ry whose angle depends on the last tokens and the bits before it.

    Register ``recent`` holds the last ``window`` tokens, token l in slot ``(l - 1) mod window``; a bit is measured into
    ``t<l>`` and once more into its slot, where it takes the place of the oldest token's bit. Conditions that cannot be met
    are left out.
    """
    size = bits * window
    angles = 2 * np.arccos(np.sqrt(np.random.default_rng(seed).beta(0.8, 0.8, size=(bits, 1 << size))))
    items: list[Instruction] = []
    filled = 0
    for step in range(steps):
        for bit in range(bits):
            if items:
                items.append(Reset((0,)))
            for value in (v for v in range(1 << size) if v & ~filled == 0):
                items.append(If("recent", value, (Gate("ry", (0,), (float(angles[bit, value]),)),)))
            slot = step % window * bits + bit
            items += [Measure((0,), f"t{step + 1}", (bit,)), Measure((0,), "recent", (slot,))]
            filled |= 1 << slot
    tokens = tuple((f"t{step + 1}", bits) for step in range(steps))
    return Flow((("q", 1),), (*tokens, ("recent", size)), tuple(items))


def blocks(*, steps: int, width: int, seed: int) -> Flow:
    """Return blocks of qubits, entangled and measured whole; the outcome chooses the next block's angles.

    One more qubit stays coherent with all of them and is measured at the end.
    """
    random = np.random.default_rng(seed)
    memory, block = width, tuple(range(width))
    items: list[Instruction] = [Gate("h", (memory,))]
    for step in range(steps):
        if step:
            items.append(Reset(block))
            for value in range(1 << width):
                rotations = [Gate("ry", (q,), (float(random.uniform(-np.pi, np.pi)),)) for q in block]
                items.append(If(f"t{step}", value, (*rotations, *(Gate("cx", (q, q + 1)) for q in block[:-1]))))
        items += [Gate("u", (q,), tuple(random.uniform(-np.pi, np.pi, 3).tolist())) for q in (*block, memory)]
        items += [Gate("cz", (q, memory)) for q in block]
        items += [Gate("u", (q,), tuple(random.uniform(-np.pi, np.pi, 3).tolist())) for q in (*block, memory)]
        items += [Gate("cx", (memory, q)) for q in block]
        items.append(Measure(block, f"t{step + 1}", block))
    items.append(Measure((memory,), "m", (0,)))
    registers = (*((f"t{step + 1}", width) for step in range(steps)), ("m", 1))
    return Flow((("block", width), ("memory", 1)), registers, tuple(items))
