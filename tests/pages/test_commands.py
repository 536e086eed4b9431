# SPDX-License-Identifier: Apache-2.0
"""Every indented command of the README and the pages beside the site's, in the order printed, a page in a folder of its own.

The folder has nothing but ``examples``, as a clone has. Fenced blocks and the site's pages are run in test_blocks.py, Python in
test_documents.py.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
TYPED = re.compile(r"^    ((?:stinespring|pip|python3?|make|source \.venv)\b.*)", re.MULTILINE)
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
TARGETS = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)

# What is typed into a shell but not run here, by how it begins, and why.
NOT_RUN = {
    "python3 -m venv": "the environment of the tests is there; a fresh one is made by `make test` and `make demo`",
    "source .venv": "so is it active",
    "pip install": "so it has everything; that the extras exist is tested below",
    "make ": "runs this suite; that the targets exist is tested below",
    "python -m benchmarks": "minutes of fuzzing; tests/fuzz runs some of it",
}


def typed(page: Path) -> list[str]:
    """Return the lines of a page that a reader would type, in order, without remarks."""
    return [line.partition("  #")[0].strip() for line in TYPED.findall(page.read_text(encoding="utf-8"))]


def why_not(line: str) -> str | None:
    return next((why for start, why in NOT_RUN.items() if line.startswith(start)), None)


STORIES = {page.name: [line for line in typed(page) if why_not(line) is None] for page in PAGES}


@pytest.mark.parametrize("page", [name for name, lines in STORIES.items() if lines])
def test_every_command_works_in_the_order_printed(page, tmp_path, monkeypatch, invoke):
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STINESPRING_HOME", str(tmp_path / "ledger"))
    for command in STORIES[page]:
        name, *words = shlex.split(command)
        if "--mitigation" in words:
            pytest.importorskip("mthree")
        if words[0] == "train":
            pytest.importorskip("autograd")
        status, _, err = invoke(*words)
        assert (name, status) == ("stinespring", 0), f"{command}\n{err}"


def test_the_pages_have_commands():
    assert len(STORIES["README.md"]) >= 12 and sum(map(len, STORIES.values())) > 60


def test_every_reason_is_needed():
    assert not [start for start in NOT_RUN if not any(line.startswith(start) for page in PAGES for line in typed(page))]


def test_extras_and_targets_that_are_named_exist():
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    named = re.findall(r"pip install (?:-e )?['\"](?:\.|stinespring)\[([a-z,]+)\]", text)
    assert len(named) > 3 and {extra for names in named for extra in names.split(",")} <= set(EXTRAS)
    made = [line.split()[1] for page in PAGES for line in typed(page) if line.startswith("make ")]
    assert made and set(made) <= set(TARGETS)


def test_the_readme_says_what_every_extra_is_for_and_how_to_begin():
    text = README.read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    assert {name for cell in rows for name in re.findall(r"`([a-z]+)`", cell)} == set(EXTRAS)
    assert typed(README)[:3] == ["python3 -m venv .venv", "source .venv/bin/activate", 'pip install ".[demo]"']
    assert typed(README)[3].startswith("stinespring run examples/")
