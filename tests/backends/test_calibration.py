# SPDX-License-Identifier: Apache-2.0
"""Calibrations survive a file, lead to the same target, and bad files are refused with one message."""

from __future__ import annotations

import copy
import json

import pytest

from stinespring.backends import open_backend
from stinespring.backends.aer.calibration import read_calibration, write_calibration
from stinespring.backends.aer.fake import calibration_of
from stinespring.backends.aer.sources import snapshot_calibration
from stinespring.circuits.devices.snapshots import snapshot_target
from stinespring.errors import InputError

GOOD = {
    "format": "stinespring/calibration@1",
    "name": "pair",
    "conditions": False,
    "qubits": [{"t1": 1e-4, "t2": 1e-4, "readout": [[0.99, 0.01], [0.02, 0.98]]}, {"readout": None}],
    "gates": [{"name": "cz", "qubits": [0, 1], "error": 0.01, "duration": 1e-7}, {"name": "x", "qubits": [0]}],
}


@pytest.mark.parametrize("name", ["manila", "boston"])
def test_a_file_holds_everything(tmp_path, name):
    before = snapshot_calibration(name)
    after = read_calibration(write_calibration(before, tmp_path / "c.json"))
    assert after == before
    assert after.digest == before.digest
    assert [p.name for p in tmp_path.iterdir()] == ["c.json"]


def test_the_target_is_the_devices():
    device, target = snapshot_target("boston"), snapshot_calibration("boston").target()
    assert target.build_coupling_map().get_edges() == device.build_coupling_map().get_edges()
    assert {"cz", "rz", "sx", "x", "measure", "measure_2", "reset", "if_else"} <= set(target.operation_names)
    assert target["cz"][(0, 1)].error == device["cz"][(0, 1)].error
    assert target["reset"][(5,)].duration == device["reset"][(5,)].duration


def test_a_file_is_a_backend(tmp_path, two_tokens):
    import stinespring

    write_calibration(snapshot_calibration("manila"), tmp_path / "c.json")
    samples = stinespring.run(
        stinespring.compile(two_tokens, prompt="a b", steps=1), backend=f"aer?noise={tmp_path / 'c.json'}", shots=200, seed=1
    )
    assert samples.metadata["noise"]["digest"] == snapshot_calibration("manila").digest


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("format",), "stinespring/table@1"),
        (("name",), 3),
        (("conditions",), "yes"),
        (("qubits",), []),
        (("qubits", 0), 1),
        (("qubits", 0, "t1"), -1.0),
        (("qubits", 0, "t1"), 0),
        (("qubits", 0, "t2"), "long"),
        (("qubits", 0, "readout"), [[1.0, 0.0]]),
        (("qubits", 0, "readout"), [[0.5, 0.4], [0.0, 1.0]]),
        (("qubits", 0, "readout"), [[1.5, -0.5], [0.0, 1.0]]),
        (("qubits", 0, "readout"), "perfect"),
        (("gates", 0, "name"), "c z"),
        (("gates", 0, "qubits"), [0, 0]),
        (("gates", 0, "qubits"), [0, 2]),
        (("gates", 0, "qubits"), []),
        (("gates", 0, "error"), 1.5),
        (("gates", 0, "duration"), -1e-9),
        (("dt",), 0),
        (("max_shots",), 0),
    ],
)
def test_bad_figures_are_refused(tmp_path, where, value):
    data = copy.deepcopy(GOOD)
    place = data
    for key in where[:-1]:
        place = place[key]
    place[where[-1]] = value
    (tmp_path / "c.json").write_text(json.dumps(data))
    with pytest.raises(InputError):
        read_calibration(tmp_path / "c.json")


def test_the_good_file_is_good(tmp_path):
    (tmp_path / "c.json").write_text(json.dumps(GOOD))
    assert read_calibration(tmp_path / "c.json").qubits[0].readout == ((0.99, 0.01), (0.02, 0.98))


@pytest.mark.parametrize(
    "text",
    [
        "aer?noise=nowhere",
        "aer?noise=a.json",
        "fake:nowhere",
        "fake",
        "fake:boston?noise=fez",
        "aer?threads=0",
        "aer?threads=x",
        "aer?memory=-1",
        "aer?memory=1.5",
        "aer?noise=",
    ],
)
def test_bad_strings_are_refused(text):
    with pytest.raises(InputError):
        open_backend(text)


def test_what_a_backend_knows_of_its_errors(tmp_path):
    """Its own calibration, or what its target states; a simulator without a device has none."""
    assert calibration_of(open_backend("fake:manila")) == snapshot_calibration("manila")
    from qiskit.providers.fake_provider import GenericBackendV2

    generic = GenericBackendV2(3, seed=1)
    found = calibration_of(open_backend(generic))
    assert len(found.qubits) == 3
    assert found.figures("sx", 0).error == generic.target["sx"][(0,)].error
    with pytest.raises(InputError, match="no calibration"):
        calibration_of(open_backend("aer"))
