# SPDX-License-Identifier: Apache-2.0
"""Clusters against beta, energy along the flow, heaviest mass against its bound, and the phase diagram of attention alone.

    python examples/sphere_experiments.py                        # small, to see that everything works: seconds
    python examples/sphere_experiments.py --full --output DIR    # n = 500, 2e5 steps, all betas: hours; survives being stopped
    python examples/sphere_experiments.py --steps 5000 --particles 500 --output DIR

Kernel e^{beta (x.y - 1)} with the perceptron as it is, so that at large beta the perceptron outweighs attention. The bound on
heaviest masses is tested with weights scaled to P = sum |w| |a|^2 = 0.1, so that the perceptron acts at every beta; with this
kernel the bound is 0.5742 + P / 0.7772. Times e^{-beta} (the flow of the kernel e^{beta x.y}) the perceptron would be lost
beside attention from beta = 5 on.
Clusters are counted by both rules, since they can differ a lot. Source: arXiv 2601.21366; phase diagram: arXiv 2312.10794.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from stinespring.checks.sphere.claims import INSIDE, MASS_BOUND, OUTSIDE, mass_bound
from stinespring.models.sphere.clusters import cluster_threshold, greedy_arcs, heaviest_arc, single_linkage
from stinespring.models.sphere.files import random_model
from stinespring.models.sphere.landscape.measure import measure_of
from stinespring.models.sphere.simulate import SphereRun, simulate

BETAS = (0.01, 0.05, 0.1, 0.5, 1, 3, 5, 7, 10, 15, 25, 35, 50)
parser = argparse.ArgumentParser()
parser.add_argument("--full", action="store_true")
parser.add_argument("--steps", type=int)
parser.add_argument("--particles", type=int)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--output", type=Path, help="folder for figures, numbers and checkpoints")
chosen = parser.parse_args()
STEPS = chosen.steps or (200_000 if chosen.full else 300)
PARTICLES = chosen.particles or (500 if chosen.full else 60)
STRENGTH = 0.1
betas = BETAS if chosen.full or chosen.steps else BETAS[::3]
if chosen.output:
    chosen.output.mkdir(parents=True, exist_ok=True)


def moved(d: int, beta: float, hidden: int, direction: str) -> SphereRun:
    """Return a run of Euler steps of 0.1, kept 100 times, from the same particles for every beta."""
    model = random_model(
        particles=PARTICLES, dimension=d, beta=beta, hidden=hidden, seed=chosen.seed, kernel="scaled", direction=direction
    )
    name = f"d{d}_beta{beta:g}_hidden{hidden}_{direction}.npz"
    checkpoint = chosen.output / name if chosen.output else None
    return simulate(model, steps=STEPS, every=max(1, STEPS // 100), checkpoint=checkpoint)


def figures() -> Any:
    """Return pyplot, or None without --output or matplotlib."""
    if not chosen.output:
        return None
    try:
        import matplotlib
    except ImportError:
        print("no figures: pip install 'stinespring[plot]'")
        return None
    matplotlib.use("Agg")
    from matplotlib import pyplot

    return pyplot


rows, wrong = [], 0
for d in (2, 3):
    for direction in ("descent", "ascent"):
        for hidden in (0, d):
            for beta in betas:
                run = moved(d, beta, hidden, direction)
                wrong += run.wrong_steps
                width = cluster_threshold(beta, d)
                linked = np.bincount(single_linkage(run.positions, width))
                arcs = greedy_arcs(run.positions, width) if d == 2 else []
                rows.append((d, direction, hidden, beta, len(linked), linked.max() / PARTICLES, len(arcs), run))
                print(
                    f"S^{d - 1} {direction:7} {'with' if hidden else 'no'} perceptron, beta {beta:5g}: {len(linked):3} groups "
                    f"by single linkage" + (f", {len(arcs):3} greedy arcs" if arcs else "") + f"; residual {run.residual:.1e}"
                )

bounds = []
for beta in betas:
    model = random_model(
        particles=PARTICLES, dimension=2, beta=beta, hidden=2, seed=chosen.seed, kernel="scaled", direction="descent"
    )
    p = model.perceptron
    model = replace(model, perceptron=replace(p, weights=STRENGTH / p.strength * p.weights))
    run = simulate(model, steps=min(STEPS, 2000), scheme="adaptive", tolerance=1e-5, stop=True)
    measure = measure_of(model, run.positions, width=1e-3)
    claim, width = mass_bound(measure, tolerance=1e-3), 0.5 / np.sqrt(beta)
    several = heaviest_arc(measure.atoms, width, measure.masses, least_atoms=2)
    bounds.append(
        (beta, heaviest_arc(run.positions, width), several, claim.verdict if claim.figures["applies"] else "no claim")
    )
    print(f"beta {beta:5g}: heaviest arc of width 1/(2 sqrt beta) {bounds[-1][1]:.3f}; {bounds[-1][3]}: {claim.reason}")

phase_betas, phase = np.linspace(0.1, 9, 12), []
for beta in phase_betas:
    start = random_model(particles=32, dimension=3, beta=float(beta), seed=chosen.seed, normalise="SA")
    kept = simulate(start, steps=300, every=10).record.arrays()["trajectory"]
    inner = np.einsum("tid,tjd->tij", kept, kept)[:, *np.triu_indices(32, 1)]
    phase.append((inner > 0.999).mean(axis=1))
print("phase diagram (32 tokens, SA): share of pairs with x.y > 0.999 at time 30 by beta:", np.round([p[-1] for p in phase], 2))

pyplot = figures()
if pyplot:
    figure, axes = pyplot.subplots(2, 3, figsize=(13, 7.4), layout="constrained")
    for d, axis in ((2, axes[0, 0]), (3, axes[0, 1])):
        for direction, style in (("descent", "o-"), ("ascent", "s--")):
            for hidden, colour in ((0, "#3b6fb6"), (d, "#c2571a")):
                picked = [r for r in rows if r[:3] == (d, direction, hidden)]
                label = f"{direction}, {'with' if hidden else 'no'} perceptron"
                axis.loglog([r[3] for r in picked], [r[4] for r in picked], style, color=colour, markersize=4, label=label)
                if d == 2:
                    axis.loglog([r[3] for r in picked], [r[6] for r in picked], style, color=colour, markersize=4, alpha=0.3)
        axis.set(title=f"groups on $S^{d - 1}$" + (" (faint: greedy arcs)" if d == 2 else ""), xlabel=r"$\beta$")
        axis.legend(fontsize=7)
    for *key, run in [r for r in rows if r[1] == "descent" and r[2] and r[3] in betas[::4]]:
        kept = run.record.arrays()
        total = kept["energies"].sum(axis=1)
        axes[0, 2].semilogx(kept["times"][1:], (total - total[-1])[1:], label=rf"$S^{key[0] - 1}$, $\beta$ = {key[3]:g}")
    axes[0, 2].set(title="energy above its last value, descent", xlabel="time")
    axes[0, 2].legend(fontsize=7)
    axes[1, 0].semilogx(
        [b[0] for b in bounds], [b[1] for b in bounds], "o-", label=r"heaviest arc of width $1/(2\sqrt{\beta})$"
    )
    axes[1, 0].semilogx([b[0] for b in bounds], [b[2] for b in bounds], "--", color="#c2571a")
    for wanted, face in (("PASS", "#c2571a"), ("UNVERIFIED", "white"), ("no claim", "#dddddd")):
        found = [b for b in bounds if b[3] == wanted]
        label = f"of two or more atoms, bound: {wanted if wanted == 'no claim' else wanted.lower()}"
        if found:
            axes[1, 0].plot([b[0] for b in found], [b[2] for b in found], "s", color="#c2571a", mfc=face, label=label)
    axes[1, 0].axhline(MASS_BOUND + STRENGTH / (INSIDE + OUTSIDE), color="black", label="0.5742 + P / 0.7772")
    axes[1, 0].set(title=f"heaviest mass on $S^1$, perceptron with P = {STRENGTH:g}", xlabel=r"$\beta$", ylim=(0, 1.3))
    axes[1, 0].legend(fontsize=7, loc="upper right")
    edges = [np.concatenate([[c[0]], (c[1:] + c[:-1]) / 2, [c[-1]]]) for c in (np.arange(len(phase[0])), phase_betas)]
    mesh = axes[1, 1].pcolormesh(*edges, np.array(phase), vmin=0, vmax=1)
    axes[1, 1].set(title="share of pairs with $x\\cdot y > 0.999$ (SA, 32 tokens)", xlabel="time", ylabel=r"$\beta$")
    figure.colorbar(mesh, ax=axes[1, 1])
    last = next(r for r in rows if r[:3] == (2, "descent", 2) and r[3] >= 1)[-1]
    for x, size, label in ((last.model.particles, 0.85, "start"), (last.positions, 1.0, f"step {last.step:,}")):
        axes[1, 2].scatter(*(size * x.T), s=9, alpha=0.5, label=label)
    axes[1, 2].set_aspect("equal")
    axes[1, 2].set(title=rf"$S^1$, descent with perceptron, $\beta$ = {last.model.beta:g}")
    axes[1, 2].legend(fontsize=7)
    figure.savefig(chosen.output / "experiments.png", dpi=130)

print(f"energy monotone in every step of {len(rows)} runs: {'PASS' if wrong == 0 else f'{wrong} steps went the wrong way'}")
