# SPDX-License-Identifier: Apache-2.0
"""Reading files: no more than a stated size, no devices or pipes, and one clear message for everything that can be wrong."""

from __future__ import annotations

import difflib
import gc
import io
import json
import lzma
import math
import os
import re
import struct
import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from stinespring.errors import InputError, TooLargeError, spelt

__all__ = [
    "MODEL_BYTES", "array", "fields", "positive_number", "read_arrays", "read_bytes", "read_json", "require_file",
    "stem_of", "token_names",
]  # fmt: skip

HALF = re.compile(  # in JSON, the escape of half a character: a surrogate without its other half
    r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F]"
)
SMALL = ("counts file", "calibration file", "description")
MODEL_BYTES, OTHER_BYTES = 1 << 30, 1 << 26  # the most that is read of a file: 1 GB of a model, 64 MB of anything else
MOST_PARSED = 1 << 30  # bytes of what a JSON text becomes: with the text itself it stays below 2 GB
MOST_FIELDS, LONGEST_FIELD = 1000, 100
ENDLESS = re.compile(r"[0-9]{309}")
NONBLOCKING = getattr(os, "O_NONBLOCK", 0)
UNREADABLE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error)  # what archives raise


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
        require_present(file, kind, expected)
        handle = os.open(file, os.O_RDONLY | NONBLOCKING)  # a pipe that took its place is not waited for
        with os.fdopen(handle, "rb", buffering=0) as stream:
            size = os.fstat(stream.fileno()).st_size
            content = b"" if size > most else stream.read(size + 1)
            while size < len(content) <= most and (more := stream.read(most + 1 - len(content))):
                content += more  # it grows, or it does not know its size
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{kind} cannot be read", got=f"{path}: {error}", expected=expected) from None
    if max(size, len(content)) > most:
        raise TooLargeError(f"the {kind} is too large", got=str(path), expected=f"at most {most:,} bytes")
    return content


def require_file(path: str | Path, *, kind: str, expected: str = "a file that exists") -> None:
    """Refuse a file that cannot be read, before it is needed.

    Raises:
        InputError: as :func:`read_bytes`.
    """
    try:
        require_present(Path(path), kind, expected)
        os.close(os.open(path, os.O_RDONLY | NONBLOCKING))
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{kind} cannot be read", got=f"{path}: {error}", expected=expected) from None


def require_present(file: Path, kind: str, expected: str) -> None:
    """Refuse what is not there, and what is no file: a folder, a pipe, a device."""
    if not file.exists():
        raise InputError(f"{kind} not found", got=str(file), expected=expected, todo="check the path")
    if not file.is_file():
        raise InputError(f"the {kind} is no file", got=str(file), expected=expected, todo="check the path")


def read_arrays(path: str | Path, *, kind: str, expected: str, most: int = OTHER_BYTES) -> dict[str, NDArray[Any]]:
    """Return the arrays of an ``.npz`` file; what it declares is checked before room is made for it.

    Raises:
        InputError: as :func:`read_bytes`, or no archive of plain arrays, or one that declares what it does not hold.
        TooLargeError: the file, or what it unpacks to, is more than ``most`` bytes.
    """
    stream = io.BytesIO(read_bytes(path, kind=kind, expected=expected, most=most))
    try:
        with zipfile.ZipFile(stream) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
            if size > most:
                raise TooLargeError(f"the {kind} is too large", got=f"{size:,} bytes", expected=f"at most {most:,}")
            found: dict[str, NDArray[Any]] = {}
            for entry in archive.infolist():
                name = entry.filename.removesuffix(".npy")
                if name in found or name == entry.filename:
                    raise ValueError(f"{entry.filename!r} is no array, or there twice")
                with archive.open(entry) as member:
                    found[name] = _array_in(member, entry.file_size, entry.filename)
            return found
    except (*UNREADABLE, OSError, ValueError, EOFError, KeyError, RuntimeError, MemoryError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"the {kind} cannot be read", got=f"{path}: {error}", expected=expected) from None


