# SPDX-License-Identifier: Apache-2.0
"""The kinds of sources, one module each. A module is imported when a source of its kind is met."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from stinespring.errors import InputError
from stinespring.pipeline.system import System

__all__ = ["KINDS", "system", "system_of"]

# kind -> the module whose SYSTEM it is
KINDS = {
    "texts": "stinespring.pipeline.systems.texts",
    "lens": "stinespring.pipeline.systems.lens",
    "sphere": "stinespring.pipeline.systems.sphere",
    "spins": "stinespring.pipeline.systems.spins",
    "channel": "stinespring.pipeline.systems.channels",
}


def system(kind: str) -> System:
    """Return a kind of sources by its name."""
    found: System = import_module(KINDS[kind]).SYSTEM
    return found


def system_of(source: Any) -> System:
    """Return the kind of a source.

    Raises:
        InputError: it is none.
    """
    for kind in KINDS:
        found = system(kind)
        if found.owns(source):
            return found
    named = isinstance(source, str | Path)
    raise InputError(
        "this is no source", got=repr(str(source)) if named else type(source).__name__,
        expected="what stinespring.load returns", todo=f"write stinespring.load({str(source)!r})" if named else None,
    )  # fmt: skip
