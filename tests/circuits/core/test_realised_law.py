# SPDX-License-Identifier: Apache-2.0
"""The law of a circuit whose contexts are classical bits, against Qiskit's statevectors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates_by_qiskit import qiskit_isometry
from stinespring.circuits.core.gates import Gate
from stinespring.circuits.core.realised_law import realised_law
from strategies import seeds


@given(st.integers(1, 2), seeds())
def test_laws_of_random_circuits(width, seed):
    """Gates on the outcome and an ancilla, CX and CZ from contexts, either way round; context wires flipped and back."""
    rng = np.random.default_rng(seed)
    gates = [Gate("x", (0,))]
    for _ in range(8):
        inner, control = (width + rng.permutation(3)).tolist(), int(rng.integers(width))
        gates += [Gate("u", (inner[0],), tuple(rng.normal(size=3))), Gate(str(rng.choice(["cx", "cz"])), tuple(inner[:2]))]
        gates += [Gate("cx", (control, inner[1])), Gate("cz", (inner[2], control)), Gate("h", (inner[1],))]
    gates.append(Gate("x", (0,)))
    columns = qiskit_isometry(gates, width + 3, width)
    table = (abs(columns) ** 2).reshape(2, 4, 2**width, 2**width).sum(axis=0)
    wanted = np.diagonal(table, axis1=1, axis2=2).T
    np.testing.assert_allclose(realised_law(gates, width=width, size=2, ancillas=1), wanted, atol=1e-12)


def test_superposed_contexts_are_refused():
    with pytest.raises(ValueError, match="context wire"):
        realised_law([Gate("h", (0,))], width=1, size=1)
    with pytest.raises(ValueError, match="context wire"):
        realised_law([Gate("cx", (1, 0))], width=1, size=1)
    with pytest.raises(ValueError, match="unknown"):
        realised_law([Gate("swap", (0, 1))], width=1, size=1)


def test_changed_contexts_have_no_probability():
    law = realised_law([Gate("x", (0,))], width=1, size=1)
    assert not law.any()
