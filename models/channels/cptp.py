# SPDX-License-Identifier: Apache-2.0
"""A completely positive trace-preserving map, however it was given, as its fewest Kraus operators."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stinespring.errors import InputError, StinespringError, TooLargeError
from stinespring.memory import require_memory
from stinespring.readings import ComplexArray
from stinespring.showing import Brief, FourLines

__all__ = ["CPTP", "FORMAT", "canonical", "choi_of_kraus"]


FORMAT = "stinespring/channel@1"
TOLERANCE = 1e-8  # largest violation of complete positivity or trace preservation that counts as rounding
SINGLE_TOLERANCE = 1e-5  # the same for numbers of single precision
RANK_TOLERANCE = 1e-13  # eigenvalues of the Choi matrix up to this are zero
LARGEST = 2.0  # of an entry: in a channel none exceeds 1
MOST_QUBITS = 8
MOST_ENTRIES = 1 << 22
MOST_IMAGES = 4  # rows and columns of the input that are compared with what a channel was made of


@dataclass(frozen=True, repr=False)
class CPTP(Brief):
    """``E(rho) = sum_a K_a rho K_a^dagger`` from m to n qubits.

    Attributes:
        kraus: the canonical Kraus operators, shape (r, 2^n, 2^m): ``Tr K_a^dagger K_b`` vanishes for a != b, the largest
            first, r the rank of the Choi matrix.
        given: the operators as they were given, on the same qubits, shape (R, 2^n, 2^m).
        dims: the dimensions (input, output) as given, before they were embedded in qubits.
        labels: for a quantum instrument the outcome that each operator of ``given`` belongs to; None for a channel.
        name: for titles.

    Build one with :meth:`from_kraus`, :meth:`from_choi`, :meth:`from_isometry` or :func:`stinespring.channels.as_channel`.

    Example:
        >>> CPTP.from_kraus([[[1, 0], [0, 0]], [[0, 0], [0, 1]], [[0, 0], [0, 0]]]).rank
        2
    """

    kraus: ComplexArray
    given: ComplexArray
    dims: tuple[int, int]
    labels: tuple[int, ...] | None = None
    name: str = "channel"

    @property
    def inputs(self) -> int:
        """m, the number of qubits the map reads."""
        return int(self.kraus.shape[2]).bit_length() - 1

    @property
    def outputs(self) -> int:
        """n, the number of qubits it leaves."""
        return int(self.kraus.shape[1]).bit_length() - 1

    @property
    def rank(self) -> int:
        """The Choi rank: the fewest Kraus operators there can be."""
        return len(self.kraus)

    def content(self) -> dict[str, Any]:
        """Return the operators as given, as JSON data: the bytes of little-endian complex128 numbers in base64."""
        return {
            "format": FORMAT, "dims": list(self.dims), "labels": None if self.labels is None else list(self.labels),
            "shape": list(self.given.shape), "kraus": base64.b64encode(self.given.astype("<c16").tobytes()).decode(),
        }  # fmt: skip

    def fingerprint(self) -> str:
        """Return the SHA-256 of the operators as given and of their outcomes."""
        words = repr((self.given.shape, self.dims, self.labels)).encode()
        return hashlib.sha256(words + self.given.astype("<c16").tobytes()).hexdigest()

    def choi(self) -> ComplexArray:
        """Return ``sum_ij |i><j| (x) E(|i><j|)``, shape (2^(m+n), 2^(m+n)), the input most significant (Qiskit's order)."""
        return choi_of_kraus(self.given)  # not of what is compiled and sampled: those are compared with it

    def __call__(self, rho: ComplexArray) -> ComplexArray:
        """Return ``E(rho)`` for a density matrix (or a batch of them) of shape (..., 2^m, 2^m)."""
        return np.asarray(np.einsum("aij,...jk,alk->...il", self.given, rho, self.given.conj(), optimize=True))

    @classmethod
    def from_kraus(cls, kraus: Any, *, labels: Sequence[int] | None = None) -> CPTP:
        """Return the map of Kraus operators, shape (R, D_out, D_in).

        Dimensions that are no powers of two are embedded; the unused input states go to themselves.

        Args:
            kraus: the operators.
            labels: for a quantum instrument (or a POVM with its post-measurement states) the outcome of each operator.

        Raises:
            InputError: wrong shape, numbers that are not finite, or ``sum_a K_a^dagger K_a`` is not the identity.
        """
        operators, tolerance = _numbers(kraus, "the Kraus operators"), _tolerance(kraus)
        if operators.ndim != 3 or 0 in operators.shape:
            raise InputError(
                "Kraus operators are a stack of matrices", got=f"shape {operators.shape}", expected="(r, 2^n, 2^m)"
            )
        if labels is not None and len(labels) != len(operators):
            raise InputError("every Kraus operator needs one label", got=len(labels), expected=len(operators))
        _require_room(operators.shape)
        dims = (operators.shape[2], operators.shape[1])
        root = _trace_root(operators, tolerance)
        operators, placed = _embed(operators @ root, None if labels is None else [int(x) for x in labels])
        return cls(canonical(operators), operators, dims, None if placed is None else tuple(placed))

    @classmethod
    def from_choi(cls, choi: Any, *, dims: tuple[int, int] | None = None) -> CPTP:
        """Return the map of a Choi matrix ``sum_ij |i><j| (x) E(|i><j|)`` (Qiskit's convention).

        Args:
            choi: shape (D_in D_out, D_in D_out).
            dims: (D_in, D_out); by default equal.

        Raises:
            InputError: not Hermitian, not positive, or not trace preserving, with the size of the violation.
        """
        matrix = _numbers(choi, "the Choi matrix")
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.size == 0:
            raise InputError("a Choi matrix is square", got=f"shape {matrix.shape}", expected="(2^(m+n), 2^(m+n))")
        into, out = dims if dims is not None else (round(len(matrix) ** 0.5),) * 2
        if into < 1 or out < 1 or into * out != len(matrix):
            raise InputError(
                "the Choi matrix does not fit the dimensions",
                got=f"{len(matrix)} rows for input {into} and output {out}",
                expected="input times output",
                todo="give dims if input and output differ",
            )
        skew = float(abs(matrix - matrix.conj().T).max())
        tolerance = _tolerance(choi)
        if skew > tolerance:
            raise InputError("the Choi matrix is not Hermitian", got=f"violation {skew:.3g}", expected=f"at most {tolerance:g}")
        values, vectors = np.linalg.eigh((matrix + matrix.conj().T) / 2)
        if values[0] < -tolerance:
            raise InputError(
                "the map is not completely positive",
                got=f"smallest eigenvalue of the Choi matrix {values[0]:.6g}",
                expected=f"at least -{tolerance:g}",
            )
        keep = values > (RANK_TOLERANCE if tolerance == TOLERANCE else tolerance)
        columns = (vectors[:, keep] * np.sqrt(values[keep])).T[::-1].reshape(-1, into, out).transpose(0, 2, 1)
        found = cls.from_kraus(columns.astype(np.complex64) if tolerance != TOLERANCE else columns)
        require_same(found, lambda i, j: matrix.reshape(into, out, into, out)[i, :, j, :], max(1e-6, 100 * tolerance))
        return found

    @classmethod
    def from_isometry(cls, isometry: Any, *, dims: tuple[int, int] | None = None) -> CPTP:
        """Return the map ``rho -> Tr_env V rho V^dagger``.

        Args:
            isometry: shape (r D_out, D_in), the environment most significant.
            dims: (D_in, D_out); by default equal.
        """
        matrix = _numbers(isometry, "the isometry")
        if matrix.ndim != 2 or matrix.size == 0:
            raise InputError("an isometry is a matrix", got=f"shape {matrix.shape}", expected="(r 2^n, 2^m)")
        into, out = dims if dims is not None else (matrix.shape[1],) * 2
        if matrix.shape[1] != into or out < 1 or matrix.shape[0] % out:
            raise InputError(
                "the isometry does not fit the dimensions",
                got=f"shape {matrix.shape} for input {into} and output {out}",
                expected="(r 2^n, 2^m)",
                todo="give dims if input and output differ",
            )
        kraus = matrix.reshape(-1, out, into)
        found = cls.from_kraus(kraus if _tolerance(isometry) == TOLERANCE else kraus.astype(np.complex64))
        blocks = [matrix[first : first + out] for first in range(0, len(matrix), out)]  # the environment is most significant
        require_same(
            found, lambda i, j: sum(np.outer(block[:, i], block[:, j].conj()) for block in blocks), 100 * _tolerance(isometry)
        )
        return found

    def brief(self) -> FourLines:
        """Return its qubits and its rank."""
        kind = "channel" if self.labels is None else f"instrument of {len(set(self.labels))} outcomes"
        return FourLines(
            f"CPTP {self.name!r}: {kind}",
            [f"qubits: {self.inputs} in, {self.outputs} out", f"rank: {self.rank}; given by {len(self.given)} Kraus operators"],
        )


def require_same(channel: CPTP, image: Callable[[int, int], Any], tolerance: float) -> None:
    """Refuse a channel whose operators say something else than what it was made of: a defect of the package.

    Args:
        channel: as it was made.
        image: returns ``E(|i><j|)``, shape (D_out, D_in), of what it was made of.
        tolerance: largest error of an element.
    """
    into, out = channel.dims
    for i in range(min(into, MOST_IMAGES)):
        for j in range(min(into, MOST_IMAGES)):
            made = sum(np.outer(k[:out, i], k[:out, j].conj()) for k in channel.given)
            off = float(abs(made - image(i, j)).max())
            if not off <= tolerance:
                raise StinespringError("a channel is not what it was made of", got=f"an element is off by {off:.3g}")


def choi_of_kraus(kraus: ComplexArray) -> ComplexArray:
    """Return the Choi matrix of Kraus operators, the input most significant.

    Raises:
        TooLargeError: it does not fit: 16 bytes for each of its ``4^(m+n)`` elements (64 GiB for 8 qubits in and out).
    """
    needed = 16.0 * (kraus.shape[1] * kraus.shape[2]) ** 2
    require_memory(needed, "the channel's Choi matrix", "use a channel on fewer qubits: 5 in and out take 16 MB, 6 take 268 MB")
    vectors = kraus.transpose(0, 2, 1).reshape(len(kraus), kraus.shape[1] * kraus.shape[2])
    return np.asarray(vectors.T @ vectors.conj())


def _numbers(values: Any, what: str) -> ComplexArray:
    try:
        array = np.asarray(values)
        if array.dtype == object or array.dtype.kind not in "biufc":
            raise TypeError(f"numbers of type {array.dtype}")
        array = array.astype(np.complex128)
    except (TypeError, ValueError) as error:
        raise InputError(f"{what} cannot be read as numbers", got=str(error), expected="a numeric array") from None
    if not np.isfinite(array).all():
        raise InputError(f"{what} hold numbers that are not finite", got="NaN or infinity", expected="finite numbers")
    largest = float(np.abs(array).max(initial=0.0))
    if largest > LARGEST:
        raise InputError(
            f"{what} cannot be those of a channel", got=f"an entry of size {largest:.3g}", expected="entries up to 1"
        )
    return array


def _require_room(shape: tuple[int, ...]) -> None:
    qubits = max((size - 1).bit_length() for size in shape[1:])
    if qubits > MOST_QUBITS or shape[0] << (2 * qubits) > MOST_ENTRIES:
        raise TooLargeError(
            "the channel is too large",
            got=f"{shape[0]} operators on {qubits} qubits",
            expected=f"at most {MOST_QUBITS} qubits and {MOST_ENTRIES:,} numbers in all",
        )


def _tolerance(values: Any) -> float:
    """Return the violation that counts as rounding for numbers of this precision."""
    kind = getattr(values, "dtype", None)
    single = kind is not None and kind.kind in "fc" and np.finfo(kind).eps > 1e-10
    return SINGLE_TOLERANCE if single else TOLERANCE


def _trace_root(operators: ComplexArray, tolerance: float) -> ComplexArray:
    """Return ``(sum_a K_a^dagger K_a)^(-1/2)``, the identity up to rounding, or refuse."""
    total = np.einsum("aji,ajk->ik", operators.conj(), operators, optimize=True)
    values, vectors = np.linalg.eigh(total)
    violation = float(abs(values - 1).max())
    if violation > tolerance:
        raise InputError(
            "the map does not preserve the trace",
            got=f"sum K^dagger K differs from the identity by {violation:.6g} in operator norm",
            expected=f"at most {tolerance:g}",
        )
    return np.asarray((vectors / np.sqrt(values)) @ vectors.conj().T)


def _embed(operators: ComplexArray, labels: list[int] | None) -> tuple[ComplexArray, list[int] | None]:
    """Return the operators on whole qubits; unused input states go to themselves.

    Between equal dimensions operator a carries them along with amplitude ``sqrt(Tr K_a^dagger K_a / D)``, so that neither the
    rank grows nor a mixture of unitaries stops being one; otherwise they get operators of their own, and an input beyond
    the output's dimension wraps around.
    """
    count, out, into = operators.shape
    rows, columns = 1 << (out - 1).bit_length(), 1 << (into - 1).bit_length()
    result = np.zeros((count, rows, columns), dtype=np.complex128)
    result[:, :out, :into] = operators
    spare = np.arange(into, columns)
    if out == into:
        share = np.sqrt((abs(operators) ** 2).sum(axis=(1, 2)) / into)
        result[:, spare, spare] = share[:, None]
        return result, labels
    added = []
    for block in np.unique(spare // rows):
        states = spare[spare // rows == block]
        operator = np.zeros((rows, columns), dtype=np.complex128)
        operator[states % rows, states] = 1.0
        added.append(operator)
    if labels is not None:
        labels = labels + [labels[0]] * len(added)
    return (np.concatenate([result, np.stack(added)]) if added else result), labels


def canonical(operators: ComplexArray) -> ComplexArray:
    """Return orthogonal Kraus operators of the same map, the largest first, none of them zero."""
    count, out, into = operators.shape
    _, values, vectors = np.linalg.svd(operators.reshape(count, -1), full_matrices=False)
    keep = values**2 > RANK_TOLERANCE
    return np.asarray((vectors[keep] * values[keep, None]).reshape(-1, out, into))
