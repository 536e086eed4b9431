# SPDX-License-Identifier: Apache-2.0
"""What a program reads beside the law of its source, outcome by outcome, where that law can be listed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stinespring.checks.spins.together import tallied
from stinespring.checks.texts.verdict import claimed_law
from stinespring.models.spins.contexts import tokens_of
from stinespring.models.spins.law import SpinLaw, codes_of
from stinespring.models.texts.law import TextLaw, texts_of
from stinespring.readings import FloatArray
from stinespring.stages import Samples

__all__ = ["Beside", "beside"]


class Beside(NamedTuple):
    """Two distributions over the same outcomes, shape (K,) each.

    Attributes:
        read: what is read, q.
        law: the source's own, p.
    """

    read: FloatArray
    law: FloatArray

    @property
    def tvd(self) -> float:
        """``1/2 sum |q - p|``."""
        return float(0.5 * abs(self.read - self.law).sum())

    def shown(self, shots: float) -> tuple[float, float]:
        """Return mean and spread of the TVD between the frequencies of some shots and the law.

        With ``X ~ N(d, s^2)``, ``d = q - p`` and ``s^2 = q (1 - q) / N`` for each outcome, the mean is half the sum of
        ``E |X| = s sqrt(2/pi) e^{-d^2/2s^2} + d m``, ``m = 2 Phi(d/s) - 1``. The variance is that of the linear
        part, ``sum m X / 2`` with the correlations of a multinomial law, and for each outcome what |X| varies beyond it.
        """
        from scipy.special import ndtr

        off = self.read - self.law
        noise = np.sqrt(np.clip(self.read * (1.0 - self.read), 0.0, None) / shots)
        scaled = off / np.where(noise > 0, noise, 1.0)
        slope = np.where(noise > 0, 2.0 * ndtr(scaled) - 1.0, np.sign(off))
        size = noise * np.sqrt(2.0 / np.pi) * np.exp(-0.5 * np.minimum(scaled**2, 1e3)) + off * slope
        linear = (float(self.read @ slope**2) - float(self.read @ slope) ** 2) / shots
        beyond = float((off**2 + noise**2 - size**2 - (slope * noise) ** 2).sum())
        return float(0.5 * size.sum()), 0.5 * float(np.sqrt(max(linear, 0.0) + max(beyond, 0.0)))


def beside(samples: Samples, *, claimed: bool = False) -> Beside | None:
    """Return what was read beside the source's own law, or what the program claims; None where it cannot be listed.

    Several circuits have their shares of the shots. The last outcome of texts is every reading that stands for none.
    """
    law = samples.asked.law(samples.source)
    shots = float(sum(int(outcomes.counts.sum()) for outcomes in samples.outcomes))
    if isinstance(law, TextLaw):
        law = claimed_law(samples) if claimed else law
        if law.listed is None:
            return None
        texts, counts = texts_of(samples.outcomes[0], law.steps, law.model.vacuum)
        read = law.tallied(law.listed, texts, counts) / float(counts.sum())
        return Beside(read, np.append(law.listed.probabilities, 0.0))
    if isinstance(law, SpinLaw):
        if law.listed is None:
            return None
        [outcomes] = samples.outcomes
        tokens = tokens_of(outcomes, law.steps, law.columns.N)
        return Beside(tallied(law.listed, codes_of(tokens), outcomes.counts) / shots, law.listed[1])
    rows = [(o, p) for table in law.tables(samples.outcomes) for o, p in zip(table.observed, table.law, strict=True)]
    total = sum(float(o.sum()) for o, _ in rows)
    read = np.concatenate([o for o, _ in rows]) / total
    return Beside(read, np.concatenate([p * (float(o.sum()) / total) for o, p in rows]))
