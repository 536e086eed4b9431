# SPDX-License-Identifier: Apache-2.0
"""Layers on the sphere, sampled: amplitudes, fidelities, overlaps and the energy, each against its analytic value.

Three steps that any backend can drive: :func:`layer_programs` gives circuits, :func:`sample_layers` runs them and counts, and
:func:`judge_layers` says what the counts mean.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from stinespring.backends.base import Backend, device_of
from stinespring.backends.registry import open_backend
from stinespring.backends.seeds import derive_seed, root_seed
from stinespring.checks.statistics.tables import judge_tables
from stinespring.checks.texts.verdict import require_shares
from stinespring.circuits.core.flow import Flow, Measure
from stinespring.circuits.core.gates import append
from stinespring.circuits.systems.linear_combination import hadamard_test, overlap_angles, padded, swap_test
from stinespring.compiler.devices.target import lower
from stinespring.compiler.systems.sphere import SphereProgram, compile_sphere
from stinespring.errors import InputError, TooLargeError
from stinespring.models.sphere.dynamics import Dynamics
from stinespring.models.sphere.measure import require_energy
from stinespring.models.sphere.model import SphereModel
from stinespring.models.sphere.perceptron import ACTIVATIONS
from stinespring.models.sphere.schemes import Euler
from stinespring.models.texts.joint import require_count
from stinespring.readings import FloatArray, IntArray
from stinespring.stages import Verdict

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = ["EnergyVerdict", "OverlapVerdict", "check_overlaps", "judge_layers", "layer_programs", "sample_layers"]

IMPOSSIBLE = 1e-12  # probabilities up to this are rounding
MOST_PAIRS = 20_000
POWER = 1.281552  # normal quantile of 0.9


def layer_programs(
    model: SphereModel, particles: Sequence[int], *, layers: int = 1, schedule: str = "static", amplify: int | str = 0
) -> list[SphereProgram]:
    """Return the circuits that test particles: for each its amplitudes, and its fidelity with the analytic state.

    Amplitudes show no signs; after the inverse preparation of the analytic state the register is 0 if and only if the state
    is right, signs included. With ``stepwise`` every layer is a circuit of its own: the host moves the particles and
    re-prepares them, so that the list has one pair of circuits for each particle and layer.
    """
    if schedule != "stepwise":
        return [
            compile_sphere(model, particle=i, layers=layers, schedule=schedule, amplify=amplify, read=read)
            for i in particles
            for read in ("amplitudes", "fidelity")
        ]
    result, dynamics, take = [], Dynamics(model, sums="direct"), Euler(model.step)
    moment = dynamics(model.particles)
    for layer in range(layers):
        result += layer_programs(model.at(moment.x), particles, amplify=amplify)
        if layer + 1 < layers:
            moment = take(dynamics, moment)
    return result


def sample_layers(
    programs: Sequence[SphereProgram], *, backend: str | Backend = "aer", shots: int, seed: int | None = None
) -> IntArray:
    """Return counts for each program: of each value of x together with success, and last of failures; (S, 2^q + 1)."""
    shots, sampler, root = require_count(shots, "shots"), open_backend(backend), root_seed(seed)
    rows = []
    for number, program in enumerate(programs):
        [values] = sampler.sample(fitted(program.circuit, sampler), None, shots, derive_seed(root, number))
        rows.append(program.tally(values))
    return np.array(rows)


def fitted(circuit: QuantumCircuit, backend: Backend) -> QuantumCircuit:
    """Return the circuit lowered to the backend's device, if it has one."""
    device = device_of(backend)
    return circuit if device is None else lower(circuit, device)


def judge_layers(
    programs: Sequence[SphereProgram], counts: IntArray, *, alpha: float = 0.001, resolution: float = 0.05
) -> Verdict:
    """Return the verdict of one G-test over all programs; an outcome of probability 0 is a FAIL."""
    require_shares(alpha, resolution)
    law = np.array([np.append(p.law(), 1.0 - p.law().sum()) for p in programs])
    law = np.where(law > IMPOSSIBLE, law, 0.0)
    return judge_tables(
        counts.astype(np.float64), law / law.sum(axis=1, keepdims=True), alpha=alpha, resolution=resolution,
        what=f"{len(programs)} circuits",
    )  # fmt: skip


