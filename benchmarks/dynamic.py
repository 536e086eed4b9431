# SPDX-License-Identifier: Apache-2.0
"""How long the paths for dynamic programs take, beside Aer's own shot-by-shot run of the same program in the same process.

Processor seconds of this process, all of them on one thread. A call reads the circuit back, compares what was read with it,
chooses the path where none is given, samples and counts; "sampling" is the path's own part of that, from states to shots.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from benchmarks.programs import blocks, chain
from benchmarks.sheet import Sheet, arguments
from stinespring.backends.aer.backend import AerBackend
from stinespring.backends.histories.choose_path import PLANNED, Path, sample_by_plan
from stinespring.batches import Batch, Item
from stinespring.circuits.core.flow import Flow
from stinespring.errors import TooLargeError

__all__ = ["main"]

PATHS: tuple[Path, ...] = ("together", "deferred", "branches", "shot_branching")
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


def timed(path: Path, batch: Batch) -> float:
    """Return the least processor time of up to three runs by one path.

    Raises:
        TooLargeError: the path does not fit in memory.
    """
    found: list[float] = []
    while not found or (len(found) < 3 and min(found) < SOON):
        begun = time.process_time()
        AerBackend(path=path).sample(batch, len(found))
        found.append(time.process_time() - begun)
    return min(found)


def built(path: Path, flow: Flow, batch: Batch) -> tuple[int, int, float | None]:
    """Return how many circuits a path runs, the qubits of the widest, and the seconds of the sampling alone."""
    if path not in PLANNED:
        return 1, flow.qubits, None
    ran = [
        sample_by_plan(flow, shots=chunk.shots, seed=chunk.seed, path=path, limit=chunk.how.limit)
        for chunk in AerBackend(path=path).chunks(batch, 0)
    ]
    return sum(part.circuits for part in ran), max(part.qubits for part in ran), sum(part.seconds for part in ran)


def compare(title: str, flow: Flow, options: argparse.Namespace, sheet: Sheet) -> None:
    """Print the rows of one program; Aer's own paths may run fewer shots, their times scaled up."""
    circuit, fewer = flow.circuit(), min(options.shots, options.plain_shots or options.shots)
    whole, part = (Batch((Item(circuit, None, np.array([shots])),), (1,)) for shots in (options.shots, fewer))
    plain = timed("plain", part) * options.shots / fewer
    same = {"program": title, "shots": options.shots}
    sheet.row(title, "plain", 1, flow.qubits, f"{plain:.3g}", "", 1, **same, path="plain", seconds=plain)
    chosen = AerBackend().route(circuit, options.shots).how.path
    for path in PATHS:
        try:
            seconds = timed(path, whole) if path in PLANNED else timed(path, part) * options.shots / fewer
        except TooLargeError:
            sheet.row("", path, "", "", "does not fit", "", "", **same, path=path, seconds=None)
            continue
        circuits, qubits, sampling = built(path, flow, whole)
        name = f"{path} (chosen)" if path == chosen else path
        figures = {"circuits": circuits, "qubits": qubits, "seconds": seconds, "sampling": sampling, "chosen": path == chosen}
        alone = "" if sampling is None else f"{sampling:.3g}"
        sheet.row("", name, circuits, qubits, f"{seconds:.3g}", alone, f"{plain / seconds:.3g}", **same, path=path, **figures)


def main() -> None:
    """Print the table."""
    parser = arguments("dynamic", __doc__)
    parser.add_argument("--shots", type=int, default=20_000)
    parser.add_argument("--plain-shots", type=int, help="fewer shots of Aer's own paths, their times scaled up")
    parser.add_argument("--quick", action="store_true", help="the first program only")
    options, sheet = parser.parse_args(), Sheet("dynamic")
    sheet.head("program", "path", "circuits", "qubits", "seconds", "sampling", "plain / seconds", words=2)
    first = chain(steps=2, bits=1, window=1, seed=0).circuit()
    AerBackend().sample(Batch((Item(first, None, np.array([10])),), (1,)), 0)  # imports
    for title, flow in programs(options.quick).items():
        compare(title, flow, options, sheet)
    sheet.keep(options.output)


if __name__ == "__main__":
    main()
