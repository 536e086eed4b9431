# SPDX-License-Identifier: Apache-2.0
"""Reading files: no more than a stated size, no devices or pipes, and one clear message for everything that can be wrong."""

from __future__ import annotations

import difflib
import io
import json
import math
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stinespring.errors import InputError, TooLargeError

__all__ = ["MODEL_BYTES", "array", "fields", "positive_number", "read_arrays", "read_bytes", "read_json", "token_names"]

SMALL = ("counts file", "calibration file", "description")
MODEL_BYTES, OTHER_BYTES = 1 << 30, 1 << 26  # the most that is read of a file: 1 GB of a model, 64 MB of anything else


def read_bytes(path: str | Path, *, kind: str, expected: str = "a file that exists", most: int = OTHER_BYTES) -> bytes:
    """Return what a file holds.

    Args:
        path: where it is.
        kind: what it is, for the messages.
        expected: what it should be, for the messages.
        most: bytes.

    Raises:
        InputError: no such file, something that is no file (a folder, a pipe, a device), or not readable.
        TooLargeError: more than ``most`` bytes; no more are read.
    """
    file = Path(path)
    try:
        if not file.exists():
            raise InputError(f"{kind} not found", got=str(path), expected=expected, todo="check the path")
        if not file.is_file():
            raise InputError(f"the {kind} is no file", got=str(path), expected=expected, todo="check the path")
        with file.open("rb") as stream:
            content = stream.read(min(most, file.stat().st_size) + 1)
            if len(content) <= most:
                content += stream.read(most + 1 - len(content))
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{kind} cannot be read", got=f"{path}: {error}", expected=expected) from None
    if len(content) > most:
        raise TooLargeError(f"the {kind} is too large", got=str(path), expected=f"at most {most:,} bytes")
    return content


