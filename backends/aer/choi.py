# SPDX-License-Identifier: Apache-2.0
"""The Choi matrix of a circuit by channel-state duality on Aer: half of a maximally entangled pair goes in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from stinespring.backends.aer.deferred import defer
from stinespring.errors import InputError, TooLargeError
from stinespring.readings import ComplexArray

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = ["channel_wires", "circuit_choi", "outcome_choi", "require_choi"]

MOST_QUBITS = 22  # a statevector of 64 MB
MOST_ENTRIES = 1 << 22  # of the Choi matrix
MOST_OUTCOME_ENTRIES = 1 << 24  # of those of all outcomes together, 256 MB


def channel_wires(circuit: QuantumCircuit, *, inputs: int, outputs: int) -> tuple[list[int], list[int]]:
    """Return the input and output qubits of a channel program: the first m and the first n of register ``sys``.

    Raises:
        InputError: no such register, or one of another size.
    """
    if max(inputs, outputs) == 0:
        return [], []
    found = [register for register in circuit.qregs if register.name == "sys"]
    if not found or found[0].size != max(inputs, outputs):
        raise InputError(
            "the program has no register 'sys' of the channel's size",
            got=", ".join(f"{r.name}[{r.size}]" for r in circuit.qregs) or "no register",
            expected=f"sys[{max(inputs, outputs)}]",
        )
    wires = [circuit.find_bit(qubit).index for qubit in found[0]]
    return wires[:inputs], wires[:outputs]


def require_choi(inputs: int, outputs: int) -> None:
    """Refuse a channel whose Choi matrix is too large, before anything of that size is made.

    Raises:
        TooLargeError: more than 2^22 elements, ``4^(m+n)``.
    """
    if 4 ** (inputs + outputs) > MOST_ENTRIES:
        raise TooLargeError(
            "the channel is too large for its Choi matrix",
            got=f"{inputs} input and {outputs} output qubits",
            expected=f"at most {MOST_ENTRIES:,} matrix elements: {(MOST_ENTRIES.bit_length() - 1) // 2} qubits in and out",
            todo="use a sampled check: --shots N",
        )


def circuit_choi(circuit: QuantumCircuit, inputs: Sequence[int], outputs: Sequence[int]) -> ComplexArray:
    """Return ``sum_ij |i><j| (x) E(|i><j|)`` of a circuit that may measure, reset and branch.

    The circuit is run once, with its measurements deferred, on ``sum_i |i>|i>`` of a reference and the inputs; every other
    qubit starts in |0> and is traced out at the end, classical bits included.

    Args:
        circuit: the program; see :func:`stinespring.backends.aer.deferred.defer`.
        inputs: m qubits, least significant first.
        outputs: n qubits, least significant first.

    Returns:
        Shape (2^(m+n), 2^(m+n)), the input most significant (Qiskit's order).

    Raises:
        InputError: control flow that cannot be deferred.
        TooLargeError: more than 22 qubits in all.
    """
    return np.asarray(sum(outcome_choi(circuit, inputs, outputs, ()).values()))


def outcome_choi(
    circuit: QuantumCircuit, inputs: Sequence[int], outputs: Sequence[int], clbits: Sequence[int]
) -> dict[int, ComplexArray]:
    """Return the Choi matrix of the operation that belongs to each value of some classical bits: an instrument.

    Args:
        circuit: the program.
        inputs: m qubits.
        outputs: n qubits.
        clbits: classical bits, least significant first; outcomes that never occur are left out.
    """
    from qiskit import QuantumCircuit

    require_choi(len(inputs), len(outputs))
    reference = len(inputs)
    if circuit.num_qubits + reference > MOST_QUBITS:
        raise TooLargeError(
            "the program is too large for its Choi matrix",
            got=f"{circuit.num_qubits} qubits and {reference} inputs",
            expected=f"at most {MOST_QUBITS} qubits in all",
            todo="use a sampled check: --shots N",
        )
    deferred = defer(circuit, keep=outputs, most=MOST_QUBITS - reference)
    width = deferred.circuit.num_qubits
    whole = QuantumCircuit(width + reference)
    for i, wire in enumerate(inputs):
        whole.h(width + i)
        whole.cx(width + i, wire)
    whole.compose(deferred.circuit, range(width), inplace=True)
    state = run_statevector(whole).reshape((2,) * (width + reference))
    kept = [width + i for i in reversed(range(reference))] + [deferred.qubits[q] for q in reversed(outputs)]
    read = [carrier for c in clbits if (carrier := deferred.clbits[c]) is not None]
    rest = [q for q in range(width + reference) if q not in kept and q not in read]
    axes = [width + reference - 1 - q for q in (*reversed(read), *kept, *rest)]
    parts = state.transpose(axes).reshape(1 << len(read), 1 << len(kept), -1) * np.sqrt(2.0**reference)
    positions = [i for i, c in enumerate(clbits) if deferred.clbits[c] is not None]
    weights = np.square(np.abs(parts)).sum(axis=(1, 2))
    occurring = np.flatnonzero(weights > 1e-14)
    if len(occurring) * 4 ** len(kept) > MOST_OUTCOME_ENTRIES:
        raise TooLargeError(
            "the program has too many outcomes for their Choi matrices",
            got=f"{len(occurring)} outcomes of {4 ** len(kept):,} matrix elements",
            expected=f"at most {MOST_OUTCOME_ENTRIES:,} in all",
            todo="use a sampled check: --shots N",
        )
    result = {}
    for value in occurring.tolist():
        part = parts[value]
        result[sum((value >> j & 1) << i for j, i in enumerate(positions))] = part @ part.conj().T
    return result


def run_statevector(circuit: QuantumCircuit) -> ComplexArray:
    """Return the final state of a unitary circuit on Aer."""
    from qiskit import transpile

    from stinespring.backends.aer.backend import checked_simulator

    simulator = checked_simulator("statevector")
    circuit.save_statevector()
    ready = transpile(circuit, simulator, optimization_level=0)
    return np.asarray(simulator.run(ready).result().get_statevector(ready).data)
