# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.quantum_info import Operator

from oracles.plain_channels import E0, E1, ID, X, Y, Z, choi, haar, tensor
from stinespring.circuits.channels.round import mixed_unitary
from stinespring.circuits.channels.tree import Tree, tree_branches, tree_gates
from stinespring.circuits.core.gates import Gate, append, count_two_qubit
from strategies import random_kraus


def qiskit_branches(tree, m, n):
    """Kraus operators of every outcome word, from Qiskit's unitaries of all rounds."""
    system = tree.width - 1
    result = {}
    for word in range(1 << (len(tree.rounds) - 1)):
        state = np.eye(1 << system, 1 << m)
        for level, gates in enumerate(tree.rounds):
            last = level == len(tree.rounds) - 1
            circuit = QuantumCircuit(tree.width)
            append(circuit, gates[word & ((1 << level) - 1)])
            unitary = Operator(circuit).data[:, : 1 << system] @ state
            state = unitary.reshape(2, 1 << system, -1)[0 if last else word >> level & 1]
        result[word] = state.reshape(-1, 1 << n, 1 << m)
    return result


def worst_path(tree):
    """Two-qubit gates on the path of outcomes that has most."""
    words = range(1 << (len(tree.rounds) - 1))
    return max(sum(count_two_qubit(g[w & ((1 << level) - 1)]) for level, g in enumerate(tree.rounds)) for w in words)


def check_tree(kraus, tree):
    m, n = kraus.shape[2].bit_length() - 1, kraus.shape[1].bit_length() - 1
    assert tree.width == max(m, n) + 1
    assert [set(gates) for gates in tree.rounds] == [set(range(1 << level)) for level in range(len(tree.rounds))]
    branches = qiskit_branches(tree, m, n)
    own = tree_branches(tree, m, n)
    for word, operators in branches.items():
        mine = own.get(word, np.zeros_like(operators))
        assert abs(choi(mine) - choi(operators)).max() <= 1e-13
    return abs(choi(np.concatenate(list(branches.values()))) - choi(kraus)).max()


# the most CX on a path, and on one if there is effort for a search
SPECIAL = {
    "amplitude damping": (np.array([np.diag([1, 0.8]), [[0, 0.6], [0, 0]]]), 1, 1),
    "depolarising": (np.array([np.sqrt(0.7) * ID, *(np.sqrt(0.1) * p for p in (X, Y, Z))]), 0, 0),
    "completely depolarising": (np.array([ID, X, Y, Z]) / 2, 0, 0),
    "measurement": (np.array([np.outer(E0, E0), np.outer(E1, E1)]), 1, 0),
    "reset": (np.array([np.outer(E0, E0), np.outer(E0, E1)]), 1, 1),
    "two dampings": (tensor(*[[np.diag([1, 0.8]), [[0, 0.6], [0, 0]]]] * 2), 2, 2),
    "nearly singular": (np.array([np.diag([1, np.sqrt(1 - 1e-18)]), [[0, 1e-9], [0, 0]]]), 1, 1),
    "a mixture with a CX": (np.array([0.6 * np.eye(4), 0.8 * np.eye(4)[[0, 1, 3, 2]]]), 1, 1),
    "unitary": (haar(2, 2, 1, 0), 3, 3),
    "a block of zeros": (np.array([np.diag([1, 0, 0, 0]), np.diag([0, 1, 1, 1])]), 3, 3),
    "replacement": (np.array([np.outer(v, e) for e in np.eye(4) for v in [[0.5, 0.5, 0.5, 0.5]]]), 8, 8),
    "trace": (np.array([[[1, 0]], [[0, 1]]]), 0, 0),
    "a mixed state": (np.array([[[0.8], [0]], [[0], [0.6]]]), 0, 0),
    "nothing": (np.ones((1, 1, 1)), 0, 0),
}


