"""Sampled layers and overlaps: right ones pass, wrong ones fail; the energy's error bars by simulation.

Where no circuit is needed counts are drawn by NumPy from plain loops over the formulas, which share nothing with the package.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from oracles import plain_sphere as plain
from stinespring.backends.execute import sample_body
from stinespring.backends.registry import open_backend
from stinespring.checks.sphere.sphere import check_energy, check_layers, check_overlaps, overlaps_summary
from stinespring.circuits.systems.linear_combination import Combination
from stinespring.compiler.systems import sphere_layer
from stinespring.compiler.systems.overlaps import compile_overlaps
from stinespring.compiler.systems.sphere import compile_sphere
from stinespring.errors import InputError
from stinespring.models.sphere.asked import SphereAsked
from stinespring.models.sphere.files import random_model
from stinespring.readings import Outcomes
from stinespring.stages import Samples

KINDS = [
    {},
    {"field": "raw"},
    {"normalise": "USA", "kernel": "scaled", "direction": "ascent"},
    {"perceptron": None, "field": "raw", "normalise": "USA"},
]


@pytest.fixture(scope="module")
def model():
    return random_model(particles=4, dimension=3, beta=1.5, hidden=2, seed=5, direction="descent", step=0.3, normalise="SA")


def run(model, asked, shots, seed):
    """Samples of the compiled circuits."""
    program = (compile_overlaps if asked.overlaps else compile_sphere)(model, asked)
    seen = sample_body(program.body, open_backend("aer"), shots, seed)
    return Samples(model, asked, program.body.outcomes(seen, shots))


def plain_layers(model, particles, shots, seed):
    """Samples of one layer by the plain loops: amplitudes and fidelity of each particle."""
    rng, outcomes = np.random.default_rng(seed), []
    for i in particles:
        after, success = plain.layers(model.content(), model.particles.tolist(), i, 1)
        for state in ([x * x for x in after] + [0.0], [1.0, 0.0, 0.0, 0.0]):
            counts = rng.multinomial(shots, [*(success * p for p in state), 1 - success])
            columns = {"flag": np.array([0, 0, 0, 0, 1]), "x1": np.array([0, 1, 2, 3, 0])}
            outcomes.append(Outcomes.tallied(columns, counts))
    return Samples(model, SphereAsked(tuple(particles)), tuple(outcomes))


def plain_pairs(model):
    """The overlaps of particles i < j, then of each particle with each neuron."""
    xs, p = model.particles.tolist(), model.perceptron
    pairs = [plain.dot(xs[i], xs[j]) for i in range(len(xs)) for j in range(i + 1, len(xs))]
    return pairs + [plain.dot(x, plain.unit(a)) for x in xs for a in ([] if p is None else p.directions.tolist())]


def plain_overlaps(model, shots, seed, read="hadamard", judged=None):
    """Samples of overlap tests by the plain loops, to be judged as those of another model if one is given."""
    exact = np.array([o if read == "hadamard" else o * o for o in plain_pairs(model)])
    return counted(judged or model, np.random.default_rng(seed).binomial(shots, (1 + exact) / 2), shots, read)


def counted(model, zeros, shots, read="hadamard"):
    outcomes = [Outcomes.tallied({"a": np.array([0, 1])}, np.array([k, shots - k])) for k in zeros.tolist()]
    return Samples(model, SphereAsked((), read=read), tuple(outcomes))


@pytest.mark.parametrize(
    "options", [{}, {"rounds": 1}, {"layers": 2}, {"layers": 2, "schedule": "dynamic"}, {"layers": 2, "schedule": "stepwise"}]
)
def test_right_circuits_pass(model, options):
    """Five verdicts at false-alarm rate 1e-7, seeds fixed."""
    asked = SphereAsked((0, 2), **options)
    samples = run(model, asked, 12_000, 11)
    verdict = check_layers(samples, alpha=1e-7)
    assert verdict.verdict == "PASS", verdict.reason
    rows = verdict.figures["circuits"]
    assert [sum(row["counts"]) + row["failures"] for row in rows] == [12_000] * len(samples.outcomes)
    assert [(row["particle"], row["read"]) for row in rows] == [(c.particle, c.read) for c in asked.circuits]
    assert all(sum(row["law"]) == pytest.approx(row["success_probability"]) for row in rows)


@pytest.mark.parametrize("choices", KINDS, ids=str)
def test_right_counts_pass(model, choices):
    """Four verdicts on counts from plain loops at false-alarm rate 1e-7, seeds fixed."""
    chosen = replace(model, **choices)
    verdict = check_layers(plain_layers(chosen, [0, 3], 40_000, 2), alpha=1e-7)
    assert verdict.verdict == "PASS", verdict.reason


@pytest.mark.parametrize("choices", KINDS, ids=str)
def test_a_compiler_with_wrong_coefficients_fails(model, choices, monkeypatch):
    """Attention and neurons times -2 in the compiler: the law is the dynamics' own, so that the samples are found wrong."""
    right = sphere_layer.layer_combination

    def wrong(model, i):
        made = right(model, i)
        return Combination(np.append(made.coefficients[:1], -2.0 * made.coefficients[1:]), made.vectors)

    monkeypatch.setattr(sphere_layer, "layer_combination", wrong)
    samples = run(replace(model, **choices), SphereAsked((0,)), 100_000, 3)
    assert check_layers(samples, resolution=0.1).verdict == "FAIL"


