# SPDX-License-Identifier: Apache-2.0
"""What a lens shows at one point as a law of one token."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from stinespring.models.lens.states import LensStates
from stinespring.readings import FloatArray

__all__ = ["PointLaw"]


@dataclass(frozen=True, eq=False)
class PointLaw:
    """``P(t) = |<t|psi>|^2`` at a point, or on the way to it; at the last point the decoder's own softmax, computed anew.

    Attributes:
        states: the states of the prompt.
        point: number of the point.
        time: how much of its operator has acted; 1 is all of it.
    """

    states: LensStates
    point: int
    time: float = 1.0

    @property
    def d(self) -> int:
        """Size of the vocabulary."""
        return len(self.states.decoder.tokens)

    @cached_property
    def p(self) -> FloatArray:
        """The probabilities, shape (V,)."""
        if self.point == len(self.states.points) - 1 and self.time == 1.0:
            return np.asarray(self.states.decoder.law(self.states.prompt[None, :])[0])
        return self.states.evolved_law(self.point, self.time)
