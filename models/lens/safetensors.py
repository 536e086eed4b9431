# SPDX-License-Identifier: Apache-2.0
"""Arrays in the safetensors format: the length of a header, the header in JSON, and the arrays' bytes.

The format is written here, because a lens is one array and needs no further package; others read it with the package of that
name. Source: the format's description at github.com/huggingface/safetensors.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from stinespring.errors import InputError
from stinespring.reading import MODEL_BYTES, read_bytes
from stinespring.readings import FloatArray

__all__ = ["pack", "unpack"]

KINDS = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}
MOST_HEADER = 1 << 20
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


def unpack(path: Path) -> tuple[dict[str, FloatArray], dict[str, str]]:
    """Return the arrays of a file in float64, and its record.

    Raises:
        InputError: the file is missing, or is no safetensors file of floating-point arrays.
    """
    data = read_bytes(path, kind="lens", expected="a file that 'lens train' wrote", most=MODEL_BYTES)
    try:
        return _parse(data)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            "the lens is no safetensors file",
            got=f"{path}: {error}",
            expected="a file that 'lens train' wrote",
        ) from None


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


def _array(entry: dict[str, Any], body: bytes) -> FloatArray:
    kind, shape, (begin, end) = np.dtype(KINDS[entry["dtype"]]), tuple(entry["shape"]), entry["data_offsets"]
    if any(isinstance(n, bool) or not isinstance(n, int) or n < 0 for n in (*shape, begin, end)):
        raise ValueError("a shape or an offset is no whole number")
    if end > len(body) or end - begin != kind.itemsize * int(np.prod(shape, dtype=object)):
        raise ValueError("an array's bytes are not where its shape says")
    return np.frombuffer(body[begin:end], dtype=kind).reshape(shape).astype(np.float64)
