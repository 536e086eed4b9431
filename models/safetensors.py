# SPDX-License-Identifier: Apache-2.0
"""Arrays in the safetensors format: the length of a header, the header in JSON, and the arrays' bytes.

The format is written here, because a lens is one array and small weights need no further package; others read it with the
package of that name. Source: the format's description at github.com/huggingface/safetensors.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from stinespring.errors import InputError
from stinespring.reading import MODEL_BYTES, read_bytes
from stinespring.readings import FloatArray

__all__ = ["declared", "pack", "unpack"]

KINDS = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}
SIZES = {"F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2, "U16": 2,
         "I8": 1, "U8": 1, "BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1}  # bytes of an entry  # fmt: skip
MOST_HEADER = 1 << 20  # of a lens or small weights
LARGEST_HEADER = 1 << 24  # of weights of any size: some 100,000 arrays
ALIGNED = 8


def pack(arrays: Mapping[str, FloatArray], metadata: Mapping[str, str]) -> bytes:
    """Return float64 arrays and a record of strings as the bytes of one file; the same content gives the same bytes."""
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    parts: list[bytes] = []
    end = 0
    for name, array in sorted(arrays.items()):
        parts.append(np.ascontiguousarray(array, dtype="<f8").tobytes())
        header[name] = {"dtype": "F64", "shape": list(array.shape), "data_offsets": [end, end + len(parts[-1])]}
        end += len(parts[-1])
    text = json.dumps(header, separators=(",", ":"), sort_keys=True).encode()
    text += b" " * (-len(text) % ALIGNED)
    return b"".join([len(text).to_bytes(8, "little"), text, *parts])


def unpack(
    path: Path, *, kind: str = "lens", expected: str = "a file that 'lens train' wrote"
) -> tuple[dict[str, FloatArray], dict[str, str]]:
    """Return the arrays of a file in float64, and its record.

    Args:
        path: where it is.
        kind: what it is, for the messages.
        expected: what it should be, for the messages.

    Raises:
        InputError: the file is missing, or is no safetensors file of floating-point arrays.
    """
    data = read_bytes(path, kind=kind, expected=expected, most=MODEL_BYTES)
    try:
        return _parse(data)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"the {kind} is no safetensors file", got=f"{path}: {error}", expected=expected) from None


def declared(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a file's arrays by name, once its header and its size were held against each other.

    The arrays are not read, so that weights of any size are looked at in no time.

    Raises:
        InputError: no such file, a broken header, or fewer or more bytes than it declares: a download that ended early.
    """
    expected = "a complete safetensors file"
    if not path.is_file():  # a pipe would be waited for
        raise InputError("the weights are no file", got=str(path), expected=expected, todo="check the path")
    try:
        with path.open("rb") as stream:
            size = stream.seek(0, 2)
            stream.seek(0)
            length = int.from_bytes(stream.read(8), "little")
            if not 2 <= length <= min(LARGEST_HEADER, size - 8):
                raise ValueError(f"{size:,} bytes, its header should have {length:,}")
            header = json.loads(stream.read(length))
        if not isinstance(header, dict):
            raise TypeError("the header is no object")
        header.pop("__metadata__", None)
        spans = sorted(_span(name, entry) for name, entry in header.items())
        end = 0
        for begin, after, name in spans:
            if begin != end:
                raise ValueError(f"array {name!r} begins at byte {begin:,} instead of {end:,}")
            end = after
        if end != size - 8 - length:
            raise ValueError(f"{size:,} bytes where its header declares {8 + length + end:,}")
        return {name: tuple(entry["shape"]) for name, entry in header.items()}
    except OSError as error:
        raise InputError("the weights cannot be read", got=f"{path}: {error.strerror}", expected=expected) from None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            "the weights are truncated or corrupted", got=f"{path}: {error}", expected=expected,
            todo="copy or download the file again",
        ) from None  # fmt: skip


def _parse(data: bytes) -> tuple[dict[str, FloatArray], dict[str, str]]:
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or not 2 <= length <= min(MOST_HEADER, len(data) - 8):
        raise ValueError("the header's length is wrong")
    header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    if not isinstance(header, dict):
        raise TypeError("the header is no object")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise TypeError("the metadata are no strings")
    return {name: _array(entry, body) for name, entry in header.items()}, metadata


def _span(name: str, entry: dict[str, Any]) -> tuple[int, int, str]:
    """Return where an array's bytes begin and end, and its name."""
    shape, (begin, end) = tuple(entry["shape"]), entry["data_offsets"]
    if any(isinstance(n, bool) or not isinstance(n, int) or n < 0 for n in (*shape, begin, end)):
        raise ValueError("a shape or an offset is no whole number")
    size = SIZES.get(entry["dtype"])
    if size is not None and end - begin != size * math.prod(shape):
        raise ValueError("an array's bytes are not where its shape says")
    return begin, end, name


def _array(entry: dict[str, Any], body: bytes) -> FloatArray:
    kind, shape = np.dtype(KINDS[entry["dtype"]]), tuple(entry["shape"])
    begin, end, _ = _span("", entry)
    if end > len(body):
        raise ValueError("an array's bytes are not where its shape says")
    return np.frombuffer(body[begin:end], dtype=kind).reshape(shape).astype(np.float64)
