# SPDX-License-Identifier: Apache-2.0
"""Changes of arrays in files: ``.npz`` archives and safetensors, their headers and their numbers."""

from __future__ import annotations

import io
import json
import zipfile
from functools import cache
from random import Random
from typing import Any

import numpy as np

from benchmarks.fuzz.changes import changed_bytes, changed_json

__all__ = ["changed_archive", "changed_tensors"]

NAMES = ("kraus", "choi", "isometry", "dims", "labels", "positions", "energy", "bias", "x", "", "../x", "kraus.npy")
KINDS = (
    "'<f8'",
    "'>f8'",
    "'<c16'",
    "'>c16'",
    "'<f2'",
    "'<f4'",
    "'<c8'",
    "'<i8'",
    "'<u8'",
    "'|b1'",
    "'|O'",
    "'<U1'",
    "'<U0'",
    "'|V8'",
    "'|S8'",
    "'<M8[s]'",
    "'<f16'",
    "'x'",
    "[('a', '<f8')]",
    "None",
    "1",
)
SHAPES = (
    "()",
    "(0,)",
    "(1,)",
    "(1000000000000,)",
    "(1000000, 1000000, 1000000)",
    "(-1,)",
    "(0, 1000000000000)",
    "(2.0,)",
    "(True,)",
    "[1]",
    "1",
    "(1,) * 3",
    "(1,) * 64",
    "('a',)",
    "(18446744073709551616,)",
    "(2, 2)",
    "(4, 4)",
    "(1, 2, 2)",
    "(1, 4, 4)",
    "(2, 2, 2)",
)
BOMB = 300 << 20  # more than any reader of archives unpacks, but 5 GB is what a state may have


def dated(name: str) -> zipfile.ZipInfo:
    """Return a member that always has the same date."""
    return zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))


@cache
def bomb() -> bytes:
    """Return an archive whose member is a thousand times as large."""
    buffer, big = io.BytesIO(), dated("kraus.npy")
    big.compress_type = zipfile.ZIP_DEFLATED
    with (
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open(big, "w") as member,
    ):
        for _ in range(BOMB >> 20):
            member.write(bytes(1 << 20))
    return buffer.getvalue()


def changed_archive(content: bytes, random: Random) -> bytes:
    """Return an archive with changed members; what is none is changed as bytes."""
    if random.random() < 0.25:
        return changed_bytes(content, random)
    if random.random() < 0.005:
        return bomb()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    except Exception:  # noqa: BLE001 -- the seed is a damaged one
        return changed_bytes(content, random)
    for _ in range(random.choice((1, 1, 2))):
        name = random.choice(list(members)) if members else "x.npy"
        change_member(members, name, random)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", random.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA))) as archive:
        for name, data in members.items():
            archive.writestr(dated(name), data, archive.compression)
    return buffer.getvalue()


def change_member(members: dict[str, bytes], name: str, random: Random) -> None:
    """Change one member: its name, its header, its numbers, or whether it is there."""
    data = members.get(name, b"")
    match random.randrange(7):
        case 0:
            members.pop(name, None)
            members[random.choice(NAMES) + random.choice((".npy", ".npy", ""))] = data
        case 1:
            members.pop(name, None)
        case 2:
            members[random.choice(NAMES) + ".npy"] = data
        case 3 | 4:
            members[name] = changed_header(data, random)
        case _:
            members[name] = changed_array(data, random)


def changed_header(data: bytes, random: Random) -> bytes:
    """Return an array whose header says something else than its bytes."""
    try:
        array = np.load(io.BytesIO(data), allow_pickle=False)
    except Exception:  # noqa: BLE001 -- as above
        return changed_bytes(data, random)
    said = {"descr": repr(array.dtype.str), "fortran_order": "False", "shape": repr(array.shape)}
    match random.randrange(4):
        case 0:
            said["shape"] = random.choice(SHAPES)
        case 1:
            said["descr"] = random.choice(KINDS)
        case 2:
            said["fortran_order"] = random.choice(("True", "1", "None", "[]"))
        case _:
            said[random.choice(("x", "'", "shape "))] = random.choice(SHAPES)
    text = "{" + ", ".join(f"'{key}': {value}" for key, value in said.items()) + "}"
    text = (text if random.random() < 0.9 else changed_bytes(text.encode(), random).decode("latin-1")).ljust(
        random.choice((117, 9999))
    )
    version = random.choice((b"\x01\x00", b"\x01\x00", b"\x01\x00", b"\x02\x00", b"\x03\x00", b"\x07\x07"))
    coded = (text + "\n").encode("latin-1", errors="replace")
    length = random.choice((len(coded), len(coded), len(coded), 0, 65535))
    return b"\x93NUMPY" + version + length.to_bytes(2 if version[0] == 1 else 4, "little") + coded + array.tobytes()


def changed_array(data: bytes, random: Random) -> bytes:
    """Return an array of other numbers, another shape or another kind."""
    try:
        array = np.load(io.BytesIO(data), allow_pickle=False).copy()
    except Exception:  # noqa: BLE001 -- as above
        return changed_bytes(data, random)
    if array.dtype.kind not in "biufc":
        return changed_bytes(data, random)
    flat = array.reshape(-1)
    extremes = (np.nan, np.inf, -np.inf, 1e308, -1e308, 1e154, 1e-300, 5e-324, 0, -1, 2, 1 + 1e-9, 1e-9, 17)
    with np.errstate(all="ignore"):
        match random.randrange(7):
            case 0 | 1 if flat.size:
                value: Any = random.choice(extremes)
                flat[random.randrange(flat.size)] = (
                    value if array.dtype.kind in "fc" or (np.isfinite(value) and abs(value) < 99) else 3
                )
            case 2:
                array = array * random.choice((0, -1, 2, 1e200, 1e-200, 1 + 1e-8))
            case 3:
                array = array.astype(random.choice(("f8", "f4", "c8", "i8", "u1", "bool", "U3", "f2", ">c16")))
            case 4:
                array = array[None] if random.random() < 0.5 else array.T
            case 5:
                array = array[: len(array) // 2] if array.ndim else array.reshape(1)
            case _:
                array = np.concatenate([array] * random.choice((2, 3, 64))) if array.ndim else array.reshape(1, 1)
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def changed_tensors(content: bytes, random: Random) -> bytes:
    """Return a safetensors file with a changed header, length or body."""
    length = int.from_bytes(content[:8], "little")
    if random.random() < 0.3 or len(content) < 8 + length:
        return changed_bytes(content, random)
    header, body = content[8 : 8 + length], content[8 + length :]
    if random.random() < 0.8:
        header = changed_json(header, random)
    if random.random() < 0.2:
        body = body[: random.randrange(len(body) + 1)]
    if random.random() < 0.1:
        told = json.dumps({"bias": {"dtype": "F64", "shape": [10**6, 10**6], "data_offsets": [0, 8 * 10**12]}})
        header = told.encode()
    size = len(header) if random.random() < 0.9 else random.choice((0, 1, 1 << 20, 1 << 40, (1 << 64) - 1))
    return size.to_bytes(8, "little") + header + body
