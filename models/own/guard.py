# SPDX-License-Identifier: Apache-2.0
"""A user's law, held to what it has to give: its errors are those of the input, and no NaN or wrong shape goes further."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from stinespring.errors import InputError, StinespringError, shorten
from stinespring.memory import require_memory
from stinespring.readings import FloatArray, IntArray

__all__ = ["guarded", "require_described"]

Law = Callable[[Any, int, IntArray], FloatArray]

MOST_ENTRIES = 1 << 22  # probabilities that one call gives: 32 MB
MOST_LOGITS = 1 << 25  # logits of one call, if they are computed at every place of a text: 128 MB in float32
SUM = 1e-4  # by how much rows may miss 1: laws in float32 do
ROUNDING = 1e-12  # above which a row is divided by its sum
SAME = 1e-4  # by how much the law of a text may differ if it is asked again, in another batch
TODO = "correct the model: see docs/howto/own-model.md"
LOOKED_AT = "_stinespring_looked_at"


def guarded(law: Law) -> Law:
    """Return a law whose answers are looked at: of a class that somebody else wrote.

    Texts are handed on in batches small enough that a model with logits at every place of every text stays within memory. Rows
    are divided by their sum, which single precision misses. Once a model, a text is asked for again, alone; and with a window,
    with another token before it.

    Raises:
        InputError: from the law that is returned: what it raises itself, numbers that are no law, two laws for one text.
    """

    @wraps(law)
    def looked_at(self: Any, step: int, texts: IntArray) -> FloatArray:
        whole = np.asarray(texts)
        if not getattr(self, LOOKED_AT, False):
            require_described(self)
        rows = max(1, min(MOST_ENTRIES, MOST_LOGITS // max(1, whole.shape[1])) // (self.d + 1))
        chunks = [whole[first : first + rows] for first in range(0, len(whole), rows)]
        if len(chunks) > 1:
            require_memory(8.0 * len(whole) * self.d, "the laws of so many texts", "ask for fewer steps, or a smaller --top-k")
        parts = [answer(law, self, step, chunk) for chunk in chunks] or [np.zeros((0, self.d))]
        result = parts[0] if len(parts) == 1 else np.concatenate(parts)
        if len(whole) and not getattr(self, LOOKED_AT, False):
            require_one_law(law, self, step, whole, result[0])
            object.__setattr__(self, LOOKED_AT, True)
        return result

    return looked_at


def answer(law: Law, model: Any, step: int, texts: IntArray) -> FloatArray:
    """Return the law of a batch of texts, shape (B, d), rows sum to 1."""
    try:
        found = np.asarray(law(model, step, texts))
    except (StinespringError, KeyboardInterrupt, MemoryError):
        raise
    except BaseException as error:  # whatever the user's code raises, SystemExit too
        words = shorten(f"{type(error).__name__}: {' '.join(str(error).split())}", 300)
        raise refused(model, words, "probabilities") from error
    shape = (len(texts), model.d)
    if found.dtype.kind not in "fiub" or found.shape != shape:
        raise refused(model, f"{found.dtype} of shape {found.shape}", f"probabilities of shape {shape}: (texts, tokens)")
    result: FloatArray = found.astype(np.float64, copy=False)
    if not np.isfinite(result).all() or result.min(initial=0.0) < 0:
        worst = "numbers that are not finite" if not np.isfinite(result).all() else f"a probability of {result.min():.3g}"
        raise refused(model, worst, "probabilities, all at least 0")
    total = result.sum(axis=1)
    off = float(abs(total - 1.0).max(initial=0.0))
    if off > SUM:
        raise refused(model, f"a row that adds up to {total[np.argmax(abs(total - 1.0))]:.6g}", "rows that add up to 1")
    return result if off <= ROUNDING else result / total[:, None]


def require_one_law(law: Law, model: Any, step: int, texts: IntArray, first: FloatArray) -> None:
    """Refuse a model with another law for a text that is asked for again, or for another text with the same window."""
    again = answer(law, model, step, texts[:1])[0]
    if (off := float(abs(again - first).max())) > SAME:
        raise refused(
            model, f"the law of one text, asked for twice, differs by {off:.2g}", "one law, alone and in every batch",
            "switch off dropout, and let no text of a batch see another",
        )  # fmt: skip
    window = model.window
    if window is None or texts.shape[1] <= window or model.d < 2:
        return
    other = texts[:1].copy()
    other[0, 0] = next(n for n in ((other[0, 0] + 1) % model.d, (other[0, 0] + 2) % model.d) if n != model.stop or model.d < 3)
    if (off := float(abs(answer(law, model, step, other)[0] - first).max())) > SAME:
        raise refused(model, f"a law that a token before the last {window} changes by {off:.2g}", f"window = {window} or more",
                      "state a longer window, or None for the whole text")  # fmt: skip


def require_described(model: Any) -> None:
    """Refuse a model whose tokens, stop, window or length cannot be used.

    Raises:
        InputError: naming the attribute.
    """
    tokens = getattr(model, "tokens", None)
    if not isinstance(tokens, tuple | list) or not tokens or not all(isinstance(token, str) for token in tokens):
        raise refused_attribute(model, "tokens", tokens, "a tuple of names")
    odd = next((token for token in tokens if not token or any(map(str.isspace, token))), None)
    if odd is not None:
        raise refused_attribute(model, "tokens", odd, "names without white space", NAMES)
    if len(set(tokens)) != len(tokens):
        twice, _ = Counter(tokens).most_common(1)[0]
        raise refused_attribute(model, "tokens", f"{twice!r} more than once", "distinct names", NAMES)
    numbers = {"stop": (model.stop, 0, len(tokens) - 1), "window": (model.window, 0, None), "longest": (model.longest, 1, None)}
    for name, (value, least, most) in numbers.items():
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if value is not None and not (whole and value >= least and (most is None or value <= most)):
            words = f"None, or a whole number from {least}" + ("" if most is None else f" to {most}")
            raise refused_attribute(model, name, value, words)


NAMES = "stinespring.token_names(pieces) makes names of a tokenizer's pieces"


def refused(model: Any, got: object, expected: str, todo: str = TODO) -> InputError:
    """Return the refusal of a law."""
    return InputError("the model's law cannot be used", got=f"{named(model)}: {got}", expected=expected, todo=todo)


def refused_attribute(model: Any, name: str, got: object, expected: str, todo: str = TODO) -> InputError:
    """Return the refusal of an attribute."""
    return InputError(
        f"the model's {name} cannot be used", got=f"{named(model)}: {shorten(got, 80)}", expected=expected, todo=todo
    )


def named(model: Any) -> str:
    """Return how a model is called, of one without a name its class."""
    return str(getattr(model, "name", type(model).__name__))