@dataclass(frozen=True)
class EnergyVerdict:
    """The energy from sampled overlaps.

    Attributes:
        verdict: FAIL if the estimate is further from its expectation than chance allows at ``alpha``; UNVERIFIED if a deviation
            of ``resolution`` times the energy's size would not have been seen with power 0.9.
        estimate: from the sampled overlaps.
        analytic: the energy itself.
        expected: mean of the estimate under the analytic overlaps; it differs from the energy by a bias of order 1/shots,
            because the energy is no linear function of overlaps. Exact sums over binomial laws.
        standard_deviation: of the estimate, from the same sums.
        p_value: two-sided, normal approximation to a sum over independent pairs.
    """

    verdict: Literal["PASS", "FAIL", "UNVERIFIED"]
    estimate: float
    analytic: float
    expected: float
    standard_deviation: float
    p_value: float


@dataclass(frozen=True)
class OverlapVerdict:
    """Sampled overlaps beside the analytic ones.

    Attributes:
        test: hadamard (``<u|v>`` with its sign) or swap (``<u|v>^2``).
        pairs: number of pairs of states.
        sampled: what the test gives for each pair, shape (B,).
        analytic: its exact value, shape (B,).
        overlaps: the verdict on the counts of all pairs.
        energy: the verdict on the energy; None for the swap test and outside the gradient case.
    """

    test: str
    pairs: int
    sampled: FloatArray
    analytic: FloatArray
    overlaps: Verdict
    energy: EnergyVerdict | None

    @property
    def verdict(self) -> str:
        """The worse of the two verdicts."""
        found = [self.overlaps.verdict, *([] if self.energy is None else [self.energy.verdict])]
        return next(v for v in ("FAIL", "UNVERIFIED", "PASS") if v in found)

    def summary(self) -> dict[str, Any]:
        """Return the figures that ``sphere overlaps --json`` prints."""
        return self.overlaps.summary() | {
            "verdict": self.verdict, "test": self.test, "pairs": self.pairs, "sampled": self.sampled.tolist(),
            "analytic": self.analytic.tolist(), "energy": None if self.energy is None else asdict(self.energy),
        }  # fmt: skip


def pairs_of(model: SphereModel) -> tuple[FloatArray, FloatArray]:
    """Return the pairs of unit vectors that the energy needs: particles i < j, then each particle with each neuron."""
    x = model.particles
    i, j = np.triu_indices(model.n, 1)
    first, second = x[i], x[j]
    if model.perceptron is not None:
        a = model.perceptron.directions
        norms = np.linalg.norm(a, axis=1)
        unit = np.where(norms[:, None] > 0, a / np.where(norms > 0, norms, 1.0)[:, None], np.eye(1, model.d))
        first = np.concatenate([first, np.repeat(x, len(a), axis=0)])
        second = np.concatenate([second, np.tile(unit, (model.n, 1))])
    return first, second


def check_overlaps(
    model: SphereModel, *, test: str = "hadamard", shots: int, seed: int | None = None, backend: str | Backend = "aer",
    alpha: float = 0.001, resolution: float = 0.05,
) -> OverlapVerdict:  # fmt: skip
    """Sample the overlaps of all particles with each other and with the neurons, and judge them and the energy.

    Args:
        model: particles and perceptron; at most 20,000 pairs.
        test: ``hadamard`` or ``swap``.
        shots: for each pair.
        seed: the same seed gives the same counts.
        backend: where the circuits run.
        alpha: the false-alarm rate.
        resolution: the mean TVD, and the relative error of the energy, that a PASS must be able to detect.
    """
    require_shares(alpha, resolution)
    shots = require_count(shots, "shots")
    if test == "hadamard" and model.is_gradient:
        require_energy(model)
    first, second = pairs_of(model)
    if not 0 < len(first) <= MOST_PAIRS:
        raise TooLargeError("the pairs cannot be sampled", got=f"{len(first):,} pairs", expected=f"1 to {MOST_PAIRS:,}")
    zeros = overlap_counts(padded(first), padded(second), test, open_backend(backend), shots, root_seed(seed))
    overlap = np.clip(np.einsum("ij,ij->i", first, second), -1.0, 1.0)
    exact = overlap if test == "hadamard" else overlap**2
    law = np.stack([(1 + exact) / 2, (1 - exact) / 2], axis=1)
    law = np.where(law > IMPOSSIBLE, law, 0.0)
    verdict = judge_tables(
        np.stack([zeros, shots - zeros], axis=1).astype(np.float64), law / law.sum(axis=1, keepdims=True), alpha=alpha,
        resolution=resolution, what=f"{len(first)} pairs",
    )  # fmt: skip
    energy = judge_energy(model, zeros, exact, shots, alpha, resolution) if test == "hadamard" and model.is_gradient else None
    return OverlapVerdict(test, len(first), 2.0 * zeros / shots - 1.0, exact, verdict, energy)


