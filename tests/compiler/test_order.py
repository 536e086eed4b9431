# SPDX-License-Identifier: Apache-2.0
"""Orders of the tokens after each prefix: a permutation for every one, and a half form for every bit where there was none."""

from __future__ import annotations

import numpy as np
import pytest

import stinespring
from oracles.text_programs import exact_law
from stinespring.compiler.texts.order import fits, fitting_order
from stinespring.models.texts.table import TableModel


def peaked(rng, count, size):
    """Laws of which some are more peaked than others, likeliest first."""
    law = np.exp(rng.normal(size=(count, size)) * rng.uniform(0.5, 1.8, (count, 1)))
    return -np.sort(-law / law.sum(axis=1, keepdims=True), axis=1)


@pytest.mark.parametrize(("count", "size"), [(64, 4), (64, 8)])
def test_orders_are_permutations_that_fit(count, size):
    """Of fifty random steps those whose ranks do not fit: some are mended, and what is returned fits."""
    rng, mended, misfits = np.random.default_rng(11), 0, 0
    for _ in range(50):
        law = peaked(rng, count, size)
        if fits(law):
            assert fitting_order(law) is None
            continue
        misfits += 1
        order = fitting_order(law)
        if order is None:
            continue
        mended += 1
        assert (np.sort(order, axis=1) == np.arange(size)).all()
        assert fits(np.take_along_axis(law, order, axis=1))
    assert misfits / 2 < mended <= misfits


def test_a_program_takes_fewer_gates_and_has_the_same_law():
    """The last of four tokens has 64 contexts whose ranks have no half form: 2^7 - 1 CX, and the table's own joint law."""
    law = next(
        law
        for law in (peaked(np.random.default_rng(seed), 64, 4) for seed in range(200))
        if not fits(law) and fitting_order(law) is not None
    )
    rng = np.random.default_rng(1)
    shuffled = np.stack([rng.permutation(row) for row in law])
    model = TableModel({"tokens": list("abcd"), "context": 3, "law": shuffled.tolist()})
    program = stinespring.compile(model, prompt="a b c", steps=4, schedule="static", codes="prefix", effort=0)
    assert (program.cost.qubits, program.cost.two_qubit_gates) == (8, 127)
    assert exact_law(program) == pytest.approx(dict(model.joint("a b c", 4)), abs=1e-12)


@pytest.mark.parametrize("law", [np.ones((3, 4)) / 4, np.ones((4, 3)) / 3, np.ones((4, 2)) / 2, np.eye(4)])
def test_other_shapes_and_zeros_are_left_alone(law):
    assert fitting_order(law) is None
