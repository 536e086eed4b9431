# SPDX-License-Identifier: Apache-2.0
"""Text files with one prompt or text a line."""

from __future__ import annotations

from pathlib import Path

from stinespring.errors import InputError
from stinespring.models.decoders.decoder import Decoder
from stinespring.reading import read_bytes
from stinespring.readings import IntArray

__all__ = ["encode_lines", "read_lines"]


def read_lines(path: Path) -> list[tuple[int, str]]:
    """Return the lines of a file that are not blank, with their numbers from 1.

    Raises:
        InputError: no such file, not UTF-8, or nothing in it.
    """
    try:
        text = read_bytes(path, kind="file", expected="a UTF-8 text file").decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError("the file cannot be read", got=f"{path}: {error}", expected="a UTF-8 text file") from None
    lines = [(number, line.rstrip("\r")) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    if not lines:
        raise InputError("the file is empty", got=str(path), expected="one prompt a line")
    return lines


def encode_lines(decoder: Decoder, path: Path) -> list[IntArray]:
    """Return the token numbers of every line of a file.

    Raises:
        InputError: a file that cannot be read, or a line that the decoder cannot; the message names the line.
    """
    texts = []
    for number, line in read_lines(path):
        try:
            texts.append(decoder.encode(line))
        except InputError as error:
            raise InputError(
                f"{path}, line {number}: {error.what}", got=line, expected="text of the model's language"
            ) from None
    return texts
