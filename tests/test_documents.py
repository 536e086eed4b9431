# SPDX-License-Identifier: Apache-2.0
"""What the documents say is run: README blocks, docstring examples, example scripts, and the cost of importing."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import stinespring

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
NAMES = (
    "backends.md",
    "channels.md",
    "distributed.md",
    "dynamic.md",
    "lens.md",
    "providers.md",
    "report.md",
    "sphere.md",
    "spins.md",
)
PAGES = [README, *((ROOT / "docs" / name).read_text(encoding="utf-8") for name in NAMES)]
MODULES = [m.name for m in pkgutil.walk_packages(stinespring.__path__, "stinespring.") if "__main__" not in m.name]


@pytest.mark.parametrize("name", ["stinespring", *MODULES])
def test_docstring_examples(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    module = importlib.import_module(name)
    assert doctest.testmod(module).failed == 0


def test_readme_python(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})
    assert "PASS" in capsys.readouterr().out


def test_python_of_the_other_pages(monkeypatch):
    monkeypatch.chdir(ROOT)
    for page in PAGES[1:]:
        for block in re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL):
            exec(compile(block, "page", "exec"), {})


COMMANDS = sorted({line.strip() for page in PAGES for line in page.splitlines() if line.startswith("    stinespring ")})


@pytest.mark.parametrize("command", COMMANDS)
def test_commands(command, tmp_path, monkeypatch, invoke):
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STINESPRING_HOME", str(tmp_path / "ledger"))
    words = shlex.split(command)
    if "--mitigation" in words:
        pytest.importorskip("mthree")
    status, _, err = invoke(*words[1:])
    assert status == 0, err


@pytest.mark.parametrize("script", sorted((ROOT / "examples").glob("*.py")), ids=lambda path: path.name)
def test_examples(script, tmp_path):
    done = subprocess.run([sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PASS" in done.stdout


def test_importing_is_cheap():
    """Neither Qiskit nor SciPy nor Aer is imported before it is needed; the time itself is in docs/performance.md."""
    code = "import sys, stinespring; print(sorted({m.partition('.')[0] for m in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for heavy in ("qiskit", "qiskit_aer", "scipy", "numpy", "matplotlib", "networkx"):
        assert repr(heavy) not in done.stdout
    code = """
import sys
sys.argv = ["stinespring", "--help"]
from stinespring.cli.main import main
try:
    main()
except SystemExit:
    print(sorted({m.partition(".")[0] for m in sys.modules}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "'qiskit'" not in done.stdout and "'scipy'" not in done.stdout


def test_every_public_name_exists():
    for name in stinespring.__all__:
        assert getattr(stinespring, name) is not None
    with pytest.raises(AttributeError):
        stinespring.nothing
    assert set(stinespring.__all__) == set(dir(stinespring))


def test_every_page_that_the_readme_names_exists():
    for link in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / link).exists(), link
