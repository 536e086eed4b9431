# SPDX-License-Identifier: Apache-2.0
"""The damped Newton loop: it solves, in both spaces; it drops starts and gives up where told."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from stinespring.circuits.search.levenberg import Damping, Guess, least_squares, solve


@dataclass(frozen=True)
class Circles:
    """Points x on circles: ``sum of the squares of each group = radius^2``; every evaluation counts as one second a start."""

    groups: np.ndarray
    radius: float = 1.0

    def guess(self, x):
        residual = x**2 @ self.groups - self.radius
        return Guess(x, residual, (residual**2).sum(axis=1), abs(residual).max(axis=1))

    def system(self, guess):
        return least_squares(2 * self.groups.T[None] * guess.x[:, None], guess.residual)

    def keep(self, index):
        return self

    def work(self, starts):
        return float(starts)


@pytest.mark.parametrize("unknowns", [3, 150])
@pytest.mark.parametrize("equations", [2, 70])
def test_solutions_in_both_spaces(unknowns, equations):
    rng = np.random.default_rng(0)
    groups = rng.random((unknowns, equations)) / unknowns
    groups /= (rng.normal(size=unknowns) ** 2) @ groups  # a solution exists
    solved = solve(Circles(groups), rng.normal(size=(3, unknowns)), steps=200, goal=1e-12)
    assert solved.error < 1e-12
    assert abs(solved.x**2 @ groups - 1).max() < 2e-12
    assert solved.guess.error.shape == solved.starts.shape == (3,)


def test_a_step_is_the_same_in_both_spaces():
    rng = np.random.default_rng(1)
    slopes, residual = rng.normal(size=(2, 4, 6)), rng.normal(size=(2, 4))
    damping = np.array([0.1, 3.0])
    scale = damping * (slopes**2).sum(axis=(1, 2)) / 6
    found = least_squares(slopes, residual).step(damping)
    for j, r, d, step in zip(slopes, residual, scale, found, strict=True):
        np.testing.assert_allclose(step, np.linalg.solve(j.T @ j + d * np.eye(6), j.T @ r), atol=1e-12)


def test_starts_are_dropped_and_named():
    """Starts near the origin, where the slope vanishes, do not move; work counts those that are left."""
    x = np.array([[1e-9], [1.5], [1e-8], [2.0]])
    rules = Damping(culled=(1,), fewest=1)
    solved = solve(Circles(np.ones((1, 1))), x, steps=3, goal=0.0, rules=rules)
    assert sorted(solved.starts.tolist()) == [1, 3]
    assert solved.work == 4 + 4 + 2 + 2


def test_what_has_no_solution_is_given_up():
    """``x^2 = -1``: the loss stays 1, so that it ends after twice the patience."""
    solved = solve(Circles(np.ones((1, 1)), radius=-1.0), np.array([[0.5]]), steps=10_000, goal=1e-9, rules=Damping(patience=5))
    assert solved.error >= 1
    assert solved.work <= 60
