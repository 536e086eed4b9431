# SPDX-License-Identifier: Apache-2.0
"""Counts add up to the shots that were asked for, everywhere; where they do not, the verdict is FAIL."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import stinespring
from stinespring import batches
from stinespring.batches import dealt
from stinespring.models.channels.standard import amplitude_damping
from stinespring.readings import Outcomes

ASKED = 1003  # no multiple of the settings


@pytest.mark.parametrize("schedule", ["static", "dynamic", "stepwise"])
def test_every_schedule_counts_all(two_tokens, schedule):
    samples = stinespring.run(stinespring.compile(two_tokens, prompt="a b", steps=2, schedule=schedule), shots=ASKED, seed=1)
    assert (samples.wanted, samples.shots) == (ASKED, ASKED)
    assert stinespring.check(samples, alpha=1e-7).verdict != "FAIL"
    for wrong in (ASKED - 3, 2 * ASKED):
        found = stinespring.check(replace(samples, wanted=wrong), alpha=1e-7)
        assert found.verdict == "FAIL" and f"{wrong:,} shots were asked for" in found.reason


def test_settings_share_all_shots():
    assert [int(dealt(ASKED, rows).sum()) for rows in (1, 7, 40)] == [ASKED] * 3
    samples = stinespring.run(stinespring.compile(amplitude_damping(0.3)), shots=ASKED, seed=1)
    assert sum(part.shots for part in samples.outcomes) == ASKED
    assert stinespring.check(samples, alpha=1e-7).verdict != "FAIL"


def test_half_of_the_shared_shots_is_a_fail(monkeypatch):
    monkeypatch.setattr(batches, "dealt", lambda shots, rows: np.full(rows, shots // rows // 2))
    samples = stinespring.run(stinespring.compile(amplitude_damping(0.3)), shots=100_000, seed=1)
    found = stinespring.check(samples)
    assert found.verdict == "FAIL" and "100,000 shots were asked for, and 50,000" in found.reason


@pytest.mark.parametrize("schedule", ["static", "stepwise"])
def test_shots_that_are_lost_after_the_backend_are_a_fail(monkeypatch, two_tokens, schedule):
    program = stinespring.compile(two_tokens, prompt="a b", steps=2, schedule=schedule)
    kind, true = type(program.body), type(program.body).outcomes

    def some(self, seen, shots):
        first, *rest = true(self, seen, shots)
        return (first.limited(39_760, 0), *rest)

    monkeypatch.setattr(kind, "outcomes", some)
    found = stinespring.check(stinespring.run(program, shots=40_000, seed=1))
    assert found.verdict == "FAIL" and "39,760 were counted" in found.reason


def test_leaked_readings_count(two_tokens):
    """Codes that stand for no token are readings too: the counts are whole, and the verdict is about them."""
    samples = stinespring.run(stinespring.compile(two_tokens, prompt="a b", steps=1), shots=100, seed=1)
    leaky = Outcomes.tallied({"t1": np.array([0, 1, -1])}, np.array([40, 40, 20]))
    found = stinespring.check(replace(samples, outcomes=(leaky,)))
    assert found.verdict == "FAIL" and "asked for" not in found.reason


def test_counts_of_a_file_are_held_to_nothing(two_tokens):
    samples = stinespring.run(stinespring.compile(two_tokens, prompt="a b", steps=1), shots=100, seed=1)
    assert stinespring.check(replace(samples, wanted=None, outcomes=(samples.outcomes[0].limited(50, 1),))).verdict != "FAIL"
