# SPDX-License-Identifier: Apache-2.0
"""Everything that stands for a channel: operators, a Choi matrix, an isometry, an object of Qiskit's, or a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from stinespring.errors import InputError
from stinespring.models.channels.cptp import CPTP
from stinespring.models.channels.files import read_channel

__all__ = ["as_channel"]

ISOMETRY = 1e-6  # of V^dagger V - 1, below which a matrix is an isometry; what it is good for is seen by CPTP
EXPECTED = (
    "Kraus operators (r, 2^n, 2^m), a Choi matrix, an isometry, a CPTP, a qiskit.quantum_info channel or operator, "
    "a circuit, or the path of a .npz file"
)


def as_channel(source: Any) -> CPTP:
    """Return the map that an object stands for: ``rho -> sum_a K_a rho K_a^dagger``.

    A matrix with ``V^dagger V = 1`` is an isometry, whose environment is most significant (one operator, if it is square); any
    other matrix is a Choi matrix ``sum_ij |i><j| (x) E(|i><j|)``, the input most significant. No matrix is both: the trace of a
    Choi matrix is D_in, that of a positive unitary D_in D_out. Input and output are taken to have equal dimensions; where they
    have not, say so: :meth:`CPTP.from_choi` and :meth:`CPTP.from_isometry` take ``dims``.

    Args:
        source: a :class:`CPTP`; an array or a list of Kraus operators, shape (r, 2^n, 2^m); an isometry, shape (r 2^n, 2^n), or
            a Choi matrix, shape (4^n, 4^n); any ``qiskit.quantum_info`` channel or operator, a circuit or a gate that one can
            be made of; the path of a ``.npz`` file.

    Raises:
        InputError: nothing of these, or no completely positive trace-preserving map.

    Example:
        >>> as_channel([[[1, 0], [0, 1]]]).rank, as_channel(np.eye(2)).rank, as_channel(np.eye(4) / 2).rank
        (1, 1, 4)
    """
    if isinstance(source, CPTP):
        return source
    if isinstance(source, str | Path):
        return read_channel(source)
    if isinstance(source, list | tuple | np.ndarray):
        return of_array(source)
    from qiskit.exceptions import QiskitError
    from qiskit.quantum_info import Choi

    try:
        choi = Choi(source)
    except (QiskitError, TypeError, AttributeError) as error:
        raise InputError("this is no channel", got=f"{type(source).__name__}: {error}", expected=EXPECTED) from None
    return CPTP.from_choi(choi.data, dims=(choi._input_dim, choi._output_dim))


def of_array(source: Any) -> CPTP:
    """Return the map of numbers: of a matrix by what it is, else of Kraus operators."""
    try:
        array = np.asarray(source)
    except ValueError:  # rows of different lengths: the operators' own reader says it
        return CPTP.from_kraus(source)
    if array.ndim != 2 or array.dtype.kind not in "biufc" or not array.size or not np.isfinite(array).all():
        return CPTP.from_kraus(source)
    rows, columns = array.shape
    unit = rows >= columns and bool(abs(array.conj().T @ array - np.eye(columns)).max() < ISOMETRY)
    return CPTP.from_isometry(array) if unit else CPTP.from_choi(array)
