# SPDX-License-Identifier: Apache-2.0
"""Programs on disk: whole or not at all, the same bytes each time, no names that readers change."""

from __future__ import annotations

import json

import numpy as np
import pytest
from qiskit import qasm3

import stinespring
from stinespring.errors import InputError
from stinespring.models.texts.table import TableModel
from stinespring.writing import write_whole


def test_the_same_program_gives_the_same_bytes(three_tokens, tmp_path):
    contents = []
    for name in ("first", "second"):
        program = stinespring.compile(three_tokens, prompt="sun rain", steps=2, schedule="static", effort=0.1)
        contents.append([path.read_bytes() for path in program.write(tmp_path / f"{name}.qasm")])
    assert contents[0] == contents[1]


def test_angles_keep_full_precision():
    """An angle 1e-9 away from pi/4: Qiskit's exporter would print pi/4."""
    theta = np.pi / 4 + 1e-9
    p = float(np.sin(theta / 2) ** 2)
    program = stinespring.compile(TableModel({"tokens": ["x", "y"], "context": 0, "law": [[1 - p, p]]}), prompt="", steps=1)
    assert "pi" not in program.qasm3()
    printed = float(program.qasm3().split("ry(")[1].split(")")[0])
    assert printed == pytest.approx(theta, abs=1e-14)
    assert "pi" in qasm3.dumps(program.circuit), "the trap that full precision avoids is still there"


def test_decode_tables(stop_token, tmp_path):
    program = stinespring.compile(stop_token, prompt="on", steps=2, schedule="static", codes="binary", effort=0)
    program.write(tmp_path / "p.qasm")
    description = json.loads((tmp_path / "p.json").read_text())
    assert description["format"] == "stinespring/program@1"
    assert description["decode"]["t1"] == {"0": "on", "1": "off", "2": "."}
    assert description["decode"]["t2"] == {"0": "on", "1": "off", "2": ".", "3": None}
    program = stinespring.compile(stop_token, prompt="on", steps=2, schedule="static", codes="free", effort=0)
    program.write(tmp_path / "p.qasm")
    free = json.loads((tmp_path / "p.json").read_text())["decode"]
    assert {name: sorted(map(str, table.values())) for name, table in free.items()} == {
        "t1": [".", "off", "on"],
        "t2": [".", "None", "off", "on"],
    }
    assert {"qubits", "two_qubit_gates", "tvd_bound", "hash", "schedule"} <= set(description)


def test_registers_keep_their_names_in_qiskit(three_tokens):
    program = stinespring.compile(three_tokens, prompt="sun rain", steps=1, extension="position", input="quantum")
    circuit = qasm3.loads(program.qasm3())
    assert [r.name for r in circuit.qregs] == ["p1", "p2", "q_t1", "q_e1_1", "q_e1_2"]
    assert [r.name for r in circuit.cregs] == ["t1", "e1_1", "e1_2"]


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    target = tmp_path / "kept.txt"
    write_whole(target, "old")

    def fail(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("stinespring.writing.os.replace", fail)
    with pytest.raises(InputError, match="No space left"):
        write_whole(target, "new")
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["kept.txt"]


def test_a_folder_that_is_no_program_is_not_replaced(two_tokens, tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "data.txt").write_text("x")
    program = stinespring.compile(two_tokens, prompt="a b", steps=2, schedule="stepwise")
    with pytest.raises(InputError, match="no program folder"):
        program.write(tmp_path / "precious")
    program.write(tmp_path / "folder")
    program.write(tmp_path / "folder")  # an earlier program may be replaced
    assert sorted(p.name for p in (tmp_path / "folder").iterdir()) == [
        "angles.json", "program.json", "template_1.qasm", "template_2.qasm"
    ]  # fmt: skip
