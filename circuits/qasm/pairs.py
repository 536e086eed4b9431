# SPDX-License-Identifier: Apache-2.0
"""FILE.qasm and FILE.json belong together: the circuit's hash stands in both, and readers compare.

The hash is the SHA-256 of the program's text without the line that states it. FILE.json is written last, so that a write that
was cut short leaves a pair that does not match, never one that seems to.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stinespring.errors import InputError
from stinespring.reading import read_bytes, read_json

__all__ = ["FORMAT", "digest", "read_description", "require_pair", "stamped"]

FORMAT = "stinespring/program@1"
STAMP = re.compile(r"^// stinespring circuit ([0-9a-f]{64})\n", re.MULTILINE)


def stamped(text: str) -> str:
    """Return a program with its hash in a comment after its first line."""
    first, rest = text.split("\n", 1)
    return f"{first}\n// stinespring circuit {digest(text)}\n{rest}"


def digest(text: str) -> str:
    """Return the hash of a program's text, whether it states it or not."""
    return hashlib.sha256(STAMP.sub("", text, count=1).encode(errors="backslashreplace")).hexdigest()


def require_pair(text: str, description: Mapping[str, Any], where: str | Path, *, edited: bool = False) -> None:
    """Refuse a program and a description that were not written together.

    Args:
        text: of the program.
        description: what stands beside it.
        where: for the message.
        edited: whether a program may have been changed since, as one whose circuit is verified itself.

    Raises:
        InputError: their hashes differ, or the program was changed since it was written.
    """
    stamp, stated = STAMP.search(text), description.get("circuit_hash")
    own = digest(text)
    if stated is None and stamp is None:
        return  # written by hand, or by an earlier version
    if stated != (own if stamp is None else stamp[1]):
        raise InputError(
            "the program and its description do not belong together",
            got=f"{where}: circuit {(own if stamp is None else stamp[1])[:12]}, described {str(stated)[:12]}",
            expected="FILE.qasm and FILE.json of one compile", todo="write both again with 'stinespring compile -o FILE.qasm'",
        )  # fmt: skip
    if stamp is not None and stamp[1] != own and not edited:
        raise InputError(
            "the program was changed after it was written", got=f"{where}: circuit {own[:12]}, stated {stamp[1][:12]}",
            expected="the text as it was written", todo="write it again with 'stinespring compile -o FILE.qasm'",
        )  # fmt: skip


def read_description(path: str | Path) -> dict[str, Any]:
    """Return a program's description, once what stands beside it was seen to belong to it.

    Args:
        path: FILE.json, or the ``program.json`` of a folder.

    Raises:
        InputError: no description, or a circuit, a template or the angles beside it are missing or those of another program.
    """
    file = Path(path)
    content = read_json(file, kind="description")
    if content.get("format") != FORMAT:
        raise InputError("this is no program's description", got=content.get("format"), expected=FORMAT)
    for name, wanted in (content.get("hashes") or {}).items():
        if not isinstance(name, str) or Path(name).name != name:
            raise InputError("a description names a file elsewhere", got=name, expected="a file beside it")
        text = read_bytes(file.parent / name, kind="program").decode("utf-8", errors="replace")
        require_pair(text, {"circuit_hash": wanted}, file.parent / name)
    beside = [file.with_suffix(".qasm"), file.with_suffix("")]
    for program in beside if "circuit_hash" in content else []:
        if program.is_file():
            require_pair(read_bytes(program, kind="program").decode("utf-8", errors="replace"), content, program)
            break
    return content
