# SPDX-License-Identifier: Apache-2.0
"""What a text must remember: quantum states against classical ones, of a language model, random chains, a renewal process."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.results import dated, write
from stinespring.compiler.memory.phases import fitted_phases
from stinespring.compiler.memory.tensors import exact_tensors, hidden_tensors, qubits_for, truncated_tensors
from stinespring.compiler.texts.merge import States, causal_states
from stinespring.compiler.texts.specialise import channels
from stinespring.models.load import load
from stinespring.models.texts.base import TextModel
from stinespring.models.texts.memory import TOLERANCES, coded, memory_of
from stinespring.models.texts.table import TableModel
from stinespring.readings import FloatArray, IntArray
from stinespring.report.figures.canvas import canvas

ROOT = Path(__file__).resolve().parent.parent
PROMPTS = ("Alice was beginning to", "Alice was", "The")
STEPS, TOP = 6, 4
CHAINS, SPREADS, SEEDS, LENGTH = ((3, 3), (2, 5), (2, 4)), (0.3, 0.5, 1.0), range(10), 10
FEW = range(4)  # seeds of chains whose phases are fitted
WAITS = (4, 8, 12, 16)


class Renewal(TextModel):
    """A dual Poisson renewal process in discrete time: the waiting time survives n steps with ``p g^n + (1 - p) h^n``."""

    name, tokens = "dual Poisson", ("0", "1")
    shares, rates = np.array([0.4, 0.6]), np.array([0.9, 0.3])

    def law(self, step: int, texts: IntArray) -> FloatArray:
        """Return the law after the count of zeros since the last 1, shape (B, 2)."""
        waited = np.logical_and.accumulate(texts[:, ::-1] == 0, axis=1).sum(axis=1)
        survival = [(self.shares * self.rates ** (waited + more)[:, None]).sum(axis=1) for more in (0, 1)]
        return np.stack([survival[1] / survival[0], 1.0 - survival[1] / survival[0]], axis=1)

    def content(self) -> dict[str, Any]:
        """Return the parameters."""
        return {"shares": self.shares.tolist(), "rates": self.rates.tolist()}


def states_of(model: TextModel, prompt: list[int], steps: int) -> list[States]:
    """Return the causal states before every step."""
    found, _ = channels(model, np.array(prompt), steps, extension="token", quantum=False, tolerance=0.0)
    return causal_states([channel.laws[-1] for channel in found])


def language() -> list[dict[str, Any]]:
    """Return the cuts of six steps of top 4 after each prompt."""
    model = load("glassllm:en", top_k=TOP)
    return [
        {"kind": "language", "prompt": prompt, **cut.plain()}
        for prompt in PROMPTS
        for cut in memory_of(coded(model.joint(prompt, STEPS)))
    ]


def random_chain(d: int, window: int, spread: float, seed: int) -> TableModel:
    """Return a chain with logits from a normal law of this spread."""
    weights = np.exp(np.random.default_rng([d, window, seed]).normal(scale=spread, size=(d**window, d)))
    law = weights / weights.sum(axis=1, keepdims=True)
    return TableModel({"tokens": list("abc")[:d], "context": window, "law": law.tolist()}, "random chain")


def random_chains() -> list[dict[str, Any]]:
    """Return what one memory qubit fewer than causal states need costs random chains."""
    rows = []
    for d, window in CHAINS:
        for spread in SPREADS:
            certified = []
            for seed in SEEDS:
                exact = exact_tensors(states_of(random_chain(d, window, spread, seed), [0] * window, LENGTH))
                certified.append(truncated_tensors(exact, 1 << (exact.qubits - 1)).certified)
            rows.append(
                {
                    "kind": "chain", "tokens": d, "window": window, "steps": LENGTH, "spread": spread,
                    "causal_states": d**window, "classical_qubits": qubits_for(d**window), "quantum_qubits": exact.qubits - 1,
                    "certified_tvd": certified,
                }
            )  # fmt: skip
    return rows


def with_phases() -> list[dict[str, Any]]:
    """Return what one and two qubits fewer cost a few random chains without and with phases."""
    rows = []
    for d, window in CHAINS:
        for fewer in (1, 2):
            plain, turned = [], []
            for seed in FEW:
                states = states_of(random_chain(d, window, 0.5, seed), [0] * window, LENGTH)
                exact = exact_tensors(states)
                most = 1 << (exact.qubits - fewer)
                phases = fitted_phases(states, most)
                assert phases is not None
                plain.append(truncated_tensors(exact, most).certified)
                turned.append(truncated_tensors(exact_tensors(states, phases), most).certified)
            rows.append(
                {
                    "kind": "phases", "tokens": d, "window": window, "steps": LENGTH, "spread": 0.5, "fewer": fewer,
                    "certified_tvd": plain, "certified_tvd_with_phases": turned,
                }
            )  # fmt: skip
    return rows


def renewal() -> list[dict[str, Any]]:
    """Return the memory of the renewal process over longer and longer texts."""
    rows = []
    for steps in WAITS:
        states = states_of(Renewal(), [1], steps)
        tensors = hidden_tensors(states)
        assert tensors is not None
        count = max(len(each.laws) for each in states)
        rows.append({"kind": "renewal", "steps": steps, "causal_states": count, "quantum_qubits": tensors.qubits})
    return rows


def plot(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw the entropies by cut, the states at each distance in the middle cut, and what a qubit fewer costs chains."""
    cuts = [row for row in rows if row["kind"] == "language" and row["prompt"] == PROMPTS[0]]
    middle = next(cut for cut in cuts if cut["step"] == STEPS // 2)
    with canvas(path, 1, 3, size=(12, 3.8)) as (_, [[first, second, third]]):
        steps = [cut["step"] for cut in cuts]
        first.plot(steps, [cut["C_mu"] for cut in cuts], "s-", color="0.45", label="causal states, C_mu")
        first.plot(steps, [cut["C_q"] for cut in cuts], "o-", color="#1f5fa8", label="quantum, C_q")
        first.set(xlabel="after step", ylabel="bits remembered", title="six steps of top 4, glassllm")
        first.legend(frameon=False)
        places = np.arange(len(TOLERANCES))
        names = [f"{tolerance:g}" for tolerance in TOLERANCES]
        for offset, key, colour in ((-0.2, "classical_at", "0.6"), (0.2, "quantum_states", "#1f5fa8")):
            bars = second.bar(places + offset, [middle[key][name] for name in names], 0.38, color=colour)
            second.bar_label(bars)
        second.set(xticks=places, xticklabels=names, xlabel="TVD", ylabel="memory states", title="its middle cut, 64 prefixes")
        for number, (d, window) in enumerate(CHAINS):
            found = [row for row in rows if row["kind"] == "chain" and (row["tokens"], row["window"]) == (d, window)]
            median = [float(np.median(row["certified_tvd"])) for row in found]
            colour = ("#1f5fa8", "#b5502a", "#3f8f4f")[number]
            third.plot([row["spread"] for row in found], median, "o-", color=colour, label=f"{d} tokens, window {window}")
        third.axhline(0.02, color="0.6", linestyle=":")
        third.set(xlabel="spread of the logits", ylabel="certified TVD (median)", yscale="log")
        third.set_title("chains on one memory qubit fewer")
        third.legend(frameon=False)


def main() -> None:
    """Measure, write the dated figures, and draw them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks memory", description=__doc__)
    parser.add_argument("--results", type=Path, help="where to write the figures as JSON")
    parser.add_argument("--plot", type=Path, help="where to draw them")
    given = parser.parse_args()
    rows = [*language(), *random_chains(), *with_phases(), *renewal()]
    path = given.results or ROOT / "benchmarks" / "results" / f"{datetime.now(UTC).date()}-memory.json"
    write(path, dated("memory", rows))
    if given.plot is not None:
        plot(rows, given.plot)


if __name__ == "__main__":
    main()
