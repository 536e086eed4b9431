# SPDX-License-Identifier: Apache-2.0
"""What a lens shows at one point as a law of one token, so that samples of it are checked like all others."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from stinespring.models.lens.states import LensStates
from stinespring.models.texts.base import TextModel
from stinespring.readings import FloatArray, IntArray

__all__ = ["PointLaw"]


class PointLaw(TextModel):
    """``P(t) = |<t|psi>|^2`` at a point, or on the way to it; at the last point the decoder's own softmax, computed anew.

    Args:
        states: the states of the prompt.
        point: number of the point.
        time: how much of its operator has acted; 1 is all of it.
    """

    window = 0

    def __init__(self, states: LensStates, point: int, time: float = 1.0) -> None:
        decoder = states.decoder
        last = point == len(states.points) - 1 and time == 1.0
        self.p: FloatArray = decoder.law(states.prompt[None, :])[0] if last else states.evolved_law(point, time)
        self.states, self.point, self.time, self.tokens = states, point, time, decoder.tokens
        self.name = f"{decoder.name} after {states.points[point]}" + ("" if time == 1.0 else f", t = {time:g}")

    def law(self, step: int, texts: IntArray) -> FloatArray:
        """Return the same law for every text, shape (B, V)."""
        return np.tile(self.p, (len(texts), 1))

    def plain(self, numbers: Any) -> str:
        """Return the text as the decoder writes it."""
        return self.states.decoder.plain([n for n in numbers if n != self.vacuum])

    def content(self) -> dict[str, Any]:
        """Return the decoder, the lens, the prompt and the point."""
        return {
            "format": "stinespring/lens-law@1",
            "decoder": self.states.decoder.fingerprint(),
            "lens": self.states.lens,
            "prompt": self.states.prompt.tolist(),
            "point": [self.point, self.time],
            "law": hashlib.sha256(self.p.astype("<f8").tobytes()).hexdigest(),
        }
