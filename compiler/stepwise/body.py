# SPDX-License-Identifier: Apache-2.0
"""The host in the loop: a template whose angles are bound for each distinct prefix that was sampled so far."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from stinespring.batches import Batch, Circuit, Item, Seen
from stinespring.circuits.core.build import with_bits_named
from stinespring.compiler.export.faithful import require_circuit, require_lowered
from stinespring.compiler.export.forms import Listing
from stinespring.compiler.stepwise.growth import AT_ONCE, Growth
from stinespring.compiler.stepwise.template import Binder, Binding, Template
from stinespring.compiler.texts.operations import Place
from stinespring.models.texts.joint import expand
from stinespring.readings import UNUSED, FloatArray, IntArray, Outcomes, Register

__all__ = ["Level", "TextTemplate"]

MOST_PREFIXES = 1 << 14  # of one step, where they are listed
MOST_ANGLES = 1 << 21  # of all listed prefixes together: 16 MB in memory, about 40 MB as JSON


@dataclass(frozen=True)
class Level:
    """All prefixes of one generation step: texts (B, step-1), their probabilities (B,), and their angles."""

    step: int
    prefixes: IntArray
    weights: FloatArray
    binding: Binding


@dataclass(frozen=True, eq=False)
class TextTemplate:
    """A body: step l runs a template once for each distinct prefix of l-1 tokens, with as many shots as the prefix has.

    Where a token is measured in rounds, further calls of the step run one for each part of the law that was read; see
    :mod:`stinespring.compiler.stepwise.rounds`.

    Attributes:
        binder: makes templates and angles.
        steps: L.
        lower: what every template passes through before it is run.
    """

    host: ClassVar[bool] = True
    binder: Binder
    steps: int
    lower: Callable[[Circuit], Circuit] | None = None
    circuits: dict[tuple[Register, ...], Circuit] = field(default_factory=dict)  # as they are run, each made once
    latest: list[tuple[int, Seen, Growth]] = field(default_factory=list)  # the texts as they were when last asked for

    def next(self, seen: Seen, shots: int) -> Batch | None:
        """Return the next call: a row a prefix, an item for each chunk of them; very many take several calls."""
        grown = self.grown(seen, shots)
        if grown.step > self.steps or not len(grown.growing):
            return None
        items, asked, first = [], grown.asked, 0
        for rows, binding in grown.bound:
            circuit = self.circuit_of(binding.template)
            order = [parameter.index for parameter in circuit.parameters]
            angles = binding.angles if order == list(range(binding.angles.shape[1])) else binding.angles[:, order]
            shots_of = asked[first : first + len(rows)]
            items.append(Item(circuit, np.ascontiguousarray(angles) if order else None, shots_of))
            first += len(rows)
        return Batch(tuple(items), grown.key)

    def outcomes(self, seen: Seen, shots: int) -> tuple[Outcomes, ...]:
        """Return the texts, with the vacuum after their end, and then each step's attended positions with its token."""
        grown = self.grown(seen, shots)
        while grown.step <= self.steps:  # every text ended early
            grown = grown.finished()
        columns = {Place("token", step).name: grown.texts[:, step - 1] for step in range(1, self.steps + 1)}
        return (Outcomes.tallied(columns, grown.counts), *grown.environment.values())

    def on(self, lower: Callable[[Circuit], Circuit]) -> TextTemplate:
        """Return it with every template passed through ``lower``, once for each shape."""
        before = self.lower
        return replace(self, lower=lower if before is None else lambda circuit: lower(before(circuit)), circuits={}, latest=[])

    @cached_property
    def widest(self) -> Template:
        """The largest template of the prefixes that can be listed, the last of equals; of costly models the first step's."""
        if self.binder.model.costly:
            return self.binder.bind(1, np.zeros((1, 0), dtype=np.int64)).template
        templates = [level.binding.template for level in self.levels()]
        return max(reversed(templates), key=lambda template: template.slots)

    @cached_property
    def rounds(self) -> tuple[tuple[float, int], ...]:
        """Of each later round of the first token: how likely it is read, and of how many parts one is."""
        found: list[tuple[float, int]] = []
        begin = np.zeros((1, 0), dtype=np.int64)
        binding, weights = self.binder.bind(1, begin), np.ones(1)
        while binding.open is not None:
            assert binding.law is not None, "only tokens without positions are measured in rounds"
            law = binding.law * weights[:, None]
            rows, codes = np.nonzero(binding.open.last > binding.open.first)
            weights = law[rows, codes]
            found.append((float(weights.sum()), len(weights)))
            binding = self.binder.bind(1, np.repeat(begin, len(weights), axis=0), binding.open[rows, codes])
        return tuple(found)

    @cached_property
    def circuit(self) -> Circuit:
        """The widest template's circuit as it is run, with parameters ``a[i]``."""
        return self.circuit_of(self.widest)

    def levels(self) -> Iterator[Level]:
        """Yield every generation step whose prefixes can be listed: at most 2^21 angles in all.

        The first step is always there; the last one yielded is ``steps`` where everything fits and texts do not end before.
        """
        model, angles = self.binder.model, 0
        prefixes, weights = np.zeros((1, 0), dtype=np.int64), np.ones(1)
        for step in range(1, self.steps + 1):
            going = ~model.complete(prefixes)
            if not going.any():
                return
            if step > 1 and (going.sum() > MOST_PREFIXES or going.sum() * model.d > 16 * MOST_ANGLES):
                return
            binding = self.binder.bind(step, prefixes[going])
            angles += binding.angles.size
            if step > 1 and angles > MOST_ANGLES:
                return
            yield Level(step, prefixes[going], weights[going], binding)
            prefixes, weights = expand(model, step, self.binder.prompt, prefixes, weights)

    def listing(self) -> Listing:
        """Return what the program's folder lists: for each prefix its angles, and what the token's codes mean after it."""
        templates: dict[str, Template] = {}
        prefixes: dict[str, dict[str, Any]] = {}
        complete = False
        for level in self.levels():
            name = f"template_{level.step}.qasm"
            templates[name] = level.binding.template
            entries = self.entries(name, level.step, level.prefixes, level.binding)
            for prefix, weight, entry in zip(level.prefixes.tolist(), level.weights.tolist(), entries, strict=True):
                prefixes[self.binder.model.text(prefix)] = {"ids": prefix, "probability": weight, **entry}
            complete = level.step == self.steps or self.ended(level)
        return Listing(templates, prefixes, len(templates), complete)

    def entries(self, name: str, step: int, prefixes: IntArray, binding: Binding) -> list[dict[str, Any]]:
        """Return the angles of each row, what its codes mean, and under ``rest`` the same for each code that leaves more open.

        Args:
            name: of the template.
            step: from 1.
            prefixes: shape (B, step-1).
            binding: of a round of these prefixes.
        """
        found = [
            {"template": name, "angles": row, "decode": self.decode(codes)}
            for row, codes in zip(binding.angles.tolist(), binding.symbols.tolist(), strict=True)
        ]
        if binding.open is None:
            return found
        owner, codes = np.nonzero(binding.open.last > binding.open.first)
        for first in range(0, len(owner), AT_ONCE):
            chunk = slice(first, first + AT_ONCE)
            rows, these = owner[chunk], codes[chunk]
            below = self.binder.bind(step, prefixes[rows], binding.open[rows, these])
            inner = self.entries(name, step, prefixes[rows], below)
            for row, code, entry in zip(rows.tolist(), these.tolist(), inner, strict=True):
                found[row].setdefault("rest", {})[str(code)] = entry
        return found

    def ended(self, level: Level) -> bool:
        """Return whether no text grows after a step."""
        model = self.binder.model
        return bool(model.complete(expand(model, level.step, self.binder.prompt, level.prefixes, level.weights)[0]).all())

    def decode(self, symbols: list[int]) -> dict[str, str | None]:
        """Return what the codes of a token register mean: a token, or None for the vacuum."""
        model = self.binder.model
        known = {code: symbol for code, symbol in enumerate(symbols) if symbol != UNUSED}
        return {str(code): None if symbol == model.vacuum else model.tokens[symbol] for code, symbol in known.items()}

    def circuit_of(self, template: Template) -> Circuit:
        """Return the circuit of a template as it is run; templates of the same widths are lowered once."""
        if template.registers not in self.circuits:
            if self.lower is None:
                made = template.circuit()
                require_circuit(template, made)
            else:
                made = self.lowered_of(template)
                require_lowered(template.circuit(), made)
            self.circuits[template.registers] = made
        return self.circuits[template.registers]

    def lowered_of(self, template: Template) -> Circuit:
        """Return a template's circuit after ``lower``, or that of another step under its own names."""
        assert self.lower is not None, "asked for where there is a device"
        for registers, circuit in self.circuits.items():
            if [r.size for r in registers] == [r.size for r in template.registers]:
                return with_bits_named(circuit, {r.name: t.name for r, t in zip(registers, template.registers, strict=True)})
        return self.lower(template.circuit())

    def grown(self, seen: Seen, shots: int) -> Growth:
        """Return the texts after the calls that were made; only the readings themselves are needed."""
        found, made = Growth(self.binder, np.zeros((1, 0), dtype=np.int64), np.array([shots], dtype=np.int64)), 0
        for known_shots, known, grown in self.latest:
            if known_shots == shots and len(known) <= len(seen) and all(a is b for a, b in zip(known, seen, strict=False)):
                found, made = grown, len(known)
        for readings in seen[made:]:
            found = found.after(readings)
        self.latest[:] = [(shots, tuple(seen), found)]
        return found
