# SPDX-License-Identifier: Apache-2.0
"""A device's own measurements and resets: used where the device has them, the same program, refused everywhere else."""

from __future__ import annotations

import json

import pytest
from qiskit import ClassicalRegister, QuantumCircuit
from qiskit.circuit import Instruction
from scipy.stats import binomtest

import stinespring
from sampling import read
from standin import StandIn
from standin.programs import decode
from stinespring.backends.aer.backend import AerBackend
from stinespring.backends.aer.calibration import Calibration, GateFigures, QubitFigures
from stinespring.backends.registry import target_of
from stinespring.circuits.deeds.account import difference
from stinespring.circuits.deeds.of_circuit import account_of_circuit
from stinespring.circuits.devices.legality import AER, IBM, violations
from stinespring.circuits.devices.own_kinds import own_kinds, with_measure_reset
from stinespring.circuits.devices.targets import open_target
from stinespring.errors import InputError

runtime = pytest.importorskip("qiskit_ibm_runtime")
NEW, OLD = "ibm_new", "ibm_standin_small"
RARE = 1e-7


def target(*names):
    """A line of two qubits with these instructions beside the plain ones, on qubit 0 only."""
    found = open_target("line:2").target
    for name in names:
        found.add_instruction(Instruction(name, 1, 0 if name.startswith("reset") else 1, []), {(0,): None}, name=name)
    return found


def chain(between=lambda circuit: None, qubit=0):
    """A qubit that is measured, reset and used again."""
    circuit = QuantumCircuit(2)
    circuit.add_register(ClassicalRegister(2, "t"))
    circuit.sx(qubit)
    circuit.measure(qubit, 0)
    between(circuit)
    circuit.reset(qubit)
    circuit.sx(qubit)
    circuit.measure(qubit, 1)
    return circuit


@pytest.mark.parametrize("name", ["measure_reset", "measure_reset_2"])
def test_a_measurement_before_a_reset_is_one_instruction_with_it(name):
    given = chain()
    found = with_measure_reset(given, target(name))
    assert [item.operation.name for item in found.data] == ["sx", name, "sx", "measure"]
    assert difference(account_of_circuit(given), account_of_circuit(found)) is None
    assert own_kinds(given, target(name)) == {name: 1}


def test_the_second_kind_comes_first():
    assert "measure_reset_2" in with_measure_reset(chain(), target("measure_reset", "measure_reset_2")).count_ops()


def condition(circuit):
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(0)


@pytest.mark.parametrize(
    ("between", "qubit"),
    [(lambda c: c.x(0), 0), (lambda c: c.barrier(0), 0), (lambda c: c.delay(8, 0), 0), (condition, 0), (lambda c: None, 1)],
    ids=["a gate", "a barrier", "a delay", "a condition", "a qubit without it"],
)
def test_nothing_may_come_between(between, qubit):
    given = chain(between, qubit)
    assert with_measure_reset(given, target("measure_reset_2")) is given


def test_conditions_on_the_bit_may_come_between():
    def elsewhere(circuit):
        with circuit.if_test((circuit.clbits[0], 1)):
            circuit.x(1)

    given = chain(elsewhere)
    found = with_measure_reset(given, target("measure_reset_2"))
    assert [item.operation.name for item in found.data] == ["sx", "measure_reset_2", "if_else", "sx", "measure"]
    assert difference(account_of_circuit(given), account_of_circuit(found)) is None


def test_devices_without_it_keep_both():
    assert with_measure_reset(chain(), target()).count_ops() == {"sx": 2, "measure": 2, "reset": 1}
    assert own_kinds(chain(), target()) == {}
    assert own_kinds(chain(), target("measure_2", "reset_2")) == {"measure_2": 1, "reset_2": 1}


def test_the_legality_check_knows_who_has_it():
    circuit = with_measure_reset(chain(), target("measure_reset_2"))
    assert not violations(circuit, IBM, target=target("measure_reset_2"))
    assert [v.what for v in violations(circuit, IBM, target=target())] == ["no measure_reset_2 on qubits (0,)"]
    [found] = violations(circuit, AER)
    assert (found.what, found.todo) == ("Aer has no measure_reset_2", "use measure and reset")
    inside = QuantumCircuit(2, 2)
    with inside.if_test((inside.clbits[0], 1)):
        inside.append(Instruction("measure_reset_2", 1, 1, []), [0], [1])
    assert "inside a condition" in violations(inside, IBM)[0].what


