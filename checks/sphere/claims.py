# SPDX-License-Identifier: Apache-2.0
"""What has been claimed about the energy landscape on the sphere, each claim as a test with numbers.

A FAIL is a counterexample. A PASS says that a test which could have failed did not; claims about all measures are tested on
the measures named in the numbers.

Source: arXiv 2601.21366.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from stinespring.checks.combine import combined
from stinespring.errors import InputError
from stinespring.models.sphere.clusters import heaviest_arc
from stinespring.models.sphere.dynamics import Dynamics
from stinespring.models.sphere.files import uniform_points
from stinespring.models.sphere.landscape.measure import AtomicMeasure, measure_of, require_energy
from stinespring.models.sphere.landscape.minimiser import grid, kernel_distance, minimise_energy
from stinespring.models.sphere.landscape.rest import imbalance
from stinespring.models.sphere.model import SphereModel
from stinespring.models.sphere.perceptron import ACTIVATIONS
from stinespring.models.sphere.schemes import energy_slack
from stinespring.models.sphere.simulate import simulate
from stinespring.readings import FloatArray
from stinespring.stages import Ruling, Verdict

__all__ = [
    "MASS_BOUND", "PRINTED_EXCLUSION", "check_claims", "claims_summary", "claims_together", "energy_is_monotone",
    "finitely_many_atoms", "mass_bound", "maximisers_are_diracs", "minimiser_is_unique", "one_cluster_is_excluded",
]  # fmt: skip

INSIDE = 0.375 * math.exp(-0.125)  # (3/8) e^{-1/8}: attraction within a cluster, for large beta
OUTSIDE = 2.0 * math.exp(-1.5)  # the most repulsion from outside it
MASS_BOUND = OUTSIDE / (OUTSIDE + INSIDE)  # 0.5742
PRINTED_EXCLUSION = INSIDE / 2.0  # 0.16547
ROUNDING = 1e-12
VISIBLE = 1e3  # a change must be so many times its rounding before a test of it means anything
FALSE_AS_PRINTED = ("exclusion",)  # their FAIL is what is expected


def finding(
    name: str, statement: str, verdict: Ruling, reason: str, numbers: Mapping[str, Any] | None = None, *, applies: bool = True
) -> Verdict:
    """Return the verdict on one claim; its figures are the keys of ``sphere claims --json``.

    Args:
        name: of the claim.
        statement: what is claimed.
        verdict: PASS, FAIL (a counterexample) or UNVERIFIED.
        reason: one sentence.
        numbers: the figures behind it.
        applies: whether the claim says anything about the model; where it does not it is UNVERIFIED and does not count.
    """
    figures = {"name": name, "statement": statement, "numbers": dict(numbers or {}), "applies": applies}
    return Verdict(verdict, reason, figures=figures)


def inapplicable(name: str, statement: str, reason: str, numbers: Mapping[str, Any] | None = None) -> Verdict:
    """Return the verdict on a claim that says nothing about the model."""
    return finding(name, statement, "UNVERIFIED", f"does not apply: {reason}", numbers, applies=False)


def claims_together(claims: Sequence[Verdict]) -> Verdict:
    """Return the verdict on all claims that apply and should hold: the worst of them; UNVERIFIED if there is none."""
    parts = {claim.figures["name"]: claim for claim in claims}
    counted = {name: claim for name, claim in parts.items() if claim.figures["applies"] and name not in FALSE_AS_PRINTED}
    if not counted:
        return Verdict("UNVERIFIED", "no claim that should hold applies", parts=parts)
    return replace(combined(counted), parts=parts)


def claims_summary(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict of :func:`check_claims` as ``sphere claims --json`` prints it."""
    rows = [{**part.figures, "verdict": part.verdict, "reason": part.reason} for part in verdict.parts.values()]
    return {"verdict": verdict.verdict, "claims": rows}


