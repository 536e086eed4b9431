# SPDX-License-Identifier: Apache-2.0
"""Small laws over general circuits: all outcome bits at once, found numerically.

A CZ between two outcome wires brings four parameters and one from a context wire two, so fewer CZ can do than bit by bit.
The circuit is ``Ry`` on every outcome wire, then CZ, each followed by ``Rz Ry`` on the outcome wires that it touches; before
the CZ the rotation about z would be the same as after it, so this is every circuit up to phases.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from stinespring.circuits.descent import descend
from stinespring.circuits.gates import Gate
from stinespring.circuits.multiplexer import FloatArray, IntArray
from stinespring.circuits.sequence import BoolArray, ComplexArray
from stinespring.circuits.sequence_fit import fit, solve_work

__all__ = ["joint_circuit"]

ACCEPT = 1e-12
LEAST_MASS = 3e-4  # residuals are divided by the square root of the probability, but of no smaller one
ITERATIONS, FEWEST_ITERATIONS = 120, 10
STEP_COST, ELEMENT_COST = 9e-5, 1.2e-8  # modelled seconds of a rotation and of a complex element in it
INNER_SHARE = 0.3  # of CZ between two outcome wires if there is a context
BATCH_ELEMENTS = 6000
MOST_STARTS = 24
CONTEXT_SHRINK = 0.12  # share of CZ taken off after a success, where the counting bound is out of reach


@dataclass(frozen=True)
class JointFit:
    """The equations ``(P - p) / sqrt p = 0`` of a pattern of CZ, in a batch of starts.

    Attributes:
        pairs: wires of each CZ, two outcome wires or a context wire and an outcome wire; context wires come first.
        width: M, the number of context wires.
        target: wanted laws, shape (S, X, 2^k), the X rows that matter; each start may have codes of its own.
        contexts: the context of each row, shape (X,).
    """

    pairs: tuple[tuple[int, int], ...]
    width: int
    target: FloatArray
    contexts: IntArray

    @property
    def size(self) -> int:
        """Number of outcome wires."""
        return int(self.target.shape[-1]).bit_length() - 1

    def steps(self) -> list[tuple[str, tuple[int, ...], int]]:
        """Return name, wires and number of the parameter of every gate."""
        steps: list[tuple[str, tuple[int, ...], int]] = [("ry", (self.width + q,), q) for q in range(self.size)]
        count = self.size
        for pair in self.pairs:
            steps.append(("cz", pair, -1))
            for wire in pair:
                if wire >= self.width:
                    steps += [("rz", (wire,), count), ("ry", (wire,), count + 1)]
                    count += 2
        return steps

    def signs(self, pair: tuple[int, ...]) -> FloatArray:
        """Return the diagonal of a CZ for every row, shape (X, 2^k)."""
        word = self.contexts[:, None] + (np.arange(1 << self.size) << self.width)
        return np.where((word >> pair[0]) & (word >> pair[1]) & 1, -1.0, 1.0)

    def evaluate(self, params: FloatArray, *, jacobian: bool) -> tuple[FloatArray, FloatArray | None]:
        """Return residuals and their derivatives.

        With E the product of the later gates of a row, a rotation ``exp(-i w S / 2)`` has ``da/dw = E (-i S / 2) psi`` on the
        state psi after it: one sweep back carries E.
        """
        starts, rows, size = self.target.shape
        state = np.zeros((starts, rows, size), dtype=np.complex128)
        state[..., 0] = 1
        after: list[ComplexArray] = []
        steps = self.steps()
        for name, wires, number in steps:
            angle = params[:, number]
            state = state * self.signs(wires) if name == "cz" else rotate(state, name, wires[0] - self.width, angle)
            after.append(state)
        weight = 1 / np.sqrt(np.maximum(self.target, LEAST_MASS))
        error = ((abs(state) ** 2 - self.target) * weight).reshape(starts, -1)
        if not jacobian:
            return error, None
        result = np.empty((starts, rows * size, params.shape[1]))
        later = np.broadcast_to(np.eye(size, dtype=np.complex128), (starts, rows, size, size))
        bra = 2 * state.conj() * weight
        half_turn = np.full(starts, np.pi)  # the generator is half a turn more: R(pi) = -i S
        for (name, wires, number), psi in zip(reversed(steps), reversed(after), strict=True):
            if name == "cz":
                later = later * self.signs(wires)[:, None]
                continue
            moved = rotate(psi, name, wires[0] - self.width, half_turn) / 2
            result[:, :, number] = (bra * (later @ moved[..., None])[..., 0]).real.reshape(starts, -1)
            # E G acts on columns: rows of E through the transpose of G, which for Ry is its inverse
            angle = params[:, number]
            later = rotate(later, name, wires[0] - self.width, -angle if name == "ry" else angle)
        return error, result

    def keep(self, index: IntArray) -> JointFit:
        """Return the problem for some of the starts."""
        return replace(self, target=self.target[index])

    def work(self, starts: int) -> float:
        """Return the modelled seconds of one iteration."""
        _, rows, size = self.target.shape
        steps = self.steps()
        width = steps[-1][2] + 1
        sweep = len(steps) * (STEP_COST + ELEMENT_COST * starts * rows * size**2)
        return float(sweep + solve_work(starts, rows * size, width))

    def gates(self, params: FloatArray) -> list[Gate]:
        """Return the circuit of one start."""
        return [Gate(name, wires, () if number < 0 else (float(params[number]),)) for name, wires, number in self.steps()]


def rotate(state: ComplexArray, name: str, qubit: int, angle: FloatArray) -> ComplexArray:
    """Apply one rotation to the last axis of ``state``, with an angle for each start."""
    view = state.reshape(state.shape[0], -1, 2, 1 << qubit)
    half = angle[:, None, None] / 2
    result = np.empty_like(view)
    if name == "rz":
        phase = np.exp(-1j * half)
        result[:, :, 0], result[:, :, 1] = phase * view[:, :, 0], phase.conj() * view[:, :, 1]
    else:
        cos, sin = np.cos(half), np.sin(half)
        result[:, :, 0] = cos * view[:, :, 0] - sin * view[:, :, 1]
        result[:, :, 1] = sin * view[:, :, 0] + cos * view[:, :, 1]
    return result.reshape(state.shape)


def random_pairs(count: int, *, width: int, size: int, rng: np.random.Generator) -> tuple[tuple[int, int], ...]:
    """Return a pattern: without a context random pairs, else a ruler order for every target and pairs in between."""
    inner = round(INNER_SHARE * count) if width and size > 1 else 0 if width else count
    places = set(np.round(np.linspace(min(1, count - 1), count - 1, inner)).astype(np.int64).tolist())
    order, counter = rng.permutation(width), (1 + rng.integers(4, size=size)).tolist()
    pairs: list[tuple[int, int]] = []
    turn = 0
    for i in range(count):
        if i in places or not width:
            a, b = np.sort(rng.permutation(size)[:2]).tolist()
            while size > 2 and pairs and pairs[-1] == (a + width, b + width):
                a, b = np.sort(rng.permutation(size)[:2]).tolist()
            pairs.append((a + width, b + width))
            continue
        target = turn % size
        ruler = (counter[target] & -counter[target]).bit_length() - 1
        pairs.append((int(order[(ruler + target) % width]), target + width))
        counter[target] += 1
        turn += 1
    return tuple(pairs)


def joint_circuit(
    law: FloatArray, care: BoolArray, *, limit: int, bound: int, free_codes: bool, effort: float, seed: int
) -> tuple[list[Gate], IntArray] | None:
    """Return a circuit with fewer than ``limit`` CZ and the code of every outcome, or None if none is found.

    Args:
        law: shape (2^M, 2^k), k >= 2; works best with full support.
        care: rows that matter, shape (2^M,).
        limit: CZ of the circuit that is known.
        bound: CZ at which there are as many parameters as equations.
        free_codes: whether every start may draw codes of its own.
        effort: about the seconds of search, counted in operations.
        seed: of the search.
    """
    width, size = law.shape[0].bit_length() - 1, law.shape[1].bit_length() - 1
    contexts = np.flatnonzero(care)
    starts = max(1, min(MOST_STARTS, BATCH_ELEMENTS // (contexts.size << (2 * size))))

    def attempt(length: int, left: float, rng: np.random.Generator) -> tuple[tuple[list[Gate], IntArray] | None, float]:
        codes = np.tile(np.arange(law.shape[1]), (starts, 1))
        if free_codes:
            codes = rng.permuted(codes, axis=1)
        target = np.empty((starts, contexts.size, law.shape[1]))
        np.put_along_axis(target, codes[:, None], law[None, contexts], axis=2)
        problem = JointFit(random_pairs(length, width=width, size=size, rng=rng), width, target, contexts)
        iterations = int(min(ITERATIONS, left / problem.work(starts)))
        if iterations < FEWEST_ITERATIONS:
            return None, left
        number = problem.steps()[-1][2] + 1
        start = rng.normal(size=(starts, number)) if width else rng.uniform(-np.pi, np.pi, (starts, number))
        fitted = fit(problem, start, iterations=iterations, goal=ACCEPT / 10, cull=True)
        if fitted.error.min() > ACCEPT:
            return None, fitted.work
        return (problem.gates(fitted.params[fitted.best]), codes[fitted.starts[fitted.best]]), fitted.work

    first, shrink = (limit - 1, CONTEXT_SHRINK) if width else (bound, 0.0)
    return descend(attempt, first=first, least=max(1, width), limit=limit, effort=effort, seed=seed, shrink=shrink)
