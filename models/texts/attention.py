# SPDX-License-Identifier: Apache-2.0
"""Attention blocks in Fock space: the law of the next token.

Source: arXiv 2507.13354. Attention is random, not averaged: the last token asks, position j answers with probability
``p_j = exp<Q x_n, K x_j> / sum_k exp<Q x_n, K x_k>``, and the next token is ``readout(FFN(V x_j))``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from stinespring.errors import InputError, TooLargeError
from stinespring.models.texts.base import TextModel
from stinespring.models.texts.kraus import position_kraus
from stinespring.reading import array, fields, positive_number, token_names
from stinespring.readings import FloatArray, IntArray

__all__ = ["AttentionModel", "Block", "FeedForward", "Head", "Readout"]

FORMAT = "stinespring/attention@1"
MOST_ENTRIES = 1 << 23  # floats of one intermediate array: 64 MB
TIE = 1e-12  # relative difference of squared distances that counts as a tie


@dataclass(frozen=True)
class Head:
    """One attention head: ``query`` and ``key`` of shape (m, e), ``value`` of shape (v, e)."""

    query: FloatArray
    key: FloatArray
    value: FloatArray


@dataclass(frozen=True)
class FeedForward:
    """``y -> W_r sigma(... sigma(W_1 y + b_1) ...) + b_r``; no layers means the identity."""

    layers: tuple[tuple[FloatArray, FloatArray], ...] = ()
    activation: str = "relu"

    def __call__(self, y: FloatArray) -> FloatArray:
        """Apply to the last axis of ``y``."""
        for index, (weight, bias) in enumerate(self.layers):
            y = y @ weight.T + bias
            if index < len(self.layers) - 1:
                y = ACTIVATIONS[self.activation](y)
        return y


@dataclass(frozen=True)
class Readout:
    """From a vector to a token: the ``nearest`` embedding, or a ``softmax`` over ``<embedding_t, y> / temperature``."""

    kind: str
    temperature: float = 1.0

    def __call__(self, y: FloatArray, embedding: FloatArray) -> FloatArray:
        """Return token probabilities, shape (..., d), for vectors of shape (..., e)."""
        if self.kind == "softmax":
            return softmax(y @ embedding.T / self.temperature)
        squares = ((y[..., None, :] - embedding) ** 2).sum(axis=-1)
        least = squares.min(axis=-1, keepdims=True)
        scale = least + (y**2).sum(axis=-1, keepdims=True) + (embedding**2).sum(axis=-1).max()
        token = np.argmax(squares <= least + TIE * scale, axis=-1)  # the first, so ties go to the lowest index
        return np.asarray(np.eye(len(embedding))[token])


@dataclass(frozen=True)
class Block:
    """One attention block: heads, the matrix that joins them, the feed-forward network and the readout."""

    heads: tuple[Head, ...]
    output: FloatArray | None
    ffn: FeedForward
    readout: Readout


class AttentionModel(TextModel):
    """Attention blocks with explicit matrices, as read from a ``stinespring/attention@1`` file.

    Args:
        data: the parsed JSON object; its fields are described in docs/formats.md.
        name: how to call the model in messages and reports.

    Raises:
        InputError: a missing, ragged, misshapen or non-finite field.
    """

    def __init__(self, data: dict[str, Any], name: str = "attention model") -> None:
        known = ("format", "tokens", "embedding", "positions", "stop", "blocks", "name", "description")
        fields(data, known, "the model", required=("tokens", "embedding", "blocks"))
        self.name, self._data = name, data
        self.tokens = token_names(data["tokens"])
        self.embedding = array(data["embedding"], (self.d, None), "'embedding'")
        width = self.embedding.shape[1]
        positions = data.get("positions")
        self.positions = None if positions is None else array(positions, (None, width), "'positions'")
        self.longest = None if self.positions is None else len(self.positions)
        stop = data.get("stop")
        if stop is not None and stop not in self.tokens:
            raise InputError("'stop' is not a token", got=stop, expected="null or one of " + " ".join(self.tokens[:20]))
        self.stop = None if stop is None else self.tokens.index(stop)
        blocks = data["blocks"]
        if not isinstance(blocks, list) or not blocks:
            raise InputError("'blocks' must be a non-empty list", got=blocks, expected="one object a block")
        self.blocks = tuple(read_block(b, width, f"block {i + 1}") for i, b in enumerate(blocks))

    def content(self) -> dict[str, Any]:
        """Return the parsed file without its free-text fields."""
        return {"format": FORMAT} | {key: value for key, value in self._data.items() if key not in ("name", "description")}

    def block(self, step: int) -> Block:
        """Return the block of generation step ``step`` (from 1); the last block repeats."""
        return self.blocks[min(step, len(self.blocks)) - 1]

    def embed(self, texts: IntArray) -> FloatArray:
        """Return embedding plus position of every token, shape (B, n, e)."""
        self.check_length(texts.shape[1], "the text")
        x = self.embedding[texts]
        return x if self.positions is None else x + self.positions[: texts.shape[1]]

    def attention(self, step: int, texts: IntArray) -> FloatArray:
        """Return ``p_j = softmax_j <Q x_n, K x_j>`` for every head: shape (B, H, n)."""
        x = self.embed(texts)
        weights = [softmax(np.einsum("bm,bjm->bj", x[:, -1] @ h.query.T, x @ h.key.T)) for h in self.block(step).heads]
        return np.stack(weights, axis=1)

    def readings(self, step: int, texts: IntArray) -> FloatArray:
        """Return ``P(next token | attended positions, text)``: shape (B, n, ..., n, d), one axis a head.

        The values ``V_h x_{j_h}`` of the heads are joined, multiplied by ``output`` where there is one, and go through
        the feed-forward network and the readout.
        """
        block, x = self.block(step), self.embed(texts)
        batch, n = texts.shape
        heads = len(block.heads)
        values = []
        for index, head in enumerate(block.heads):
            value = x @ head.value.T
            shape = [batch] + [n if axis == index else 1 for axis in range(heads)] + [value.shape[-1]]
            values.append(np.broadcast_to(value.reshape(shape), (batch, *([n] * heads), value.shape[-1])))
        joined = np.concatenate(values, axis=-1)
        if block.output is not None:
            joined = joined @ block.output.T
        return block.readout(block.ffn(joined), self.embedding)

    def law(self, step: int, texts: IntArray) -> FloatArray:
        """Return ``P(t | text) = sum_{j_1..j_H} prod_h p_{j_h} P(t | j_1..j_H)``, shape (B, d); see :class:`TextModel`."""
        texts = np.asarray(texts, dtype=np.int64)
        heads = len(self.block(step).heads)
        entries = texts.shape[1] ** heads * self.d * self.embedding.shape[1]
        if entries > 16 * MOST_ENTRIES:
            fits = int((16 * MOST_ENTRIES / self.d / self.embedding.shape[1]) ** (1 / heads))
            raise TooLargeError(
                "the attended positions have too many combinations",
                got=f"{texts.shape[1]} tokens, {heads} heads",
                expected=f"at most {fits} tokens with {heads} heads",
                todo="use a shorter text",
            )
        rows = max(1, MOST_ENTRIES // entries)
        parts = [self._law(step, texts[i : i + rows]) for i in range(0, len(texts), rows)]
        return np.concatenate(parts) if parts else np.zeros((0, self.d))

    def kraus(self, block: int, level: int) -> dict[str, FloatArray]:
        """Return explicit Kraus operators of every extension; see :mod:`stinespring.models.texts.kraus`."""
        heads = len(self.block(block).heads)
        return super().kraus(block, level) | {"position": position_kraus(self, block, level, heads=heads)}

    def _law(self, step: int, texts: IntArray) -> FloatArray:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            p, mixture = self.attention(step, texts), self.readings(step, texts)
        if not (np.isfinite(p).all() and np.isfinite(mixture).all()):
            raise InputError(
                "the model's numbers are too large for its law",
                got="a score or a distance that is not finite",
                expected="matrices, embeddings and temperatures of moderate size",
            )
        for head in range(p.shape[1]):  # contract one position axis after the other; the next one moves to axis 1
            mixture = np.einsum("bj,bj...->b...", p[:, head], mixture)
        result: FloatArray = mixture / mixture.sum(axis=-1, keepdims=True)
        return result


def softmax(scores: FloatArray) -> FloatArray:
    """Return ``exp(s_j) / sum_k exp(s_k)`` along the last axis, safe for large scores."""
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def relu(y: FloatArray) -> FloatArray:
    """Return max(y, 0)."""
    return np.maximum(y, 0.0)


def gelu(y: FloatArray) -> FloatArray:
    """Return ``y Phi(y) = y (1 + erf(y / sqrt 2)) / 2``, the exact form."""
    erf = np.array(list(map(math.erf, (y / math.sqrt(2.0)).ravel().tolist()))).reshape(y.shape)
    return np.asarray(0.5 * y * (1.0 + erf))


ACTIVATIONS: dict[str, Callable[[FloatArray], FloatArray]] = {"relu": relu, "gelu": gelu, "tanh": np.tanh}


def read_block(data: object, width: int, where: str) -> Block:
    """Return a block read from its JSON object; ``width`` is the embedding's e."""
    block = fields(data, ("heads", "output", "ffn", "readout"), where, required=("heads",))
    if not isinstance(block["heads"], list) or not block["heads"]:
        raise InputError(f"{where}: 'heads' must be a non-empty list", got=block["heads"], expected="one object a head")
    heads = tuple(read_head(h, width, f"{where}, head {i + 1}") for i, h in enumerate(block["heads"]))
    joined = sum(len(h.value) for h in heads)
    output = block.get("output")
    matrix = None if output is None else array(output, (None, joined), f"{where}: 'output'")
    ffn, result = read_ffn(block.get("ffn"), joined if matrix is None else len(matrix), where)
    if result != width:
        raise InputError(
            f"{where} does not return to the embedding's width",
            got=f"{result} numbers",
            expected=f"{width} numbers",
            todo="give 'output' and 'ffn' matrices whose shapes fit",
        )
    return Block(heads, matrix, ffn, read_readout(block.get("readout"), where))


