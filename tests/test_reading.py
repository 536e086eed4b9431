# SPDX-License-Identifier: Apache-2.0
"""Reading is bounded: by the kind of a file, by its size, and by what it declares, before room is made for it."""

from __future__ import annotations

import io
import json
import os
import time
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from benchmarks.fuzz.case import put_node
from stinespring import reading
from stinespring.circuits.qasm.text import read_text
from stinespring.errors import InputError, TooLargeError, shorten
from stinespring.models.channels.files import read_channel
from stinespring.models.lens.lines import read_lines
from stinespring.models.safetensors import unpack
from stinespring.reading import fields, read_arrays, read_bytes, read_json, token_names

MB = 1 << 20
READERS = {
    "bytes": lambda path: read_bytes(path, kind="file"),
    "json": read_json,
    "counts": lambda path: read_json(path, kind="counts file"),
    "arrays": lambda path: read_arrays(path, kind="state", expected="FILE.npz"),
    "channel": read_channel,
    "lines": read_lines,
    "lens": unpack,
    "program": read_text,
}


def node(kind: str, path: Path) -> Path:
    """Put something that is no file in a file's place."""
    put_node(kind, path)
    return path


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS.keys())
@pytest.mark.parametrize("kind", ["pipe", "folder", "socket", "zero", "circle", "nowhere"])
def test_what_is_no_file_is_refused_at_once(reader, kind, tmp_path):
    with pytest.raises(InputError, match="is no file|not found|cannot be read"):
        reader(node(kind, tmp_path / "x"))


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS.keys())
def test_a_file_above_the_limit_is_refused_unread(reader, tmp_path):
    path = tmp_path / "x"
    with path.open("wb") as stream:
        stream.truncate(3 << 30)  # sparse: it takes no room
    tracemalloc.start()
    try:
        with pytest.raises(TooLargeError, match="too large"):
            reader(path)
        assert tracemalloc.get_traced_memory()[1] < MB
    finally:
        tracemalloc.stop()


def test_a_file_that_does_not_know_its_size_is_read_up_to_the_limit(tmp_path):
    assert read_bytes("/proc/self/stat", kind="file").startswith(str(os.getpid()).encode())  # its size is said to be 0
    with pytest.raises(TooLargeError):
        read_bytes("/proc/self/maps", kind="file", most=100)
    path = tmp_path / "x"
    path.write_bytes(b"1234")
    assert read_bytes(path, kind="file", most=4) == b"1234"
    with pytest.raises(TooLargeError):
        read_bytes(path, kind="file", most=3)


def archive(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def header(shape: str, descr: str = "'<f8'", version: bytes = b"\x01\x00") -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}".encode().ljust(117) + b"\n"
    return b"\x93NUMPY" + version + len(text).to_bytes(2 if version[0] == 1 else 4, "little") + text


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"a.npy": header("(1000000000000,)") + bytes(8)}, "declares 8,000,000,000,000 bytes"),
        ({"a.npy": header(f"({10**30}, {10**30})") + bytes(8)}, "declares"),
        ({"a.npy": header("(100000000,)") + bytes(8)}, "declares 800,000,000 bytes"),
        ({"a.npy": header("(-1, -1)") + bytes(8)}, "cannot be read"),
        ({"a.npy": header("(2,)") + bytes(17)}, "declares 16 bytes as shape (2,) and holds 17"),
        ({"a.npy": header("(2,)", "'|O'") + bytes(16)}, "entries of type object"),
        ({"a.npy": header("(1000000000000,)", "'<U0'")}, "entries of type"),
        ({"a.npy": header("(1,)", "[('x', '<f8')]") + bytes(8)}, "entries of type"),
        ({"a.npy": header("(1,)", version=b"\x09\x00") + bytes(8)}, "cannot be read"),
        ({"a.npy": header("(" * 200 + ")" * 200)}, "cannot be read"),
        ({"a.npy": b""}, "cannot be read"),
        ({"a": header("(1,)") + bytes(8)}, "is no array"),
        ({"a.npy": header("(1,)") + bytes(8), "a.npy ": b""}, "is no array"),
    ],
)
def test_what_an_array_declares_is_checked_before_room_is_made(members, words, tmp_path):
    path = archive(tmp_path / "x.npz", members)
    tracemalloc.start()
    try:
        with pytest.raises(InputError) as refused:
            read_arrays(path, kind="state", expected="FILE.npz")
        assert tracemalloc.get_traced_memory()[1] < MB
    finally:
        tracemalloc.stop()
    assert words in str(refused.value)


