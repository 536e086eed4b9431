# SPDX-License-Identifier: Apache-2.0
"""Channel files: NumPy archives with exactly one of ``kraus``, ``choi`` and ``isometry``."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from stinespring.errors import InputError
from stinespring.models.channels.cptp import CPTP, canonical
from stinespring.reading import read_arrays, stem_of
from stinespring.writing import write_whole

__all__ = ["made", "read_channel", "write_channel"]

KINDS = ("kraus", "choi", "isometry")
MOST_BYTES = 1 << 28


def read_channel(path: str | Path) -> CPTP:
    """Return the channel in a ``.npz`` file.

    The file holds exactly one of ``kraus`` (r, 2^n, 2^m), ``choi`` (Qiskit's convention, the input most significant) and
    ``isometry`` (r 2^n, 2^m; the environment most significant), optionally ``dims`` = (m, n), the numbers of qubits, without
    which ``choi`` and ``isometry`` are read as m = n, and optionally ``labels`` (r,): with ``kraus``, the outcome of a quantum
    instrument that each operator belongs to.

    Raises:
        InputError: no such file, other contents, or no completely positive trace-preserving map.
    """
    content = read_arrays(path, kind="channel file", expected="a NumPy .npz archive", most=MOST_BYTES)
    unknown = sorted(set(content) - {*KINDS, "dims", "labels"})
    kinds = [kind for kind in KINDS if kind in content]
    if unknown or len(kinds) != 1:
        raise InputError(
            "the channel file does not hold exactly one channel",
            got=", ".join(sorted(content)) or "nothing",
            expected="one of kraus, choi, isometry (and dims, labels)",
        )
    return replace(channel_of(content, kinds[0]), name=stem_of(path))


def made(content: Mapping[str, Any], name: str) -> CPTP:
    """Return the channel that :meth:`CPTP.content` describes, the same to the last bit."""
    numbers = np.frombuffer(base64.b64decode(content["kraus"]), dtype="<c16").astype(np.complex128)
    given = numbers.reshape(content["shape"])
    first, second = content["dims"]
    labels = None if content["labels"] is None else tuple(content["labels"])
    return CPTP(canonical(given), given, (first, second), labels, name)


def channel_of(content: Mapping[str, Any], kind: str) -> CPTP:
    """Return the channel that one of the three arrays of a file defines."""
    labels = content.get("labels")
    if labels is not None and kind != "kraus":
        raise InputError("labels belong to Kraus operators", got=kind, expected="kraus")
    dims = None if "dims" not in content else read_dims(content["dims"])
    array = content[kind]
    if kind == "choi":
        return CPTP.from_choi(array, dims=dims)
    if kind == "isometry":
        return CPTP.from_isometry(array, dims=dims)
    if dims is not None and array.ndim == 3 and (array.shape[2], array.shape[1]) != dims:
        raise InputError(
            "dims do not fit the Kraus operators", got=f"shape {array.shape}", expected=f"(r, {dims[1]}, {dims[0]})"
        )
    return CPTP.from_kraus(array, labels=None if labels is None else read_labels(labels))


def read_dims(values: np.ndarray) -> tuple[int, int]:
    """Return (2^m, 2^n) from ``dims`` = (m, n)."""
    if values.shape != (2,) or values.dtype.kind not in "iu" or not ((values >= 0) & (values <= 16)).all():
        raise InputError("'dims' are two numbers of qubits (m, n)", got=values.tolist(), expected="for example [1, 1]")
    return 1 << int(values[0]), 1 << int(values[1])


def read_labels(values: np.ndarray) -> list[int]:
    """Return the outcomes of an instrument's operators."""
    if values.ndim != 1 or values.dtype.kind not in "iu" or (values < 0).any():
        raise InputError(
            "'labels' are whole numbers, one for each operator", got=values.tolist(), expected="for example [0, 0, 1]"
        )
    return [int(value) for value in values]


def write_channel(channel: CPTP, path: str | Path) -> None:
    """Write a channel's Kraus operators (as given, with the outcomes of an instrument) to a ``.npz`` file."""
    arrays = {"kraus": channel.given, "dims": np.array([channel.inputs, channel.outputs])}
    if channel.labels is not None:
        arrays["labels"] = np.array(channel.labels)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    write_whole(Path(path), buffer.getvalue())
