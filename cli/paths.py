# SPDX-License-Identifier: Apache-2.0
"""The paths that are given on the command line, each seen to be usable while the line is parsed: before any work is begun.

An option says its kind of file by its callback: ``FIGURE``, ``PAGE``, ``PROGRAM``, or :func:`written` and :func:`existing`.
What is refused: an ending that cannot be written, a folder that is not there or may not be written, a name that stands for
something else, two outputs of one name, an input that is not there or cannot be read.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import typer

from stinespring.errors import InputError
from stinespring.writing import require_place

__all__ = ["ARRAYS", "FIGURE", "PAGE", "PICTURE", "PROGRAM", "Checked", "existing", "require_file_of_one", "written"]

FOLDER = "program.json"  # by which a program's folder is known
Checked = Callable[[typer.Context, typer.CallbackParam, Path | None], Path | None]


def written(what: str, *endings: str) -> Checked:
    """Return the callback of an option that names a file to be written.

    Args:
        what: the file is, for the messages.
        *endings: that its name may have.
    """

    def checked(context: typer.Context, option: typer.CallbackParam, path: Path | None) -> Path | None:
        if path is None:
            return None
        require_place(path, what)
        if path.suffix.lower() not in endings:
            raise InputError(
                f"the {what}'s format is not known", got=str(path), expected=f"a name that ends in {either(endings)}"
            )
        require_own_name(context, option, path)
        if path.suffix.lower() in (".png", ".svg", ".gif"):
            from stinespring.report.figures.canvas import require_matplotlib

            require_matplotlib(option.opts[-1])
        return path

    return checked


FIGURE, PAGE, ARRAYS = written("figure", ".png", ".svg"), written("report", ".html"), written("file", ".npz")
PICTURE = written("file", ".npz", ".png", ".svg")  # arrays, or the figure of them


def program(context: typer.Context, option: typer.CallbackParam, path: Path | None) -> Path | None:
    """Check where a program will be: FILE.qasm with FILE.json beside it, or a folder."""
    if path is None:
        return None
    require_place(path, folder=True)
    if path.is_dir():
        if any(path.iterdir()) and not (path / FOLDER).is_file():
            raise InputError(
                "the output exists and is no program folder", got=str(path), expected="FILE.qasm, or a new name for a folder",
            )  # fmt: skip
    elif path.suffix.lower() not in (".qasm", ""):
        raise InputError(
            "the program's format is not known", got=str(path),
            expected="FILE.qasm (OpenQASM 3), or a name without an ending for the folder of a stepwise program",
        )  # fmt: skip
    else:
        require_place(path, folder=True, beside=".json")
        require_described(path)
        require_own_name(context, option, path.with_suffix(".json"))
    require_own_name(context, option, path)
    return path


PROGRAM: Checked = program


def require_described(path: Path) -> None:
    """Refuse a program beside whose file another one has the name of its description; so does the writer, after the work."""
    beside = path.with_suffix(".json")
    if path.suffix and beside.exists():
        from stinespring.compiler.export.files import require_beside

        require_beside(beside)


def require_file_of_one(path: Path | None, folder: bool) -> None:
    """Refuse a folder where the program will be one circuit, and so a file.

    Args:
        path: of the output.
        folder: whether what was asked for can be written as a folder.

    Raises:
        InputError: the path is that of a folder.
    """
    if path is not None and path.is_dir() and not folder:
        raise InputError("the output is a folder, and the program one circuit", got=str(path), expected="FILE.qasm")


def existing(what: str) -> Checked:
    """Return the callback of an option that names a file to be read.

    Args:
        what: the file is, for the messages.
    """

    def checked(context: typer.Context, option: typer.CallbackParam, path: Path | None) -> Path | None:
        if path is not None:
            from stinespring.reading import require_file

            require_file(path, kind=what)
        return path

    return checked


def require_own_name(context: typer.Context, option: typer.CallbackParam, path: Path) -> None:
    """Refuse a file that another option of the same command writes, too."""
    taken: dict[str, str] = context.meta.setdefault("stinespring.outputs", {})
    name, spelt = os.path.realpath(path), option.opts[-1]
    if taken.setdefault(name, spelt) != spelt:
        raise InputError("two outputs have one name", got=str(path), expected=f"a name of its own for {spelt}")


def either(endings: tuple[str, ...]) -> str:
    """Return the endings as words."""
    return " or ".join(filter(None, (", ".join(endings[:-1]), endings[-1])))
