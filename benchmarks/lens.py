# SPDX-License-Identifier: Apache-2.0
"""The lens: states and operators beside dense NumPy, and reflections beside a generic unitary, in one run."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

from stinespring.circuits.core.gates import count_two_qubit
from stinespring.circuits.systems.reflection import Turn, turns_program
from stinespring.models.lens import load_decoder, read_states
from stinespring.models.lens.metrics import random_directions
from stinespring.models.lens.reflection import Reflection, directions
from stinespring.models.lens.states import amplitudes

__all__ = ["main"]

WIDTH, POINTS = 768, 25  # a decoder of twelve layers of GPT-2's width
DENSE = 4096  # the largest matrix that is built


def least(work: Callable[[], object], repeats: int = 3) -> float:
    """Return the least seconds of several runs."""
    found = []
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        found.append(time.perf_counter() - begun)
    return min(found)


def operators(rng: np.random.Generator) -> None:
    """Print milliseconds of a prompt's states and directions, and microseconds of one operator."""
    print(f"| V | states of {POINTS} points | directions | apply one U | the same with a dense U |\n|---|---|---|---|---|")
    for size in (1024, DENSE, 50_258):
        stream, unembedding = rng.normal(size=(POINTS, WIDTH)), rng.normal(size=(size, WIDTH)) / 9
        psi = amplitudes(stream @ unembedding.T)
        states = least(lambda s=stream, w=unembedding: amplitudes(s @ w.T))
        found = least(lambda p=psi: directions(p[:-1], p[1:]))
        layer = Reflection.between(psi[0], psi[1])
        apply = least(lambda u=layer, p=psi: u.apply(p[0]), 20)
        dense = "does not fit"
        if size <= DENSE:
            matrix = layer.unitary()
            dense = f"{1e6 * least(lambda m=matrix, p=psi: m @ p[0], 20):.0f} us"
        print(f"| {size:,} | {1e3 * states:.1f} ms | {1e3 * found:.1f} ms | {1e6 * apply:.0f} us | {dense} |", flush=True)


def circuits(most: int, rng: np.random.Generator) -> None:
    """Print two-qubit gates and seconds of one reflection, and of eight with merged neighbours."""
    print("\n| qubits | one reflection | Gray order and 200 | generic unitary | eight, merged | eight, alone |")
    print("|---|---|---|---|---|---|")
    turns_program(None, [Turn(random_directions(1, 8, rng)[0])], 3)  # what is imported on first use
    for size in range(3, most + 1):
        v = random_directions(9, 1 << size, rng)
        begun = time.perf_counter()
        one = count_two_qubit(turns_program(None, [Turn(v[0])], size))
        seconds = [time.perf_counter() - begun]
        eight = []
        for merge in (True, False):
            begun = time.perf_counter()
            eight.append(count_two_qubit(turns_program(v[8], [Turn(direction) for direction in v[:8]], size, merge=merge)))
            seconds.append(time.perf_counter() - begun)
        gray = 2 * (2**size - 1 - size) + 200
        generic = round(23 / 48 * 4**size - 1.5 * 2**size + 4 / 3)
        print(
            f"| {size} | {one:,} ({seconds[0]:.2f} s) | {gray:,} | {generic:,} "
            f"| {eight[0]:,} ({seconds[1]:.2f} s) | {eight[1]:,} ({seconds[2]:.2f} s) |",
            flush=True,
        )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks lens")
    parser.add_argument("--qubits", type=int, default=10)
    chosen, rng = parser.parse_args(), np.random.default_rng(0)
    decoder = load_decoder("glassllm:en")
    read_states(decoder, "Alice was")
    seconds = least(lambda: read_states(decoder, "Alice was beginning to").v, 10)
    print(f"glassllm, 5 tokens, V = 1024: all states and operators in {1e3 * seconds:.1f} ms\n")
    operators(rng)
    circuits(chosen.qubits, rng)


if __name__ == "__main__":
    main()
