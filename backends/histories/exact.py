# SPDX-License-Identifier: Apache-2.0
"""The laws of what the paths of our own make of a program, compared with the program's own: exactly, where both are small.

The sampled paths run something else than the program: events without what nobody notices, on other wires, with bits in wires.
The law that this gives must be the program's, which :mod:`stinespring.circuits.deeds.law` computes branch by branch.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from stinespring.backends.histories.amplitudes import WORD, column_values
from stinespring.backends.histories.flow_events import events, until_reset
from stinespring.backends.histories.rounds import rounds
from stinespring.backends.histories.segment import Segment, Step
from stinespring.backends.histories.together import law_together
from stinespring.circuits.core.flow import Flow
from stinespring.circuits.core.gates import Gate
from stinespring.circuits.core.one_qubit import gate_matrix
from stinespring.circuits.deeds.account import Account, Deed
from stinespring.circuits.deeds.language import STANDARD, controlled_by
from stinespring.circuits.deeds.law import MOST_QUBITS, law_of, required_law
from stinespring.circuits.deeds.of_flow import account_of_flow
from stinespring.errors import DefectError
from stinespring.readings import IntArray

__all__ = ["require_deferred", "require_together"]

KEPT = 64  # programs that were compared
SAME = 1e-8  # TVD of laws that are the same
MOST_OUTCOMES = 12  # bits that are measured or reset at random in a program whose histories are all listed


def require_deferred(flow: Flow) -> None:
    """Refuse a program whose events, all measurements deferred, have another law; nothing is said of more than ten wires.

    Raises:
        DefectError: the laws differ.
    """
    if flow.qubits > MOST_QUBITS:
        return
    program, segment = events(flow), Segment({}, {})
    segment.add(program, until_reset(program))
    stage, bits, _, _ = segment.finish(())
    if stage.width > MOST_QUBITS:
        return
    twice = next((step for step in stage.steps if len(set(step.wires)) < len(step.wires)), None)
    if twice is not None:
        raise DefectError(f"the program with its measurements deferred has {twice.name} twice on one wire of {twice.wires}")
    deeds = [deed_of(step) for step in stage.steps]
    width = stage.width
    for bit, source in bits.items():
        if source < 0 and ~source:  # a constant one: a wire of its own holds it
            deeds.append(Deed("gate", (width,), matrix=STANDARD["x"].matrix()))
            deeds.append(Deed("measure", (width,), (bit,)))
            width += 1
        elif source >= 0:
            deeds.append(Deed("measure", (source,), (bit,)))
    found = Account((("q", width),), flow.classical, tuple(deeds), None)
    where = required_law(account_of_flow(flow), found)
    if where is not None:
        raise DefectError(f"the program with its measurements deferred is another program: {where}")


@lru_cache(maxsize=KEPT)
def require_together(flow: Flow) -> None:
    """Refuse a program whose histories, followed together, have another law; nothing is said of more than ten qubits.

    A process compares a program once, however often it is sampled.

    Raises:
        DefectError: the laws differ.
    """
    program = rounds(events(flow), flow.clbits)
    if flow.qubits > MOST_QUBITS or sum(len(one.measured) for one in program) > MOST_OUTCOMES:
        return
    wanted = law_of(account_of_flow(flow))
    if wanted is None:
        return
    found = law_together(program, columns=flow.clbits + flow.qubits)
    law = dict.fromkeys(wanted, 0.0)
    for word, share in zip(numbers_of(found.words, flow.clbits), found.counts.tolist(), strict=True):
        law[word] = law.get(word, 0.0) + share
    distance = sum(abs(share - wanted.get(word, 0.0)) for word, share in law.items()) / 2
    if distance > SAME:
        what = "the program with its histories followed together"
        raise DefectError(f"{what} is another program: the law of its bits is off by a TVD of {distance:.3g}")


def numbers_of(words: IntArray, bits: int) -> list[int]:
    """Return all bits of every history as one number, bit 0 least significant."""
    total = [0] * words.shape[1]
    for first in range(0, bits, WORD):
        part = column_values(words, range(first, min(bits, first + WORD))).tolist()
        total = [number | value << first for number, value in zip(total, part, strict=True)]
    return total


def deed_of(step: Step) -> Deed:
    """Return what one instruction of Aer does; a multiplexer's targets come first, then its controls."""
    if step.name == "multiplexer":
        size = 1 << step.targets
        matrices = np.frombuffer(step.matrices, dtype=np.complex128).reshape(-1, size, size)
        whole = np.zeros((len(matrices) * size,) * 2, dtype=np.complex128)
        for value, matrix in enumerate(matrices):
            whole[value * size : (value + 1) * size, value * size : (value + 1) * size] = matrix
        return Deed("gate", step.wires, matrix=whole)
    if step.name == "mcu":
        theta, phi, lam, _ = step.params
        matrix = gate_matrix(Gate("u", (0,), (theta, phi, lam)))
        return Deed("gate", step.wires, matrix=controlled_by(matrix, len(step.wires) - 1))
    return Deed("gate", step.wires, matrix=STANDARD["u3" if step.name == "u" else step.name].matrix(*step.params))
