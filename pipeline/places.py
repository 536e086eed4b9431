# SPDX-License-Identifier: Apache-2.0
"""Where a program's registers are in the circuit that is run or sent, and what that circuit does to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from stinespring.backends.exact import shares_of
from stinespring.batches import Circuit
from stinespring.checks.texts.block import Realised
from stinespring.checks.texts.promised import Text
from stinespring.circuits.exact.followed import Followed
from stinespring.errors import TooLargeError
from stinespring.readings import ComplexArray, FloatArray, IntArray, Register, meanings

__all__ = ["Placed", "choi_by_outcome", "code_of", "measured_law", "placed", "realised"]

AMPLITUDE = 1e-13  # smaller ones are rounding

Placed = tuple[tuple[int, ...], ...]


def placed(circuit: Circuit, form: Any, names: Sequence[str], *, end: bool = False) -> Placed:
    """Return the qubits that hold quantum registers at a circuit's start, or at its end, least significant first.

    Args:
        circuit: as it is run; a layout says where a device's circuit has what.
        form: what it was made from, which numbers the qubits.
        names: of the registers, as the form has them.
        end: routing may have moved them.

    Raises:
        TooLargeError: a lowered circuit that does not say where its qubits are, which cannot be verified.
    """
    own = [form.place(name) for name in names]
    if circuit.num_qubits == form.qubits and getattr(circuit, "layout", None) is None:
        return tuple(own)
    if circuit.layout is None:
        raise TooLargeError("the device's circuit does not say where its qubits are")
    layout = circuit.layout
    found = layout.final_index_layout(filter_ancillas=True) if end else layout.initial_index_layout(filter_ancillas=True)
    return tuple(tuple(int(found[q]) for q in qubits) for qubits in own)


def code_of(registers: Sequence[Register], symbols: Text) -> int:
    """Return the basis state of registers that stands for symbols, the first register least significant."""
    code, width = 0, 0
    for register, symbol in zip(registers, symbols, strict=True):
        code |= register.symbols.index(symbol) << width
        width += register.size
    return code


def measured_law(circuit: Circuit, followed: Followed, read: Sequence[Register], column: int) -> tuple[IntArray, FloatArray]:
    """Return the readings of some registers by their meaning, shape (U, R), and their probabilities."""
    values, probabilities = shares_of(circuit, followed, column)
    names = [register.name for register in circuit.cregs]
    columns = meanings({register.name: values[:, names.index(register.name)] for register in read}, read)
    return np.stack([*columns.values()], axis=1), probabilities


def realised(
    circuit: Circuit, followed: Followed, read: Sequence[Register], kept: Sequence[Register], ends: Placed,
    texts: Sequence[Text], *, measured: bool,
) -> Realised:  # fmt: skip
    """Return what a circuit does before its last measurements: operators from prompts to prompt, tokens and positions.

    Args:
        circuit: as it is run.
        followed: its branches, one column a text.
        read: registers that are measured.
        kept: prompt registers, which are not.
        ends: the qubits of the latter.
        texts: the prompts that go in.
        measured: whether coherence between readings does not count, since the device's compiler need not keep it.
    """
    place = {bit: index for index, bit in enumerate(circuit.clbits)}
    bits = {register.name: [place[bit] for bit in register] for register in circuit.cregs}
    count, size, _ = followed.states.shape
    wires: set[int] = set()
    codes = []
    for qubits in ends:
        codes.append(np.broadcast_to(followed.codes(qubits), (count, size)))
        wires.update(followed.wires[q] for q in qubits)
    for register in read:
        codes.append(followed.values(bits[register.name]))
        wires.update(followed.read[bit] for bit in bits[register.name] if bit in followed.read)
    rest = [wire for wire in range(followed.width) if wire not in wires]
    traced = np.arange(count)[:, None] << len(rest)  # a branch is traced out like a qubit
    for i, wire in enumerate(rest):
        traced = traced | (np.arange(size) >> wire & 1) << i
    occurring = (abs(followed.states) > AMPLITUDE).any(axis=2)
    rows = np.stack([np.broadcast_to(code, (count, size))[occurring] for code in codes], axis=1)
    outputs, output = np.unique(rows, axis=0, return_inverse=True)
    labels, label = np.unique(np.broadcast_to(traced, (count, size))[occurring], return_inverse=True)
    kraus = np.zeros((len(labels), len(outputs), len(texts)), dtype=np.complex128)
    kraus[label.ravel(), output.ravel()] = followed.states[occurring]
    meaning = [register.meaning(outputs[:, i]) for i, register in enumerate((*kept, *read))]
    return Realised(kraus, np.stack(meaning, axis=1), tuple(texts), measured)


def choi_by_outcome(
    circuit: Circuit, followed: Followed, outputs: Sequence[int], outcome: str | None
) -> dict[int | None, ComplexArray]:
    """Return the Choi matrix of a followed circuit, the input most significant; with a register one for each of its values.

    Args:
        circuit: as it is run.
        followed: from every basis state of its inputs.
        outputs: qubits at its end, least significant first.
        outcome: the classical register whose values make it an instrument.
    """
    place = {bit: index for index, bit in enumerate(circuit.clbits)}
    count, size, columns = followed.states.shape
    codes, wires = followed.codes(outputs), {followed.wires[q] for q in outputs}
    rest = [wire for wire in range(followed.width) if wire not in wires]
    traced = sum(((np.arange(size) >> wire & 1) << i for i, wire in enumerate(rest)), np.zeros(size, dtype=np.int64))
    kraus = np.zeros((count, 1 << len(rest), columns, 1 << len(outputs)), dtype=np.complex128)
    kraus[:, traced, :, codes] = followed.states.transpose(1, 0, 2)
    rows = kraus.reshape(count, 1 << len(rest), -1)
    if outcome is None:
        flat = rows.reshape(-1, rows.shape[2])
        return {None: flat.T @ flat.conj()}
    register = next(r for r in circuit.cregs if r.name == outcome)
    value = np.zeros((count, 1 << len(rest)), dtype=np.int64)
    value[:, traced] = followed.values([place[bit] for bit in register])
    return {int(v): rows[value == v].T @ rows[value == v].conj() for v in np.unique(value)}
