# SPDX-License-Identifier: Apache-2.0
"""How long spins take, beside plain NumPy of the same equations in the same process, on one core."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from stinespring.models.spins import SpinNetwork, diagram, draw_network, lyapunov, read_network, run_network
from stinespring.models.spins.mean_field import sign_rows

EXAMPLE = Path(__file__).parent.parent / "examples" / "spins.json"
BETAS = np.linspace(0.0, 3.0, 701)


def plain_mean_field(network: SpinNetwork, steps: int) -> np.ndarray:
    """One temperature at a time: the closed equations as one would write them down; the last outputs."""
    found, positions = sign_rows(network), network.position_overlaps
    semantic, time_ = list(network.start()), network.time
    for _ in range(steps):
        m = [(1 - network.eps) * x + positions[(time_ - d) % network.L] for d, x in enumerate(semantic)]
        scores = np.array([m[0][0] @ x[1] for x in m]) * network.sharpness
        weights = np.exp(scores - scores.max())
        A = (weights / weights.sum()) @ np.array([x[2] for x in m])
        newest = found.coefficients @ np.tanh(network.beta * (found.rows @ A))
        semantic, time_ = [newest, *semantic[:-1]], time_ + 1
    return semantic[0][3]


def plain_run(network: SpinNetwork, steps: int, seed: int) -> np.ndarray:
    """Spin by spin: every spin has a random number, every overlap is a matrix product."""
    rng, W = np.random.default_rng(seed), network.features.astype(np.float64)
    semantic = network.start()
    for step in range(steps):
        A = network.attend(semantic, network.time + step).attention
        plus = 0.5 * (1.0 + np.tanh(network.beta * (A @ W[3])))
        x = np.where(rng.random(network.N) < plus, 1.0, -1.0)
        semantic = np.concatenate([(W @ x / network.N)[None], semantic[:-1]])
    return semantic[0, 3]


def seconds(work: Callable[[], object], repeats: int = 1) -> float:
    """Return the least time of some runs."""
    best = np.inf
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - begun)
    return float(best)


def row(what: str, ours: float, plain: float | None) -> None:
    """Print a row."""
    peer = "| | |" if plain is None else f"| {plain:.4g} | {plain / ours:.3g} |"
    print(f"| {what} | {ours:.3g} {peer}", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks spins", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a hundredth of the tokens, times not scaled")
    options = parser.parse_args()
    share = 100 if options.quick else 1
    network = read_network(EXAMPLE)
    transient, keep = 100_000 // share, 75_000 // share
    sample = 2_000
    one = seconds(lambda: plain_mean_field(network, sample), 3) / sample
    print("| work | seconds | plain NumPy, seconds | ratio |\n|---|---:|---:|---:|", flush=True)
    whole = one * len(BETAS) * (transient + keep)
    row(f"mean field, {len(BETAS)} betas x {transient + keep:,} tokens (plain: one beta at a time, from {sample:,} tokens)",
        seconds(lambda: diagram(network, betas=BETAS, transient=transient, keep=keep)), whole)  # fmt: skip
    row(f"the same with the leading exponent over {keep:,} tokens",
        seconds(lambda: diagram(network, betas=BETAS, transient=transient, keep=keep, exponents=1)), None)  # fmt: skip
    row(f"all 12 exponents of one beta, {20_000 // share:,} tokens",
        seconds(lambda: lyapunov(network, transient=0, steps=20_000 // share, exponents=12)), None)  # fmt: skip
    steps = 1000 // share
    for title, large in {
        "3 columns": draw_network(M=3, N=999_999, P=2, eps=0.02, gamma=220, beta=1.27, segments=3, seed=1),
        "2,048 kinds of columns": draw_network(M=3, N=10**6, P=2, eps=0.02, gamma=220, beta=1.27, seed=1),
        "all different, M = 8": draw_network(M=8, N=10**6, P=2, eps=0.02, gamma=220, beta=1.27, seed=1),
    }.items():
        plain = seconds(lambda large=large: plain_run(large, 5, 1)) / 5 * steps  # type: ignore[misc]
        row(f"{large.N:,} spins, {title}, {steps:,} tokens (plain: from 5 tokens)",
            seconds(lambda large=large: run_network(large, steps=steps, seed=1)), plain)  # fmt: skip


if __name__ == "__main__":
    main()
