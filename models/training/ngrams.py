# SPDX-License-Identifier: Apache-2.0
"""What a block is compared with: n-grams of every context length on the same windows, smoothed as well as they can be."""

from __future__ import annotations

import numpy as np

from stinespring.models.training.windows import Corpus, Windows
from stinespring.readings import FloatArray, IntArray

__all__ = ["ngram_laws"]

FARTHEST = 9.0  # discounts from 1.2e-4 to 1 - 1.2e-4, strengths from 1.2e-4 to 8,100
SEARCH = 60  # evaluations for each smoothing parameter


def ngram_laws(corpus: Corpus, context: int) -> list[tuple[FloatArray, FloatArray]]:
    """Return the laws of n-grams on the windows trained on and on those held out, for contexts of 0..``context`` tokens.

    Interpolated over all shorter contexts, with a discount D and a strength theta for every length k:
    ``P_k(t|c) = (max(N(ct) - D_k, 0) + (theta_k + D_k types(c)) P_{k-1}(t|c')) / (N(c) + theta_k)``, ``P_{-1} = 1/d``,
    N from the trained windows, D and theta those with the least cross-entropy on ``corpus.choose``, one length after the other:
    Kneser and Ney's smoothing in Teh's form (Proc. ACL 2006, 985) with plain counts.
    """
    from scipy.optimize import minimize

    wanted = (corpus.train, corpus.choose, corpus.held_out)
    d = corpus.train.laws.shape[1]
    lower = [np.full((len(windows.contexts), d), 1.0 / d) for windows in wanted]
    found = []
    for k in range(context + 1):
        counts = counts_after(corpus.train, wanted, k)

        def level(
            values: FloatArray, part: int, counts: list[FloatArray] = counts, lower: list[FloatArray] = lower
        ) -> FloatArray:
            logit, logarithm = np.clip(values, -FARTHEST, FARTHEST)  # never 0: what is held out may hold what is new
            discount, strength = 1.0 / (1.0 + np.exp(-logit)), np.exp(logarithm)
            n = counts[part].sum(axis=1, keepdims=True)
            share = np.maximum(counts[part] - discount, 0.0)
            return np.asarray((share + (n + strength - share.sum(axis=1, keepdims=True)) * lower[part]) / (n + strength))

        def loss(values: FloatArray) -> float:
            return corpus.choose.cross_entropy(level(values, 1))

        best = minimize(loss, np.zeros(2), method="Nelder-Mead", options={"maxfev": 2 * SEARCH}).x
        lower = [level(best, part) for part in range(3)]
        found.append((lower[0], lower[2]))
    return found


def counts_after(train: Windows, wanted: tuple[Windows, ...], k: int) -> list[FloatArray]:
    """Return how often each token followed the last ``k`` tokens of every wanted context in what is trained on, (B, d) each."""
    size = [len(windows.contexts) for windows in wanted]
    suffixes = np.concatenate([windows.contexts[:, windows.length - k :] for windows in wanted])
    _, place = np.unique(suffixes, axis=0, return_inverse=True) if k else (None, np.zeros(len(suffixes), dtype=np.int64))
    places: IntArray = np.asarray(place, dtype=np.int64).ravel()
    total = np.zeros((int(places.max()) + 1, train.laws.shape[1]))
    np.add.at(total, places[: size[0]], train.weights[:, None] * train.laws)
    return np.split(total[places], np.cumsum(size)[:-1])
