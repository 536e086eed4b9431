# SPDX-License-Identifier: Apache-2.0
"""What is predicted of programs on simulated devices, against 10^6 shots of each; and what ``--tolerance auto`` gains."""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import stinespring
from benchmarks.results import dated, write
from stinespring.backends.aer.backend import AerBackend
from stinespring.backends.aer.fake import calibration_of
from stinespring.backends.registry import open_backend
from stinespring.models.load import made
from stinespring.pipeline.noise.beside import beside
from stinespring.pipeline.noise.predicted import predicted
from stinespring.pipeline.running import on_backend, sampled
from stinespring.stages import Program

__all__ = ["main"]

SHOTS = 1_000_000
SNAPSHOTS = ("torino", "fez", "boston")
# schedule, tokens, steps, tolerance, codes; of a language model the tokens kept after a prompt
STATIC = ((2, 2, 0.0, None), (2, 3, 0.0, None), (2, 4, 0.0, None), (2, 5, 0.0, "free"), (2, 6, 0.0, None), (2, 8, 0.0, "free"),
          (2, 10, 0.0, "free"), (4, 2, 0.0, None), (4, 3, 0.0, "texts"), (4, 4, 0.02, None), (4, 5, 0.05, "texts"),
          (3, 2, 0.0, None), (3, 3, 0.0, "free"), (8, 2, 0.0, None))  # fmt: skip
DYNAMIC = ((2, 2, 0.0, "free"), (2, 3, 0.0, "free"), (2, 4, 0.0, "free"), (2, 5, 0.0, "free"), (2, 6, 0.0, "free"),
           (4, 2, 0.0, None), (3, 2, 0.0, "free"), (4, 3, 0.0, None))  # fmt: skip
STEPWISE = ((2, 2, 0.0, None), (2, 4, 0.0, None), (2, 6, 0.0, None), (2, 8, 0.0, None), (3, 2, 0.0, None), (3, 4, 0.0, None),
            (4, 2, 0.0, None), (4, 3, 0.0, None), (8, 2, 0.0, None), (16, 2, 0.0, None), (3, 3, 0.0, None),
            (5, 2, 0.0, None))  # fmt: skip
LANGUAGE = (("static", 3, 0.0), ("static", 4, 0.03), ("static", 5, 0.0), ("stepwise", 3, 0.0), ("dynamic", 2, 0.0),
            ("stepwise", 2, 0.02))  # fmt: skip
MORE = (("static", 5, 2), ("static", 7, 2), ("static", 2, 7), ("stepwise", 6, 2), ("stepwise", 2, 10))
SIZES = ((4, 3), (4, 4), (4, 5))
PROMPTS = ("Alice was", "The Queen said")


class Case(NamedTuple):
    """One program to be predicted and sampled."""

    name: str
    model: Any
    prompt: str
    options: dict[str, Any]
    snapshot: str


def table(tokens: int, seed: int) -> Any:
    """Return a random model whose token depends on the one before: softmax of normal logits."""
    names = [chr(ord("a") + i) for i in range(tokens)]
    logits = np.random.default_rng([seed, tokens, 18]).normal(scale=1.2, size=(tokens, tokens))
    law = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    content = {"format": "stinespring/table@1", "tokens": names, "context": 1, "law": law.tolist()}
    return made(content, f"table of {tokens}")


def cases() -> Iterator[Case]:
    """Yield the 45 programs, snapshots in turn."""
    number = 0
    for schedule, shapes in (("static", STATIC), ("dynamic", DYNAMIC), ("stepwise", STEPWISE)):
        for tokens, steps, tolerance, codes in shapes:
            options = {"steps": steps, "schedule": schedule, "tolerance": tolerance, "codes": codes}
            words = f"{schedule}, {tokens} tokens, {steps} steps"
            yield Case(words, table(tokens, number), "a", options, SNAPSHOTS[number % 3])
            number += 1
    model = stinespring.load("glassllm:en", top_k=4)
    for schedule, steps, tolerance in LANGUAGE:
        options = {"steps": steps, "schedule": schedule, "tolerance": tolerance}
        yield Case(f"{schedule}, glassllm:en, {steps} steps", model, "Alice was", options, SNAPSHOTS[number % 3])
        number += 1
    for schedule, tokens, steps in MORE:
        words = f"{schedule}, {tokens} tokens, {steps} steps"
        yield Case(words, table(tokens, number), "a", {"steps": steps, "schedule": schedule}, SNAPSHOTS[number % 3])
        number += 1


