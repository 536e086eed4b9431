# SPDX-License-Identifier: Apache-2.0
"""Counts that somebody else sampled from a program's OpenQASM: what FILE.json says of bits makes texts of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from stinespring.circuits.qasm.pairs import read_description
from stinespring.errors import InputError
from stinespring.models.counts import MOST_SHOTS
from stinespring.models.texts.asked import TextAsked
from stinespring.models.texts.base import TextModel
from stinespring.pipeline.running import check
from stinespring.reading import read_bytes, read_json
from stinespring.readings import UNUSED, IntArray, Outcomes
from stinespring.stages import Samples, Verdict

__all__ = ["Elsewhere", "check_elsewhere", "read_elsewhere"]

ELDER = re.compile(r"^creg (\w+)\[(\d+)\];", re.MULTILINE)
DECLARED = re.compile(r"^bit\[(\d+)\] (\w+);", re.MULTILINE)
FORMS = (
    'bit strings ("01 10": blanks or none, the last register first, bit 0 of each last), hexadecimal "0x9" or whole numbers as '
    "keys; or a PrimitiveResult or Result that qiskit-ibm-runtime's RuntimeEncoder wrote"
)
Readings = dict[int, int]  # all bits as one number, bit 0 of the first register the least significant


@dataclass(frozen=True, eq=False)
class Elsewhere:
    """What was sampled elsewhere.

    Attributes:
        samples: as they are.
        backwards: as they would be with the bits of every shot in reverse.
    """

    samples: Samples
    backwards: Samples


def read_elsewhere(counts: str | Path, program: str | Path, source: Any) -> Elsewhere:
    """Return counts of a program's classical bits as samples of its texts.

    Args:
        counts: a JSON file: an object of readings and how often each occurred, or one with it as ``counts``; keys as Qiskit
            writes them (bit strings with or without blanks between registers, hexadecimal) or whole numbers; or a result of
            Qiskit's primitives or backends, written by the ``RuntimeEncoder`` of ``qiskit-ibm-runtime``.
        program: its FILE.json, with FILE.qasm beside it.
        source: the model of texts that it was compiled from.

    Raises:
        InputError: a program of another model or of another kind, readings of another number of bits, no counts,
            quasi-probabilities.
    """
    told = read_description(program)
    require_model(source, told)
    registers = declared(told, Path(program))
    width = sum(size for _, size in registers)
    readings = read_readings(Path(counts), registers, width)
    asked = TextAsked(prompt=tuple(told["prompt_ids"]), steps=told["steps"], input_state=told.get("input_state"))
    noisy = bool(told.get("tvd_bound"))  # the program's law is the model's within a bound: how far, not whether

    def samples(found: Readings) -> Samples:
        texts, number = decoded(found, registers, told["decode"], source, asked.steps)
        columns = {f"t{step}": texts[:, step - 1] for step in range(1, asked.steps + 1)}
        outcomes = Outcomes.tallied(columns, number)
        return Samples(source=source, asked=asked, outcomes=(outcomes,), backend=f"file:{Path(counts).name}", noisy=noisy)

    turned = {int(f"{value:0{width}b}"[::-1], 2): number for value, number in readings.items()}
    if told.get("dialect") == "braket":  # whose counts have the first bit on the left
        readings, turned = turned, readings
    return Elsewhere(samples(readings), samples(turned))


def check_elsewhere(found: Elsewhere, **settings: Any) -> Verdict:
    """Return the verdict on counts from elsewhere; where they fail and fit the law backwards, it says so.

    Args:
        found: the counts.
        **settings: as for :func:`stinespring.check`.
    """
    verdict = check(found.samples, **settings)
    if verdict.verdict != "FAIL":
        return verdict
    other = check(found.backwards, **settings)
    if other.verdict == "FAIL":
        return verdict
    words = "these counts fit the law read backwards: the bits of every shot are in reverse order"
    return replace(verdict, reason=f"{words}; {verdict.reason}")


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


def read_readings(path: Path, registers: list[tuple[str, int]], width: int) -> Readings:
    """Return the counts of a file by the number that all bits of a shot make."""
    data = read_json(path, kind="counts file")
    if "__type__" in data:
        data = of_result(path, registers)
    given = data.get("counts", data)
    if not isinstance(given, dict) or not given:
        raise InputError("the file holds no counts", got=str(path), expected=FORMS)
    numbers = list(given.values())
    if any(isinstance(number, float) for number in numbers):
        raise InputError("these are shares or quasi-probabilities, not counts", got=f"{path}: {numbers[0]!r}",
                         expected="how often each reading occurred, as whole numbers",
                         todo="ask for counts: a verdict needs the shots")  # fmt: skip
    if any(isinstance(n, bool) or not isinstance(n, int) or n < 0 for n in numbers) or not 0 < sum(numbers) <= MOST_SHOTS:
        raise InputError("a count is not a whole number of at least 0, or all are 0", got=str(path), expected="0, 1, 2, …")
    result: Readings = {}
    for value, number in zip(values_of(list(given), registers, width), numbers, strict=True):
        result[value] = result.get(value, 0) + number
    return result


def values_of(keys: list[str], registers: list[tuple[str, int]], width: int) -> Iterator[int]:
    """Yield the number of each key; all are of one kind.

    Raises:
        InputError: keys of another width, or that are neither bits nor numbers.
    """
    blanks = [size for _, size in reversed(registers)]
    plain = [key.replace(" ", "") for key in keys]
    if all(re.fullmatch(r"[01]+", key) and len(key) == width for key in plain):
        if any(" " in key and [len(part) for part in key.split(" ")] != blanks for key in keys):
            raise InputError("the blanks of the keys are not between the registers", got=repr(keys[0]),
                             expected=" ".join("0" * size for size in blanks))  # fmt: skip
        yield from (int(key, 2) for key in plain)
        return
    base = 16 if all(re.fullmatch(r"0x[0-9a-fA-F]+", key) for key in keys) else 10
    if base == 10 and not all(re.fullmatch(r"0|[1-9][0-9]*", key) for key in keys):
        raise InputError("the readings cannot be read", got=repr(keys[0]), expected=f"{width} bits: {FORMS}")
    for key in keys:
        value = int(key, base)
        if value >> width:
            raise InputError("a reading has more bits than the program", got=repr(key), expected=f"{width} bits")
        yield value


def of_result(path: Path, registers: list[tuple[str, int]]) -> dict[str, Any]:
    """Return the counts of a result of Qiskit's, as bit strings."""
    try:
        from qiskit_ibm_runtime import RuntimeDecoder
    except ImportError:
        raise InputError("results of Qiskit are read by qiskit-ibm-runtime", got=str(path), expected="the extra [ibm]",
                         todo="pip install 'stinespring[ibm]'") from None  # fmt: skip
    text = read_bytes(path, kind="counts file").decode("utf-8", errors="replace")
    try:
        found = json.loads(text, cls=RuntimeDecoder)
    except Exception as error:  # noqa: BLE001 -- whatever the library's own reader raises
        raise InputError("the result cannot be read", got=f"{path}: {error}", expected="what RuntimeEncoder wrote") from None
    if hasattr(found, "get_counts"):
        return {"counts": dict(found.get_counts())}
    try:
        [pub] = found
        columns = [getattr(pub.data, name) for name, _ in reversed(registers)]
        strings = zip(*(column.get_bitstrings() for column in columns), strict=True)
    except (TypeError, ValueError, AttributeError) as error:
        names = ", ".join(name for name, _ in registers)
        raise InputError("the result is not that of this program run once", got=f"{path}: {error}",
                         expected=f"one pub with the registers {names}") from None  # fmt: skip
    counts: dict[str, int] = {}
    for words in strings:
        counts[" ".join(words)] = counts.get(" ".join(words), 0) + 1
    return {"counts": counts}


def decoded(
    readings: Readings, registers: list[tuple[str, int]], decode: Mapping[str, Any], source: TextModel, steps: int
) -> tuple[IntArray, IntArray]:
    """Return the text of each reading, shape (U, L), and the counts; what stands for nothing is ``UNUSED``."""
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

    texts = np.array([text_of(value) for value in readings], dtype=np.int64).reshape(-1, steps)
    return texts, np.array(list(readings.values()), dtype=np.int64)
