# SPDX-License-Identifier: Apache-2.0
"""What a text must remember: classical causal states against quantum ones, cut by cut.

Cut the text after step l into a prefix w and a future f. A classical memory holds which law ``P(f|w)`` the future has: its
states are the distinct laws. A quantum memory holds ``|s_w> = sum_f sqrt(P(f|w)) |f>``, and needs as many dimensions as these
vectors span: the Schmidt rank of ``sum_x sqrt(P(x)) |x>`` across the cut, at most the number of causal states. What it holds
on average is C_q, the entropy of entanglement, at most the entropy of the causal states.

Within a tolerance of the joint law's total variation distance both may be smaller. Classical states are merged one pair after
the other, the pair that costs least first; quantum ones are the largest singular values of ``sqrt(P(w f))``, with
``TVD <= sqrt(1 - F)`` for any measurement and less for the law itself, which is computed.

What the futures of two prefixes have in common depends on how tokens are coded. With codes by prefix a token is its place
among those that can follow, the likeliest first: then a language model remembers little, whose words differ after every prefix.

Source: Crutchfield & Young, Phys. Rev. Lett. 63, 105 (1989) (causal states); Gu et al., Nat. Commun. 3, 762 (2012) (quantum
ones); Fuchs & van de Graaf, quant-ph/9712042 (the bound).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from stinespring.errors import TooLargeError
from stinespring.models.texts.joint import JointLaw
from stinespring.readings import FloatArray, IntArray

__all__ = [
    "TOLERANCES", "MemoryCut", "bits_of", "certified_states", "classical_memory", "coded", "memory_at", "memory_of",
    "quantum_memory", "reachable_texts", "root_law", "shorter",
]  # fmt: skip

TOLERANCES = (0.1, 0.05, 0.02)
DIGITS = 13  # decimals to which equal laws agree, as in the compiler
SAME = 1e-11  # what rounding may make of the difference of equal laws
NOTHING = 1e-12  # a smaller share of the largest singular value is rounding
MOST_ENTRIES = 1 << 24  # of one matrix of prefixes and futures: 128 MB
MOST_SINGULAR = 1 << 31  # multiplications of a decomposition: some seconds
MOST_STATES = 1 << 10  # classical ones that are merged, which takes the third power of their number: some seconds
MOST_MERGED = 1 << 28  # multiplications of all distances between them


@dataclass(frozen=True)
class MemoryCut:
    """What must be remembered between two steps.

    Attributes:
        step: l, the tokens before the cut.
        classical_states: distinct laws of the future.
        rank: the Schmidt rank of ``sum_x sqrt(P(x)) |x>``: the quantum states needed for the exact law.
        quantum_entropy: C_q, the entropy of entanglement, in bits.
        classical_entropy: C_mu, the entropy of the causal states, in bits.
        prefix_entropy: of the tokens before the cut, in bits.
        quantum_states: for each TVD the dimensions that a quantum memory needs at least by truncation; the TVD is that of the
            law it realises.
        certified: the same where ``sqrt(1 - F)`` is what must stay within the TVD.
        classical_at: for each TVD the states of a classical memory by merging; None where there are too many to merge.
    """

    step: int
    classical_states: int
    rank: int
    quantum_entropy: float
    classical_entropy: float
    prefix_entropy: float
    quantum_states: Mapping[float, int]
    certified: Mapping[float, int]
    classical_at: Mapping[float, int] | None

    def plain(self) -> dict[str, object]:
        """Return the cut as JSON data; distances are written as keys."""
        plain: dict[str, object] = {
            "step": self.step, "classical_states": self.classical_states, "rank": self.rank, "C_q": self.quantum_entropy,
            "C_mu": self.classical_entropy, "prefix_entropy": self.prefix_entropy,
        }  # fmt: skip
        for name in ("quantum_states", "certified", "classical_at"):
            found = getattr(self, name)
            plain[name] = None if found is None else {f"{tolerance:g}": number for tolerance, number in found.items()}
        return plain


def memory_of(joint: JointLaw, tolerances: Sequence[float] = TOLERANCES) -> list[MemoryCut]:
    """Return what must be remembered at every cut of a listed law, from the first to the last.

    Args:
        joint: the law of L tokens; one token has no cut.
        tolerances: distances of the joint law that a smaller memory may cost.

    Raises:
        TooLargeError: a matrix of prefixes and futures that does not fit.
    """
    return [memory_at(joint, step, tolerances) for step in range(1, joint.texts.shape[1])]


def reachable_texts(laws: Sequence[FloatArray], after: Sequence[IntArray], most: int) -> tuple[IntArray, FloatArray] | None:
    """Return the texts of a chain of causal states, shape (N, L), and their probabilities; None where they are too many.

    Args:
        laws: for each step the next-token laws of its states, shape (S, D); one state before the first.
        after: for each step the state that each token leads to, shape (S, D).
        most: texts that may be listed.
    """
    texts, weights, state = np.zeros((1, 0), dtype=np.int64), np.ones(1), np.zeros(1, dtype=np.int64)
    for law, following in zip(laws, after, strict=True):
        row, symbol = np.nonzero(law[state])
        if len(row) > most:
            return None
        texts = np.concatenate([texts[row], symbol[:, None]], axis=1)
        weights, state = weights[row] * law[state[row], symbol], following[state[row], symbol]
    return texts, weights


def coded(joint: JointLaw) -> JointLaw:
    """Return the law of places: each token is its place among those that can follow its prefix, the likeliest first."""
    steps = joint.texts.shape[1]
    codes, before = np.zeros_like(joint.texts), np.zeros(len(joint.texts), dtype=np.int64)
    for step in range(1, steps + 1):
        count, after = distinct(joint.texts[:, :step])
        share = np.bincount(after, weights=joint.probabilities, minlength=count)
        first = np.zeros(count, dtype=np.int64)
        first[after] = before  # the prefix of each longer prefix
        order = np.lexsort((np.arange(count), -np.round(share / share.max(), DIGITS), first))
        starts = np.searchsorted(first[order], np.arange(int(first.max()) + 1))
        place = np.zeros(count, dtype=np.int64)
        place[order] = np.arange(count) - starts[first[order]]
        codes[:, step - 1], before = place[after], after
    return replace(joint, texts=codes)


def shorter(joint: JointLaw) -> bool:
    """Return whether codes by prefix take fewer bits than one code a token at some step, and never more."""
    places = coded(joint).texts
    return any(
        (len(np.unique(joint.texts[:, step])) - 1).bit_length() > int(places[:, step].max()).bit_length()
        for step in range(joint.texts.shape[1])
    )


def root_law(joint: JointLaw, step: int) -> FloatArray:
    """Return ``sqrt(P(w f))``, shape (prefixes, futures), of the prefixes of ``step`` tokens and the futures that occur.

    Raises:
        TooLargeError: more entries than fit.
    """
    before, row = distinct(joint.texts[:, :step])
    after, column = distinct(joint.texts[:, step:])
    small, large = sorted((before, after))
    if before * after > MOST_ENTRIES or small * small * large > MOST_SINGULAR:
        raise TooLargeError(
            f"the cut after step {step} is too large for a decomposition",
            got=f"{before:,} prefixes and {after:,} futures",
            expected=f"at most {MOST_ENTRIES:,} pairs, and about 1,000 of the fewer",
            todo="ask for fewer steps, or a smaller --top-k",
        )
    matrix = np.zeros((before, after))
    matrix[row, column] = np.sqrt(joint.probabilities)
    return matrix


def distinct(rows: IntArray) -> tuple[int, IntArray]:
    """Return how many distinct rows there are, and the number of each."""
    found, where = np.unique(rows, axis=0, return_inverse=True)
    return len(found), where.ravel()


def memory_at(joint: JointLaw, step: int, tolerances: Sequence[float] = TOLERANCES) -> MemoryCut:
    """Return what must be remembered after one step; see :func:`memory_of`."""
    root = root_law(joint, step)
    reach = (root**2).sum(axis=1)
    laws, of_prefix = causal_laws(root**2 / reach[:, None])
    weights = np.bincount(of_prefix, weights=reach, minlength=len(laws)).astype(np.float64)
    left, singular, right = np.linalg.svd(root, full_matrices=False)
    singular = singular[singular > NOTHING * singular[0]]
    return MemoryCut(
        step=step,
        classical_states=len(laws),
        rank=len(singular),
        quantum_entropy=bits_of(singular**2),
        classical_entropy=bits_of(weights),
        prefix_entropy=bits_of(reach),
        quantum_states=quantum_memory(root, (left, singular, right), tolerances),
        certified={e: certified_states(singular, e) for e in tolerances},
        classical_at=classical_memory(laws, weights, tolerances),
    )


def causal_laws(laws: FloatArray) -> tuple[FloatArray, IntArray]:
    """Return the distinct rows of laws, shape (S, F), and which of them each row is; rounding does not tell rows apart."""
    marks = laws @ np.random.default_rng(0).random(laws.shape[1])  # equal laws have equal marks, others hardly ever
    order = np.argsort(marks, kind="stable")
    of_row = np.zeros(len(laws), dtype=np.int64)
    of_row[order] = np.cumsum(np.diff(marks[order], prepend=marks[order[0]]) > SAME)
    _, first = np.unique(of_row, return_index=True)
    if abs(laws - laws[first[of_row]]).max() > SAME:  # different laws with one mark
        _, first, of_row = np.unique(np.round(laws, DIGITS) + 0.0, axis=0, return_index=True, return_inverse=True)
    return laws[first], of_row.ravel()


def bits_of(weights: Iterable[float]) -> float:
    """Return the entropy ``-sum p log2 p`` of weights that are normalised here.

    Example:
        >>> bits_of([2, 1, 1])
        1.5
    """
    shares = np.array([weight for weight in weights if weight > 0], dtype=np.float64)
    shares /= shares.sum()
    return max(0.0, -float((shares * np.log2(shares)).sum()))


def certified_states(singular: FloatArray, tolerance: float) -> int:
    """Return how many singular values keep ``sqrt(1 - F)`` within a tolerance, F the share of their squares.

    Example:
        >>> certified_states(np.sqrt([0.9, 0.0999, 0.0001]), 0.02)
        2
    """
    squares = singular**2
    lost = np.append(np.cumsum(squares[::-1])[::-1], 0.0) / squares.sum()
    return int(np.argmax(np.sqrt(lost) <= tolerance))


def quantum_memory(
    root: FloatArray, decomposed: tuple[FloatArray, FloatArray, FloatArray], tolerances: Sequence[float]
) -> dict[float, int]:
    """Return for each TVD the smallest rank whose law ``|truncated|^2 / F`` is within it, found by bisection and a step down.

    Args:
        root: ``sqrt(P)``, shape (N, M).
        decomposed: its singular value decomposition; values below rounding may be left out.
        tolerances: the distances.
    """
    left, singular, right = decomposed
    law, distances = root**2 / (root**2).sum(), {}

    def distance(kept: int) -> float:
        if kept not in distances:
            made = ((left[:, :kept] * singular[:kept]) @ right[:kept]) ** 2
            distances[kept] = float(abs(made / made.sum() - law).sum()) / 2
        return distances[kept]

    found = {}
    for tolerance in tolerances:
        low, high = 0, certified_states(singular, tolerance)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if distance(middle) <= tolerance else (middle, high)
        found[tolerance] = max(1, high)
    return found


def classical_memory(laws: FloatArray, weights: FloatArray, tolerances: Sequence[float]) -> dict[float, int] | None:
    """Return for each TVD the states that are left when pairs are merged, the cheapest first; None for too many states.

    A merged state has the mean law of its prefixes, so that a memory with states K costs ``sum_w P(w) TVD(P(.|w), P(.|K))``.

    Args:
        laws: of the future in each state, shape (S, F).
        weights: how likely each state is, shape (S,).
        tolerances: the distances.
    """
    count, width = laws.shape
    if count > MOST_STATES or count * count * width > MOST_MERGED:
        return None
    merging = _Merging(laws, weights / weights.sum())
    sizes = []
    for tolerance in sorted(tolerances):
        while merging.count > 1 and merging.next_cost <= tolerance:
            merging.merge()
        sizes.append(merging.count)
    by_size = dict(zip(sorted(tolerances), sizes, strict=True))
    return {tolerance: by_size[tolerance] for tolerance in tolerances}


class _Merging:
    """Groups of classical states while pairs of them are merged; a group has the number of one of its states."""

    def __init__(self, laws: FloatArray, weights: FloatArray) -> None:
        self.laws, self.weights = laws, weights
        self.group = np.arange(len(laws))  # of each state
        self.mass, self.mean = weights.copy(), laws.copy()  # of each group
        self.own = np.zeros(len(laws))  # what each group costs
        self.count = len(laws)
        self.prices = np.full((len(laws), len(laws)), math.inf)  # of merging two groups, above what they cost already
        for one in range(len(laws) - 1):
            self.price(one, np.arange(one + 1, len(laws)))

    @property
    def next_cost(self) -> float:
        """What all groups cost after the cheapest merger."""
        return float(self.own.sum() + self.prices.min())

    def means(self, one: int, others: IntArray) -> FloatArray:
        """Return the laws of a group merged with each of some others, shape (len(others), F)."""
        both = self.mass[one] * self.mean[one] + self.mass[others, None] * self.mean[others]
        return np.asarray(both / (self.mass[one] + self.mass[others, None]))

    def costs(self, one: int, others: IntArray) -> FloatArray:
        """Return ``sum_w P(w) TVD(P(.|w), mean)`` of a group merged with each of some others, shape (len(others),)."""
        means, total = self.means(one, others), np.zeros(len(others))
        for state in np.flatnonzero(self.group == one):
            total += self.weights[state] * abs(means - self.laws[state]).sum(axis=1)
        place = np.full(len(self.laws), -1)
        place[others] = np.arange(len(others))
        states = np.flatnonzero(place[self.group] >= 0)
        where = place[self.group[states]]
        shares = self.weights[states] * abs(means[where] - self.laws[states]).sum(axis=1)
        return np.asarray(total + np.bincount(where, weights=shares, minlength=len(others))) / 2

    def price(self, one: int, others: IntArray) -> None:
        """Write down what merging a group with others costs."""
        prices = self.costs(one, others) - self.own[one] - self.own[others]
        self.prices[np.minimum(one, others), np.maximum(one, others)] = prices

    def merge(self) -> None:
        """Merge the pair of groups that costs least."""
        one, other = (int(number) for number in np.unravel_index(int(np.argmin(self.prices)), self.prices.shape))
        pair = np.array([other])
        mean, self.own[one] = self.means(one, pair)[0], self.costs(one, pair)[0]
        self.mean[one], self.mass[one], self.own[other] = mean, self.mass[one] + self.mass[other], 0.0
        self.group[self.group == other] = one
        self.count -= 1
        self.prices[other, :] = self.prices[:, other] = math.inf
        rest = np.unique(self.group)
        self.price(one, rest[rest != one])
