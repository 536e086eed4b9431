# SPDX-License-Identifier: Apache-2.0
"""What a program runs: calls of a backend, one after the other, each chosen by what was seen before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Protocol

import numpy as np

from stinespring.readings import FloatArray, IntArray, Outcomes, Register, decoded

__all__ = ["Batch", "Body", "Circuit", "Form", "Item", "OneCircuit", "Report", "Seen", "Several", "quiet"]

Circuit = Any  # a qiskit.QuantumCircuit; this module knows NumPy alone
Report = Callable[[str, float], None]


def quiet(phrase: str, share: float) -> None:
    """Report nothing."""


@dataclass(frozen=True, eq=False)
class Item:
    """One circuit with its parameter values, and the shots of each row.

    Attributes:
        circuit: on the backend's own qubits and gates, if it has any.
        angles: shape (rows, parameters), in the order of ``circuit.parameters``; None for a circuit without parameters.
        shots: shape (rows,).
    """

    circuit: Circuit
    angles: FloatArray | None
    shots: IntArray

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.shots)


@dataclass(frozen=True, eq=False)
class Batch:
    """One call of a backend.

    Attributes:
        items: circuits, each with its rows.
        key: names the call among those of a run; its seed is hashed from it.
    """

    items: tuple[Item, ...]
    key: tuple[int, ...]

    @property
    def rows(self) -> int:
        """Number of rows in all: as many outcomes come back."""
        return sum(item.rows for item in self.items)

    @property
    def shots(self) -> int:
        """Shots in all."""
        return int(sum(int(item.shots.sum()) for item in self.items))


Seen = Sequence[Sequence[Outcomes]]  # the outcomes of the calls so far, each row by row


class Body(Protocol):
    """What a program runs: the next call, given what was seen. The loop over it is the only one there is.

    ``host`` says whether the host takes part between calls: what it decoded then has no raw readings.
    """

    host: ClassVar[bool]

    @property
    def circuit(self) -> Circuit:
        """The circuit as it is run; of several the first, of a template the widest with its parameters."""

    def next(self, seen: Seen, shots: int) -> Batch | None:
        """Return the next call; None when everything has been measured."""

    def outcomes(self, seen: Seen, shots: int) -> tuple[Outcomes, ...]:
        """Return what all calls together measured, codes replaced by their meaning."""

    def on(self, lower: Callable[[Circuit], Circuit]) -> Body:
        """Return the same body with every circuit passed through ``lower``."""


class Form(Protocol):
    """Gates, measurements and conditions before any device: a flow, or the layout of a static program."""

    def circuit(self) -> Circuit:
        """Return them as a Qiskit circuit."""


@dataclass(frozen=True, eq=False)
class OneCircuit:
    """One circuit, sampled in one call.

    Attributes:
        form: what was compiled.
        registers: what the classical registers mean.
        lowered: the circuit on a device's qubits and gates, if one was named.
    """

    host: ClassVar[bool] = False
    form: Form
    registers: tuple[Register, ...]
    lowered: Circuit | None = None

    @cached_property
    def circuit(self) -> Circuit:
        """The circuit as it is run."""
        return self.form.circuit() if self.lowered is None else self.lowered

    def next(self, seen: Seen, shots: int) -> Batch | None:
        """Return the one call there is."""
        return None if seen else Batch((Item(self.circuit, None, np.array([shots])),), (1,))

    def outcomes(self, seen: Seen, shots: int) -> tuple[Outcomes, ...]:
        """Return the decoded readings."""
        return (decoded(seen[0][0], self.registers),)

    def on(self, lower: Callable[[Circuit], Circuit]) -> OneCircuit:
        """Return it with its circuit lowered."""
        return replace(self, lowered=lower(self.circuit))


@dataclass(frozen=True, eq=False)
class Several:
    """Several circuits, or one with several rows of angles, in one call.

    Attributes:
        forms: the circuits.
        angles: for each circuit its rows of parameter values, or None.
        registers: what the classical registers mean; the same names in every circuit mean the same.
        shared: whether the shots asked for are shared among all rows; else every row has as many.
        lowered: the circuits on a device's qubits and gates, if one was named.
        key: of the call.
    """

    host: ClassVar[bool] = False
    forms: tuple[Form, ...]
    angles: tuple[FloatArray | None, ...]
    registers: tuple[Register, ...]
    shared: bool = False
    lowered: tuple[Circuit, ...] | None = None
    key: tuple[int, ...] = (1,)

    @cached_property
    def circuits(self) -> tuple[Circuit, ...]:
        """The circuits as they are run."""
        return tuple(form.circuit() for form in self.forms) if self.lowered is None else self.lowered

    @property
    def circuit(self) -> Circuit:
        """The first circuit."""
        return self.circuits[0]

    def next(self, seen: Seen, shots: int) -> Batch | None:
        """Return the one call there is."""
        if seen:
            return None
        rows = [1 if angles is None else len(angles) for angles in self.angles]
        each = np.split(dealt(shots, sum(rows)) if self.shared else np.full(sum(rows), shots), np.cumsum(rows)[:-1])
        items = [
            Item(circuit, angles if angles is None else angles[:, [p.index for p in circuit.parameters]], mine)
            for circuit, angles, mine in zip(self.circuits, self.angles, each, strict=True)
        ]
        return Batch(tuple(items), self.key)

    def outcomes(self, seen: Seen, shots: int) -> tuple[Outcomes, ...]:
        """Return the decoded readings, row by row."""
        return tuple(decoded(row, self.registers) for row in seen[0])

    def on(self, lower: Callable[[Circuit], Circuit]) -> Several:
        """Return it with its circuits lowered."""
        return replace(self, lowered=tuple(lower(circuit) for circuit in self.circuits))


def dealt(shots: int, rows: int) -> IntArray:
    """Return nearly equal numbers of shots for some rows, shape (rows,): they add up to all of them.

    Example:
        >>> dealt(10, 4).tolist()
        [3, 3, 2, 2]
    """
    return shots // rows + (np.arange(rows) < shots % rows)