def energy_is_monotone(model: SphereModel, *, steps: int = 300, scheme: str = "adaptive") -> Verdict:
    """Test that the energy rises along the ascent flow and falls along the descent flow, at every step of a run."""
    statement = "the energy rises (falls) along the ascent (descent) flow"
    if not model.energy_rises:
        return inapplicable("energy", statement, "the flow is no gradient flow of the energy (USA, or SA alone)")
    dynamics = Dynamics(model)
    begin = dynamics(model.particles)
    run = simulate(model, steps=steps, scheme=scheme)
    slack = energy_slack(dynamics, begin, run.moment)
    change = 0.0 if run.energy is None or begin.energy is None else run.energy.total - begin.energy.total
    numbers = {
        "steps": run.step, "scheme": scheme, "wrong_steps": run.wrong_steps, "worst_change": run.worst_change,
        "change": change, "rounding": slack,
    }  # fmt: skip
    if not run.wrong_steps and abs(change) <= VISIBLE * slack:
        reason = f"the energy moved by {abs(change):.3g} in all, not visibly more than its rounding of {slack:.3g}"
        return finding("energy", statement, "UNVERIFIED", reason, numbers)
    reason = f"{run.wrong_steps} of {run.step} {scheme} steps moved the energy the wrong way, by at most {run.worst_change:.3g}"
    return finding("energy", statement, "FAIL" if run.wrong_steps else "PASS", reason, numbers)


def highest_potential(model: SphereModel, random: np.random.Generator) -> tuple[FloatArray, float]:
    """Return a point where v is largest and the value: a grid or random points, then steps up its gradient."""
    p = model.perceptron
    if p is None:
        return model.particles[0], 0.0
    x = grid(model.d, 20_000) if model.d in (2, 3) else uniform_points(50_000, model.d, random)
    x = x[np.argsort(-p.potential(x))[:32]]
    step = 0.25 / max(p.strength, 1e-300)
    for _ in range(400):
        moved = x + step * (p.drift(x) - np.einsum("ij,ij->i", x, p.drift(x))[:, None] * x)
        x = moved / np.linalg.norm(moved, axis=1)[:, None]
    values = p.potential(x)
    return x[int(np.argmax(values))], float(values.max())


def maximisers_are_diracs(model: SphereModel, *, trials: int = 400, seed: int = 0) -> Verdict:
    """Test that no measure has more energy than a Dirac at argmax v, and that other measures have less.

    Tried: random measures of 1 to 8 atoms, measures close to the best Dirac, and where particles end that ascend.
    """
    statement = "the global maximisers are exactly the Diracs at argmax v"
    random = np.random.default_rng(seed)
    measure_of(model)  # refuses models without an energy
    scaled = model.kernel == "scaled"

    def energy(points: FloatArray, masses: FloatArray) -> float:
        return AtomicMeasure(points, masses, model.beta, model.perceptron, scaled).energy.total

    top, value = highest_potential(model, random)
    best = energy(top[None], np.ones(1))
    highest = -math.inf
    for trial in range(trials):
        count = int(random.integers(1, 9))
        points = uniform_points(count, model.d, random)
        if trial % 2:
            points = top + 10.0 ** -random.uniform(0, 4) * points
            points /= np.linalg.norm(points, axis=1)[:, None]
        masses = random.dirichlet(np.ones(count))
        highest = max(highest, energy(points, masses))
    for _ in range(4):
        begin = replace(model, particles=uniform_points(24, model.d, random), direction="ascent", normalise="USA", step=0.01)
        run = simulate(begin, steps=400, scheme="adaptive", stop=True)
        highest = max(highest, -math.inf if run.energy is None else run.energy.total)
    numbers = {"dirac_energy": best, "max_v": value, "argmax_v": top.tolist(), "highest_other": highest, "measures": trials + 4}
    slack, drop = ROUNDING * (abs(best) + abs(value)), potential_range(model, random) / 2.0
    numbers |= {"rounding": slack, "potential_range": 2.0 * drop}
    if drop and VISIBLE * slack > drop:
        reason = f"the perceptron moves the energy by up to {drop:.3g}, lost in its rounding of {slack:.3g}"
        return finding("maximisers", statement, "UNVERIFIED", reason, numbers)
    if highest > best + slack:
        return finding("maximisers", statement, "FAIL", "a measure has more energy than the best Dirac", numbers)
    return finding("maximisers", statement, "PASS", f"none of {trials + 4} measures has more energy than the Dirac", numbers)


