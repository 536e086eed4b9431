# SPDX-License-Identifier: Apache-2.0
"""Which readers take which exports: every cell tried, in a fresh process with a time limit; the table of docs/readers.md.

Each reader that is no dependency of ours is installed into a virtual environment under a temporary folder, which is removed
afterwards. Where it executes programs its counts are compared with the exact law of the text, by the interpreter of the tests.

    python -m benchmarks readers --json benchmarks/results/DATE-readers.json
    python -m benchmarks readers --table benchmarks/results/DATE-readers.json > docs/readers.md
"""

from __future__ import annotations

import argparse
import json
import math
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.reading.scripts import READERS, Reader
from benchmarks.reading.table import page
from benchmarks.results import dated, write

ROOT = Path(__file__).resolve().parent.parent
SHOTS = 4000
SECONDS, INSTALLING = 120, 900  # for one program; for pip
ALARM = 1e-6
COMMAND = "from stinespring.cli.entry import main; main()"
TEXTS = ("compile", "three_tokens.json", "--prompt", "sun rain", "--effort", "0")
KINDS: dict[str, tuple[str, ...]] = {
    "static": (*TEXTS, "--steps", "2", "--schedule", "static"),
    "dynamic": (*TEXTS, "--steps", "2", "--schedule", "dynamic", "--feed-forward", "all"),
    "one-qubit chain": (*TEXTS, "--steps", "3", "--schedule", "dynamic", "--max-qubits", "1"),
    "template": (*TEXTS, "--steps", "2", "--schedule", "stepwise"),
    "isometry": ("channel", "CHANNEL", "--form", "isometry"),
    "channel tree": ("channel", "CHANNEL", "--form", "tree"),
    "spins": ("spins", "compile", "three_spins.json", "--steps", "3", "--schedule", "dynamic"),
    "sphere": ("sphere", "compile", "sphere.json", "--particle", "0", "--measure"),
    "lens": ("lens", "compile", "mathformer:add", "--prompt", "1+2"),
    "braket": (*TEXTS, "--steps", "2", "--dialect", "braket"),
    "braket, dynamic": (*TEXTS, "--steps", "2", "--schedule", "dynamic", "--feed-forward", "all", "--dialect", "braket"),
    "qasm2": (*TEXTS, "--steps", "2", "--dialect", "qasm2"),
}


def exported(folder: Path) -> dict[str, str]:
    """Return the text of each kind of program."""
    import numpy as np

    channel = folder / "channel.npz"
    rng = np.random.default_rng(8)
    columns = rng.normal(size=(10, 2)) + 1j * rng.normal(size=(10, 2))
    np.savez(channel, kraus=np.linalg.qr(columns)[0].reshape(5, 2, 2))  # rank 5: three bits
    texts = {}
    for kind, words in KINDS.items():
        path = folder / f"{kind.replace(' ', '_').replace(',', '')}{'' if kind == 'template' else '.qasm'}"
        words = tuple(
            str(channel) if word == "CHANNEL" else str(ROOT / "examples" / word) if word.endswith(".json") else word
            for word in words
        )
        subprocess.run([sys.executable, "-c", COMMAND, *words, "-o", str(path)], check=True, stdout=subprocess.DEVNULL)
        file = max(path.glob("*.qasm")) if path.is_dir() else path
        texts[kind] = file.read_text(encoding="utf-8")
    return texts


def bits_of(text: str) -> list[tuple[str, int]]:
    """Return the classical registers with their sizes."""
    three = [(name, int(size)) for size, name in re.findall(r"^bit\[(\d+)\] (\w+);", text, re.MULTILINE)]
    return three or [(name, int(size)) for name, size in re.findall(r"^creg (\w+)\[(\d+)\];", text, re.MULTILINE)]


def law_of(text: str) -> dict[str, float] | None:
    """Return the exact law of all bits, the last one on the left; None where the interpreter does not read the dialect."""
    if str(ROOT / "tests") not in sys.path:
        sys.path.append(str(ROOT / "tests"))
    from oracles.qasm_runner import distribution

    registers = bits_of(text)
    if not registers or "input float" in text:
        return None
    found = distribution(text, [name for name, _ in registers])
    return {
        "".join(f"{value:0{size}b}" for value, (_, size) in reversed(list(zip(values, registers, strict=True)))): p
        for values, p in found.items()
    }


