# SPDX-License-Identifier: Apache-2.0
"""Texts of different lengths side by side: padded laws on Fock space, and input states that superpose or mix texts.

Texts are right-aligned: a shorter one is padded on the left with the vacuum, number d. The blocks of arXiv 2507.13354 act on
``F_N = C + h + ... + h^N``; on a text of N tokens, on one that is too short for the law and on one that ended with the stop
token a block is the identity (the new place holds the vacuum), and on the vacuum it gives a fixed token.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stinespring.errors import InputError
from stinespring.models.texts.base import TextModel
from stinespring.models.texts.joint import require_count
from stinespring.reading import fields, read_json
from stinespring.readings import FloatArray, IntArray

__all__ = ["FockModel", "InputState", "Start", "StateModel", "read_state", "start"]

FORMAT = "stinespring/state@1"
NORM_TOLERANCE = 1e-9
MOST_TEXTS = 4096


@dataclass(frozen=True)
class InputState:
    """A superposition ``sum_w a_w |w>`` or a mixture ``sum_w P(w) |w><w|`` of texts.

    Attributes:
        texts: shape (T, n), right-aligned token numbers, padded on the left with the vacuum d; distinct rows.
        amplitudes: shape (T,), complex; of a mixture the roots of the probabilities.
        mixed: whether it is a mixture.
    """

    texts: IntArray
    amplitudes: NDArray[np.complex128]
    mixed: bool

    @property
    def weights(self) -> FloatArray:
        """``|a_w|^2``, shape (T,)."""
        return np.asarray(abs(self.amplitudes) ** 2)

    @property
    def width(self) -> int:
        """n, the length of the longest text."""
        return int(self.texts.shape[1])

    def content(self) -> dict[str, Any]:
        """Return what defines the state, as JSON data."""
        amplitudes = [[float(a.real), float(a.imag)] for a in self.amplitudes]
        return {"texts": self.texts.tolist(), "amplitudes": amplitudes, "mixed": self.mixed}


def read_state(source: str | Path | Mapping[str, Any], model: TextModel) -> InputState:
    """Return the input state in a ``stinespring/state@1`` file or object.

    ``{"format": "stinespring/state@1", "amplitudes": {"a b": [re, im], ...}}`` is a superposition,
    ``"probabilities": {"a b": p}`` a mixture; the empty text is the vacuum. Squared amplitudes or probabilities add up to 1
    within 1e-9.

    Raises:
        InputError: another format, an unknown token, a text that goes on after the stop token, a norm that is not 1.
    """
    data = dict(source) if isinstance(source, Mapping) else read_json(source, kind="state file")
    if data.get("format") != FORMAT:
        raise InputError("the file holds no input state", got=f"format {data.get('format')!r}", expected=FORMAT)
    fields(data, ("format", "amplitudes", "probabilities", "name", "description"), "the state")
    kinds = [kind for kind in ("amplitudes", "probabilities") if kind in data]
    if len(kinds) != 1 or not isinstance(data[kinds[0]], Mapping) or not data[kinds[0]]:
        raise InputError(
            "a state has amplitudes or probabilities by text", got=", ".join(kinds) or "neither", expected="exactly one of them"
        )
    mixed = kinds == ["probabilities"]
    rows = [(state_text(key, model), entry(key, value, mixed)) for key, value in data[kinds[0]].items()]
    rows = [(text, amplitude) for text, amplitude in rows if amplitude != 0]
    norm = float(sum(min(abs(amplitude), 2.0) ** 2 for _, amplitude in rows))
    if abs(norm - 1) > NORM_TOLERANCE:
        what = "the probabilities do not add up" if mixed else "the state is not normalised"
        raise InputError(what, got=f"{'sum' if mixed else 'squared norm'} {norm:.12g}", expected="1 within 1e-9")
    texts = [text for text, _ in rows]
    if len(set(texts)) < len(texts):
        raise InputError("a text appears twice", got=len(texts), expected="every text once")
    if len(rows) > MOST_TEXTS:
        raise InputError("the state has too many texts", got=len(rows), expected=f"at most {MOST_TEXTS:,}")
    width = max(map(len, texts))
    padded = np.array([(model.d,) * (width - len(text)) + text for text in texts], dtype=np.int64).reshape(len(texts), width)
    order = np.lexsort(padded.T[::-1]) if width else np.arange(len(texts))
    return InputState(padded[order], (np.array([a for _, a in rows]) / math.sqrt(norm))[order].astype(np.complex128), mixed)


def state_text(key: str, model: TextModel) -> tuple[int, ...]:
    """Return a text's token numbers; the empty text is the vacuum, and a text may have ended already."""
    names = {name: i for i, name in enumerate(model.tokens)}
    unknown = [name for name in key.split() if name not in names]
    if unknown:
        raise InputError(
            "the state has a token that is not in the vocabulary",
            got=f"{unknown[0]!r} in {key!r}",
            expected="one of " + " ".join(model.tokens[:20]) + (" …" if model.d > 20 else ""),
        )
    numbers = tuple(names[name] for name in key.split())
    if model.stop is not None and model.stop in numbers[:-1]:
        raise InputError("a text in the state goes on after the stop token", got=repr(key), expected="nothing after it")
    return numbers


