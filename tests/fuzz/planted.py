# SPDX-License-Identifier: Apache-2.0
"""Run commands whose verb has a planted fault, as the fuzzer runs them; print what it says of each, one a line."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.fuzz import process
from benchmarks.fuzz.case import Case
from stinespring.cli.words import verbs
from stinespring.errors import InputError


def verb(model: Annotated[str, typer.Argument()], json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Do what the model's name says."""
    match model:
        case "bug":
            raise KeyError("x")
        case "loop":
            while True:
                pass
        case "sleep":
            time.sleep(60)
        case "memory":
            bytes(5 << 30)
        case "abort":
            os.abort()
        case "silent":
            raise SystemExit(5)
        case "talks":
            raise InputError("\n".join(["a line"] * 20))
        case "warns":
            sys.stderr.write("x.py:1: RuntimeWarning: overflow\n")
        case "nan":
            sys.stdout.write('{"a": NaN}')
        case "twice":
            sys.stdout.write("{} {}")
        case "refuses":
            raise InputError("no", got="x", expected="y")
        case "good":
            sys.stdout.write('{"a": 1}')


def plant() -> None:
    folder, limit = Path(sys.argv[1]), float(sys.argv[2])
    verbs.VERBS.clear()  # one table, wherever it is looked up
    verbs.VERBS["law"] = (__name__, "verb", "Planted.")
    worker = process.Worker(folder, limit)
    cases = [Case("text", 0, ("law", word, "--json"), "model.json", b"{}") for word in sys.argv[3:]]
    for case, ended in worker.runs(cases):
        print(case.words[1], process.fault(ended, case.words) or "well", sep="\t", flush=True)
    worker.stop()


if __name__ == "__main__":
    plant()
