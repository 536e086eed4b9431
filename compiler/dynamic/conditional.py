# SPDX-License-Identifier: Apache-2.0
"""One law with some of the registers it reads as quantum controls and the others as classical conditions.

For each classical context v the law is a smaller one over the quantum registers. It is prepared on the whole outcome register
at once, or *bit by bit*: one qubit is turned, measured and reset for each bit, the highest first, and steers the bits below.
Without quantum controls that takes no two-qubit gate at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from stinespring.circuits.core.gates import Gate, count_two_qubit
from stinespring.circuits.exact.multiplexer import NEGLIGIBLE, law_angles, law_gates
from stinespring.circuits.laws.free_law import free_law_circuit
from stinespring.compiler.texts.operations import StepLaw
from stinespring.readings import UNUSED, BoolArray, FloatArray, IntArray, Register

__all__ = ["BitStage", "ConditionalLaw", "Steering", "Synthesis"]

Key = tuple[int, ...]
SAME = 12  # decimals to which equal angles agree


@dataclass(frozen=True)
class Steering:
    """How a law is realised: what steers it.

    Attributes:
        quantum: the registers that control gates; the others the law reads are classical.
        bitwise: whether the outcome is made and measured bit by bit on one qubit.
    """

    quantum: tuple[str, ...]
    bitwise: bool


@dataclass(frozen=True)
class BitStage:
    """Gates whose choice depends on classical bits.

    Attributes:
        always: gates that are applied whatever happened.
        cases: gates by key: the codes of the classical registers, in the order the law reads them, and then the bits of the
            outcome that are made already, as a number with the missing lower bits zero.
        made: how many bits of the outcome are made before this stage.
    """

    always: tuple[Gate, ...]
    cases: Mapping[Key, tuple[Gate, ...]]
    made: int

    @property
    def two_qubit(self) -> int:
        """Two-qubit gates of the most expensive case."""
        return count_two_qubit(self.always) + max((count_two_qubit(gates) for gates in self.cases.values()), default=0)


class Synthesis:
    """Circuits of small laws, each made once.

    Args:
        effort: about the seconds of search for each; 0 for closed forms.
    """

    def __init__(self, effort: float = 0.0) -> None:
        self.effort = effort
        self._known: dict[tuple[bytes, bytes, tuple[int, ...]], tuple[Gate, ...]] = {}

    def gates(self, table: FloatArray, care: BoolArray) -> tuple[Gate, ...]:
        """Return gates for ``sum_t sqrt(P(t|x)) |t>`` up to phases; context wires first, then the outcome's.

        Args:
            table: shape (2^M, 2^k).
            care: contexts that occur, shape (2^M,).
        """
        key = (np.round(table, 15).tobytes(), care.tobytes(), table.shape)
        if key not in self._known:
            self._known[key] = self._made(table, care)
        return self._known[key]

    def _made(self, table: FloatArray, care: BoolArray) -> tuple[Gate, ...]:
        width, size = table.shape[0].bit_length() - 1, table.shape[1].bit_length() - 1
        if size == 1 and not width:
            angle = float(law_angles(table)[0][0])
            return (Gate("ry", (0,), (angle,)),) if abs(angle) > NEGLIGIBLE else ()
        found = free_law_circuit(table, token_bits=None, care=care, free_codes=False, ancillas=False, effort=self.effort)
        plain = list(law_gates(table, range(width + size)))
        same_codes = np.array_equal(found.codes, np.arange(table.shape[1]))
        if not same_codes or count_two_qubit(plain) <= count_two_qubit(found.gates):
            return tuple(plain)
        return tuple(found.gates)


@dataclass(frozen=True)
class ConditionalLaw:
    """A law over codes, ready to be split into classical and quantum contexts.

    Attributes:
        law: the law.
        target: the register that its outcome goes to.
        registers: the registers it reads, in order.
    """

    law: StepLaw
    target: Register
    registers: tuple[Register, ...]

    @property
    def reads(self) -> tuple[str, ...]:
        """The names of the registers it reads, in order."""
        return tuple(register.name for register in self.registers)

    @cached_property
    def codes(self) -> IntArray:
        """The code of each register read in each context, shape (B, reads)."""
        columns = [register.code_of(self.law.contexts[:, i]) for i, register in enumerate(self.registers)]
        return np.stack(columns, axis=1) if columns else np.zeros((len(self.law.contexts), 0), dtype=np.int64)

    @cached_property
    def table(self) -> FloatArray:
        """The law over the target's codes, shape (B, 2^k)."""
        symbols = np.array(self.target.symbols)
        known = np.flatnonzero(symbols != UNUSED)
        table = np.zeros((len(self.law.contexts), len(symbols)))
        table[:, known] = self.law.probabilities[:, symbols[known]]
        return table

    def classical(self, steering: Steering) -> tuple[str, ...]:
        """Return the registers that are read as bits."""
        return tuple(name for name in self.reads if name not in steering.quantum)

    def stages(self, steering: Steering, synthesis: Synthesis) -> list[BitStage]:
        """Return the law's stages; wires are the quantum registers' qubits in reading order, then the outcome's."""
        groups = self._groups(steering)
        if not steering.bitwise:
            cases = {key: synthesis.gates(table, care) for key, (table, care) in groups.items()}
            return [simplest(cases, 0)]
        result = []
        size = self.target.size
        for made in range(size):
            cases = {}
            for key, (table, care) in groups.items():
                grid = table.reshape(len(table), 1 << made, 2, -1).sum(axis=3)  # contexts, bits made, this bit
                for prefix in range(1 << made):
                    mass = grid[:, prefix].sum(axis=1)
                    alive = care & (mass > 0)
                    if alive.any():
                        bit = grid[:, prefix] / np.where(mass > 0, mass, 1.0)[:, None]
                        bit[~alive] = 0.0
                        cases[*key, prefix << (size - made)] = synthesis.gates(bit, alive)
            result.append(simplest(cases, made))
        return result

    def _groups(self, steering: Steering) -> dict[Key, tuple[FloatArray, BoolArray]]:
        """Return the law over the quantum registers for each classical context that occurs."""
        classical = [i for i, name in enumerate(self.reads) if name not in steering.quantum]
        shift, index = 0, np.zeros(len(self.codes), dtype=np.int64)
        for i, register in enumerate(self.registers):
            if register.name in steering.quantum:
                index |= self.codes[:, i] << shift
                shift += register.size
        keys, where = np.unique(self.codes[:, classical], axis=0, return_inverse=True)
        where = where.ravel()
        result = {}
        for number, key in enumerate(keys.tolist()):
            rows = np.flatnonzero(where == number)
            table, care = np.zeros((1 << shift, self.table.shape[1])), np.zeros(1 << shift, dtype=np.bool_)
            table[index[rows]], care[index[rows]] = self.table[rows], True
            result[tuple(key)] = (table, care)
        return result


def simplest(cases: Mapping[Key, tuple[Gate, ...]], made: int) -> BitStage:
    """Return a stage with few conditions: what most cases need is always done.

    Rotations of a single qubit add up, so that the commonest one can be applied without a condition and the others differ
    from it; other gates are unconditional only if all cases agree.
    """
    different = set(cases.values())
    if len(different) == 1:
        return BitStage(next(iter(different)), {}, made)
    if all(len(gates) <= 1 and all(g.name == "ry" for g in gates) for gates in different):
        angles = {key: float(gates[0].params[0]) if gates else 0.0 for key, gates in cases.items()}  # type: ignore[arg-type]
        [(common, _)] = Counter(round(angle, SAME) for angle in angles.values()).most_common(1)
        first = next(angle for angle in angles.values() if round(angle, SAME) == common)
        wire = next(gates[0].qubits for gates in cases.values() if gates)
        rest = {key: (Gate("ry", wire, (angle - first,)),) for key, angle in angles.items() if round(angle, SAME) != common}
        return BitStage((Gate("ry", wire, (first,)),) if abs(first) > NEGLIGIBLE else (), rest, made)
    return BitStage((), {key: gates for key, gates in cases.items() if gates}, made)
