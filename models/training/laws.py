# SPDX-License-Identifier: Apache-2.0
"""What is trained on where a larger model is distilled: its laws on the contexts it visits, restricted to d tokens."""

from __future__ import annotations

import numpy as np

from stinespring.batches import Report
from stinespring.errors import InputError
from stinespring.models.texts.base import TextModel
from stinespring.models.training.windows import Corpus, Windows
from stinespring.readings import FloatArray, IntArray

__all__ = ["likeliest", "of_model"]

REPEATED = 1 << 30  # a generation step past every list of blocks: the block that repeats
TEXTS, LENGTH = 32, 24  # texts sampled to find the likeliest tokens, and their length
STEPS = 8  # tokens that are generated after a random context, before the next one
SHARES = (0.8, 0.1, 0.1)  # of the distinct contexts: train, choose, held out


def of_model(
    model: TextModel, *, tokens: int, context: int, samples: int, seed: int, prompt: str | None, report: Report
) -> Corpus:
    """Return the laws of a model restricted to its ``tokens`` likeliest tokens and the last ``context`` tokens of a text.

    ``q(t | c) = P(t | c) / sum_{s kept} P(s | c)`` for kept tokens t, where c are the last n tokens alone. The kept tokens are
    the likeliest on average along texts that the model itself generates. Contexts are those that short texts of ``q`` visit,
    weighted by how often they do; every distinct context is either trained on, used to choose, or held out, at random.

    Args:
        model: any model of texts; of several blocks the one that repeats.
        tokens: d.
        context: n.
        samples: how many contexts are drawn, with repetitions.
        seed: of all that is drawn.
        prompt: where the model's own texts begin; by default after one random token.
        report: of progress.

    Raises:
        InputError: a model that cannot read so few or so many tokens, or too few contexts.
    """
    if not model.shortest <= context or (model.longest is not None and context >= model.longest):
        longest = "" if model.longest is None else f" and fewer than {model.longest}"
        raise InputError(
            "the model does not continue a context of this length",
            got=f"--context {context}",
            expected=f"at least {model.shortest}{longest}",
        )
    rng = np.random.default_rng([seed, 1])
    kept = likeliest(model, tokens, context, rng, prompt, report)
    chain = Restricted(model, kept, context)
    contexts, weights = visited(chain, samples, rng, report)
    laws, _ = chain.laws(contexts)
    order = rng.permutation(len(contexts))
    ends = np.cumsum([round(share * len(contexts)) for share in SHARES])
    parts = [np.sort(part) for part in np.split(order, ends[:2])]
    if min(map(len, parts)) < 1:
        raise InputError(
            "the model visits too few contexts to hold some out",
            got=f"{len(contexts)} distinct contexts of {context} token(s)",
            expected="at least 10",
            todo="use a larger --context or more --tokens",
        )
    train, choose, held = (Windows(contexts[part], laws[part], weights[part]) for part in parts)
    stop = None if model.stop is None or model.stop not in kept else int(np.flatnonzero(kept == model.stop)[0])
    short = tuple(chain.shorter(train, length) for length in range(max(1, model.shortest), context))
    names = tuple(model.tokens[k] for k in kept)
    source = f"{model.name} restricted to its {len(names)} likeliest tokens, renormalised, and to contexts of {context}"
    return Corpus(names, stop, train, short, choose, held, source)


def likeliest(
    model: TextModel, tokens: int, context: int, rng: np.random.Generator, prompt: str | None, report: Report
) -> IntArray:
    """Return the numbers of the ``tokens`` tokens with the greatest mean law along texts that the model generates."""
    if tokens > model.d:
        raise InputError("the model has fewer tokens", got=f"--tokens {tokens}", expected=f"at most {model.d}")
    begin = max(1, model.shortest)
    begun = rng.integers(model.d, size=(TEXTS, begin)) if prompt is None else np.tile(model.encode(prompt), (TEXTS, 1))
    texts, mean = begun, np.zeros(model.d)
    length = LENGTH if model.longest is None else min(LENGTH, model.longest - begun.shape[1])
    for step in range(max(1, length)):
        report(f"reading {model.name}", step / length)
        law = model.law(REPEATED, texts)
        mean += law.mean(axis=0)
        following = drawn(law, rng)
        if model.stop is not None:
            following[following == model.stop] = begun[following == model.stop, 0]
        texts = np.concatenate([texts, following[:, None]], axis=1)
    return np.sort(np.argsort(-mean, kind="stable")[:tokens])


class Restricted:
    """The chain of a model's kept tokens that remembers n of them; laws that were asked for are kept."""

    def __init__(self, model: TextModel, kept: IntArray, context: int) -> None:
        self.model, self.kept, self.context = model, kept, context
        self.known: dict[bytes, tuple[FloatArray, bool]] = {}

    def laws(self, contexts: IntArray) -> tuple[FloatArray, IntArray]:
        """Return the law over the kept tokens, shape (B, d), and which contexts have one: nothing follows the others."""
        keys = [row.tobytes() for row in np.ascontiguousarray(contexts)]
        missing = {key: i for i, key in enumerate(keys) if key not in self.known}
        if missing:
            asked = contexts[list(missing.values())]
            law = self.model.law(REPEATED, self.kept[asked])[:, self.kept]
            mass = law.sum(axis=1, keepdims=True)
            law = law / np.where(mass > 0, mass, 1.0)
            self.known |= {key: (row, bool(m > 0)) for key, row, m in zip(missing, law, mass[:, 0], strict=True)}
        found = [self.known[key] for key in keys]
        return np.array([law for law, _ in found]), np.array([fine for _, fine in found])

    def shorter(self, windows: Windows, length: int) -> Windows:
        """Return the model's own laws after the last ``length`` tokens of contexts."""
        distinct, place = np.unique(windows.contexts[:, -length:], axis=0, return_inverse=True)
        laws, fine = self.laws(distinct)
        weights: FloatArray = np.bincount(place.ravel(), weights=windows.weights).astype(np.float64)
        return Windows(distinct[fine], laws[fine], weights[fine])


def visited(chain: Restricted, samples: int, rng: np.random.Generator, report: Report) -> tuple[IntArray, FloatArray]:
    """Return the distinct contexts along short texts of the chain, each after n tokens at random, and how often each was met.

    Chains of few tokens fall into loops (glassllm writes line breaks for ever); texts as short as those that circuits
    generate do not.
    """
    d, stop = len(chain.kept), chain.model.stop
    texts = rng.integers(d, size=(-(-samples // STEPS), chain.context))
    rows: list[IntArray] = []
    for step in range(STEPS):
        report(f"reading {chain.model.name}", step / STEPS)
        if stop is not None:
            texts = texts[(chain.kept[texts] != stop).all(axis=1)]
        laws, fine = chain.laws(texts)
        texts, laws = texts[fine], laws[fine]
        rows.append(texts)
        texts = np.concatenate([texts[:, 1:], drawn(laws, rng)[:, None]], axis=1)
    found = np.concatenate(rows)
    if not len(found):
        raise InputError("nothing follows the model's contexts", got=chain.model.name, expected="a law of the tokens kept")
    distinct, counts = np.unique(found, axis=0, return_counts=True)
    return distinct, counts.astype(np.float64)


def drawn(laws: FloatArray, rng: np.random.Generator) -> IntArray:
    """Return one token for each row."""
    total = laws.cumsum(axis=1)
    return np.asarray((total <= rng.random((len(laws), 1)) * total[:, -1:]).sum(axis=1), dtype=np.int64)
