# SPDX-License-Identifier: Apache-2.0
"""Plant the faults of the modules ``planted*`` one at a time, and say what caught each: ``python -m benchmarks mutants``.

A fault is caught by the verdict (FAIL), or the program refuses to go on (a message, exit 2 or 4). UNVERIFIED is no catch, and
PASS is a silent fault: the command ends with exit 1 if there is one. ``--only WORD`` takes the faults whose name or file holds
the word, ``--output FILE.json`` keeps the table with date, machine, versions and commit.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import shlex
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from benchmarks import planted as first
from benchmarks.planted import Mutant
from benchmarks.results import dated, write

MODULES = sorted(m.name for m in iter_modules([str(Path(__file__).parent)]) if m.name.startswith("planted_"))
FAULTS = [first, *(import_module(f"benchmarks.{name}") for name in MODULES)]
COMMANDS = {name: words for module in FAULTS for name, words in module.COMMANDS.items()}
ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = ("tests", "docs", "benchmarks", "build", "dist")
SECONDS = 600
LOADED = (
    "numpy", "scipy.optimize", "scipy.stats", "typer", "qiskit.qpy", "qiskit.synthesis", "qiskit.transpiler", "qiskit_aer",
    "glassllm", "mthree",
)  # fmt: skip


@dataclass(frozen=True)
class Caught:
    """What became of one fault.

    Attributes:
        name, room, command: of the fault.
        by: ``verdict``, ``refused``, ``UNVERIFIED``, ``silent``, or ``not run``: the command fails without it.
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
    """Run a command line with a copy of the package, in processes of its own; return its status and what it printed."""
    with tempfile.TemporaryDirectory() as scratch:
        status, text = 0, ""
        for number, part in enumerate(command.split("; ")):
            words = [
                word.replace("examples/", f"{package}/examples/").replace("benchmarks/", f"{ROOT}/benchmarks/")
                for word in shlex.split(part)
            ]
            status, printed = called(package, words, Path(scratch), f"{scratch}/{number}.txt")
            text += printed
            if status != 0:
                break
    return status, text


def called(package: Path, words: list[str], folder: Path, output: str) -> tuple[int, str]:
    """Run one command in a forked process, in which the libraries are loaded already but nothing of the package is."""
    child = os.fork()
    if not child:
        try:
            os.chdir(folder)
            os.environ |= {
                "STINESPRING_HOME": str(folder / "ledger"), "PYTHONPATH": str(package.parent), "PYTHONDONTWRITEBYTECODE": "1"
            }  # fmt: skip
            out = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(out, 1)
            os.dup2(out, 2)
            signal.alarm(SECONDS)
            sys.path.insert(0, str(package.parent))
            sys.argv = ["stinespring", *words]
            sys.stdout, sys.stderr = (open(fd, "w", encoding="utf-8", closefd=False) for fd in (1, 2))  # noqa: SIM115
            status = 0
            try:
                import_module("stinespring.cli.main").main()
            except SystemExit as end:
                status = end.code if isinstance(end.code, int) else int(end.code is not None)
            except BaseException:  # noqa: BLE001 -- whatever a fault does
                traceback.print_exc()
                status = 1
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status, Path(output).read_text(encoding="utf-8", errors="replace")


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


def worker(copy: Path, work: Sequence[Mutant | str]) -> Iterator[Caught | tuple[str, int, str]]:
    """Yield what becomes of some faults, or of some commands without one, in one copy of the package."""
    for one in work:
        if isinstance(one, str):
            yield one, *ran(copy, COMMANDS[one])
        else:
            with planted(copy, one):
                yield judged(one, *ran(copy, COMMANDS[one.command]))


def at_once(copies: Sequence[Path], work: Sequence[Mutant | str]) -> Iterator[Caught | tuple[str, int, str]]:
    """Yield what :func:`worker` finds, in as many processes as there are copies."""
    with ExitStack() as stack:
        queue = []
        for number, copy in enumerate(copies):
            reading, writing = os.pipe()
            if not os.fork():
                os.close(reading)
                with os.fdopen(writing, "w", encoding="utf-8") as stream:
                    for found in worker(copy, work[number :: len(copies)]):
                        print(json.dumps(asdict(found) if isinstance(found, Caught) else found), file=stream, flush=True)
                os._exit(0)
            os.close(writing)
            queue.append(stack.enter_context(os.fdopen(reading, encoding="utf-8")))
        while queue:
            for stream in select.select(queue, [], [])[0]:
                line = stream.readline()
                if line:
                    found = json.loads(line)
                    yield Caught(**found) if isinstance(found, dict) else tuple(found)
                else:
                    queue.remove(stream)


def main() -> None:
    """Run the faults that were asked for, two at a time."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks mutants", description=__doc__)
    parser.add_argument("--only", default="", help="faults whose name or file holds this word")
    parser.add_argument("--module", default="", help="faults of this module alone, such as planted_kinds")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--output", type=Path, help="FILE.json")
    asked = parser.parse_args()
    chosen = [mutant for module in FAULTS if module.__name__.endswith(asked.module) for mutant in module.PLANTED]
    wanted = [m for m in chosen if asked.only in m.name or asked.only in m.file]
    for name in LOADED:
        with suppress(ImportError):
            import_module(name)
    with tempfile.TemporaryDirectory() as scratch:
        copies = [copied(Path(scratch) / str(number)) for number in range(asked.jobs)]
        unsound = {}
        for command, status, text in at_once(copies, [*dict.fromkeys(m.command for m in wanted)]):
            if status not in (0, 3):
                unsound[command] = f"without a fault '{command}' ends with {status}"
                print(f"{unsound[command]}:\n{text[-1500:]}", flush=True)
        found = [
            Caught(m.name, m.file.partition("/")[0], m.command, "not run", unsound[m.command])
            for m in wanted if m.command in unsound
        ]  # fmt: skip
        for caught in at_once(copies, [m for m in wanted if m.command not in unsound]):
            found.append(caught)
            print(f"{caught.by:10} {caught.room:9} {caught.name}: {caught.words}", flush=True)
    order = [mutant.name for mutant in wanted]
    found.sort(key=lambda caught: order.index(caught.name))
    missed = [caught for caught in found if caught.by in ("silent", "UNVERIFIED", "not run")]
    print(f"{len(found) - len(missed)} of {len(found)} planted faults are caught")
    if asked.output is not None:
        write(asked.output, dated("mutants", [asdict(caught) for caught in found]))
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
