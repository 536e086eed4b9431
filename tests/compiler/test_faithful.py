# SPDX-License-Identifier: Apache-2.0
"""Faults of writers and converters are defects that end a command before anything is written or run."""

from __future__ import annotations

from dataclasses import replace

import pytest
from qiskit import QuantumCircuit

import stinespring
from stinespring.backends.aer import noise
from stinespring.backends.aer.backend import AerBackend
from stinespring.backends.aer.faithful import require_simulated
from stinespring.backends.aer.sources import snapshot_calibration
from stinespring.backends.histories.choose_path import require_flow, runnable_flow
from stinespring.backends.histories.exact import require_deferred
from stinespring.backends.histories.segment import Segment
from stinespring.batches import OneCircuit
from stinespring.circuits.core.flow import Flow, If, Measure, Reset
from stinespring.circuits.core.gates import Gate
from stinespring.circuits.devices.read_back import flow_of
from stinespring.circuits.devices.targets import open_target
from stinespring.compiler.devices import lower as lowering
from stinespring.compiler.export import faithful, qasm
from stinespring.compiler.export.faithful import read_back, require_circuit, require_lowered, require_padded
from stinespring.compiler.export.files import EXPORTER
from stinespring.compiler.export.qasm import form_qasm
from stinespring.errors import DefectError, InputError

FLOW = Flow(
    (("q", 2),),
    (("a", 2), ("b", 1)),
    (
        Gate("h", (0,)),
        Gate("ry", (1,), (0.7,)),
        Measure((0, 1), "a", (0, 1)),
        If("a", 2, (Gate("u", (1,), (0.4, 0.3, 0.2)),)),
        Reset((0,)),
        If("a", 1, (Gate("ry", (0,), (1.1,)),), 0),
        Gate("cz", (0, 1)),
        Gate("cx", (1, 0)),
        Measure((0,), "b", (0,)),
    ),
)


def changed(flow: Flow, fault: str) -> Flow:
    """Return a flow with one fault, as a converter or a writer may make it."""
    items = list(flow.instructions)
    place = {type(item): number for number, item in enumerate(items)}
    if fault == "reset dropped":
        del items[place[Reset]]
    elif fault == "condition dropped":
        del items[place[If]]
    elif fault == "condition forgotten":
        items[place[If] : place[If] + 1] = items[place[If]].gates
    elif fault == "value swapped":
        items[place[If]] = items[place[If]]._replace(value=0)
    elif fault == "bits swapped":
        items = [
            i._replace(bits=tuple(1 - b for b in i.bits)) if isinstance(i, Measure) and i.register == "a" else i for i in items
        ]
    elif fault == "measurement dropped":
        del items[place[Measure]]
    return replace(flow, instructions=tuple(items))


FAULTS = ("reset dropped", "condition dropped", "condition forgotten", "value swapped", "bits swapped", "measurement dropped")
CIRCUIT = Flow.circuit


@pytest.fixture
def program(two_tokens):
    """A program with measurements, resets and conditions, whatever it was compiled from."""
    found = stinespring.compile(two_tokens, prompt="a b", steps=1, effort=0)
    return replace(found, body=OneCircuit(FLOW, ()))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_writer_is_a_defect_and_nothing_is_written(program, fault, tmp_path, monkeypatch):
    plain = qasm.flow_qasm
    monkeypatch.setattr(qasm, "flow_qasm", lambda flow: plain(changed(flow, fault)))
    with pytest.raises(DefectError, match="another program"):
        EXPORTER.write(program, tmp_path / "p.qasm")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_converter_is_a_defect_before_anything_runs(program, fault, monkeypatch):
    monkeypatch.setattr(Flow, "circuit", lambda flow: CIRCUIT(changed(flow, fault)))
    with pytest.raises(DefectError, match="another program"):
        stinespring.run(program, shots=10)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_reading_back_is_a_defect(fault):
    circuit = FLOW.circuit()
    require_flow(circuit, runnable_flow(circuit))
    with pytest.raises(DefectError, match="another program"):
        require_flow(circuit, changed(runnable_flow(circuit), fault))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_on_the_way_to_a_device_is_a_defect(fault):
    """The exact laws are compared, since passes write other gates."""
    device = open_target("line:2")
    lowered = lowering.lower(FLOW.circuit(), device)
    require_lowered(FLOW.circuit(), lowered)
    with pytest.raises(DefectError, match="another program"):
        require_lowered(FLOW.circuit(), lowering.lower(CIRCUIT(changed(FLOW, fault)), device))


def test_conditions_that_are_lost_on_the_way_are_seen_on_any_number_of_qubits(monkeypatch):
    def lost(circuit):
        result = circuit.copy()
        result.data = [item for item in circuit.data if item.operation.name != "if_else"]
        return result

    more = tuple(Gate("h", (2 + i,)) for i in range(11))
    wide = replace(FLOW, quantum=(("q", 2), ("r", 11)), instructions=(*more, *FLOW.instructions))
    monkeypatch.setattr(lowering, "without_empty", lost)
    with pytest.raises(DefectError, match="empty conditions"):
        lowering.lower(wide.circuit(), open_target("line:13"))


