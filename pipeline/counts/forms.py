# SPDX-License-Identifier: Apache-2.0
"""The forms in which others hold what they sampled: files and objects, counts and quasi-probabilities, by readings."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import fsum, isfinite, sqrt
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from stinespring.errors import InputError
from stinespring.models.counts import MOST_SHOTS
from stinespring.reading import read_bytes, read_json

__all__ = ["FORMS", "Given", "Registers", "given_of", "read_given"]

Registers = Sequence[tuple[str, int]]
FORMS = (
    'bit strings ("01 10": blanks or none, the last register first, bit 0 of each last), hexadecimal "0x9" or whole numbers as '
    "keys; or a PrimitiveResult or Result that qiskit-ibm-runtime's RuntimeEncoder wrote"
)
MARKS = ("quasi_dists", "quasi_dist", "quasi", "quasi_probabilities")  # keys of a file whose value is no counts
WHOLE = 1e-6  # by which quasi-probabilities may miss 1


@dataclass(frozen=True)
class Given:
    """What was sampled elsewhere, by the number that all bits of a shot make, bit 0 of the first register the least.

    Attributes:
        values: how often each reading occurred; or quasi-probabilities.
        quasi: whether they are those.
        error: a bound on the standard deviation of every observable of size 1; None where nobody says.
        shots: behind quasi-probabilities, where somebody says.
    """

    values: Mapping[int, float]
    quasi: bool = False
    error: float | None = None
    shots: int | None = None

    def backwards(self, width: int) -> Given:
        """Return it with the bits of every shot in reverse."""
        return replace(self, values={int(f"{value:0{width}b}"[::-1], 2): number for value, number in self.values.items()})


@dataclass(frozen=True)
class Said:
    """What is said of quasi-probabilities: shots, overhead (g^2, see :mod:`stinespring.checks.texts.quasi`), s itself."""

    shots: Any = None
    overhead: Any = None
    deviation: Any = None

    def error(self) -> float | None:
        """Return s, a bound on the standard deviation of every observable of size 1.

        Raises:
            InputError: what is said is no positive number, or shots that are not whole.
        """
        wanted = {"shots": (self.shots, 1), "overhead": (self.overhead, 1), "stddev_upper_bound": (self.deviation, 1e-12)}
        for name, (value, least) in wanted.items():
            number = isinstance(value, Integral if name == "shots" else Real) and not isinstance(value, bool)
            if value is not None and not (number and isfinite(value) and value >= least):
                raise InputError(f"{name} of quasi-probabilities is out of range", got=value,
                                 expected=f"a {'whole ' * (name == 'shots')}number of at least {least}")  # fmt: skip
        if self.deviation is not None:
            return float(self.deviation)
        return None if self.shots is None or self.overhead is None else sqrt(self.overhead / self.shots)


def read_given(path: Path, registers: Registers, *, shots: int | None = None, overhead: float | None = None) -> Given:
    """Return what a file holds.

    Args:
        path: JSON; ``{"quasi": {...}, "shots", "mitigation_overhead", "stddev_upper_bound"}`` says that it holds no counts.
        registers: classical registers with their bits.
        shots: behind quasi-probabilities, where the file does not say.
        overhead: of their mitigation, likewise.

    Raises:
        InputError: nothing that can be read, readings of other bits, neither counts nor quasi-probabilities.
    """
    data = read_json(path, kind="counts file")
    if "__type__" in data:
        return given_of(decoded_result(path), registers, shots=shots, overhead=overhead, name=str(path))
    marked = next((name for name in MARKS if name in data), None)
    told = {key: data.get(key) for key in ("shots", "mitigation_overhead", "stddev_upper_bound")}
    given: Any = data.get(marked, None) if marked else data.get("counts", data)
    if marked and isinstance(given, list):  # as the first sampler of Qiskit held it, metadata beside
        of_each = data.get("metadata", [])
        if len(given) != 1:
            raise InputError("these are the results of several circuits", got=f"{len(given)}", expected="one")
        given = given[0]
        if isinstance(of_each, list) and of_each and isinstance(of_each[0], dict):
            told = {key: value if value is not None else of_each[0].get(key) for key, value in told.items()}
    said = Said(
        told["shots"] if told["shots"] is not None else shots,
        told["mitigation_overhead"] if told["mitigation_overhead"] is not None else overhead, told["stddev_upper_bound"],
    )  # fmt: skip
    return numbered(given, registers, said, str(path), marked=marked is not None)


def given_of(
    found: Any, registers: Registers, *, shots: int | None = None, overhead: float | None = None, name: str = "counts"
) -> Given:
    """Return what an object holds: a mapping, or ``Counts``, ``QuasiDistribution``, ``BitArray`` or a result of Qiskit.

    Args:
        found: the object.
        registers: classical registers with their bits.
        shots: behind quasi-probabilities, where the object does not say.
        overhead: of their mitigation, likewise.
        name: for messages.

    Raises:
        InputError: as for :func:`read_given`.
    """
    said = Said(
        found.shots if isinstance(getattr(found, "shots", None), int) else shots,
        overhead if getattr(found, "mitigation_overhead", None) is None else found.mitigation_overhead,
        getattr(found, "stddev_upper_bound", None),
    )
    if isinstance(found, Mapping):
        marked = type(found).__name__ in ("QuasiDistribution", "ProbDistribution")
        return numbered(found, registers, said, name, marked=marked)
    if hasattr(found, "get_counts"):
        counted = found.get_counts()
        if not isinstance(counted, Mapping):
            raise InputError("these are the results of several circuits", got=f"{name}: {type(counted).__name__}",
                             expected="counts of one", todo="give one entry of get_counts()")  # fmt: skip
        return numbered(dict(counted), registers, said, name)
    try:
        pub = found if hasattr(found, "data") else one_of(found)
        columns = [getattr(pub.data, register) for register, _ in reversed(registers)]
        strings = zip(*(column.get_bitstrings() for column in columns), strict=True)
    except (TypeError, ValueError, AttributeError) as error:
        names = ", ".join(register for register, _ in registers)
        raise InputError("the result is not that of this program run once", got=f"{name}: {error}",
                         expected=f"counts, or one pub with the registers {names}") from None  # fmt: skip
    counts: dict[str, int] = {}
    for words in strings:
        counts[" ".join(words)] = counts.get(" ".join(words), 0) + 1
    return numbered(counts, registers, said, name)


def one_of(found: Any) -> Any:
    """Return the only entry."""
    [one] = found
    return one


def decoded_result(path: Path) -> Any:
    """Return a result of Qiskit's from its file."""
    try:
        from qiskit_ibm_runtime import RuntimeDecoder
    except ImportError:
        raise InputError("results of Qiskit are read by qiskit-ibm-runtime", got=str(path), expected="the extra [ibm]",
                         todo="pip install 'stinespring[ibm]'") from None  # fmt: skip
    text = read_bytes(path, kind="counts file").decode("utf-8", errors="replace")
    try:
        return json.loads(text, cls=RuntimeDecoder)
    except Exception as error:  # noqa: BLE001 -- whatever the library's own reader raises
        raise InputError("the result cannot be read", got=f"{path}: {error}", expected="what RuntimeEncoder wrote") from None


