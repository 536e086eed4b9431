# SPDX-License-Identifier: Apache-2.0
"""The laws that are compiled in the benchmarks: three kinds, repeatable from a seed.

- ``block``: one attention head over random embeddings, the next token is (attended token + 1) mod d;
- ``dense``: the same attention with a softmax head over all tokens, so every token is possible after every context;
- ``prep``: a log-normal distribution over 2^k tokens, no context.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["SEED", "Chain", "Instance", "as_model", "block", "items", "preparation"]

FloatArray = NDArray[np.float64]
SEED = 20261121
EMBEDDING = 4
BLOCKS = ((1, 1), (1, 2), (1, 3), (1, 5), (2, 2), (2, 3), (3, 2))
DENSE = BLOCKS[1:]
PREPARATIONS = (4, 8, 12, 16)


@dataclass(frozen=True)
class Instance:
    """A conditional law P(t|x) of one new token.

    Attributes:
        name: ``kind_k_n`` or ``prep_k``.
        kind: see the module.
        k: qubits a token, d = 2^k.
        n: tokens of context.
        P: shape (2^(kn), 2^k). Token i of context x, the earliest being i = 0, is ``(x >> (i k)) mod 2^k``.
        seed: what it was drawn from.
    """

    name: str
    kind: Literal["block", "dense", "prep"]
    k: int
    n: int
    P: FloatArray
    seed: int

    @property
    def qubits(self) -> int:
        """Qubits of the context and the new token."""
        return self.k * (self.n + 1)

    @property
    def rotations(self) -> int:
        """Free parameters of the law, which is the number of rotations of the exact isometry."""
        return int(self.P.shape[0] * (self.P.shape[1] - 1))


@dataclass(frozen=True)
class Chain:
    """Several tokens of a Markov chain with random full-support rows.

    Attributes:
        k: qubits a token.
        n: order, the tokens that the next one depends on.
        steps: how many tokens are appended.
        seed: what the table is drawn from.
    """

    k: int
    n: int
    steps: int
    seed: int = SEED
    kind: Literal["chain"] = "chain"

    @property
    def rotations(self) -> int:
        """Rotations of the exact isometry of all steps."""
        return self.steps * ((1 << self.k) - 1) << (self.k * self.n)


def softmax(logits: FloatArray) -> FloatArray:
    """Return the softmax along the last axis."""
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def block(k: int, n: int, *, dense: bool = False, seed: int = SEED) -> Instance:
    """Return an attention block with random embeddings and matrices.

    With x_i the i-th token, e its unit embedding: ``a = softmax_i <Q e(x_n), K e(x_i)>``; ``block`` outputs x_i + 1 with
    probability a_i, ``dense`` outputs ``softmax(W_u (sum_i a_i W_v e(x_i) + e(x_n)))``.
    """
    d = 2**k
    rng = np.random.default_rng([seed, 1, k, n])
    embedding = rng.normal(size=(d, EMBEDDING))
    embedding /= np.linalg.norm(embedding, axis=1, keepdims=True)
    query, key, value = (rng.normal(size=(EMBEDDING, EMBEDDING)) for _ in range(3))
    unembedding = 1.5 * rng.normal(size=(d, EMBEDDING))
    tokens = (np.arange(d**n)[:, None] >> (k * np.arange(n))) & (d - 1)  # (X, n)
    last = embedding[tokens[:, -1]]
    attention = softmax(np.einsum("xe,xie->xi", last @ query.T, embedding[tokens] @ key.T))
    if dense:
        hidden = np.einsum("xi,xie->xe", attention, embedding[tokens] @ value.T) + last
        law = softmax(hidden @ unembedding.T)
    else:
        law = np.zeros((d**n, d))
        np.add.at(law, (np.arange(d**n)[:, None], (tokens + 1) % d), attention)
    kind: Literal["block", "dense"] = "dense" if dense else "block"
    return Instance(f"{kind}_{k}_{n}", kind, k, n, law, seed)


def preparation(k: int, *, seed: int = SEED) -> Instance:
    """Return a distribution over 2^k tokens whose logarithms are normal before normalisation."""
    weights = np.exp(np.random.default_rng([seed, 3, k]).normal(size=2**k))
    return Instance(f"prep_{k}", "prep", k, 0, (weights / weights.sum())[None, :], seed)


def items(seed: int = SEED) -> dict[str, Instance]:
    """Return all instances by name."""
    found = [block(k, n, seed=seed) for k, n in BLOCKS]
    found += [block(k, n, dense=True, seed=seed) for k, n in DENSE]
    found += [preparation(k, seed=seed) for k in PREPARATIONS]
    return {instance.name: instance for instance in found}


def as_model(instance: Instance | Chain) -> dict[str, Any]:
    """Return the law as a ``stinespring/table@1`` object: there the earliest token is the most significant digit."""
    d, n = 2**instance.k, instance.n
    if isinstance(instance, Chain):
        law = np.random.default_rng([instance.seed, 4, instance.k, n]).dirichlet(np.ones(d), size=d**n)
    else:
        by_token = instance.P.reshape((d,) * n + (d,))  # axes: latest token ... earliest token, outcome
        law = by_token.transpose(*range(n - 1, -1, -1), n).reshape(d**n, d)
        law = law / law.sum(axis=1, keepdims=True)
    return {"format": "stinespring/table@1", "tokens": [f"w{i}" for i in range(d)], "context": n, "law": law.tolist()}
