# SPDX-License-Identifier: Apache-2.0
"""Any channel with one ancilla that is measured, reset and used again.

Each round measures which half of the Kraus operators acts, and the gates of the next round depend on the outcomes so far. After
``L = ceil(log2 r)`` rounds one operator is left, and an isometry that needs no ancilla ends the branch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from stinespring.circuits.channels.isometry import canonical_kraus, choi_kraus, isometry_gates
from stinespring.circuits.channels.product import product_factors
from stinespring.circuits.channels.round import IMPOSSIBLE, complete_after, fitted_effect, halves, mixed_unitary
from stinespring.circuits.core.choi import choi_error
from stinespring.circuits.core.gates import Gate, relabel
from stinespring.circuits.core.simulate import gate_isometry
from stinespring.readings import ComplexArray

__all__ = ["Tree", "tree_branches", "tree_gates"]

GENEROUS = 2.5  # a node may take so many times its share of the effort, since most need less
ACCEPT = 1e-12  # largest error of an entry of the Choi matrix


class Tree(NamedTuple):
    """Gates that depend on measured bits.

    Attributes:
        width: number of wires, the ancilla being the last one.
        rounds: ``rounds[l][prefix]`` are the gates when the first l outcomes were the bits of ``prefix`` (bit 0 is the first
            outcome); after those of each entry but the last the ancilla is measured and reset. Every prefix has an entry, empty
            where it never happens.
        label_bits: how many of the first outcomes are the index of the operator's label.
    """

    width: int
    rounds: tuple[Mapping[int, tuple[Gate, ...]], ...]
    label_bits: int = 0


class _Branch(NamedTuple):
    """A prefix and what is left to do: a channel, Kraus operators by label."""

    prefix: int
    kraus: tuple[ComplexArray, ...]


def tree_gates(kraus: ComplexArray, *, groups: Sequence[int] | None = None, effort: float = 1.0, seed: int = 0) -> Tree:
    """Return the measured tree of a channel or an instrument.

    Args:
        kraus: Kraus operators, shape (r, 2^n, 2^m), complete: ``sum_k K_k^dag K_k = 1``.
        groups: a label for each operator: the first ceil(log2 #labels) outcomes tell its index among the sorted labels.
        effort: about the seconds of numerical search, counted in operations; 0 for exact constructions only.
        seed: of the search.

    Returns:
        The tree, on max(m,n) wires and one ancilla. The first m wires carry the input, the others start in |0>; the first n
        carry the output, the others are discarded.

    Source:
        arXiv:1609.08103, section on channels by measurement; here the halves are mixed, and rounds only made up to unitaries.
    """
    kraus = np.asarray(kraus, dtype=np.complex128)
    inputs, outputs = kraus.shape[2].bit_length() - 1, kraus.shape[1].bit_length() - 1
    if groups is None:
        sets: tuple[ComplexArray, ...] = (kraus,)
        separate = _product_tree(kraus, effort=effort, seed=seed)
    else:
        labels = np.unique(np.asarray(groups), return_inverse=True)[1]
        sets = tuple(kraus[labels == label] for label in range(int(labels.max()) + 1))
        separate = None
    fewest = tuple(_fewest(s) for s in sets)
    tree = separate if separate is not None else _grow(fewest, effort=effort, seed=seed)
    if effort > 0 and not _is_exact(tree, sets, inputs, outputs):
        tree = _grow(fewest, effort=0.0, seed=seed)
    return tree


def _is_exact(tree: Tree, sets: tuple[ComplexArray, ...], inputs: int, outputs: int) -> bool:
    """Return whether the branches of every label realise its operators."""
    branches = tree_branches(tree, inputs, outputs)
    none = np.zeros((1, 1 << outputs, 1 << inputs))
    for label, operators in enumerate(sets):
        own = [b for word, b in branches.items() if word & ((1 << tree.label_bits) - 1) == label]
        if choi_error(np.concatenate([none, *own]), operators) > ACCEPT:
            return False
    return True


def _grow(sets: tuple[ComplexArray, ...], *, effort: float, seed: int) -> Tree:
    """Return the tree of operators by label."""
    rows, columns = sets[0].shape[1:]
    inputs, outputs = columns.bit_length() - 1, rows.bit_length() - 1
    spare = 1 << max(0, inputs - outputs)
    label_bits = (len(sets) - 1).bit_length()
    depth = label_bits + max((-(-s.shape[0] // spare) - 1).bit_length() for s in sets)
    leaf = 0 if inputs == outputs <= 2 else 1  # a unitary of two qubits needs no search
    pool, nodes = effort, (1 << depth) - 1 + leaf * (1 << depth)
    rounds: list[Mapping[int, tuple[Gate, ...]]] = []
    branches = [_Branch(0, sets)]
    for level in range(depth):
        gates: dict[int, tuple[Gate, ...]] = {}
        following: list[_Branch] = []
        for branch in branches:
            share, nodes = pool * min(1.0, GENEROUS / max(1, nodes)), nodes - 1
            made, zero, one, work = _round(branch, level, label_bits, depth, spare, effort=share, seed=seed)
            pool = max(0.0, pool - work)
            gates[branch.prefix] = tuple(relabel(made, [*range(inputs), max(inputs, outputs)]))
            following += _children(branch, level, made, zero, one, inputs)
        rounds.append(gates)
        branches = following
    share = pool / len(branches) if leaf else 0.0
    rounds.append({b.prefix: tuple(isometry_gates(_joined(b.kraus), effort=share, seed=seed)) for b in branches})
    complete = [{prefix: some.get(prefix, ()) for prefix in range(1 << level)} for level, some in enumerate(rounds)]
    return Tree(max(inputs, outputs) + 1, tuple(complete), label_bits)


def _product_tree(kraus: ComplexArray, *, effort: float, seed: int) -> Tree | None:
    """Return the rounds of one factor of a product channel and then those of the other, unless that takes more rounds."""
    fewest = canonical_kraus(kraus)
    factors = product_factors(fewest)
    if factors is None:
        return None
    qubits = kraus.shape[1].bit_length() - 1
    group, *chois = factors
    sets = [choi_kraus(choi) for choi in chois]
    if sum((s.shape[0] - 1).bit_length() for s in sets) > (fewest.shape[0] - 1).bit_length():
        return None
    parts = [group, tuple(q for q in range(qubits) if q not in group)]
    first, second = (
        [
            {prefix: tuple(relabel(gates, [*part, qubits])) for prefix, gates in some.items()}
            for some in tree_gates(operators, effort=effort / 2, seed=seed).rounds
        ]
        for part, operators in zip(parts, sets, strict=True)
    )
    depth = len(first) - 1
    rounds: list[Mapping[int, tuple[Gate, ...]]] = list(first[:-1])
    for level, some in enumerate(second):
        rounds.append(
            {
                word | prefix << depth: (final if level == 0 else ()) + gates
                for word, final in first[-1].items()
                for prefix, gates in some.items()
            }
        )
    return Tree(qubits + 1, tuple(rounds))


def _fewest(kraus: ComplexArray) -> ComplexArray:
    """Return as few operators as a set can have; multiples of unitaries where there is such a form."""
    fewest = canonical_kraus(kraus)
    mixture = mixed_unitary(kraus)
    if mixture is not None and mixture[0].size and (mixture[0].size - 1).bit_length() <= (fewest.shape[0] - 1).bit_length():
        order = np.argsort(-mixture[0], kind="stable")
        return np.asarray((np.sqrt(mixture[0])[:, None, None] * mixture[1])[order])
    return fewest


def _joined(sets: Sequence[ComplexArray]) -> ComplexArray:
    return np.concatenate(list(sets))


def _round(
    branch: _Branch, level: int, label_bits: int, depth: int, spare: int, *, effort: float, seed: int
) -> tuple[list[Gate], tuple[ComplexArray, ...], tuple[ComplexArray, ...], float]:
    """Return the gates of a round, the sets of operators of both outcomes, and the modelled seconds spent."""
    sets = branch.kraus
    if level < label_bits:
        zero, one = sets[0::2], sets[1::2]
        if not one:
            return [], zero, one, 0.0
        made = fitted_effect(_joined(zero), _joined(one), effort=effort, seed=seed)
        return made.gates, zero, one, made.work
    kraus = _joined(sets)
    half = spare << (depth - level - 1)
    if kraus.shape[0] <= half:
        return [], (kraus,), (), 0.0
    found = halves(kraus, half, effort=effort, seed=seed)
    return found.gates, (found.zero,), (found.one,), found.work


def _children(
    branch: _Branch,
    level: int,
    gates: Sequence[Gate],
    zero: tuple[ComplexArray, ...],
    one: tuple[ComplexArray, ...],
    inputs: int,
) -> list[_Branch]:
    """Return what is left to do after each outcome that can happen."""
    made = gate_isometry(gates, inputs + 1, inputs).reshape(2, 1 << inputs, 1 << inputs)
    result = []
    for bit, sets in enumerate((zero, one)):
        if sets and abs(_joined(sets)).max() > IMPOSSIBLE:
            rows, columns = sets[0].shape[1:]
            missing = max(0, -(-columns // rows) - sum(s.shape[0] for s in sets))  # zeros, so that the set can be complete
            sets = (np.concatenate([sets[0], np.zeros((missing, rows, columns))]), *sets[1:])
            whole = complete_after(_joined(sets), made[bit])
            ends = np.cumsum([s.shape[0] for s in sets])[:-1]
            result.append(_Branch(branch.prefix | bit << level, tuple(np.split(whole, ends))))
    return result


def tree_branches(tree: Tree, inputs: int, outputs: int) -> dict[int, ComplexArray]:
    """Return the Kraus operators of every outcome word that can happen, each of shape (2^(m-n) or 1, 2^n, 2^m).

    Args:
        tree: what to simulate.
        inputs: m.
        outputs: n.
    """
    system = tree.width - 1
    states: dict[int, ComplexArray] = {0: np.eye(1 << system, 1 << inputs, dtype=np.complex128)}
    for level, gates in enumerate(tree.rounds[:-1]):
        following: dict[int, ComplexArray] = {}
        for prefix, state in states.items():
            unitary = gate_isometry(gates[prefix], tree.width, system)
            for bit, block in enumerate((unitary @ state).reshape(2, 1 << system, -1)):
                if abs(block).max() > IMPOSSIBLE:
                    following[prefix | bit << level] = block
        states = following
    result = {}
    for word, state in states.items():
        final = gate_isometry(tree.rounds[-1][word], system, system) @ state
        result[word] = final.reshape(-1, 1 << outputs, 1 << inputs)
    return result
