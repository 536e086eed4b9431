# SPDX-License-Identifier: Apache-2.0
"""A Llama-type decoder in float64: one forward pass, over whole texts or one token further for many texts at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stinespring.models.decoders.decoder import FinalNorm, Past, decoder_lines, layer_points
from stinespring.readings import FloatArray, IntArray
from stinespring.showing import Brief, FourLines

__all__ = ["Branches", "Llama", "LlamaDecoder", "LlamaLayer"]

AT_ONCE = 1 << 22  # logits, or numbers of one layer's keys, of one batch: 32 MB


@dataclass(frozen=True, eq=False)
class LlamaLayer:
    """The weights of one block; a row vector x of width e is multiplied from the left.

    Attributes:
        attention_gain: shape (e,).
        query: shape (e, H k), head by head; a position rotates coordinate i of a head with coordinate i + k/2.
        key: shape (e, G k), where each of G groups of heads shares keys and values.
        value: shape (e, G k).
        out: shape (H k, e).
        mlp_gain: shape (e,).
        gate: shape (e, h).
        up: shape (e, h).
        down: shape (h, e).
    """

    attention_gain: FloatArray
    query: FloatArray
    key: FloatArray
    value: FloatArray
    out: FloatArray
    mlp_gain: FloatArray
    gate: FloatArray
    up: FloatArray
    down: FloatArray


@dataclass(frozen=True, eq=False)
class Branches:
    """Texts that were read: each row is a path through the places whose keys and values are stored once.

    Attributes:
        store: of all texts that grew from one beginning.
        paths: shape (B, n): the place of each token in the store.
    """

    store: Store
    paths: IntArray

    @property
    def rows(self) -> int:
        """How many texts."""
        return len(self.paths)

    @property
    def nbytes(self) -> int:
        """Of the paths; what is stored is shared with all texts that grew from the same beginning."""
        return self.paths.nbytes


class Store:
    """The keys and values of every place, by layer: shape (places, 2, G, k) each."""

    def __init__(self, layers: int, groups: int, width: int) -> None:
        self.used = 0
        self.parts = [np.empty((64, 2, groups, width)) for _ in range(layers)]

    @property
    def nbytes(self) -> int:
        """Of what is stored."""
        return sum(part[: self.used].nbytes for part in self.parts)

    def reserve(self, count: int) -> IntArray:
        """Return the numbers of new places, shape (count,)."""
        while self.used + count > len(self.parts[0]):
            self.parts = [np.concatenate([part, np.empty_like(part)]) for part in self.parts]
        self.used += count
        return np.arange(self.used - count, self.used)


class Llama:
    """Llama (arXiv 2302.13971): ``x += A(N x); x += W_down (silu(W_gate N x) * W_up N x)``, rotated positions, RMS norms.

    Attention (heads share keys in groups, arXiv 2305.13245): ``softmax(q_m . k_j / sqrt(k)) v_j`` over ``j <= m``, with the
    rotation by ``m base^(-2i/k)`` of coordinates i and i + k/2 (arXiv 2104.09864).

    Args:
        embedding: shape (V, e).
        layers: the blocks' weights.
        norm: the last norm, with the eps of all norms.
        unembedding: shape (V, e).
        heads: H.
        groups: G, a divisor of H.
        base: of the rotation's angles.
        longest: the greatest number of tokens.
    """

    def __init__(
        self, embedding: FloatArray, layers: tuple[LlamaLayer, ...], norm: FinalNorm, unembedding: FloatArray, *,
        heads: int, groups: int, base: float, longest: int,
    ) -> None:  # fmt: skip
        self.embedding, self.layers, self.norm, self.unembedding = embedding, layers, norm, unembedding
        self.heads, self.groups, self.longest = heads, groups, longest
        self.width = layers[0].query.shape[1] // heads
        angles = np.outer(np.arange(longest), base ** (-2.0 * np.arange(self.width // 2) / self.width))
        self._cos, self._sin = np.cos(angles)[:, None, :], np.sin(angles)[:, None, :]

    def stream(self, texts: IntArray) -> FloatArray:
        """Return the residual stream of texts (B, n), shape (2 layers + 1, B, n, e)."""
        x, positions = self.embedding[texts], np.arange(texts.shape[1])
        result = np.empty((2 * len(self.layers) + 1, *x.shape))
        result[0] = x
        hidden = np.where(positions[None, :] > positions[:, None], -np.inf, 0.0)
        for number, layer in enumerate(self.layers):
            q, k, v = self._projected(layer, x, positions)
            x = x + self._attended(q, k, v, hidden) @ layer.out
            result[2 * number + 1] = x
            x = x + self._perceptron(layer, x)
            result[2 * number + 2] = x
        return result

    def begin(self, prompt: IntArray) -> tuple[FloatArray, Branches]:
        """Return the logits after a prompt (n,), shape (1, V), and the prompt as read."""
        store, positions = Store(len(self.layers), self.groups, self.width), np.arange(len(prompt))
        places = store.reserve(len(prompt))
        x, hidden = self.embedding[prompt][None], np.where(positions[None, :] > positions[:, None], -np.inf, 0.0)
        for number, layer in enumerate(self.layers):
            q, k, v = self._projected(layer, x, positions)
            store.parts[number][places, 0], store.parts[number][places, 1] = k[0], v[0]
            x = x + self._attended(q, k, v, hidden) @ layer.out
            x = x + self._perceptron(layer, x)
        return self._logits(x[:, -1]), Branches(store, places[None])

    def proceed(self, past: Branches, rows: IntArray, tokens: IntArray) -> tuple[FloatArray, Branches]:
        """Return the logits after texts that are one token longer, shape (B, V), and these texts as read.

        Args:
            past: what was read; it stays usable.
            rows: shape (B,): which of its texts each new one continues.
            tokens: shape (B,).
        """
        places = past.store.reserve(len(rows))
        paths = np.concatenate([past.paths[rows], places[:, None]], axis=1)
        size = max(1, AT_ONCE // max(len(self.embedding), 2 * paths.shape[1] * self.groups * self.width))
        chunks = [slice(first, first + size) for first in range(0, len(rows), size)]
        logits = [self._step(past.store, paths[chunk], tokens[chunk]) for chunk in chunks]
        return np.concatenate(logits), Branches(past.store, paths)

    def _step(self, store: Store, paths: IntArray, tokens: IntArray) -> FloatArray:
        x, position = self.embedding[tokens][:, None], np.array([paths.shape[1] - 1])
        for number, layer in enumerate(self.layers):
            part = store.parts[number]
            q, k, v = self._projected(layer, x, position)
            part[paths[:, -1], 0], part[paths[:, -1], 1] = k[:, 0], v[:, 0]
            known = part[paths]
            x = x + self._attended(q, known[:, :, 0], known[:, :, 1], None) @ layer.out
            x = x + self._perceptron(layer, x)
        return self._logits(x[:, 0])

    def _projected(self, layer: LlamaLayer, x: FloatArray, positions: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return queries (B, m, H, k), keys and values (B, m, G, k) of new places."""
        y = self._normed(x, layer.attention_gain)
        shape = (*x.shape[:2], -1, self.width)
        query, key, value = ((y @ matrix).reshape(shape) for matrix in (layer.query, layer.key, layer.value))
        return self._rotated(query, positions), self._rotated(key, positions), value

    def _rotated(self, x: FloatArray, positions: IntArray) -> FloatArray:
        cos, sin, half = self._cos[positions], self._sin[positions], self.width // 2
        low, high = x[..., :half], x[..., half:]
        return np.concatenate([low * cos - high * sin, high * cos + low * sin], axis=-1)

    def _attended(self, query: FloatArray, key: FloatArray, value: FloatArray, hidden: FloatArray | None) -> FloatArray:
        """Return what each new place (B, m, H, k) takes from all places (B, n, G, k), shape (B, m, H k)."""
        batch, new = query.shape[:2]
        grouped = query.reshape(batch, new, self.groups, self.heads // self.groups, self.width).transpose(0, 2, 3, 1, 4)
        scores = grouped @ key.transpose(0, 2, 3, 1)[:, :, None] / np.sqrt(self.width)
        if hidden is not None:
            scores = scores + hidden
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        mixed = weights @ value.transpose(0, 2, 1, 3)[:, :, None]
        return np.asarray(mixed.transpose(0, 3, 1, 2, 4).reshape(batch, new, -1))

    def _perceptron(self, layer: LlamaLayer, x: FloatArray) -> FloatArray:
        y = self._normed(x, layer.mlp_gain)
        gate = y @ layer.gate
        with np.errstate(over="ignore"):  # exp(-gate) of a gate below -709: the quotient is 0
            return np.asarray(gate / (1.0 + np.exp(-gate)) * (y @ layer.up) @ layer.down)

    def _normed(self, x: FloatArray, gain: FloatArray) -> FloatArray:
        return np.asarray(x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + self.norm.eps) * gain)

    def _logits(self, x: FloatArray) -> FloatArray:
        return np.asarray(self.norm(x) @ self.unembedding.T)


class LlamaDecoder(Brief):
    """What decoders have in common whose weights :class:`Llama` reads; see :mod:`stinespring.models.decoders.decoder`.

    Args:
        llama: the weights.
    """

    rounding = "float64"

    def __init__(self, llama: Llama) -> None:
        self.llama, self.longest = llama, llama.longest
        self.points, self.norm, self.unembedding = layer_points(len(llama.layers)), llama.norm, llama.unembedding

    def stream(self, texts: IntArray) -> FloatArray:
        """Return the residual stream, shape (2 layers + 1, B, n, e)."""
        return self.llama.stream(texts)

    def begin(self, prompt: IntArray) -> tuple[FloatArray, Past]:
        """Return the logits after a prompt, and the prompt as read."""
        return self.llama.begin(prompt)

    def proceed(self, past: Past, rows: IntArray, tokens: IntArray) -> tuple[FloatArray, Past]:
        """Return the logits after texts that are one token longer, and these as read."""
        assert isinstance(past, Branches)
        return self.llama.proceed(past, rows, tokens)

    def brief(self) -> FourLines:
        """Return its tokens, its context and its precision."""
        return decoder_lines(self)
