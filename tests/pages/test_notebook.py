# SPDX-License-Identifier: Apache-2.0
"""The notebook of the examples: valid as format 4, its cells run in order and say what is stored below them."""

from __future__ import annotations

import ast
import contextlib
import io
import json
import re
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "examples" / "first_steps.ipynb"
WORDS = re.compile(r"PASS|FAIL|UNVERIFIED")
MOST_BYTES, MOST_SECONDS = 20_000, 10.0


@pytest.fixture(scope="module")
def cells():
    return json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]


def test_it_is_a_notebook_of_format_4(cells):
    """The schema of nbformat 4.5, as far as there are code, text, streams and results."""
    whole = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert set(whole) == {"cells", "metadata", "nbformat", "nbformat_minor"}
    assert (whole["nbformat"], whole["nbformat_minor"]) == (4, 5) and whole["metadata"]["language_info"]["name"] == "python"
    assert len({cell["id"] for cell in cells}) == len(cells) and all(re.fullmatch(r"[\w-]{1,64}", cell["id"]) for cell in cells)
    for cell in cells:
        more = {"execution_count", "outputs"} if cell["cell_type"] == "code" else set()
        assert set(cell) == {"cell_type", "id", "metadata", "source"} | more
        assert cell["cell_type"] in ("code", "markdown") and all(isinstance(line, str) for line in cell["source"])
        for output in cell.get("outputs", ()):
            if output["output_type"] == "execute_result":
                assert set(output) == {"data", "execution_count", "metadata", "output_type"}
                assert output["execution_count"] == cell["execution_count"]
                assert set(output["data"]) == {"text/plain"}
            else:
                assert set(output) == {"name", "output_type", "text"} and output["output_type"] == "stream"
    assert NOTEBOOK.stat().st_size < MOST_BYTES


def test_its_cells_run_in_order_and_say_what_is_stored(cells, monkeypatch):
    pytest.importorskip("glassllm")
    pytest.importorskip("qiskit_ibm_runtime")
    monkeypatch.chdir(NOTEBOOK.parent)
    space, verdicts, begun = {"__name__": "__main__"}, [], time.process_time()
    for number, cell in enumerate(code for code in cells if code["cell_type"] == "code"):
        said = io.StringIO()
        *first, last = ast.parse("".join(cell["source"])).body
        with contextlib.redirect_stdout(said):
            exec(compile(ast.Module([*first, *([] if is_result(last) else [last])], []), cell["id"], "exec"), space)
            if isinstance(last, ast.Expr) and is_result(last):
                result = eval(compile(ast.Expression(last.value), cell["id"], "eval"), space)
                assert "<svg" in result._repr_html_()
                print(repr(result))
        stored = "".join(line for output in cell["outputs"] for line in output.get("text") or output["data"]["text/plain"])
        assert WORDS.findall(said.getvalue()) == WORDS.findall(stored), cell["id"]
        assert len(said.getvalue().splitlines()) == len(stored.splitlines()), cell["id"]
        assert cell["execution_count"] == number + 1
        verdicts += WORDS.findall(stored)
    assert verdicts[:4] == ["PASS", "PASS", "UNVERIFIED", "PASS"] and "FAIL" in verdicts and verdicts[-1] == "PASS"
    assert time.process_time() - begun < 2 * MOST_SECONDS  # a loaded machine counts more


def is_result(last):
    """Return whether a notebook shows what the last line of a cell is."""
    return isinstance(last, ast.Expr) and isinstance(last.value, ast.Name)


def test_every_example_is_listed_with_its_seconds():
    text = (NOTEBOOK.parent / "README.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| \[([\w./]+)\]\(\S+\) \|.*\| (\d+) \|$", text, re.MULTILINE))
    assert set(rows) >= {path.name for path in NOTEBOOK.parent.glob("*.py")} | {NOTEBOOK.name}
    for name, seconds in rows.items():
        if int(seconds) >= MOST_SECONDS:  # says so itself
            assert f"about {seconds} seconds of processor time" in (NOTEBOOK.parent / name).read_text(encoding="utf-8")
