# SPDX-License-Identifier: Apache-2.0
"""The tree of texts: what follows what, analytic beside sampled, with the branches that deviate marked."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from stinespring.checks.texts.verdict import claimed_law
from stinespring.models.texts.asked import texts_of
from stinespring.readings import IntArray
from stinespring.report.svg.axes import linear
from stinespring.report.svg.paper import LETTER, PANEL, Paper, Picture, clipped, width_of
from stinespring.report.visible import visible
from stinespring.stages import Samples

__all__ = ["ALPHA", "TextBranch", "branches_of", "tree_picture"]

NODES = 48
ALPHA = 0.001  # false alarms over all branches together
ROW, INSET, BAR = 28.0, 20.0, 84.0  # pixels; a bar is longer where there is room
FIGURES = 118.0  # pixels of the two numbers of a row
NAMES = 260.0  # most pixels of the tokens with their branches


@dataclass(frozen=True)
class TextBranch:
    """A token after what was generated before it.

    Attributes:
        tokens: numbers of the generated tokens, this one the last.
        name: of this token.
        count: texts that begin so.
        share: of those that begin with what stands before.
        law: its analytic probability there.
        p_value: of the count, two-sided, of this branch alone.
        deviates: whether that is too small for one of so many branches.
    """

    tokens: tuple[int, ...]
    name: str
    count: int
    share: float
    law: float
    p_value: float
    deviates: bool = False


class Texts(NamedTuple):
    """Sampled texts, shape (U, L), with their counts."""

    texts: IntArray
    counts: IntArray

    def after(self, tokens: tuple[int, ...]) -> dict[int, int]:
        """Return how often each token followed."""
        n = len(tokens)
        inside = (self.texts[:, :n] == np.array(tokens, dtype=np.int64)).all(axis=1)
        values, where = np.unique(self.texts[inside, n], return_inverse=True)
        totals = np.bincount(where.ravel(), weights=self.counts[inside], minlength=len(values))
        return {int(value): int(total) for value, total in zip(values, totals, strict=True)}


def branches_of(samples: Samples) -> list[TextBranch]:
    """Return the most frequent or most likely beginnings of texts, depth first, each with its share and its probability.

    A branch that is likely and was never read is there, too. The two-sided p-value of a count is binomial; a branch deviates
    where it lies below :data:`ALPHA` divided by the number of branches.
    """
    model, steps, law = samples.source, samples.asked.steps, claimed_law(samples)
    read = Texts(*texts_of(samples.outcomes[0], steps, model.vacuum))
    prompt, total = law.prompt.tolist(), int(read.counts.sum())
    found: dict[tuple[int, ...], TextBranch] = {}
    waiting: list[tuple[float, tuple[int, ...], TextBranch | None]] = [(-float(total), (), None)]
    while waiting and len(found) < NODES:
        _, tokens, branch = heapq.heappop(waiting)
        if branch is not None:
            found[tokens] = branch
        above = total if branch is None else branch.count
        if len(tokens) == steps or not above:
            continue
        exact = law.model.symbol_law(len(tokens) + 1, np.array([[*prompt, *tokens]], dtype=np.int64))[0][: model.d]
        counts = read.after(tokens)
        likely = np.flatnonzero(exact * above >= 0.5).tolist()
        for token in sorted({*likely, *(t for t in counts if 0 <= t < model.d)}):
            count, p = counts.get(token, 0), float(exact[token])
            name = model.plain([token]) or model.tokens[token]
            child = TextBranch((*tokens, token), name, count, count / above, p, binomial_p_value(count, above, p))
            heapq.heappush(waiting, (-max(float(count), p * above), child.tokens, child))
    share = ALPHA / max(1, len(found))
    return [replace(branch, deviates=branch.p_value < share) for branch in depth_first(found)]


def depth_first(found: dict[tuple[int, ...], TextBranch]) -> list[TextBranch]:
    """Return branches in the order of a tree, the most frequent first."""
    result: list[TextBranch] = []

    def grow(tokens: tuple[int, ...]) -> None:
        children = [b for b in found.values() if b.tokens[:-1] == tokens]
        for child in sorted(children, key=lambda b: (-b.count, -b.law, b.tokens)):
            result.append(child)
            grow(child.tokens)

    grow(())
    return result


def binomial_p_value(count: int, shots: int, p: float) -> float:
    """Return ``min(1, 2 min(P(K <= count), P(K >= count)))`` of ``shots`` draws with probability ``p``.

    Example:
        >>> binomial_p_value(0, 2, 0.5), binomial_p_value(1, 2, 0.5)
        (0.5, 1.0)
    """
    from scipy.special import bdtr, bdtrc

    p = min(1.0, max(0.0, p))
    below, above = float(bdtr(count, shots, p)), 1.0 if count == 0 else float(bdtrc(count - 1, shots, p))
    return min(1.0, 2.0 * min(below, above))


def tree_picture(branches: Sequence[TextBranch]) -> Picture:
    """Return the tree: tokens with their branches on the left, shares and probabilities on the right."""
    paper, names = Paper(), [visible(branch.name) for branch in branches]
    depth = [len(branch.tokens) - 1 for branch in branches]
    left = min(NAMES, max(((INSET * d + width_of(n)) for d, n in zip(depth, names, strict=True)), default=0.0)) + 38
    wide = max(PANEL, left + BAR + FIGURES + 16)
    bar = wide - left - FIGURES - 16
    scale = linear(0.0, 1.0, left, left + bar, 2)
    legend(paper, left, wide)
    last: dict[int, float] = {-1: 34.0}
    for place, (branch, name, d) in enumerate(zip(branches, names, depth, strict=True)):
        y, x = 62.0 + ROW * place, 10 + INSET * d
        paper.path([(x, last.get(d - 1, 34.0)), (x, y), (x + 12, y)], "off" if branch.deviates else "thin")
        last[d] = y + 9
        paper.words(x + 17, y + 0.35 * LETTER, clipped(name, NAMES - INSET * d), "mono off" if branch.deviates else "mono",
                    hint=name)  # fmt: skip
        hint = f"{name}: {branch.count:,} texts, share {branch.share:.4f}, analytic {branch.law:.4f}, p = {branch.p_value:.2g}"
        paper.box(left, y - 7, scale.end - left, 14, "frame")
        paper.box(left, y - 7, max(0.5, scale(branch.share) - left), 14, "off" if branch.deviates else "sampled", hint=hint)
        paper.diamond(scale(branch.law), y, 5.5, "law ring")
        figures = f"{branch.share:.4f} {branch.law:.4f}"
        if branch.deviates:
            paper.words(scale.end + 4, y + 5, "▶", "small off")
        paper.words(wide - 4, y + 5, figures, "tabular off" if branch.deviates else "tabular", at="end")
    off = [f"{visible(b.name)} after {len(b.tokens) - 1} token(s)" for b in branches if b.deviates]
    desc = f"{len(branches)} branches; {'these deviate: ' + ', '.join(off) if off else 'none deviates'}. " + "; ".join(
        f"{'·' * d}{n} {b.share:.3f} beside {b.law:.3f}" for b, n, d in zip(branches, names, depth, strict=True)
    )
    title = "what follows what: sampled beside analytic"
    return paper.picture(wide, 62.0 + ROW * len(branches), title, desc, fixed=wide > PANEL + 20)


def legend(paper: Paper, left: float, wide: float) -> None:
    """Say what the columns are."""
    paper.words(4, 26, "token", "soft")
    paper.box(left, 15, 18, 12, "sampled")
    paper.words(left + 23, 26, "share", "soft")
    paper.diamond(left + 80, 21, 5.5, "law ring")
    paper.words(left + 90, 26, "law", "soft")
    paper.words(wide - 4, 26, "sampled analytic", "soft", at="end")
