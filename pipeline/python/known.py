# SPDX-License-Identifier: Apache-2.0
"""What a misspelt or foreign argument of a compilation is held to."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from stinespring.errors import InputError
from stinespring.pipeline.system import System
from stinespring.pipeline.systems import system

__all__ = ["arguments_of_compilers", "require_known"]

LOWERING = ("target", "delays")


def arguments_of_compilers() -> Mapping[str, tuple[str, ...]]:
    """Return the compiler's own arguments by kind of source, beside those of lowering; a verdict does not load the compiler."""
    from dataclasses import fields

    from stinespring.compiler.options import CompileOptions

    return {
        "texts": tuple(field.name for field in fields(CompileOptions)), "lens": ("simplify", "ancilla"), "sphere": ("ancilla",),
        "spins": ("schedule",), "channel": ("form", "effort", "seed"),
    }  # fmt: skip


def require_known(kind: System, given: Mapping[str, Any]) -> None:
    """Refuse an argument that there is not, or that belongs to another kind of source, before anything is done.

    Raises:
        InputError: naming it, and what was probably meant; or one that is missing.
    """
    compilers = arguments_of_compilers()
    own = tuple(dict.fromkeys((*kind.asks, *compilers.get(kind.kind, ()), *LOWERING)))
    if kind.kind not in compilers:  # a kind of somebody's own: its compiler says what it takes
        return
    for name, value in given.items():
        if name in own or value is None:  # None is what signatures show of an argument that was not given
            continue
        known = [other for other, names in compilers.items() if name in (*names, *system(other).asks)]
        close = difflib.get_close_matches(name, own, 1)
        told = f": it belongs to {' or '.join(known)}" if known else ""
        raise InputError(
            f"{name} is no argument for {kind.kind}", got=f"{name}={value!r}",
            expected=", ".join(own), todo=f"write {close[0]}=" if close else f"leave it out{told}",
        )  # fmt: skip
    missing = {"texts": "steps", "spins": "steps"}.get(kind.kind)
    if missing is not None and given.get(missing) is None:
        raise InputError(f"{kind.kind} need {missing}", got="no " + missing, expected=f"{missing}=1 or more")
