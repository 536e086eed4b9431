# SPDX-License-Identifier: Apache-2.0
"""The next-token law of attention models, tables, glassllm and mathformer, evaluated plainly."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from stinespring.checks.plain.states import state_differs
from stinespring.models.texts.asked import TextAsked, texts_of
from stinespring.models.texts.attention_map import attended
from stinespring.models.texts.base import TextModel
from stinespring.stages import Samples

__all__ = ["disagreement", "glass", "misread", "plain_law"]

CONTEXTS = 4  # a step: the prompt or the likeliest prefixes
MOST_STEPS = 8
MOST_TERMS = 1 << 16  # combinations of attended positions of one context
AGREE, SINGLE = 1e-9, 2e-4  # laws in float64; in glassllm's own float32
MOST_TIES = 1e-9  # relative difference of squared distances that rounding may decide

Vector = list[float]


def disagreement(samples: Samples) -> str | None:
    """Return where the model's law and the plain one differ, in words; None where they agree or there is no plain one."""
    model: TextModel = samples.source
    agree = SINGLE if is_packaged(model.content()) else AGREE
    wrong = after_the_end(samples)
    if wrong is not None:
        return wrong
    if samples.asked.begin(model).state is not None:
        wrong = state_differs(samples, lambda step, text: plain_law(model, step, text), agree)
        if wrong is not None:
            return wrong
    together: dict[tuple[int, int], list[list[int]]] = {}
    for step, text in visited(samples):
        together.setdefault((step, len(text)), []).append(text)
    for (step, _), texts in together.items():
        laws = model.law(step, np.array(texts, dtype=np.int64))  # in one call, as they are compiled
        for text, law in zip(texts, laws, strict=True):
            plain = plain_law(model, step, text)
            if plain is None:
                return None
            if len(plain) != len(law) or not np.allclose(plain, law, rtol=0.0, atol=agree):
                off = float("inf") if len(plain) != len(law) else float(0.5 * np.abs(np.array(plain) - law).sum())
                words = " ".join(model.tokens[t] for t in text)
                return f"the model's law of step {step} after {words!r} differs from a plain evaluation by TVD {off:.3g}"
        wrong = positions_differ(samples, step, texts)
        if wrong is not None:
            return wrong
    return None


def positions_differ(samples: Samples, step: int, texts: list[list[int]]) -> str | None:
    """Return where attended positions and token together differ from a plain evaluation; None where no position was read."""
    model, content = samples.source, samples.source.content()
    read = any(name.startswith("e") for outcomes in samples.outcomes for name in outcomes.registers)
    if not read or content.get("format") != "stinespring/attention@1":
        return None
    weights, readings = attended(model, step, np.array(texts, dtype=np.int64))
    for row, text in enumerate(texts):
        plain = np.zeros(readings.shape[1:])
        for places, share, law in attended_terms(content, step, text) or ():
            plain[places] = [share * p for p in law] + [0.0]
        if not plain.any():
            return None
        joint = readings[row]
        for head in range(weights.shape[1]):
            joint = joint * weights[row, head].reshape([-1 if axis == head else 1 for axis in range(joint.ndim)])
        off = 0.5 * float(np.abs(plain - joint).sum())
        if off > AGREE:
            words = " ".join(model.tokens[t] for t in text)
            return f"attended position and token of step {step} after {words!r} differ from a plain evaluation by TVD {off:.3g}"
    return None


def misread(model: TextModel, prompt: str, numbers: Sequence[int]) -> bool:
    """Return whether the numbers of a prompt spell another text; only models that are known by their content are asked."""
    content = model.content()
    if is_packaged(content):
        return model.plain(numbers) != prompt
    known = str(content.get("format", "")).startswith(("stinespring/attention@", "stinespring/table@"))
    return known and [model.tokens[n] for n in numbers] != prompt.split()


def after_the_end(samples: Samples) -> str | None:
    """Return the words for a sampled text in which a token follows the model's stop token; None if there is none."""
    model: TextModel = samples.source
    stop = model.content().get("stop")
    if stop is None or stop not in model.tokens:
        return None
    texts, _ = texts_of(samples.outcomes[0], samples.asked.steps, model.vacuum)
    number, ended = list(model.tokens).index(stop), np.zeros(len(texts), dtype=bool)
    for place in range(texts.shape[1]):
        tokens = (texts[:, place] >= 0) & (texts[:, place] < len(model.tokens))
        if (ended & tokens).any():
            return (
                f"a token at place {place + 1} follows the stop token {stop!r} in {int((ended & tokens).sum())} sampled text(s)"
            )
        ended |= texts[:, place] == number
    return None


