# SPDX-License-Identifier: Apache-2.0
"""What a backend really does with measurements in between, resets and conditions: small programs whose outcomes are certain.

That a program is accepted says little: a simulator may apply a reset to a superposition as if it were a gate, or read a bit
that was never collapsed. Each probe relates bits that must agree in every shot, and asks that a fair coin shows both sides, so
that a right backend never fails it but with probability ``2^(1-shots)`` a coin.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from stinespring.backends.seeds import derive_seed
from stinespring.batches import Batch, Item
from stinespring.circuits.core.flow import Flow, If, Instruction, Measure, Reset
from stinespring.circuits.core.gates import Gate
from stinespring.errors import BackendError, InputError
from stinespring.readings import IntArray
from stinespring.stages import Backend

__all__ = ["NEEDS", "Behaviour", "needs", "probe", "require_capable"]

SHOTS = 128
NEEDS = {  # what a program may need -> in words
    "mid_circuit_measurement": "measure a qubit and go on with it",
    "reset": "reset a qubit that was not just measured",
    "measured_reset": "reset a qubit that was just measured",
    "conditions": "apply gates under a condition on a measured bit",
    "repeated_conditions": "measure again after a condition, and test that bit too",
}


class Behaviour(NamedTuple):
    """What was found.

    Attributes:
        found: for each of :data:`NEEDS` whether the probe came out right.
        why: for each that did not, what happened instead.
    """

    found: Mapping[str, bool]
    why: Mapping[str, str]


@dataclass(frozen=True)
class CertainProgram:
    """A program on three qubits with bits ``a``, ``b``, ``c``, and what must hold for them in every shot."""

    name: str
    instructions: tuple[Instruction, ...]
    holds: Callable[[IntArray, IntArray, IntArray], IntArray]
    coins: str


def measure(qubit: int, register: str) -> Measure:
    """Return the measurement of one qubit into a one-bit register."""
    return Measure((qubit,), register, (0,))


H = tuple(Gate("h", (qubit,)) for qubit in range(3))
X = tuple(Gate("x", (qubit,)) for qubit in range(3))
COPY = Gate("cx", (0, 1))
LATER = (measure(1, "b"), measure(2, "c"))
PROBES = (
    CertainProgram(  # after the measurement the second H makes a new coin, and the copy keeps the first
        "mid_circuit_measurement",
        (H[0], measure(0, "a"), COPY, H[0], measure(0, "c"), measure(1, "b")),
        lambda a, b, c: a == b,
        "ac",
    ),
    CertainProgram(  # a reset of half a Bell pair leaves the other half a coin, and a third qubit as it is
        "reset",
        (H[0], COPY, X[2], Reset((0,)), H[1], measure(0, "a"), *LATER),
        lambda a, b, c: (a == 0) & (c == 1),
        "b",
    ),
    CertainProgram(
        "measured_reset",
        (H[0], COPY, X[2], measure(0, "a"), Reset((0,)), Gate("cx", (0, 2)), *LATER),
        lambda a, b, c: (a == b) & (c == 1),
        "a",
    ),
    CertainProgram(
        "conditions",
        (H[0], measure(0, "a"), If("a", 1, (X[1],)), If("a", 0, (X[2],)), *LATER),
        lambda a, b, c: (a == b) & (a != c),
        "a",
    ),
    CertainProgram(  # the second coin is tossed and tested after the first condition
        "repeated_conditions",
        (H[0], measure(0, "a"), If("a", 1, (X[2],)), H[1], measure(1, "b"), If("b", 1, (X[2],)), measure(2, "c")),
        lambda a, b, c: (a ^ b) == c,
        "ab",
    ),
)


def probe(backend: Backend, *, shots: int = SHOTS, seed: int = 1) -> Behaviour:
    """Return what a backend does rightly.

    Args:
        backend: that takes any circuit.
        shots: of each of five programs.
        seed: root of their seeds.
    """
    found, why = {}, {}
    for number, one in enumerate(PROBES):
        message = wrong(one, backend, shots, seed + number)
        found[one.name] = message is None
        if message is not None:
            why[one.name] = message
    return Behaviour(found, why)


def wrong(one: CertainProgram, backend: Backend, shots: int, seed: int) -> str | None:
    """Return what a backend does wrongly with one probe; None if nothing."""
    flow = Flow((("q", 3),), (("a", 1), ("b", 1), ("c", 1)), one.instructions)
    try:
        [outcomes] = backend.sample(Batch((Item(flow.circuit(), None, np.array([shots])),), (seed,)), derive_seed(seed))
    except (InputError, BackendError) as error:
        return f"it is refused: {error.what}"
    a, b, c = (outcomes.column(name) for name in "abc")
    rate = float(outcomes.counts[~one.holds(a, b, c).astype(bool)].sum()) / shots
    if rate > 0:
        return f"{rate:.0%} of the outcomes are wrong"
    stuck = [name for name in one.coins if len(set(outcomes.column(name).tolist())) == 1]
    return "a fair coin always shows the same side" if stuck else None


def needs(flow: Flow) -> list[str]:
    """Return which of :data:`NEEDS` a program has.

    Example:
        >>> needs(Flow((("q", 1),), (("a", 1),), (Gate("h", (0,)), measure(0, "a"), Reset((0,)))))
        ['measured_reset']
    """
    asked, measured, steered = set[str](), set[int](), False
    written = set[tuple[str, int]]()  # bits measured after a condition
    for item in flow.instructions:
        if isinstance(item, Measure):
            measured.update(item.qubits)
            if steered:
                written.update((item.register, bit) for bit in item.bits)
        elif isinstance(item, Reset):
            asked.add("measured_reset" if measured.issuperset(item.qubits) else "reset")
            measured.difference_update(item.qubits)
        else:
            qubits = {q for gate in item.gates for q in gate.qubits} if isinstance(item, If) else set(item.qubits)
            if measured & qubits:
                asked.add("mid_circuit_measurement")
                measured -= qubits
            if isinstance(item, If):
                asked.add("conditions")
                if any(register == item.register and item.bit in (None, bit) for register, bit in written):
                    asked.add("repeated_conditions")
                steered = True
    return [name for name in NEEDS if name in asked]


def require_capable(flow: Flow, behaviour: Behaviour, name: str) -> None:
    """Refuse a program that needs what a backend was seen not to do.

    Raises:
        InputError: naming what the backend cannot do, what it does instead and which schedule avoids it.
    """
    missing = [need for need in needs(flow) if not behaviour.found[need]]
    if missing:
        raise InputError(
            f"{name} does not run this program rightly",
            got="; ".join(f"to {NEEDS[need]}: {behaviour.why[need]}" for need in missing),
            expected="programs without that",
            todo="use --schedule static or --schedule stepwise, or --backend aer",
        )