def shown(program: Program, backend: AerBackend, seed: str) -> float:
    """Return the TVD that 10^6 shots show, from the source's own law; the device's limit on shots is lifted."""
    free = AerBackend(calibration=replace(calibration_of(backend), max_shots=None), device=backend.capabilities.device)
    root = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big")
    found = beside(replace(sampled(program, free, SHOTS, root), claim=None))
    assert found is not None, "these laws are listed"
    return found.tvd


def measured(case: Case) -> dict[str, Any]:
    """Predict and sample one program."""
    backend: Any = open_backend(f"fake:{case.snapshot}")
    given = {name: value for name, value in case.options.items() if value is not None}
    program = stinespring.compile(case.model, prompt=case.prompt, target=backend.capabilities.device, **given)
    begun = time.process_time()
    noise = predicted(on_backend(program, backend), backend)
    predicting = time.process_time() - begun
    begun = time.process_time()
    tvd = shown(program, backend, f"{case.name} {case.snapshot}")
    return {
        "program": case.name, "snapshot": case.snapshot, "qubits": used(program),
        "two_qubit_gates": program.cost.two_qubit_gates, "conditions": program.cost.conditions,
        "tvd_bound": program.tvd_bound, "expected_tvd": noise.tvd, "low": noise.low, "high": noise.high, "by": noise.by,
        "shown": tvd, "inside": noise.low <= tvd <= noise.high,
        "predicting_s": round(predicting, 2), "sampling_s": round(time.process_time() - begun, 1),
    }  # fmt: skip


def used(program: Program) -> int:
    """Return how many qubits anything acts on."""
    from stinespring.circuits.devices.read_back import used_qubits

    return len(used_qubits(program.circuit))


def gained(snapshot: str, prompt: str, top: int, steps: int) -> dict[str, Any]:
    """Compare ``--tolerance auto`` with tolerance 0 on one device, by 10^6 shots of each."""
    backend: Any = open_backend(f"fake:{snapshot}")
    device, model = backend.capabilities.device, stinespring.load("glassllm:en", top_k=top)
    row: dict[str, Any] = {"program": f"auto, {prompt}, {top**steps} texts", "snapshot": snapshot, "texts": top**steps}
    given = {"prompt": prompt, "steps": steps, "schedule": "static", "target": device}
    for name, tolerance in (("zero", 0.0), ("auto", "auto")):
        begun = time.process_time()
        program = stinespring.compile(model, tolerance=tolerance, **given)
        row |= {f"{name}_compiling_s": round(time.process_time() - begun, 1), f"{name}_gates": program.cost.two_qubit_gates}
        row |= {f"{name}_bound": program.tvd_bound, f"{name}_expected": predicted(program, backend).tvd}
        row[f"{name}_shown"] = shown(program, backend, f"{name} {snapshot} {prompt} {steps}")
        if name == "auto":
            row["chosen"] = next(choice for choice in program.details["choices"] if choice["chosen"])
    row["less"] = 1.0 - row["auto_shown"] / row["zero_shown"]
    return row


def main() -> None:
    """Measure, print, and write dated results after every program."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks prediction", description=__doc__)
    parser.add_argument("--only", choices=("laws", "auto"), help="only the 45 programs, or only --tolerance auto")
    parser.add_argument("--json", type=Path, help="write the results to this file; programs that it has are not measured again")
    options = parser.parse_args()
    known = options.json is not None and options.json.is_file()
    rows: list[dict[str, Any]] = json.loads(options.json.read_text(encoding="utf-8"))["rows"] if known else []
    done = {(row.get("program"), row["snapshot"]) for row in rows}

    def keep(row: dict[str, Any]) -> None:
        rows.append(row)
        print(json.dumps(row), flush=True)
        if options.json is not None:
            write(options.json, dated("prediction", rows))

    left = [case for case in cases() if (case.name, case.snapshot) not in done] if options.only != "auto" else []
    for case in left:
        if case.options["schedule"] != "dynamic":
            keep(measured(case))
    asked = [(prompt, snapshot, *size) for prompt in PROMPTS for snapshot in ("torino", "fez") for size in SIZES]
    for prompt, snapshot, top, steps in asked if options.only != "laws" else ():
        if (f"auto, {prompt}, {top**steps} texts", snapshot) not in done:
            keep(gained(snapshot, prompt, top, steps))
    for case in left:  # each shot is a trajectory of its own: they take longest
        if case.options["schedule"] == "dynamic":
            keep(measured(case))
    laws = [row for row in rows if "inside" in row]
    print(f"{sum(row['inside'] for row in laws)} of {len(laws)} inside", flush=True)


if __name__ == "__main__":
    main()
