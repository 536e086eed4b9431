# SPDX-License-Identifier: Apache-2.0
"""Every reader: the commands that read its file, what lies beside it, and how the file is changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from benchmarks.fuzz.archives import changed_archive, changed_tensors
from benchmarks.fuzz.case import FILE, NODES, Case, drawn
from benchmarks.fuzz.changes import changed_json
from benchmarks.fuzz.programs import changed_program
from benchmarks.fuzz.rest import changed_command, changed_ledger, changed_lines

__all__ = ["CORPUS", "READERS", "Reader", "beside", "made", "seeds", "unchanged"]

ROOT = Path(__file__).resolve().parents[2]
CORPUS = ROOT / "tests" / "fuzz" / "corpus"
NODE_SHARE = 0.01


@dataclass(frozen=True)
class Reader:
    """What reads a file.

    Attributes:
        name: also of the corpus's folder.
        file: how the changed file is called.
        change: how it is changed.
        commands: what reads it, words separated by blanks; the word ``_`` is an empty one, ``a_b`` a word with a blank.
    """

    name: str
    file: str
    change: Callable[[bytes, Random], bytes]
    commands: tuple[str, ...]


TEXT = "{file} --prompt a --steps 2"
SURE = "--effort 0 --shots 50 --seed 1"
READERS = {
    reader.name: reader
    for reader in (
        Reader(
            "text",
            "model.json",
            changed_json,
            (
                f"law {TEXT} --json",
                f"law {TEXT}",
                "law {file} --prompt a_b --steps 3 --json",
                f"compile {TEXT} --effort 0 --json",
                f"compile {TEXT} --effort 0 --schedule dynamic -o out.qasm --json",
                f"run {TEXT} {SURE} --json",
                f"run {TEXT} {SURE}",
                f"estimate {TEXT} --effort 0 --shots 50 --json",
                f"check {TEXT} --counts counts.json --json",
                "compile {file} --input-state state.json --steps 1 --effort 0 --json",
            ),
        ),
        Reader(
            "state",
            "state.json",
            changed_json,
            (
                "law two_tokens.json --input-state {file} --steps 2 --json",
                "compile two_tokens.json --input-state {file} --steps 1 --effort 0 --json",
                "check two_tokens.json --input-state {file} --steps 1 --counts counts.json --json",
            ),
        ),
        Reader(
            "spins",
            "net.json",
            changed_json,
            (
                "spins step {file} --json",
                "spins run {file} --steps 2 --runs 3 --seed 1 --json",
                "spins meanfield {file} --steps 3 --json",
                "spins lyapunov {file} --transient 3 --steps 20 --exponents 1 --json",
                "spins compile {file} --steps 1 --json",
                "run {file} --steps 1 --shots 50 --seed 1 --json",
                "check {file} --steps 1 --counts signs.json --json",
                "spins diagram {file} --betas 0.5:1.5:3 --transient 3 --keep 3 -o out.npz --json",
            ),
        ),
        Reader(
            "sphere",
            "ball.json",
            changed_json,
            (
                "sphere run {file} --steps 3 --json",
                "sphere run {file} --steps 2 --scheme rk4 -o out.npz --json",
                "sphere analyse {file} --json",
                "sphere compile {file} --particle 0 --json",
                "run {file} --particle 0 --shots 50 --seed 1 --json",
                "check {file} --particle 0 --counts counts.json --json",
            ),
        ),
        Reader(
            "positions",
            "positions.npz",
            changed_archive,
            (
                "sphere analyse sphere.json --state {file} --json",
                "sphere claims sphere.json --state {file} --json",
            ),
        ),
        Reader(
            "counts",
            "tallies.json",
            changed_json,
            (
                "check two_tokens.json --prompt a --steps 2 --counts {file} --json",
                "check two_tokens.json --prompt a --steps 2 --counts {file}",
                "check two_tokens.json --input-state state.json --steps 1 --counts {file} --json",
                "check spins.json --steps 1 --counts {file} --json",
                "check sphere.json --particle 0 --counts {file} --json",
                "check channel.npz --counts {file} --json",
                "check --program compiled.json --counts {file} --json",
            ),
        ),
        Reader(
            "calibration",
            "device.json",
            changed_json,
            (
                f"run two_tokens.json --prompt a --steps 1 {SURE} --backend aer?noise={FILE} --json",
                "estimate two_tokens.json --prompt a --steps 1 --effort 0 --shots 50 --backend aer?noise={file} --json",
            ),
        ),
        Reader(
            "channel",
            "map.npz",
            changed_archive,
            (
                "channel {file} --effort 0 --json",
                "channel {file} --effort 0 --form tree --json",
                "channel {file} --effort 0 -o out.qasm --json",
                "verify-channel {file} program.qasm --json",
                "run {file} --effort 0 --shots 50 --settings 3 --seed 1 --json",
            ),
        ),
        Reader(
            "program",
            "given.qasm",
            changed_program,
            (
                "verify-channel channel.npz {file} --json",
                "verify-channel channel.npz {file} --shots 50 --settings 2 --seed 1 --json",
            ),
        ),
        Reader(
            "description",
            "program.json",
            changed_json,
            (
                "verify-channel channel.npz program.qasm --json",
                "compile two_tokens.json --prompt a --steps 1 --effort 0 -o program.qasm --json",
                "check --program {file} --counts counts.json --json",
            ),
        ),
        Reader("lens", "tuned.safetensors", changed_tensors, ("lens glassllm:en --prompt A --lens tuned:{file} --json",)),
        Reader("prompts", "lines.txt", changed_lines, ("lens study glassllm:en --prompts {file} --permutations 9 --json",)),
        Reader(
            "letters",
            "letters.txt",
            changed_lines,
            ("train {file} -o out.json --tokens 4 --context 2 --heads 1 --mlp 0 --steps 2 --json",),
        ),
        Reader(
            "ledger",
            "home/ledger.sqlite",
            changed_ledger,
            ("jobs --json", "jobs", "fetch latest --json", "export latest -o out.json --json"),
        ),
        Reader("words", "command.json", changed_command, ("{words}",)),
    )
}


def seeds(reader: str) -> list[Path]:
    """Return the corpus of a reader: valid files, and those that once made trouble."""
    return sorted(path for path in (CORPUS / reader).iterdir() if path.is_file())


def beside() -> dict[str, bytes]:
    """Return what lies beside every changed file."""
    found = {path.name: path.read_bytes() for path in sorted((CORPUS / "beside").iterdir())}
    return found | {"home/ledger.sqlite": (CORPUS / "ledger" / "two_runs.sqlite").read_bytes()}


def command(reader: Reader, text: str, content: bytes) -> tuple[str, ...]:
    """Return the words of a command; those of the reader of words are the content."""
    if text == "{words}":
        return tuple(json.loads(content))
    return tuple(word.replace("_", " ") if word == "a_b" else word for word in text.split())


def made(seed: int, name: str, number: int) -> Case:
    """Return the case with a number: one of the corpus's files, changed, before one of the commands."""
    reader, random = READERS[name], drawn(seed, name, number)
    content = random.choice(seeds(name)).read_bytes()
    text = random.choice(reader.commands)
    if name != "words" and random.random() < NODE_SHARE:
        return Case(name, number, command(reader, text, content), reader.file, b"", random.choice(NODES))
    content = reader.change(content, random)
    return Case(name, number, command(reader, text, content), reader.file, content)


def unchanged(names: Iterable[str], commands: int) -> Iterator[Case]:
    """Yield the corpus as it is, each file before some of its reader's commands: the first file begins with the first one."""
    for name in names:
        reader = READERS[name]
        for number, path in enumerate(seeds(name)):
            content = path.read_bytes()
            for turn in range(min(commands, len(reader.commands))):
                text = reader.commands[(number + turn) % len(reader.commands)]
                yield Case(name, number, command(reader, text, content), reader.file, content)
