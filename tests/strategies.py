# SPDX-License-Identifier: Apache-2.0
"""Hypothesis strategies for models, texts, laws, isometries, Kraus operators and programs with conditions.

Each one draws shapes and a seed and fills arrays with NumPy, so that shrinking works on the shapes. Beside them
:func:`series`: how many examples, seeds or shots a test takes in the short and in the long series.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from stinespring.circuits.core.flow import Flow, If, Measure, Reset
from stinespring.circuits.core.gates import Gate

Model = dict[str, Any]
Draw = st.DrawFn

NAMES = ["a", "b", "ü", "东", "e1"]
# Matrix entries are drawn from [-SPAN, SPAN] and rounded to this many decimals.
SPAN = 2.0
DECIMALS = 3
ANGLES = st.floats(-3, 3)
LONG = "long"  # hypothesis' profile of the long series


def series(short: int, long: int) -> int:
    """Return how many: ``short`` for ``pytest``, ``long`` for ``pytest --long``.

    For whatever has a number: ``@settings(max_examples=series(6, 200))``, ``parametrize("seed", range(series(2, 50)))``. It is
    asked while the test's module is imported, so that it decides what is collected.
    """
    return long if settings.get_current_profile_name() == LONG else short


def seeds() -> st.SearchStrategy[int]:
    """Seeds of `numpy.random.default_rng`."""
    return st.integers(0, 2**32 - 1)


def token_counts(min_tokens: int, max_tokens: int) -> st.SearchStrategy[int]:
    """Numbers of tokens, mostly two or more and now and then one."""
    if min_tokens > 1 or max_tokens == 1:
        return st.integers(min_tokens, max_tokens)
    return st.sampled_from([1, *list(range(2, max_tokens + 1)) * 4])


def _matrix(rng: np.random.Generator, rows: int, columns: int, span: float = SPAN) -> list[list[float]]:
    # Adding 0.0 turns the -0.0 that rounding makes into 0.0.
    rounded = np.round(rng.uniform(-span, span, (rows, columns)), DECIMALS) + 0.0
    return [[float(entry) for entry in row] for row in rounded]


def _widths(draw: Draw, heads: int, total: int | None, largest: int, equal: bool) -> list[int]:
    """Value widths of the heads, adding up to `total` if one is given."""
    if total is None:
        if equal:
            return [draw(st.integers(1, largest))] * heads
        return draw(st.lists(st.integers(1, largest), min_size=heads, max_size=heads))
    if equal:
        return [total // heads] * heads
    widths = [1] * heads
    for _ in range(total - heads):
        widths[draw(st.integers(0, heads - 1))] += 1
    return widths


def _draw_ffn(draw: Draw, rng: np.random.Generator, e: int) -> Model:
    if not draw(st.booleans()):
        return {"kind": "identity"}
    depth = draw(st.integers(1, 3))
    sizes = [e, *draw(st.lists(st.integers(1, 4), min_size=depth - 1, max_size=depth - 1)), e]
    layers = [{"weight": _matrix(rng, n_out, n_in), "bias": _matrix(rng, 1, n_out)[0]} for n_in, n_out in pairwise(sizes)]
    return {"kind": "mlp", "layers": layers, "activation": draw(st.sampled_from(["relu", "gelu", "tanh"]))}


def _draw_block(
    draw: Draw,
    rng: np.random.Generator,
    e: int,
    max_heads: int,
    readout: str | None,
    equal_value_widths: bool,
) -> Model:
    joined = draw(st.booleans())
    # Without `output` the values themselves must fill the e entries of the embedding space.
    numbers = [h for h in range(1, max_heads + 1) if joined or (h <= e and (not equal_value_widths or e % h == 0))]
    n_heads = draw(st.sampled_from(numbers))
    widths = _widths(draw, n_heads, None if joined else e, 3, equal_value_widths)
    heads = []
    for width in widths:
        m = draw(st.integers(1, 3))
        # Smaller entries keep the scores, which are of fourth order, away from one-hot attention.
        query, key = _matrix(rng, m, e, 1.0), _matrix(rng, m, e, 1.0)
        heads.append({"query": query, "key": key, "value": _matrix(rng, width, e)})
    block: Model = {"heads": heads}
    if joined:
        block["output"] = _matrix(rng, e, sum(widths))
    block["ffn"] = _draw_ffn(draw, rng, e)
    kind = readout if readout is not None else draw(st.sampled_from(["nearest", "softmax"]))
    block["readout"] = {"kind": kind}
    if kind == "softmax":
        block["readout"]["temperature"] = draw(st.sampled_from([0.5, 1.0, 2.0]))
    return block


@st.composite
def attention_models(
    draw: Draw,
    max_tokens: int = 5,
    max_heads: int = 3,
    *,
    min_tokens: int = 1,
    max_embedding: int = 4,
    max_blocks: int = 3,
    max_length: int = 8,
    readout: str | None = None,
    stop: bool | None = None,
    equal_value_widths: bool = False,
) -> Model:
    """Parsed `stinespring/attention@1` files.

    Args:
        draw: given by hypothesis.
        max_tokens: largest d (at most 5).
        max_heads: largest number of heads.
        min_tokens: smallest d.
        max_embedding: largest embedding dimension.
        max_blocks: largest number of blocks.
        max_length: rows of `positions`, where there are any: the longest text, prompt included.
        readout: "nearest" or "softmax" to fix the readouts.
        stop: whether there is a stop token; None leaves it open. A model of one token has none.
        equal_value_widths: whether all heads of a block have values of one width.
    """
    d = draw(token_counts(min_tokens, max_tokens))
    e = draw(st.integers(1, max_embedding))
    with_positions = draw(st.booleans())
    n_blocks = draw(st.integers(1, max_blocks))
    with_stop = d > 1 and (draw(st.booleans()) if stop is None else stop)
    rng = np.random.default_rng(draw(seeds()))
    model: Model = {"format": "stinespring/attention@1", "tokens": NAMES[:d], "embedding": _matrix(rng, d, e)}
    if with_positions:
        model["positions"] = _matrix(rng, max_length, e, 1.0)
    model["stop"] = draw(st.sampled_from(NAMES[:d])) if with_stop else None
    model["blocks"] = [_draw_block(draw, rng, e, max_heads, readout, equal_value_widths) for _ in range(n_blocks)]
    return model


def _law(rng: np.random.Generator, contexts: int, outcomes: int, zeros: float) -> np.ndarray:
    """Rows of thousandths, so that written decimals add up to 1; `zeros` of the entries vanish."""
    weights = rng.dirichlet(np.ones(outcomes), size=contexts)
    weights[rng.random((contexts, outcomes)) < zeros] = 0.0
    empty = weights.sum(axis=1) == 0.0
    weights[empty, rng.integers(outcomes, size=int(empty.sum()))] = 1.0
    weights /= weights.sum(axis=1, keepdims=True)
    thousandths = np.floor(weights * 1000)
    # The largest entry takes what rounding down left over, so a zero stays a zero.
    thousandths[np.arange(contexts), weights.argmax(axis=1)] += 1000 - thousandths.sum(axis=1)
    return thousandths / 1000


@st.composite
def laws(draw: Draw, contexts: int, outcomes: int) -> np.ndarray:
    """Row-stochastic arrays (contexts, outcomes), some with zeros and some with one outcome per row only."""
    zeros = draw(st.sampled_from([0.0, 0.0, 0.4, 1.0]))
    return _law(np.random.default_rng(draw(seeds())), contexts, outcomes, zeros)


@st.composite
def table_models(draw: Draw, max_tokens: int = 4, max_context: int = 2, *, min_tokens: int = 1) -> Model:
    """Parsed `stinespring/table@1` files, rows with zeros and deterministic rows included."""
    d = draw(token_counts(min_tokens, max_tokens))
    context = draw(st.integers(0, max_context))
    law = draw(laws(d**context, d))
    return {"format": "stinespring/table@1", "tokens": NAMES[:d], "context": context, "law": law.tolist()}


@st.composite
def texts(draw: Draw, model: Model, max_size: int = 3) -> list[int]:
    """Prompts of a model: at least one token (a table: its context), never the stop token.

    Keep `max_size` plus the steps within the `max_length` of `attention_models`.
    """
    allowed = [token for token, name in enumerate(model["tokens"]) if name != model.get("stop")]
    least = model["context"] if model["format"] == "stinespring/table@1" else 1
    size = draw(st.integers(least, max(least, max_size)))
    return draw(st.lists(st.sampled_from(allowed), min_size=size, max_size=size))


def _isometry(rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    gaussian = rng.normal(size=(rows, columns)) + 1j * rng.normal(size=(rows, columns))
    q, r = np.linalg.qr(gaussian)
    # Fixing the phases of R's diagonal makes the law Haar's, not the QR routine's.
    diagonal = np.diag(r)
    return q * (diagonal / np.abs(diagonal))


@st.composite
def random_isometry(draw: Draw, m: int, n: int, r: int = 1) -> np.ndarray:
    """Haar-random isometries (r 2^n, 2^m), environment most significant; needs r 2^n >= 2^m."""
    if r * 2**n < 2**m:
        raise ValueError(f"no isometry from {m} qubits to {n} qubits with an environment of dimension {r}")
    return _isometry(np.random.default_rng(draw(seeds())), r * 2**n, 2**m)


@st.composite
def random_kraus(draw: Draw, m: int, n: int, r: int) -> np.ndarray:
    """Kraus operators (r, 2^n, 2^m) of a channel from m to n qubits: the blocks of a random isometry."""
    isometry = draw(random_isometry(m, n, r))
    return isometry.reshape(r, 2**n, 2**m)


@st.composite
def gates(draw: Draw, qubits: int = 3) -> Gate:
    """Gates of the compiler's list."""
    a, b = draw(st.permutations(range(qubits)))[:2]
    kind = draw(st.sampled_from(["cx", "cz", "h", "x", "ry", "rz", "u"]))
    size = {"ry": 1, "rz": 1, "u": 3}.get(kind, 0)
    return Gate(kind, (a, b) if kind in ("cx", "cz") else (a,), tuple(draw(ANGLES) for _ in range(size)))