def laws(texts: dict[str, str]) -> dict[str, dict[str, float] | None]:
    """Return the law of each kind; of a dialect that of the portable text of the same program."""
    found = {kind: None if kind.startswith(("braket", "qasm2")) else law_of(text) for kind, text in texts.items()}
    return found | {"braket": found["static"], "qasm2": found["static"], "braket, dynamic": found["dynamic"]}


def environment(folder: Path, packages: Sequence[str]) -> tuple[Path | None, str]:
    """Return the interpreter of an environment with some packages, or why there is none."""
    place = folder / "environment"
    subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    python = place / "bin" / "python"
    try:
        done = subprocess.run(
            [str(python), "-m", "pip", "install", "-q", "--no-cache-dir", *packages],
            capture_output=True, text=True, timeout=INSTALLING, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return None, f"pip took more than {INSTALLING} s"
    lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
    return (python, "") if done.returncode == 0 else (None, lines[-1] if lines else "pip failed")


def tried(python: Path, reader: Reader, text: str, law: dict[str, float] | None) -> dict[str, Any]:
    """Return what one reader does with one text."""
    given = f"import json\nTEXT, SHOTS, BITS, counts = {text!r}, {SHOTS}, {bits_of(text)!r}, None\n"
    with tempfile.NamedTemporaryFile("w", suffix=".py", encoding="utf-8") as script:
        script.write(given + reader.script + "\nprint('\\n' + json.dumps({str(k): v for k, v in (counts or {}).items()}))\n")
        script.flush()
        try:
            done = subprocess.run([str(python), script.name], capture_output=True, text=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:
            return {"outcome": "refused", "why": f"no end within {SECONDS} s"}
    if done.returncode:
        last = [line for line in done.stderr.strip().splitlines() if line.strip()] or [f"exit status {done.returncode}"]
        outcome = "reads" if "READ" in done.stdout.split() else "refused"
        return {"outcome": outcome, "why": re.sub(r"/\S+/", "", last[-1])[:200]}
    counts = json.loads(done.stdout.strip().splitlines()[-1])
    if not counts or law is None:
        return {"outcome": "reads"}
    total = sum(counts.values())
    distance = 0.5 * sum(abs(counts.get(key, 0) / total - law.get(key, 0.0)) for key in {*counts, *law})
    most = 0.5 * math.sqrt((len(law) - 1) / SHOTS) + math.sqrt(math.log(2 / ALARM) / (2 * SHOTS))
    return {"outcome": "runs" if distance <= most else "runs wrongly", "tvd": round(distance, 4), "allowed": round(most, 4)}


def version_of(python: Path, package: str) -> str:
    """Return the version of a package in an environment."""
    words = f"from importlib.metadata import version; print(version({package!r}))"
    return subprocess.run([str(python), "-c", words], capture_output=True, text=True, check=False).stdout.strip()


def measured(names: Sequence[str]) -> list[dict[str, Any]]:
    """Return a row for each reader."""
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        texts = exported(folder)
        expected = laws(texts)
        for reader in READERS:
            if names and reader.name not in names:
                continue
            python, why = (Path(sys.executable), "") if not reader.packages else environment(folder, reader.packages)
            row: dict[str, Any] = {"reader": reader.name, "executes": not reader.reads_only}
            if python is None:
                row |= {"version": "", "not_installed": why, "cells": {}}
            else:
                cells = {kind: tried(python, reader, text, expected[kind]) for kind, text in texts.items()}
                row |= {"version": version_of(python, reader.tells), "cells": cells}
            sys.stderr.write(f"{row}\n")
            rows.append(row)
            shutil.rmtree(folder / "environment", ignore_errors=True)
    return rows


def main() -> None:
    """Measure, or write the table from what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="the file to write")
    parser.add_argument("--table", type=Path, help="the file whose table is printed")
    parser.add_argument("--only", nargs="*", default=[], help="names of readers; their rows replace those of --json")
    asked = parser.parse_args()
    if asked.table is not None:
        print(page(json.loads(asked.table.read_text(encoding="utf-8")), asked.table.name), end="")
        return
    rows = measured(asked.only)
    if asked.only and asked.json is not None and asked.json.exists():
        known = {row["reader"]: row for row in json.loads(asked.json.read_text(encoding="utf-8"))["rows"]}
        known |= {row["reader"]: row for row in rows}
        rows = [known[reader.name] for reader in READERS if reader.name in known]
    if asked.json is not None:
        write(asked.json, dated("readers", rows))


if __name__ == "__main__":
    main()
