# SPDX-License-Identifier: Apache-2.0
"""The strings that name backends, and what each kind of them opens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from inspect import getattr_static
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from stinespring.circuits.devices.targets import GENERIC
from stinespring.errors import InputError
from stinespring.stages import Backend, Device

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["EXTRAS", "GROUP", "KINDS", "missing_extra", "offered", "open_backend", "opened", "parse", "target_of"]

GROUP = "stinespring.backends"  # entry points: the kind, and a function (name, options) -> Backend

# kind -> module and function that opens it with the name and the options of the string
KINDS: Mapping[str, tuple[str, str]] = {
    "aer": ("stinespring.backends.aer.backend", "open_aer"),
    "fake": ("stinespring.backends.aer.fake", "open_fake"),
    "ibm": ("stinespring.backends.ibm.backend", "open_ibm"),
    "dask": ("stinespring.backends.distributed", "open_dask"),
    "braket": ("stinespring.backends.braket.backend", "open_braket"),
}

CONTRACT = ("keeps_jobs", "name", "capabilities", "sample", "metadata", "close")  # of stages.Backend

# kind -> the extra it needs, and a module of that extra
EXTRAS: Mapping[str, tuple[str, str]] = {
    "fake": ("ibm", "qiskit_ibm_runtime"),
    "ibm": ("ibm", "qiskit_ibm_runtime"),
    "dask": ("dask", "distributed"),
    "braket": ("braket", "braket"),
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
        pairs = parse_qsl(query, strict_parsing=True, keep_blank_values=True) if query else []
    except ValueError:
        raise InputError("the backend's options cannot be read", got=text, expected="kind[:name][?option=value&...]") from None
    options = dict(pairs)
    if len(options) < len(pairs):
        raise InputError("an option of the backend is given twice", got=text, expected="every option once")
    return kind, name, options


def offered() -> dict[str, EntryPoint]:
    """Return the entry points of other packages by kind; none of them is loaded."""
    from importlib.metadata import entry_points

    return {point.name: point for point in entry_points(group=GROUP)}


def missing_extra(kind: str) -> str | None:
    """Return the extra that a kind of backends needs and that is not installed, or None."""
    extra, module = EXTRAS.get(kind, ("", ""))
    return extra if module and find_spec(module) is None else None


def open_backend(backend: Any) -> Backend:
    """Return the backend that a string names, or an object as a backend.

    Args:
        backend: ``kind[:name][?option=value&...]``; an object with ``sample``, which is returned as it is if it has all of
            :class:`stinespring.stages.Backend`; a ``BackendV2``, a ``SamplerV2`` or a function ``circuit, shots -> counts``,
            see :func:`stinespring.backends.adapters.adapt`.

    Raises:
        InputError: an unknown kind, name or option, an extra that is not installed, or an object that lacks what every backend
            has.
    """
    if not isinstance(backend, str):
        if hasattr(type(backend), "sample"):
            return whole_backend(backend)
        from stinespring.backends.adapters import adapt

        return adapt(backend)
    kind, name, options = parse(backend)
    if kind in KINDS:
        own: Backend = opener(kind)(name, options)
        return own
    others = offered()
    if kind not in others:
        raise InputError("unknown backend", got=backend, expected=" or ".join([*KINDS, *sorted(others)]))
    try:
        function = others[kind].load()
    except (ImportError, AttributeError) as error:
        raise InputError(f"the backend {kind} cannot be loaded", got=str(error), expected="a package that imports") from error
    return whole_backend(function(name, options))


def whole_backend(found: Any) -> Backend:
    """Return an object that has all that every backend has; nothing of it is called.

    Raises:
        InputError: naming what it lacks.
    """
    nothing = object()
    missing = [name for name in CONTRACT if getattr_static(found, name, nothing) is nothing]
    if missing:
        raise InputError(
            "the object is no whole backend",
            got=f"{type(found).__name__} without {', '.join(missing)}",
            expected=f"an object with {', '.join(CONTRACT)}: see stinespring.stages.Backend",
        )
    whole: Backend = found
    return whole


def opener(kind: str) -> Any:
    """Return the function that opens a kind of our own."""
    extra = missing_extra(kind)
    if extra is not None:
        raise InputError(
            f"the backend {kind} needs a package that is not installed",
            got=kind,
            expected=f"the extra [{extra}]",
            todo=f"pip install 'stinespring[{extra}]'",
        )
    module, function = KINDS[kind]
    try:
        if kind in EXTRAS:
            import_module(EXTRAS[kind][1])
        return getattr(import_module(module), function)
    except ImportError as error:
        raise InputError(
            f"the backend {kind} needs a package that is installed, but cannot be imported",
            got=str(error),
            expected="a package that imports",
            todo="see 'stinespring backends'",
        ) from error


def target_of(text: str) -> str | Device:
    """Return what a target's name stands for to the compiler: the name itself, or the device of the backend it names.

    Args:
        text: a target of :func:`stinespring.circuits.devices.targets.open_target`, or a backend string.

    Raises:
        InputError: it is neither.
    """
    kind = text.partition("?")[0].partition(":")[0]
    if text == kind == "aer" or kind in GENERIC or kind not in {*KINDS, *offered()}:
        return text
    with opened(text) as backend:
        return backend.capabilities.device or "aer"


@contextmanager
def opened(backend: Any) -> Iterator[Backend]:
    """Open a backend, and close what a string opened: connections and processes end with the block, also after errors.

    Args:
        backend: as for :func:`open_backend`.
    """
    found = open_backend(backend)
    try:
        yield found
    finally:
        if isinstance(backend, str):
            found.close()
