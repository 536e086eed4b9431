# SPDX-License-Identifier: Apache-2.0
"""Attention drawn by rejection: a uniform position, accepted with ``exp(s_j - s_max)``, for a bounded number of rounds.

With ``S_j(a, b) = <Q x_n, K x_j>`` for a query token a and a token b at position j, and ``s_max(a) = max_{j,b} S_j(a, b)``, a
round accepts some position with probability ``acc = (1/n) sum_j exp(s_j - s_max)``, and then position j with the softmax
``p_j``. After R rounds without success, with probability ``f = (1 - acc)^R``, position 0 is taken: the law is
``(1 - f) p + f delta_0``, within TVD f of p.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from stinespring.errors import InputError, TooLargeError
from stinespring.models.texts.attention import AttentionModel
from stinespring.readings import FloatArray, IntArray

__all__ = ["Pairs", "RejectionModel", "pair_scores", "rounds_needed"]

MOST_ROUNDS = 4096


@dataclass(frozen=True)
class Pairs:
    """The scores of one step by position and pair of tokens.

    Attributes:
        accept: ``exp(S_j(a, b) - s_max(a))``, shape (n, d, d): position, query a, attended token b; 0 where it cannot occur.
        least: the smallest acceptance probability of a round over all texts.
    """

    accept: FloatArray
    least: float


def pair_scores(model: AttentionModel, step: int, prompt: IntArray, length: int) -> Pairs:
    """Return the acceptance table of one step.

    Args:
        model: attention blocks with one head.
        step: from 1.
        prompt: the known tokens, the first ones of the text.
        length: n, the tokens of the text before the step.
    """
    head = model.block(step).heads[0]
    positions = np.zeros((length, model.embedding.shape[1])) if model.positions is None else model.positions[:length]
    query = (model.embedding + positions[-1]) @ head.query.T
    key = (model.embedding[None] + positions[:, None]) @ head.key.T
    scores = np.einsum("am,jbm->jab", query, key)
    possible = np.ones((length, model.d, model.d), dtype=bool)
    for j in range(min(length, len(prompt))):
        possible[j] &= np.arange(model.d) == prompt[j]
    if length <= len(prompt):
        possible &= (np.arange(model.d) == prompt[length - 1])[None, :, None]
    possible[-1] &= np.eye(model.d, dtype=bool)
    highest = np.where(possible, scores, -np.inf).max(axis=(0, 2))
    queries = np.isfinite(highest)
    accept = np.where(possible, np.exp(scores - np.where(queries, highest, 0.0)[None, :, None]), 0.0)
    lowest = np.where(possible, accept, np.inf).min(axis=2)[:, queries]
    return Pairs(accept, float(lowest.mean(axis=0).min()))


def rounds_needed(least: float, tolerance: float) -> int:
    """Return the smallest R with ``(1 - least)^R <= tolerance``.

    Raises:
        TooLargeError: more than 4,096.
    """
    if least >= 1.0 - 1e-12:
        return 1
    rounds = int(np.ceil(np.log(tolerance) / np.log1p(-least)))
    if rounds > MOST_ROUNDS:
        raise TooLargeError(
            "rejection needs too many rounds",
            got=f"{rounds:,} rounds: one accepts with probability {least:.3g} at worst",
            expected=f"at most {MOST_ROUNDS:,}",
            todo="raise --tolerance, or use --attention table",
        )
    return max(1, rounds)


class RejectionModel(AttentionModel):
    """An attention model whose positions are drawn by so many rounds of rejection.

    Args:
        model: the model with the exact softmax.
        prompt: the known tokens.
        rounds: R of each step.
    """

    def __init__(self, model: AttentionModel, prompt: IntArray, rounds: tuple[int, ...]) -> None:
        self.__dict__.update(model.__dict__)
        self.name = f"{model.name} (by rejection)"
        self._exact, self._prompt, self._rounds = model, prompt, rounds

    def content(self) -> dict[str, Any]:
        """Return the model's content and the rounds."""
        return {"model": self._exact.content(), "prompt": self._prompt.tolist(), "rounds": list(self._rounds)}

    def attention(self, step: int, texts: IntArray) -> FloatArray:
        """Return ``(1 - f) p + f delta_0`` for texts that begin with the prompt, shape (B, 1, n)."""
        p = self._exact.attention(step, texts)
        n = texts.shape[1]
        if n == 1:
            return p
        accept = pair_scores(self._exact, step, self._prompt, n).accept
        acc = accept[np.arange(n), texts[:, -1:], texts].mean(axis=1)
        failure = (1.0 - acc) ** self._rounds[step - 1]
        result = (1.0 - failure)[:, None, None] * p
        result[:, 0, 0] += failure
        return np.asarray(result)


def require_simple(model: object, extension: str) -> AttentionModel:
    """Return the model if its blocks can be drawn by rejection.

    Raises:
        InputError: another kind of model, several heads, or a stop token.
    """
    if not isinstance(model, AttentionModel):
        raise InputError("rejection draws attended positions", got=type(model).__name__, expected="an attention model")
    if any(len(block.heads) > 1 for block in model.blocks) or model.stop is not None or extension == "dephased":
        raise InputError(
            "rejection is for blocks with one head, without a stop token",
            got=f"{max(len(b.heads) for b in model.blocks)} head(s), stop {model.stop}, extension {extension}",
            expected="one head, no stop token, extension token or position",
            todo="use --attention table",
        )
    return model
