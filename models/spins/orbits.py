# SPDX-License-Identifier: Apache-2.0
"""What a trajectory does in the long run: cycles and power spectra."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stinespring.errors import InputError
from stinespring.readings import FloatArray
from stinespring.showing import Brief

__all__ = ["SAME", "Spectrum", "find_cycle", "power_spectrum"]

SAME = 1e-9  # largest difference of attention vectors that count as the same


def find_cycle(attention: FloatArray, L: int, *, same: float = SAME) -> int:
    """Return the smallest T after which the last L attention vectors and the clock repeat; 0 if there is none.

    Args:
        attention: attention vectors by time, shape (T, M).
        L: length of the context; the clock repeats after multiples of it.
        same: largest difference allowed.

    Example:
        >>> find_cycle(np.arange(24.0)[:, None] % 6, 4)
        12
    """
    last = len(attention) - 1
    periods = np.arange(L, last - L + 2, L)
    for d in range(L):
        periods = periods[(abs(attention[last - d - periods] - attention[last - d]) <= same).all(axis=1)]
    return int(periods[0]) if len(periods) else 0


@dataclass(frozen=True, repr=False)
class Spectrum(Brief):
    """Power spectrum of a trajectory.

    Attributes:
        frequencies: in cycles per token, 0 to 1/2, shape (F,).
        power: shape (F, M); sums over F to the variance.
    """

    frequencies: FloatArray
    power: FloatArray

    def peaks(self, number: int = 8) -> list[dict[str, float]]:
        """Return the highest local maxima of the power summed over features, the highest first."""
        total = self.power.sum(axis=1)
        padded = np.concatenate([[-1.0], total, [-1.0]])
        top = np.flatnonzero((total > padded[:-2]) & (total >= padded[2:]) & (total > 1e-12 * max(total.max(), 1e-300)))
        top = top[np.argsort(-total[top], kind="stable")][:number]
        return [{"frequency": float(self.frequencies[i]), "power": float(total[i])} for i in top]


def power_spectrum(values: FloatArray) -> Spectrum:
    """Return the power spectrum of a trajectory, by the periodogram with a Hann window.

    ``P_f = 2 |sum_t w_t (x_t - mean x) e^{-2 pi i f t}|^2 / (T sum_t w_t^2)``, half of it at f = 0 and 1/2.

    Args:
        values: shape (T, M), at least 8 steps.

    Raises:
        InputError: too few steps.
    """
    steps = len(values)
    if steps < 8:
        raise InputError("a spectrum needs more steps", got=steps, expected="at least 8")
    window = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(steps) / steps)
    transformed = np.fft.rfft((values - values.mean(axis=0)) * window[:, None], axis=0)
    power = 2.0 * abs(transformed) ** 2 / (steps * (window**2).sum())
    power[0] /= 2.0
    if steps % 2 == 0:
        power[-1] /= 2.0
    return Spectrum(np.fft.rfftfreq(steps).astype(np.float64), power)
