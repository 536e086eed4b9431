# SPDX-License-Identifier: Apache-2.0
"""Counts and expected counts of several tables, with thin cells pooled and rare outcomes apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from stinespring.readings import FloatArray, IntArray

__all__ = ["THIN", "PooledCells", "Rare", "pool", "pooled", "side_by_side"]

THIN = 5.0  # expected count below which a cell is pooled: the textbook rule
PIECE = 40.0  # expected count of the pieces of a large pool
LARGE = 0.1  # share of a table above which its pool is cut in pieces


@dataclass(frozen=True)
class Rare:
    """How often something rare was seen, of all tables together.

    Attributes:
        seen: times.
        shots: of these tables.
        share: its probability in each of these shots, on average.
        kinds: how many different outcomes this is, over all tables.
        tables: how many tables.
    """

    seen: float
    shots: float
    share: float
    kinds: int
    tables: int = 1

    @property
    def mean(self) -> float:
        """The expected number."""
        return self.shots * self.share

    def statistic(self, seen: FloatArray | None = None) -> FloatArray:
        """Return G of the number of rare outcomes beside that of all others, or of simulated numbers."""
        o = np.asarray(self.seen if seen is None else seen, dtype=np.float64)
        rest = self.shots - o
        with np.errstate(divide="ignore", invalid="ignore"):
            inside = np.where(o > 0, o * (np.log(o) - np.log(self.shots) - np.log(self.share)), 0.0)
            outside = np.where(rest > 0, rest * (np.log1p(-o / self.shots) - np.log1p(-self.share)), 0.0)
        return np.asarray(2.0 * (inside + outside))


@dataclass(frozen=True)
class PooledCells:
    """Several independent tables side by side: counts and expectations by cell, thin cells pooled.

    Attributes:
        observed: counts, shape (K,).
        expected: expected counts, shape (K,), given how many outcomes were rare.
        table: which table a cell belongs to, shape (K,).
        hidden: the largest TVD of the joint law that could hide inside the pools.
        rare: outcomes that are rarer than a cell may be.
    """

    observed: FloatArray
    expected: FloatArray
    table: IntArray
    hidden: float
    rare: Rare | None = None

    @property
    def kept_degrees(self) -> int:
        """Degrees of freedom without what is rare: cells minus tables."""
        tables, _ = np.unique(self.table, return_counts=True)  # without counts NumPy imports masked arrays, in 0.02 s
        return len(self.expected) - len(tables)

    @property
    def degrees(self) -> int:
        """Degrees of freedom; what is rare counts as one."""
        return self.kept_degrees + int(self.rare is not None)

    def statistic(self, observed: FloatArray | None = None) -> FloatArray:
        """Return G for the counts, or, without what is rare, for simulated ones of shape (R, K): shape ()/(R,)."""
        o = self.observed if observed is None else observed
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = np.where(o > 0, o * np.log(o / self.expected), 0.0)
        g = 2.0 * terms.sum(axis=-1)
        return np.asarray(g + self.rare.statistic() if observed is None and self.rare is not None else g)


def pool(observed: FloatArray, law: FloatArray, shots: float) -> PooledCells:
    """Return one or several tables with their thin cells pooled.

    Cells with an expected count below 5 are pooled within their table, a pool of more than a tenth of it in pieces of about 40,
    neighbours together. Pools that are thin themselves are counted over all tables, apart from the cells that are left: one
    number, whose law is binomial, or narrower. Cells of probability 0 are left out: the caller has to test them first.

    Args:
        observed: shape (T, D).
        law: shape (T, D), rows sum to 1.
        shots: total number of texts; the mass hidden in a table's pool counts with the table's share of them.
    """
    return side_by_side([pooled(observed, law, shots)], shots)


def pooled(observed: FloatArray, law: FloatArray, shots: float) -> PooledCells:
    """Return tables as :func:`pool` does, but what is rare in them still apart and without what it hides."""
    totals = observed.sum(axis=1)
    expected = law * totals[:, None]
    thin = (expected < THIN) & (law > 0)
    lonely = np.flatnonzero(((law > 0) <= thin).all(axis=1) & (law.max(axis=1, initial=0.0) > 0.5))
    thin[lonely, law[lonely].argmax(axis=1)] = (
        False  # beside an outcome that is likelier than all others together they are rare
    )
    number, share = thin.sum(axis=1), np.where(thin, law, 0.0).sum(axis=1)
    mass = share * totals
    few, kept = (mass < THIN) & (number > 0), (law > 0) & ~thin
    rare = few & kept.any(axis=1)
    seen = np.where(thin, observed, 0.0).sum(axis=1)
    inside = np.where(kept, law, 0.0).sum(axis=1)
    given = np.where(rare, (totals - seen) / np.where(inside > 0, inside, 1.0), totals)
    rows, columns = np.nonzero(kept)
    large = np.flatnonzero(~few & (number > 0))  # the tables with a pool of their own: of many thin ones few
    pieces, tables = cut(np.where(thin[large], expected[large], 0.0), mass[large], totals[large])
    here, found = pieces >= 0, (observed[large], expected[large])
    counts, means = (np.bincount(pieces[here], weights=values[here], minlength=len(tables)) for values in found)
    blind = np.where(number > 1, np.where(few & ~rare, totals, np.where(few, 0.0, mass)), 0.0)
    return PooledCells(
        np.concatenate([observed[rows, columns], counts]),
        np.concatenate([law[rows, columns] * given[rows], means]),
        np.concatenate([rows, large[tables]]).astype(np.int64),
        float(blind.sum()) / shots,
        counted(totals[rare], share[rare], seen[rare], int(number[rare].sum())),
    )


def counted(totals: FloatArray, share: FloatArray, seen: FloatArray, kinds: int) -> Rare | None:
    """Return what is rare in some tables as one count."""
    if not len(totals):
        return None
    shots = float(totals.sum())
    average = float(share[0]) if len(totals) == 1 else float(share @ totals) / shots
    return Rare(float(seen.sum()), shots, average, kinds, len(totals))


def side_by_side(parts: Iterable[PooledCells], shots: float) -> PooledCells:
    """Return tables of :func:`pooled` as one collection; what is rare is a table of its own where there is enough of it.

    Rare outcomes of several kinds hide what moves among them, in several tables also what one has too many and another too few.
    """
    found, first = list(parts), 0
    tables: list[IntArray] = []
    for part in found:
        tables.append(part.table + first)
        first += int(part.table.max(initial=-1)) + 1
    rare = [part.rare for part in found if part.rare is not None]
    whole = None if not rare else rare[0] if len(rare) == 1 else together(rare)
    observed = [part.observed for part in found]
    expected, hidden = [part.expected for part in found], sum(part.hidden for part in found)
    if whole is not None:
        hidden += whole.mean / shots * (2.0 if whole.tables > 1 else float(whole.kinds > 1))
        if whole.mean >= THIN:
            observed.append(np.array([whole.seen, whole.shots - whole.seen]))
            expected.append(whole.shots * np.array([whole.share, 1.0 - whole.share]))
            tables.append(np.array([first, first]))
            whole = None
    empty, none = np.zeros(0), np.zeros(0, dtype=np.int64)
    return PooledCells(
        np.concatenate([empty, *observed]), np.concatenate([empty, *expected]), np.concatenate([none, *tables]),
        float(min(1.0, hidden)), whole,
    )  # fmt: skip


def together(rare: Sequence[Rare]) -> Rare:
    """Return several counts of rare outcomes as one."""
    shots = sum(part.shots for part in rare)
    share = sum(part.mean for part in rare) / shots
    return Rare(sum(p.seen for p in rare), shots, share, sum(p.kinds for p in rare), sum(p.tables for p in rare))


def cut(thin: FloatArray, mass: FloatArray, totals: FloatArray) -> tuple[IntArray, IntArray]:
    """Return the piece of every thin cell, shape (T, D), -1 elsewhere, and the table of each piece."""
    here = thin > 0
    wanted = np.where(mass > LARGE * totals, np.floor(mass / PIECE), 1.0).clip(min=1.0)
    middle = np.cumsum(thin, axis=1) - thin / 2.0
    with np.errstate(divide="ignore", invalid="ignore"):
        place = np.floor(middle / np.where(mass > 0, mass, 1.0)[:, None] * wanted[:, None])
    place = np.clip(place, 0, wanted[:, None] - 1).astype(np.int64)
    offset = np.concatenate([[0], np.cumsum(wanted.astype(np.int64))[:-1]])
    keys = np.where(here, offset[:, None] + place, -1)
    used, where = np.unique(keys[here], return_inverse=True)
    result = np.full(thin.shape, -1, dtype=np.int64)
    result[here] = where.ravel()
    return result, np.searchsorted(offset, used, side="right") - 1