def entry(key: str, value: Any, mixed: bool) -> complex:
    """Return a text's amplitude; of a mixture the root of its probability."""
    parts = [value] if mixed or isinstance(value, int | float) else value
    size = 1 if mixed else 2
    good = isinstance(parts, Sequence) and not isinstance(parts, str) and 1 <= len(parts) <= size
    if not good or any(isinstance(x, bool) or not isinstance(x, int | float) or not math.isfinite(x) for x in parts):
        raise InputError(
            "a number of the state cannot be read",
            got=f"{key!r}: {value!r}",
            expected="a probability" if mixed else "[re, im]",
        )
    if mixed:
        if not 0 <= parts[0] <= 1:
            raise InputError("a probability is out of range", got=f"{key!r}: {value!r}", expected="a number from 0 to 1")
        return math.sqrt(parts[0])
    return complex(parts[0], parts[1] if len(parts) > 1 else 0.0)


class FockModel(TextModel):
    """A model's laws on right-aligned texts of different lengths, up to a highest level.

    Args:
        model: the laws.
        level: N, the most tokens of a text; None: as many as occur.
        growing: whether every text that occurs grows for ever, so that a law with a window needs no more than it.
    """

    def __init__(self, model: TextModel, level: int | None = None, *, growing: bool = False) -> None:
        self.base, self.level = model, None if level is None else require_count(level, "level")
        self.name, self.tokens, self.stop = model.name, model.tokens, model.stop
        self.shortest, self.longest = 0, model.longest
        if growing and model.window is not None:
            self.window = max(1, model.window)

    @classmethod
    def around(cls, model: TextModel, state: InputState, level: int | None) -> FockModel:
        """Return the laws on the texts of an input state."""
        lengths = (state.texts != model.d).sum(axis=1)
        growing = level is None and model.stop is None and bool((lengths >= max(1, model.shortest)).all())
        return cls(model, level, growing=growing)

    def content(self) -> dict[str, Any]:
        """Return the model's content and the level."""
        return {"model": self.base.content(), "level": self.level}

    def plain(self, numbers: Sequence[int]) -> str:
        """Return a text as the model itself writes it."""
        return self.base.plain(numbers)

    def lengths(self, texts: IntArray) -> IntArray:
        """Return the number of places from each text's first token on, shape (B,)."""
        n = texts.shape[1]
        filled = texts != self.vacuum
        return np.where(filled.any(axis=1), n - filled.argmax(axis=1) if n else 0, 0).astype(np.int64)

    def complete(self, texts: IntArray) -> NDArray[np.bool_]:
        """Return which padded texts, shape (B, n), a block leaves alone: shape (B,)."""
        lengths = self.lengths(texts)
        inside = np.arange(texts.shape[1]) >= texts.shape[1] - lengths[:, None]
        ended = (inside & (texts == self.vacuum)).any(axis=1)
        if self.stop is not None:
            ended |= (texts == self.stop).any(axis=1)
        if self.level is not None:
            ended |= lengths >= self.level
        return np.asarray(ended | ((lengths > 0) & (lengths < self.base.shortest)))

    def by_length(self, texts: IntArray) -> list[tuple[IntArray, IntArray]]:
        """Return (row numbers, the texts without padding) for each length that occurs."""
        lengths = self.lengths(texts)
        n = texts.shape[1]
        return [(rows, texts[rows, n - m :]) for m in np.unique(lengths) if (rows := np.flatnonzero(lengths == m)).size]

    def law(self, step: int, texts: IntArray) -> FloatArray:
        """Return ``P(next token | padded text)``, shape (B, d), for texts that are not complete; the vacuum gives token 0."""
        result = np.zeros((len(texts), self.d))
        for rows, plain in self.by_length(texts):
            if plain.shape[1] == 0 and self.base.shortest > 0:
                result[rows, 0] = 1.0
            else:
                result[rows] = self.base.law(step, plain)
        return result