def test_noise_has_its_own_reading_error_and_an_empty_qubit_after_it():
    """It errs with 0.25, the plain measurement never (binomial at 1e-7)."""
    figures = [GateFigures(name, (0,), None, 1e-8) for name in ("x", "sx", "rz", "measure", "reset")]
    figures.append(GateFigures("measure_reset_2", (0,), 0.25, 1e-6))
    device = Calibration("one", 1e-9, True, (QubitFigures(None, None, ((1.0, 0.0), (0.0, 1.0))),), tuple(figures), None, None)
    circuit = QuantumCircuit(1, 2)
    circuit.x(0)
    circuit.append(Instruction("measure_reset_2", 1, 1, []), [0], [0])
    circuit.measure(0, 1)
    values = read(AerBackend(calibration=device), circuit, 20_000, 2)
    assert (values["c"] < 2).all()
    assert binomtest(int((values["c"] == 0).sum()), 20_000, 0.25).pvalue > RARE


@pytest.fixture(scope="module")
def serving():
    devices = (f"{NEW}=boston:20+measure_reset_2@1", f"{OLD}=boston:20@3", "ibm_plain=sherbrooke:20@1")
    with StandIn(devices) as server:
        yield server


@pytest.fixture
def account(serving, tmp_path, monkeypatch):
    for name, value in serving.env(tmp_path).items():
        monkeypatch.setenv(name, value)


def sent(serving) -> list[dict[str, int]]:
    body = json.loads(serving.submissions()[-1]["body"])
    works = decode(body["program_id"], body["params"], seed=1, rep_delays=None).works
    return [dict(work.circuit.count_ops()) for work in works]


@pytest.mark.parametrize(
    ("device", "wanted", "absent"),
    [
        (NEW, {"measure_reset_2"}, {"reset", "reset_2"}),
        (OLD, {"measure_2", "reset_2"}, {"measure_reset_2", "reset"}),
    ],
)
def test_chains_on_one_qubit(serving, account, three_tokens, device, wanted, absent):
    """Texts of three tokens on one qubit have their law on each device: TVD of 4,000 shots, false alarm at most 1e-9."""
    program = stinespring.compile(
        three_tokens, prompt="sun rain", steps=2, schedule="dynamic", max_qubits=1, effort=0, target=target_of(f"ibm:{device}")
    )
    kinds = program.details["device_instructions"]
    assert wanted <= set(kinds) and not absent & set(kinds)
    assert all(f"{number} {name}" in program.passes[-1].reason for name, number in kinds.items())
    samples = stinespring.run(program, backend=f"ibm:{device}", shots=4000, seed=1)
    [operations] = sent(serving)
    assert {name: operations[name] for name in kinds} == kinds
    assert not absent & set(operations)
    assert not serving.jobs()[-1]["refused"]
    assert stinespring.check(samples, alpha=1e-9, resolution=0.2).verdict == "PASS"


def test_plain_measurements_if_asked_for(serving, account, three_tokens):
    asked = {"prompt": "sun rain", "steps": 1, "schedule": "dynamic", "max_qubits": 1, "effort": 0}
    program = stinespring.compile(three_tokens, **asked, target=target_of(f"ibm:{NEW}"))
    stinespring.run(program, backend=f"ibm:{NEW}?measurement=plain", shots=100, seed=1)
    assert not {"measure_2", "reset_2", "measure_reset_2"} & set(sent(serving)[0])


def test_an_instruction_of_another_device_is_refused_before_anything_is_sent(serving, account):
    from stinespring.backends import open_backend

    before = len(serving.submissions())
    circuit = with_measure_reset(chain(), target("measure_reset_2"))
    with pytest.raises(InputError, match="no measure_reset_2"):
        open_backend(f"ibm:{OLD}").finish(circuit)
    assert len(serving.submissions()) == before