def _array_in(member: IO[bytes], size: int, name: str) -> NDArray[Any]:
    """Return the array in a member of an archive whose unpacked size is known: bools, numbers or text, no objects."""
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    version = np.lib.format.read_magic(member)
    if version not in readers:
        raise ValueError(f"{name} is written in version {version} of NumPy's format")
    try:
        with warnings.catch_warnings(action="ignore"):  # about old headers
            shape, fortran, kind = readers[version](member)
    except Exception as error:  # noqa: BLE001 -- it is Python text, and its reader raises what Python's parts raise
        raise ValueError(f"{name} has no header: {error}") from None
    if kind.kind not in "biufcU" or kind.itemsize == 0:
        raise ValueError(f"{name} has entries of type {kind}")
    declared, held = math.prod(shape) * kind.itemsize, size - member.tell()
    if declared != held:
        raise ValueError(f"{name} declares {declared:,} bytes as shape {shape} and holds {held:,}")
    content = bytearray(member.read(declared))
    return np.frombuffer(content, dtype=kind).reshape(shape, order="F" if fortran else "C")


def _refuse_constant(name: str) -> float:
    raise InputError("a number is not finite", got=name, expected="finite numbers only", todo="remove NaN and Infinity")


def _whole_number(digits: str) -> int:
    if len(digits.lstrip("-")) > 308:
        raise InputError("a number is too large", got=f"an integer of {len(digits)} digits", expected="numbers below 1e308")
    return int(digits)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        repeated = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise InputError("a field appears twice", got=repr(repeated), expected="every field once")
    return result


def _parsed_bytes(text: bytes) -> int:
    """Return about how many bytes a JSON text takes as objects: a number 40, a list or an object 112, a word 100."""
    return 40 * text.count(b",") + 112 * (text.count(b"[") + text.count(b"{")) + 50 * text.count(b'"')


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the garbage collector from walking over millions of new objects again and again."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _require_characters(data: object, where: str) -> None:
    """Refuse half a character: a surrogate without its other half can be neither written nor drawn."""
    try:
        json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        half = repr(error.object[error.start : error.end])
        raise InputError(f"{where} holds half a character", got=half, expected="whole characters, escapes in pairs") from None
    except RecursionError:
        raise InputError(f"{where} is nested too deeply", expected="a few levels") from None


def stem_of(path: str | Path) -> str:
    r"""Return what the source in a file is called: its name without the ending; bytes that are no text become escapes.

    Example:
        >>> stem_of("models/two_tokens.json"), stem_of("\udcff.json")
        ('two_tokens', '\\udcff')
    """
    return Path(path).stem.encode(errors="backslashreplace").decode()


def read_json(path: str | Path, *, kind: str = "model file") -> dict[str, Any]:
    """Return the JSON object stored in ``path``.

    Raises:
        InputError: as :func:`read_bytes`, not UTF-8, not JSON, or not an object.
        TooLargeError: more than 1 GB of a model or a sphere, spins or state file, 64 MB of others.
    """
    content = read_bytes(path, kind=kind, most=OTHER_BYTES if kind in SMALL else MODEL_BYTES)
    if (size := _parsed_bytes(content)) > MOST_PARSED:
        raise TooLargeError(
            f"{kind} is too large",
            got=f"{path}: some {size / 1e9:.1f} GB when it is read",
            expected=f"at most {MOST_PARSED / 1e9:.1f}",
        )
    try:
        text = content.decode("utf-8-sig")  # editors of some systems begin every file with a mark
        del content  # twice is too much of a large one
    except UnicodeDecodeError as error:
        raise InputError(f"{kind} cannot be read", got=f"{path}: {error}", expected="a UTF-8 text file") from None
    try:
        whole = _whole_number if ENDLESS.search(text) else None  # Python's own reader is faster
        with _uncollected():
            data = json.loads(text, parse_constant=_refuse_constant, parse_int=whole, object_pairs_hook=_distinct)
    except InputError:
        raise
    except (ValueError, RecursionError) as error:
        where = str(error) or type(error).__name__
        raise InputError(f"{kind} is not JSON", got=f"{path}: {where}", expected="one JSON object") from None
    if HALF.search(text):
        _require_characters(data, f"the {kind}")
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
    if len(data) > MOST_FIELDS:
        raise InputError(f"{where} has too many fields", got=f"{len(data):,}", expected=", ".join(known))
    for name in data:
        if name not in known and len(name) <= LONGEST_FIELD:
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
            raise InputError(
                f"{where} has an entry that is not a number", got=spelt(data, 120), expected="numbers, nested as lists"
            )
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
    _require_characters(data, "'tokens'")
    repeated = sorted(name for name, times in Counter(data).items() if times > 1)
    if repeated:
        raise InputError("token names are not distinct", got=repeated, expected="every name once", todo="rename or remove one")
    return tuple(data)
