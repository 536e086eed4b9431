# SPDX-License-Identifier: Apache-2.0
"""From a text or a larger model to a trained model and its figures: the story of ``stinespring train``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stinespring.batches import Report, quiet
from stinespring.errors import InputError
from stinespring.models.texts.base import TextModel
from stinespring.models.texts.joint import require_count
from stinespring.models.training.blocks import Shape, attention_file, prepared
from stinespring.models.training.fit import Fitted, fit, require_library
from stinespring.models.training.laws import of_model
from stinespring.models.training.letters import of_text
from stinespring.models.training.ngrams import ngram_laws
from stinespring.models.training.windows import Corpus

__all__ = ["Sizes", "Trained", "train"]

LIMITS = {"tokens": (2, 32), "context": (1, 8), "heads": (1, 8), "mlp": (0, 1024), "longest": (2, 64)}
WIDEST, KEYS = 16, 8  # e of the embedding (at most d), m of queries and keys
MOST_SAMPLES = 1 << 22
BEYOND = 12  # tokens that a text may have beside a context, by default
PRIOR = 6.0  # decay of a text of one character: its laws are counts, and the more there are the less it matters
EXACT = 3e-5  # decay where the laws themselves are known


@dataclass(frozen=True)
class Sizes:
    """What kind of block is trained.

    Attributes:
        tokens: d, at most so many; None means 16 of a text and 8 of a model.
        context: n, how many tokens back it reads.
        heads: H, how many places it can copy at a time; None means 3 for a text and 4 for a model, at most n.
        mlp: neurons of its hidden layer; 0 means a linear map.
        longest: of the texts it can be used for, prompt included; None means context + 12.

    Raises:
        InputError: a number out of range.
    """

    tokens: int | None = None
    context: int = 4
    heads: int | None = None
    mlp: int = 64
    longest: int | None = None

    def __post_init__(self) -> None:
        for name, (least, most) in LIMITS.items():
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most):
                raise InputError(f"--{name} is out of range", got=value, expected=f"a whole number from {least} to {most}")
        if self.reach <= self.context:
            raise InputError(
                "--longest leaves no place for a token after a context", got=self.longest, expected=f"more than {self.context}"
            )

    @property
    def reach(self) -> int:
        """Positions of the file: the longest text."""
        return self.context + BEYOND if self.longest is None else self.longest


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained model.

    Attributes:
        content: of the ``stinespring/attention@1`` file.
        figures: what ``train --json`` prints beside the time and the files.
    """

    content: dict[str, Any]
    figures: dict[str, Any]


def train(
    source: str | Path | TextModel,
    sizes: Sizes | None = None,
    *,
    steps: int = 500,
    seed: int = 0,
    prompt: str | None = None,
    samples: int = 1 << 16,
    decay: float | None = None,
    report: Report = quiet,
) -> Trained:
    """Return a block of attention heads fitted by maximum likelihood to a text, or to the laws of a larger model.

    ``max sum_c w_c sum_t law_c(t) log P(t | c)``: training the model is determining its quantum operation.

    Args:
        source: a text file, or a model of texts to distil.
        sizes: of the block.
        steps: at most so many iterations of L-BFGS.
        seed: of the start and of what is drawn; the same seed gives the same model.
        prompt: models only: where the texts begin by which its likeliest tokens are found.
        samples: models only: how many contexts are drawn.
        decay: of the parameters' squares; by default 6 / characters of a text, 3e-5 for a model.
        report: of progress: a phrase and the share done.

    Raises:
        InputError: a number out of range, a text that cannot be read or is too short, autograd is not installed.
        TooLargeError: the heads have too many choices of places.

    Source: arXiv 2507.13354, closing remark.
    """
    sizes = sizes or Sizes()
    steps, samples = require_count(steps, "steps"), require_count(samples, "samples")
    if isinstance(seed, bool) or seed < 0:
        raise InputError("the seed is negative", got=seed, expected="0, 1, 2, …")
    if samples > MOST_SAMPLES:
        raise InputError("too many samples", got=f"{samples:,}", expected=f"at most {MOST_SAMPLES:,}")
    if decay is not None and not 0.0 <= decay < math.inf:
        raise InputError("--decay is out of range", got=decay, expected="a finite number from 0 on")
    require_library()
    if isinstance(source, TextModel):
        tokens = min(8, source.d) if sizes.tokens is None else sizes.tokens
        corpus = of_model(
            source, tokens=tokens, context=sizes.context, samples=samples, seed=seed, prompt=prompt, report=report
        )
        decay, distilled = EXACT if decay is None else decay, True
    else:
        corpus = of_text(source, tokens=16 if sizes.tokens is None else sizes.tokens, context=sizes.context, seed=seed)
        decay, distilled = PRIOR / float(corpus.train.weights.sum()) if decay is None else decay, False
    d = len(corpus.tokens)
    heads = sizes.heads or min(sizes.context, 4 if distilled else 3)
    shape = Shape(d, sizes.context, heads, sizes.mlp, min(d, WIDEST), KEYS)
    fitted = fit(corpus, shape, steps=steps, seed=seed, decay=decay, report=report)
    content = attention_file(fitted.parameters, shape, corpus.tokens, corpus.stop, sizes.reach)
    content["description"] = f"trained on {corpus.source}, by stinespring train, seed {seed}"
    return Trained(content, figures(corpus, fitted, distilled) | {"decay": decay, "seed": seed, "longest": sizes.reach})


def figures(corpus: Corpus, fitted: Fitted, distilled: bool) -> dict[str, Any]:
    """Return how good a fit is: KL per token, what no model can be better than, and n-grams on the same windows."""
    parts = {"train": corpus.train, "held_out": corpus.held_out}
    laws = {name: fitted.law(prepared(windows, fitted.shape)) for name, windows in parts.items()}
    floors = {name: windows.entropy() for name, windows in parts.items()}
    rows = [
        {"context": k, "kl_per_token": {n: w.divergence(law) for (n, w), law in zip(parts.items(), pair, strict=True)}}
        for k, pair in enumerate(ngram_laws(corpus, fitted.shape.context))
    ]
    return {
        "kl_per_token": {name: windows.divergence(laws[name]) for name, windows in parts.items()},
        "cross_entropy": {name: windows.cross_entropy(laws[name]) for name, windows in parts.items()},
        "entropy_floor": floors["held_out" if distilled else "train"],
        "floors": floors,
        "ngrams": rows,
        "tokens": len(corpus.tokens),
        "names": list(corpus.tokens),
        "parameters": fitted.size,
        "context": fitted.shape.context,
        "heads": fitted.shape.heads,
        "mlp": fitted.shape.mlp,
        "iterations": {"kept": fitted.iterations[0], "all": fitted.iterations[1]},
        "contexts": {"train": len(corpus.train.weights), "held_out": len(corpus.held_out.weights)},
        "source": corpus.source,
    }
