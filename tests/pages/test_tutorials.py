# SPDX-License-Identifier: Apache-2.0
"""The tutorials are run, and say what their pages say."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from pathlib import Path

import pytest

pytest.importorskip("matplotlib", reason="the tutorials draw figures")
ROOT = Path(__file__).resolve().parents[2]
TUTORIALS = ROOT / "docs" / "tutorials"
NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?")
RULING = re.compile(r"\b(PASS|FAIL|UNVERIFIED)\b")
TINY = 1e-9  # numbers below are rounding, which differs between processors


def tool():
    path = ROOT / "docs" / "tools" / "tutorial.py"
    spec = importlib.util.spec_from_file_location("tutorial_tool", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


TOOL = tool()


@pytest.mark.parametrize("name", TOOL.names())
def test_a_tutorial_says_what_its_page_says(name, tmp_path, monkeypatch):
    monkeypatch.setenv("STINESPRING_HOME", str(tmp_path / "ledger"))
    before = dict(os.environ)
    try:
        found = TOOL.run(name, tmp_path)
    finally:
        os.environ.clear()
        os.environ.update(before)
    page = (TUTORIALS / f"{name}.md").read_text(encoding="utf-8")
    new = TOOL.page(name, found)
    assert skeleton(new) == skeleton(page), "run `make tutorials`"
    assert any(cell.figures for cell in found)
    for cell in found:
        for file in cell.figures:
            assert cell.caption, f"{file} has no caption"
            assert (TUTORIALS / "figures" / file).read_text(encoding="utf-8").lstrip().startswith("<?xml"), file
    written = said(page)
    printed = [cell for cell in found if cell.said]
    assert len(written) == len(printed)
    for cell, old in zip(printed, written, strict=True):
        assert RULING.findall(cell.said) == RULING.findall(old)
        if not cell.sampled:
            assert NUMBER.sub("#", cell.said) == NUMBER.sub("#", old)
            assert numbers(cell.said) == pytest.approx(numbers(old), rel=0.02, abs=TINY)


def skeleton(page: str) -> str:
    """Return a page without what was printed."""
    return re.sub(r'<div class="said" markdown>.*?</div>', "", page, flags=re.DOTALL)


def said(page: str) -> list[str]:
    return re.findall(r'<div class="said" markdown>\n\n```text\n(.*?)\n```\n\n</div>', page, re.DOTALL)


def numbers(text: str) -> list[float]:
    return [float(number.replace(",", "").rstrip(".")) for number in NUMBER.findall(text)]


def test_a_cell_that_changed_is_found():
    """The comparison itself: another number, another word and another ruling are seen."""
    assert NUMBER.sub("#", "P = 0.25, 3 texts") == "P = #, # texts"
    assert numbers("1,024 tokens, 4e-17") == [1024.0, 4e-17]
    assert numbers("0.25") != pytest.approx(numbers("0.26"), rel=0.02, abs=TINY)
    assert RULING.findall("verdict: FAIL") != RULING.findall("verdict: PASS")


def test_cells_are_read():
    prose, code = TOOL.cells("# licence\n# %% [markdown]\n# # Title\n#\n# word\n\n# %% a caption [sampled]\nx = 1\nx\n")
    assert (prose.prose, prose.text) == (True, "# Title\n\nword")
    assert (code.sampled, code.caption, code.text) == (True, "a caption", "x = 1\nx")
    assert TOOL.executed(code.text, {}, "here") == "1"
