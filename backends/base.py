# SPDX-License-Identifier: Apache-2.0
"""What a backend is: something that samples circuits; and the strings that name one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qsl

from stinespring.errors import InputError
from stinespring.models.base import FloatArray, IntArray

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = ["Backend", "open_backend", "parse"]


class Backend(Protocol):
    """Samples circuits through Qiskit's SamplerV2 interface."""

    name: str

    def sample(
        self, circuit: QuantumCircuit, angles: FloatArray | None, shots: int, seed: int
    ) -> Sequence[Mapping[str, IntArray]]:
        """Return, for each row of ``angles`` (or once), the measured value of every classical register, shape (shots,)."""

    def metadata(self) -> dict[str, Any]:
        """Return versions and options, for the record."""


def parse(text: str) -> tuple[str, str, dict[str, str]]:
    """Split ``kind[:name][?option=value&...]``.

    Example:
        >>> parse("aer?method=matrix_product_state")
        ('aer', '', {'method': 'matrix_product_state'})
    """
    head, _, query = text.partition("?")
    kind, _, name = head.partition(":")
    try:
        options = dict(parse_qsl(query, strict_parsing=True, keep_blank_values=True)) if query else {}
    except ValueError:
        raise InputError("the backend's options cannot be read", got=text, expected="kind[:name][?option=value&...]") from None
    return kind, name, options


def open_backend(backend: str | Backend) -> Backend:
    """Return the backend that a string names; an object with ``sample`` is returned as it is.

    Raises:
        InputError: an unknown kind, name or option.
    """
    if not isinstance(backend, str):
        return backend
    kind, name, options = parse(backend)
    if kind != "aer" or name:
        raise InputError("unknown backend", got=backend, expected="aer or aer?method=statevector|matrix_product_state")
    from stinespring.backends.aer import AerBackend

    return AerBackend(**options)