@st.composite
def flows(draw: Draw) -> Flow:
    """Two system qubits, one ancilla, three bits of `outcome` and one of `other`."""
    items: list[Any] = []
    for _ in range(draw(st.integers(1, 12))):
        kind = draw(st.sampled_from(["gate", "gate", "measure", "reset", "if", "bit", "other"]))
        if kind == "gate":
            items.append(draw(gates()))
        elif kind == "measure":
            items.append(Measure((draw(st.integers(0, 2)),), "outcome", (draw(st.integers(0, 2)),)))
        elif kind == "other":
            items.append(Measure((draw(st.integers(0, 2)),), "other", (0,)))
        elif kind == "reset":
            items.append(Reset((draw(st.integers(0, 2)),)))
        else:
            body = tuple(draw(st.lists(gates(), min_size=1, max_size=3)))
            if kind == "if":
                items.append(If("outcome", draw(st.integers(0, 7)), body))
            else:
                items.append(If("other", draw(st.integers(0, 1)), body, bit=0))
    return Flow((("sys", 2), ("env", 1)), (("outcome", 3), ("other", 1)), tuple(items))


@st.composite
def spin_networks(draw: st.DrawFn, *, spins: int = 5, attention: bool | None = False) -> dict:
    """Content of a ``stinespring/spins@1`` file with a context of tokens, of attention vectors, or (None) either."""
    M, N, P = draw(st.integers(1, 4)), draw(st.integers(1, spins)), draw(st.integers(0, 2))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))

    def signs(rows: int, columns: int) -> list:
        return rng.choice([-1, 1], size=(rows, columns)).tolist()

    data = {
        "format": "stinespring/spins@1",
        "eps": draw(st.sampled_from([0.0, 0.02, 0.3, 1.0])),
        "gamma": draw(st.sampled_from([0.0, 1.5, 20.0, 900.0])),
        "beta": draw(st.sampled_from([0.0, 0.4, 1.3, 6.0])),
        "features": {role: signs(M, N) for role in "qkvo"},
        "position_features": {role: signs(M, P) for role in "qkvo"},
        "time": draw(st.integers(-3, 9)),
    }
    if draw(st.booleans()) if attention is None else attention:
        return data | {"attention_window": rng.normal(size=(2**P, M)).tolist()}
    return data | {"window": signs(2**P, N)}


