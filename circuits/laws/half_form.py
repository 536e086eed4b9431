# SPDX-License-Identifier: Apache-2.0
"""The half form: the law of one bit, phases free, at half the CZ of a uniformly controlled rotation.

Single out one control. For the other n - 1 a uniformly controlled state (2^{n-1} - 1 CZ) puts the target at any Bloch vector
r(x'). One CZ between two more gates makes the singled-out control choose what is measured: ``r.w`` for 0 and ``r.Zw`` for 1,
two axes at an angle gamma. Polar angles t0(x'), t1(x') can be read off exactly when, for every x',

    ``|t0 - t1| <= gamma <= min(t0 + t1, 2 pi - t0 - t1)``.

One gamma for all x' gives 2^{n-1} CZ in all. In general the axis w(x') is itself set by a sequence, the tail.
"""

from __future__ import annotations

import numpy as np

from stinespring.circuits.core.cz_sequence import CzSequence, rotation_y
from stinespring.circuits.exact.controlled_states import controlled_states
from stinespring.readings import BoolArray, FloatArray

__all__ = ["attach", "gamma_bounds", "half_form", "pair_rows"]

SLACK = 1e-15  # in the test whether a gamma fits; the error of the law that it allows is of the same size
SINGULAR = 1e-15


def pair_rows(theta: FloatArray, care: BoolArray, *, control: int) -> tuple[FloatArray, FloatArray, BoolArray, BoolArray]:
    """Return ``theta`` for the control at 0 and at 1, and ``care`` likewise, each over the other controls."""
    angles, flags = theta.reshape(-1, 2, 1 << control), care.reshape(-1, 2, 1 << control)
    return angles[:, 0].ravel(), angles[:, 1].ravel(), flags[:, 0].ravel(), flags[:, 1].ravel()


def gamma_bounds(theta: FloatArray, care: BoolArray, *, control: int) -> tuple[FloatArray, FloatArray]:
    """Return the least and greatest gamma that fits each pair of rows, each of shape (2^{n-1},).

    Where one of the two rows is free, every gamma in [0, pi] fits.
    """
    t0, t1, c0, c1 = pair_rows(theta, care, control=control)
    both, total = c0 & c1, t0 + t1
    low = np.where(both, abs(t0 - t1), 0.0)
    high = np.where(both, np.minimum(total, 2 * np.pi - total), np.pi)
    return low, high


def attach(theta: FloatArray, care: BoolArray, *, control: int, tail: CzSequence) -> CzSequence:
    """Return the sequence of the law when ``tail`` sets the measured axes.

    ``tail`` (over controls other than ``control``) takes z to the axis w(x'). In the frame where ``w = (sin b, 0, cos b)``

        ``r_z = (cos t0 + cos t1) / (2 cos b)``, ``r_x = (cos t0 - cos t1) / (2 sin b)``.

    Args:
        theta: polar angles in [0, pi], shape (2^n,).
        care: rows that matter, shape (2^n,).
        control: the control that chooses the axis.
        tail: its polar angles b, or pi - b, must be half a gamma within :func:`gamma_bounds`.

    Returns:
        ``2^{n-1}`` CZ and those of the tail.
    """
    n = theta.size.bit_length() - 1
    others = [i for i in range(n) if i != control]
    place = {name: i for i, name in enumerate(others)}
    axis = CzSequence(tuple(place[i] for i in tail.controls), tail.gates).states(n - 1)
    polar = 2 * np.arctan2(abs(axis[:, 1]), abs(axis[:, 0]))
    azimuth = np.angle(axis[:, 1] * axis[:, 0].conj())
    t0, t1 = fill_pairs(theta, care, control=control, polar=polar)
    mean, difference = (t0 + t1) / 2, (t1 - t0) / 2
    up, side = np.cos(mean) * np.cos(difference), np.sin(mean) * np.sin(difference)
    cosine, sine = np.cos(polar), np.sin(polar)
    r_z = np.divide(up, cosine, out=np.zeros_like(up), where=abs(cosine) > SINGULAR)
    r_x = np.divide(side, sine, out=np.zeros_like(side), where=abs(sine) > SINGULAR)
    r_y = np.sqrt(np.maximum(0.0, 1 - r_z**2 - r_x**2))
    half = np.arctan2(np.hypot(r_x, r_y), r_z) / 2
    phase = np.exp(1j * (np.arctan2(r_y, r_x) + azimuth))
    head = controlled_states(np.stack([np.cos(half) + 0j, np.sin(half) * phase], axis=1))
    return head.relabel(others).then(control, tail.inverse())


def fill_pairs(theta: FloatArray, care: BoolArray, *, control: int, polar: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return t0 and t1 with free rows set to the middle of what the axes at the polar angles b allow."""
    t0, t1, c0, c1 = pair_rows(theta, care, control=control)
    gamma = np.minimum(2 * polar, 2 * np.pi - 2 * polar)
    near = np.minimum(polar, np.pi - polar)

    def middle(known: FloatArray) -> FloatArray:
        return np.asarray((abs(gamma - known) + np.minimum(gamma + known, 2 * np.pi - gamma - known)) / 2)

    filled0 = np.where(c0, t0, np.where(c1, middle(t1), near))
    filled1 = np.where(c1, t1, np.where(c0, middle(t0), near))
    flip = (polar > np.pi / 2) & ~(c0 | c1)
    return np.where(flip, np.pi - filled0, filled0), np.where(flip, np.pi - filled1, filled1)


def half_form(theta: FloatArray, care: BoolArray) -> CzSequence | None:
    """Return the half form with one gamma, at the control with most room for it; None if no control has any.

    Args:
        theta: polar angles in [0, pi], shape (2^n,), n > 0.
        care: rows that matter, shape (2^n,).

    Returns:
        ``2^{n-1}`` CZ, or None.
    """
    best: tuple[float, int, float] | None = None
    for control in range(theta.size.bit_length() - 1):
        low, high = gamma_bounds(theta, care, control=control)
        bottom, top = float(low.max()), float(high.min())
        if bottom <= top + SLACK and (best is None or top - bottom > best[0]):
            best = (top - bottom, control, (bottom + top) / 2)
    if best is None:
        return None
    return attach(theta, care, control=best[1], tail=CzSequence((), rotation_y(best[2] / 2)[None, :]))