@pytest.mark.parametrize("angle", [6e-5, 1e-5, 3e-6])
@pytest.mark.parametrize("target", ["line:2", "fake:boston"])
def test_small_angles_between_two_gates_are_kept_on_a_device(angle, target):
    """Qiskit's resynthesis of two qubits drops them: a TVD of up to 2e-5, which is no defect of the program."""
    circuit = QuantumCircuit(2, 2)
    circuit.ry(1.0, 0)
    circuit.ry(0.7, 1)
    circuit.cx(0, 1)
    circuit.ry(angle, 1)
    circuit.cx(0, 1)
    circuit.ry(0.3, 0)
    circuit.measure([0, 1], [0, 1])
    device = open_target(target)
    with pytest.raises(DefectError, match="on the device is another program"):
        require_lowered(circuit, lowering.lower(circuit, device))
    assert lowering.placed(circuit, device).count_ops()["measure"] == 2  # compared there


@pytest.mark.parametrize("dropped", ["reset", "if_else", "measure"])
def test_a_fault_on_the_way_to_the_noise_model_is_a_defect(dropped, monkeypatch):
    lowered = lowering.lower(FLOW.circuit(), open_target("fake:boston"))
    backend = AerBackend(calibration=snapshot_calibration("boston"))
    backend.prepared(lowered)
    write = noise._Writer.write

    def dropping(self, source, *rest):
        less = source.copy_empty_like()
        names = [item.operation.name for item in source.data]
        skipped = names.index(dropped) if dropped in names else -1
        for number, item in enumerate(source.data):
            if number != skipped:
                less._append(item)
        write(self, less, *rest)

    monkeypatch.setattr(noise._Writer, "write", dropping)
    with pytest.raises(DefectError, match="simulated is another program"):
        AerBackend(calibration=snapshot_calibration("boston")).prepared(lowered)


def test_second_kinds_of_measurement_are_the_first_kind_elsewhere():
    """A measurement by ``measure_2`` becomes one on a spare qubit, swapped there and back: the same program."""
    given, made = QuantumCircuit(3, 1), QuantumCircuit(3, 1)
    given.h(2)
    given.cx(2, 0)
    given.measure(2, 0)
    made.h(1)
    made.cx(1, 0)
    made.swap(1, 2)
    made.measure(2, 0)
    made.swap(1, 2)
    require_simulated(given, made, (0, 2))
    made.data.pop(2)  # measured where nothing was swapped to
    with pytest.raises(DefectError):
        require_simulated(given, made, (0, 2))


@pytest.mark.parametrize("fault", ["clear", "forget", "switch"])
def test_a_fault_of_deferred_measurement_is_a_defect(fault, monkeypatch):
    """Resets, copies and conditions of the representation that Aer samples: its exact law is compared with the flow's."""
    again = Flow(
        (("q", 1),), (("a", 1), ("b", 1), ("c", 1)),
        (Gate("h", (0,)), Measure((0,), "a", (0,)), Gate("h", (0,)), Measure((0,), "b", (0,)), If("b", 1, (Gate("x", (0,)),)),
         If("a", 1, (Gate("ry", (0,), (0.5,)),)), Reset((0,)), If("b", 1, (Gate("x", (0,)),)), Measure((0,), "c", (0,))),
    )  # fmt: skip
    require_deferred(again)
    monkeypatch.setattr(Segment, fault, lambda self, what: None)
    with pytest.raises(DefectError, match="deferred"):
        require_deferred(again)


def test_gates_that_are_padded_in_must_cancel():
    plain = QuantumCircuit(1, 1)
    plain.sx(0)
    plain.measure(0, 0)
    padded = QuantumCircuit(1, 1)
    padded.sx(0)
    padded.x(0)
    padded.measure(0, 0)
    with pytest.raises(DefectError, match="idle times"):
        require_padded(plain, padded)


def test_templates_are_read_back_with_their_angles(three_tokens, tmp_path, monkeypatch):
    program = stinespring.compile(three_tokens, prompt="sun rain", steps=2, schedule="stepwise", extension="position")
    program.write(tmp_path / "folder")
    monkeypatch.setattr(qasm, "angle", lambda value: "a0")
    with pytest.raises(DefectError, match="OpenQASM that was written"):
        program.write(tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_what_is_too_long_is_not_read_back(monkeypatch):
    """The limit is stated in FILE.json; above it the text is written unread."""
    monkeypatch.setattr(faithful, "MOST_DEEDS", 5)
    assert not faithful.is_read_back(FLOW)
    assert read_back("no program", FLOW) == "no program"
    require_circuit(FLOW, CIRCUIT(changed(FLOW, "reset dropped")))


def test_what_cannot_be_read_is_a_defect():
    text = form_qasm(FLOW).replace("reset q[0];", "reset q[0]")
    with pytest.raises(DefectError, match="cannot be read back"):
        read_back(text, FLOW)
    assert flow_of(FLOW.circuit()).conditions == FLOW.conditions


def test_gates_that_have_no_name_are_refused_where_they_are_written():
    circuit = QuantumCircuit(1)
    circuit.sxdg(0)
    with pytest.raises(InputError, match="no such gate"):
        qasm.lowered_qasm(circuit)
