# SPDX-License-Identifier: Apache-2.0
"""How many shots a verdict will need, told before anything is sampled."""

from __future__ import annotations

from stinespring.checks.texts.verdict import shots_for
from stinespring.models.texts.base import TextModel
from stinespring.models.texts.law import listed_law
from stinespring.readings import IntArray

__all__ = ["shots_for_verdict"]


def shots_for_verdict(
    model: TextModel, prompt: IntArray, steps: int, *, alpha: float = 0.001, resolution: float = 0.05
) -> int | None:
    """Return the shots with which the test of whole texts detects a TVD of ``resolution`` with power 0.9, to two digits.

    Args:
        model: the law.
        prompt: token numbers.
        steps: L.
        alpha: the false-alarm rate.
        resolution: the TVD.

    Returns:
        The number, or None where the texts are too many to be listed or no number up to 10^12 is enough.
    """
    joint = listed_law(model, prompt, steps)
    return None if joint is None else shots_for(joint, alpha, resolution)