def read_arrays(path: str | Path, *, kind: str, expected: str, most: int = OTHER_BYTES) -> dict[str, NDArray[Any]]:
    """Return the arrays of an ``.npz`` file; what it declares is checked before it is unpacked.

    Raises:
        InputError: as :func:`read_bytes`, or no archive of plain arrays.
        TooLargeError: the file, or what it unpacks to, is more than ``most`` bytes.
    """
    stream = io.BytesIO(read_bytes(path, kind=kind, expected=expected, most=most))
    try:
        with zipfile.ZipFile(stream) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > most:
            raise TooLargeError(f"the {kind} is too large", got=f"{size:,} bytes", expected=f"at most {most:,}")
        with np.load(stream, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (OSError, ValueError, zipfile.BadZipFile, EOFError, KeyError, NotImplementedError, MemoryError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"the {kind} cannot be read", got=f"{path}: {error}", expected=expected) from None


def _refuse_constant(name: str) -> float:
    raise InputError("a number is not finite", got=name, expected="finite numbers only", todo="remove NaN and Infinity")


def _whole_number(digits: str) -> int:
    if len(digits.lstrip("-")) > 308:
        raise InputError("a number is too large", got=f"an integer of {len(digits)} digits", expected="numbers below 1e308")
    return int(digits)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise InputError("a field appears twice", got=repr(repeated), expected="every field once")
    return result


def read_json(path: str | Path, *, kind: str = "model file") -> dict[str, Any]:
    """Return the JSON object stored in ``path``.

    Raises:
        InputError: as :func:`read_bytes`, not UTF-8, not JSON, or not an object.
        TooLargeError: more than 1 GB of a model or a sphere, spins or state file, 64 MB of others.
    """
    content = read_bytes(path, kind=kind, most=OTHER_BYTES if kind in SMALL else MODEL_BYTES)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{kind} cannot be read", got=f"{path}: {error}", expected="a UTF-8 text file") from None
    try:
        data = json.loads(text, parse_constant=_refuse_constant, parse_int=_whole_number, object_pairs_hook=_distinct)
    except InputError:
        raise
    except (ValueError, RecursionError) as error:
        where = str(error) or type(error).__name__
        raise InputError(f"{kind} is not JSON", got=f"{path}: {where}", expected="one JSON object") from None
    if not isinstance(data, dict):
        raise InputError(f"{kind} is not a JSON object", got=f"{path}: {type(data).__name__}", expected="an object {...}")
    return data


def fields(data: object, known: Collection[str], where: str, required: Collection[str] = ()) -> Mapping[str, Any]:
    """Return ``data`` as a mapping; refuse missing fields and fields that look like a misspelt known one."""
    if not isinstance(data, dict):
        raise InputError(f"{where} is not an object", got=data, expected=f"an object with {', '.join(known)}")
    for name in required:
        if name not in data:
            raise InputError(f"{where} lacks the field {name!r}", got=sorted(data), expected=sorted(required))
    for name in data:
        if name not in known:
            close = difflib.get_close_matches(name, known, cutoff=0.8)  # also beside the right one: which of both counts?
            if close:
                raise InputError(f"{where} has an unknown field", got=name, expected=f"did you mean {close[0]!r}?")
    return data


def array(data: object, shape: tuple[int | None, ...], where: str) -> NDArray[np.float64]:
    """Return ``data`` as a float64 array of ``shape`` (``None`` leaves an axis free, but not empty).

    Raises:
        InputError: ragged rows, entries that are no finite numbers, or another shape.
    """
    wanted = "(" + ", ".join("any" if n is None else str(n) for n in shape) + ")"
    _check_entries(data, len(shape), where)
    try:
        result = np.array(data, dtype=np.float64)
    except OverflowError:
        raise InputError(
            f"{where} has an entry that is too large", got="an integer above 1.8e308", expected="numbers"
        ) from None
    except ValueError:
        raise InputError(f"{where} is ragged", got=data, expected=f"an array of shape {wanted}, rows of equal length") from None
    if result.ndim != len(shape) or any(
        (n is None and m == 0) or (n is not None and m != n) for n, m in zip(shape, result.shape, strict=False)
    ):
        raise InputError(f"{where} has the wrong shape", got=f"shape {result.shape}", expected=f"shape {wanted}")
    if not np.isfinite(result).all():
        raise InputError(f"{where} has entries that are not finite", got=data, expected="finite numbers")
    return result


def _check_entries(data: object, depth: int, where: str) -> None:
    if depth == 0:
        if isinstance(data, bool) or not isinstance(data, int | float):
            raise InputError(f"{where} has an entry that is not a number", got=data, expected="numbers, nested as lists")
        return
    if not isinstance(data, list):
        raise InputError(f"{where} is not a list", got=data, expected=f"{depth} level(s) of nested lists of numbers")
    for item in data:
        _check_entries(item, depth - 1, where)


def positive_number(value: object, where: str) -> float:
    """Return ``value`` as a float; refuse everything that is not finite and above zero."""
    expected = "a finite number above 0"
    try:
        number = math.nan if isinstance(value, bool) or not isinstance(value, int | float) else float(value)
    except OverflowError:
        raise InputError(f"{where} is too large", got="an integer above 1.8e308", expected=expected) from None
    if not (math.isfinite(number) and number > 0):
        raise InputError(f"{where} must be a positive number", got=value, expected=expected)
    return number


def token_names(data: object) -> tuple[str, ...]:
    """Return the vocabulary: non-empty, distinct strings without white space."""
    if not isinstance(data, list) or not data:
        raise InputError("'tokens' must be a non-empty list of names", got=data, expected='for example ["a", "b"]')
    for name in data:
        if not isinstance(name, str) or not name or any(c.isspace() for c in name):
            raise InputError("a token name is not usable", got=repr(name), expected="a non-empty string without white space")
    repeated = sorted({name for name in data if data.count(name) > 1}) if len(set(data)) < len(data) else []
    if repeated:
        raise InputError("token names are not distinct", got=repeated, expected="every name once", todo="rename or remove one")
    return tuple(data)
