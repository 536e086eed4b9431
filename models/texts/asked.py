# SPDX-License-Identifier: Apache-2.0
"""What is asked of a model of texts: so many new tokens after a prompt, or after an input state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from stinespring.errors import InputError
from stinespring.models.counts import counts_of_each
from stinespring.models.texts.base import NOTHING, TextModel
from stinespring.models.texts.fock import Start, start
from stinespring.models.texts.joint import require_count
from stinespring.models.texts.law import TextLaw, readable, texts_of
from stinespring.reading import read_json
from stinespring.readings import UNUSED, Outcomes
from stinespring.showing import Brief

__all__ = ["TextAsked", "texts_of"]


@dataclass(frozen=True, repr=False)
class TextAsked(Brief):
    """So many new tokens after a prompt.

    Attributes:
        prompt: token numbers; empty with an input state.
        steps: L, the number of new tokens.
        input_state: a ``stinespring/state@1`` object instead of a prompt.
        level: N, the most tokens of a text in Fock space; None: no limit.
    """

    kind: ClassVar[str] = "texts"
    prompt: tuple[int, ...]
    steps: int
    input_state: Mapping[str, Any] | None = None
    level: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "prompt", tuple(int(number) for number in self.prompt))

    @classmethod
    def of(
        cls,
        model: TextModel,
        prompt: str | Sequence[int] | None = None,
        steps: int = 0,
        *,
        input_state: str | Path | Mapping[str, Any] | None = None,
        level: int | None = None,
    ) -> TextAsked:
        """Return what is asked, checked, with the prompt as numbers and an input state read from its file.

        Args:
            model: whose texts are wanted.
            prompt: a known text, or None.
            steps: L, at least 1.
            input_state: instead of a prompt; see :func:`stinespring.models.texts.fock.read_state`.
            level: N, the most tokens of a text; a prompt then counts as a state of one text.

        Raises:
            InputError: neither or both of prompt and state, or a text that is too long.
        """
        state = read_json(input_state, kind="state file") if isinstance(input_state, str | Path) else input_state
        start(model, prompt, steps, input_state=state, level=level)
        numbers = [] if prompt is None else model.encode(prompt).tolist()
        return cls(tuple(numbers), require_count(steps, "steps"), None if state is None else dict(state), level)

    def begin(self, model: TextModel) -> Start:
        """Return where generation starts."""
        prompt = None if self.input_state is not None else self.prompt
        return start(model, prompt, self.steps, input_state=self.input_state, level=self.level)

    def law(self, source: TextModel) -> TextLaw:
        """Return the exact law of the generated tokens."""
        begin = self.begin(source)
        return TextLaw(begin.model, begin.prompt, self.steps)

    def spell(self, source: TextModel, outcomes: Outcomes) -> list[str]:
        """Return the key of each text that was read: token names joined by one space."""
        return [source.text(text) for text in readable(outcomes, self.steps, source.vacuum).tolist()]

    def read_counts(self, source: TextModel, data: Mapping[str, Any]) -> tuple[Outcomes, ...]:
        """Return the outcomes of a counts file's content: texts and how often each occurred.

        Raises:
            InputError: unusable counts, an unknown token, a text of another length.
        """
        [counts] = counts_of_each(data, 1, "model")
        model = self.begin(source).model
        texts = np.array([text_of(model, text, self.steps) for text in counts], dtype=np.int64)
        columns = {f"t{step}": texts[:, step - 1] for step in range(1, self.steps + 1)}
        return (Outcomes.tallied(columns, np.array(list(counts.values()))),)

    def plain(self) -> dict[str, Any]:
        """Return the request as JSON data."""
        state = None if self.input_state is None else dict(self.input_state)
        return {"prompt": list(self.prompt), "steps": self.steps, "input_state": state, "level": self.level}


def text_of(model: TextModel, text: str, steps: int) -> list[int]:
    """Return a text's token numbers, filled up with the vacuum after a stop token; U+FFFD is a code without a meaning."""
    numbers = []
    lookup = {NOTHING: UNUSED} | {name: i for i, name in enumerate(model.tokens)}
    for name in text.split(" ") if text else []:
        if name not in lookup:
            raise InputError(
                "a text in the counts has an unknown token",
                got=f"{name!r} in {text!r}",
                expected="one of " + " ".join(model.tokens[:20]) + (" …" if model.d > 20 else ""),
            )
        numbers.append(lookup[name])
    stopped = model.may_end(numbers)
    if model.stop is not None and model.stop in numbers[:-1]:
        raise InputError("a text in the counts goes on after the stop token", got=repr(text), expected="nothing after it")
    if len(numbers) > steps or (len(numbers) < steps and not stopped):
        raise InputError(
            "a text in the counts has another length",
            got=f"{text!r}: {len(numbers)} token(s)",
            expected=f"{steps} token(s)",
        )
    return numbers + [model.vacuum] * (steps - len(numbers))
