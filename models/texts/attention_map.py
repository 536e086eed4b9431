# SPDX-License-Identifier: Apache-2.0
"""The analytic attention map: how likely each position is attended to, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from stinespring.errors import TooLargeError
from stinespring.models.texts.attention import AttentionModel
from stinespring.models.texts.base import TextModel
from stinespring.models.texts.fock import FockModel, StateModel
from stinespring.models.texts.joint import MOST_TEXTS, expand
from stinespring.readings import FloatArray, IntArray

__all__ = ["attended", "attention_law", "joint_attention_law"]

MOST_NUMBERS = 1 << 22  # of one step: 32 MB


def attended(model: TextModel, step: int, texts: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return each head's attention, shape (B, H, n), and ``P(symbol | attended positions, text)``, (B, n, ..., n, d+1).

    Positions count from the text's first token. A complete text attends to its first token, which nothing reads; so does the
    vacuum, which gives token 0.

    Args:
        model: attention blocks, or their laws on padded texts.
        step: from 1.
        texts: shape (B, n).
    """
    base = model.base if isinstance(model, FockModel) else model
    assert isinstance(base, AttentionModel), "only attention models have attended positions"
    heads, n = len(base.block(step).heads), max(1, texts.shape[1])
    weights = np.zeros((len(texts), heads, n))
    weights[:, :, 0] = 1.0
    readings = np.zeros((len(texts), *([n] * heads), model.d + 1))
    readings[..., model.d] = 1.0
    going = np.flatnonzero(~model.complete(texts))
    groups = model.by_length(texts[going]) if isinstance(model, FockModel) else [(np.arange(len(going)), texts[going])]
    for rows, plain in groups:
        where, length = going[rows], plain.shape[1]
        if not len(where):
            continue
        readings[where] = 0.0
        if length == 0:
            readings[where, ..., 0] = 1.0
            continue
        weights[where] = 0.0
        weights[where, :, :length] = base.attention(step, plain)
        inside: tuple[Any, ...] = (where, *([slice(0, length)] * heads), slice(0, model.d))
        readings[inside] = base.readings(step, plain)
    return weights, readings


def attention_law(model: TextModel, prompt: IntArray, steps: int, *, law: TextModel | None = None) -> dict[str, FloatArray]:
    """Return ``P(e_l = j) = sum_w P(w) p_j(w)`` over the texts that still grow, under the names of the registers.

    Args:
        model: attention blocks, or a :class:`StateModel` of them (the prompt is then empty).
        prompt: token numbers.
        steps: L.
        law: the law of the texts, where it is another one than the model's.

    Returns:
        ``e<l>`` (one head) or ``e<l>_<h>`` -> shape (n_l,), n_l the number of places before step l. Texts that have ended
        attend to nothing and are left out; steps that no text reaches are missing.

    Raises:
        TooLargeError: more than 262,144 texts.
    """
    result: dict[str, FloatArray] = {}
    for step, mass, weights, _ in _visited(model, prompt, steps, law):
        for head in range(weights.shape[1]):
            name = f"e{step}" if weights.shape[1] == 1 else f"e{step}_{head + 1}"
            result[name] = mass @ weights[:, head]
    return result


def joint_attention_law(model: TextModel, prompt: IntArray, steps: int) -> dict[int, FloatArray]:
    """Return ``P(e_l1 = j_1, ..., e_lH = j_H, t_l = x) = sum_w P(w) prod_h p^h_{j_h}(w) P(x | j_1..j_H, w)`` of each step l.

    Args:
        model: as for :func:`attention_law`.
        prompt: likewise.
        steps: likewise.

    Returns:
        Steps -> shape (n_l, ..., n_l, d+1), over the texts that still grow; steps that no text reaches are missing, and so are
        those of more than 2^22 numbers.

    Raises:
        TooLargeError: more than 262,144 texts.
    """
    result: dict[int, FloatArray] = {}
    for step, mass, weights, readings in _visited(model, prompt, steps, None):
        if readings.size <= MOST_NUMBERS:
            joint = mass.reshape(-1, *[1] * (readings.ndim - 1)) * readings
            heads, n = weights.shape[1:]
            for head in range(heads):
                joint = joint * weights[:, head].reshape(-1, *[n if axis == head else 1 for axis in range(heads)], 1)
            result[step] = joint.sum(axis=0)
    return result


def _visited(
    model: TextModel, prompt: IntArray, steps: int, law: TextModel | None
) -> Iterator[tuple[int, FloatArray, FloatArray, FloatArray]]:
    """Yield of every step that a text reaches the share of each text that still grows, and its :func:`attended`."""
    generated = law or model
    padded = model.padded if isinstance(model, StateModel) else model
    starts = model.state.texts if isinstance(model, StateModel) else prompt[None]
    shares = model.state.weights if isinstance(model, StateModel) else np.ones(1)
    texts, weights = np.zeros((1, 0), dtype=np.int64), np.ones(1)
    joint = np.ones((len(starts), 1))  # P(generated part | start), for states only
    for step in range(1, steps + 1):
        if len(texts) * len(starts) > MOST_TEXTS:
            raise TooLargeError("the attention map has too many texts", got=len(texts), expected=f"at most {MOST_TEXTS:,}")
        whole = np.concatenate([np.repeat(starts, len(texts), axis=0), np.tile(texts, (len(starts), 1))], axis=1)
        mass = (shares[:, None] * joint).ravel() if isinstance(model, StateModel) else weights
        mass = np.where(padded.complete(whole), 0.0, mass)
        if mass.sum() > 0:
            yield step, mass / mass.sum(), *attended(padded, step, whole)
        grown, weights = expand(generated, step, prompt, texts, weights)
        if isinstance(model, StateModel):
            joint = _joint(padded, step, starts, texts, grown, joint)
        texts = grown


def _joint(padded: TextModel, step: int, starts: IntArray, texts: IntArray, grown: IntArray, joint: FloatArray) -> FloatArray:
    """Return ``P(generated part | start)`` one token later, shape (T, U')."""
    whole = np.concatenate([np.repeat(starts, len(texts), axis=0), np.tile(texts, (len(starts), 1))], axis=1)
    laws = padded.symbol_law(step, whole).reshape(len(starts), len(texts), -1)
    rows = {tuple(text): i for i, text in enumerate(texts.tolist())}
    parents = np.array([rows[tuple(text[:-1])] for text in grown.tolist()], dtype=np.int64)
    return np.asarray(joint[:, parents] * laws[:, parents, grown[:, -1]])
