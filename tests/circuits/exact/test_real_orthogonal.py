# SPDX-License-Identifier: Apache-2.0
"""Real orthogonal matrices and what their recursion is made of, against Qiskit's operators."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import block_diag, expm
from scipy.stats import ortho_group, special_ortho_group

from gates_by_qiskit import qiskit_isometry, same_up_to_phase
from stinespring.circuits.core.gates import count_two_qubit
from stinespring.circuits.exact import real_orthogonal, real_shannon
from stinespring.circuits.exact.multi_controlled import phase_of_ones, phase_of_zeros
from stinespring.circuits.exact.real_orthogonal import orthogonal_gates
from stinespring.circuits.exact.real_two_qubit import real_pair_gates
from stinespring.circuits.exact.signed_state import gray_state

KINDS = ("signed permutation", "product", "blocks", "reflection", "Hartley", "signs", "turned", "selected")
STEP = 1e-13  # largest error of an entry


def structured(width, kind, seed):
    """An orthogonal matrix in which something vanishes, or many things are equal."""
    rng = np.random.default_rng(seed)
    size = 1 << width
    if kind == "signed permutation":
        return np.eye(size)[rng.permutation(size)] * rng.choice([1.0, -1.0], size)
    if kind == "product":
        matrix = np.eye(1)
        for _ in range(width):
            matrix = np.kron(matrix, ortho_group.rvs(2, random_state=rng))
        return matrix
    if kind == "blocks":
        return block_diag(*(ortho_group.rvs(size // 2, random_state=rng) for _ in range(2)))
    if kind == "reflection":
        v = rng.normal(size=size)
        return np.eye(size) - 2 * np.outer(v, v) / (v @ v)
    if kind == "Hartley":
        angles = 2 * np.pi * np.outer(np.arange(size), np.arange(size)) / size
        return (np.cos(angles) + np.sin(angles)) / np.sqrt(size)
    if kind == "signs":
        return np.diag(rng.choice([1.0, -1.0], size))
    if kind == "turned":  # next to something special
        turn = rng.normal(size=(size, size)) * 10.0 ** -rng.integers(3, 16)
        return expm(turn - turn.T) @ structured(width, rng.choice(KINDS[:2]), seed)
    same = ortho_group.rvs(size // 2, random_state=rng)
    return block_diag(same, same @ np.diag(rng.choice([1.0, -1.0], size // 2)))


def check(matrix, gates):
    width = len(matrix).bit_length() - 1
    same_up_to_phase(qiskit_isometry(gates, width, width), matrix, atol=STEP)


@pytest.mark.parametrize(("width", "closed", "fitted"), [(1, 0, 0), (2, 2, 2), (3, 17, 13), (4, 85, 59), (5, 373, 269)])
def test_counts(width, closed, fitted):
    matrix = special_ortho_group.rvs(1 << width, random_state=width)
    for most, fit in ((closed, False), (fitted, True)):
        gates = orthogonal_gates(matrix, fitted=fit)
        check(matrix, gates)
        assert count_two_qubit(gates) <= most
    assert orthogonal_gates(matrix) == gates  # repeatable


@settings(max_examples=40)
@given(st.integers(1, 5), st.sampled_from(KINDS), st.integers(0, 2**32 - 1), st.booleans())
def test_structured_matrices(width, kind, seed, fitted):
    """Equal angles, reflections, permutations, products, and what is next to them: of either determinant."""
    matrix = structured(width, kind, seed)
    gates = orthogonal_gates(matrix, fitted=fitted)
    check(matrix, gates)
    most = {1: 0, 2: 3, 3: 17 + 6, 4: 85 + 14, 5: 373 + 36}[width]
    assert count_two_qubit(gates) <= (0 if kind == "product" and np.linalg.det(matrix) > 0 else most)


def test_special_matrices_are_free():
    for width in (3, 4):
        assert not orthogonal_gates(np.eye(1 << width))
        assert count_two_qubit(orthogonal_gates(np.eye(1 << width)[::-1])) == 0  # X on every wire
    assert count_two_qubit(orthogonal_gates(np.kron(np.eye(2), special_ortho_group.rvs(8, random_state=0)))) == 13


def test_pairs_of_wires():
    """Signed permutations of two wires are Clifford gates: as many CX as these need."""
    counts = {0: 0, 1: 0, 2: 0, 3: 0}
    for order, signs in itertools.product(itertools.permutations(range(4)), itertools.product([1.0, -1.0], repeat=4)):
        matrix = np.eye(4)[list(order)] * np.array(signs)
        gates = real_pair_gates(matrix)
        check(matrix, gates)
        counts[count_two_qubit(gates)] += 1
    assert counts == {0: 32, 1: 160, 2: 160, 3: 32}
    for seed in range(20):
        matrix = ortho_group.rvs(4, random_state=seed)
        gates = real_pair_gates(matrix)
        check(matrix, gates)
        assert count_two_qubit(gates) == (2 if np.linalg.det(matrix) > 0 else 3)


def test_many_generic_matrices_are_fitted():
    """All of 60 matrices of SO(8) are found; the recursion stands behind those that are not."""
    matrices = special_ortho_group.rvs(8, size=60, random_state=7)
    found = real_orthogonal._three_wires(list(matrices), real_orthogonal.TEMPLATES)
    for matrix, gates in zip(matrices, found, strict=True):
        assert count_two_qubit(gates) == 13
        check(matrix, gates)
    for seed in range(8):
        matrix = special_ortho_group.rvs(16, random_state=seed)
        gates = orthogonal_gates(matrix)
        assert count_two_qubit(gates) == 59
        check(matrix, gates)


def test_many_matrices_of_four_wires_are_left_to_those_of_three(monkeypatch):
    matrix = special_ortho_group.rvs(32, random_state=2)
    monkeypatch.setattr(real_orthogonal, "MOST_FOURS", 3)
    gates = orthogonal_gates(matrix)
    assert count_two_qubit(gates) == 309
    check(matrix, gates)


@pytest.mark.parametrize("fault", ["angles", "fits", "determinants"])
def test_a_wrong_sign_is_seen(fault, monkeypatch):
    square_root, cosines = real_shannon._square_root, real_shannon._cosines_and_sines

    def turned(matrix):
        left, angles = square_root(matrix)
        return left, -angles

    def flipped(matrix, wanted):
        left, right, theta = cosines(matrix, wanted)
        return left, right, np.where(np.arange(theta.size) == 0, -theta, theta)

    if fault == "angles":
        monkeypatch.setattr(real_shannon, "_square_root", turned)
    elif fault == "fits":
        monkeypatch.setattr(real_orthogonal, "ACCEPTED", 1.0)  # what has not converged is taken
        monkeypatch.setattr(real_orthogonal, "STEPS", {8: 5, 16: 5})
    else:
        monkeypatch.setattr(real_shannon, "_cosines_and_sines", flipped)
    matrix = special_ortho_group.rvs(16, random_state=1)
    with pytest.raises(AssertionError):
        check(matrix, orthogonal_gates(matrix, fitted=fault == "fits"))


@pytest.mark.parametrize("width", range(1, 7))
@pytest.mark.parametrize("angle", [np.pi, -0.7])
def test_phase_of_one_state(width, angle):
    """With a clean qubit 6 k - 6 CX for k controls; the qubit is in |0> again, whatever the others hold."""
    wanted = np.eye(2 << width, 1 << width, dtype=np.complex128)
    for make, state in ((phase_of_zeros, 0), (phase_of_ones, (1 << width) - 1)):
        phased = wanted.copy()
        phased[state, state] = np.exp(1j * angle)
        for clean in (None, width):
            gates = make(range(width), angle, clean)
            same_up_to_phase(qiskit_isometry(gates, width + 1, width), phased, atol=STEP)
            if clean is not None and width > 2:
                assert count_two_qubit(gates) == 6 * (width - 1) - 6


@pytest.mark.parametrize("width", [7, 8, 9, 10])
def test_phase_of_one_state_of_many(width):
    """On a state with a phase and size of its own for each basis state."""
    rng = np.random.default_rng(width)
    amplitudes = rng.normal(size=1 << width)
    amplitudes /= np.linalg.norm(amplitudes)
    gates = phase_of_zeros(range(width), np.pi, width)
    assert count_two_qubit(gates) == {7: 30, 8: 36, 9: 42, 10: 48}[width]
    found = qiskit_isometry([*gray_state(amplitudes), *gates], width + 1, 0)[:, 0]
    amplitudes[0] *= -1
    same_up_to_phase(found, np.pad(amplitudes, (0, 1 << width)), atol=STEP)
