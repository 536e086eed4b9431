# SPDX-License-Identifier: Apache-2.0
"""How long the paths for dynamic programs take, beside Aer's own shot-by-shot run of the same program in the same process."""

from __future__ import annotations

import argparse
import time

from benchmarks.programs import blocks, chain
from stinespring.backends.histories.choose_path import FlowSamples, Path, sample_flow
from stinespring.circuits.core.flow import Flow
from stinespring.errors import TooLargeError

PATHS: tuple[Path, ...] = ("deferred", "branches", "shot_branching")
SOON = 2.0  # seconds below which a run is repeated and the best time taken
SEED = 5


def programs(quick: bool) -> dict[str, Flow]:
    """Return the programs by title."""
    found = {
        "chain, 8 tokens of 1 bit, window 4": chain(steps=8, bits=1, window=4, seed=SEED),
        "chain, 8 tokens of 2 bits, window 4": chain(steps=8, bits=2, window=4, seed=SEED),
        "chain, 32 tokens of 1 bit, window 4": chain(steps=32, bits=1, window=4, seed=SEED),
        "4 blocks of 3 qubits, 1 coherent throughout": blocks(steps=4, width=3, seed=SEED),
        "5 blocks of 4 qubits, 1 coherent throughout": blocks(steps=5, width=4, seed=SEED),
    }
    return dict(list(found.items())[:1]) if quick else found


def timed(flow: Flow, path: Path, shots: int) -> tuple[float, FlowSamples]:
    """Return the best time of up to three runs, and the samples."""
    best = SOON
    for number in range(3):
        begun = time.perf_counter()
        samples = sample_flow(flow, shots=shots, seed=number, path=path)
        seconds = time.perf_counter() - begun
        best = seconds if number == 0 else min(best, seconds)
        if seconds > SOON:
            break
    return best, samples


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks dynamic", description=__doc__)
    parser.add_argument("--shots", type=int, default=20_000)
    parser.add_argument("--plain-shots", type=int, help="fewer shots of Aer's own paths, their times scaled up")
    parser.add_argument("--quick", action="store_true", help="the first program only")
    options = parser.parse_args()
    fewer = min(options.shots, options.plain_shots or options.shots)
    print("| program | path | circuits | qubits | seconds | plain / seconds |\n|---|---|---:|---:|---:|---:|", flush=True)
    sample_flow(chain(steps=2, bits=1, window=1, seed=0), shots=10, seed=0)  # imports
    for title, flow in programs(options.quick).items():
        plain = timed(flow, "plain", fewer)[0] * options.shots / fewer
        print(f"| {title} | plain | 1 | {flow.qubits} | {plain:.3g} | 1 |", flush=True)
        chosen = sample_flow(flow, shots=options.shots, seed=9).path
        for path in PATHS:
            try:
                shots = fewer if path == "shot_branching" else options.shots
                seconds, samples = timed(flow, path, shots)
                seconds *= options.shots / shots
            except TooLargeError:
                print(f"| | {path} | | | does not fit | |", flush=True)
                continue
            qubits, circuits = samples.metadata.get("qubits", flow.qubits), samples.metadata.get("circuits", 1)
            name = f"{path} (chosen)" if path == chosen else path
            print(f"| | {name} | {circuits} | {qubits} | {seconds:.3g} | {plain / seconds:.3g} |", flush=True)


if __name__ == "__main__":
    main()
