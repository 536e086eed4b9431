# SPDX-License-Identifier: Apache-2.0
"""The contexts that deviate most are those in which something was planted, and their figures are plain arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

from stinespring.checks.texts.contexts import context_tables
from stinespring.models.texts.law import TextLaw
from stinespring.models.texts.table import TableModel


def table(law):
    return TableModel({"tokens": [f"w{i}" for i in range(len(law))], "context": 1, "law": law.tolist()})


@pytest.mark.parametrize("planted", [0, 3, 6])
def test_a_planted_context_is_named_first(planted):
    """One row of the law is reversed where it is sampled from; 40,000 texts, fixed draws."""
    rng = np.random.default_rng(5)
    law = rng.random((8, 8)) + 0.05
    law /= law.sum(axis=1, keepdims=True)
    wrong = law.copy()
    wrong[planted] = wrong[planted, ::-1]
    first = rng.choice(8, 40_000, p=law[1])
    second = (rng.random(40_000)[:, None] > np.cumsum(wrong, axis=1)[first]).sum(axis=1).clip(max=7)
    texts, counts = np.unique(np.stack([first, second], axis=1), axis=0, return_counts=True)
    _, most = context_tables(TextLaw(table(law), np.array([1]), 2), texts, counts)
    assert most[0]["ids"] == [planted]
    assert most[0]["after"] == f"w{planted}"
    assert most[0]["p_value"] < 1e-9 < most[1]["p_value"]
    mine = counts[texts[:, 0] == planted].astype(float)
    shares = np.zeros(8)
    shares[texts[texts[:, 0] == planted, 1]] = mine
    assert most[0]["shots"] == mine.sum()
    assert most[0]["tvd"] == pytest.approx(0.5 * abs(shares / mine.sum() - law[planted]).sum())
    furthest = int(np.argmax(abs(shares - mine.sum() * law[planted]) / np.sqrt(mine.sum() * law[planted])))
    assert most[0]["token"] == f"w{furthest}"
    assert most[0]["count"] == shares[furthest]
    assert most[0]["expected"] == pytest.approx(mine.sum() * law[planted, furthest])
    assert len(most) == 5
    assert [one["p_value"] for one in most] == sorted(one["p_value"] for one in most)


def test_certain_tokens_are_no_deviation():
    """Where every next token is certain no context has a degree of freedom, and none is named."""
    model = table(np.eye(4)[[1, 2, 3, 0]])
    texts, counts = np.array([[1, 2, 3]]), np.array([50])
    cells, most = context_tables(TextLaw(model, np.array([0]), 3), texts, counts)
    assert most == []
    assert cells.degrees == 0