class TestTrees:
    @settings(max_examples=12, deadline=None)
    @given(st.data())
    def test_random_channels_are_exact(self, data):
        m, n = data.draw(st.sampled_from([(0, 1), (1, 0), (1, 1), (0, 2), (1, 2), (2, 1), (2, 2)]))
        least = max(1, 1 << max(0, m - n))
        kraus = data.draw(random_kraus(m, n, data.draw(st.integers(least, 5))))
        effort = data.draw(st.sampled_from([0.0, 0.2]))
        assert check_tree(kraus, tree_gates(kraus, effort=effort)) <= 1e-12

    @pytest.mark.parametrize(
        ("m", "r", "effort", "most"),
        [
            *[(1, 2, 0, 1), (1, 4, 0, 2), (2, 2, 0, 8), (2, 4, 0, 13), (2, 16, 0, 23), (3, 4, 0, 71)],
            *[(1, 4, 1, 1), (2, 2, 1, 8), (2, 4, 1, 12), (2, 16, 1, 17), (3, 4, 2, 70)],
        ],
    )
    def test_random_channels_cost_no_more_than_the_formula(self, m, r, effort, most):
        kraus = haar(m, m, r, 3)
        tree = tree_gates(kraus, effort=effort)
        assert check_tree(kraus, tree) <= 1e-12
        assert worst_path(tree) <= most

    @pytest.mark.parametrize("name", SPECIAL)
    def test_special_channels(self, name):
        kraus, most, least = SPECIAL[name]
        for effort, bound in ((0.0, most), (0.5, least)):
            tree = tree_gates(kraus, effort=effort)
            assert check_tree(kraus, tree) <= 1e-12
            assert worst_path(tree) <= bound

    def test_a_unitary_needs_no_round(self):
        assert len(tree_gates(haar(1, 1, 1, 0)).rounds) == 1

    def test_the_check_sees_a_flipped_sign(self):
        kraus = haar(1, 1, 2, 1)
        tree = tree_gates(kraus, effort=0)
        first = [Gate(g.name, g.qubits, (-g.params[0], *g.params[1:])) if g.name == "u" else g for g in tree.rounds[0][0]]
        assert check_tree(kraus, Tree(tree.width, ({0: tuple(first)}, *tree.rounds[1:]))) > 1e-3


class TestInstruments:
    @pytest.mark.parametrize("effort", [0.0, 0.3])
    @pytest.mark.parametrize("groups", [(0, 1), (7, 3, 3, 7), (2, 0, 1), (4, 1, 9, 1, 0, 0)])
    def test_the_first_bits_are_the_label(self, groups, effort):
        kraus = haar(1, 1, len(groups), len(groups))
        self.check(kraus, groups, tree_gates(kraus, groups=groups, effort=effort))

    def test_a_measurement_that_keeps_nothing(self):
        kraus = haar(2, 0, 4, 0)  # a POVM of four outcomes
        self.check(kraus, (0, 1, 2, 3), tree_gates(kraus, groups=(0, 1, 2, 3), effort=0.2))

    def test_projectors(self):
        kraus = np.array([np.diag(e) for e in np.eye(4)])
        self.check(kraus, (0, 1, 1, 2), tree_gates(kraus, groups=(0, 1, 1, 2)))

    @pytest.mark.parametrize("effort", [0.0, 0.5])
    def test_two_qubits(self, effort):
        kraus = haar(2, 2, 3, 1)
        self.check(kraus, (0, 1, 2), tree_gates(kraus, groups=(0, 1, 2), effort=effort))

    def test_an_outcome_that_never_happens(self):
        kraus = np.array([0.6 * ID, 0.8 * Z, 0 * ID])
        for groups in ((0, 1, 2), (2, 1, 0), (0, 0, 1), (1, 1, 0)):
            self.check(kraus, groups, tree_gates(kraus, groups=groups, effort=0))

    def check(self, kraus, groups, tree):
        labels = sorted(set(groups))
        assert tree.label_bits == (len(labels) - 1).bit_length()
        assert check_tree(kraus, tree) <= 1e-12
        branches = qiskit_branches(tree, kraus.shape[2].bit_length() - 1, kraus.shape[1].bit_length() - 1)
        for index, label in enumerate(labels):
            wanted = choi(kraus[np.array(groups) == label])
            words = [b for word, b in branches.items() if word & ((1 << tree.label_bits) - 1) == index]
            assert abs(choi(np.concatenate(words)) - wanted).max() <= 1e-12


class TestMixedUnitaries:
    def test_mixtures_are_recognised(self):
        unitaries = np.array([haar(2, 2, 1, seed)[0] for seed in range(3)])
        weights, found = mixed_unitary(np.sqrt([0.5, 0.3, 0.2])[:, None, None] * unitaries)
        assert np.allclose(weights, [0.5, 0.3, 0.2])
        assert np.allclose(found, unitaries)

    def test_mixed_up_paulis_are_recognised(self):
        kraus = np.sqrt([0.4, 0.3, 0.2, 0.1])[:, None, None] * np.array([ID, X, Y, Z])
        mixed = np.tensordot(haar(2, 2, 1, 0)[0], kraus, axes=1)
        weights, _ = mixed_unitary(mixed)
        assert np.allclose(weights, [0.4, 0.3, 0.2, 0.1])

    def test_other_channels_are_not(self):
        assert mixed_unitary(haar(1, 1, 2, 0)) is None
        assert mixed_unitary(haar(1, 2, 1, 0)) is None
