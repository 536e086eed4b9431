# SPDX-License-Identifier: Apache-2.0
"""The law of sampled layers on the sphere, and of overlap tests, from the dynamics alone.

A layer's sum ``x_i +- h (sum_j k_ij V x_j / Z_i + u(x_i))`` is post-selected: with the 1-norm lambda of its coefficients the
success has probability ``|sum|^2 / lambda^2``, and the register then holds the particle after one Euler step. Several layers in
one circuit succeed together with the product, r rounds of amplification turn p into ``sin^2((2r+1) asin sqrt p)``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from stinespring.errors import InputError
from stinespring.models.sphere.dynamics import Dynamics, Moment
from stinespring.models.sphere.model import SphereModel
from stinespring.models.sphere.schemes import Euler
from stinespring.readings import FloatArray, Outcomes
from stinespring.stages import Table

__all__ = [
    "ANCILLA",
    "LayerStep",
    "SphereLaw",
    "X",
    "best_rounds",
    "circuit_law",
    "flags_of",
    "overlap_law",
    "steps_of",
    "tally",
]  # fmt: skip

IMPOSSIBLE = 1e-12  # probabilities up to this are rounding
MOST_ROUNDS = 64
X, FLAG, ANCILLA = "x1", "flag", "a"  # the registers of the particle, of failures, and of an overlap test


class LayerStep(NamedTuple):
    """One particle's layer.

    Attributes:
        after: the particle after it, a unit vector, shape (d,).
        success: probability of the post-selection.
    """

    after: FloatArray
    success: float


def steps_of(model: SphereModel, particles: Sequence[int], layers: int) -> list[dict[int, LayerStep]]:
    """Return for each layer the step of each particle; all particles move together between layers.

    Raises:
        InputError: a kernel that overflows, or a sum without direction.
    """
    dynamics, take, result = Dynamics(model, sums="direct"), Euler(model.step), []
    now = dynamics(model.particles)
    for _ in range(layers):
        after = take(dynamics, now)
        norms = one_norms(dynamics, now)
        field = now.field if model.field == "projected" else now.drift
        lengths = np.linalg.norm(now.x + model.sign * model.step * field, axis=1)
        success = (lengths / norms) ** 2
        result.append({i: LayerStep(after.x[i], float(success[i])) for i in particles})
        now = after
    return result


def one_norms(dynamics: Dynamics, now: Moment) -> FloatArray:
    """Return the 1-norm of each particle's sum of unit vectors, shape (n,).

    The terms are x_i, V x_j for every j, and the neurons' output vectors. The projected field ``P_x y = y - <x, y> x`` takes
    its part along x_i from the first coefficient.
    """
    model, x = dynamics.model, now.x
    h = model.sign * model.step
    own = np.ones(len(x))
    if model.field == "projected":
        own -= h * np.einsum("ij,ij->i", x, now.drift)
    if model.moves_values:
        assert model.value is not None
        attention = kernel(model, x) @ np.linalg.norm(x @ model.value.T, axis=1)
    else:
        attention = now.weight + now.held  # positive, and of unit vectors
    total = abs(own) + abs(h) * attention
    if model.perceptron is not None:
        p = model.perceptron
        total += abs(h) * (abs(p.coefficients(x)) @ np.linalg.norm(p.output, axis=1))
    return np.asarray(total)


def kernel(model: SphereModel, x: FloatArray) -> FloatArray:
    """Return ``k_ij / Z_i``, shape (n, n)."""
    turned = x if model.query is None else x @ model.query.T
    other = x if model.key is None else x @ model.key.T
    scores = model.beta * turned @ other.T
    if model.normalise == "SA":
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        return np.asarray(weights / weights.sum(axis=1, keepdims=True))
    return np.asarray(np.exp(scores - (model.beta if model.kernel == "scaled" else 0.0)) / model.n)


def best_rounds(success: float) -> int:
    """Return the rounds of amplification that bring the success closest to 1 without passing it."""
    theta = math.asin(math.sqrt(min(1.0, success)))
    return min(MOST_ROUNDS, max(0, math.floor(math.pi / (4 * theta) - 0.5 + 1e-9)))


class CircuitLaw(NamedTuple):
    """The law of one circuit.

    Attributes:
        registers: that must be 0, all of them, for the reading to count.
        values: the register whose value then counts; empty: none.
        probabilities: of its values, and last of failure.
    """

    registers: tuple[str, ...]
    values: str
    probabilities: FloatArray


def flags_of(layers: int) -> tuple[str, ...]:
    """Return the registers that are 0 where every layer of a circuit succeeded."""
    return (FLAG,) if layers == 1 else tuple(f"{FLAG}{layer}" for layer in range(1, layers + 1))


def circuit_law(steps: Sequence[LayerStep], rounds: int | Literal["auto"], read: str) -> CircuitLaw:
    """Return the law of the value of ``x1`` together with success, and of failure.

    Args:
        steps: of the circuit's layers.
        rounds: of amplification.
        read: ``amplitudes`` (x1 is the particle's coordinate), ``fidelity`` (0 with certainty) or ``nothing``.
    """
    success = math.prod(step.success for step in steps)
    turns = best_rounds(success) if rounds == "auto" else rounds
    if turns:
        success = math.sin((2 * turns + 1) * math.asin(math.sqrt(min(1.0, success)))) ** 2
    after = steps[-1].after
    state = np.zeros(max(2, 1 << (len(after) - 1).bit_length()))
    state[: len(after)] = after**2
    if read == "fidelity":
        state = np.eye(1, len(state))[0]
    law = success * (state if read != "nothing" else np.ones(1))
    return CircuitLaw(flags_of(len(steps)), "" if read == "nothing" else X, cleaned(np.append(law, 1.0 - success)))


def overlap_law(overlaps: FloatArray, test: str) -> SphereLaw:
    """Return the law of the ancilla of every pair: 0 with probability ``(1 + o) / 2``, of a swap test ``(1 + o^2) / 2``."""
    if test not in ("hadamard", "swap"):
        raise InputError("unknown test", got=test, expected="hadamard or swap")
    exact = overlaps if test == "hadamard" else overlaps**2
    laws = [CircuitLaw((ANCILLA,), "", cleaned(np.array([(1 + o) / 2, (1 - o) / 2]))) for o in exact.tolist()]
    return SphereLaw(tuple(laws), test="pairs")


def cleaned(law: FloatArray) -> FloatArray:
    """Return a law without the probabilities that are rounding alone."""
    kept = np.where(law > IMPOSSIBLE, law, 0.0)
    return np.asarray(kept / kept.sum())


@dataclass(frozen=True, eq=False)
class SphereLaw:
    """The law of several circuits.

    Attributes:
        circuits: in order.
        test: what they are tested as.
    """

    circuits: tuple[CircuitLaw, ...]
    test: str = "circuits"

    def tables(self, seen: Sequence[Outcomes]) -> Iterator[Table]:
        """Yield one table with a row a circuit, or several where circuits read different numbers of values.

        Raises:
            InputError: a register that was not read.
        """
        rows: dict[int, list[tuple[FloatArray, FloatArray]]] = {}
        for circuit, outcomes in zip(self.circuits, seen, strict=True):
            rows.setdefault(len(circuit.probabilities), []).append((tally(circuit, outcomes), circuit.probabilities))
        for found in rows.values():
            yield Table(self.test, np.array([row for row, _ in found]), np.array([law for _, law in found]))


def tally(circuit: CircuitLaw, outcomes: Outcomes) -> FloatArray:
    """Return the counts of each value with success, and last of failures."""
    wanted = [*circuit.registers, *([circuit.values] if circuit.values else [])]
    missing = [name for name in wanted if name not in outcomes.registers]
    if missing:
        raise InputError("a register was not read", got=", ".join(outcomes.registers), expected=", ".join(missing))
    good = np.all([outcomes.column(name) == 0 for name in circuit.registers], axis=0)
    size = len(circuit.probabilities) - 1
    values = outcomes.column(circuit.values) if circuit.values else np.zeros(len(good), dtype=np.int64)
    return np.bincount(np.where(good, values, size), weights=outcomes.counts, minlength=size + 1).astype(np.float64)
