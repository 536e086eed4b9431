# SPDX-License-Identifier: Apache-2.0
"""Dynamic programs of the tests, and the p-value of samples under the exact law from the independent interpreter.

The test is a G-test; its false-alarm rate is 1e-6. Outcomes of probability zero must not occur at all.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from scipy.stats import chi2

from oracles.qasm_runner import distribution
from stinespring.circuits.core.flow import Flow, If, Measure, Reset
from stinespring.circuits.core.gates import Gate
from stinespring.compiler.export.qasm import flow_qasm
from stinespring.readings import Outcomes

ALPHA = 1e-6
RARE = 5.0  # expected counts below which outcomes are pooled


def p_value(outcomes: Outcomes, flow) -> float:
    """Return the p-value of the joint values of all registers under the exact law; 0 if something impossible occurred."""
    names = [name for name, _ in flow.classical]
    law = distribution(flow_qasm(flow), names)
    found = Counter(dict(zip(map(tuple, outcomes.of(names).values.tolist()), outcomes.of(names).counts.tolist(), strict=True)))
    shots = outcomes.shots
    if any(law.get(outcome, 0.0) < 1e-12 for outcome in found):
        return 0.0
    common = [outcome for outcome, p in law.items() if p * shots >= RARE]
    observed = np.array([found[o] for o in common] + [shots - sum(found[o] for o in common)], dtype=float)
    expected = np.array([law[o] * shots for o in common] + [shots * max(0.0, 1 - sum(law[o] for o in common))])
    if expected[-1] < RARE:  # also where rounding leaves a trace of nothing
        observed, expected = observed[:-1], expected[:-1]
    seen = observed > 0
    statistic = 2 * float((observed[seen] * np.log(observed[seen] / expected[seen])).sum())
    return float(chi2.sf(max(statistic, 0.0), len(expected) - 1)) if len(expected) > 1 else 1.0


def ry(angle: float, qubit: int = 0) -> Gate:
    return Gate("ry", (qubit,), (angle,))


def chain(steps: int, window: int, bits: int = 1) -> Flow:
    """Tokens on one qubit, bit by bit; register `recent` is a rolling buffer of the last tokens."""
    size = bits * window
    angles = np.random.default_rng(bits).uniform(0.4, np.pi - 0.4, (bits, 1 << size))
    items = []
    for step in range(steps):
        for bit in range(bits):
            items += [Reset((0,)), *(If("recent", v, (ry(float(angles[bit, v])),)) for v in range(1 << size))]
            items += [Measure((0,), f"t{step + 1}", (bit,)), Measure((0,), "recent", (step % window * bits + bit,))]
    return Flow((("q", 1),), (*((f"t{s + 1}", bits) for s in range(steps)), ("recent", size)), tuple(items))


def coherent(steps: int) -> Flow:
    """One qubit that stays coherent and is weakly measured through another, whose outcome steers both."""
    items = [Gate("h", (0,))]
    for step in range(steps):
        items += [ry(0.9, 1), Gate("cx", (0, 1)), ry(-0.5, 1), Measure((1,), "m", (step,)), Reset((1,))]
        items += [If("m", 1, (ry(0.7), Gate("cz", (0, 1))), bit=step), If("m", 0, (Gate("u", (0,), (0.3, 1.0, 0.2)),))]
    return Flow((("q", 2),), (("m", steps), ("last", 1)), (*items, Gate("h", (0,)), Measure((0,), "last", (0,))))


def wide(qubits: int) -> Flow:
    """Many entangled qubits, one of them measured on the way."""
    items = [Gate("h", (0,)), *(Gate("cx", (q, q + 1)) for q in range(qubits - 1)), Measure((0,), "a", (0,))]
    turned = [ry(0.3 + 0.01 * q, q) for q in range(qubits)]
    items += [If("a", 1, (Gate("x", (0,)),)), *turned, Measure(tuple(range(qubits)), "b", tuple(range(qubits)))]
    return Flow((("q", qubits),), (("a", 1), ("b", qubits)), tuple(items))