def test_wrong_counts_fail(model):
    """Another step gives other amplitudes; a wrong sign is seen by the fidelity alone, as an outcome of probability 0."""
    other = plain_layers(replace(model, step=0.6), [0], 20_000, 1)
    assert check_layers(replace(other, source=model)).verdict == "FAIL"
    right = plain_layers(model, [0], 2000, 1)
    signs = Outcomes.tallied({"flag": np.array([0]), "x1": np.array([1])}, np.array([3]))
    wrong = replace(right, outcomes=(right.outcomes[0], right.outcomes[1] + signs))
    assert check_layers(wrong).verdict == "FAIL" and "probability 0" in check_layers(wrong).reason
    few = check_layers(plain_layers(model, [0], 30, 3), alpha=1e-7, resolution=0.02)
    assert few.verdict == "UNVERIFIED"
    with pytest.raises(InputError):
        check_layers(right, alpha=0.0)


@pytest.mark.parametrize("kernel", ["plain", "scaled"])
def test_overlaps_and_energy(model, kernel):
    chosen = replace(model, kernel=kernel)
    found = check_overlaps(run(chosen, SphereAsked((), read="hadamard"), 20_000, 3), alpha=1e-7)
    assert found.verdict == "PASS"
    assert found.figures["pairs"] == 4 * 3 // 2 + 4 * 2
    np.testing.assert_allclose(found.figures["analytic"], plain_pairs(chosen), atol=1e-12)
    off = np.array(found.figures["sampled"]) - found.figures["analytic"]
    assert abs(off).max() < 6 / np.sqrt(20_000)  # 14 pairs beyond 6 sigma: below 1e-7
    energy = found.figures["energy"]
    assert energy["analytic"] == pytest.approx(sum(plain.energy(chosen.content(), chosen.particles.tolist())))
    assert abs(energy["expected"] - energy["analytic"]) < energy["standard_deviation"]
    assert set(found.parts) == {"overlaps", "energy"} and set(energy) >= {"verdict", "estimate", "p_value"}
    summary = overlaps_summary(found)
    assert {"verdict", "p_value", "tvd", "test", "pairs", "sampled", "analytic", "energy"} <= set(summary)


def test_swap_test_gives_squares(model):
    chosen = replace(model, perceptron=None)
    found = check_overlaps(run(chosen, SphereAsked((), read="swap"), 5000, 3), alpha=1e-7)
    assert found.verdict == "PASS"
    assert found.figures["energy"] is None and "energy" not in found.parts
    np.testing.assert_allclose(found.figures["analytic"], np.square(plain_pairs(chosen)), atol=1e-12)
    assert check_overlaps(plain_overlaps(chosen, 5000, 1, "swap"), alpha=1e-7).verdict == "PASS"


def test_other_states_fail(model):
    """Counts of other particles, judged against these: overlaps and energy both notice."""
    other = random_model(particles=4, dimension=3, beta=1.5, hidden=2, seed=6)
    samples = plain_overlaps(other, 20_000, 1, judged=model)
    found = check_overlaps(samples)
    assert check_energy(samples).verdict == "FAIL"
    assert found.verdict == found.parts["overlaps"].verdict == found.parts["energy"].verdict == "FAIL"
    with pytest.raises(InputError, match="no energy"):
        check_energy(replace(samples, source=replace(model, value=np.diag([1.0, 2.0, 3.0]))))


def test_the_energy_can_decide(model):
    """Every pair is off by less than can be told alone, all to one side: their energy is seen."""
    shots = 20_000
    exact = np.array(plain_pairs(replace(model, perceptron=None)))
    p = (1 + exact) / 2
    zeros = np.round(shots * p + 1.9 * np.sqrt(shots * p * (1 - p))).astype(np.int64)
    found = check_overlaps(counted(replace(model, perceptron=None), zeros, shots))
    assert found.parts["overlaps"].verdict == "PASS" and found.parts["energy"].verdict == "FAIL"
    assert found.verdict == "FAIL" and "energy" in found.reason


def test_error_bars_of_the_energy(model):
    """Mean and spread of 4,000 simulated estimates are the stated ones (6 standard errors: false alarms below 1e-8)."""
    overlap = np.array(plain_pairs(model))
    rng, shots = np.random.default_rng(2), 400
    estimates = []
    verdict = check_energy(counted(model, rng.binomial(shots, (1 + overlap) / 2), shots), resolution=0.9)
    for _ in range(4000):
        zeros = rng.binomial(shots, (1 + overlap) / 2)
        estimates.append(energy_of(model, 2 * zeros / shots - 1))
    spread = np.std(estimates)
    assert abs(np.mean(estimates) - verdict.figures["expected"]) < 6 * spread / np.sqrt(4000)
    assert spread == pytest.approx(verdict.figures["standard_deviation"], rel=6 / np.sqrt(2 * 4000))


def energy_of(model, overlap):
    n, p = model.n, model.perceptron
    pairs = n * (n - 1) // 2
    attention = (n * np.exp(model.beta) + 2 * np.exp(model.beta * overlap[:pairs]).sum()) / (2 * model.beta * n**2)
    lengths = np.linalg.norm(p.directions, axis=1)
    z = overlap[pairs:].reshape(n, -1) * lengths
    return attention + 0.5 * (np.maximum(z, 0) ** 2 @ p.weights).mean()
