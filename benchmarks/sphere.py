# SPDX-License-Identifier: Apache-2.0
"""Particles on the sphere beside the same algorithm written plainly in NumPy: time, memory, and agreement, in one run."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.sheet import Sheet, arguments
from stinespring.models.sphere.files import random_model
from stinespring.models.sphere.model import SphereModel
from stinespring.models.sphere.simulate import simulate
from stinespring.readings import FloatArray

__all__ = ["main", "plain_steps"]

WAYS = ("plain", "direct", "auto")
Case = tuple[int, int, float, int, str]  # n, d, beta, steps, rule
LARGE = ((3, 1.0, "USA"), (3, 1.0, "SA"), (3, 9.0, "SA"), (2, 9.0, "SA"))  # d, beta, rule of the cases of 10,000
SIZES = (50, 100, 200, 500, 1000, 2000, 5000, 10_000)


def plain_steps(model: SphereModel, steps: int) -> FloatArray:
    """Return the particles after Euler steps with ReLU, written as the formulas are; SA as a safe softmax."""
    x, p = model.particles, model.perceptron
    assert p is not None
    for _ in range(steps):
        scores = model.beta * (x @ x.T)
        if model.normalise == "SA":
            weights = np.exp(scores - scores.max(axis=1, keepdims=True))
            weights = weights / weights.sum(axis=1, keepdims=True)
        else:
            weights = np.exp(scores) / len(x)
        field = weights @ x + np.maximum(x @ p.directions.T, 0.0) * p.weights @ p.output
        field = field - np.sum(field * x, axis=1, keepdims=True) * x
        x = x + model.sign * model.step * field
        x = x / np.linalg.norm(x, axis=1, keepdims=True)
    return x


def instance(n: int, d: int, beta: float, normalise: str = "USA") -> SphereModel:
    """Return a model of the paper's kind: d ReLU neurons, descent."""
    return random_model(particles=n, dimension=d, beta=beta, hidden=d, seed=7, direction="descent", normalise=normalise)


def measure(way: str, n: int, d: int, beta: float, steps: int, normalise: str = "USA") -> dict[str, float]:
    """Return processor seconds of a run, and how far it raised this process's peak memory, in MB."""
    model = instance(n, d, beta, normalise)
    simulate(instance(20, d, 1.0), steps=2, sums="series")  # imports
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.process_time()
    x = plain_steps(model, steps) if way == "plain" else simulate(model, steps=steps, sums=way).positions  # type: ignore[arg-type]
    seconds = time.process_time() - begun
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": seconds, "megabytes": (after - before) / 1024, "checksum": float(x.sum())}


def child(way: str, n: int, d: int, beta: float, steps: int, normalise: str) -> dict[str, float]:
    """Return what :func:`measure` finds in a process of its own."""
    words = [sys.executable, "-m", "benchmarks", "sphere", "--one", way, str(n), str(d), str(beta), str(steps), normalise]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def agreement(n: int, d: int, beta: float, steps: int, normalise: str) -> float:
    """Return the largest difference of a coordinate from the plain run after some steps."""
    model = instance(n, d, beta, normalise)
    reference = plain_steps(model, steps)
    ways = ("direct", "series") if d in (2, 3) else ("direct",)
    return max(float(abs(simulate(model, steps=steps, sums=way).positions - reference).max()) for way in ways)  # type: ignore[arg-type]


