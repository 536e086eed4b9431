# SPDX-License-Identifier: Apache-2.0
"""A case: a command line and the files it finds. Its number, its reader and the seed make it again."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

__all__ = ["FILE", "Case", "drawn"]

FILE = "{file}"
NODES = ("pipe", "folder", "socket", "zero", "circle", "nowhere", "sparse", "closed")


@dataclass(frozen=True)
class Case:
    """One command and what it reads.

    Attributes:
        reader: whose input is changed.
        number: of the case.
        words: the command line; ``{file}`` stands for the changed file's name.
        name: of the changed file.
        content: of the changed file, or, with ``node``, nothing.
        node: what is put in the file's place instead: one of ``NODES``, or nothing.
    """

    reader: str
    number: int
    words: tuple[str, ...]
    name: str
    content: bytes
    node: str = ""

    def argv(self) -> list[str]:
        """Return the words after ``stinespring``."""
        return [word.replace(FILE, self.name) for word in self.words]

    def laid_out(self, folder: Path, beside: dict[str, bytes]) -> None:
        """Make a folder with the case's file and what lies beside it."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name, content in beside.items():
            if name != self.name:
                (folder / name).parent.mkdir(exist_ok=True)
                (folder / name).write_bytes(content)
        path = folder / self.name
        path.parent.mkdir(exist_ok=True)
        if self.node:
            put_node(self.node, path)
        else:
            path.write_bytes(self.content)

    def kept(self, folder: Path, seed: int, fault: str, said: str) -> Path:
        """Write the file and, in JSON beside it, how the case is run again."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.reader}-{seed}-{self.number}{Path(self.name).suffix}"
        path.write_bytes(self.content)
        told = {"seed": seed, "words": self.words, "file": self.name, "node": self.node, "fault": fault, "said": said}
        path.with_name(path.name + ".case.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
        return path

    def with_content(self, content: bytes) -> Case:
        """Return the same command on other content."""
        return replace(self, content=content)


def put_node(kind: str, path: Path) -> None:
    """Put something that is no readable file in a file's place."""
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "socket":
            with socket.socket(socket.AF_UNIX) as server:
                server.bind(str(path))
        case "zero":
            path.symlink_to("/dev/zero")
        case "circle":
            path.symlink_to(path.name)
        case "nowhere":
            path.symlink_to("nothing")
        case "sparse":
            with path.open("wb") as stream:
                stream.truncate(5 << 30)
        case _:
            path.touch(mode=0)


def drawn(seed: int, reader: str, number: int) -> Random:
    """Return the random numbers of a case, hashed from what names it."""
    return Random(hashlib.sha256(f"fuzz {seed} {reader} {number}".encode()).digest())
