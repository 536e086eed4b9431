# SPDX-License-Identifier: Apache-2.0
"""Sampled tables row by row, with the names that people know their rows and outcomes by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from stinespring.models.channels.asked import ChannelAsked
from stinespring.models.channels.settings import Setting
from stinespring.models.lens.asked import LensAsked
from stinespring.models.lens.states import LensStates
from stinespring.models.sphere.asked import CircuitAsked, SphereAsked
from stinespring.models.sphere.model import SphereModel
from stinespring.readings import FloatArray
from stinespring.report.visible import visible
from stinespring.stages import Program, Samples

__all__ = ["SampledRow", "Words", "rows_of", "words_of"]

STATES, BASES = ("|0⟩", "|1⟩", "|+⟩", "|−⟩", "|+i⟩", "|−i⟩"), ("Z", "X", "Y")


class SampledRow(NamedTuple):
    """One row of a table: what was read of one thing, beside its law.

    Attributes:
        name: of the row.
        observed: counts, shape (D,).
        law: probabilities, shape (D,).
        outcome: the name of each outcome by its number.
        plain: the token that an outcome stands for as it is in a text, where it stands for one.
    """

    name: str
    observed: FloatArray
    law: FloatArray
    outcome: Callable[[int], str]
    plain: Callable[[int], str] | None = None

    def shown(self, code: int) -> str:
        """Return an outcome's name for tables and figures; of a token with its blanks visible."""
        return visible(self.plain(code)) if self.plain is not None else self.outcome(code)

    @property
    def shots(self) -> float:
        """Counts in all."""
        return float(self.observed.sum())

    @property
    def tvd(self) -> float:
        """The distance between the frequencies and the law."""
        return float(abs(self.observed / max(1.0, self.shots) - self.law).sum() / 2.0)

    def likeliest(self, most: int) -> list[int]:
        """Return the numbers of the outcomes that were read most often or are most likely, in this order."""
        order = np.lexsort((np.arange(len(self.law)), -self.law, -self.observed))
        return [int(i) for i in order if self.observed[i] > 0 or self.law[i] > 0][:most]


class Words(NamedTuple):
    """What samples are called.

    Attributes:
        title: what was sampled of which source.
        rows: what the rows are, in the plural.
        names: of the rows, in the order of the tables; empty where only numbers tell them apart.
        outcome: the name of an outcome by its number.
    """

    title: str
    rows: str
    names: Sequence[str]
    outcome: Callable[[int], str]


def rows_of(samples: Samples) -> list[SampledRow]:
    """Return the rows of all tables of the samples' law, in order."""
    words = words_of(samples)
    found = [
        (f"{table.test} {number}" if len(table.law) > 1 else table.test, observed, law)
        for table in samples.asked.law(samples.source).tables(samples.outcomes)
        for number, (observed, law) in enumerate(zip(table.observed, table.law, strict=True), start=1)
    ]
    names = words.names if len(words.names) == len(found) else [name for name, _, _ in found]
    plain = plain_tokens(samples.source) if isinstance(samples.asked, LensAsked) else None
    return [
        SampledRow(name, observed, law, words.outcome, plain) for name, (_, observed, law) in zip(names, found, strict=True)
    ]


def plain_tokens(states: LensStates) -> Callable[[int], str]:
    """Return what each token of a decoder is in a text; what has none keeps its name."""
    decoder = states.decoder
    return lambda code: (decoder.plain([code]) or decoder.tokens[code]) if code < len(decoder.tokens) else "(no token)"


def words_of(samples: Samples | Program) -> Words:
    """Return what samples, or the circuits of a program, are called, by the kind of their source."""
    match samples.asked:
        case LensAsked():
            return lens_words(samples.source, samples.asked)
        case SphereAsked():
            return overlap_words(samples.source, samples.asked) if samples.asked.overlaps else layer_words(samples)
        case ChannelAsked():
            names = [f"{i}  {setting_name(setting)}" for i, setting in enumerate(samples.asked.probes, start=1)]
            return Words(f"{samples.source.name}: product inputs and measurements", "settings", names, str)
    return Words(samples.source.name, "rows", (), str)


def lens_words(states: LensStates, asked: LensAsked) -> Words:
    """Return what the tokens at the points of a lens are called."""
    tokens, partly = states.decoder.tokens, "" if asked.time == 1.0 else f", t = {asked.time:g}"
    names = [f"{point}  {states.points[point]}{partly}" for point in asked.points]
    title = f"{states.name} after “{states.title()}”, {states.lens.partition(':')[0]} lens"
    return Words(title, "points", names, lambda code: tokens[code] if code < len(tokens) else "(no token)")


def layer_words(samples: Samples | Program) -> Words:
    """Return what the circuits of layers are called."""
    asked, size = samples.asked, max(2, 1 << (samples.source.d - 1).bit_length())
    title = f"layer steps of {len(asked.particles)} particle(s) on the sphere in {samples.source.d} dimensions"

    def outcome(code: int) -> str:
        if asked.read == "nothing":
            return "success" if code == 0 else "failure"
        return f"x1 = {code}" if code < size else "failure"

    return Words(title, "circuits", [circuit_name(one, asked.schedule) for one in asked.circuits], outcome)


def circuit_name(one: CircuitAsked, schedule: str) -> str:
    """Return what a circuit is called: its particle, its layer if each layer has one, and what is read."""
    layer = f", layer {one.before + 1}" if schedule == "stepwise" else ""
    return f"particle {one.particle}{layer}, {one.read}"


def overlap_words(model: SphereModel, asked: SphereAsked) -> Words:
    """Return what the pairs of an overlap test are called: particles x, and directions a of neurons."""
    names = [f"x{i}, x{j}" for i, j in zip(*np.triu_indices(model.n, 1), strict=True)]
    if model.perceptron is not None:
        names += [f"x{i}, a{k}" for i in range(model.n) for k in range(len(model.perceptron.directions))]
    title = f"overlaps of {model.n} particles on the sphere in {model.d} dimensions, {asked.read} test"
    return Words(title, "pairs", names, lambda code: f"a = {code}")


def setting_name(setting: Setting) -> str:
    """Return a product input and the bases of the outputs, qubit 0 first.

    Example:
        >>> setting_name(Setting((0, 2), (1,)))
        '|0⟩ |+⟩ → X'
    """
    return f"{' '.join(STATES[i] for i in setting.states)} → {' '.join(BASES[i] for i in setting.bases)}".strip()
