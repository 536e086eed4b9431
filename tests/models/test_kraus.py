# SPDX-License-Identifier: Apache-2.0
"""Kraus operators on the finite Fock space: trace preserving, completely positive, with the joint law of the chain."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from qiskit.quantum_info import Kraus

import strategies
from oracles import plain_laws
from stinespring.errors import TooLargeError
from stinespring.models.texts.attention import AttentionModel
from stinespring.models.texts.kraus import EXTENSIONS, FockSpace


def measure_last(space, length, token):
    """Return the diagonal of ``X({y}) = 1 (x) |y><y|`` on the texts of ``length`` tokens, shape (D,)."""
    diagonal = np.zeros(space.dimension)
    start = space.offset(length)
    diagonal[start : start + space.d**length] = space.texts(length)[:, -1] == token
    return diagonal


def joint_by_chain(kraus, space, prompt):
    """Return ``Tr[X_L E_L(... X_1 E_1(rho_0) X_1 ...) X_L]`` for all texts: shape (d,) * L.

    Args:
        kraus: one stack (r, D, D) for each of the L steps.
        space: the Fock space; its level is at least ``len(prompt) + L``.
        prompt: token numbers of the pure initial text.
    """
    steps = len(kraus)
    rho = np.zeros((space.dimension, space.dimension))
    rho[space.index(prompt), space.index(prompt)] = 1.0
    states = {(): rho}
    for step, operators in enumerate(kraus, start=1):
        after = {}
        for text, state in states.items():
            moved = np.einsum("rab,bc,rdc->ad", operators, state, operators, optimize=True)
            for y in range(space.d):
                x = measure_last(space, len(prompt) + step, y)
                after[(*text, y)] = x[:, None] * moved * x[None, :]
        states = after
    joint = np.zeros((space.d,) * steps)
    for text, state in states.items():
        joint[text] = np.trace(state)
    return joint


@settings(max_examples=15)
@given(st.data())
def test_every_extension_is_a_channel_with_the_joint_law(data):
    model = data.draw(strategies.attention_models(max_tokens=2, min_tokens=2, max_heads=2, stop=False))
    loaded = AttentionModel(model)
    prompt, steps = data.draw(strategies.texts(model))[:1], 2
    assume(plain_laws.joint_margin(model, prompt, steps) > 1e-9)
    space = FockSpace(loaded.d, len(prompt) + steps)
    expected = np.zeros((loaded.d,) * steps)
    for key, p in plain_laws.joint(model, prompt, steps).items():
        expected[tuple(model["tokens"].index(name) for name in key.split())] = p
    operators = [loaded.kraus(step, space.level) for step in (1, 2)]
    for extension in EXTENSIONS:
        for stack in operators:
            channel = Kraus(list(stack[extension]))
            assert channel.is_cptp(atol=1e-10), extension
        joint = joint_by_chain([stack[extension] for stack in operators], space, prompt)
        np.testing.assert_allclose(joint, expected, atol=1e-12)


def test_dephased_and_position_differ_on_superpositions(two_tokens):
    """MATH A5: trace norm 0.7071 on (|01> + |11>)/sqrt 2."""
    space, operators = FockSpace(2, 3), two_tokens.kraus(1, 3)
    psi = np.zeros(space.dimension)
    psi[[space.index([0, 1]), space.index([1, 1])]] = np.sqrt(0.5)
    rho = np.outer(psi, psi)
    states = {e: np.einsum("rab,bc,rdc->ad", operators[e], rho, operators[e]) for e in EXTENSIONS}
    difference = states["dephased"] - states["position"]
    assert abs(np.linalg.eigvalsh(difference)).sum() == pytest.approx(0.7071, abs=1e-4)
    assert abs(np.linalg.eigvalsh(states["token"] - states["position"])).sum() > 0.1


def test_the_vacuum_gives_a_fixed_token_and_the_top_level_stays(two_tokens):
    space, operators = FockSpace(2, 2), two_tokens.kraus(1, 2)
    for stack in operators.values():
        image = (stack**2).sum(axis=0)  # diagonal states stay diagonal
        assert image[space.index([0]), 0] == 1.0
        top = slice(space.offset(2), None)
        np.testing.assert_array_equal(image[top, top], np.eye(4))


def test_a_complete_text_stays(stop_token):
    space, operators = FockSpace(3, 2), stop_token.kraus(1, 2)
    for stack in operators.values():
        assert (stack**2).sum(axis=0)[space.index([2]), space.index([2])] == 1.0


def test_too_large_a_space_is_refused(two_tokens):
    with pytest.raises(TooLargeError, match="lower level"):
        two_tokens.kraus(1, 12)
