# SPDX-License-Identifier: Apache-2.0
"""Maximum likelihood: the parameters of a block from contexts and the laws that follow them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from stinespring.batches import Report
from stinespring.errors import InputError
from stinespring.models.training.blocks import AttendedTuples, Parameters, Shape, law_of, prepared, started
from stinespring.models.training.windows import TINY, Corpus
from stinespring.readings import FloatArray

__all__ = ["Fitted", "fit", "objective", "require_library"]

SHORT = 1.0  # the weight of all shorter contexts together, beside 1 of the full ones: they also teach to back off
EVERY, PATIENCE = 5, 60  # iterations between two looks at the contexts that choose, and without a gain before the end
MEMORY = 20  # pairs that L-BFGS keeps
DECIMALS = 4  # of what is written; figures are those of what is written


@dataclass(frozen=True, eq=False)
class Fitted:
    """What was found.

    Attributes:
        parameters: rounded as they are written.
        shape: sizes.
        iterations: of L-BFGS up to these parameters, and in all.
    """

    parameters: Parameters
    shape: Shape
    iterations: tuple[int, int]

    @property
    def size(self) -> int:
        """How many numbers were trained."""
        return sum(values.size for values in self.parameters.values())

    def law(self, data: AttendedTuples) -> FloatArray:
        """Return the law after every context, shape (B, d)."""
        return np.asarray(law_of(self.parameters, self.shape, data))


def fit(corpus: Corpus, shape: Shape, *, steps: int, seed: int, decay: float, report: Report) -> Fitted:
    """Return the parameters with the greatest likelihood that were met before the likelihood of other contexts fell.

    L-BFGS on all contexts at once, from a seeded start; see :func:`objective`. What is kept is the iterate with the least
    cross-entropy on ``corpus.choose``; without a gain for 60 iterations it ends.

    Args:
        corpus: what is learnt.
        shape: sizes of the block.
        steps: at most so many iterations.
        seed: of the start.
        decay: of the parameters' squares.
        report: of progress.

    Raises:
        InputError: autograd is not installed.
        TooLargeError: too many choices of attended places.
    """
    from scipy.optimize import minimize

    begin = started(shape, np.random.default_rng([seed, 0]))
    choose = prepared(corpus.choose, shape)
    evaluate, vector, unflatten = objective(corpus, shape, begin, decay)
    best: tuple[float, FloatArray, int] = (np.inf, vector, 0)
    done = 0

    def look(intermediate_result: Any) -> None:
        nonlocal best, done
        done += 1
        if done % EVERY and done < steps:
            return
        values = np.array(intermediate_result.x)
        loss = corpus.choose.cross_entropy(law_of(unflatten(values), shape, choose))
        report(f"training, {loss:.3f} nats per token", done / steps)
        if loss < best[0]:
            best = (loss, values, done)
        if done - best[2] >= PATIENCE:
            raise StopIteration

    options: Any = {"maxiter": steps, "maxfun": 4 * steps + 20, "maxcor": MEMORY}
    callback: Any = look  # SciPy knows by the argument's name what to pass
    minimize(evaluate, vector, jac=True, method="L-BFGS-B", callback=callback, options=options)
    parameters = {name: np.round(values, DECIMALS) + 0.0 for name, values in unflatten(best[1]).items()}
    return Fitted(parameters, shape, (best[2], done))


def require_library() -> None:
    """Refuse to begin where the library of gradients is missing.

    Raises:
        InputError: autograd is not installed.
    """
    if find_spec("autograd") is None:
        raise InputError(
            "training needs autograd, which is not installed",
            expected="the PyPI package autograd",
            todo="pip install 'stinespring[train]'",
        )


def objective(
    corpus: Corpus, shape: Shape, begin: Parameters, decay: float
) -> tuple[Callable[[FloatArray], tuple[float, FloatArray]], FloatArray, Callable[[FloatArray], Parameters]]:
    """Return what is minimised with its gradient, the start as one vector, and how a vector becomes parameters.

    ``-sum_c w_c sum_t law_c(t) log P(t | c) + decay |theta|^2``, over contexts of full length with weights that sum to 1 and
    over shorter ones with weights that sum to 1.

    Raises:
        InputError: autograd is not installed.
    """
    require_library()
    from autograd.misc.flatten import flatten

    from stinespring.models.training import gradients

    xp = gradients.numpy
    vector, unflatten = flatten(begin)
    parts: Sequence[tuple[AttendedTuples, FloatArray]] = [
        (prepared(windows, shape), share * windows.share[:, None] * windows.laws)
        for windows, share in [(corpus.train, 1.0), *((short, SHORT / len(corpus.short)) for short in corpus.short)]
    ]

    def loss(values: Any) -> Any:
        parameters = unflatten(values)
        total = decay * xp.sum(values**2)
        for data, wanted in parts:
            total = total - xp.sum(wanted * xp.log(law_of(parameters, shape, data, gradients) + TINY))
        return total

    return gradients.value_and_grad(loss), vector, unflatten