@st.composite
def sphere_models(draw: Draw, max_particles: int = 7, max_dimension: int = 4, *, gradient: bool | None = None) -> Model:
    """Sphere files: both normalisations, kernels, directions and fields, with and without matrices and perceptron."""
    rng = np.random.default_rng(draw(seeds()))
    n, d = draw(st.integers(1, max_particles)), draw(st.integers(2, max_dimension))
    in_gradient = draw(st.booleans()) if gradient is None else gradient
    model: Model = {
        "format": "stinespring/sphere@1",
        "particles": rng.normal(size=(n, d)).tolist(),
        "beta": draw(st.sampled_from([0.05, 1.0, 4.0])),
        "normalise": draw(st.sampled_from(["SA", "USA"])),
        "kernel": draw(st.sampled_from(["plain", "scaled"])),
        "direction": draw(st.sampled_from(["ascent", "descent"])),
        "field": draw(st.sampled_from(["projected", "raw"])),
        "step": draw(st.sampled_from([0.02, 0.3])),
        "perceptron": None,
    }
    if not in_gradient:
        model |= {name: _matrix(rng, d, d) for name in ("query", "key", "value") if draw(st.booleans())}
    if draw(st.booleans()):
        m = draw(st.integers(1, 4))
        model["perceptron"] = {
            "directions": _matrix(rng, m, d),
            "weights": rng.normal(size=m).tolist(),
            "activation": draw(st.sampled_from(["relu", "gelu", "tanh"])),
        }
        if not in_gradient and draw(st.booleans()):
            model["perceptron"]["output"] = _matrix(rng, m, d)
    return model