def read_head(data: object, width: int, where: str) -> Head:
    """Return a head read from its JSON object."""
    head = fields(data, ("query", "key", "value"), where, required=("query", "key", "value"))
    query = array(head["query"], (None, width), f"{where}: 'query'")
    key = array(head["key"], (len(query), width), f"{where}: 'key'")
    return Head(query, key, array(head["value"], (None, width), f"{where}: 'value'"))


def read_ffn(data: object, width: int, where: str) -> tuple[FeedForward, int]:
    """Return the feed-forward network and the width of what it returns, given the width of what goes in."""
    if data is None:
        return FeedForward(), width
    ffn = fields(data, ("kind", "layers", "activation"), f"{where}: 'ffn'", required=("kind",))
    if ffn["kind"] == "identity":
        return FeedForward(), width
    if ffn["kind"] != "mlp":
        raise InputError(f"{where}: unknown 'ffn' kind", got=ffn["kind"], expected="identity or mlp")
    activation = ffn.get("activation", "relu")
    if not isinstance(activation, str) or activation not in ACTIVATIONS:
        raise InputError(f"{where}: unknown activation", got=activation, expected=" or ".join(ACTIVATIONS))
    layers: list[tuple[FloatArray, FloatArray]] = []
    if not isinstance(ffn.get("layers"), list) or not ffn["layers"]:
        raise InputError(
            f"{where}: 'layers' must be a non-empty list", got=ffn.get("layers"), expected="weight and bias a layer"
        )
    for index, layer in enumerate(ffn["layers"]):
        name = f"{where}, layer {index + 1}"
        fields(layer, ("weight", "bias"), name, required=("weight", "bias"))
        weight = array(layer["weight"], (None, width), f"{name}: 'weight'")
        layers.append((weight, array(layer["bias"], (len(weight),), f"{name}: 'bias'")))
        width = len(weight)
    return FeedForward(tuple(layers), activation), width


def read_readout(data: object, where: str) -> Readout:
    """Return the readout read from its JSON object; nearest by default."""
    if data is None:
        return Readout("nearest")
    readout = fields(data, ("kind", "temperature"), f"{where}: 'readout'", required=("kind",))
    if readout["kind"] == "nearest":
        return Readout("nearest")
    if readout["kind"] != "softmax":
        raise InputError(f"{where}: unknown 'readout' kind", got=readout["kind"], expected="nearest or softmax")
    return Readout("softmax", positive_number(readout.get("temperature", 1.0), f"{where}: 'temperature'"))
