# SPDX-License-Identifier: Apache-2.0
"""The tuned lens ``W_U LN_f(x + A x + b)``, one bias b and, if it is affine, one matrix A for each point, and its file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from stinespring.errors import InputError
from stinespring.models.decoders.decoder import Decoder
from stinespring.models.safetensors import pack, unpack
from stinespring.readings import FloatArray
from stinespring.showing import Brief

__all__ = ["TunedLens", "named_lens", "read_lens"]

FORMAT = "stinespring/lens@1"
LARGEST = 1e100  # the final norm squares the stream


@dataclass(frozen=True, eq=False, repr=False)
class TunedLens(Brief):
    """A change of every point's stream; that of the last point is none, so that its state stays the decoder's own.

    Attributes:
        bias: b, shape (points, e).
        model: the fingerprint of the decoder it belongs to.
        record: how it was trained.
        matrix: A, shape (points, e, e); None is a lens with a bias only.

    Source:
        arXiv 2303.08112 (affine, trained by KL(final || lens)); with a bias only as in arXiv 2510.11963's small study.
    """

    bias: FloatArray
    model: str
    record: Mapping[str, str] = field(default_factory=dict)
    matrix: FloatArray | None = None

    @property
    def arrays(self) -> dict[str, FloatArray]:
        """The numbers that were trained, by name."""
        return {"bias": self.bias} if self.matrix is None else {"bias": self.bias, "matrix": self.matrix}

    def shown(self, stream: FloatArray) -> FloatArray:
        """Return ``x + A x + b`` of a stream of shape (points, B, e)."""
        turned = stream if self.matrix is None else stream + stream @ self.matrix.transpose(0, 2, 1)
        return np.asarray(turned + self.bias[:, None, :])

    def fingerprint(self) -> str:
        """Return the SHA-256 of the arrays and of the decoder they belong to."""
        parts = (np.ascontiguousarray(array, dtype="<f8").tobytes() for _, array in sorted(self.arrays.items()))
        return hashlib.sha256(self.model.encode() + b"".join(parts)).hexdigest()

    def require(self, decoder: Decoder) -> None:
        """Refuse a decoder that the lens was not trained for.

        Raises:
            InputError: another decoder, or arrays that do not fit or are not finite.
        """
        if self.model != decoder.fingerprint():
            raise InputError(
                "the lens belongs to another model",
                got=f"a lens of model {self.model[:12]}…",
                expected=f"one of {decoder.name}, {decoder.fingerprint()[:12]}…",
                todo=f"train one: stinespring lens train {decoder.name} -o FILE.safetensors",
            )
        points, e = len(decoder.points), decoder.unembedding.shape[1]
        for name, array in self.arrays.items():
            wanted = (points, e) if name == "bias" else (points, e, e)
            if array.shape != wanted or not (abs(array) <= LARGEST).all() or array[-1].any():
                raise InputError(
                    f"the lens' {name} does not fit",
                    got=f"shape {array.shape}",
                    expected=f"finite numbers up to {LARGEST:g} of shape {wanted}, those of the last point zero",
                )

    def content(self) -> dict[str, Any]:
        """Return the arrays and the record as JSON data; :meth:`made` makes the lens of them again."""
        arrays = {name: array.tolist() for name, array in self.arrays.items()}
        return {**arrays, "model": self.model, "record": dict(self.record)}

    @classmethod
    def made(cls, content: Mapping[str, Any]) -> TunedLens:
        """Return the lens that :meth:`content` describes."""
        matrix = None if content.get("matrix") is None else np.array(content["matrix"], dtype=np.float64)
        return cls(np.array(content["bias"], dtype=np.float64), content["model"], dict(content["record"]), matrix)

    def to_bytes(self) -> bytes:
        """Return the lens as a safetensors file: arrays ``bias`` and ``matrix``, and the model's hash among the metadata."""
        return pack(self.arrays, {"format": FORMAT, "model": self.model, **self.record})


def read_lens(path: str | Path, decoder: Decoder) -> TunedLens:
    """Return the tuned lens of a file.

    Raises:
        InputError: no such file, another format, or a lens of another decoder.
    """
    arrays, metadata = unpack(Path(path))
    if metadata.get("format") != FORMAT or "bias" not in arrays or set(arrays) - {"bias", "matrix"} or "model" not in metadata:
        got = f"format {metadata.get('format')!r}, arrays {', '.join(sorted(arrays)) or 'none'}"
        raise InputError(
            "the file holds no lens", got=got, expected=f"format {FORMAT!r} with the array 'bias', or also 'matrix'"
        )
    record = {name: value for name, value in metadata.items() if name not in ("format", "model")}
    lens = TunedLens(arrays["bias"], metadata["model"], record, arrays.get("matrix"))
    lens.require(decoder)
    return lens


def named_lens(name: str, decoder: Decoder) -> TunedLens | None:
    """Return the lens that a user names: None for ``logit``, the file's for ``tuned:FILE``.

    Raises:
        InputError: another name, or a file that holds no lens of the decoder.
    """
    kind, _, path = name.partition(":")
    if kind == "tuned" and path:
        return read_lens(path, decoder)
    if name != "logit":
        raise InputError("unknown lens", got=name, expected="logit or tuned:FILE.safetensors")
    return None
