# SPDX-License-Identifier: Apache-2.0
"""The block that is trained: its parameters, its law with a gradient, and the file it becomes.

A head attends by the tokens and by how far back a position is, over the last n tokens only:
``p_h(r) = softmax_r ( <Q_h u_0 + q_h, K_h u_r> + s_h(r) )``, ``r = 0..n-1`` places back, ``u_r = E[token r places back]``.
The next token's law is a mixture over the places that the heads attend to, of laws that depend on the attended tokens alone:
``P(t) = sum_{r_1..r_H} prod_h p_h(r_h) f(t | x_{r_1}, .., x_{r_H})``,
``f(t | ..) = softmax_t <E_t, FFN(V_1 u_{r_1}, .., V_H u_{r_H})>``.
So H heads copy at most H places of a text at a time. Source of the model: arXiv 2507.13354.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from stinespring.errors import TooLargeError
from stinespring.models.texts.attention import FORMAT
from stinespring.models.training.windows import Windows
from stinespring.readings import FloatArray, IntArray

__all__ = ["AttendedTuples", "Parameters", "Shape", "attention_file", "law_of", "prepared", "started"]

Parameters = dict[str, FloatArray]
MOST_CHOICES = 1 << 23  # contexts times choices of attended places: 64 MB of weights
MOST_READ = 1 << 24  # tuples of attended tokens times what is computed of each: 128 MB
FAR = -1000.0  # the score of a place out of reach: exp(-1000) is 0 in float64, so the window is exact
SHARP = 3.0  # score with which a head begins at a place of its own


@dataclass(frozen=True)
class Shape:
    """Sizes of a block.

    Attributes:
        d: tokens.
        context: n, how many tokens back the heads reach.
        heads: H.
        mlp: neurons of the hidden layer; 0 means one linear layer.
        width: e of the token's embedding.
        keys: m of queries and keys.
    """

    d: int
    context: int
    heads: int
    mlp: int
    width: int
    keys: int


def started(shape: Shape, rng: np.random.Generator) -> Parameters:
    """Return parameters to begin with: head h attends to the place h back, everything else is small and random."""
    d, e, m, heads = shape.d, shape.width, shape.keys, shape.heads

    def normal(*sizes: int) -> FloatArray:
        return np.asarray(rng.normal(size=sizes) / np.sqrt(sizes[-1]))

    parameters = {
        "embedding": 0.5 * rng.normal(size=(d, e)),
        "query": 0.3 * normal(heads, m, e),
        "query_bias": 0.3 * normal(heads, m),
        "key": 0.3 * normal(heads, m, e),
        "reach": SHARP * np.eye(shape.context)[np.arange(heads) % shape.context],
        "value": normal(heads, e, e),
    }
    wide = shape.mlp or e
    parameters |= {"first": normal(wide, heads * e), "first_bias": np.zeros(wide)}
    return parameters | ({"last": normal(e, wide), "last_bias": np.zeros(e)} if shape.mlp else {})


@dataclass(frozen=True, eq=False)
class AttendedTuples:
    """What of the windows' law does not depend on the parameters.

    Attributes:
        windows: themselves.
        pairs: picks the score of (last token, token r back) from a d x d table: sparse, (B n, d^2).
        picks: for each head, picks the attended token of each distinct tuple: sparse, (T, d).
        tuples: which distinct tuple belongs to each choice of places, shape (B, n^H).
    """

    windows: Windows
    pairs: csr_array
    picks: tuple[csr_array, ...]
    tuples: IntArray

    @cached_property
    def starts(self) -> IntArray:
        """Where the row of each context begins among all choices."""
        return np.asarray(np.arange(len(self.tuples) + 1) * self.tuples.shape[1], dtype=np.int64)


def prepared(windows: Windows, shape: Shape) -> AttendedTuples:
    """Return the windows with everything their law needs that does not change.

    Raises:
        TooLargeError: too many choices of attended places, or of tokens there.
    """
    back = windows.contexts[:, ::-1]  # the last token first
    size, n = back.shape
    if size * n**shape.heads > MOST_CHOICES:
        raise TooLargeError(
            "the heads have too many choices of places",
            got=f"{size:,} contexts, {n} tokens, {shape.heads} heads",
            expected=f"contexts * tokens^heads at most {MOST_CHOICES:,}",
            todo="use fewer heads, a smaller context or less text",
        )
    choices = np.zeros((size, 1), dtype=np.int64)
    for _ in range(shape.heads):
        choices = (choices[:, :, None] * shape.d + back[:, None, :]).reshape(size, -1)
    distinct, place = np.unique(choices, return_inverse=True)
    if len(distinct) * (shape.mlp + shape.d) > MOST_READ:
        raise TooLargeError(
            "the heads attend to too many different tuples of tokens",
            got=f"{len(distinct):,} tuples, {shape.mlp} neurons",
            expected=f"tuples * (neurons + tokens) at most {MOST_READ:,}",
            todo="use fewer heads, neurons or tokens",
        )
    digits = [distinct // shape.d ** (shape.heads - 1 - h) % shape.d for h in range(shape.heads)]
    pairs = picking((back[:, :1] * shape.d + back).ravel(), shape.d**2)
    return AttendedTuples(windows, pairs, tuple(picking(each, shape.d) for each in digits), place.reshape(choices.shape))


def picking(chosen: IntArray, size: int) -> csr_array:
    """Return the sparse matrix that takes rows ``chosen`` of a table with ``size`` rows."""
    rows = np.arange(len(chosen) + 1)
    return csr_array((np.ones(len(chosen)), chosen, rows), shape=(len(chosen), size))


def law_of(parameters: Mapping[str, Any], shape: Shape, data: AttendedTuples, library: Any = None) -> Any:
    """Return the law of the next token after every context, shape (B, d).

    Args:
        parameters: of :func:`started`.
        shape: sizes.
        data: the contexts, of any length up to ``shape.context``.
        library: :mod:`stinespring.models.training.gradients` to take gradients through it; by default plain NumPy.
    """
    if library is None:
        from stinespring.models.training import plain as library
    xp, p = library.numpy, parameters
    size, n = data.windows.contexts.shape
    choice = xp.ones((size, 1))
    before = p["first_bias"]
    for h in range(shape.heads):
        asks = xp.dot(p["embedding"], p["query"][h].T) + p["query_bias"][h]
        scores = xp.dot(asks, xp.dot(p["embedding"], p["key"][h].T).T)
        score = library.pick(data.pairs, xp.reshape(scores, (-1, 1)))
        weight = softmax(xp, xp.reshape(score, (size, n)) + p["reach"][h][:n])
        choice = xp.reshape(choice[:, :, None] * weight[:, None, :], (size, -1))
        first = p["first"][:, h * shape.width : (h + 1) * shape.width]
        before = before + library.pick(data.picks[h], xp.dot(xp.dot(p["embedding"], p["value"][h].T), first.T))
    y = xp.dot(xp.tanh(before), p["last"].T) + p["last_bias"] if shape.mlp else before
    readings = softmax(xp, xp.dot(y, p["embedding"].T))
    return library.mix(choice, readings, data.tuples, data.starts)


def softmax(xp: Any, scores: Any) -> Any:
    """Return ``exp(s_j) / sum_k exp(s_k)`` along the last axis."""
    weights = xp.exp(scores - xp.max(scores, axis=-1, keepdims=True))
    return weights / xp.sum(weights, axis=-1, keepdims=True)


def attention_file(
    parameters: Parameters, shape: Shape, tokens: tuple[str, ...], stop: int | None, longest: int
) -> dict[str, Any]:
    """Return the ``stinespring/attention@1`` content with the same law for texts of at most ``longest`` tokens.

    Positions are unit vectors beside the tokens' embedding, so that a table over pairs of positions, ``s_h(i - j)`` within
    reach and -1000 beyond, is part of ``<Q x_i, K x_j>``: attention by distance within the window, exactly nothing outside.
    """
    heads, n = shape.heads, longest
    back = np.arange(n)[:, None] - np.arange(n)  # [i, j]
    none = np.zeros
    blocks = []
    for h in range(heads):
        within = np.where(back < shape.context, parameters["reach"][h][np.clip(back, 0, shape.context - 1)], FAR)
        table = np.where(back >= 0, within, 0.0)
        asks = np.hstack([parameters["query"][h], np.repeat(parameters["query_bias"][h][:, None], n, axis=1)])
        blocks.append({
            "query": np.vstack([asks, np.hstack([none((n, shape.width)), table.T])]).tolist(),
            "key": np.vstack([
                np.hstack([parameters["key"][h], none((shape.keys, n))]), np.hstack([none((n, shape.width)), np.eye(n)])
            ]).tolist(),
            "value": np.hstack([parameters["value"][h], none((shape.width, n))]).tolist(),
        })  # fmt: skip
    layers = [(parameters["first"], parameters["first_bias"])]
    if shape.mlp:
        layers.append((parameters["last"], parameters["last_bias"]))
    weight, bias = layers.pop()
    layers.append((np.vstack([weight, none((n, weight.shape[1]))]), np.concatenate([bias, none(n)])))
    ffn = {"kind": "mlp", "activation": "tanh", "layers": [{"weight": w.tolist(), "bias": b.tolist()} for w, b in layers]}
    return {
        "format": FORMAT,
        "tokens": list(tokens),
        "stop": None if stop is None else tokens[stop],
        "embedding": np.hstack([parameters["embedding"], none((shape.d, n))]).tolist(),
        "positions": np.hstack([none((n, shape.width)), np.eye(n)]).tolist(),
        "blocks": [{"heads": blocks, "ffn": ffn, "readout": {"kind": "softmax", "temperature": 1.0}}],
    }
