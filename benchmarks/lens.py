# SPDX-License-Identifier: Apache-2.0
"""The lens: states and operators beside dense NumPy, and reflections beside a generic unitary, in one run."""

from __future__ import annotations

import time

import numpy as np

from benchmarks.sheet import Sheet, arguments, times
from stinespring.circuits.core.gates import count_two_qubit
from stinespring.circuits.systems.reflection import Turn, turns_program
from stinespring.models.lens import load_decoder, read_states
from stinespring.models.lens.metrics import random_directions
from stinespring.models.lens.reflection import Reflection, directions
from stinespring.models.lens.states import amplitudes

__all__ = ["main"]

WIDTH, POINTS = 768, 25  # a decoder of twelve layers of GPT-2's width
DENSE = 4096  # the largest matrix that is built
SIZES = (1024, DENSE, 50_258)


def operators(rng: np.random.Generator, sizes: tuple[int, ...], sheet: Sheet) -> None:
    """Print milliseconds of a prompt's states and directions, and microseconds of one operator."""
    sheet.head("V", f"states of {POINTS} points", "directions", "apply one U", "the same with a dense U", words=0)
    for size in sizes:
        stream, unembedding = rng.normal(size=(POINTS, WIDTH)), rng.normal(size=(size, WIDTH)) / 9
        states = min(times(3, lambda hidden, rows: amplitudes(hidden @ rows.T), stream, unembedding))
        psi = amplitudes(stream @ unembedding.T)
        found = min(times(3, directions, psi[:-1], psi[1:]))
        layer = Reflection.between(psi[0], psi[1])
        apply = min(times(20, layer.apply, psi[0]))
        dense = min(times(20, np.matmul, layer.unitary(), psi[0])) if size <= DENSE else None
        last = "does not fit" if dense is None else f"{1e6 * dense:.0f} us"
        figures = {"states": states, "directions": found, "apply": apply, "dense": dense}
        cells = [f"{1e3 * states:.1f} ms", f"{1e3 * found:.1f} ms", f"{1e6 * apply:.0f} us", last]
        sheet.row(f"{size:,}", *cells, V=size, **figures)


def circuits(most: int, rng: np.random.Generator, sheet: Sheet) -> None:
    """Print two-qubit gates and seconds of one reflection, and of eight with merged neighbours."""
    print()
    sheet.head("qubits", "one reflection", "Gray order and 200", "generic unitary", "eight, merged", "eight, alone", words=0)
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
        ours = [f"{count:,} ({spent:.2f} s)" for count, spent in zip((one, *eight), seconds, strict=True)]
        figures = {"one": one, "merged": eight[0], "alone": eight[1], "seconds": seconds}
        sheet.row(size, ours[0], f"{gray:,}", f"{generic:,}", *ours[1:], qubits=size, gray=gray, generic=generic, **figures)


def main() -> None:
    """Print the tables."""
    parser = arguments("lens", __doc__)
    parser.add_argument("--qubits", type=int, default=10)
    parser.add_argument("--quick", action="store_true", help="the smallest vocabulary, and at most 6 qubits")
    options, sheet, rng = parser.parse_args(), Sheet("lens"), np.random.default_rng(0)
    decoder = load_decoder("glassllm:en")
    read_states(decoder, "Alice was")  # imports
    seconds = min(times(10, lambda: read_states(decoder, "Alice was beginning to").v))
    told = f"glassllm, 5 tokens, V = 1024: all states and operators in {1e3 * seconds:.1f} ms\n"
    sheet.told(told, what="glassllm", seconds=seconds)
    operators(rng, SIZES[:1] if options.quick else SIZES, sheet)
    circuits(min(options.qubits, 6) if options.quick else options.qubits, rng, sheet)
    sheet.keep(options.output)


if __name__ == "__main__":
    main()
