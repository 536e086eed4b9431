# SPDX-License-Identifier: Apache-2.0
"""The interval for the distance of a sampled distribution: what it covers and how wide it is, beside other methods."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.sheet import Sheet, arguments
from stinespring.checks.statistics.interval import tvd_interval
from tests.laws import COVERED

__all__ = ["main"]

Array = NDArray[np.float64]
Interval = tuple[float, float]
RESAMPLES = 200


def tvd(counts: Array, law: Array) -> Array:
    """Return the distance between frequencies and a law, along the last axis."""
    return np.asarray(0.5 * abs(counts / counts.sum(axis=-1, keepdims=True) - law).sum(axis=-1))


def ours(counts: Array, law: Array, alpha: float, rng: np.random.Generator) -> Interval:
    """Return what verdicts print."""
    return tvd_interval(counts, law, alpha=alpha, seed=int(rng.integers(1 << 31)))


def mcdiarmid(counts: Array, law: Array, alpha: float, rng: np.random.Generator) -> Interval:
    """Return McDiarmid's interval with the greatest bias over so many outcomes."""
    shots, measured = counts.sum(), float(tvd(counts, law))
    slack = math.sqrt(math.log(2.0 / alpha) / (2.0 * shots))
    return max(0.0, measured - slack - 0.5 * math.sqrt((len(law) - 1) / shots)), min(1.0, measured + slack)


def weissman(counts: Array, law: Array, alpha: float, rng: np.random.Generator) -> Interval:
    """Return the triangle inequality with Weissman's bound on ``TVD(f, q)``: ``P(2 TVD >= e) <= 2^K exp(-N e^2 / 2)``."""
    measured = float(tvd(counts, law))
    slack = 0.5 * math.sqrt(2.0 * (len(law) * math.log(2.0) - math.log(alpha)) / counts.sum())
    return max(0.0, measured - slack), min(1.0, measured + slack)


def bootstrap(kind: str) -> Callable[[Array, Array, float, np.random.Generator], Interval]:
    """Return the bootstrap's interval: ``percentile``, ``basic``, or ``corrected`` (quantiles about T less its bias)."""

    def found(counts: Array, law: Array, alpha: float, rng: np.random.Generator) -> Interval:
        shots, measured = int(counts.sum()), float(tvd(counts, law))
        drawn = tvd(rng.multinomial(shots, counts / shots, size=RESAMPLES).astype(np.float64), law)
        low, high = (float(end) for end in np.quantile(drawn, [alpha / 2.0, 1.0 - alpha / 2.0]))
        middle = float(drawn.mean())
        if kind == "basic":
            low, high = 2.0 * measured - high, 2.0 * measured - low
        elif kind == "corrected":
            low, high = low + 2.0 * (measured - middle), high + 2.0 * (measured - middle)
        return max(0.0, low), min(1.0, max(0.0, high))

    return found


METHODS: dict[str, Callable[[Array, Array, float, np.random.Generator], Interval]] = {
    "ours": ours,
    "McDiarmid": mcdiarmid,
    "Weissman": weissman,
    "percentile": bootstrap("percentile"),
    "basic": bootstrap("basic"),
    "corrected": bootstrap("corrected"),
}


def measured(name: str, method: str, runs: int, alpha: float) -> dict[str, Any]:
    """Return how often a method covers on one law, and how wide it is on average."""
    law, sampled, shots = COVERED[name]
    rng, truth = np.random.default_rng(11), 0.5 * abs(law - sampled).sum()
    inside, width = 0, 0.0
    for _ in range(runs):
        low, high = METHODS[method](rng.multinomial(shots, sampled).astype(np.float64), law, alpha, rng)
        inside, width = inside + (low <= truth + 1e-12 and truth - 1e-12 <= high), width + high - low
    return {"coverage": inside / runs, "width": width / runs, "runs": runs}


def main() -> None:
    """Print coverage and mean width by law and method, and the ratio to the narrowest that covers that law."""
    parser = arguments("interval", __doc__)
    parser.add_argument("--runs", type=int, default=2000, help="simulated runs of ours")
    parser.add_argument("--others", type=int, default=400, help="simulated runs of the other methods")
    parser.add_argument("--alpha", type=float, default=0.05)
    parser.add_argument("--law", nargs="+", choices=list(COVERED), default=list(COVERED))
    options, sheet = parser.parse_args(), Sheet("interval")
    print("coverage / mean width; ratio to the narrowest other method that covers that law at the stated rate")
    sheet.head("law", *METHODS, "ratio")
    for name in options.law:
        figures = {
            method: measured(name, method, options.runs if method == "ours" else options.others, options.alpha)
            for method in METHODS
        }
        wide = 1.0 - options.alpha
        best = min((f["width"] for m, f in figures.items() if m != "ours" and f["coverage"] >= wide), default=float("nan"))
        ratio = figures["ours"]["width"] / best
        cells = [f"{f['coverage']:.4f} / {f['width']:.4f}" for f in figures.values()]
        law, sampled, shots = COVERED[name]
        sheet.row(
            name, *cells, f"{ratio:.2f}", law=name, outcomes=len(law), shots=shots, alpha=options.alpha,
            distance=0.5 * float(abs(law - sampled).sum()), methods=figures, ratio=None if math.isnan(ratio) else ratio,
        )  # fmt: skip
    sheet.keep(options.output)


if __name__ == "__main__":
    main()
