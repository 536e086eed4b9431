# SPDX-License-Identifier: Apache-2.0
"""Derivatives of the equations of channels against differences."""

from __future__ import annotations

import numpy as np
import pytest

from gates_by_qiskit import qiskit_isometry, same_up_to_phase
from oracles.plain_channels import haar
from stinespring.circuits.channels.cz_pattern import CzPattern
from stinespring.circuits.channels.effect_fit import EffectFit
from stinespring.circuits.channels.fit import ChannelFit, across_environment


class TestPatterns:
    @pytest.mark.parametrize(("width", "inputs", "loose"), [(2, 1, (1,)), (3, 2, (2,)), (4, 1, (1, 2, 3)), (5, 3, ())])
    def test_derivatives_are_those_of_the_gates(self, width, inputs, loose):
        rng = np.random.default_rng(width)
        pairs = tuple(tuple(rng.permutation(width)[:2].tolist()) for _ in range(5))
        pattern = CzPattern(pairs, width, inputs, loose)
        params = rng.normal(size=(2, pattern.free.size))

        def isometry(x):
            angles = pattern.spread(x)
            return pattern.sweep(angles, pattern.matrices(angles)[0]).isometry

        made = qiskit_isometry(pattern.gates(params[1]), width, inputs)
        same_up_to_phase(made, isometry(params)[1], atol=1e-12)
        angles = pattern.spread(params)
        blocks, parts = pattern.matrices(angles, derivatives=True)
        last = rng.normal(size=(2, 3, 1 << width)) + 0j
        slopes = pattern.slopes(pattern.sweep(angles, blocks), blocks, parts, last)
        for p in range(pattern.free.size):
            step = 1e-5 * (np.arange(pattern.free.size) == p)
            finite = last @ (isometry(params + step) - isometry(params - step)) / 2e-5
            assert np.allclose(slopes[..., p], finite, atol=1e-7)

    @pytest.mark.parametrize("coin", [True, False])
    def test_derivatives_of_effects(self, coin):
        rng = np.random.default_rng(0)
        kraus = haar(2, 2, 4, 0)
        pattern = None if coin else CzPattern(((0, 2), (0, 1), (1, 2)), 3, 2, (0, 1))
        problem = EffectFit(pattern, np.einsum("aki,bkj->abij", kraus.conj(), kraus), 2)
        x = rng.normal(size=(2, problem.unknowns))
        slopes = problem.slopes(problem.guess(x))
        assert np.array_equal(problem.slopes(problem.guess(x)._replace(memo=None)), slopes)
        for p in range(problem.unknowns):
            step = 1e-5 * (np.arange(problem.unknowns) == p)
            finite = (problem.guess(x + step).residual - problem.guess(x - step).residual) / 2e-5
            assert np.allclose(slopes[..., p], finite, atol=1e-7)

    @pytest.mark.parametrize("rank", [1, 3])
    def test_gradients_of_channels(self, rank):
        """The directions of the environment, which the Jacobian leaves out, do not change the gradient."""
        rng = np.random.default_rng(rank)
        rows = haar(1, 1, rank, 0).reshape(rank, -1)
        matrix = np.concatenate([rows, np.zeros((4 - rank, 4))])
        problem = ChannelFit(CzPattern(((0, 1), (0, 2), (1, 2)), 3, 1, (1, 2)), matrix, across_environment(matrix))
        x = rng.normal(size=(2, problem.pattern.free.size))
        guess = problem.guess(x)
        for start in (guess, guess._replace(memo=None)):
            system = problem.system(start)
            gradient = system.right if system.slopes is None else system.slopes.transpose(0, 2, 1) @ system.right
            for p in range(x.shape[1]):
                step = 1e-5 * (np.arange(x.shape[1]) == p)
                finite = (problem.guess(x + step).loss - problem.guess(x - step).loss) / 4e-5
                np.testing.assert_allclose(gradient[:, p, 0], finite, atol=1e-7)
