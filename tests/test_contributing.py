# SPDX-License-Identifier: Apache-2.0
"""What CONTRIBUTING.md shows works as it is printed: a sixth source, and a backend."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import stinespring
from stinespring.pipeline import systems

PAGE = (Path(__file__).resolve().parent.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
IMPORTS = """
import hashlib, json, math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
import numpy as np
from stinespring.batches import Batch, OneCircuit, Report, quiet
from stinespring.checks.tables import check_tables
from stinespring.circuits.core.cost import flow_cost
from stinespring.circuits.core.flow import Flow, Measure
from stinespring.circuits.core.gates import Gate
from stinespring.compiler.export.files import EXPORTER
from stinespring.pipeline.system import System
from stinespring.readings import Outcomes, Register
from stinespring.stages import Capabilities, Program, Table
"""


def block(heading: str) -> str:
    """Return the Python block under a heading."""
    found = re.search(rf"^## {heading}\n.*?^```python\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
    assert found, heading
    return found.group(1)


def executed(code: str) -> dict[str, Any]:
    module = ModuleType("stinespring_contribution")
    sys.modules[module.__name__] = module
    exec(compile(IMPORTS + code, "CONTRIBUTING.md", "exec"), module.__dict__)
    return module.__dict__


@pytest.fixture
def coin(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    code, _, line = block("Add a source").partition("# pipeline/systems/__init__.py: one line in KINDS\n")
    assert line.strip() == '"coin": "stinespring.pipeline.systems.coin",'
    names = executed(code)
    monkeypatch.setitem(sys.modules, "stinespring.pipeline.systems.coin", sys.modules["stinespring_contribution"])
    monkeypatch.setitem(systems.KINDS, "coin", "stinespring.pipeline.systems.coin")
    return names


def test_a_sixth_source_goes_the_whole_way(coin: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STINESPRING_HOME", str(tmp_path))
    source = coin["Coin"](0.3)
    program = stinespring.compile(source)
    samples = stinespring.run(program, shots=20_000, seed=11)
    assert stinespring.check(samples).passed
    assert set(samples.by_text()) == {"heads", "tails"}
    assert abs(samples.by_text()["heads"] / 20_000 - 0.3) < 0.02  # six standard deviations
    written = program.write(tmp_path / "coin.qasm")
    assert [path.name for path in written] == ["coin.qasm", "coin.json"]
    run = stinespring.submit(source, backend="aer", shots=20_000, seed=11)
    found = stinespring.fetch(run.id)
    assert found.verdict.passed
    assert found.samples.by_text() == samples.by_text()


def test_a_sixth_source_on_a_device_and_an_estimate(coin: dict[str, Any]) -> None:
    source = coin["Coin"](0.3)
    assert stinespring.estimate(source, backend="fake:boston", shots=1000).qubits_used == 1
    program = stinespring.compile(source, target="fake:boston")
    assert stinespring.run(program, backend="fake:boston", shots=100, seed=1).shots == 100


def test_a_wrong_sixth_source_fails(coin: dict[str, Any]) -> None:
    samples = stinespring.run(stinespring.compile(coin["Coin"](0.3)), shots=20_000, seed=11)
    assert stinespring.check(samples, coin["Coin"](0.4)).verdict == "FAIL"


def test_the_backend_of_the_page_is_one_and_fails(coin: dict[str, Any]) -> None:
    backend = executed(block("Add a backend"))["Coins"]()
    program = stinespring.compile(coin["Coin"](0.3))
    samples = stinespring.run(program, backend=backend, shots=20_000, seed=1)
    assert samples.shots == 20_000
    assert stinespring.check(samples).verdict == "FAIL"  # its coins are fair


def test_the_examples_are_short() -> None:
    for heading in ("Add a source", "Add a pass", "Add a backend"):
        assert len([line for line in block(heading).splitlines() if line.strip()]) < 60, heading
