# SPDX-License-Identifier: Apache-2.0
"""One program in all its forms: what is written is read back, and circuits are compared with what they were made of.

The readers (:mod:`stinespring.circuits.deeds`) share nothing with the writers. A difference is a defect of stinespring: nothing
is written or run.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from stinespring.batches import Several
from stinespring.circuits.core.flow import Flow, If
from stinespring.circuits.deeds.account import MOST_DEEDS, Account, difference, fused, require_same
from stinespring.circuits.deeds.law import required_law
from stinespring.circuits.deeds.of_circuit import account_of_circuit
from stinespring.circuits.deeds.of_flow import account_of_flow, account_of_gates
from stinespring.circuits.deeds.of_text import UnreadableError, account_of_text
from stinespring.compiler.export.forms import FlowTemplate
from stinespring.compiler.stepwise.template import Template
from stinespring.compiler.texts.operations import Layout
from stinespring.errors import DefectError

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = [
    "is_read_back",
    "read_back",
    "read_back_flow",
    "require_circuit",
    "require_circuits",
    "require_kept",
    "require_lowered",
    "require_padded",
]


def account_of(form: Any) -> Account:
    """Return what a circuit before any device does; one that is no form of the compiler's stands on one register ``q``."""
    if isinstance(form, Flow):
        return account_of_flow(form)
    if isinstance(form, FlowTemplate):
        return account_of_flow(form.flow, form.slots)
    if isinstance(form, Layout):
        return account_of_gates(form.registers, form.measured, form.gates())
    if isinstance(form, Template):
        return account_of_gates(form.registers, [register.name for register in form.registers], form.gates, form.slots)
    return on_one_register(form if hasattr(form, "data") else form.circuit())


def on_one_register(circuit: QuantumCircuit) -> Account:
    """Return what a circuit does, its qubits as those of one register ``q``, its global phase left open."""
    return replace(account_of_circuit(circuit, phase=False), quantum=(("q", circuit.num_qubits),))


def size_of(form: Any) -> int:
    """Return the number of gates and other instructions of a form or a circuit."""
    if isinstance(form, Flow):
        return sum(1 + len(item.gates) if isinstance(item, If) else 1 for item in form.instructions)
    if isinstance(form, FlowTemplate):
        return len(form.flow.instructions)
    if isinstance(form, Layout):
        return sum(len(dilation.gates) for dilation in form.dilations)
    if isinstance(form, Template):
        return len(form.gates)
    return len((form if hasattr(form, "data") else form.circuit()).data)


def is_read_back(form: Any) -> bool:
    """Return whether what is written of a form is read back and compared: it has not too many gates."""
    return size_of(form) <= MOST_DEEDS


def read_back(text: str, form: Any) -> str:
    """Return an OpenQASM 3 text that was written of a form, or of a circuit on a device, once it was read back and compared.

    Args:
        text: as it will be written.
        form: what it was written from.

    Raises:
        DefectError: the text says something else; the message says where.
    """
    if not is_read_back(form):
        return text
    try:
        found = account_of_text(text)
    except UnreadableError as error:
        raise DefectError(f"the OpenQASM that was written cannot be read back: {error}") from None
    where = difference(account_of(form), found)
    if where is not None:
        raise DefectError(f"the OpenQASM that was written is another program: {where}")
    return text


def read_back_flow(text: str, flow: Flow, slots: int, *, dialect: str, registers: bool) -> str:
    """Return a text in another dialect that was written of a flow, once it was read back and compared.

    Args:
        text: as it will be written.
        flow: what it was written from, in the gates that the dialect has.
        slots: how many free angles it has.
        dialect: as :func:`stinespring.circuits.deeds.of_text.account_of_text` knows it.
        registers: whether names and sizes of registers must agree.

    Raises:
        DefectError: the text says something else; the message says where.
    """
    if size_of(flow) > MOST_DEEDS:
        return text
    try:
        found = account_of_text(text, dialect=dialect)
    except UnreadableError as error:
        raise DefectError(f"the {dialect} text that was written cannot be read back: {error}") from None
    what = f"the {dialect} text that was written"
    require_same(account_of_flow(flow, slots), found, what, registers=registers, phase=False)
    return text


def require_circuit(form: Any, circuit: QuantumCircuit) -> None:
    """Refuse a Qiskit circuit that is not what it was made of.

    Raises:
        DefectError: they differ; the message says where.
    """
    if hasattr(form, "data") or not isinstance(form, Flow | FlowTemplate | Layout | Template) or not is_read_back(form):
        return
    where = difference(account_of(form), account_of_circuit(circuit), registers=not isinstance(form, FlowTemplate))
    if where is not None:
        raise DefectError(f"the circuit that was made is another program: {where}")


def require_lowered(before: QuantumCircuit, after: QuantumCircuit) -> None:
    """Refuse a circuit on a device's gates and qubits that is another program than before.

    Of circuits on at most ten qubits the exact laws of all bits are compared, of wider ones how often each bit is measured.

    Raises:
        DefectError: they differ; the message says where.
    """
    if max(size_of(before), size_of(after)) > MOST_DEEDS:
        return
    where = required_law(account_of_circuit(before, phase=False), account_of_circuit(after, phase=False))
    if where is not None:
        raise DefectError(f"the circuit on the device is another program: {where}")


def require_kept(before: QuantumCircuit, after: QuantumCircuit, what: str) -> None:
    """Refuse a circuit that does not do, one by one, what it did before; what does nothing may be missing.

    Raises:
        DefectError: they differ; the message says where.
    """
    if size_of(before) <= MOST_DEEDS:
        require_same(account_of_circuit(before), account_of_circuit(after), what)


def require_padded(before: QuantumCircuit, after: QuantumCircuit) -> None:
    """Refuse a circuit whose idle times were filled if it does something else; pairs of gates that cancel do nothing.

    Raises:
        DefectError: they differ; the message says where.
    """
    if size_of(after) <= MOST_DEEDS:
        one, other = fused(account_of_circuit(before)), fused(account_of_circuit(after))
        require_same(one, other, "the circuit with its idle times filled")


def require_circuits(body: Any) -> None:
    """Refuse a body whose circuits are not what they were made of; of a host in the loop its widest template is compared.

    Raises:
        DefectError: they differ; the message says where.
    """
    if body.host:
        on_device = getattr(body, "lowered", None) or getattr(body, "lower", None)
        pairs = [] if on_device is not None else [(body.widest, body.circuit)]
    elif body.lowered is not None:
        pairs = []  # compared when it was lowered
    elif isinstance(body, Several):
        pairs = list(zip(body.forms, body.circuits, strict=True))
    else:
        pairs = [(body.form, body.circuit)]
    for form, circuit in pairs:
        require_circuit(form, circuit)
