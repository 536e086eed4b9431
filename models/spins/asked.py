# SPDX-License-Identifier: Apache-2.0
"""How many tokens of spins are wanted, and the law of what is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from stinespring.errors import InputError
from stinespring.models.counts import counts_of_each
from stinespring.models.spins.contexts import columns_of, tokens_of
from stinespring.models.spins.files import made
from stinespring.models.spins.law import SpinLaw
from stinespring.models.spins.network import SpinNetwork
from stinespring.readings import Outcomes
from stinespring.showing import Brief

__all__ = ["SpinAsked", "made"]


@dataclass(frozen=True, repr=False)
class SpinAsked(Brief):
    """The next tokens.

    Attributes:
        steps: number of tokens T.
    """

    kind: ClassVar[str] = "spins"
    steps: int

    def law(self, source: SpinNetwork) -> SpinLaw:
        """Return the law of the tokens."""
        return SpinLaw(source, self.steps)

    def spell(self, source: SpinNetwork, outcomes: Outcomes) -> list[str]:
        """Return each reading as T tokens of N signs, spin 0 first: ``+- -+``."""
        signs = np.where(tokens_of(outcomes, self.steps, source.spins) > 0, "+", "-")
        return [" ".join("".join(token) for token in row) for row in signs.tolist()]

    def plain(self) -> dict[str, Any]:
        """Return the request as JSON data."""
        return {"steps": self.steps}

    def read_counts(self, source: SpinNetwork, data: Mapping[str, Any]) -> tuple[Outcomes, ...]:
        """Return the outcomes of a counts file's content: texts of T tokens of N signs, spin 0 first.

        Raises:
            InputError: unusable counts, or a text of another shape.
        """
        [counts] = counts_of_each(data, 1, "network")
        for text in counts:
            tokens = text.split(" ")
            if len(tokens) != self.steps or any(len(t) != source.spins or not set(t) <= {"+", "-"} for t in tokens):
                raise InputError(
                    "a text in the counts has another shape",
                    got=repr(text),
                    expected=f"{self.steps} token(s) of {source.spins} signs + or -",
                )
        rows = np.array([[[1 if s == "+" else -1 for s in token] for token in text.split(" ")] for text in counts])
        return (Outcomes.tallied(columns_of(rows.astype(np.int8)), np.array(list(counts.values()))),)
