# SPDX-License-Identifier: Apache-2.0
"""Counts that somebody else sampled from a program: what FILE.json, or the program itself, says of bits makes texts of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from stinespring.checks.texts.quasi import Quasi, check_quasi
from stinespring.checks.within import wanted_within
from stinespring.circuits.qasm.pairs import read_description
from stinespring.errors import InputError
from stinespring.models.texts.asked import TextAsked
from stinespring.models.texts.base import TextModel
from stinespring.pipeline.counts.files import is_own_output, own_samples
from stinespring.pipeline.counts.forms import Given, Registers, given_of, read_given
from stinespring.pipeline.running import check, samples_of
from stinespring.pipeline.systems import system
from stinespring.reading import read_bytes, read_json
from stinespring.readings import UNUSED, IntArray, Outcomes
from stinespring.stages import Asked, Program, Samples, Verdict

__all__ = ["Elsewhere", "Ran", "check_elsewhere", "of_program", "read_elsewhere", "read_program"]

ELDER = re.compile(r"^creg (\w+)\[(\d+)\];", re.MULTILINE)
DECLARED = re.compile(r"^bit\[(\d+)\] (\w+);", re.MULTILINE)
BETTER = 0.5  # of the distance, up to which quasi-probabilities without an error are said to fit better backwards


@dataclass(frozen=True, eq=False)
class Ran:
    """A program that somebody else ran.

    Attributes:
        registers: its classical registers with their bits, in order.
        source: what was compiled.
        asked: what was asked of it.
        samples: from readings and their counts to samples.
        texts: from readings to their texts, shape (U, L); None where they are no texts.
        left: whether the first bit stands on the left, as in counts of Braket.
    """

    registers: Registers
    source: Any
    asked: Asked
    samples: Callable[[Mapping[int, float]], Samples]
    texts: Callable[[Sequence[int]], IntArray] | None
    left: bool = False

    @property
    def width(self) -> int:
        """Number of bits of a shot."""
        return sum(size for _, size in self.registers)


@dataclass(frozen=True, eq=False)
class Elsewhere:
    """What was sampled elsewhere, and the program it was sampled from."""

    given: Given
    program: Ran
    own: Samples | None = None  # what ``run --json`` printed: texts, which have no order of bits

    def samples(self) -> Samples:
        """Return the counts as samples of the program's source.

        Raises:
            InputError: quasi-probabilities, which are no counts.
        """
        if self.own is not None:
            return self.own
        if self.given.quasi:
            raise InputError("quasi-probabilities are no counts: they have no report", todo="leave out --report")
        return self.program.samples(self.given.values)


def read_elsewhere(
    counts: Any, program: Program | str | Path, source: Any, *, shots: int | None = None, overhead: float | None = None
) -> Elsewhere:
    """Return counts of a program's classical bits.

    Args:
        counts: a JSON file (:func:`stinespring.pipeline.counts.forms.read_given`), or an object
            (:func:`stinespring.pipeline.counts.forms.given_of`).
        program: the program itself, or its FILE.json, with FILE.qasm beside it.
        source: the model of texts that it was compiled from.
        shots: behind quasi-probabilities, where they do not say.
        overhead: of the mitigation that made them: the factor on the variance, mthree's ``mitigation_overhead``.

    Raises:
        InputError: a program of another model or of another kind, readings of another number of bits, neither counts nor
            quasi-probabilities.
    """
    name = Path(counts).name if isinstance(counts, str | Path) else "counts"
    ran = of_program(program) if isinstance(program, Program) else read_program(program, source, name)
    if isinstance(counts, str | Path):
        data = read_json(counts, kind="counts file")
        if is_own_output(data):
            return Elsewhere(Given({}), ran, own_samples(data, ran.source, ran.asked, Path(counts).name))
        given = read_given(Path(counts), ran.registers, shots=shots, overhead=overhead)
    else:
        given = given_of(counts, ran.registers, shots=shots, overhead=overhead)
    return Elsewhere(given.backwards(ran.width) if ran.left else given, ran)


def read_program(program: str | Path, source: Any, name: str) -> Ran:
    """Return what a program's description says of its bits; ``name`` is the counts', for the record."""
    told = read_description(program)
    require_model(source, told)
    registers = declared(told, Path(program))
    asked = TextAsked(prompt=tuple(told["prompt_ids"]), steps=told["steps"], input_state=told.get("input_state"))
    noisy = bool(told.get("tvd_bound"))  # the program's law is the model's within a bound: how far, not whether

    def texts(values: Sequence[int]) -> IntArray:
        return decoded(values, registers, told["decode"], source, asked.steps)

    def samples(found: Mapping[int, float]) -> Samples:
        rows = texts(list(found))
        columns = {f"t{step}": rows[:, step - 1] for step in range(1, asked.steps + 1)}
        outcomes = Outcomes.tallied(columns, np.array(list(found.values()), dtype=np.int64))
        return Samples(source=source, asked=asked, outcomes=(outcomes,), backend=f"file:{name}", noisy=noisy)

    return Ran(registers, source, asked, samples, texts, left=told.get("dialect") == "braket")


def of_program(program: Program) -> Ran:
    """Return what a compiled program says of its bits.

    Raises:
        InputError: it is no single circuit.
    """
    from stinespring.backends.rows import counted

    batch = None if program.body.host else program.body.next((), 1)
    if batch is None or len(batch.items) != 1 or batch.items[0].angles is not None:
        raise InputError("the program is no single circuit", got=program.schedule, expected="a static or dynamic program",
                         todo="give counts as stinespring/samples@1")  # fmt: skip
    circuit = batch.items[0].circuit
    registers = [(register.name, register.size) for register in circuit.cregs]

    def samples(found: Mapping[int, float]) -> Samples:
        raw = counted(circuit, list(found), [int(number) for number in found.values()])
        return samples_of(program, [[raw]], raw.shots, backend="counts", noisy=False)

    def texts(values: Sequence[int]) -> IntArray:
        steps = range(1, program.asked.steps + 1)
        each = [program.body.outcomes([[counted(circuit, [value], [1])]], 1)[0] for value in values]
        return np.array([[int(one.column(f"t{step}")[0]) for step in steps] for one in each], dtype=np.int64)

    return Ran(registers, program.source, program.asked, samples, texts if isinstance(program.asked, TextAsked) else None)


def check_elsewhere(found: Elsewhere, **settings: Any) -> Verdict:
    """Return the verdict on counts from elsewhere; where they fail and fit the law backwards, it says so.

    Args:
        found: the counts.
        **settings: as for :func:`stinespring.check`.
    """
    if found.own is not None:
        return check(found.own, **settings)
    one, other = found.given, found.given.backwards(found.program.width)
    if one.quasi:
        verdict, turned = (judged_quasi(given, found.program, **settings) for given in (one, other))
        nearer = one.error is None and turned.tvd <= BETTER * verdict.tvd
        if not nearer and (verdict.verdict != "FAIL" or turned.verdict == "FAIL"):
            return verdict
        words = "these quasi-probabilities fit the law read backwards" + (f" (TVD {turned.tvd:.4f})" if nearer else "")
        return replace(verdict, reason=f"{words}: the bits of every shot are in reverse order; {verdict.reason}")
    verdict = check(found.program.samples(one.values), **settings)
    if verdict.verdict != "FAIL" or check(found.program.samples(other.values), **settings).verdict == "FAIL":
        return verdict
    words = "these counts fit the law read backwards: the bits of every shot are in reverse order"
    return replace(verdict, reason=f"{words}; {verdict.reason}")


def judged_quasi(
    given: Given, program: Ran, *, alpha: float = 0.001, resolution: float = 0.05, scope: str = "auto",
    within: float | str | None = "auto", seed: int = 0, detect: bool = False,
) -> Verdict:  # fmt: skip
    """Return the verdict on quasi-probabilities; their law is evaluated a second time, too.

    Raises:
        InputError: they are no quasi-probabilities of texts, a scope other than all texts, or ``detect``.
    """
    if program.texts is None:
        raise InputError("quasi-probabilities are judged for texts", expected="counts of any other program")
    if scope not in ("auto", "all"):
        raise InputError("quasi-probabilities have one scope", got=scope, expected="auto or all")
    if detect:
        raise InputError("no shot can be dropped from quasi-probabilities", expected="counts", todo="leave --detect out")
    texts = program.texts(list(given.values))
    samples = program.samples(dict.fromkeys(given.values, 1))
    law = samples.asked.law(samples.source)
    distance = wanted_within(within, noisy=samples.noisy, resolution=resolution)
    quasi = Quasi(texts, np.array(list(given.values.values()), dtype=np.float64), given.error, given.shots)
    verdict = check_quasi(law, quasi, alpha=alpha, resolution=resolution, within=distance)
    wrong = system(samples.asked.kind).second(samples)
    return verdict if wrong is None else replace(verdict, verdict="FAIL", reason=f"{wrong}; {verdict.reason}")


def require_model(source: Any, told: Mapping[str, Any]) -> None:
    """Refuse a program of another model, and programs whose counts are not texts of one circuit."""
    if not isinstance(source, TextModel) or "prompt_ids" not in told:
        raise InputError("--program judges counts of texts", got=str(told.get("model", "another program")),
                         expected="a program of texts and its model", todo="give counts as stinespring/samples@1")  # fmt: skip
    if "decode" not in told or told.get("schedule") == "stepwise":
        raise InputError("a stepwise program is no single circuit", got="program.json of a folder",
                         expected="a static or dynamic program")  # fmt: skip
    if told.get("model_fingerprint") != source.fingerprint():
        raise InputError(
            "the program is of another model, or of the model with other options", got=f"{told.get('model')}, fingerprint "
            f"{str(told.get('model_fingerprint'))[:12]}", expected=f"{source.name}, {source.fingerprint()[:12]}",
            todo="name the model, with --top-k, --top-p and --temperature, as it was compiled",
        )  # fmt: skip


def declared(told: Mapping[str, Any], program: Path) -> list[tuple[str, int]]:
    """Return the classical registers with their bits, in the order in which FILE.qasm declares them.

    Raises:
        InputError: there is no FILE.qasm, or it declares no register that the description decodes.
    """
    beside = program.with_suffix(".qasm")
    if not beside.is_file():
        raise InputError("the order of the bits stands in the program, which is not there", got=str(program),
                         expected=f"{beside.name} beside it")  # fmt: skip
    text = read_bytes(beside, kind="program").decode("utf-8", errors="replace")
    found = [(name, int(size)) for size, name in DECLARED.findall(text)]
    if told.get("dialect") == "qasm2":
        found = [(name, int(size)) for name, size in ELDER.findall(text)]
    elif told.get("dialect") == "braket":  # one register holds all of them
        found = [(name, len(bits)) for name, bits in told["bits_of"].items()]
    names = {name for name, _ in found}
    wanted = {"text"} if "text" in told["decode"] else {f"t{step}" for step in range(1, told["steps"] + 1)}
    if not wanted <= names:
        raise InputError("the program does not measure its tokens", got=", ".join(sorted(names)) or "no registers",
                         expected=", ".join(sorted(wanted)))  # fmt: skip
    return found


def decoded(
    readings: Sequence[int], registers: Registers, decode: Mapping[str, Any], source: TextModel, steps: int
) -> IntArray:
    """Return the text of each reading, shape (U, L); what stands for nothing is ``UNUSED``."""
    symbols = {name: number for number, name in enumerate(source.tokens)} | {None: source.vacuum}
    first = dict(zip((name for name, _ in registers), np.cumsum([0, *(size for _, size in registers)]).tolist(), strict=False))
    sizes = dict(registers)
    after = {
        name: {tuple(entry["text"]): entry["codes"] for entry in table["after"]}
        for name, table in decode.items()
        if isinstance(table, dict) and "after" in table
    }

    def text_of(value: int) -> list[int]:
        codes = {name: str(value >> first[name] & ((1 << sizes[name]) - 1)) for name in sizes}
        if "text" in decode:
            whole = decode["text"].get(codes["text"])
            return [UNUSED] * steps if whole is None else [symbols[token] for token in whole]
        tokens: list[str | None] = []
        result = []
        for name in (f"t{step}" for step in range(1, steps + 1)):
            table = after[name].get(tuple(tokens), {}) if name in after else decode[name]
            known = codes[name] in table and UNUSED not in result
            result.append(symbols[table[codes[name]]] if known else UNUSED)
            tokens.append(table[codes[name]] if known else "")
        return result

    return np.array([text_of(value) for value in readings], dtype=np.int64).reshape(-1, steps)
