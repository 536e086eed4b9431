# SPDX-License-Identifier: Apache-2.0
"""Training of the bias-only tuned lens by ``KL(final || lens)``, everything else frozen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from stinespring.errors import InputError
from stinespring.models.decoders.decoder import Decoder
from stinespring.models.lens.tuned import TunedLens
from stinespring.models.texts.joint import require_count
from stinespring.readings import FloatArray, IntArray

__all__ = ["TrainedLens", "sampled_texts", "train_lens"]

Progress = Callable[[str, float], None]
HELD_OUT = 0.25  # of the positions: the divergence is reported on them
FIRST = 1  # nothing decides the first token of a text: it is not trained on
LENGTH = 32  # tokens of a generated text
CHUNK = 1 << 21  # logits at once: 16 MB


@dataclass(frozen=True, eq=False)
class TrainedLens:
    """A tuned lens, and what it gained: mean KL(final || lens) in nats on positions it was not trained on.

    Attributes:
        lens: the lens.
        logit: the divergence of the logit lens, shape (points,).
        tuned: the divergence of the tuned lens, shape (points,).
        positions: number of positions trained on, and held out.
    """

    lens: TunedLens
    logit: FloatArray
    tuned: FloatArray
    positions: tuple[int, int]


def train_lens(
    decoder: Decoder,
    *,
    texts: Sequence[IntArray] | None = None,
    positions: int = 1024,
    steps: int = 40,
    seed: int = 0,
    progress: Progress | None = None,
) -> TrainedLens:
    """Return the tuned lens that minimises the mean of ``KL(softmax(final logits) || softmax(W_U LN_f(x + b)))``.

    Each point has a problem of its own in e variables, which L-BFGS solves over all positions at once.

    Args:
        decoder: the decoder, which does not change.
        texts: token numbers to read; by default texts that the decoder itself generates.
        positions: at most so many positions of the texts are used, chosen at random; a quarter of them is held out.
        steps: at most so many steps of L-BFGS for each point.
        seed: of the choice and of the generated texts; the same seed gives the same lens.
        progress: called with a phrase and the share done.

    Raises:
        InputError: too few positions.
    """
    from scipy.optimize import minimize

    report = progress or (lambda phrase, share: None)
    rng = np.random.default_rng(seed)
    positions, steps = require_count(positions, "positions"), require_count(steps, "training steps")
    if texts is None:
        report("generating texts", 0.0)
        length = min(LENGTH, decoder.longest)
        texts = sampled_texts(decoder, count=-(-positions // max(1, length - 1)), length=length, rng=rng)
    stream = chosen_positions(decoder, texts, positions, rng)
    held = max(1, round(HELD_OUT * stream.shape[1]))
    logits = decoder.norm(stream[-1]) @ decoder.unembedding.T
    bias = np.zeros((len(decoder.points), stream.shape[2]))
    gained = np.zeros((2, len(decoder.points)))
    for point in range(len(decoder.points) - 1):
        report(f"point {point + 1} of {len(decoder.points) - 1}", point / (len(decoder.points) - 1))
        x = stream[point]

        def loss(b: FloatArray, x: FloatArray = x) -> tuple[float, FloatArray]:
            return divergence(decoder, x[held:], b, logits[held:])

        bias[point] = minimize(loss, bias[point], jac=True, method="L-BFGS-B", options={"maxiter": steps}).x
        gained[:, point] = [divergence(decoder, x[:held], b, logits[:held])[0] for b in (0.0 * bias[point], bias[point])]
    record = {"decoder": decoder.name, "seed": str(seed), "positions": str(stream.shape[1] - held), "steps": str(steps)}
    lens = TunedLens(bias, decoder.fingerprint(), record)
    return TrainedLens(lens, gained[0], gained[1], (stream.shape[1] - held, held))


def divergence(decoder: Decoder, x: FloatArray, bias: FloatArray, final: FloatArray) -> tuple[float, FloatArray]:
    """Return the mean of ``KL(softmax(final) || softmax(W_U LN_f(x + b)))`` in nats, and its gradient with respect to b.

    With p the final and q the lens' distribution, ``dKL / dlogits = q - p``; the rest is the pullback of the norm.

    Args:
        decoder: whose norm and unembedding are used.
        x: the stream at one point, shape (N, e).
        bias: b, shape (e,).
        final: logits of the last point, shape (N, V).
    """
    total, gradient = 0.0, np.zeros(x.shape[1])
    rows = max(1, CHUNK // final.shape[1])
    for first in range(0, len(x), rows):
        shifted = x[first : first + rows] + bias
        p = log_softmax(final[first : first + rows])
        q = log_softmax(decoder.norm(shifted) @ decoder.unembedding.T)
        law = np.exp(p)
        total += float(np.sum(law * (p - q)))
        gradient += decoder.norm.pullback(shifted, (np.exp(q) - law) @ decoder.unembedding).sum(axis=0)
    return total / len(x), gradient / len(x)


def log_softmax(logits: FloatArray) -> FloatArray:
    """Return ``log softmax`` along the last axis."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def chosen_positions(decoder: Decoder, texts: Sequence[IntArray], positions: int, rng: np.random.Generator) -> FloatArray:
    """Return the stream at randomly chosen positions of texts, shape (points, N, e)."""
    pieces = [text[first : first + decoder.longest] for text in texts for first in range(0, len(text), decoder.longest)]
    kept = [decoder.stream(piece[None, :])[:, 0, FIRST:] for piece in pieces if len(piece) > FIRST]
    available = min(positions, sum(part.shape[1] for part in kept))
    if available < 2:
        raise InputError(
            "there is too little text to train on",
            got=f"{available} position(s)",
            expected="at least 2, better 1000",
            todo="give longer --texts, or none: the model then generates its own",
        )
    stream = np.concatenate(kept, axis=1)
    return stream[:, rng.permutation(stream.shape[1])[:positions]]


def sampled_texts(decoder: Decoder, *, count: int, length: int, rng: np.random.Generator) -> list[IntArray]:
    """Return texts that the decoder generates by sampling its own law, each after one random token."""
    texts = rng.integers(0, len(decoder.tokens), size=(count, 1))
    for _ in range(length - 1):
        logits = decoder.norm(decoder.stream(texts)[-1, :, -1]) @ decoder.unembedding.T
        chosen = np.argmax(logits + rng.gumbel(size=logits.shape), axis=1)
        texts = np.concatenate([texts, chosen[:, None]], axis=1)
    return list(texts)
