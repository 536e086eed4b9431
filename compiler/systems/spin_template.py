# SPDX-License-Identifier: Apache-2.0
"""One token of spins with the host in the loop: the template runs once for each different context, token after token.

Readings stay counted: the host keeps distinct sequences of tokens with their numbers of shots. Sequences that share a context
share a row; its readings are exchangeable, and are dealt to the sequences at random, by a seed hashed from what was read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from stinespring.batches import Batch, Item, Seen
from stinespring.circuits.systems.spin_tokens import token_angles, token_template
from stinespring.compiler.export.forms import FlowTemplate, Listing
from stinespring.errors import TooLargeError
from stinespring.models.spins.contexts import Contexts, names_of, pieces, spins_of
from stinespring.models.spins.network import SignArray, SpinNetwork
from stinespring.readings import FloatArray, IntArray, Outcomes

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = ["SpinTemplate", "token_text"]

MOST_SPINS = 1 << 28  # of all shots and steps
MOST_ANGLES = 1 << 20  # that a folder lists after the prefixes of one length


def token_text(spins: Sequence[int]) -> str:
    """Return a token as text, spin 0 first.

    Example:
        >>> token_text([1, -1, 1])
        '+-+'
    """
    return "".join("+" if x > 0 else "-" for x in spins)


class Sequences(NamedTuple):
    """What the host knows after some tokens.

    Attributes:
        codes: distinct sequences of tokens, shape (H, steps, pieces).
        counts: shots of each, shape (H,).
        contexts: the distinct contexts.
        which: the context of each sequence, shape (H,).
    """

    codes: IntArray
    counts: IntArray
    contexts: Contexts
    which: IntArray

    @property
    def shots(self) -> IntArray:
        """Shots of each context."""
        return np.bincount(self.which, weights=self.counts, minlength=len(self.contexts.semantic)).astype(np.int64)


@dataclass(frozen=True, eq=False)
class SpinTemplate:
    """The circuit of one token with an angle a spin, and the host that binds it for every context.

    Attributes:
        network: one column a spin.
        steps: T.
        lowered: the template on a device's qubits and gates, if one was named.
    """

    host: ClassVar[bool] = True
    network: SpinNetwork
    steps: int
    lowered: QuantumCircuit | None = None
    _memory: list[tuple[Sequence[Outcomes] | None, Sequences]] = field(default_factory=list, repr=False)

    @cached_property
    def circuit(self) -> QuantumCircuit:
        """The template, with parameters ``a[i]``."""
        return template_circuit(self.network.N) if self.lowered is None else self.lowered

    @property
    def widest(self) -> FlowTemplate:
        """The circuit of one token before any device, register ``t1`` in one piece."""
        return FlowTemplate(token_template(self.network.N), self.network.N)

    def start(self) -> Contexts:
        """Return the context that the first token is generated from."""
        return Contexts.start(self.network)

    def bind(self, contexts: Contexts) -> FloatArray:
        """Return the template's angles for a batch of contexts, shape (B, N)."""
        return token_angles(contexts.fields)

    def next(self, seen: Seen, shots: int) -> Batch | None:
        """Return the call of the next token: one row a context.

        Raises:
            TooLargeError: the tokens of all shots do not fit in memory.
        """
        if shots * self.steps * self.network.N > MOST_SPINS:
            raise TooLargeError(
                "the samples do not fit in memory",
                got=f"{shots:,} shots of {self.steps} tokens of {self.network.N} spins",
                expected=f"at most {MOST_SPINS:,} spins in all",
            )
        if len(seen) == self.steps:
            return None
        found = self._after(seen, shots)
        slots = [parameter.index for parameter in self.circuit.parameters]  # in the order in which values are bound
        angles = np.ascontiguousarray(self.bind(found.contexts)[:, slots])
        return Batch((Item(self.circuit, angles, found.shots),), (len(seen) + 1,))

    def outcomes(self, seen: Seen, shots: int) -> tuple[Outcomes, ...]:
        """Return the sequences of tokens: registers ``t1..tT``, or their pieces ``t1_0, t1_1, ...``."""
        found = self._after(seen, shots)
        names = [name for step in range(1, len(seen) + 1) for name in names_of(step, self.network.N)]
        flat = found.codes.reshape(len(found.codes), -1)
        return (Outcomes.tallied({name: flat[:, place] for place, name in enumerate(names)}, found.counts),)

    def on(self, lower: Callable[[QuantumCircuit], QuantumCircuit]) -> SpinTemplate:
        """Return it with its template lowered."""
        return replace(self, lowered=lower(self.circuit), _memory=[])

    def listing(self) -> Listing:
        """Return the templates of all tokens, and the angles after every prefix (the text generated so far) while they are few.

        After other prefixes the host computes the angles from the network.
        """
        N, names = self.network.N, [f"template_{step}.qasm" for step in range(1, self.steps + 1)]
        templates = {name: FlowTemplate(token_template(N, f"t{step}"), N) for step, name in enumerate(names, start=1)}
        prefixes: dict[str, dict[str, Any]] = {}
        contexts, texts, weights, listed = self.start(), [""], np.ones(1), 0
        for step in range(1, self.steps + 1):
            listed = step
            for text, weight, angles in zip(texts, weights.tolist(), self.bind(contexts).tolist(), strict=True):
                prefixes[text] = {"template": names[step - 1], "probability": weight, "angles": angles}
            if step == self.steps or N * len(texts) << N > MOST_ANGLES:
                break
            every = spins_of(np.arange(1 << N), N)
            law = np.where(every[None] > 0, contexts.plus[:, None], 1.0 - contexts.plus[:, None]).prod(axis=-1)
            texts = [f"{text} {token_text(spins)}".strip() for text in texts for spins in every.tolist()]
            rows = np.repeat(np.arange(len(weights)), len(every))
            contexts = contexts.after(rows, np.tile(every, (len(weights), 1)))
            weights = (weights[:, None] * law).ravel()
        return Listing(templates, prefixes, listed, listed == self.steps)

    def _after(self, seen: Seen, shots: int) -> Sequences:
        """Return what is known after some calls; those that were digested before are not digested again."""
        memory = self._memory
        if not memory or int(memory[0][1].counts.sum()) != shots:
            empty = np.zeros((1, 0, len(pieces(self.network.N))), dtype=np.int64)
            memory[:] = [(None, Sequences(empty, np.array([shots]), self.start(), np.zeros(1, dtype=np.int64)))]
        known = 0
        while known < min(len(seen), len(memory) - 1) and memory[known + 1][0] is seen[known]:
            known += 1
        del memory[known + 1 :]
        for rows in seen[known:]:
            memory.append((rows, self._grown(memory[-1][1], rows)))
        return memory[len(seen)][1]

    def _grown(self, known: Sequences, rows: Sequence[Outcomes]) -> Sequences:
        """Return the sequences with one more token each."""
        N, L, step = self.network.N, self.network.L, known.codes.shape[1] + 1
        parents, codes, counts = dealt(known, rows, names_of(1, N), step)
        every = np.concatenate([known.codes[parents], codes[:, None, :]], axis=1)
        recent = every[:, max(0, step - L) :].reshape(len(every), -1)
        _, first, which = np.unique(recent, axis=0, return_index=True, return_inverse=True)
        contexts = known.contexts.after(known.which[parents[first]], signs(codes[first], N))
        return Sequences(every, counts, contexts, which.ravel().astype(np.int64))


