# SPDX-License-Identifier: Apache-2.0
"""What the documents say is run: Python of README and pages, docstring examples, scripts, and the cost of importing."""

from __future__ import annotations

import ast
import doctest
import importlib
import importlib.util
import pkgutil
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

import stinespring
from strategies import series

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
MODULES = [m.name for m in pkgutil.walk_packages(stinespring.__path__, "stinespring.") if "__main__" not in m.name]


@pytest.mark.parametrize("name", ["stinespring", *MODULES])
def test_docstring_examples(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    module = importlib.import_module(name)
    assert doctest.testmod(module).failed == 0


TEXTS = {"README.md": README, **{path.name: path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").glob("*.md"))}}
WITH_PYTHON = {name: found for name, text in TEXTS.items() if (found := re.findall(r"```python\n(.*?)```", text, re.DOTALL))}
# What a page's code prints; where none is named, the code asserts something itself.
SAYS = {
    "README.md": "PASS",
    "backends.md": "PASS",
    "channels.md": r"^0 .*\nPASS True\nPASS\n",
    "sphere.md": r"\b0\n$",  # steps that moved the energy the wrong way
}


@pytest.mark.parametrize("name", WITH_PYTHON)
def test_python_of_a_page(name, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    for block in WITH_PYTHON[name]:
        exec(compile(block, name, "exec"), {})
        said = capsys.readouterr().out
        if name in SAYS:
            assert re.search(SAYS[name], said), said
        else:
            assert any(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(block))), f"{name} shows no result"


def test_the_readme_has_python():
    assert "README.md" in WITH_PYTHON


SCRIPTS = sorted((ROOT / "examples").glob("*.py"))
FRESH = "two_tokens.py"  # run as a user does; the others share this process, where everything is imported already


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_examples(script, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(script)])
    if script.name == FRESH:
        done = subprocess.run([sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        said = done.stdout
    else:
        status = 0
        try:
            executed(script, monkeypatch)
        except SystemExit as ended:
            status = ended.code
        said = capsys.readouterr().out
        assert not status, said
    assert "PASS" in said and "FAIL" not in said


def executed(script, monkeypatch):
    """Run an example in this process: its ``main`` where it has one, with fewer of its ``PROMPTS`` in the short series."""
    spec = importlib.util.spec_from_file_location(f"example_{script.stem}", script)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    if hasattr(module, "PROMPTS"):
        module.PROMPTS = series(40, module.PROMPTS)
    if hasattr(module, "train_lens"):  # the lens is printed, not judged
        module.train_lens = partial(module.train_lens, positions=series(64, 1024), steps=series(5, 40))
    if hasattr(module, "main"):
        raise SystemExit(0 if module.main() else 1)


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
