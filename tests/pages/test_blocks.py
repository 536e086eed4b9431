# SPDX-License-Identifier: Apache-2.0
"""Every block of code on every page of the site is run, in the order of the page, or is in one list with the reason why not.

A page is one session in one folder: what a block defines or writes, the next one finds, as for somebody who types along. Blocks
with a ``title`` are files. A command's line may end with ``# exit N``.
"""

from __future__ import annotations

import importlib
import re
import shlex
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
FOLDERS = ("start", "tutorials", "howto", "explanation", "reference")
PAGES = sorted({*(p for folder in FOLDERS for p in (DOCS / folder).rglob("*.md")), DOCS / "index.md", DOCS / "gallery.md"})
DEEP = [DOCS / "hardware.md", DOCS / "models.md"]  # pages with blocks of commands; their Python is run in test_documents.py
DATA = ("text", "toml", "json", "")  # what is shown and not typed

# Lines that are not run here, by how they begin, and why.
NOT_RUN = {
    "python3 -m venv": "the environment of the tests is there",
    "source ": "so is it active",
    "pip install": "the environment of the tests has everything; a fresh one is made by `make test` and `make demo`",
    "export ": "credentials of the reader's own",
    "dask ": "a cluster on other machines",
    'stinespring run examples/two_tokens.json --prompt "a b" --steps 2 --shots 20000 --seed 1 --backend "dask:': (
        "a cluster; tests/backends/distributed starts one"
    ),
    'stinespring estimate glassllm:en --prompt "Alice was" --steps 2 --top-k 4 --shots 10000 --backend ibm:': (
        "IBM's service; tests/test_standin.py has a stand-in"
    ),
    'stinespring submit glassllm:en --prompt "Alice was" --steps 2 --top-k 4 --shots 10000 --backend ibm:': (
        "IBM's service; tests/test_standin.py has a stand-in"
    ),
    "stinespring fetch latest --wait 3600": "of a run at IBM's service",
    'stinespring estimate examples/two_tokens.json --prompt "a b" --steps 2 --shots 4000 --backend ibm:': "IBM's service",
    'stinespring submit examples/two_tokens.json --prompt "a b" --steps 2 --shots 4000 --backend ibm:': "IBM's service",
    "stinespring law smollm2": "98 MB of weights; tests/models/decoders runs it where they are installed",
    "stinespring run hf:": "a model of the reader's own",
    "stinespring lens run gguf:": "a model of the reader's own",
    "stinespring backends": "every backend is probed in processes of their own; tests/backends does",
}
BLOCK = re.compile(r"^```(\w*)([^\n`]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
MEASURED = ("measured.md", "cli.md")  # generated, without commands


class Block(NamedTuple):
    """A fenced block."""

    language: str
    title: str | None
    text: str


def blocks(page: Path) -> list[Block]:
    found = []
    for language, options, text in BLOCK.findall(page.read_text(encoding="utf-8")):
        title = re.search(r'title="([^"]+)"', options)
        found.append(Block(language, title and title[1], text))
    return found


def why_not(line: str) -> str | None:
    return next((why for start, why in NOT_RUN.items() if line.startswith(start)), None)


@pytest.mark.parametrize("page", [*PAGES, *DEEP], ids=lambda path: path.relative_to(DOCS).as_posix())
def test_what_a_page_says_to_type(page, tmp_path, monkeypatch, invoke):
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STINESPRING_HOME", str(tmp_path / "ledger"))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)
    space: dict[str, object] = {"__name__": "__main__"}
    try:
        for block in blocks(page):
            if block.title is not None:
                (tmp_path / block.title).write_text(block.text, encoding="utf-8")
            elif block.language == "python":
                if page.parent.name != "tutorials" and page not in DEEP:
                    exec(compile(block.text, page.name, "exec"), space)
            elif block.language == "sh":
                for line in block.text.splitlines():
                    typed(line, invoke)
            else:
                assert block.language in DATA, (page, block.language)
    finally:
        for name in set(sys.modules) - before:
            if (
                not name.startswith(("stinespring", "qiskit", "numpy", "scipy", "matplotlib"))
                and (tmp_path / f"{name}.py").exists()
            ):
                del sys.modules[name]


def typed(line: str, invoke) -> None:
    """Run a line, unless it is in the list."""
    if not line.strip() or why_not(line):
        return
    assert line.startswith("stinespring "), f"neither run nor in the list: {line}"
    command, _, wanted = line.partition("  # exit ")
    status, _, err = invoke(*shlex.split(command)[1:])
    assert status == int(wanted or 0), (line, err)


def test_pages_are_found_and_most_of_them_have_something_to_type():
    assert len(PAGES) > 15
    assert sum(bool(blocks(page)) for page in PAGES) > 10


def test_nothing_to_type_hides_in_an_indented_block():
    """Indented blocks of these pages are formulas; a command there would be shown and never run."""
    hidden = [
        (page.name, line)
        for page in PAGES
        for line in page.read_text(encoding="utf-8").splitlines()
        if re.match(r" {4,}(stinespring|python|pip|import|from) ", line) and not in_fence(page, line)
    ]
    assert not hidden


def in_fence(page: Path, line: str) -> bool:
    return any(line in block.text.splitlines() for block in blocks(page))


def test_names_of_modules_and_files_exist():
    """What pages call ``stinespring.x.y`` can be imported."""
    names = {name for page in DOCS.rglob("*.md") for name in re.findall(r"`(stinespring(?:\.\w+)+)`", page.read_text("utf-8"))}
    assert len(names) > 20
    assert not [name for name in names if not exists(name)]


def exists(name: str) -> bool:
    try:
        importlib.import_module(name)
    except ImportError:
        module, _, attribute = name.rpartition(".")
        return hasattr(importlib.import_module(module), attribute)
    return True


def test_the_list_is_needed():
    """Every reason stands for a line of some page."""
    lines = [
        line for page in [*PAGES, *DEEP] for block in blocks(page) if block.language == "sh" for line in block.text.splitlines()
    ]
    assert not [start for start in NOT_RUN if not any(line.startswith(start) for line in lines)]