def numbered(given: Any, registers: Registers, said: Said, name: str, *, marked: bool = False) -> Given:
    """Return readings by their numbers: counts, or quasi-probabilities where they are marked so, fractions or negative."""
    if not isinstance(given, Mapping) or not given:
        raise InputError("the file holds no counts", got=name, expected=FORMS)
    numbers = list(given.values())
    if any(isinstance(number, bool) or not isinstance(number, Real) or not isfinite(number) for number in numbers):
        raise InputError("a count is not a whole number of at least 0, or all are 0", got=name, expected="0, 1, 2, …")
    whole = all(isinstance(number, Integral) for number in numbers)
    total = fsum(map(float, numbers))
    if quasi := marked or not whole or (min(numbers) < 0 and abs(total - 1) <= WHOLE):
        if abs(total - 1) > WHOLE:
            raise InputError("these are neither counts nor quasi-probabilities", got=f"{name}: they add up to {total:.9g}",
                             expected="whole numbers, or quasi-probabilities that add up to 1")  # fmt: skip
    elif min(numbers) < 0 or not 0 < total <= MOST_SHOTS:
        raise InputError("a count is not a whole number of at least 0, or all are 0", got=name, expected="0, 1, 2, …")
    result: dict[int, float] = {}
    for value, number in zip(values_of([str(key) for key in given], registers), numbers, strict=True):
        result[value] = result.get(value, 0) + (float(number) if quasi else int(number))
    return Given(result, True, said.error(), said.shots) if quasi else Given(result)


def values_of(keys: list[str], registers: Registers) -> Iterator[int]:
    """Yield the number of each key; all are of one kind.

    Raises:
        InputError: keys of another width, or that are neither bits nor numbers.
    """
    blanks, width = [size for _, size in reversed(registers)], sum(size for _, size in registers)
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
