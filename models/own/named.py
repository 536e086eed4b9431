# SPDX-License-Identifier: Apache-2.0
"""Somebody else's model under the name by which it is found again."""

from __future__ import annotations

import json
from typing import Any

from stinespring.errors import InputError
from stinespring.models.own.guard import require_described
from stinespring.models.texts.base import TextModel
from stinespring.models.texts.truncated import ReplacedLaw
from stinespring.readings import FloatArray, IntArray

__all__ = ["NamedModel"]


class NamedModel(ReplacedLaw):
    """Somebody's model under the name by which it is loaded again: ``module.py:attribute``, or an entry point's.

    Args:
        model: the law.
        name: how the user named it.

    Raises:
        InputError: tokens, stop, window or length that cannot be used.
    """

    def __init__(self, model: TextModel, name: str) -> None:
        require_described(model)
        super().__init__(model)
        self.name, self.tokens, self.window = name, tuple(model.tokens), model.window

    @property
    def least_branching(self) -> int:
        """The fewest tokens that can follow a text, as the model says."""
        return self._model.least_branching

    def law(self, step: int, texts: IntArray) -> FloatArray:
        """Return the model's law."""
        return self._model.law(step, texts)

    def content(self) -> dict[str, Any]:
        """Return the model's content, and as its format the name.

        Raises:
            InputError: it is nothing that JSON holds.
        """
        try:
            content = {**self._model.content(), "format": self.name}
            json.dumps(content, allow_nan=False)
        except Exception as error:  # whatever the user's code raises
            raise InputError(
                "the model's content cannot be used", got=f"{self.name}: {type(error).__name__}: {error}",
                expected="a dict of what JSON holds: all that changes the law", todo="see docs/howto/own-model.md",
            ) from error  # fmt: skip
        return content