def dealt(known: Sequences, rows: Sequence[Outcomes], names: Sequence[str], step: int) -> tuple[IntArray, IntArray, IntArray]:
    """Return the sequences that are continued, their new tokens, and how often: shapes (H',), (H', pieces), (H',).

    Of the sequences that share a context each takes its number of readings out of all of the context's, at random.
    """
    digest = hashlib.sha256(repr(step).encode())
    for row in rows:
        digest.update(row.values.tobytes() + row.counts.tobytes())
    rng = np.random.default_rng(int.from_bytes(digest.digest(), "little"))
    order = np.argsort(known.which, kind="stable")
    places = np.searchsorted(known.which[order], np.arange(len(rows) + 1))
    parents, codes, counts = [], [], []
    for number, row in enumerate(rows):
        members, readings = order[places[number] : places[number + 1]], row.of(names)
        table = shared_out(known.counts[members], readings.counts, rng)
        member, reading = np.nonzero(table)
        parents.append(members[member])
        codes.append(readings.values[reading])
        counts.append(table[member, reading])
    return np.concatenate(parents), np.concatenate(codes), np.concatenate(counts)


def shared_out(takers: IntArray, readings: IntArray, rng: np.random.Generator) -> IntArray:
    """Return a random table with the given sums of rows and columns, as if every reading were dealt out by itself."""
    if len(takers) > len(readings):
        return shared_out(readings, takers, rng).T
    left, table = readings.copy(), np.empty((len(takers), len(readings)), dtype=np.int64)
    for number, count in enumerate(takers[:-1].tolist()):
        table[number] = rng.multivariate_hypergeometric(left, count)
        left -= table[number]
    table[-1] = left
    return table


def signs(codes: IntArray, spins: int) -> SignArray:
    """Return the spins of tokens from the codes of their pieces: (B, pieces) -> (B, N)."""
    return np.concatenate([spins_of(codes[:, part], size) for part, size in enumerate(pieces(spins))], axis=1)


def template_circuit(spins: int) -> QuantumCircuit:
    """Return the circuit of one token with parameters ``a[i]``, measured into ``t1`` or its parts."""
    from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
    from qiskit.circuit import ParameterVector

    registers = [ClassicalRegister(size, name) for size, name in zip(pieces(spins), names_of(1, spins), strict=True)]
    circuit = QuantumCircuit(QuantumRegister(spins, "q_t1"), *registers, name="token")
    for i, angle in enumerate(ParameterVector("a", spins)):
        circuit.ry(angle, i)
    circuit.measure(range(spins), range(spins))
    return circuit
