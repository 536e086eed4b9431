# SPDX-License-Identifier: Apache-2.0
"""Which points of a lens are measured, and the law of what is read there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from stinespring.errors import InputError
from stinespring.models.counts import counts_of_each
from stinespring.models.lens.law import PointLaw
from stinespring.models.lens.states import LensStates, made
from stinespring.models.texts.base import NOTHING
from stinespring.readings import UNUSED, Outcomes
from stinespring.showing import Brief
from stinespring.stages import Table

__all__ = ["LensAsked", "LensLaw", "made"]

READ = "t1"


@dataclass(frozen=True, repr=False)
class LensAsked(Brief):
    """One token at each of several points.

    Attributes:
        points: numbers of the points, 0 for the embedding; one circuit and one entry of the outcomes a point.
        time: how much of the last operator has acted; 1 is all of it.
    """

    kind: ClassVar[str] = "lens"
    points: tuple[int, ...]
    time: float = 1.0

    def __post_init__(self) -> None:
        """Take lists, which JSON has for tuples."""
        object.__setattr__(self, "points", tuple(int(point) for point in self.points))

    def law(self, source: LensStates) -> LensLaw:
        """Return the law of the token at each point.

        Raises:
            InputError: no such point.
        """
        last = len(source.points) - 1
        wrong = next((point for point in self.points if not 0 <= point <= last), None)
        if wrong is not None:
            names = ", ".join(f"{number} {place}" for number, place in enumerate(source.points))
            raise InputError("no such point", got=wrong, expected=f"0..{last}: {names}")
        return LensLaw(tuple(PointLaw(source, point, self.time) for point in self.points))

    def spell(self, source: LensStates, outcomes: Outcomes) -> list[str]:
        """Return each token by its name; U+FFFD is a code that stands for no token."""
        return [NOTHING if code < 0 else source.decoder.tokens[code] for code in outcomes.column(READ).tolist()]

    def plain(self) -> dict[str, Any]:
        """Return the request as JSON data."""
        return {"points": list(self.points), "time": self.time}

    def read_counts(self, source: LensStates, data: Mapping[str, Any]) -> tuple[Outcomes, ...]:
        """Return the outcomes of a counts file's content, one object of tokens and counts a point.

        Raises:
            InputError: unusable counts, or an unknown token.
        """
        lookup = {NOTHING: UNUSED} | {name: number for number, name in enumerate(source.decoder.tokens)}
        found = []
        for counts in counts_of_each(data, len(self.points), "point"):
            unknown = next((name for name in counts if name not in lookup), None)
            if unknown is not None:
                tokens = " ".join(source.decoder.tokens[:20]) + (" …" if len(source.decoder.tokens) > 20 else "")
                raise InputError("the counts have an unknown token", got=repr(unknown), expected=f"one of {tokens}")
            codes = np.array([lookup[name] for name in counts], dtype=np.int64)
            found.append(Outcomes.tallied({READ: codes}, np.array(list(counts.values()))))
        return tuple(found)


@dataclass(frozen=True, eq=False)
class LensLaw:
    """The law of one token at each point; each point is a test of its own.

    Attributes:
        points: the laws, in order.
    """

    points: tuple[PointLaw, ...]

    def tables(self, seen: Sequence[Outcomes]) -> Iterator[Table]:
        """Yield one table a point; codes that stand for no token are a last cell of probability 0."""
        for law, outcomes in zip(self.points, seen, strict=True):
            codes, d = outcomes.column(READ), law.d
            observed = np.bincount(np.where(codes < 0, d, codes), weights=outcomes.counts, minlength=d + 1).astype(np.float64)
            size = d + int(observed[d] > 0)
            yield Table(f"point {law.point}", observed[None, :size], np.append(law.p, 0.0)[None, :size])
