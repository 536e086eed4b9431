# SPDX-License-Identifier: Apache-2.0
"""What codes of texts save: qubits, CX and conditions, one table for each class of decoder, which do not compare."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from functools import cache
from itertools import product
from typing import Any, NamedTuple

import stinespring
from benchmarks.sheet import Sheet, arguments
from stinespring.compiler.options import DECODERS
from stinespring.errors import StinespringError
from stinespring.models.texts.base import TextModel
from stinespring.stages import Program

__all__ = ["Case", "main"]


class Case(NamedTuple):
    """Texts to compile.

    Attributes:
        prompt: what they begin with.
        steps: L.
        top: tokens that may follow any text.
        language: of glassllm.
    """

    prompt: str
    steps: int
    top: int
    language: str = "en"

    @property
    def words(self) -> str:
        """How a table calls it."""
        return f"{self.language}, {self.prompt!r}, top {self.top}, {self.steps} steps"


ALICE = "Alice was beginning to"
ISSUE = (Case(ALICE, 3, 4), Case(ALICE, 4, 4), Case(ALICE, 5, 4), Case(ALICE, 3, 8))
OTHERS = (
    Case("Alice was", 3, 4),
    Case("The Queen said", 4, 4),
    Case("Once upon a time", 3, 8),
    Case("Alice estava", 3, 4, "pt"),
    Case("Alice estava", 4, 4, "pt"),
    Case("Era uma vez", 3, 8, "pt"),
)
PLANS: dict[str, dict[str, Any]] = {
    "two qubits": {"schedule": "dynamic", "max_qubits": 2},
    "one qubit": {"schedule": "dynamic", "max_qubits": 1},
}
TOLERANCES = (0.0, 0.01, 0.05, 0.1)
GOALS = {(64, 0.01): 15, (256, 0.05): 45, (256, 0.1): 30, (1024, 0.1): 234}  # CX of codes by prefix
TABLE_TOLERANCES = (0.01, 0.02, 0.05)
TABLE_STEPS = (3, 4, 5, 6, 7)  # 64 to 16,384 texts of four tokens a step
ONE_CODE = 2  # of the issue's cases: the next ones take minutes with one code a token


@cache
def model(language: str, top: int) -> TextModel:
    """Return a model, loaded once."""
    found = stinespring.load(f"glassllm:{language}", top_k=top)
    assert isinstance(found, TextModel)
    return found


def compiled(case: Case, **options: Any) -> tuple[Program | None, float, str]:
    """Return a program, the seconds of CPU that it took, and why there is none."""
    source, begun = model(case.language, case.top), time.process_time()
    try:
        program = stinespring.compile(source, prompt=case.prompt, steps=case.steps, **options)
    except StinespringError as error:
        return None, time.process_time() - begun, str(error).splitlines()[0]
    return program, time.process_time() - begun, ""


def measured(sheet: Sheet, case: Case, what: str, options: Mapping[str, Any], goal: int | None = None) -> None:
    """Print and keep a row."""
    print(f"{case.words}: {dict(options)}", file=sys.stderr, flush=True)
    program, seconds, reason = compiled(case, **options)
    same = {"case": case._asdict(), "asked": dict(options), "seconds": round(seconds, 3), "goal": goal}
    if program is None:
        sheet.row(case.words, what, reason, "", "", "", "", f"{seconds:.2f}", **same, failed=reason)
        return
    cost, codes = program.cost, str(program.details["codes"])
    wanted = "" if goal is None else f"{goal} ({'reached' if cost.two_qubit_gates <= goal else 'missed'})"
    cells = (cost.qubits, f"{cost.two_qubit_gates:,}", f"{cost.conditions:,}", f"{program.tvd_bound:.2g}")
    figures = {
        "codes": codes, "decoder": DECODERS[codes], "qubits": cost.qubits, "two_qubit_gates": cost.two_qubit_gates,
        "conditions": cost.conditions, "tvd_bound": program.tvd_bound, "schedule": program.schedule,
    }  # fmt: skip
    sheet.row(case.words, what, *cells, wanted, f"{seconds:.2f}", **same, **figures)


def headed(sheet: Sheet, title: str) -> None:
    """Print the title and the head of a table."""
    print(f"\n### {title}\n")
    sheet.head("texts", "how", "qubits", "CX", "conditions", "TVD bound", "goal", "seconds of CPU", words=2)


def one_code(sheet: Sheet, cases: tuple[Case, ...]) -> None:
    """Print what one code a token takes."""
    headed(sheet, f"`--codes free`: {DECODERS['free']}")
    for case in cases:
        measured(sheet, case, "static", {"codes": "free", "schedule": "static", "effort": 0})


def by_prefix(sheet: Sheet, cases: tuple[Case, ...], effort: bool) -> None:
    """Print what exact laws of codes by prefix take."""
    headed(sheet, f"`--codes prefix`: {DECODERS['prefix']}, exact")
    for case in cases:
        measured(sheet, case, "static, effort 0", {"codes": "prefix", "schedule": "static", "effort": 0})
        if effort and case.top**case.steps <= 256:
            measured(sheet, case, "static, default effort", {"codes": "prefix", "schedule": "static"})
        for what, options in PLANS.items():
            measured(sheet, case, what, {"codes": "prefix", "effort": 0} | options)


def within(sheet: Sheet, cases: tuple[Case, ...]) -> None:
    """Print what codes by prefix take within tolerances."""
    headed(sheet, f"`--codes prefix`: {DECODERS['prefix']}, within a tolerance")
    for case in cases:
        for effort, tolerance in product((0, None), TOLERANCES):
            goal = None if effort == 0 else GOALS.get((case.top**case.steps, tolerance))
            options: dict[str, Any] = {"codes": "prefix", "schedule": "static", "tolerance": tolerance, "effort": effort}
            spent = "effort 0" if effort == 0 else "default effort"
            measured(sheet, case, f"{spent}, tolerance {tolerance:g}", options, goal)


def tables_of_texts(sheet: Sheet, steps: tuple[int, ...]) -> None:
    """Print what is left for a circuit when a table of all texts decodes."""
    headed(sheet, f"`--codes texts`: {DECODERS['texts']}, which does nearly all the work")
    for length in steps:
        case = Case(ALICE, length, 4)
        for tolerance in TABLE_TOLERANCES:
            goal = 2 * (2 * length - 1) if tolerance == TABLE_TOLERANCES[1] else None
            options = {"codes": "texts", "schedule": "static", "tolerance": tolerance, "effort": 0}
            measured(sheet, case, f"effort 0, tolerance {tolerance:g}", options, goal)


def main() -> None:
    """Print the tables."""
    parser = arguments("codes", __doc__)
    parser.add_argument("--quick", action="store_true", help="the smallest cases of each table")
    options, sheet = parser.parse_args(), Sheet("codes")
    few = 2 if options.quick else None
    compiled(ISSUE[0], effort=0)  # imports
    one_code(sheet, ISSUE[:1] if options.quick else ISSUE[:ONE_CODE])
    by_prefix(sheet, (*ISSUE[:few], *OTHERS[: 0 if options.quick else None]), effort=not options.quick)
    within(sheet, ISSUE[:1] if options.quick else (*ISSUE[:3], OTHERS[0], OTHERS[4]))
    tables_of_texts(sheet, TABLE_STEPS[:few])
    sheet.keep(options.output)


if __name__ == "__main__":
    main()
