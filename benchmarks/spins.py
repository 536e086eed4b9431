# SPDX-License-Identifier: Apache-2.0
"""How long spins take, beside plain NumPy of the same equations in the same process, on one core."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.sheet import Sheet, arguments, times
from stinespring.models.spins import SpinNetwork, diagram, draw_network, lyapunov, read_network, run_network
from stinespring.models.spins.mean_field import sign_rows
from stinespring.readings import FloatArray

EXAMPLE = Path(__file__).parent.parent / "examples" / "spins.json"
BETAS = np.linspace(0.0, 3.0, 701)


def plain_mean_field(network: SpinNetwork, steps: int) -> FloatArray:
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
    return np.asarray(semantic[0][3])


def plain_run(network: SpinNetwork, steps: int, seed: int) -> FloatArray:
    """Spin by spin: every spin has a random number, every overlap is a matrix product."""
    rng, W = np.random.default_rng(seed), network.features.astype(np.float64)
    semantic = network.start()
    for step in range(steps):
        A = network.attend(semantic, network.time + step).attention
        plus = 0.5 * (1.0 + np.tanh(network.beta * (A @ W[3])))
        x = np.where(rng.random(network.N) < plus, 1.0, -1.0)
        semantic = np.concatenate([(W @ x / network.N)[None], semantic[:-1]])
    return np.asarray(semantic[0, 3])


def row(sheet: Sheet, what: str, ours: float, plain: float | None) -> None:
    """Print a row."""
    peer = ["", ""] if plain is None else [f"{plain:.4g}", f"{plain / ours:.3g}"]
    sheet.row(what, f"{ours:.3g}", *peer, what=what, seconds=ours, plain_seconds=plain)


def mean_fields(sheet: Sheet, share: int) -> None:
    """Print the rows of the mean field of one network; the work is divided by ``share``."""
    network = read_network(EXAMPLE)
    transient, keep, few = 100_000 // share, 75_000 // share, 20_000 // share
    sample = 2_000
    whole = min(times(3, plain_mean_field, network, sample)) / sample * len(BETAS) * (transient + keep)
    many = partial(diagram, network, betas=BETAS, transient=transient, keep=keep)
    title = f"mean field, {len(BETAS)} betas x {transient + keep:,} tokens (plain: one beta at a time, from {sample:,} tokens)"
    row(sheet, title, min(times(1, many)), whole)
    row(sheet, f"the same with the leading exponent over {keep:,} tokens", min(times(1, partial(many, exponents=1))), None)
    every = partial(lyapunov, network, transient=0, steps=few, exponents=12)
    row(sheet, f"all 12 exponents of one beta, {few:,} tokens", min(times(1, every)), None)


def main() -> None:
    """Print the table."""
    parser = arguments("spins", __doc__)
    parser.add_argument("--quick", action="store_true", help="a hundredth of the tokens, times not scaled")
    options, sheet = parser.parse_args(), Sheet("spins")
    share = 100 if options.quick else 1
    sheet.head("work", "seconds", "plain NumPy, seconds", "ratio")
    mean_fields(sheet, share)
    steps = 1000 // share
    for title, large in {
        "3 columns": draw_network(M=3, N=999_999, P=2, eps=0.02, gamma=220, beta=1.27, segments=3, seed=1),
        "2,048 kinds of columns": draw_network(M=3, N=10**6, P=2, eps=0.02, gamma=220, beta=1.27, seed=1),
        "all different, M = 8": draw_network(M=8, N=10**6, P=2, eps=0.02, gamma=220, beta=1.27, seed=1),
    }.items():
        plain = times(1, plain_run, large, 5, 1)[0] / 5 * steps
        spent = min(times(1, partial(run_network, large, steps=steps, seed=1)))
        row(sheet, f"{large.N:,} spins, {title}, {steps:,} tokens (plain: from 5 tokens)", spent, plain)
    sheet.keep(options.output)


if __name__ == "__main__":
    main()
