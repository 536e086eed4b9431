# SPDX-License-Identifier: Apache-2.0
"""Change the corpus's files, and require of every command a status, a short message, and an end: ``python -m benchmarks fuzz``.

Statuses are 0 to 4; at most 12 lines on stderr, no traceback, no warning; at most 2 GB more than at the start, and ``--limit``
seconds of the processor. A case is named by ``--seed``, its reader and its number, and is the same every time. Failing ones are
written to ``--keep``, made smaller where that is cheap, and the command ends with 1 if there are any.
"""

from __future__ import annotations

import re
import secrets
import shlex
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from benchmarks.fuzz.case import Case
from benchmarks.fuzz.process import Ended, Worker, fault, prepare
from benchmarks.fuzz.readers import READERS, made, unchanged
from benchmarks.sheet import Sheet, arguments

SMALLER = 40  # runs that make a failing case smaller
KEPT = 3  # failing cases of one kind that are written


def kind_of(found: str, ended: Ended) -> str:
    """Return what failing cases of one kind have in common: the fault, and where an internal error was raised."""
    place = re.search(r"internal error[^:]*: (.*)|Warning: (.{0,60})", ended.err)
    return f"{found}: {place.group(1) or place.group(2)}" if place else found


def smaller(worker: Worker, case: Case, kind: str) -> Case:
    """Return the case with as little of its file as still fails the same way."""
    size, tries = len(case.content) // 2, 0
    while size >= 1 and tries < SMALLER:
        start = 0
        while start < len(case.content) and tries < SMALLER:
            less = case.with_content(case.content[:start] + case.content[start + size :])
            tries += 1
            ended = worker.run(less)
            if kind_of(fault(ended, less.words), ended) == kind:
                case = less
            else:
                start += size
        size //= 2
    return case


def main() -> None:
    """Run cases until the time is over or all are done, and print what became of them."""
    parser = arguments("fuzz", __doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long, in all")
    parser.add_argument("--cases", type=int, help="how many at most")
    parser.add_argument("--seed", type=int, default=None, help="the same seed gives the same cases; default: a new one")
    parser.add_argument("--reader", choices=READERS, action="append", help="only this one; may be given again")
    parser.add_argument("--case", type=int, help="only the case with this number, and what it says")
    parser.add_argument("--corpus", type=int, metavar="N", help="instead: the corpus unchanged, each file before N commands")
    parser.add_argument("--limit", type=float, default=30.0, help="processor seconds of one case")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-failures"), help="folder for the cases that fail")
    given = parser.parse_args()
    seed = secrets.randbits(32) if given.seed is None else given.seed
    readers = given.reader or list(READERS)
    begun = time.monotonic()
    prepare()
    with tempfile.TemporaryDirectory() as scratch:
        worker = Worker(Path(scratch) / "cases", given.limit)
        try:
            if given.case is not None:
                sys.exit(again(worker, made(seed, readers[0], given.case)))
            numbers = count() if given.cases is None else range(given.cases)
            cases = (made(seed, readers[number % len(readers)], number) for number in numbers)
            if given.corpus is not None:
                cases = unchanged(readers, given.corpus)
            failed = series(worker, seed, cases, begun + given.seconds, given.keep, given.output)
        finally:
            worker.stop()
    sys.exit(1 if failed else 0)


def again(worker: Worker, case: Case) -> int:
    """Run one case and show it."""
    ended = worker.run(case)
    print(shlex.join(["stinespring", *case.argv()]))
    print(f"{case.name}: {case.node or case.content[:2000]!r}")
    print(f"status {ended.status}, {ended.seconds:.1f} s, {ended.megabytes:.0f} MB\n{ended.out[:2000]}{ended.err[:2000]}")
    found = fault(ended, case.words)
    print(found or "as it should be")
    return 1 if found else 0


def series(worker: Worker, seed: int, cases: Iterator[Case], until: float, keep: Path, output: Path | None) -> bool:
    """Run cases; print a table; return whether any failed."""
    statuses: dict[str, Counter[str]] = {name: Counter() for name in READERS}
    slowest, most, kinds = Counter[str](), Counter[str](), Counter[str]()
    single = Worker(worker.folder.with_name(f"{worker.folder.name}-single"), worker.limit)
    print(f"seed {seed}", flush=True)
    for case, ended in worker.runs_until(cases, until):
        found = fault(ended, case.words)
        name = case.reader
        if found:  # what comes before in the same process is no excuse, but a case must fail alone to be told
            alone = single.run(case)
            single.stop()
            found, ended = (fault(alone, case.words), alone) if fault(alone, case.words) else (f"{found} after others", ended)
            kind = f"{name}: {kind_of(found, ended)}"
            kinds[kind] += 1
            if kinds[kind] <= KEPT:
                if kinds[kind] == 1 and isinstance(ended.status, int) and "after others" not in found:
                    case = smaller(single, case, kind_of(found, ended))
                path = case.kept(keep, seed, found, ended.err[:2000])
                print(f"FAULT {kind}\n  {shlex.join(['stinespring', *case.argv()])[:300]}\n  {path}", flush=True)
        statuses[name][str(ended.status) if not found else "fault"] += 1
        slowest[name], most[name] = max(slowest[name], ended.seconds), max(most[name], ended.megabytes)
    single.stop()
    sheet = Sheet("fuzz")
    columns = ("0", "1", "2", "3", "4", "fault")
    sheet.head("reader", "cases", *columns, "slowest, s", "most, MB")
    for name in READERS:
        told = statuses[name]
        sheet.row(
            name,
            told.total(),
            *(told[c] for c in columns),
            f"{slowest[name]:.2f}",
            f"{most[name]:.0f}",
            reader=name,
            seed=seed,
            cases=told.total(),
            statuses=dict(told),
            slowest_s=round(slowest[name], 3),
            most_mb=round(most[name]),
        )
    total = sum(told.total() for told in statuses.values())
    sheet.told(
        f"\n{total:,} cases of seed {seed}, {sum(kinds.values())} of them failed", cases=total, seed=seed, faults=dict(kinds)
    )
    sheet.keep(output)
    return bool(kinds)


if __name__ == "__main__":
    main()
