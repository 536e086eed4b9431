# SPDX-License-Identifier: Apache-2.0
"""What people read fits 80 columns, and no word of it is broken."""

from __future__ import annotations

import shlex
import sys
import unicodedata

import pytest

from stinespring.cli.screen import columns_of, table, wrapped
from stinespring.cli.words.mistakes import commands

TEXT, LONG = "two_tokens.json --prompt 'a b' --steps 2", "glassllm:en --prompt 'Alice was beginning to' --steps 2 --top-k 3"
FEW = "--effort 0 --shots 2000 --seed 1"
STORY = [  # one after the other in one folder
    "--help",
    *(f"{verb} --help" for verb in ("law", "run", "compile", "lens study", "sphere run", "spins diagram")),
    f"law {TEXT}",
    f"law {LONG}",
    f"law {TEXT} --memory",
    f"compile {TEXT} --effort 0 --explain -o p.qasm --verify",
    f"compile {TEXT} --effort 0 --explain --target fake:boston --schedule dynamic",
    f"compile {TEXT} --schedule stepwise --explain",
    f"run {TEXT} {FEW}",
    f"run {TEXT} {FEW} --extension position --backend fake:boston",
    f"run {LONG} {FEW}",
    f"estimate {TEXT} --effort 0",
    f"submit {LONG} {FEW} --backend aer --yes",
    "jobs",
    "fetch latest",
    "resume latest",
    "cancel latest",
    "export latest -o counts.json",
    f"check {LONG} --counts counts.json",
    "channel amplitude_damping.npz --effort 0 -o c.qasm",
    "verify-channel amplitude_damping.npz c.qasm",
    "run amplitude_damping.npz --effort 0 --settings 3 --shots 400 --seed 1",
    "train two_tokens.json --heads 1 --mlp 2 --steps 2 --samples 200 -o t.json",
    "lens glassllm:en --prompt 'Alice was'",
    "lens compile glassllm:en --prompt Alice --upto 0 --simplify state",
    "lens run glassllm:en --prompt Alice --upto 0 --simplify state --shots 400 --seed 1",
    "lens study glassllm:en --prompts lens_prompts.txt --permutations 9",
    "lens train glassllm:en -o l.safetensors --positions 40 --steps 1",
    "sphere new -o s.json --particles 4 --beta 1",
    "sphere run sphere.json --steps 20",
    "sphere analyse sphere.json",
    "sphere claims sphere.json",
    "sphere compile sphere.json --particle 0",
    "sphere sample sphere.json --particle 0 --shots 2000 --seed 1",
    "sphere overlaps sphere.json --shots 2000 --seed 1",
    "spins new -o n.json --features 1 --columns 2 --position-bits 1 --seed 1",
    "spins step three_spins.json",
    "spins run three_spins.json --steps 4 --runs 3 --seed 1",
    "spins meanfield spins.json --steps 4",
    "spins lyapunov spins.json --transient 10 --steps 20 --exponents 2",
    "spins cycle n.json --length 2 --transient 10",
    "spins diagram spins.json --betas 0:1:3 --keep 4 -o d.npz",
    "spins spectrum spins.json --steps 16 --transient 4",
    "spins compile three_spins.json --steps 1 --schedule static",
    "spins sample three_spins.json --steps 2 --shots 400 --seed 1",
    "spins check three_spins.json --steps 1 --counts signs.json",
    "backends",
]  # fmt: skip
SIGNS = '{"format": "stinespring/samples@1", "counts": {"+++": 50, "---": 50}}'


def test_the_story_has_every_verb():
    told = {" ".join(words[:n]) for words in map(shlex.split, STORY) for n in (1, 2)}
    assert set(commands()) <= told


def test_no_line_is_wider_than_80_columns(tmp_path, monkeypatch, invoke, examples):
    """Piped, 80 columns are taken; the same story with a wider screen has all columns (see below)."""
    for file in (
        "two_tokens.json",
        "sphere.json",
        "spins.json",
        "three_spins.json",
        "amplitude_damping.npz",
        "lens_prompts.txt",
    ):
        (tmp_path / file).write_bytes((examples / file).read_bytes())
    (tmp_path / "signs.json").write_text(SIGNS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STINESPRING_HOME", "ledger")
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr(sys, "__stdout__", None)  # no terminal
    wide = []
    for command in STORY:
        status, out, err = invoke(*shlex.split(command))
        assert status in ((0, 1, 2, 3) if command.startswith(("cancel", "spins check")) else (0, 3)), (command, err)
        wide += [(command, line) for line in out.splitlines() if columns_of(line) > 80]
    assert wide == []


ROWS = [
    ["a text of several words that goes on for a while", "12", "0.25", "1,024", "it did something that takes a line to tell"]
]
NAMES = ["text", "ids", "share", "gates", "what it did"]


@pytest.mark.parametrize("room", [40, 50, 60, 80, 100, 200])
def test_a_table_fits_and_breaks_no_word(room):
    lines = table(NAMES, ROWS, room, least=["ids", "share"])
    assert max(map(columns_of, lines)) <= room
    words = {word for row in [NAMES, *ROWS] for cell in row for word in cell.split()}
    printed = {word for line in lines if "─" not in line for word in line.split()}
    told = " ".join(" ".join(lines).split())
    left_out = [name for name in ("ids", "share") if f"left out for want of room: {name}" in told or f", {name};" in told]
    body = [line for line in lines if "─" not in line][: lines.index("") if "" in lines else None]
    assert {word for line in body for word in line.split()} <= words | printed
    for name in NAMES:
        shown = name.split()[0] in body[0].split() or any(name.split()[0] in line.split() for line in body[:3])
        assert shown == (name not in left_out), (name, lines)
    if room == 200:
        assert left_out == [] and len(lines) == 3


def test_the_least_important_column_goes_first():
    assert "ids" not in " ".join(table(NAMES, ROWS, 66, least=["ids", "share"])[0].split())


def test_a_word_longer_than_its_column_ends_in_an_ellipsis():
    [_, _, row] = table(["text", "p"], [["x" * 90, "1"]], 60)
    assert "…" in row and columns_of(row) <= 60


@pytest.mark.parametrize("text", ["漢字 " * 40, "e\N{COMBINING ACUTE ACCENT}" * 10 + " b" * 60, "plain words " * 20])
def test_lines_are_measured_as_a_terminal_does(text):
    assert all(columns_of(line) <= 80 for line in wrapped(text.strip(), 80))
    assert "".join(wrapped(text.strip(), 80)).replace(" ", "") == text.replace(" ", "")


def test_columns_of_a_character():
    wide = [
        c for c in map(chr, range(0x3000, 0x3100)) if unicodedata.east_asian_width(c) == "W" and not unicodedata.combining(c)
    ]
    assert wide and all(columns_of(c) == 2 for c in wide) and columns_of("a") == 1
