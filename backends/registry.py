# SPDX-License-Identifier: Apache-2.0
"""The strings that name backends, and what each kind of them opens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import entry_points
from urllib.parse import parse_qsl

from stinespring.backends.base import Backend
from stinespring.errors import InputError

__all__ = ["GROUP", "KINDS", "open_backend", "opened", "parse"]

GROUP = "stinespring.backends"  # entry points: the kind, and a function (name, options) -> Backend

# kind -> module and function that opens it with the name and the options of the string
KINDS: Mapping[str, tuple[str, str]] = {
    "aer": ("stinespring.backends.aer", "open_aer"),
    "braket": ("stinespring.backends.braket", "open_braket"),
    "dask": ("stinespring.backends.distributed", "open_dask"),
    "ibm": ("stinespring.backends.ibm.backend", "open_ibm"),
}


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
    if kind in KINDS:
        module, function = KINDS[kind]
        found: Backend = getattr(import_module(module), function)(name, options)
        return found
    offered = {point.name: point for point in entry_points(group=GROUP)}
    if kind in offered:
        other: Backend = offered[kind].load()(name, options)
        return other
    raise InputError("unknown backend", got=backend, expected=" or ".join([*KINDS, *sorted(offered)]))


@contextmanager
def opened(backend: str | Backend) -> Iterator[Backend]:
    """Open a backend, and close what a string opened: connections and processes end with the block, also after errors."""
    found = open_backend(backend)
    try:
        yield found
    finally:
        if isinstance(backend, str) and hasattr(found, "close"):
            found.close()