def test_a_bomb_is_not_unpacked(tmp_path):
    bomb = archive(tmp_path / "x.npz", {"a.npy": bytes(65 * MB)}, zipfile.ZIP_DEFLATED)
    assert bomb.stat().st_size < MB
    with pytest.raises(TooLargeError, match="too large"):
        read_arrays(bomb, kind="state", expected="FILE.npz")


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damaged_archives_are_refused_with_one_error(compression, tmp_path):
    buffer = io.BytesIO()
    np.save(buffer, np.arange(100.0))
    whole = archive(tmp_path / "x.npz", {"a.npy": buffer.getvalue()}, compression).read_bytes()
    path, refused = tmp_path / "y.npz", 0
    for place in range(0, len(whole), max(1, len(whole) // 150)):
        for content in (whole[:place], whole[:place] + bytes([whole[place] ^ 0x41]) + whole[place + 1 :]):
            path.write_bytes(content)
            try:
                found = read_arrays(path, kind="state", expected="FILE.npz")
            except InputError:
                refused += 1
            else:
                assert all(isinstance(value, np.ndarray) for value in found.values())
    assert refused > 150


def test_arrays_are_read_as_numpy_reads_them(tmp_path, rng):
    arrays = {
        "c": rng.normal(size=(3, 4, 2)) + 1j, "f": np.asfortranarray(rng.normal(size=(3, 5))), "i": np.arange(4, dtype=">i2"),
        "none": np.zeros((0, 3)), "one": np.float32(3.5), "text": np.array(["a", "bc"]), "yes": np.array([True, False]),
    }  # fmt: skip
    path = tmp_path / "x.npz"
    np.savez_compressed(path, **arrays)
    found = read_arrays(path, kind="state", expected="FILE.npz")
    assert list(found) == list(arrays)
    for name, wanted in arrays.items():
        np.testing.assert_array_equal(found[name], wanted)
        assert (found[name].dtype, found[name].flags.writeable) == (np.asarray(wanted).dtype, True)


@pytest.mark.parametrize("part", ["[],", "{},", "[[1]],", '"a":'])
def test_json_that_would_fill_the_memory_is_refused_before_it_is_parsed(part, tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "MOST_PARSED", 50 * MB)
    path = tmp_path / "x.json"
    path.write_text('{"x": [' + part * 1_000_000)
    begun = time.process_time()
    with pytest.raises(TooLargeError, match=r"some 0\.\d GB when it is read"):
        read_json(path)
    assert time.process_time() - begun < 1.0  # counting takes a hundredth of it, parsing several


def test_the_memory_of_json_is_not_judged_too_low():
    """A list of what takes the most is no larger than what is expected of it, within a quarter."""
    for part, count in (
        ("[[[[[1]]]]]", 20_000),
        ("[1,2]", 50_000),
        ('{"abc":1}', 20_000),
        ("0.5", 100_000),
        ('"abcd"', 50_000),
    ):
        text = "[" + ",".join([part] * count) + "]"
        tracemalloc.start()
        found = json.loads(text)
        taken = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        assert len(found) == count
        assert taken < 1.25 * reading._parsed_bytes(text.encode()), part


def test_many_names_are_compared_in_no_time():
    begun = time.process_time()
    with pytest.raises(InputError, match="not distinct"):
        token_names([str(i) for i in range(200_000)] + ["7"])
    with pytest.raises(InputError, match="too many fields"):
        fields({str(i): 0 for i in range(200_000)}, ("format", "tokens"), "the model")
    with pytest.raises(InputError, match="twice"):
        reading._distinct([(str(i), 0) for i in range(200_000)] + [("199999", 1)])
    assert time.process_time() - begun < 3.0  # each of them is quadratic where it is written carelessly: an hour


@pytest.mark.parametrize(
    "value", [[], [1], (), (1,), {}, {"a": [1, (2, "x'")]}, "x", 1.5, None, [[[]]], [{}, "y" * 400], {1: 2}]
)
@pytest.mark.parametrize("width", [3, 10, 120])
def test_a_message_shows_the_beginning_of_what_repr_shows(value, width):
    whole = value if isinstance(value, str) else repr(value)
    assert shorten(value, width) == (whole if len(whole) <= width else whole[: width - 1] + "…")


def test_a_message_about_something_endless_is_made_at_once():
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    begun = time.process_time()
    assert len(shorten(deep)) == len(shorten([[0] * 1000] * 1_000_000)) == len(shorten(dict.fromkeys(range(10**6)))) == 120
    assert time.process_time() - begun < 3.0
    while deep:  # a deep list that is dropped at once is a deep recursion of the interpreter
        deep = deep[0]
