# SPDX-License-Identifier: Apache-2.0
"""Which inputs and measurements a channel is sampled with, and the law of what is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from stinespring.errors import InputError
from stinespring.models.channels.cptp import CPTP
from stinespring.models.channels.files import made
from stinespring.models.channels.settings import BASES, STATES, Setting
from stinespring.models.counts import counts_of_each, values_read
from stinespring.readings import FloatArray, Outcomes
from stinespring.showing import Brief
from stinespring.stages import Table

__all__ = ["ChannelAsked", "ChannelLaw", "drawn", "made"]

PROBE = "probe"


@dataclass(frozen=True, repr=False)
class ChannelAsked(Brief):
    """Product inputs, each with a product measurement.

    Attributes:
        settings: for each circuit the number of every input qubit's state and of every output qubit's basis; see
            :class:`stinespring.models.channels.settings.Setting`.
    """

    kind: ClassVar[str] = "channel"
    settings: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]

    def __post_init__(self) -> None:
        """Take lists, which JSON has for tuples."""
        settings = tuple((tuple(map(int, states)), tuple(map(int, bases))) for states, bases in self.settings)
        object.__setattr__(self, "settings", settings)

    @property
    def probes(self) -> tuple[Setting, ...]:
        """The settings by their names."""
        return tuple(Setting(states, bases) for states, bases in self.settings)

    def law(self, source: CPTP) -> ChannelLaw:
        """Return the law of each setting by Born's rule; the outcomes of an instrument are summed over.

        Raises:
            InputError: settings of a channel of another size.
        """
        wanted = (source.inputs, source.outputs)
        wrong = next((found for found in self.settings if (len(found[0]), len(found[1])) != wanted), None)
        if wrong is not None:
            got = f"{len(wrong[0])} states and {len(wrong[1])} bases"
            raise InputError("a setting does not fit the channel", got=got, expected=f"{wanted[0]} and {wanted[1]}")
        names = {"state": (0, len(STATES)), "basis": (1, len(BASES))}
        for name, (place, known) in names.items():
            beyond = next((number for found in self.settings for number in found[place] if not 0 <= number < known), None)
            if beyond is not None:
                raise InputError(f"a setting has an unknown {name}", got=beyond, expected=f"0 to {known - 1}")
        return ChannelLaw(np.array([setting.law(source.given) for setting in self.probes]))

    def spell(self, source: CPTP, outcomes: Outcomes) -> list[str]:
        """Return each reading as ``probe=2``; the outcomes of an instrument are summed over, so they are left out."""
        return [f"{PROBE}={value}" for value in outcomes.column(PROBE).tolist()]

    def plain(self) -> dict[str, Any]:
        """Return the request as JSON data."""
        return {"settings": [[list(states), list(bases)] for states, bases in self.settings]}

    def read_counts(self, source: CPTP, data: Mapping[str, Any]) -> tuple[Outcomes, ...]:
        """Return the outcomes of a counts file's content, one object with keys such as ``probe=2`` a setting."""
        if not self.settings:
            example = '"asked": {"settings": [[[0], [2]], ...]}: states and bases of every circuit'
            raise InputError(
                "the counts do not say with which settings they were measured", got="no settings", expected=example
            )
        sizes = {PROBE: 1 << source.outputs}
        return tuple(values_read(counts, sizes) for counts in counts_of_each(data, len(self.settings), "setting"))


@dataclass(frozen=True, eq=False)
class ChannelLaw:
    """The law of every setting.

    Attributes:
        probabilities: shape (S, 2^n).
    """

    probabilities: FloatArray

    def tables(self, seen: Sequence[Outcomes]) -> Iterator[Table]:
        """Yield one table with a row a setting.

        Raises:
            InputError: readings without the register ``probe``.
        """
        unread = next((part.registers for part in seen if PROBE not in part.registers), None)
        if unread is not None:
            raise InputError("a register was not read", got=", ".join(unread), expected=PROBE)
        size = self.probabilities.shape[1]
        rows = [np.bincount(part.column(PROBE), weights=part.counts, minlength=size) for part in seen]
        yield Table("settings", np.array(rows), self.probabilities)


def drawn(channel: CPTP, settings: int, seed: int) -> ChannelAsked:
    """Return random settings: any of the six states of each input qubit, any of the three bases of each output qubit.

    None comes again before all ``6^m 3^n`` have come.

    Args:
        channel: what is sampled.
        settings: how many.
        seed: the same seed draws the same.

    Raises:
        InputError: a channel without output.
    """
    if channel.outputs < 1:
        raise InputError("a channel without output cannot be sampled", got="n = 0", expected="at least one output qubit")
    rng = np.random.default_rng(seed)
    known = len(STATES) ** channel.inputs * len(BASES) ** channel.outputs
    found: list[tuple[tuple[int, ...], tuple[int, ...]]] = []
    round_: set[tuple[tuple[int, ...], tuple[int, ...]]] = set()
    while len(found) < settings:
        states = tuple(rng.integers(len(STATES), size=channel.inputs).tolist())
        setting = states, tuple(rng.integers(len(BASES), size=channel.outputs).tolist())
        if setting in round_:
            continue
        found.append(setting)
        round_.add(setting)
        if len(round_) == known:
            round_.clear()
    return ChannelAsked(tuple(found))
