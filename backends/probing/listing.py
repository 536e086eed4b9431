# SPDX-License-Identifier: Apache-2.0
"""What can be named as a backend here, whether it is installed, and what it does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from stinespring.backends.aer.methods import METHODS, density_qubits, statevector_qubits
from stinespring.backends.probing.probe import CAPABILITIES, NOISE, Prepare, Probe
from stinespring.backends.registry import EXTRAS, KINDS, missing_extra, offered, parse

__all__ = ["Row", "rows"]

AER = {"auto": "aer", **{method: f"aer?method={method}" for method in METHODS if method != "auto"}}
REMOTE = {"ibm": "ibm:NAME", "dask": "dask:ADDRESS", "braket": "braket"}


@dataclass(frozen=True)
class Row:
    """One backend or kind of backends; None where it is not known before a device is named, or where there is no limit.

    Attributes:
        name: what to write.
        installed: whether it can be opened here.
        qubits: how many it has, or how many fit in memory.
        mid_circuit_measurement: whether it measures and goes on.
        reset: whether it resets.
        conditions: whether it executes ``if``.
        noise: whether it has noise.
        probed: whether that was tried here; otherwise it is what the backend says of itself.
        reason: why it is not installed, or could not be probed.
    """

    name: str
    installed: bool
    qubits: int | None = None
    mid_circuit_measurement: bool | None = None
    reset: bool | None = None
    conditions: bool | None = None
    noise: bool | None = None
    probed: bool = False
    reason: str | None = None

    def summary(self) -> dict[str, Any]:
        """Return the row as JSON data."""
        return asdict(self)


def rows(wanted: Sequence[str] = (), *, prepare: Prepare) -> list[Row]:
    """Return every backend that can be named, those of other packages at the end.

    Aer's methods, its noise and what was asked for are tried in another process; of simulated devices it is known what they
    say of themselves.

    Args:
        wanted: further backend strings to try.
        prepare: lowers a circuit to a device, by its module and name also in that other process.

    Raises:
        InputError: one of them cannot be read or is unknown.
    """
    others = offered()
    for text in wanted:
        require_nameable(text, others)
    there = [f"extra:{kind}" for kind in EXTRAS if missing_extra(kind) is None]
    asked = dict.fromkeys([*AER.values(), NOISE, *wanted])
    background = Probe([*asked, *(f"entry point:{kind}" for kind in others), *there], prepare)
    stated = list(devices())
    found = background.results()
    broken = {text.removeprefix("extra:"): str(found[text]) for text in there if isinstance(found[text], str)}
    if "fake" in broken:
        stated = [Row("fake:NAME", False, noise=True, reason=broken["fake"])]
    own = {row.name: row for row in (*aer_rows(found), *stated, *remote(broken))}
    for row in foreign(others, found):
        own[row.name] = row
    for text in wanted:
        own[text] = probed(own.get(text, Row(text, True)), found[text])
    return list(own.values())


def require_nameable(text: str, others: Mapping[str, Any]) -> None:
    """Refuse a string that names no kind of backends."""
    from stinespring.errors import InputError

    kind, _, _ = parse(text)
    if kind not in KINDS and kind not in others:
        raise InputError("unknown backend", got=text, expected=" or ".join([*KINDS, *sorted(others)]))


def probed(row: Row, found: Mapping[str, Any] | str) -> Row:
    """Return a row with what was found in place of what was stated."""
    if isinstance(found, str):
        return replace(row, installed=False, reason=found)
    return replace(row, probed=True, **{name: found[name] for name in (*CAPABILITIES, "noise") if name in found})


def aer_rows(found: Mapping[str, Mapping[str, Any] | str]) -> Iterator[Row]:
    """Yield Aer's methods and its noise."""
    most = {"statevector": statevector_qubits(), "density_matrix": density_qubits()}
    for method, name in AER.items():
        yield probed(Row(name, True, qubits=most.get(method), noise=False), found[name])
    yield probed(Row(NOISE, True, qubits=statevector_qubits()), found[NOISE])


def devices() -> Iterator[Row]:
    """Yield the simulated devices with what their configurations say, without building their targets."""
    if missing_extra("fake") is not None:
        yield Row("fake:NAME", False, noise=True, reason=needs("fake"))
        return
    try:
        from stinespring.circuits.devices.snapshots import configurations

        found = configurations()
    except Exception as error:  # noqa: BLE001 -- what a broken package raises at its import is its own matter
        yield Row("fake:NAME", False, noise=True, reason=f"installed, but it cannot be used: {type(error).__name__}: {error}")
        return
    for name, data in found.items():
        listed = data.get("supported_instructions") or []
        reset = "reset" in listed or not listed
        conditions = "if_else" in listed or "qasm3" in (data.get("supported_features") or [])
        yield Row(f"fake:{name}", True, data["n_qubits"], reset, reset, conditions, True)


def remote(broken: Mapping[str, str]) -> Iterator[Row]:
    """Yield the kinds that need a service, a cluster or another package; those of a broken extra with its reason."""
    for kind, name in REMOTE.items():
        if kind in KINDS:
            reason = needs(kind) if missing_extra(kind) is not None else broken.get(kind)
            yield Row(name, reason is None, reason=reason)


def needs(kind: str) -> str:
    """Return what is missing for a kind of backends."""
    return f"pip install 'stinespring[{EXTRAS[kind][0]}]'"


def foreign(others: Mapping[str, Any], found: Mapping[str, Mapping[str, Any] | str]) -> Iterator[Row]:
    """Yield the kinds of other packages; one that cannot be loaded is not installed."""
    for kind in sorted(others):
        result = found[f"entry point:{kind}"]
        yield Row(kind, not isinstance(result, str), reason=result if isinstance(result, str) else None)