def table(cases: list[Case], repeats: int, sheet: Sheet) -> None:
    """Print one row for each case: processor seconds, the fastest of some runs taken in turn, ratios to plain NumPy, memory."""
    sheet.head(
        "n", "d", "beta", "rule", "steps", "plain NumPy", "direct", "ratio", "chosen", "ratio",
        "MB plain", "MB direct", "MB chosen", words=0,
    )  # fmt: skip
    for n, d, beta, steps, rule in cases:
        runs = [{way: child(way, n, d, beta, steps, rule) for way in WAYS} for _ in range(repeats)]
        seconds = {way: min(run[way]["seconds"] for run in runs) for way in WAYS}
        memory = {way: max(run[way]["megabytes"] for run in runs) for way in WAYS}
        cells = [f"{seconds['plain']:.3g} s", f"{seconds['direct']:.3g} s", f"{seconds['plain'] / seconds['direct']:.1f}"]
        cells += [f"{seconds['auto']:.3g} s", f"{seconds['plain'] / seconds['auto']:.1f}"]
        cells += [f"{memory[way]:.0f}" for way in WAYS]
        figures = {"n": n, "d": d, "beta": beta, "rule": rule, "steps": steps, "seconds": seconds, "megabytes": memory}
        sheet.row(f"{n:,}", d, f"{beta:g}", rule, f"{steps:,}", *cells, **figures)


def scaling(path: Path) -> None:
    """Write the figure of milliseconds a step against n for d = 2 and 3."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(9, 3.8), sharey=True, layout="constrained")
    for axis, d in zip(axes, (2, 3), strict=True):
        for way, colour, label in (
            ("plain", "#b3261e", "plain NumPy"),
            ("direct", "#3b6fb6", "blocks"),
            ("series", "#1b7f4d", "harmonics"),
        ):
            times = []
            for n in SIZES:
                steps = max(2, min(400, int(2e6 / n**1.6)))
                times.append(1e3 * min(measure(way, n, d, 1.0, steps)["seconds"] for _ in range(3)) / steps)
            axis.loglog(SIZES, times, "o-", color=colour, label=label, markersize=4)
        axis.set_title(f"$S^{d - 1}$, $\\beta$ = 1, {d} ReLU neurons", fontsize=10)
        axis.set_xlabel("particles")
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("milliseconds a step")
    axes[0].legend(frameon=False)
    figure.savefig(path, dpi=140)


def cases(steps: int) -> list[Case]:
    """Return what is measured; ``steps`` are those of n = 500."""
    short = max(1, steps // 10)
    found: list[Case] = [(500, 3, 1.0, steps, "USA"), (500, 3, 1.0, steps, "SA"), (500, 3, 9.0, short, "SA")]
    found += [(500, 2, beta, short, rule) for beta, rule in ((1.0, "USA"), (9.0, "SA"))]
    return [*found, *((10_000, d, beta, 20 if rule == "SA" else 100, rule) for d, beta, rule in LARGE)]


def main() -> None:
    """Print the table, the agreement, and write the figure if asked for."""
    parser = arguments("sphere", __doc__)
    parser.add_argument("--one", nargs=6, metavar=("WAY", "N", "D", "BETA", "STEPS", "RULE"), help="one run in this process")
    parser.add_argument("--steps", type=int, default=10_000, help="for n = 500")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="two cases of 500 particles and 100 steps")
    parser.add_argument("--plot", type=Path)
    options, sheet = parser.parse_args(), Sheet("sphere")
    if options.one:
        way, n, d, beta, steps, rule = options.one
        print(json.dumps(measure(way, int(n), int(d), float(beta), int(steps), rule)))
        return
    table(cases(100)[:2] if options.quick else cases(options.steps), options.repeats, sheet)
    agreeing: list[Case] = [(500, 3, 1.0, 100, "USA"), (500, 2, 9.0, 100, "SA"), (2000, 3, 1.0, 20, "USA")]
    for n, d, beta, count, rule in agreeing[:2] if options.quick else agreeing:
        off = agreement(n, d, beta, count, rule)
        text = f"n = {n}, d = {d}, beta = {beta:g}, {rule}: after {count} steps within {off:.2g} of plain NumPy"
        sheet.told(text, n=n, d=d, beta=beta, rule=rule, steps=count, difference=off)
    if options.plot:
        scaling(options.plot)
    sheet.keep(options.output)


if __name__ == "__main__":
    main()
