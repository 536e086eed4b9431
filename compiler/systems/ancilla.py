# SPDX-License-Identifier: Apache-2.0
"""One clean qubit beside those of a system: when there is one, and where it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from stinespring.circuits.core.gates import Gate
from stinespring.errors import InputError

__all__ = ["REGISTER", "Ancilla", "clean_register", "may_help"]

Ancilla = Literal["auto", "none", "clean"]
REGISTER = "clean"  # quantum register of one qubit, in |0> before and after; never measured


def may_help(ancilla: str, qubits: int, room: int | None) -> bool:
    """Return whether a clean qubit may be used.

    Args:
        ancilla: ``clean``: it may; ``none``: it may not; ``auto``: it may where there is room.
        qubits: those of the program without it.
        room: qubits of the target; None: it has no limit.

    Raises:
        InputError: another word.
    """
    if ancilla not in get_args(Ancilla):
        raise InputError("unknown ancilla", got=ancilla, expected=", ".join(get_args(Ancilla)))
    return ancilla == "clean" or (ancilla == "auto" and (room is None or qubits < room))


def clean_register(gates: Sequence[Gate], qubits: int) -> tuple[tuple[str, int], ...]:
    """Return the register of the clean qubit, whose number is ``qubits``, if gates act on it."""
    return ((REGISTER, 1),) if any(qubits in gate.qubits for gate in gates) else ()
