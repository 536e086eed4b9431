# SPDX-License-Identifier: Apache-2.0
"""The options of sampling around any model of texts: temperature, top-k and top-p are parts of the law."""

from __future__ import annotations

from stinespring.errors import InputError
from stinespring.models.decoders.language import LanguageModel
from stinespring.models.texts.base import TextModel
from stinespring.models.texts.truncated import SampledModel, Sampling

__all__ = ["sampled", "temperature", "top_k", "top_p"]


def top_k(model: TextModel, k: int) -> TextModel:
    """Return the model with only the k likeliest tokens of each law, normalised; ties go to the lowest token number.

    Args:
        model: any model of texts.
        k: at least 1; as many as there are tokens keeps all.

    Raises:
        InputError: no model of texts, or a k that cannot be used.

    Example:
        >>> import stinespring
        >>> model = stinespring.load("examples/three_tokens.json")
        >>> len(model.joint("sun rain", 2)), len(stinespring.top_k(model, 2).joint("sun rain", 2))
        (9, 4)
    """
    return sampled(model, k=k)


def top_p(model: TextModel, p: float) -> TextModel:
    """Return the model with the fewest likeliest tokens of each law that have at least the share p together, normalised.

    Args:
        model: any model of texts.
        p: in (0, 1].

    Raises:
        InputError: no model of texts, or a p that cannot be used.
    """
    return sampled(model, p=p)


def temperature(model: TextModel, t: float) -> TextModel:
    """Return the model at a temperature: ``P(x)^(1/T) / sum_y P(y)^(1/T)``, of logits ``softmax(logits / T)``.

    Args:
        model: any model of texts.
        t: T > 0; below 1 the likely tokens become likelier.

    Raises:
        InputError: no model of texts, or a temperature that cannot be used.
    """
    return sampled(model, t=t)


def sampled(model: TextModel, *, k: int | None = None, p: float | None = None, t: float | None = None) -> TextModel:
    """Return a model with temperature, then top-k, then top-p; what is None changes nothing.

    Around a model that is sampled already the options go on where the order of them does not matter (a temperature scales the
    logits of the k tokens that are kept, and of two k the least stays); after top-p they are a law of that law.

    Args:
        model: any model of texts.
        k: of top-k.
        p: of top-p.
        t: T.

    Raises:
        InputError: no model of texts, or an option that cannot be used.
    """
    if not isinstance(model, TextModel):
        raise InputError("top-k, top-p and temperature belong to models of texts", got=type(model).__name__,
                         expected="a stinespring.TextModel", todo="stinespring.load makes one of a function")  # fmt: skip
    wanted = Sampling.of(model.d, k, p, t)
    if isinstance(model, LanguageModel) and model.top_p is None:
        both = wanted.after(Sampling(model.top_k, None, model.temperature))
        return LanguageModel(model.decoder, **both._asdict())
    if isinstance(model, SampledModel) and model.sampling.top_p is None:
        return SampledModel(model.inner, wanted.after(model.sampling))
    return SampledModel(model, wanted)
