# SPDX-License-Identifier: Apache-2.0
"""Within a tolerance: a circuit with few CZ is fitted to the joint law of the codes, and the codes to the circuit, in turns.

Which child of a prefix gets which code is free. Given what a circuit realises, the best codes maximise ``sum_x P(x) log Q(x)``:
after every prefix an assignment of subtrees to codes, exact for the last step (falling mass to falling mass) and from there
upwards. Given the codes the circuit's angles are fitted. Both lower the same divergence. The first angles are those of a tree
with few Walsh coefficients, itself fitted in turns with the codes in closed form; then only its pattern of CZ is kept.

Patterns of more and more CZ are tried, the same ones for every tolerance, until one is close enough: a larger tolerance never
takes more gates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from stinespring.circuits.core.gates import Gate
from stinespring.circuits.core.realised_law import realised_law
from stinespring.circuits.laws.sparse_tree import SparseTree, sparse_trees
from stinespring.circuits.search.joint_amplitudes import Pattern
from stinespring.circuits.search.law_descent import EVALUATIONS, SMOOTH, LawDescent
from stinespring.circuits.search.work import counted
from stinespring.compiler.texts.draft import Draft
from stinespring.compiler.texts.encode import CodedLaws
from stinespring.compiler.texts.operations import BlockOperation, Dilation, Place, StepLaw
from stinespring.readings import Codebook, FloatArray, IntArray
from stinespring.stages import Effect

__all__ = ["fitted"]

MOST_WIRES = 14
TURNS = 40  # of trees and assignments, in closed form: after that they gain nothing on laws of language models
ROUNDS, STEPS = 4, 100  # of fits and assignments, and of the steps in each fit
GROWTH = 1.15  # from one pattern to the next
HOPELESS = 1.2  # times the tolerance that a fit may be expected to miss it by, and be tried
JITTER = 0.02  # of the first angles: turns about z start at a saddle
FLOOR = 1e-12  # of a probability in a logarithm


@dataclass(frozen=True)
class Codes:
    """Which text has which code.

    Attributes:
        sizes: number of children of a prefix, step by step; all prefixes of a step have as many.
        which: the text of every code, the first token's code most significant, shape (2^q,).
        law: of the codes, shape (2^q,).
    """

    sizes: tuple[int, ...]
    which: IntArray
    law: FloatArray

    def suited(self, realised: FloatArray) -> Codes:
        """Return the codes with subtrees assigned to what a circuit realises, the last step first."""
        which, law, logs = self.which, self.law, np.log(realised + FLOOR)
        for step in range(len(self.sizes) - 1, -1, -1):
            shape = (int(np.prod(self.sizes[:step])), self.sizes[step], -1)
            order = assigned(law.reshape(shape), logs.reshape(shape))[:, :, None]
            which = np.take_along_axis(which.reshape(shape), order, axis=1).ravel()
            law = np.take_along_axis(law.reshape(shape), order, axis=1).ravel()
        return Codes(self.sizes, which, law)


def assigned(masses: FloatArray, logs: FloatArray) -> IntArray:
    """Return which child gets each code so that ``sum P log Q`` is largest, shape (nodes, children).

    Args:
        masses: shape (nodes, children, leaves), of the children's leaves.
        logs: shape (nodes, codes, leaves).
    """
    from scipy.optimize import linear_sum_assignment

    if masses.shape[2] == 1:
        children, codes = (np.argsort(-part[:, :, 0], axis=1, kind="stable") for part in (masses, logs))
        order = np.empty_like(children)
        np.put_along_axis(order, codes, children, axis=1)
        return order
    values = np.einsum("njr,ncr->ncj", masses, logs)
    return np.stack([linear_sum_assignment(table, maximize=True)[1] for table in values])


def fitted(draft: Draft, coded: CodedLaws, effort: float) -> tuple[Draft, tuple[Effect, ...]] | None:
    """Return a draft whose circuit is fitted within the tolerance; None where none is found, or codes would stand for nothing.

    Args:
        draft: before any pass, with the tolerance among its options.
        coded: its laws.
        effort: about the seconds for fits, counted in evaluations.
    """
    sizes = tuple(operation.laws[-1].probabilities.shape[1] for operation in coded.operations)
    size = int(np.prod(sizes)).bit_length() - 1
    full = int(np.prod(sizes)) == len(coded.probabilities) == 1 << size
    if not full or draft.options.extension == "position" or not 1 < size <= MOST_WIRES:
        return None
    codes, tolerance = Codes(sizes, np.arange(1 << size), coded.probabilities), draft.options.tolerance
    left = effort
    for tree in spaced(sparse_trees(codes.law, 1 << (size - 1))):
        apart, tree, found = settled(tree, codes, tolerance)
        pattern, angles = tree.circuit()
        if apart > tolerance:
            descent = LawDescent(pattern)
            price = descent.work * EVALUATIONS * STEPS * (ROUNDS + len(SMOOTH))
            if expected(apart, pattern) > HOPELESS * tolerance or price > left:
                continue
            with counted() as spent:
                angles, found = alternated(descent, angles, found)
            left -= spent.seconds
        gates = [gate for gate in pattern.gates(angles) if gate.params != (0.0,)]
        realised = realised_law(gates, width=0, size=size, ancillas=0)[0]
        if tvd(realised, found.law) <= tolerance:
            return drafted(draft, coded, found, realised, gates)
    return None


def settled(tree: SparseTree, codes: Codes, tolerance: float) -> tuple[float, SparseTree, Codes]:
    """Return a tree and codes that were fitted to each other in turns, without changing the tree's masks, and their TVD.

    The TVD falls at best about as one over the turns, so that what is far from the tolerance is left early.
    """
    best = tvd(tree.law(), codes.law), tree, codes
    for turn in range(1, TURNS + 1):
        before, codes = codes.which, codes.suited(tree.law())
        if best[0] * turn > tolerance * TURNS or best[0] <= tolerance or (np.array_equal(before, codes.which) and turn > 1):
            break
        tree = tree.refitted(codes.law)
        best = min(best, (tvd(tree.law(), codes.law), tree, codes), key=lambda each: each[0])
    return best


def expected(apart: float, pattern: Pattern) -> float:
    """Return the TVD that a fit of a tree at TVD ``apart`` comes down to, by experience with laws of language models.

    It is ``apart (1 - 4 N / (2^q - 1))^2`` for N CZ, with as many angles as a law of q bits has parameters at the end.
    """
    free = 1.0 - 4.0 * len(pattern.pairs) / ((1 << pattern.size) - 1)
    return apart * max(0.0, free) ** 2


def spaced(trees: Sequence[SparseTree]) -> Sequence[SparseTree]:
    """Return some of the trees, each with a share more CZ than the one before."""
    chosen: list[SparseTree] = []
    for tree in trees:
        if not chosen or tree.cost >= GROWTH * chosen[-1].cost:
            chosen.append(tree)
    return chosen


def tvd(first: FloatArray, second: FloatArray) -> float:
    """Return the total variation distance of two laws."""
    return float(abs(first - second).sum()) / 2.0


def alternated(descent: LawDescent, angles: FloatArray, codes: Codes) -> tuple[FloatArray, Codes]:
    """Return angles and codes that were fitted to each other in turns."""
    angles = angles + np.random.default_rng(0).normal(scale=JITTER, size=len(angles))
    for _ in range(ROUNDS):
        angles = descent.fit(angles, codes.law, steps=STEPS, smooth=None)
        codes = codes.suited(descent.law(angles))
    for smooth in SMOOTH:
        angles = descent.fit(angles, codes.law, steps=STEPS, smooth=smooth)
        codes = codes.suited(descent.law(angles))
    return angles, codes


def drafted(
    draft: Draft, coded: CodedLaws, codes: Codes, realised: FloatArray, gates: Sequence[Gate]
) -> tuple[Draft, tuple[Effect, ...]]:
    """Return the draft of a circuit over all codes at once, with the law it realises step by step."""
    places = [operation.laws[-1].target for operation in coded.operations]
    registers = [place.register(range(size)) for place, size in zip(places, codes.sizes, strict=True)]
    rows = np.stack(np.unravel_index(np.arange(len(realised)), codes.sizes), axis=1).astype(np.int64)
    book = Codebook(coded.book.registers, rows, coded.book.texts[codes.which])
    operations = [
        BlockOperation(number + 1, "token", (step_law(tuple(places[: number + 1]), codes.sizes[: number + 1], realised),))
        for number in range(len(places))
    ]
    *before, last = [Dilation(operation, (register,), ()) for operation, register in zip(operations, registers, strict=True)]
    apart = tvd(realised, codes.law)
    whole = replace(last, registers=tuple(reversed(registers)), gates=tuple(gates), error=apart)
    made = replace(
        draft,
        channels=tuple(operations),
        errors=(*[0.0] * len(before), apart),
        dilations=(*before, whole),
        declared=tuple(registers),
        book=book,
    )
    effect = made.effect("fit", "one circuit over all codes, fitted within the tolerance, and codes fitted to it", applied=True)
    return made, (effect,)


def step_law(places: tuple[Place, ...], sizes: tuple[int, ...], realised: FloatArray) -> StepLaw:
    """Return the law of a step's code after the codes before it."""
    masses = realised.reshape(int(np.prod(sizes[:-1])), sizes[-1], -1).sum(axis=2)
    reach = masses.sum(axis=1)
    seen = reach > 0
    contexts = np.stack([*np.unravel_index(np.flatnonzero(seen), sizes[:-1] or (1,))], axis=1).astype(np.int64)
    law = masses[seen] / reach[seen, None]
    return StepLaw(places[-1], places[:-1], contexts if sizes[:-1] else np.zeros((1, 0), dtype=np.int64), law, reach[seen])
