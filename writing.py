# SPDX-License-Identifier: Apache-2.0
"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from stinespring.errors import InputError

__all__ = ["dump", "require_place", "require_regular", "usable", "write_whole"]

KEPT = 32  # characters of a name that the file has while it is written; the whole name may be as long as names can be


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file so that a reader sees the old content or the new one, never a part.

    Text becomes UTF-8. What has no place there, such as a byte of a file's name that is no text, becomes an escape, which JSON
    reads as what it was.

    Raises:
        InputError: the folder does not exist or cannot be written.
    """
    data = content.encode(errors="backslashreplace") if isinstance(content, str) else content
    try:
        path = path.resolve()  # a link keeps pointing at what is written
        require_regular(path)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:KEPT]}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.chmod(name, 0o666 & ~_umask())
            os.replace(name, path)
        finally:
            with contextlib.suppress(OSError):
                os.unlink(name)  # there is nothing left unless something went wrong
    except OSError as error:
        raise InputError(
            "the output cannot be written", got=f"{path}: {error.strerror or error}", expected="a writable folder"
        ) from None


def require_regular(path: Path) -> None:
    """Refuse to replace a device, a pipe or a folder by a file."""
    if path.exists() and not path.is_file():
        raise InputError("the output is no regular file", got=str(path), expected="a new name or a file to replace")


def require_place(path: Path, what: str = "output") -> None:
    """Refuse a file that could not be written, before anything is computed.

    Args:
        path: of the file.
        what: it is, for the messages.

    Raises:
        InputError: a name that no file can have, no such folder, one that cannot be written, or something that is no file.
    """
    parent = usable(path).parent
    if not parent.is_dir():
        raise InputError(f"the {what}'s folder does not exist", got=str(parent), expected="an existing folder")
    if not os.access(parent, os.W_OK):
        raise InputError(f"the {what}'s folder cannot be written", got=str(parent), expected="a writable folder")
    require_regular(path)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def usable(path: str | Path) -> Path:
    """Return a path that can be looked at, or say why it cannot."""
    try:
        Path(path).lstat()
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        raise InputError("the output cannot be written", got=f"{path}: {error}", expected="a usable name") from None
    return Path(path)


def dump(data: dict[str, Any]) -> str:
    """Return JSON for people and programs, the same bytes for the same data."""
    return json.dumps(data, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
