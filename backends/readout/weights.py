# SPDX-License-Identifier: Apache-2.0
"""Signed shares of what randomised circuits read, from measured rates of wrong readings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stinespring.backends.readout.randomised import Design, symmetric
from stinespring.readings import FloatArray
from stinespring.readout import SignedReadings

__all__ = ["signed_readings", "weights_of"]


def weights_of(
    design: Design, rates: FloatArray, planned: FloatArray, steers: Sequence[bool], which: Sequence[int], number: int
) -> tuple[FloatArray, FloatArray]:  # fmt: skip
    """Return the weight of every circuit, shape (C,), which add up to 1, and their derivatives by each rate, shape (C, P).

    The circuits without deliberate errors share what the others leave of 1. Circuits of a class that was drawn share its
    quasi-probability in proportion to the ratio of a set's weight by the measured rates and by those that it was drawn with.

    Args:
        design: the circuits.
        rates: the measured rate of each measurement, shape (K,).
        planned: the rates that the design was made for.
        steers: which measurements steer.
        which: the number of each measurement's rate.
        number: P.
    """
    places = np.flatnonzero(steers)
    odds, before = (given[places] / (1.0 - given[places]) for given in (rates, planned))
    base = float(np.prod((1.0 - rates[places]) / (1.0 - 2.0 * rates[places])))
    errors = design.errors[:, places]
    sizes = np.prod(np.where(errors, odds, 1.0), axis=1)
    _, group, copies = np.unique(design.errors, axis=0, return_inverse=True, return_counts=True)
    result = base * (-1.0) ** design.kind * sizes / copies[group.ravel()]
    for kind in design.drawn:
        mine = design.kind == kind
        ratio = sizes[mine] / np.prod(np.where(errors[mine], before, 1.0), axis=1)
        result[mine] = base * (-1.0) ** kind * symmetric(odds)[kind] * ratio / ratio.sum()
    r = rates[places]
    logs = np.where(errors, 1.0 / (r * (1.0 - 2.0 * r)), 1.0 / ((1.0 - r) * (1.0 - 2.0 * r)))
    slopes = np.zeros((len(result), number))
    for column, place in enumerate(places.tolist()):
        slopes[:, which[place]] += result * logs[:, column]
    plain = design.kind == 0
    result[plain] = (1.0 - result[~plain].sum()) / plain.sum()
    slopes[plain] = -slopes[~plain].sum(axis=0) / plain.sum()
    return result, slopes


def signed_readings(
    design: Design, found: FloatArray, *, rates: FloatArray, variances: FloatArray, planned: FloatArray, steers: Sequence[bool],
    which: Sequence[int], wires: Sequence[int],
) -> SignedReadings:  # fmt: skip
    """Return the signed shares of what the circuits read.

    Args:
        design: the circuits.
        found: their counts, flips and errors undone, shape (C, 2^n).
        rates: the measured rates, shape (P,).
        variances: of the rates.
        planned: the rate of each measurement that the design was made for, shape (K,).
        steers: which measurements steer.
        which: the number of each measurement's rate.
        wires: see :class:`stinespring.readout.SignedReadings`.
    """
    weights, slopes = weights_of(design, rates[list(which)], planned, steers, which, len(rates))
    shots = found.sum(axis=1)
    shares, plain = found / shots[:, None], design.kind == 0
    extra = (weights[~plain] ** 2 / shots[~plain]) @ shares[~plain]
    for kind in design.drawn:  # the choice of sets: at most what one draw of a reading for each circuit would add
        mine = design.kind == kind
        extra = extra + weights[mine] ** 2 @ shares[mine]
    return SignedReadings(
        shares=weights @ shares, ratio=float((weights[plain] / shots[plain]).mean()), others=weights[~plain] @ shares[~plain],
        extra=extra, slopes=shares.T @ slopes, rates=rates, variances=variances, wires=tuple(wires), shots=int(shots.sum()),
        circuits=len(weights), overhead=float(abs(weights).sum() ** 2), left_out=left_out(design, rates[list(which)], steers),
    )  # fmt: skip


def left_out(design: Design, rates: FloatArray, steers: Sequence[bool]) -> float:
    """Return the weight of the classes that were not run, by the measured rates; the circuits without errors stand for them."""
    places = np.flatnonzero(steers)
    sizes = float(np.prod((1.0 - rates[places]) / (1.0 - 2.0 * rates[places]))) * symmetric(
        rates[places] / (1.0 - rates[places])
    )
    return float(np.delete(sizes, np.unique(design.kind)).sum())