def visited(samples: Samples) -> Iterator[tuple[int, list[int]]]:
    """Yield (step, text) of a few contexts that the samples visited, likeliest first; of an input state its texts."""
    model, asked = samples.source, samples.asked
    assert isinstance(asked, TextAsked), "samples of texts"
    begin = asked.begin(model)
    if begin.state is not None:
        rows = [[t for t in row if t != model.vacuum] for row in begin.state.texts.tolist()]
        usable = [row for row in rows if len(row) >= model.shortest and not model.complete(np.array([row], dtype=np.int64))[0]]
        yield from ((1, row) for row in usable[:CONTEXTS])
        return
    texts, counts = texts_of(samples.outcomes[0], asked.steps, model.vacuum)
    for step in range(1, min(asked.steps, MOST_STEPS) + 1):
        prefixes, where = np.unique(texts[:, : step - 1], axis=0, return_inverse=True)
        order = np.argsort(-np.bincount(where.ravel(), weights=counts, minlength=len(prefixes)), kind="stable")
        going = [prefixes[i].tolist() for i in order if (prefixes[i] >= 0).all() and not model.complete(prefixes[i : i + 1])[0]]
        yield from ((step, [*begin.prompt.tolist(), *prefix]) for prefix in going[:CONTEXTS])


def is_packaged(content: Mapping[str, Any]) -> bool:
    """Return whether the content is that of a packaged language model."""
    return str(content.get("format", "")).startswith(("glassllm:", "mathformer:"))


def plain_law(model: TextModel, step: int, text: Sequence[int]) -> Vector | None:
    """Return the next token's law after a text, from the model's content; None for models that are not known by theirs.

    Args:
        model: only its ``content()`` is used.
        step: from 1.
        text: token numbers.
    """
    content = model.content()
    if "layer" in content:  # the packages evaluate whole decoders
        return None
    if content.get("format") == "stinespring/attention@1":
        return sampled_law(content, attention_law(content, step, text))
    if content.get("format") == "stinespring/table@1":
        return sampled_law(content, table_law(content, text))
    if is_packaged(content):
        return sampled_law(content, package_law(content, text))
    return None


def table_law(content: Mapping[str, Any], text: Sequence[int]) -> Vector:
    """Return the row of the last n tokens, the earliest the most significant digit."""
    n, d, row = int(content["context"]), len(content["tokens"]), 0
    for token in text[len(text) - n :] if n else []:
        row = row * d + token
    total = math.fsum(content["law"][row])
    return [p / total for p in content["law"][row]]


def attention_law(content: Mapping[str, Any], step: int, text: Sequence[int]) -> Vector | None:
    """Return ``sum_{j_1..j_H} prod_h p_{j_h} readout(FFN(output [V_1 x_{j_1}; ...]))`` term by term."""
    terms = attended_terms(content, step, text)
    if terms is None:
        return None
    result = [0.0] * len(content["embedding"])
    for _, share, law in terms:
        result = [total + share * p for total, p in zip(result, law, strict=True)]
    return result


def attended_terms(
    content: Mapping[str, Any], step: int, text: Sequence[int]
) -> list[tuple[tuple[int, ...], float, Vector]] | None:
    """Return ``(j_1..j_H), prod_h p_{j_h}, readout(FFN(output [V_1 x_{j_1}; ...]))`` of all positions; None if too many.

    Source: arXiv 2507.13354; MATH as in docs/formats.md.
    """
    block = content["blocks"][min(step, len(content["blocks"])) - 1]
    embedding, positions = content["embedding"], content.get("positions")
    x = [list(embedding[token]) for token in text]
    if positions is not None:
        x = [[a + b for a, b in zip(row, positions[i], strict=True)] for i, row in enumerate(x)]
    heads = block["heads"]
    if len(x) ** len(heads) > MOST_TERMS:
        return None
    weights = []
    for head in heads:
        asked = times(head["query"], x[-1])
        scores = [math.fsum(a * b for a, b in zip(asked, times(head["key"], row), strict=True)) for row in x]
        sizes = [math.exp(score - max(scores)) for score in scores]
        weights.append([size / math.fsum(sizes) for size in sizes])
    result = []
    for places in product(range(len(x)), repeat=len(heads)):
        share = math.prod(weights[h][j] for h, j in enumerate(places))
        joined = [value for head, j in zip(heads, places, strict=True) for value in times(head["value"], x[j])]
        if block.get("output") is not None:
            joined = times(block["output"], joined)
        y = forward(block.get("ffn") or {"kind": "identity"}, joined)
        result.append((places, share, read_out(block.get("readout") or {"kind": "nearest"}, y, embedding)))
    return result


def times(matrix: Sequence[Vector], vector: Vector) -> Vector:
    """Return a matrix times a vector."""
    return [math.fsum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix]


