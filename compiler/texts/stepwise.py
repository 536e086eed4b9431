# SPDX-License-Identifier: Apache-2.0
"""The host in the loop: one template circuit whose angles are bound for each distinct prefix sampled so far."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from stinespring.circuits.core.gates import Gate
from stinespring.circuits.exact.multiplexer import gray_angles, law_angles, multiplexed_ry
from stinespring.compiler.texts.encode import Codes, plain
from stinespring.compiler.texts.operations import Extension
from stinespring.compiler.texts.truncate import bits
from stinespring.models.texts.attention import AttentionModel
from stinespring.models.texts.base import TextModel
from stinespring.models.texts.joint import expand
from stinespring.readings import UNUSED, FloatArray, IntArray, Register

__all__ = ["Binding", "Level", "Stepper", "Template"]

MOST_PREFIXES = 1 << 14  # of one step
MOST_ANGLES = 1 << 21  # of all listed prefixes together: 16 MB in memory, about 40 MB as JSON


@dataclass(frozen=True)
class Template:
    """A circuit with free angles that generates one token of any prefix.

    Attributes:
        registers: the attended positions (if any), then the token register; codes of the token are set by each binding.
        gates: rotations refer to their angle by a slot.
        slots: number of angles.
    """

    registers: tuple[Register, ...]
    gates: tuple[Gate, ...]
    slots: int

    @property
    def qubits(self) -> int:
        """Number of qubits."""
        return sum(r.size for r in self.registers)


@dataclass(frozen=True)
class Binding:
    """What one template needs to know about a batch of prefixes.

    Attributes:
        template: the circuit.
        angles: shape (B, slots).
        symbols: shape (B, 2^k): the token (or the vacuum) of each code, ``UNUSED`` where none.
    """

    template: Template
    angles: FloatArray
    symbols: IntArray


@dataclass(frozen=True)
class Level:
    """All prefixes of one generation step: texts (B, step-1), their probabilities (B,), and their angles."""

    step: int
    prefixes: IntArray
    weights: FloatArray
    binding: Binding


@dataclass
class Stepper:
    """Makes the template and the angles of every generation step.

    Args:
        model: the law that is realised.
        prompt: token numbers.
        extension: ``token``, or ``position`` with the attended positions in environment registers.
        codes: ``free`` numbers the tokens of each prefix by falling probability; ``binary`` keeps plain token numbers.
    """

    model: TextModel
    prompt: IntArray
    extension: Extension
    codes: Codes
    _templates: dict[tuple[int, ...], Template] = field(default_factory=dict)

    def bind(self, step: int, prefixes: IntArray) -> Binding:
        """Return template and angles for the generated prefixes of one step.

        Args:
            step: from 1.
            prefixes: shape (B, step-1), none of them complete.
        """
        texts = np.concatenate([np.broadcast_to(self.prompt, (len(prefixes), len(self.prompt))), prefixes], axis=1)
        if self.extension == "position" and isinstance(self.model, AttentionModel):
            environment = list(np.moveaxis(self.model.attention(step, texts), 1, 0))
            token = self.model.readings(step, texts)
        else:
            environment, token = [], self.model.law(step, texts)
        law, symbols = self._encode(token.reshape(len(texts), -1, self.model.d))
        sizes = tuple(bits(e.shape[1]) for e in environment)
        padded, n = self._pad(law, sizes, texts.shape[1]), symbols.shape[1]
        template = self.template(step, (*sizes, bits(n)))
        parts = [gray_angles(a) for e, k in zip(environment, sizes, strict=True) for a in law_angles(_widen(e, k)[:, None, :])]
        parts += [gray_angles(a) for a in law_angles(padded)]
        return Binding(template, np.concatenate(parts, axis=1), symbols)

    def levels(self, steps: int) -> Iterator[Level]:
        """Yield every generation step whose prefixes can be listed: at most ``MOST_ANGLES`` angles in all.

        The first step is always there; the last one yielded is ``steps`` where everything fits.
        """
        prefixes, weights, angles = np.zeros((1, 0), dtype=np.int64), np.ones(1), 0
        for step in range(1, steps + 1):
            going = ~self.model.complete(prefixes)
            if not going.any():
                return
            if step > 1 and (going.sum() > MOST_PREFIXES or going.sum() * self.model.d > 16 * MOST_ANGLES):
                return
            binding = self.bind(step, prefixes[going])
            angles += binding.angles.size
            if step > 1 and angles > MOST_ANGLES:
                return
            yield Level(step, prefixes[going], weights[going], binding)
            prefixes, weights = expand(self.model, step, self.prompt, prefixes, weights)

    def widest(self, steps: int) -> Template:
        """Return the largest template among the prefixes that can be listed; the last of equals."""
        templates = [level.binding.template for level in self.levels(steps)]
        return max(reversed(templates), key=lambda template: template.slots)

    def _encode(self, token: FloatArray) -> tuple[FloatArray, IntArray]:
        """Return the token law (B, X, 2^k) over codes and the symbols (B, 2^k)."""
        batch, _, d = token.shape
        if self.codes == "binary":
            size = 2 ** bits(d)
            law = np.concatenate([token, np.zeros((*token.shape[:2], size - d))], axis=2)
            symbols = np.broadcast_to(np.array(plain(range(d), d)), (batch, size))
            return law, np.where(law.any(axis=1), symbols, UNUSED)
        marginal = token.sum(axis=1)
        order = np.argsort(-marginal, axis=1, kind="stable")
        size = 2 ** bits(int((marginal > 0).sum(axis=1).max()))
        order = order[:, :size] if size <= d else np.concatenate([order, np.zeros((batch, size - d), dtype=np.int64)], axis=1)
        law = np.take_along_axis(token, order[:, None, :], axis=2)
        law[:, :, d:] = 0.0
        return law, np.where(law.any(axis=1), order, UNUSED)

    def _pad(self, law: FloatArray, sizes: tuple[int, ...], n: int) -> FloatArray:
        """Return the law (B, n^H, 2^k) with every position axis padded to a power of two, the first head fastest."""
        batch, _, size = law.shape
        heads = len(sizes)
        grid = law.reshape(batch, *([n] * heads), size)
        grid = np.pad(grid, [(0, 0), *[(0, 2**k - n) for k in sizes], (0, 0)])
        axes = (0, *range(heads, 0, -1), heads + 1)  # C order then runs through head 1 fastest: least significant bits
        return grid.transpose(axes).reshape(batch, -1, size)

    def template(self, step: int, widths: tuple[int, ...]) -> Template:
        """Return the template with the given register sizes, built once."""
        if widths not in self._templates:
            self._templates[widths] = build_template(step, widths)
        template = self._templates[widths]
        names = register_names(step, len(widths) - 1)
        registers = tuple(Register(name, r.role, r.symbols) for name, r in zip(names, template.registers, strict=True))
        return Template(registers, template.gates, template.slots)


def register_names(step: int, heads: int) -> list[str]:
    """Return the register names of one step: attended positions, then the token."""
    environment = [f"e{step}"] if heads == 1 else [f"e{step}_{h + 1}" for h in range(heads)]
    return [*environment, f"t{step}"]


def build_template(step: int, widths: tuple[int, ...]) -> Template:
    """Return the circuit that prepares the environment registers and then the token, with a slot for every angle."""
    registers = [
        Register(name, "token" if name.startswith("t") else "environment", tuple(range(2**k)))
        for name, k in zip(register_names(step, len(widths) - 1), widths, strict=True)
    ]
    gates: list[Gate] = []
    slots, first = 0, 0
    for number, size in enumerate(widths):
        controls = list(range(first)) if number == len(widths) - 1 else []
        for higher in range(size):
            bit = first + size - 1 - higher
            wires = [*controls, *range(bit + 1, first + size), bit]
            gates += multiplexed_ry(wires, slots)
            slots += 2 ** (len(wires) - 1)
        first += size
    return Template(tuple(registers), tuple(gates), slots)


def _widen(law: FloatArray, k: int) -> FloatArray:
    return np.pad(law, [(0, 0), (0, 2**k - law.shape[1])])
