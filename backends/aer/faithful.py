# SPDX-License-Identifier: Apache-2.0
"""The circuit that Aer gets, on few qubits and in its own instructions, compared with the circuit that was to be run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from stinespring.circuits.deeds.account import MOST_DEEDS, Account, Deed, difference
from stinespring.circuits.deeds.of_circuit import account_of_circuit
from stinespring.errors import DefectError

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = ["require_simulated"]

SWAP = np.eye(4)[[0, 2, 1, 3]]
SAME = 1e-12


def require_simulated(circuit: QuantumCircuit, made: QuantumCircuit, qubits: Sequence[int]) -> None:
    """Refuse what was made of a circuit for Aer if it does something else.

    Delays and barriers do not count, nor do the identities that carry the noise of delays. What is swapped to a spare qubit and
    measured there counts as measured where it was.

    Args:
        circuit: on the qubits of a device.
        made: what Aer gets; its qubits are ``qubits`` and, after them, spare ones.
        qubits: of the circuit, in order.

    Raises:
        DefectError: they differ; the message says where.
    """
    if circuit.size() > MOST_DEEDS:
        return
    number = {qubit: i for i, qubit in enumerate(qubits)}
    expected, found = account_of_circuit(circuit), account_of_circuit(made)
    wanted = replace(expected, deeds=tuple(moved(deed, number) for deed in expected.deeds if acts(deed)))
    where = difference(wanted, unswapped(found, len(qubits)), registers=False, idle=False, phase=False)
    if where is None and expected.classical != found.classical:
        where = "other classical registers"
    if where is not None:
        raise DefectError(f"the circuit that is simulated is another program: {where}")


def acts(deed: Deed) -> bool:
    """Return whether a deed changes anything."""
    if deed.kind in ("delay", "barrier"):
        return False
    return deed.matrix is None or len(deed.matrix) > 2 or abs(deed.matrix - np.eye(2)).max() > SAME


def moved(deed: Deed, number: dict[int, int]) -> Deed:
    """Return a deed on other qubits, and the branches of a condition without what changes nothing."""
    then, otherwise = (tuple(moved(d, number) for d in part if acts(d)) for part in (deed.then, deed.otherwise))
    return deed._replace(qubits=tuple([number.get(q, -1) for q in deed.qubits]), then=then, otherwise=otherwise)


def unswapped(account: Account, spare: int) -> Account:
    """Return an account in which swaps with the qubits from ``spare`` on only say where a qubit is for the while."""
    place: dict[int, int] = {}
    deeds = []
    for deed in account.deeds:
        if (
            deed.matrix is not None
            and len(deed.qubits) == 2
            and max(deed.qubits) >= spare
            and np.array_equal(deed.matrix, SWAP)
        ):
            one, other = (place.get(q, q) for q in deed.qubits)
            place |= {deed.qubits[0]: other, deed.qubits[1]: one}
        elif acts(deed):
            then, otherwise = (tuple(d for d in part if acts(d)) for part in (deed.then, deed.otherwise))
            deeds.append(deed._replace(qubits=tuple([place.get(q, q) for q in deed.qubits]), then=then, otherwise=otherwise))
    return replace(account, deeds=tuple(deeds))