def forward(ffn: Mapping[str, Any], y: Vector) -> Vector:
    """Return what the feed-forward network makes of a vector; an activation after every layer but the last."""
    layers = [] if ffn["kind"] == "identity" else ffn["layers"]
    for number, layer in enumerate(layers):
        y = [a + b for a, b in zip(times(layer["weight"], y), layer["bias"], strict=True)]
        if number < len(layers) - 1:
            y = [activated(ffn.get("activation", "relu"), value) for value in y]
    return y


def activated(name: str, value: float) -> float:
    """Return relu, tanh, or gelu in the exact form."""
    if name == "relu":
        return max(0.0, value)
    return math.tanh(value) if name == "tanh" else 0.5 * value * (1.0 + math.erf(value / math.sqrt(2.0)))


def read_out(readout: Mapping[str, Any], y: Vector, embedding: Sequence[Vector]) -> Vector:
    """Return the token law of a vector: the nearest embedding row, ties to the lowest index, or a softmax."""
    if readout["kind"] == "softmax":
        scores = [math.fsum(a * b for a, b in zip(row, y, strict=True)) / readout.get("temperature", 1.0) for row in embedding]
        sizes = [math.exp(score - max(scores)) for score in scores]
        return [size / math.fsum(sizes) for size in sizes]
    squares = [math.fsum((a - b) ** 2 for a, b in zip(row, y, strict=True)) for row in embedding]
    scale = 1.0 + math.fsum(value * value for value in y)
    nearest = next(i for i, square in enumerate(squares) if square <= min(squares) + MOST_TIES * scale)
    return [float(i == nearest) for i in range(len(embedding))]


def package_law(content: Mapping[str, Any], text: Sequence[int]) -> Vector | None:
    """Return the package's own logits of its float32 weights, with temperature, top-k and top-p taken plainly.

    A token at a cut whose logit, or whose share, float32 cannot tell from its neighbour's is left undecided: None.
    """
    logits = [value / content["temperature"] for value in package_logits(str(content["format"]), text)]
    return sampled(logits, int(content["top_k"]), content.get("top_p"), SINGLE)


def sampled(logits: Vector, k: int, share: float | None, close: float) -> Vector | None:
    """Return the softmax of the k largest logits, and of these of the fewest with at least a share, taken plainly.

    Where a token at a cut and its neighbour are closer than ``close``, it is left undecided: None.
    """
    ranked = sorted(range(len(logits)), key=lambda token: (-logits[token], token))
    if k < len(ranked) and logits[ranked[k - 1]] - logits[ranked[k]] < close:
        return None
    sizes = {token: math.exp(logits[token] - logits[ranked[0]]) for token in ranked[:k]}
    if share is not None:
        reached, whole = 0.0, math.fsum(sizes.values())
        for rank, token in enumerate(ranked[:k]):
            if abs(reached - share) < close or (reached > share and logits[ranked[rank - 1]] - logits[token] < close):
                return None
            if reached > share:
                sizes = {token: sizes[token] for token in ranked[:rank]}
                break
            reached += sizes[token] / whole
    total = math.fsum(sizes.values())
    return [sizes.get(token, 0.0) / total for token in range(len(logits))]


def sampled_law(content: Mapping[str, Any], law: Vector | None) -> Vector | None:
    """Return a law with the options of sampling that the content has, if any."""
    if law is None or "sampling" not in content:
        return law
    stages = content["sampling"]
    for options in stages if isinstance(stages, list) else [stages]:
        logits = [math.log(p) / options["temperature"] if p > 0 else -math.inf for p in law]
        law = sampled(logits, int(options["top_k"]), options["top_p"], AGREE)
        if law is None:
            return None
    return law


def package_logits(name: str, text: Sequence[int]) -> Vector:
    """Return the logits after a text: glassllm's in float32, mathformer's in pure Python."""
    package, _, which = name.partition(":")
    if package == "mathformer":
        return [float(value) for value in arithmetic(which).forward(list(text))[0]]
    from glassllm import no_grad

    model = glass(which)  # loaded within no_grad it would keep its random weights
    with no_grad():
        last = model(np.array([text], dtype=np.int64)).data[0, -1]
    return [float(value) for value in last]


@lru_cache(maxsize=4)
def arithmetic(operation: str) -> Any:
    """Return mathformer's own model."""
    import mathformer
    from mathformer.llama import TinyLlama

    return TinyLlama(str(Path(mathformer.__file__).parent / f"{operation}former"))


@lru_cache(maxsize=2)
def glass(language: str) -> Any:
    """Return glassllm's own model."""
    from glassllm import load_pretrained

    return load_pretrained(language)[0]