def potential_range(model: SphereModel, random: np.random.Generator) -> float:
    """Return how far v goes up and down on a grid or at random points; 0 without a perceptron."""
    if model.perceptron is None:
        return 0.0
    x = grid(model.d, 2000) if model.d in (2, 3) else uniform_points(2000, model.d, random)
    return float(np.ptp(model.perceptron.potential(x)))


def symmetries(model: SphereModel, random: np.random.Generator) -> list[FloatArray]:
    """Return orthogonal matrices that leave v alone: random ones without a perceptron, else reflections found by trial."""
    d, p = model.d, model.perceptron
    if p is None:
        return [np.linalg.qr(random.normal(size=(d, d)))[0] for _ in range(3)]
    normals = [a - b for i, a in enumerate(p.directions) for b in p.directions[:i]]
    normals += list(np.linalg.svd(p.directions)[2])
    if d == 2:
        normals += [np.array([-a[1], a[0]]) for a in p.directions]
    probe = uniform_points(200, d, random)
    found = []
    for normal in normals:
        length = float(normal @ normal)
        if length > ROUNDING:
            mirror = np.eye(d) - 2.0 * np.outer(normal, normal) / length
            if abs(p.potential(probe @ mirror) - p.potential(probe)).max() <= 1e-10 * max(1.0, p.strength):
                found.append(mirror)
    return found


