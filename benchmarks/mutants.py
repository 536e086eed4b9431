# SPDX-License-Identifier: Apache-2.0
"""Plant the faults of the modules ``planted*`` one at a time, and say what caught each: ``python -m benchmarks mutants``.

A fault is caught by the verdict (FAIL), or the program refuses to go on (a message, exit 2 or 4). UNVERIFIED is no catch, and
PASS is a silent fault: the command ends with exit 1 if there is one. ``--only WORD`` takes the faults whose name or file holds
the word, ``--output FILE.json`` keeps the table with date, machine, versions and commit.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from queue import Queue

from benchmarks import planted as first
from benchmarks.planted import Mutant
from benchmarks.results import dated, write

MODULES = sorted(m.name for m in iter_modules([str(Path(__file__).parent)]) if m.name.startswith("planted_"))
FAULTS = [first, *(import_module(f"benchmarks.{name}") for name in MODULES)]
COMMANDS = {name: words for module in FAULTS for name, words in module.COMMANDS.items()}
PLANTED = [mutant for module in FAULTS for mutant in module.PLANTED]
ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = ("tests", "docs", "benchmarks", "build", "dist")
SECONDS = 300.0
CALL = "import sys; from stinespring.cli.main import main; sys.exit(main())"


@dataclass(frozen=True)
class Caught:
    """What became of one fault.

    Attributes:
        name, room, command: of the fault.
        by: ``verdict``, ``refused``, ``UNVERIFIED`` or ``silent``.
        words: the line that says so.
    """

    name: str
    room: str
    command: str
    by: str
    words: str


def copied(folder: Path) -> Path:
    """Copy the package into a folder, under its name; return where it is."""
    package = folder / "stinespring"
    shutil.copytree(ROOT, package, ignore=lambda at, names: [
        n for n in names if n.startswith(".") or n in LEFT_OUT or n.endswith(("__pycache__", ".egg-info"))
    ])  # fmt: skip
    return package


def ran(package: Path, command: str) -> tuple[int, str]:
    """Run a command line with a copy of the package, in fresh processes; return its status and what it printed."""
    with tempfile.TemporaryDirectory() as scratch:
        home = {"STINESPRING_HOME": f"{scratch}/ledger", "PYTHONPATH": str(package.parent), "PYTHONDONTWRITEBYTECODE": "1"}
        status, text = 0, ""
        for part in command.split("; "):
            words = [
                word.replace("examples/", f"{package}/examples/").replace("benchmarks/", f"{ROOT}/benchmarks/")
                for word in shlex.split(part)
            ]
            done = subprocess.run(
                [sys.executable, "-c", CALL, *words], env=os.environ | home, cwd=scratch, capture_output=True, text=True,
                timeout=SECONDS, check=False,
            )  # fmt: skip
            status, text = done.returncode, text + done.stdout + done.stderr
            if status != 0:
                break
    return status, text


@contextmanager
def planted(package: Path, mutant: Mutant) -> Iterator[None]:
    """Plant a fault in a copy of the package."""
    file = package / mutant.file
    text = file.read_text(encoding="utf-8")
    if text.count(mutant.old) != 1:
        raise SystemExit(f"{mutant.file} has the text of {mutant.name!r} {text.count(mutant.old)} times, not once")
    file.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
    try:
        yield
    finally:
        file.write_text(text, encoding="utf-8")


def judged(mutant: Mutant, status: int, text: str) -> Caught:
    """Say what caught a fault."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    by = {0: "silent", 1: "verdict", 3: "UNVERIFIED"}.get(status, "refused")
    if by == "verdict" and not any(line.startswith("FAIL") for line in lines):
        by = "refused"  # an error without a verdict
    starts = {"verdict": "FAIL", "UNVERIFIED": "UNVERIFIED", "silent": "PASS"}.get(by, "stinespring:")
    words = next((line for line in lines if line.startswith(starts)), lines[-1] if lines else "")
    return Caught(mutant.name, mutant.file.partition("/")[0], mutant.command, by, words[:160])


def main() -> None:
    """Run the faults that were asked for, two at a time."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks mutants", description=__doc__)
    parser.add_argument("--only", default="", help="faults whose name or file holds this word")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--output", type=Path, help="FILE.json")
    asked = parser.parse_args()
    wanted = [m for m in PLANTED if asked.only in m.name or asked.only in m.file]
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(asked.jobs) as pool:
        copies: Queue[Path] = Queue()
        for number in range(asked.jobs):
            copies.put(copied(Path(scratch) / str(number)))

        def sound(command: str) -> tuple[str, int, str]:
            package = copies.get()
            try:
                return command, *ran(package, COMMANDS[command])
            finally:
                copies.put(package)

        def attacked(mutant: Mutant) -> Caught:
            package = copies.get()
            try:
                with planted(package, mutant):
                    return judged(mutant, *ran(package, COMMANDS[mutant.command]))
            finally:
                copies.put(package)

        for command, status, text in pool.map(sound, dict.fromkeys(m.command for m in wanted)):
            if status not in (0, 3):
                sys.exit(f"without a fault '{command}' ends with {status}:\n{text[-1500:]}")
        found = []
        for caught in pool.map(attacked, wanted):
            found.append(caught)
            print(f"{caught.by:10} {caught.room:9} {caught.name}: {caught.words}", flush=True)
    missed = [caught for caught in found if caught.by in ("silent", "UNVERIFIED")]
    print(f"{len(found) - len(missed)} of {len(found)} planted faults are caught")
    if asked.output is not None:
        write(asked.output, dated("mutants", [asdict(caught) for caught in found]))
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