class StateModel(TextModel):
    """The law of the generated tokens of a superposed or mixed prompt, as a model whose prompt is empty.

    ``P(x_1..x_L) = sum_w |a_w|^2 prod_l P_l(x_l | w x_1..x_{l-1})``: the coherence between texts does not show in it.

    Args:
        model: a law on padded texts.
        state: the prompts.
    """

    def __init__(self, model: TextModel, state: InputState) -> None:
        self.padded, self.state = model, state
        self.name, self.tokens, self.stop = model.name, model.tokens, model.stop
        self.shortest, self.longest = 0, None

    def may_end(self, numbers: Sequence[int]) -> bool:
        """Return True: a prompt that is complete already does not grow."""
        return True

    def content(self) -> dict[str, Any]:
        """Return the law's content and the state."""
        return {"model": self.padded.content(), "state": self.state.content()}

    def plain(self, numbers: Sequence[int]) -> str:
        """Return a text as the model itself writes it."""
        return self.padded.plain(numbers)

    def law(self, step: int, texts: IntArray) -> FloatArray:
        """Return the part of :meth:`symbol_law` over tokens, shape (B, d)."""
        return self.symbol_law(step, texts)[:, : self.d]

    def complete(self, texts: IntArray) -> NDArray[np.bool_]:
        """Return which generated parts hold the stop token or the vacuum."""
        ended = (texts == self.vacuum).any(axis=1)
        return np.asarray(ended | (texts == self.stop).any(axis=1) if self.stop is not None else ended)

    def symbol_law(self, step: int, texts: IntArray) -> FloatArray:
        """Return ``sum_w P(w | x_1..x_{l-1}) P_l(x_l | w x_1..x_{l-1})`` over tokens and vacuum, shape (B, d+1).

        Args:
            step: l.
            texts: shape (B, l-1), what was generated so far; after parts of probability 0 the prior of w is used.
        """
        posterior = np.broadcast_to(self.state.weights, (len(texts), len(self.state.texts))).copy()
        for earlier in range(1, step):
            likely = self._laws(earlier, texts[:, : earlier - 1])
            posterior *= np.take_along_axis(likely, texts[:, None, earlier - 1 : earlier], axis=2)[:, :, 0]
        total = posterior.sum(axis=1, keepdims=True)
        posterior = np.where(total > 0, posterior / np.where(total > 0, total, 1.0), self.state.weights)
        return np.asarray(np.einsum("bt,bts->bs", posterior, self._laws(step, texts)))

    def _laws(self, step: int, texts: IntArray) -> FloatArray:
        """Return the law after every prompt and every generated part: shape (B, T, d+1)."""
        count, prompts = len(texts), len(self.state.texts)
        whole = np.concatenate([np.tile(self.state.texts, (count, 1)), np.repeat(texts, prompts, axis=0)], axis=1)
        return self.padded.symbol_law(step, whole).reshape(count, prompts, -1)


@dataclass(frozen=True)
class Start:
    """Where generation starts.

    Attributes:
        model: whose texts are generated: the model itself with a known prompt, or a :class:`StateModel` with an empty one.
        prompt: token numbers of the known prompt.
        padded: the law on padded texts, if there is an input state.
        state: the input state.
    """

    model: TextModel
    prompt: IntArray
    padded: FockModel | None = None
    state: InputState | None = None


def start(
    model: TextModel,
    prompt: str | Sequence[int] | None,
    steps: int,
    *,
    input_state: str | Path | Mapping[str, Any] | None = None,
    level: int | None = None,
) -> Start:
    """Return the start of ``steps`` new tokens from a prompt, or from an input state.

    Args:
        model: the law of each block.
        prompt: a known text, or None.
        steps: L.
        input_state: instead of a prompt; see :func:`read_state`.
        level: N, the most tokens of a text; a prompt then counts as a state of one text.

    Raises:
        InputError: neither or both of prompt and state, or a text that is too long.
    """
    steps = require_count(steps, "steps")
    if (prompt is None) == (input_state is None):
        raise InputError(
            "generation starts from a prompt or from an input state",
            got="neither" if prompt is None else "both",
            expected="exactly one of them",
            todo="give prompt (--prompt TEXT) or input_state (--input-state FILE.json)",
        )
    if prompt is not None and level is None:
        numbers = model.encode(prompt)
        model.check_length(len(numbers) + steps, "the text")
        return Start(model, numbers)
    if prompt is not None:
        numbers = model.encode(prompt)
        state = InputState(numbers[None], np.ones(1, dtype=np.complex128), mixed=False)
    else:
        assert input_state is not None
        state = read_state(input_state, model)
    padded = FockModel.around(model, state, level)
    if level is not None and state.width > level:
        raise InputError("a text of the state is above the level", got=f"{state.width} tokens", expected=f"at most {level}")
    longest = state.width + steps if level is None else min(level, state.width + steps)
    model.check_length(longest, "the text")
    return Start(StateModel(padded, state), np.zeros(0, dtype=np.int64), padded, state)