def minimiser_is_unique(model: SphereModel, *, points: int | None = None, tolerance: float = 1e-4, seed: int = 0) -> Verdict:
    """Test that searches from different points end in one measure, and that it has the symmetries of v (d = 2, 3).

    Both ends come with a certificate (the gap), measures are compared in the kernel's norm, which is 0 only for equal ones.
    """
    statement = "the minimiser is unique and symmetric"
    measure_of(model)
    if model.d not in (2, 3):
        return finding("minimiser", statement, "UNVERIFIED", "not tested: the search uses a grid on S^1 or S^2")
    size = points or (1440 if model.d == 2 else 800)
    found = [minimise_energy(model, points=size, start=start) for start in (0, size // 3, (2 * size) // 3 + 1)]
    first = found[0].measure
    apart = max(kernel_distance(first, other.measure) for other in found[1:])
    mirrors = symmetries(model, np.random.default_rng(seed))
    moved = [kernel_distance(first, replace(first, atoms=first.atoms @ mirror)) for mirror in mirrors]
    norm = math.sqrt(float(first.kernel.max()) / model.beta)
    gap, needed = max(one.fine_gap for one in found), tolerance * min(one.scale for one in found)
    noise = ROUNDING * float(first.kernel.max()) / model.beta
    numbers = {
        "energies": [one.measure.energy.total for one in found], "gap": gap, "distance": apart / norm,
        "symmetries": len(mirrors), "asymmetry": max(moved, default=0.0) / norm, "atoms": len(first.masses), "grid": size,
        "gap_needed": needed, "rounding": noise,
    }  # fmt: skip
    bound = 2.0 * math.sqrt(2.0 * max(gap, 0.0)) / norm  # what the certificates leave open
    limit = max(tolerance, bound)
    worst = max(apart, *moved, 0.0) / norm
    if max(gap, noise) > needed:
        reason = f"the searches ended within {max(gap, noise):.2g} of the minimum, {needed:.2g} is needed to see what acts"
        return finding("minimiser", statement, "UNVERIFIED", reason, numbers)
    if worst > limit:
        return finding("minimiser", statement, "FAIL", f"measures of lowest energy differ by {worst:.2g}", numbers)
    return finding(
        "minimiser", statement, "PASS", f"three searches and {len(mirrors)} symmetries agree to {worst:.2g}", numbers
    )


def finitely_many_atoms(model: SphereModel, *, steps: int = 1500, width: float = 1e-3, residual: float = 1e-4) -> Verdict:
    """Test on S^1 that particles come to rest in atoms whose number does not grow with the number of particles.

    The particles of the file and twice as many (each with a neighbour at a random angle) follow the file's flow. For ReLU the
    claim is about every stationary measure where v is not real-analytic, for an analytic sigma about strict minimisers.
    """
    statement = (
        "on S^1 stationary measures have finitely many atoms (ReLU, v not analytic), strict minimisers too (sigma analytic)"
    )
    if model.d != 2 or model.perceptron is None or not model.is_gradient:
        return inapplicable("atoms", statement, "the claim is about S^1 with a perceptron in the gradient case")
    more = np.concatenate([model.particles, uniform_points(model.n, 2, np.random.default_rng(model.n))])
    counts, residuals, strict = [], [], []
    for particles in (model.particles, more):
        run = simulate(model.at(particles), steps=steps, scheme="adaptive", stop=True, converged=residual * 1e-3)
        measure = measure_of(model, run.positions, width=width)
        counts.append(len(measure.masses))
        residuals.append(imbalance(Dynamics(model.at(particles)), run.moment))
        strict.append(measure.second_order("minimum", tolerance=residual).strict)
    numbers = {"particles": [model.n, 2 * model.n], "atoms": counts, "residuals": residuals, "strict": strict, "width": width}
    analytic = ACTIVATIONS[model.perceptron.activation].analytic
    if max(residuals) > residual:
        return finding("atoms", statement, "UNVERIFIED", f"after {steps:,} steps the particles still move", numbers)
    if analytic and not all(strict):
        return finding("atoms", statement, "UNVERIFIED", "where the particles rest is no strict minimiser", numbers)
    if counts[1] <= 1.5 * counts[0] and counts[1] <= model.n / 2:
        reason = f"{model.n} and {2 * model.n} particles rest in {counts[0]} and {counts[1]} atoms"
        return finding("atoms", statement, "PASS", reason, numbers)
    return finding("atoms", statement, "UNVERIFIED", "the number of atoms grows with the number of particles", numbers)


def pair_curvature(beta: float, angle: FloatArray) -> FloatArray:
    """Return ``e^{-beta} f''`` for ``f = e^{beta cos} / beta``: how two atoms on the circle resist moving apart."""
    return np.exp(beta * (np.cos(angle) - 1.0)) * (beta * np.sin(angle) ** 2 - np.cos(angle))


def exact_constants(beta: float) -> tuple[float, float]:
    """Return the attraction within ``1/(2 sqrt beta)`` and the most repulsion outside, exactly at this beta.

    They tend to at least (3/8) e^{-1/8} and to 2 e^{-3/2}. The first is negative where the cluster's width passes the angle
    at which attraction turns to repulsion (small beta).
    """
    width = min(math.pi, 0.5 / math.sqrt(beta))
    inside = -float(pair_curvature(beta, np.linspace(0.0, width, 20_001)).max())
    reach = min(math.pi, 12.0 / math.sqrt(beta))
    return inside, float(pair_curvature(beta, np.linspace(0.0, reach, 200_001)).max())


def mass_bound(measure: AtomicMeasure, *, tolerance: float = 1e-6) -> Verdict:
    """Test the bound on the mass that two or more atoms within ``1/(2 sqrt beta)`` carry in a second-order minimiser on S^1.

    For fields of mean zero on the cluster the second variation gives ``c (A + B) <= B + P e^{-beta}`` with A the attraction
    inside, B the most repulsion outside and ``P = sum |w_j| |a_j|^2``; so the ``O(e^{-beta})`` of the claim is at most
    ``P e^{-beta} / (A + B)``. With the scaled kernel the perceptron is not reduced, and P stands without ``e^{-beta}``.
    """
    statement = (
        "in a second-order minimiser on S^1, two or more atoms with angles <= 1/(2 sqrt beta) carry mass <= 0.5742 + O(e^-beta)"
    )
    if measure.atoms.shape[1] != 2:
        return inapplicable("mass", statement, "the claim is about S^1")
    p, beta = measure.perceptron, measure.beta
    if p is not None and p.activation == "gelu":
        return inapplicable("mass", statement, "the claim is about 1-Lipschitz sigma, which GELU is not")
    if beta < 1.0 / 3.0:
        return inapplicable("mass", statement, "beta is below 1/3, where the claim's constants do not hold")
    inside, outside = exact_constants(beta)
    strength = 0.0 if p is None else p.strength * (1.0 if measure.scaled else math.exp(-beta))
    heaviest = heaviest_arc(measure.atoms, 0.5 / math.sqrt(beta), measure.masses, least_atoms=2)
    second = measure.second_order("minimum", tolerance=tolerance)
    exact = min(1.0, (outside + strength) / (inside + outside)) if inside > 0 else 1.0
    numbers = {
        "heaviest": heaviest, "bound": MASS_BOUND, "correction": strength / (INSIDE + OUTSIDE), "bound_at_this_beta": exact,
        "second_order": second.holds, "stationary": second.stationary, "residual": second.residual, "lowest": second.lowest,
        "kinks": second.kinks, "decidable": second.decidable,
    }  # fmt: skip
    if not second.holds:
        reason = "the measure is no second-order minimiser within the tolerance"
        if not second.decidable:
            reason = "rounding is not small beside what acts: whether this is a second-order minimiser is not decided"
        return finding("mass", statement, "UNVERIFIED", reason, numbers)
    if not heaviest:
        return inapplicable("mass", statement, "no two atoms are as close as 1/(2 sqrt beta)", numbers)
    limit = MASS_BOUND + strength / (INSIDE + OUTSIDE)
    if heaviest > limit + tolerance:
        return finding("mass", statement, "FAIL", f"a cluster carries {heaviest:.4f}, more than {limit:.4f}", numbers)
    return finding("mass", statement, "PASS", f"the heaviest cluster carries {heaviest:.4f}, at most {limit:.4f}", numbers)


def one_cluster_is_excluded(beta: float) -> Verdict:
    """Test the claim as printed that ``sum |w_j| |a_j|^2 < 0.16547`` excludes one cluster for any beta > 0: it is false.

    For ``beta <= 1/(4 pi^2)`` the width ``1/(2 sqrt beta)`` of a cluster reaches pi, so that any measure is one cluster. An
    antipodal pair without perceptron is then a second-order minimiser in one cluster.
    """
    statement = "sum |w_j| |a_j|^2 < 0.16547 excludes one cluster for any beta > 0"
    if not beta > 0:
        raise InputError("beta must be positive", got=beta, expected="a number above 0")
    pair = AtomicMeasure(np.array([[1.0, 0.0], [-1.0, 0.0]]), np.array([0.5, 0.5]), beta, scaled=True)
    width = 0.5 / math.sqrt(beta)
    second, inside = pair.second_order("minimum", tolerance=1e-10), exact_constants(beta)[0]
    held = heaviest_arc(pair.atoms, width, pair.masses, least_atoms=2)
    numbers = {
        "beta": beta, "threshold": 1.0 / (4.0 * math.pi**2), "cluster_width": width, "strength": 0.0,
        "limit": PRINTED_EXCLUSION, "angle": math.pi, "mass_in_one_cluster": held, "residual": second.residual,
        "lowest": second.lowest, "attraction": inside,
    }  # fmt: skip
    if second.holds and width >= math.pi:
        reason = f"counterexample: an antipodal pair (angle pi <= {width:.4f}) is a second-order minimiser with w = 0"
        return finding("exclusion", statement, "FAIL", reason, numbers)
    if inside > PRINTED_EXCLUSION:
        return finding("exclusion", statement, "PASS", f"at this beta clusters attract with {inside:.4f} > 0.16547", numbers)
    return finding("exclusion", statement, "UNVERIFIED", "neither the argument nor the counterexample applies here", numbers)


def check_claims(model: SphereModel, *, width: float = 1e-3, seed: int = 0, tolerance: float = 1e-6) -> Verdict:
    """Test the claims on a model: its flow, its landscape, and the measure that its particles form.

    Args:
        model: gradient case or not; claims that say nothing about it are listed as such.
        width: particles within so many radians are one atom.
        seed: of the measures that are tried.
        tolerance: of the conditions that the particles' measure must meet, relative to what acts.

    Returns:
        The worst verdict of those that apply and are not known to be false as printed; each claim is a part.

    Raises:
        InputError: an energy that float64 cannot hold.
    """
    if model.is_gradient:
        require_energy(model)
    found = [energy_is_monotone(model)]
    if model.is_gradient:
        found += [maximisers_are_diracs(model, seed=seed), minimiser_is_unique(model, seed=seed)]
        found += [finitely_many_atoms(model), mass_bound(measure_of(model, width=width), tolerance=tolerance)]
    return claims_together([*found, one_cluster_is_excluded(model.beta)])
