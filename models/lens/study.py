# SPDX-License-Identifier: Apache-2.0
"""Many prompts through the lens: which operators are alike, which layer moves the answer, how predictions come about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stinespring.errors import InputError, TooLargeError
from stinespring.memory import require_memory
from stinespring.models.decoders.decoder import Decoder, Point
from stinespring.models.lens.clusters import clusters, principal_components
from stinespring.models.lens.metrics import (
    cos_u,
    distance_correlation,
    floor_u,
    mean_cos_h,
    pairing_p_value,
    random_directions,
    random_p_value,
    sign_flip_p_value,
    unbiased_distance_correlation,
)
from stinespring.models.lens.reflection import directions
from stinespring.models.lens.states import read_batches
from stinespring.models.lens.tuned import TunedLens
from stinespring.models.texts.joint import require_count
from stinespring.readings import FloatArray, IntArray
from stinespring.showing import Brief

__all__ = ["OperatorStudy", "Study", "Trajectories", "study_prompts"]

Progress = Callable[[str, float], None]
MOST_PROMPTS = 4000  # the tests need all pairs of operators and their random peers: 0.5 GB
MOST_AMPLITUDES = 1 << 28  # 2 GB


@dataclass(frozen=True, eq=False)
class OperatorStudy:
    """One operator over all prompts.

    Attributes:
        point: where it leads to.
        identities: number of prompts whose state it leaves alone; they have no direction and are left out of cosines.
        mean_cos_h: mean ``cos(H, H')`` over pairs of prompts, None if fewer than two are left.
        p_value_h: of "no more alike than random operators".
        norm_mean_delta_psi: norm of the mean of Delta psi.
        p_value_delta_psi: of "Delta psi has no mean", by flipping signs.
        mean_norm_delta_psi: mean norm of Delta psi.
        answer_gain: by how much the probability of the final answer rises, mean over prompts.
        decides: for how many prompts the final answer leads from here on, and not before.
        components: the directions in their first principal components, shape (N, 2).
        explained: the components' shares of the variance, shape (2,).
        clusters: number of the cluster of each prompt's direction, shape (N,).
    """

    point: Point
    identities: int
    mean_cos_h: float | None
    p_value_h: float | None
    norm_mean_delta_psi: float
    p_value_delta_psi: float
    mean_norm_delta_psi: float
    answer_gain: float
    decides: int
    components: FloatArray
    explained: FloatArray
    clusters: IntArray


@dataclass(frozen=True, eq=False)
class Trajectories:
    """How predictions come about.

    Attributes:
        answer: the most likely token at the end, shape (N,).
        answer_p: its probability at every point, shape (N, points).
        leader: the most likely token at every point, shape (N, points).
        settled: the first point from which the final answer leads to the end, shape (N,).
        entropy: in nats, shape (N, points).
    """

    answer: IntArray
    answer_p: FloatArray
    leader: IntArray
    settled: IntArray
    entropy: FloatArray


@dataclass(frozen=True, eq=False, repr=False)
class Study(Brief):
    """What many prompts show.

    Attributes:
        decoder: whose layers.
        prompts: token numbers of every prompt.
        operators: one entry for each operator, in order.
        distance_correlation: of the attention's and the perceptron's directions, layer by layer.
        unbiased_distance: its square without the bias that it has where V is large against N.
        p_value_distance: of "the two are independent", by permuting the pairing.
        random_cos_h: mean ``cos(H, H')`` of as many random operators.
        random_distance: distance correlation of as many independent random pairs; far above 0 where V is large against N.
        trajectories: how the predictions come about.
        permutations: of every test.
    """

    decoder: Decoder
    prompts: Sequence[IntArray]
    operators: tuple[OperatorStudy, ...]
    distance_correlation: tuple[float, ...]
    unbiased_distance: tuple[float, ...]
    p_value_distance: tuple[float, ...]
    random_cos_h: float
    random_distance: float
    trajectories: Trajectories
    permutations: int

    @property
    def floor_u(self) -> float:
        """The least cosine of two reflections, ``1 - 4/V``."""
        return floor_u(len(self.decoder.tokens))

    def summary(self) -> dict[str, Any]:
        """Return the figures that ``lens study --json`` prints."""
        size = len(self.decoder.tokens)
        return {
            "prompts": len(self.prompts),
            "operators": [operator_summary(operator, size) for operator in self.operators],
            "distance_correlation": list(self.distance_correlation),
            "distance_correlation_squared_unbiased": list(self.unbiased_distance),
            "p_value_distance_correlation": list(self.p_value_distance),
            "random_distance_correlation": self.random_distance,
            "random_cos_H": self.random_cos_h,
            "random_cos_U": cos_u(self.random_cos_h, size),
            "permutations": self.permutations,
            "trajectories": [self.trajectory(i) for i in range(len(self.prompts))],
        }

    def trajectory(self, number: int) -> dict[str, Any]:
        """Return how the prediction for one prompt comes about."""
        path, names = self.trajectories, self.decoder.tokens
        answer = int(path.answer[number])
        return {
            "prompt": self.decoder.plain(self.prompts[number].tolist()),
            "answer": {"id": answer, "token": names[answer]},
            "answer_p": path.answer_p[number].tolist(),
            "leaders": [names[i] for i in path.leader[number].tolist()],
            "entropy": path.entropy[number].tolist(),
            "settled": int(path.settled[number]),
        }


def operator_summary(operator: OperatorStudy, vocabulary: int) -> dict[str, Any]:
    """Return the figures of one operator; the floor always stands beside the cosine of U."""
    cos_h = operator.mean_cos_h
    return {
        "layer": operator.point.layer,
        "part": operator.point.after,
        "mean_cos_U": None if cos_h is None else cos_u(cos_h, vocabulary),
        "floor_U": floor_u(vocabulary),
        "mean_cos_H": cos_h,
        "norm_mean_delta_psi": operator.norm_mean_delta_psi,
        "p_value_H": operator.p_value_h,
        "p_value_delta_psi": operator.p_value_delta_psi,
        "mean_norm_delta_psi": operator.mean_norm_delta_psi,
        "answer_gain": operator.answer_gain,
        "decides": operator.decides,
        "identities": operator.identities,
        "pca_explained": operator.explained.tolist(),
        "clusters": operator.clusters.tolist(),
    }


def study_prompts(
    decoder: Decoder,
    prompts: Sequence[str | Sequence[int]],
    *,
    lens: TunedLens | None = None,
    permutations: int = 999,
    seed: int = 0,
    progress: Progress | None = None,
) -> Study:
    """Return the metrics of all operators over many prompts.

    Args:
        decoder: the decoder.
        prompts: at least two, as text or as token numbers.
        lens: a tuned lens; None is the logit lens.
        permutations: of every test: no p-value is below 1 / (1 + permutations).
        seed: of the random operators and the permutations.
        progress: called with a phrase and the share done.

    Raises:
        InputError: fewer than two prompts, or one that cannot be read.
        TooLargeError: too many prompts.
    """
    report = progress or (lambda phrase, share: None)
    permutations = require_count(permutations, "permutations")
    if len(prompts) < 2:
        raise InputError("a study compares prompts", got=f"{len(prompts)} prompt(s)", expected="at least 2")
    size, points = len(decoder.tokens), len(decoder.points)
    most = min(MOST_PROMPTS, MOST_AMPLITUDES // (size * points))
    if len(prompts) > most:
        raise TooLargeError("the prompts are too many for one study", got=f"{len(prompts):,}", expected=f"at most {most:,}")
    require_memory(8.0 * points * len(prompts) * size, "the states of all prompts", "take fewer prompts")
    texts = [decoder.encode(prompt)[-decoder.longest :] for prompt in prompts]
    psi = np.empty((points, len(texts), size))
    for rows, found in read_batches(decoder, texts, lens=lens):
        psi[:, rows] = found
        report("reading", 0.0)
    paths = trajectories(psi)
    rng = np.random.default_rng(seed)
    peers = random_directions(len(texts), size, rng)
    operators, v = [], []
    for point in range(1, points):
        report(f"operator {point} of {points - 1}", point / points)
        v.append(directions(psi[point - 1], psi[point]))
        operators.append(study_operator(decoder.points[point], point, v[-1], psi, paths, peers, permutations, rng))
    pairs = [
        (v[k - 1], v[k])
        for k in range(1, len(v))
        if decoder.points[k].after == "attention" and decoder.points[k + 1].after == "mlp"
    ]
    return Study(
        decoder, texts, tuple(operators),
        tuple(distance_correlation(*pair) for pair in pairs),
        tuple(unbiased_distance_correlation(*pair) for pair in pairs),
        tuple(pairing_p_value(*pair, permutations=permutations, rng=rng) for pair in pairs),
        mean_cos_h(peers), distance_correlation(peers, random_directions(len(texts), size, rng)), paths, permutations,
    )  # fmt: skip


def study_operator(
    point: Point, number: int, v: FloatArray, psi: FloatArray, paths: Trajectories, peers: FloatArray, permutations: int,
    rng: np.random.Generator,
) -> OperatorStudy:  # fmt: skip
    """Return one operator's metrics; ``number`` is that of the point it leads to."""
    delta = psi[number] - psi[number - 1]
    moved = v[np.any(v != 0.0, axis=1)]
    alike = len(moved) >= 2
    components, explained = principal_components(v)
    return OperatorStudy(
        point=point,
        identities=len(v) - len(moved),
        mean_cos_h=mean_cos_h(moved) if alike else None,
        p_value_h=random_p_value(moved, peers, permutations=permutations, rng=rng) if alike else None,
        norm_mean_delta_psi=float(np.linalg.norm(delta.mean(axis=0))),
        p_value_delta_psi=sign_flip_p_value(delta, permutations=permutations, rng=rng),
        mean_norm_delta_psi=float(np.linalg.norm(delta, axis=1).mean()),
        answer_gain=float(np.mean(paths.answer_p[:, number] - paths.answer_p[:, number - 1])),
        decides=int(np.sum(paths.settled == number)),
        components=components,
        explained=explained,
        clusters=clusters(v),
    )


def trajectories(psi: FloatArray) -> Trajectories:
    """Return how predictions come about from states of shape (points, N, V)."""
    p = psi**2
    leader = np.argmax(p, axis=2)
    answer = leader[-1]
    wrong = leader != answer
    settled = len(psi) - np.argmax(wrong[::-1], axis=0)
    logs = np.log(p, out=np.zeros_like(p), where=p > 0)
    return Trajectories(
        answer=answer.astype(np.int64),
        answer_p=np.take_along_axis(p, answer[None, :, None], axis=2)[..., 0].T,
        leader=leader.T.astype(np.int64),
        settled=np.where(wrong.any(axis=0), settled, 0).astype(np.int64),
        entropy=np.asarray(np.maximum(0.0, -np.sum(p * logs, axis=2))).T,
    )
