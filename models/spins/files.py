# SPDX-License-Identifier: Apache-2.0
"""Spin networks on disk: ``stinespring/spins@1``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from stinespring.errors import InputError, TooLargeError
from stinespring.models.spins.network import FORMAT, ROLES, SignArray, SpinNetwork
from stinespring.models.written import as_written
from stinespring.reading import array, fields, read_json, stem_of
from stinespring.readings import FloatArray

__all__ = [
    "LARGEST", "MOST_POSITION_BITS", "made", "network_from", "number", "read_network", "require_few_spins",
]  # fmt: skip

REQUIRED = ("format", "eps", "gamma", "beta", "features", "position_features")
FIELDS = (*REQUIRED, "repeat", "time", "window", "attention_window", "name", "description")
MOST_POSITION_BITS = 12
MOST_SPINS = 10**15  # of one token: sums of so many are exact in float64
LARGEST = 1e100  # inverse temperature: products of several stay finite
LARGEST_ATTENTION = 1e6  # attention vectors of tokens are at most 1


def read_network(path: str | Path) -> SpinNetwork:
    """Return the network stored in a file.

    Args:
        path: ``{"format": "stinespring/spins@1", "eps", "gamma", "beta", "features": {"q", "k", "v", "o"},
            "position_features": {...}, "repeat", "time", "window" or "attention_window"}``.

    Raises:
        InputError: whatever is wrong with the file.
    """
    return network_from(read_json(path, kind="spins file"), stem_of(path))


def network_from(data: Mapping[str, Any], name: str) -> SpinNetwork:
    """Return the network that a JSON object describes; its own name stands before ``name``."""
    if data.get("format") != FORMAT:
        raise InputError("the file holds no spin network", got=f"format {data.get('format')!r}", expected=FORMAT)
    fields(data, FIELDS, "the spins file", REQUIRED)
    features = four(data["features"], "features")
    positions = four(data["position_features"], "position_features", empty=True)
    if positions.shape[1] != features.shape[1]:
        raise InputError(
            "features and position features differ in number",
            got=f"{features.shape[1]} and {positions.shape[1]} rows",
            expected="M rows each",
        )
    if positions.shape[2] > MOST_POSITION_BITS:
        raise InputError("too many position bits", got=positions.shape[2], expected=f"at most {MOST_POSITION_BITS}")
    window, attention = context(data, 1 << positions.shape[2], features.shape[1], features.shape[2])
    repeat = whole(data.get("repeat", 1), "repeat", low=1)
    require_few_spins(features.shape[2], repeat)
    network = SpinNetwork(
        eps=number(data["eps"], "eps", low=0.0, high=1.0),
        gamma=number(data["gamma"], "gamma", low=-LARGEST, high=LARGEST),
        beta=number(data["beta"], "beta", low=0.0, high=LARGEST),
        features=features,
        position_features=positions,
        repeat=repeat,
        time=whole(data.get("time", 0), "time"),
        window=window,
        attention_window=attention,
        name=str(data.get("name", name)),
    )
    return as_written(network, data)


def made(content: Mapping[str, Any], name: str) -> SpinNetwork:
    """Return the network that :meth:`SpinNetwork.content` describes, under a name."""
    return replace(network_from(content, name), name=name)


def context(data: Mapping[str, Any], L: int, M: int, N: int) -> tuple[SignArray | None, FloatArray | None]:
    """Return the window of tokens, or of attention vectors."""
    given = [name for name in ("window", "attention_window") if data.get(name) is not None]
    if len(given) != 1:
        raise InputError(
            "the context must be given once", got=" and ".join(given) or "none", expected="'window' or 'attention_window'"
        )
    if given == ["window"]:
        return signs(data["window"], "window", rows=L, columns=N), None
    vectors = array(data["attention_window"], (L, M), "attention_window")
    if abs(vectors).max() > LARGEST_ATTENTION:
        raise InputError(
            "'attention_window' is out of range",
            got=float(vectors.flat[abs(vectors).argmax()]),
            expected=f"numbers of at most {LARGEST_ATTENTION:g}; attention vectors of tokens are at most 1",
        )
    return None, vectors


def require_few_spins(columns: int, repeat: int) -> None:
    """Refuse tokens of more spins than can be counted exactly."""
    if columns * repeat > MOST_SPINS:
        raise TooLargeError(
            "too many spins", got=f"{columns} columns repeated {repeat} times", expected=f"at most {MOST_SPINS:,} spins a token"
        )


def four(data: object, where: str, *, empty: bool = False) -> SignArray:
    """Return the features of q, k, v and o, shape (4, M, columns)."""
    found = fields(data, ROLES, f"'{where}'", ROLES)
    parts = [signs(found[role], f"{where}[{role!r}]", empty=empty) for role in ROLES]
    if len({part.shape for part in parts}) > 1:
        shapes = ", ".join(f"{role} {part.shape}" for role, part in zip(ROLES, parts, strict=True))
        raise InputError(f"'{where}' differ in shape", got=shapes, expected="one shape for q, k, v and o")
    return np.stack(parts)


def signs(data: object, where: str, *, rows: int | None = None, columns: int | None = None, empty: bool = False) -> SignArray:
    """Return a matrix of +-1; ``rows`` and ``columns`` fix its shape, ``empty`` allows rows without entries."""
    wanted = f"{rows or 'M'} x {columns or ('P' if empty else 'N')} numbers, each +1 or -1"
    if not isinstance(data, list) or not data or not all(isinstance(row, list) for row in data):
        raise InputError(f"{where} is not a matrix", got=data, expected=wanted)
    if not set(map(type, chain.from_iterable(data))) <= {int, float} or len({len(row) for row in data}) > 1:
        raise InputError(f"{where} is ragged or has an entry that is not a number", got=data, expected=wanted)
    found = np.array(data, dtype=object if max(map(len, data)) == 0 else None).reshape(len(data), -1)
    if not (abs(found) == 1).all():
        raise InputError(f"{where} has an entry that is neither +1 nor -1", got=data, expected=wanted)
    if (not found.shape[1] and not empty) or rows not in (None, found.shape[0]) or columns not in (None, found.shape[1]):
        raise InputError(f"{where} has the wrong shape", got=f"{found.shape[0]} x {found.shape[1]}", expected=wanted)
    return found.astype(np.int8)


def number(value: object, where: str, *, low: float = -math.inf, high: float = math.inf) -> float:
    """Return a finite number in an interval."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high or not math.isfinite(value):
        limits = [f"at least {low:g}"] * (low > -math.inf) + [f"at most {high:g}"] * (high < math.inf)
        raise InputError(f"'{where}' is out of range", got=value, expected=" and ".join(["a finite number", *limits]))
    return float(value)


def whole(value: object, where: str, *, low: int | None = None) -> int:
    """Return a whole number."""
    if isinstance(value, bool) or not isinstance(value, int) or (low is not None and value < low):
        expected = "a whole number" if low is None else f"a whole number of at least {low}"
        raise InputError(f"'{where}' is not usable", got=value, expected=expected)
    return value
