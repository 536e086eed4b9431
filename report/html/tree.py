# SPDX-License-Identifier: Apache-2.0
"""Sampled texts as a tree beside the law, its deviating branches marked, and the contexts in which they deviate most."""

from __future__ import annotations

from typing import Any

from stinespring.report.html.page import Figure, Folded, PageTable
from stinespring.report.svg.tree import TextBranch, branches_of, tree_picture
from stinespring.report.visible import visible
from stinespring.stages import Samples, Verdict

__all__ = ["INDENT", "contexts_table", "tree_parts", "tree_table"]

INDENT = "│ "


def contexts_table(verdict: Verdict) -> list[PageTable]:
    """Return the contexts after which the next token deviates most; none where no context was tested by itself."""
    most: list[dict[str, Any]] = verdict.details.get("contexts", {}).get("most", [])
    if not most:
        return []
    rows = [
        [one["after"] or "(the prompt)", f"{one['shots']:,}", f"{one['p_value']:.3g}", f"{one['tvd']:.4f}",
         one["token"], f"{one['count']:,}", f"{one['expected']:.1f}"]
        for one in most
    ]  # fmt: skip
    columns = ["generated so far", "shots", "p", "TVD", "token furthest off", "count", "expected"]
    caption = "contexts that deviate most; p is of each alone, not corrected for their number"
    return [PageTable(caption, columns, rows, frozenset({4}))]


def tree_parts(samples: Samples) -> list[Figure | Folded]:
    """Return the tree as a figure, with the same as a table below it; nothing after a prompt that is a state."""
    if samples.asked.begin(samples.source).state is not None:  # a token has no law of its own there
        return []
    branches = branches_of(samples)
    off = sum(branch.deviates for branch in branches)
    caption = (
        "each token after what stands before it: the bar is the sampled share, the diamond the analytic probability; "
        + (f"{off} branch{'es' * (off != 1)} marked ▶ deviate" + "s" * (off == 1) if off else "no branch deviates")
        + " (p below 0.001 over all branches shown)"
    )
    return [
        Figure([tree_picture(branches)], caption),
        Folded("the tree as a table", [tree_table(branches, len(samples.outcomes[0].counts))]),
    ]


def tree_table(branches: list[TextBranch], different: int) -> PageTable:
    """Return the tree as a table: each token with its share after what stands before it."""
    rows = [
        [INDENT * (len(b.tokens) - 1) + visible(b.name), f"{b.count:,}", f"{b.share:.4f}", f"{b.law:.4f}",
         f"{b.p_value:.2g}" + " ▶" * b.deviates]
        for b in branches
    ]  # fmt: skip
    caption = f"the {len(rows)} most frequent or likely beginnings of {different:,} different texts"
    return PageTable(caption, ["token after what stands above it", "count", "share", "analytic", "p"], rows)
