# SPDX-License-Identifier: Apache-2.0
"""Sampled texts as a tree, and the contexts in which they deviate most."""

from __future__ import annotations

from typing import Any

import numpy as np

from stinespring.checks.texts.verdict import claimed_law
from stinespring.models.texts.asked import texts_of
from stinespring.report.html.page import PageTable
from stinespring.stages import Samples, Verdict

__all__ = ["BREAK", "contexts_table", "tree_table"]

NODES = 48  # of the tree
BREAK = "\N{RETURN SYMBOL}"
INDENT = "\N{BOX DRAWINGS LIGHT VERTICAL}\N{EN SPACE}"


def contexts_table(verdict: Verdict) -> list[PageTable]:
    """Return the contexts after which the next token deviates most; none where no context was tested by itself."""
    most: list[dict[str, Any]] = verdict.details.get("contexts", {}).get("most", [])
    if not most:
        return []
    rows = [
        [one["after"].replace("\n", BREAK) or "(the prompt)", f"{one['shots']:,}", f"{one['p_value']:.3g}", f"{one['tvd']:.4f}",
         one["token"].replace("\n", BREAK), f"{one['count']:,}", f"{one['expected']:.1f}"]
        for one in most
    ]  # fmt: skip
    columns = ["generated so far", "shots", "p", "TVD", "token furthest off", "count", "expected"]
    return [PageTable("contexts that deviate most; p is of each alone, not corrected for their number", columns, rows)]


def tree_table(samples: Samples) -> PageTable:
    """Return the most frequent beginnings of texts as a tree: each token with its share after what stands before it."""
    model, steps = samples.source, samples.asked.steps
    texts, counts = texts_of(samples.outcomes[0], steps, model.vacuum)
    nodes: dict[tuple[int, ...], int] = {(): int(counts.sum())}
    for length in range(1, steps + 1):
        prefixes, where = np.unique(texts[:, :length], axis=0, return_inverse=True)
        totals = np.bincount(where.ravel(), weights=counts).astype(np.int64)
        nodes |= {
            tuple(prefix): int(total)
            for prefix, total in zip(prefixes.tolist(), totals, strict=True)
            if 0 <= prefix[-1] < model.d and min(prefix) >= 0
        }
    kept = set(sorted(nodes, key=lambda node: (-nodes[node], len(node), node))[: NODES + 1])  # a node's parent is no rarer
    law, prompt = claimed_law(samples).model, claimed_law(samples).prompt.tolist()
    rows: list[list[str]] = []

    def grow(node: tuple[int, ...]) -> None:
        children = sorted((child for child in kept if len(child) == len(node) + 1 and child[: len(node)] == node),
                          key=lambda child: (-nodes[child], child))  # fmt: skip
        if not children:
            return
        expected = law.symbol_law(len(node) + 1, np.array([[*prompt, *node]], dtype=np.int64))[0]
        for child in children:
            share, token = nodes[child] / nodes[node], model.plain([child[-1]]) or model.tokens[child[-1]]
            place, likely = INDENT * len(node) + visible(token), float(expected[child[-1]])
            rows.append([place, f"{nodes[child]:,}", f"{share:.4f}", f"{likely:.4f}"])
            grow(child)

    grow(())
    caption = f"the {len(rows)} most frequent beginnings of {len(counts):,} different texts, as a tree"
    return PageTable(caption, ["token after what stands above it", "count", "share", "analytic"], rows)


def visible(token: str) -> str:
    """Return a token with its white space visible."""
    return token.replace("\n", BREAK).replace(" ", "\N{OPEN BOX}") or "\N{EMPTY SET}"
