# SPDX-License-Identifier: Apache-2.0
"""The house: which room may import which, no circles, and nothing too large to find one's way in."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections import Counter
from pathlib import Path

import networkx

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("models", "circuits", "compiler", "backends", "ledger", "checks", "pipeline", "report", "cli")
BASE = ("errors", "version")
TYPES = (*BASE, "readings", "batches", "stages", "readout", "writing", "reading", "memory", "showing")
ALLOWED = {
    "errors": set(), "version": set(), "readings": {"errors"}, "readout": {"errors", "readings"}, "writing": {"errors"},
    "memory": {"errors"}, "showing": {"errors"},
    "reading": {"errors", "readings", "writing"}, "batches": {"errors", "readings"},
    "stages": {"errors", "readings", "batches", "showing"},
    "models": {*TYPES}, "circuits": {*TYPES}, "compiler": {*TYPES, "models", "circuits"}, "backends": {*TYPES, "circuits"},
    "ledger": {*TYPES, "backends"}, "checks": {*TYPES, "models"},
    "pipeline": {*TYPES, "models", "circuits", "compiler", "backends", "ledger", "checks"},
    "report": {*TYPES, "models", "circuits", "compiler", "backends", "ledger", "checks", "pipeline"},
    "cli": {*TYPES, "models", "circuits", "compiler", "backends", "ledger", "checks", "pipeline", "report"},
    "": {*TYPES, "models", "circuits", "compiler", "backends", "ledger", "checks", "pipeline"},  # stinespring/__init__.py
}  # fmt: skip
WIDEST, LONGEST_FILE, LONGEST_FUNCTION = 14, 400, 60


def modules() -> dict[str, Path]:
    """Return the package's modules by their dotted names without ``stinespring``; the empty name is the package itself."""
    found = {"": ROOT / "__init__.py"}
    for path in [*ROOT.glob("*.py"), *(p for room in ROOMS for p in (ROOT / room).rglob("*.py"))]:
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        found["" if name == "__init__" else name.removesuffix(".__init__")] = path
    return found


MODULES = modules()
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in MODULES.items()}


def imports(name: str) -> set[str]:
    """Return the modules that a module imports, also in functions and for type checkers."""
    result = set()
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Import):
            result |= {alias.name.removeprefix("stinespring").lstrip(".") for alias in node.names if mine(alias.name)}
        elif isinstance(node, ast.ImportFrom) and node.module and mine(node.module):
            base = node.module.removeprefix("stinespring").lstrip(".")
            for alias in node.names:
                inner = f"{base}.{alias.name}".lstrip(".")
                result.add(inner if inner in MODULES else base)
    return result


def mine(module: str) -> bool:
    return module == "stinespring" or module.startswith("stinespring.")


def room(module: str) -> str:
    return module.partition(".")[0]


def test_arrows_point_down() -> None:
    wrong = [
        f"{name or 'stinespring'} imports {other}"
        for name in MODULES
        for other in imports(name)
        if room(other) not in {room(name), *ALLOWED[room(name)]}
    ]
    assert not wrong


def test_there_is_no_circle() -> None:
    graph = networkx.DiGraph((name, other) for name in MODULES for other in imports(name) if other != name)
    circles = [sorted(part) for part in networkx.strongly_connected_components(graph) if len(part) > 1]
    assert not circles


def test_imports_are_seen_in_functions_and_for_type_checkers() -> None:
    """The reader of imports itself: one of each kind, from modules that are known to have them."""
    assert "pipeline.whole" in imports("cli.shown")  # under TYPE_CHECKING
    assert "models.channels.files" in imports("models.load")  # in a function
    assert "readings" in imports("stages")


def test_no_folder_is_too_wide() -> None:
    sides = Counter(path.parent.relative_to(ROOT).as_posix() for path in MODULES.values())
    assert not {folder: number for folder, number in sides.items() if number > WIDEST}


def test_every_room_says_what_it_is() -> None:
    for name, path in MODULES.items():
        if path.name == "__init__.py":
            assert ast.get_docstring(TREES[name]), path


def test_no_file_and_no_function_is_too_long() -> None:
    long = {name: len(path.read_text().splitlines()) for name, path in MODULES.items()}
    assert not {name: lines for name, lines in long.items() if lines > LONGEST_FILE}
    functions = [
        (name, node.name, node.end_lineno - node.lineno + 1)
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.end_lineno is not None
    ]
    assert not [found for found in functions if found[2] > LONGEST_FUNCTION]


def test_a_class_means_one_thing() -> None:
    names = Counter(node.name for tree in TREES.values() for node in tree.body if isinstance(node, ast.ClassDef))
    assert not {name: times for name, times in names.items() if times > 1}


def test_no_module_hides_one_of_the_standard_library() -> None:
    assert not {name for name in MODULES if "." not in name} & set(sys.stdlib_module_names)


def test_every_folder_is_installed() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    folders = {"stinespring"} | {"stinespring." + name for name, path in MODULES.items() if name and path.name == "__init__.py"}
    assert set(listed) == folders
    assert all((path.parent / "__init__.py").exists() for path in MODULES.values())
