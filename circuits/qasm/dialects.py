# SPDX-License-Identifier: Apache-2.0
"""The languages that programs are written in."""

from __future__ import annotations

from typing import Literal, get_args

from stinespring.errors import InputError

__all__ = ["Dialect", "require_dialect"]

Dialect = Literal["qasm3", "braket", "qasm2"]


def require_dialect(name: str) -> Dialect:
    """Return a dialect by its name: the portable subset of OpenQASM 3, Amazon Braket's language, or OpenQASM 2.

    Raises:
        InputError: an unknown one.

    Example:
        >>> require_dialect("braket")
        'braket'
    """
    known: tuple[Dialect, ...] = get_args(Dialect)
    if name not in known:
        raise InputError("unknown dialect", got=name, expected=" or ".join(known))
    return known[known.index(name)]