def overlap_counts(u: FloatArray, v: FloatArray, test: str, backend: Backend, shots: int, root: int) -> IntArray:
    """Return how often the ancilla is 0 for each pair of states, shape (B,).

    All pairs of the Hadamard test share one template whose angles are bound; a swap test prepares both states apart.
    """
    size = u.shape[1].bit_length() - 1
    if test == "hadamard":
        from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
        from qiskit.circuit import ParameterVector

        angles = overlap_angles(u, v)
        template = QuantumCircuit(QuantumRegister(size + 1, "q"), ClassicalRegister(1, "a"))
        append(template, hadamard_test(size), list(ParameterVector("t", angles.shape[1])))
        template.measure(size, 0)
        results = backend.sample(fitted(template, backend), angles, shots, derive_seed(root, 0))
        return np.array([int((values["a"] == 0).sum()) for values in results])
    if test != "swap":
        raise InputError("unknown test", got=test, expected="hadamard or swap")
    counts = []
    for number, (one, other) in enumerate(zip(u, v, strict=True)):
        gates = swap_test(one, other)
        flow = Flow((("q", 2 * size), ("ancilla", 1)), (("a", 1),), (*gates, Measure((2 * size,), "a", (0,))))
        [values] = backend.sample(fitted(flow.circuit(), backend), None, shots, derive_seed(root, number))
        counts.append(int((values["a"] == 0).sum()))
    return np.array(counts)


def energy_terms(model: SphereModel, overlap: FloatArray, pair: int) -> FloatArray:
    """Return what a pair adds to the energy if its overlap has these values; pairs are numbered as in :func:`pairs_of`."""
    couples = model.n * (model.n - 1) // 2
    if pair < couples:
        shift = 1.0 if model.kernel == "scaled" else 0.0
        return np.exp(model.beta * (overlap - shift)) / (model.beta * model.n**2)
    assert model.perceptron is not None
    neuron = (pair - couples) % len(model.perceptron.weights)
    length = float(np.linalg.norm(model.perceptron.directions[neuron]))
    value = ACTIVATIONS[model.perceptron.activation].primitive(length * overlap)
    return np.asarray(0.5 * model.perceptron.weights[neuron] * value / model.n)


def judge_energy(
    model: SphereModel, zeros: IntArray, exact: FloatArray, shots: int, alpha: float, resolution: float
) -> EnergyVerdict:
    """Return the verdict on the energy that the sampled overlaps give."""
    from scipy.stats import binom, norm

    shift = 0.0 if model.kernel == "scaled" else model.beta
    alone = math.exp(shift) / (2.0 * model.beta * model.n)  # the pairs (i, i), whose overlap is 1
    estimate = expected = analytic = alone
    variance = size = 0.0
    for pair, (count, value) in enumerate(zip(zeros.tolist(), exact.tolist(), strict=True)):
        p = (1.0 + value) / 2.0
        spread = 12.0 * math.sqrt(shots * p * (1 - p)) + 30.0
        k = np.arange(max(0, math.floor(shots * p - spread)), min(shots, math.ceil(shots * p + spread)) + 1)
        terms, weights = energy_terms(model, 2.0 * k / shots - 1.0, pair), binom.pmf(k, shots, p)
        mean = float(weights @ terms)
        expected += mean
        variance += float(weights @ (terms - mean) ** 2)
        estimate += float(energy_terms(model, np.array([2.0 * count / shots - 1.0]), pair)[0])
        true = float(energy_terms(model, np.array([value]), pair)[0])
        analytic, size = analytic + true, size + abs(true)
    deviation = math.sqrt(variance)
    off = abs(estimate - expected)
    p_value = float(off <= IMPOSSIBLE * (alone + size)) if deviation == 0 else float(2 * norm.sf(off / deviation))
    seen = (float(norm.isf(alpha / 2)) + POWER) * deviation <= resolution * (alone + size)
    verdict: Literal["PASS", "FAIL", "UNVERIFIED"] = "FAIL" if p_value < alpha else "PASS" if seen else "UNVERIFIED"
    return EnergyVerdict(verdict, estimate, analytic, expected, deviation, p_value)
