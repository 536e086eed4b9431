# SPDX-License-Identifier: Apache-2.0
"""Recognising laws of attention, and token maps as circuits, against their definitions."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import strategies
from stinespring.circuits.core.gates import Gate, count_two_qubit
from stinespring.circuits.core.realised_law import realised_law
from stinespring.circuits.laws.attention_law import attention_law
from stinespring.circuits.laws.token_map import load_bit, permute


def table(weights, token_map, k):
    contexts, n = weights.shape
    law = np.zeros((contexts, 2**k))
    for x in range(contexts):
        for j in range(n):
            law[x, token_map[x >> (k * j) & (2**k - 1)]] += weights[x, j]
    return law


@given(st.integers(1, 2), st.integers(1, 3), strategies.seeds())
def test_the_law_is_rebuilt_from_what_is_recognised(k, n, seed):
    rng = np.random.default_rng(seed)
    token_map = rng.integers(2**k, size=2**k)
    law = table(rng.dirichlet(np.ones(n), size=2 ** (k * n)), token_map, k)
    care = rng.random(len(law)) < 0.8
    law[~care] = 0
    found = attention_law(law, care, token_bits=k)
    assert found is not None
    np.testing.assert_allclose(table(found.weights, found.token_map, k)[care], law[care], atol=1e-14)


def test_a_map_is_read_without_constant_texts():
    """f(0) is told by the text 00; f(1) only by texts in which 0 occurs as well."""
    law = np.zeros((4, 2))
    law[0], law[1], law[2] = [0, 1], [0.3, 0.7], [0.6, 0.4]
    found = attention_law(law, np.array([True, True, True, False]), token_bits=1)
    assert found is not None
    assert found.token_map.tolist() == [1, 0]


def test_other_laws_are_not_recognised():
    law = np.full((16, 4), 0.25)
    assert attention_law(law, np.ones(16, dtype=bool), token_bits=2) is None
    assert attention_law(law, np.ones(16, dtype=bool), token_bits=3) is None
    assert attention_law(law[:8], np.ones(8, dtype=bool), token_bits=2) is None


@settings(max_examples=4)
@given(st.permutations(range(8)))
def test_permutations_in_place(order):
    """Each input is copied from context wires to the outcome wires first."""
    copies = [Gate("cx", (b, b + 3)) for b in range(3)]
    gates = permute(tuple(order), (3, 4, 5))
    np.testing.assert_allclose(realised_law([*copies, *gates], width=3, size=3), np.eye(8)[order], atol=1e-12)


@given(st.lists(st.integers(0, 1), min_size=8, max_size=8))
def test_bits_are_loaded(bits):
    gates = load_bit(tuple(bits), range(3), 3)
    np.testing.assert_allclose(realised_law(gates, width=3, size=1), np.eye(2)[bits], atol=1e-12)
    assert count_two_qubit(gates) <= 7
