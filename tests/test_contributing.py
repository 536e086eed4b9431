# SPDX-License-Identifier: Apache-2.0
"""What CONTRIBUTING.md shows works as it is printed: a sixth source, and a backend."""

from __future__ import annotations

import json
import re
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import stinespring
from stinespring.cli import sources
from stinespring.pipeline import systems

PAGE = (Path(__file__).resolve().parent.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
SURE = ("--alpha", 1e-6, "--resolution", 0.1)


def blocks(heading: str) -> list[str]:
    """Return the Python blocks under a heading."""
    found = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", PAGE, flags=re.MULTILINE | re.DOTALL)
    assert found, heading
    return re.findall(r"^```python\n(.*?)^```", found[1], flags=re.MULTILINE | re.DOTALL)


def titled(text: str) -> list[tuple[str, str]]:
    """Return the parts of a block, each with the path in the comment before it."""
    parts = re.split(r"^# (\w+/[\w/]+\.py.*)\n", text, flags=re.MULTILINE)
    assert not parts[0].strip()
    return list(zip(parts[1::2], parts[2::2], strict=True))


def executed(code: str, name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run code as a module of its own: it has the imports that it shows and no others."""
    module = ModuleType(name)
    monkeypatch.setitem(sys.modules, name, module)
    exec(compile(code, "CONTRIBUTING.md", "exec", dont_inherit=True), module.__dict__)
    return module.__dict__


def module_name(path: str) -> str:
    return "stinespring." + path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@pytest.fixture
def coin(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    *files, lines = blocks("Add a source")
    names: dict[str, Any] = {}
    for path, code in titled("".join(files)):
        names |= executed(code, module_name(path), monkeypatch)
    for place, line in titled(lines):
        path, _, table = place.partition(": ")
        [(key, value)] = eval(f"{{{line}}}").items()
        monkeypatch.setitem(getattr(import_module(module_name(path)), table), key, value)
    return names


@pytest.fixture
def file(coin: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of the new format, in a folder with a ledger of its own."""
    monkeypatch.setenv("STINESPRING_HOME", str(tmp_path / "ledger"))
    path = tmp_path / "penny.json"
    path.write_text(json.dumps(coin["Coin"](0.3).content()))
    return path


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


def test_the_backend_of_the_page_is_one_and_fails(coin: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    backend = executed(*blocks("Add a backend"), "coins", monkeypatch)["Coins"]()
    program = stinespring.compile(coin["Coin"](0.3))
    samples = stinespring.run(program, backend=backend, shots=20_000, seed=1)
    assert samples.shots == 20_000
    assert stinespring.check(samples).verdict == "FAIL"  # its coins are fair


def test_its_file_goes_through_the_command_line(file: Path, tmp_path: Path, invoke: Any) -> None:
    status, out, err = invoke("compile", file, "--target", "line:4", "-o", tmp_path / "program.qasm", "--json")
    assert status == 0 and json.loads(out)["clbits"] == 1 and (tmp_path / "program.qasm").is_file()
    assert err == "".join(f"wrote {tmp_path / name}\n" for name in ("program.qasm", "program.json"))
    status, out, _ = invoke("run", file, "--seed", 11, *SURE, "--json")
    found = json.loads(out)
    assert (status, found["verdict"]) == (0, "PASS") and set(found["counts"]) == {"heads", "tails"}
    status, out, _ = invoke("run", file, "--seed", 11, *SURE)
    assert status == 0 and "heads" in out and "PASS" in out
    assert invoke("submit", file, "--seed", 11, "--yes")[0] == 0
    assert "PASS" in invoke("fetch", "latest", *SURE)[1]
    assert invoke("export", "latest", "-o", tmp_path / "counts.json")[0] == 0
    assert json.loads((tmp_path / "counts.json").read_text())["counts"] == found["counts"]
    assert json.loads(invoke("check", file, "--counts", tmp_path / "counts.json", *SURE, "--json")[1])["verdict"] == "PASS"
    file.write_text(json.dumps({"format": "stinespring/coin@1", "p": 0.4}))
    assert invoke("check", file, "--counts", tmp_path / "counts.json", *SURE)[0] == 1


def test_its_readings_are_not_mitigated_and_it_is_said_why(file: Path, invoke: Any) -> None:
    status, out, _ = invoke(
        "run", file, "--seed", 11, "--shots", 100, "--backend", "fake:boston", "--mitigation", "readout", "--json"
    )
    assert status in (0, 1, 3)
    assert json.loads(out)["mitigation"] == {
        "applied": False,
        "mode": "readout",
        "why": "the law of a coin over its codes is not listed yet",
    }


def test_what_it_cannot_do_is_one_message(file: Path, tmp_path: Path, invoke: Any) -> None:
    status, _, err = invoke("compile", file, "--steps", 2)
    assert status == 2 and "--steps belongs to a model of texts or a network of spins" in err
    status, out, err = invoke("run", file, "--seed", 11, *SURE, "--plot", tmp_path / "coin.png")
    assert status == 2 and "PASS" in out and "leave out --plot" in err
    status, out, err = invoke("run", file, "--seed", 11, *SURE, "--report", tmp_path / "coin.html")
    page = (tmp_path / "coin.html").read_text(encoding="utf-8")
    assert status == 0 and "PASS" in page and "<svg" in page and "StatePreparation" in page  # the law comes as a table
    (tmp_path / "counts.json").write_text(json.dumps({"format": "stinespring/samples@1", "counts": {"edge": 1}}))
    status, _, err = invoke("check", file, "--counts", tmp_path / "counts.json")
    assert status == 2 and "heads" in err
    file.write_text(json.dumps({"format": "stinespring/coin@1", "p": 2}))
    status, _, err = invoke("compile", file)
    assert status == 2 and "no probability" in err


def test_every_format_has_a_kind() -> None:
    assert set(sources.FORMATS.values()) <= set(systems.KINDS)


def test_the_places_that_the_page_names_are_there() -> None:
    root = Path(__file__).resolve().parent.parent
    rows = re.findall(r"^\| `([\w/.]+)`, (.*?) \|", PAGE, flags=re.MULTILINE)
    assert len(rows) == 7
    for path, names in rows:
        text = (root / path).read_text(encoding="utf-8")
        assert all(name in text for name in re.findall(r"`(\w+)`", names)), path


def test_the_examples_are_short() -> None:
    for heading in ("Add a source", "Add a pass", "Add a backend"):
        for code in blocks(heading):
            assert len([line for line in code.splitlines() if line.strip()]) < 60, heading
