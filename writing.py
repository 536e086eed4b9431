# SPDX-License-Identifier: Apache-2.0
"""The one safe writer: files and folders that are written whole or not at all.

A link is followed: what it points to is replaced, and the link stays. Devices, pipes, sockets and, for a file, folders are
refused, whoever asks. What is replaced keeps its permissions; a file that may not be written is not replaced.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from stinespring.errors import InputError, shorten

__all__ = ["dump", "require_place", "require_regular", "usable", "write_files", "write_whole"]

SCRATCH = ".stinespring-"  # of names that may be as long as the system allows, the new file's needs no more room
HERE, EXCHANGE = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of Linux


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file so that a reader sees the old content or the new one, never a part.

    Text becomes UTF-8. What has no place there, such as a byte of a file's name that is no text, becomes an escape, which JSON
    reads as what it was.

    Raises:
        InputError: the folder does not exist or cannot be written, or the name stands for something that is no file.
    """
    data = content.encode(errors="backslashreplace") if isinstance(content, str) else content
    with reported(path):
        path = require_place(path)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=SCRATCH)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.chmod(name, path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
            os.replace(name, path)
        finally:
            with contextlib.suppress(OSError):
                os.unlink(name)  # there is nothing left unless something went wrong


def write_files(path: Path, files: Mapping[str, str], holds: str) -> list[Path]:
    """Write a folder with these files in one move; return their paths.

    Args:
        path: of the folder, which may exist if it is empty or holds a file of the same kind.
        files: content by name.
        holds: the file by which a folder of this kind is known.

    Raises:
        InputError: something else is there, or it cannot be written.
    """
    given = path
    with reported(path):
        path = require_place(path, folder=True)
        if path.exists() and not (path.is_dir() and ((path / holds).is_file() or not any(path.iterdir()))):
            raise InputError(
                "the output exists and is no program folder", got=str(path), expected="a new name or an earlier program"
            )
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=SCRATCH) as scratch:
            made = Path(scratch) / "new"
            made.mkdir()
            for name, content in files.items():
                (made / name).write_bytes(content.encode(errors="backslashreplace"))
            if not path.exists():
                made.rename(path)
            elif not exchanged(made, path):
                shutil.move(path, Path(scratch) / "old")
                made.rename(path)
    return [given / name for name in files]


def exchanged(one: Path, other: Path) -> bool:
    """Exchange two folders in one step, so that at no moment there is none; return whether the system can."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return False
    return bool(rename(HERE, os.fsencode(one), HERE, os.fsencode(other), EXCHANGE) == 0)


@contextlib.contextmanager
def reported(path: str | Path) -> Iterator[None]:
    """Turn what the system says of an output into one message."""
    try:
        yield
    except InputError:
        raise
    except (OSError, ValueError, RuntimeError) as error:  # no such folder; a zero in the name; links in a circle
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(
            "the output cannot be written", got=f"{shorten(str(path), 160)}: {reason}", expected="a writable folder"
        ) from None


def require_regular(path: Path) -> None:
    """Refuse to replace a device, a pipe or a folder by a file."""
    if path.exists() and not path.is_file():
        raise InputError("the output is no regular file", got=str(path), expected="a new name or a file to replace")


def require_place(path: str | Path, what: str = "output", *, folder: bool = False, beside: str | None = None) -> Path:
    """Return where an output will be, links followed; refuse one that cannot be written, before anything is computed.

    Args:
        path: of the output.
        what: it is, for the messages.
        folder: whether it may be a folder.
        beside: a suffix: the file of the same name with it is written, too.

    Raises:
        InputError: a name that no file can have, no such folder, one that cannot be written, or something that is no file.
    """
    if beside is not None:
        require_named(path)
        require_place(Path(path).with_suffix(beside), what)
    with reported(path):
        found = Path(path).resolve()
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            found.lstat()  # says that a name is too long
        if not (folder and found.is_dir()):
            require_regular(found)
        if not found.parent.is_dir():
            raise InputError(f"the {what}'s folder does not exist", got=str(Path(path).parent), expected="an existing folder")
        if not os.access(found.parent, os.W_OK | os.X_OK):
            raise InputError(f"the {what}'s folder cannot be written", got=str(Path(path).parent), expected="a writable folder")
        if found.exists() and not os.access(found, os.W_OK):
            raise InputError(f"the {what} may not be written", got=str(path), expected="a file that may be replaced")
    return found


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def require_named(path: str | Path) -> None:
    """Refuse a path without a name: the folder one is in, or a root."""
    if not Path(path).name:
        raise InputError("the output has no name", got=repr(str(path)), expected="the name of a file")


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
