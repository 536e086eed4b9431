# SPDX-License-Identifier: Apache-2.0
"""Training of the tuned lens by ``KL(final || lens)``, everything else frozen: a bias for each point, or also a matrix."""

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
RIDGE = 1e-2  # of the mean square of the stream: the best of powers of ten on glassllm with 768 positions
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
    affine: bool = False,
    progress: Progress | None = None,
) -> TrainedLens:
    """Return the tuned lens that minimises the mean of ``KL(softmax(final logits) || softmax(W_U LN_f(x + A x + b)))``.

    Each point has a problem of its own, which L-BFGS solves over all positions at once: in the e variables of b with A = 0, and
    then, if the lens is affine, in those of A and b with ``r |A|^2 / 2`` added, so that few positions do not decide too much.

    Args:
        decoder: the decoder, which does not change.
        texts: token numbers to read; by default texts that the decoder itself generates.
        positions: at most so many positions of the texts are used, chosen at random; a quarter of them is held out.
        steps: at most so many steps of L-BFGS for each point.
        seed: of the choice and of the generated texts; the same seed gives the same lens.
        affine: whether A is trained, too.
        progress: called with a phrase and the share done.

    Raises:
        InputError: too few positions.
    """
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
    width = stream.shape[2]
    bias, matrix = np.zeros((len(decoder.points), width)), np.zeros((len(decoder.points) if affine else 0, width, width))
    gained = np.zeros((2, len(decoder.points)))
    for point in range(len(decoder.points) - 1):
        report(f"point {point + 1} of {len(decoder.points) - 1}", point / (len(decoder.points) - 1))
        x = stream[point]

        bias[point] = best_bias(decoder, x[held:], logits[held:], steps)
        shown = x[:held] + bias[point]
        if affine:
            matrix[point], bias[point] = best_affine(decoder, x[held:], bias[point], logits[held:], steps)
            shown = x[:held] + x[:held] @ matrix[point].T + bias[point]
        gained[:, point] = [pulled(decoder, y, logits[:held])[0] for y in (x[:held], shown)]
    record = {"decoder": decoder.name, "seed": str(seed), "positions": str(stream.shape[1] - held), "steps": str(steps)}
    lens = TunedLens(bias, decoder.fingerprint(), record, matrix if affine else None)
    return TrainedLens(lens, gained[0], gained[1], (stream.shape[1] - held, held))


def best_bias(decoder: Decoder, x: FloatArray, final: FloatArray, steps: int) -> FloatArray:
    """Return the bias of one point, shape (e,), from its stream (N, e) and the final logits (N, V)."""
    from scipy.optimize import minimize

    def loss(b: FloatArray) -> tuple[float, FloatArray]:
        return divergence(decoder, x, b, final)

    return np.asarray(minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": steps}).x)


def best_affine(
    decoder: Decoder, x: FloatArray, bias: FloatArray, final: FloatArray, steps: int
) -> tuple[FloatArray, FloatArray]:
    """Return matrix and bias of one point, beginning at a bias."""
    from scipy.optimize import minimize

    e = x.shape[1]

    def loss(variables: FloatArray) -> tuple[float, FloatArray]:
        value, by_matrix, by_bias = affine_divergence(decoder, x, variables[e:].reshape(e, e), variables[:e], final)
        return value, np.concatenate([by_bias, by_matrix.ravel()])

    begin = np.concatenate([bias, np.zeros(e * e)])
    found = np.asarray(minimize(loss, begin, jac=True, method="L-BFGS-B", options={"maxiter": steps}).x)
    return found[e:].reshape(e, e), found[:e]


def divergence(decoder: Decoder, x: FloatArray, bias: FloatArray, final: FloatArray) -> tuple[float, FloatArray]:
    """Return the mean of ``KL(softmax(final) || softmax(W_U LN_f(x + b)))`` in nats, and its gradient with respect to b.

    Args:
        decoder: whose norm and unembedding are used.
        x: the stream at one point, shape (N, e).
        bias: b, shape (e,).
        final: logits of the last point, shape (N, V).
    """
    value, gradient = pulled(decoder, x + bias, final)
    return value, gradient.sum(axis=0)


def affine_divergence(
    decoder: Decoder, x: FloatArray, matrix: FloatArray, bias: FloatArray, final: FloatArray
) -> tuple[float, FloatArray, FloatArray]:
    """Return the mean of ``KL(softmax(final) || softmax(W_U LN_f(x + A x + b)))`` plus ``r |A|^2 / 2``, with its gradients.

    The gradient with respect to A is ``sum_n g_n x_n^T + r A`` with g_n that with respect to what the norm is given. With
    ``s`` the mean square of the stream, r is ``RIDGE s``: no matter in what units the stream is measured.
    """
    ridge = RIDGE * float(np.mean(x**2))
    value, gradient = pulled(decoder, x + x @ matrix.T + bias, final)
    return value + 0.5 * ridge * float(np.sum(matrix**2)), gradient.T @ x + ridge * matrix, gradient.sum(axis=0)


def pulled(decoder: Decoder, shown: FloatArray, final: FloatArray) -> tuple[float, FloatArray]:
    """Return the mean of ``KL(softmax(final) || softmax(W_U LN_f(y)))`` in nats, and its gradient with respect to y (N, e).

    With p the final and q the lens' distribution, ``dKL / dlogits = q - p``; the rest is the pullback of the norm.
    """
    total, gradient = 0.0, np.empty_like(shown)
    rows = max(1, CHUNK // final.shape[1])
    for first in range(0, len(shown), rows):
        y = shown[first : first + rows]
        p = log_softmax(final[first : first + rows])
        q = log_softmax(decoder.norm(y) @ decoder.unembedding.T)
        law = np.exp(p)
        total += float(np.sum(law * (p - q)))
        gradient[first : first + rows] = decoder.norm.pullback(y, (np.exp(q) - law) @ decoder.unembedding)
    return total / len(shown), gradient / len(shown)


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
