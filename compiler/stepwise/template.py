# SPDX-License-Identifier: Apache-2.0
"""One circuit with free angles that generates a token after any prefix, and the angles of each prefix."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from stinespring.circuits.core.build import build_circuit
from stinespring.circuits.core.gates import Gate
from stinespring.circuits.exact.multiplexer import gray_angles, law_angles, multiplexed_ry
from stinespring.compiler.options import Codes, Extension
from stinespring.compiler.stepwise.rounds import Coded, Open, first_round, later_round
from stinespring.compiler.texts.encode import plain
from stinespring.compiler.texts.operations import Place
from stinespring.compiler.texts.truncate import bits
from stinespring.models.texts.attention import AttentionModel
from stinespring.models.texts.base import TextModel
from stinespring.readings import UNUSED, FloatArray, IntArray, Register

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = ["Binder", "Binding", "Template"]


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

    def circuit(self) -> QuantumCircuit:
        """Return the Qiskit circuit with parameters ``a[i]``, all registers measured."""
        names = [r.name for r in self.registers]
        return build_circuit(self.registers, names, self.gates, slots=self.slots, name="template")


@dataclass(frozen=True)
class Binding:
    """What one template needs to know about a batch of prefixes.

    Attributes:
        template: the circuit.
        angles: shape (B, slots).
        symbols: shape (B, 2^k): the token (or the vacuum) of each code, ``UNUSED`` where none, or several.
        open: shape (B, 2^k): what a code leaves to later rounds; None where the token is always known.
        law: shape (B, 2^k): the probability of each code of the token, without attended positions.
    """

    template: Template
    angles: FloatArray
    symbols: IntArray
    open: Open | None = None
    law: FloatArray | None = None


@dataclass(frozen=True, eq=False)
class Binder:
    """Makes the template and the angles of every generation step.

    Attributes:
        model: the law that is realised.
        prompt: token numbers.
        extension: ``token``, or ``position`` with the attended positions in environment registers.
        codes: ``free`` numbers the tokens of each prefix by falling probability; ``binary`` keeps plain token numbers.
        most: the codes of a round of a token, at least 2; None: every token is measured at once, as are those with attended
            positions and plain numbers.
    """

    model: TextModel
    prompt: IntArray
    extension: Extension
    codes: Codes
    most: int | None = None
    gates: dict[tuple[int, ...], tuple[tuple[Gate, ...], int]] = field(default_factory=dict)  # by widths, made once

    @property
    def attends(self) -> bool:
        """Whether attended positions are measured with each token."""
        return self.extension == "position" and isinstance(self.model, AttentionModel)

    def bind(self, step: int, prefixes: IntArray, open_: Open | None = None) -> Binding:
        """Return template and angles for the generated prefixes of one step.

        Args:
            step: from 1.
            prefixes: shape (B, step-1), none of them complete.
            open_: shape (B,): what the rounds before left open of the token; None for the first round.
        """
        texts = np.concatenate([np.broadcast_to(self.prompt, (len(prefixes), len(self.prompt))), prefixes], axis=1)
        if self.attends:
            return self._attended(step, texts)
        coded = self._plain(step, texts) if self.codes == "binary" else self._ranked(step, texts, open_)
        made = coded.law.reshape(len(texts), 1, -1)
        angles = np.concatenate([gray_angles(a) for a in law_angles(made)], axis=1)
        return Binding(self.template(step, (bits(made.shape[2]),)), angles, coded.symbols, coded.open, made[:, 0])

    def _plain(self, step: int, texts: IntArray) -> Coded:
        """Return the law of tokens by their numbers."""
        law = self.model.symbol_law(step, texts)
        if not law[:, self.model.vacuum].any():
            law = law[:, : self.model.d]
        return Coded(*self._encode(law[:, None]), None)

    def _ranked(self, step: int, texts: IntArray, open_: Open | None) -> Coded:
        """Return a round of the tokens that are possible."""
        law, symbols = self.model.columns(step, texts)
        if open_ is None:
            coded = first_round(law, self.most or 2 ** bits(law.shape[1]))
        else:
            assert self.most is not None, "nothing is left open where a token is measured at once"
            coded = later_round(law, self.most, open_)
        named = np.take_along_axis(symbols, np.maximum(coded.symbols, 0), axis=1)
        return replace(coded, symbols=np.where(coded.symbols >= 0, named, UNUSED))

    def _attended(self, step: int, texts: IntArray) -> Binding:
        """Return what prepares the attended positions and then the token made from them."""
        assert isinstance(self.model, AttentionModel)
        environment = list(np.moveaxis(self.model.attention(step, texts), 1, 0))
        token = self.model.readings(step, texts).reshape(len(texts), -1, self.model.d)
        law, symbols = self._encode(token)
        sizes = tuple(bits(e.shape[1]) for e in environment)
        padded, n = self._pad(law, sizes, texts.shape[1]), symbols.shape[1]
        template = self.template(step, (*sizes, bits(n)))
        parts = [gray_angles(a) for e, k in zip(environment, sizes, strict=True) for a in law_angles(widened(e, k)[:, None, :])]
        parts += [gray_angles(a) for a in law_angles(padded)]
        return Binding(template, np.concatenate(parts, axis=1), symbols)

    def template(self, step: int, widths: tuple[int, ...]) -> Template:
        """Return the template with the given register sizes."""
        if widths not in self.gates:
            self.gates[widths] = template_gates(widths)
        heads = len(widths) - 1
        places = [Place("environment", step, h + 1 if heads > 1 else 0) for h in range(heads)] + [Place("token", step)]
        registers = tuple(place.register(range(2**k)) for place, k in zip(places, widths, strict=True))
        return Template(registers, *self.gates[widths])

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


def template_gates(widths: tuple[int, ...]) -> tuple[tuple[Gate, ...], int]:
    """Return the gates that prepare the environment registers and then the token, with a slot for every angle.

    Args:
        widths: qubits of each register, the token's last.

    Returns:
        The gates and the number of slots.
    """
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
    return tuple(gates), slots


def widened(law: FloatArray, k: int) -> FloatArray:
    """Return a law, shape (B, n), over 2^k codes."""
    return np.pad(law, [(0, 0), (0, 2**k - law.shape[1])])
