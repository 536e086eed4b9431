# SPDX-License-Identifier: Apache-2.0
"""Paths on the command line are seen to be usable before any work is begun, and every file that is written is told of."""

from __future__ import annotations

import json
import shutil

import pytest

from stinespring.cli.words.mistakes import commands

TEXT = ("two_tokens.json", "--prompt", "a b", "--steps", 2)
GLASS = ("glassllm:en", "--prompt", "Alice")
COPIED = "two_tokens.json sphere.json three_spins.json amplitude_damping.npz counts.json lens_prompts.txt".split()
SPHERE, SPINS, DAMPING = ("sphere.json",), ("three_spins.json",), ("amplitude_damping.npz",)


@pytest.fixture
def folder(tmp_path, monkeypatch, examples):
    commands()  # every verb is imported before anything it imports is replaced
    for file in (
        "two_tokens.json",
        "sphere.json",
        "three_spins.json",
        "amplitude_damping.npz",
        "counts.json",
        "lens_prompts.txt",
    ):
        shutil.copy(examples / file, tmp_path / file)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STINESPRING_HOME", str(tmp_path / "ledger"))
    return tmp_path


OUTPUTS = [  # a verb, its option, and an ending that it cannot write; what it needs beside that
    (("compile", *TEXT), "-o", "x.txt"),
    (("compile", *TEXT), "--draw", "x.pdf"),
    (("run", *TEXT), "--plot", "x.jpg"),
    (("run", *TEXT), "--report", "x.htm"),
    (("fetch", "latest"), "--plot", "x.pdf"),
    (("check", *TEXT, "--counts", "counts.json"), "--report", "x.pdf"),
    (("verify-channel", *DAMPING, "x.qasm"), "--report", "x.pdf"),
    (("lens", *GLASS), "--report", "x.pdf"),
    (("spins", "check", *SPINS, "--steps", 1, "--counts", "counts.json"), "--report", "x.pdf"),
    (("fetch", "latest"), "--report", "x"),
    (("export", "latest"), "-o", "x.txt"),
    (("backends", "--backend", "fake:boston"), "--save-calibration", "x.yaml"),
    (("train", "two_tokens.json"), "-o", "x.npz"),
    (("channel", *DAMPING), "-o", "x.qasm3"),
    (("lens", *GLASS), "--full", "x.txt"),
    (("lens", *GLASS), "--plot", "x.gif"),
    (("lens", "compile", *GLASS), "-o", "x.py"),
    (("lens", "run", *GLASS), "--report", "x.pdf"),
    (("lens", "study", "glassllm:en", "--prompts", "lens_prompts.txt"), "--plot", "x.pdf"),
    (("lens", "study", "glassllm:en", "--prompts", "lens_prompts.txt"), "--report", "x.pdf"),
    (("lens", "train", "glassllm:en"), "-o", "x.npz"),
    (("sphere", "run", *SPHERE, "--steps", 5), "-o", "x.json"),
    (("sphere", "run", *SPHERE, "--steps", 5), "--plot", "x.gif"),
    (("sphere", "run", *SPHERE, "--steps", 5), "--movie", "x.mp4"),
    (("sphere", "run", *SPHERE, "--steps", 5), "--report", "x.md"),
    (("sphere", "run", *SPHERE, "--steps", 5), "--checkpoint", "x.npy"),
    (("sphere", "new", "--particles", 3, "--beta", 1), "-o", "x.npz"),
    (("sphere", "compile", *SPHERE, "--particle", 0), "-o", "x.txt"),
    (("sphere", "sample", *SPHERE), "--report", "x.txt"),
    (("sphere", "overlaps", *SPHERE), "--report", "x.txt"),
    (("spins", "run", *SPINS, "--steps", 2), "--plot", "x.gif"),
    (("spins", "meanfield", *SPINS, "--steps", 2), "-o", "x.npz"),
    (("spins", "meanfield", *SPINS, "--steps", 2), "--plot", "x.npz"),
    (("spins", "diagram", *SPINS, "--betas", "0:1:3"), "-o", "x.csv"),
    (("spins", "spectrum", *SPINS, "--steps", 8), "-o", "x.csv"),
    (("spins", "diagram", *SPINS, "--betas", "0:1:3", "-o", "d.npz"), "--report", "x.csv"),
    (("spins", "new"), "-o", "x.txt"),
    (("spins", "compile", *SPINS, "--steps", 1), "-o", "x.txt"),
    (("spins", "sample", *SPINS, "--steps", 1), "--plot", "x.txt"),
    (("spins", "sample", *SPINS, "--steps", 1), "--report", "x.txt"),
]  # fmt: skip


def refused(done, *said):
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert len(done.stderr.splitlines()) <= 12
    for words in said:
        assert words in done.stderr


@pytest.mark.parametrize(("words", "option", "name"), OUTPUTS, ids=lambda value: value if isinstance(value, str) else None)
def test_an_output_that_cannot_be_written_is_refused_before_the_work(words, option, name, folder, invoke, monkeypatch):
    """Whatever begins the work of a verb would raise here, so that a refusal is known to come before."""
    monkeypatch.setattr("stinespring.reading.read_bytes", begun)
    monkeypatch.setattr("stinespring.models.decoders.names.load_named", begun)
    refused(invoke(*words, option, name), name, "format is not known", "expected")
    refused(invoke(*words, option, f"nowhere/{name}"), "folder does not exist")
    (folder / "taken.d").mkdir()
    (folder / "taken.d" / "file").write_text("")
    refused(invoke(*words, option, "taken.d"), "taken.d")


def begun(*args, **kwargs):
    raise AssertionError("the work has begun")


def path_options():
    """Yield every option of every verb that takes a path: verb, spellings, and whether it is checked while it is parsed."""
    for verb, command in commands().items():
        for parameter in command.params:
            runtime = parameter.get_runtime_param()
            if "Path" in str(runtime.annotation) and parameter.opts[0].startswith("-"):
                yield verb, parameter.opts, parameter.callback is not None


def test_every_option_that_takes_a_path_is_checked():
    found = list(path_options())
    assert len(found) >= 40
    assert [(verb, names) for verb, names, checked in found if not checked] == []


INPUTS = [
    (("check", *TEXT), "--counts"),
    (("check", "two_tokens.json", "--counts", "counts.json"), "--program"),
    (("run", "two_tokens.json", "--steps", 2), "--input-state"),
    (("law", "two_tokens.json", "--steps", 2), "--input-state"),
    (("lens", "study", "glassllm:en"), "--prompts"),
    (("lens", "train", "glassllm:en", "-o", "l.safetensors"), "--texts"),
    (("sphere", "analyse", *SPHERE), "--state"),
    (("sphere", "claims", *SPHERE), "--state"),
    (("spins", "new", "-o", "n.json"), "--like"),
    (("spins", "check", *SPINS, "--steps", 1), "--counts"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "option"), INPUTS, ids=lambda value: value if isinstance(value, str) else None)
def test_an_input_that_is_not_there_is_refused_before_the_work(words, option, folder, invoke, monkeypatch):
    monkeypatch.setattr("stinespring.reading.read_bytes", begun)
    monkeypatch.setattr("stinespring.models.decoders.names.load_named", begun)
    refused(invoke(*words, option, "missing.json"), "not found", "missing.json")
    refused(invoke(*words, option, "."), "is no file")


def test_a_description_is_not_put_over_a_model(folder, invoke, monkeypatch):
    """``compile mine.json -o mine.qasm`` would write mine.json: it is refused at once, not after the compiling."""
    monkeypatch.setattr("stinespring.cli.runs.compile.compile_source", begun)
    refused(invoke("compile", *TEXT, "-o", "two_tokens.qasm"), "two_tokens.json", "holds something else", "another output name")
    refused(invoke("compile", *TEXT, "--schedule", "static", "-o", str(folder / "fresh" / "..")), "folder")


def test_a_folder_is_refused_where_the_program_is_one_circuit(folder, invoke, monkeypatch):
    """An empty folder could be replaced by that of a stepwise program, so that the path alone is no mistake."""
    commands()
    monkeypatch.setattr("stinespring.cli.runs.compile.compile_source", begun)
    (folder / "empty").mkdir()
    for words in (("compile", *TEXT, "--schedule", "static"), ("channel", *DAMPING), ("lens", "compile", *GLASS)):
        refused(invoke(*words, "-o", "empty"), "the output is a folder", "FILE.qasm")


def test_two_outputs_of_one_name_are_refused(folder, invoke):
    refused(
        invoke("sphere", "run", *SPHERE, "--steps", 2, "-o", "a.npz", "--checkpoint", "./a.npz"), "two outputs have one name"
    )
    refused(invoke("sphere", "run", *SPHERE, "--steps", 2, "--movie", "a.html", "--report", "a.html"), "--report")


WRITING = [
    (("compile", *TEXT, "--effort", 0), {"-o": "p.qasm", "--draw": "p.png"}, ["p.qasm", "p.json", "p.png"]),
    (("compile", *TEXT, "--schedule", "stepwise"), {"-o": "steps"}, None),
    (("run", *TEXT, "--effort", 0, "--shots", 400, "--seed", 1), {"--plot": "r.svg", "--report": "r.html"}, None),
    (("channel", *DAMPING, "--effort", 0), {"-o": "c.qasm"}, ["c.qasm", "c.json"]),
    (("lens", *GLASS), {"--full": "f.npz", "--plot": "l.png"}, None),
    (("sphere", "run", *SPHERE, "--steps", 5), {"-o": "s.npz", "--plot": "s.png", "--movie": "m.html"}, None),
    (("sphere", "run", *SPHERE, "--steps", 5), {"--report": "s.html", "--checkpoint": "c.npz"}, ["s.html"]),
    (("sphere", "new", "--particles", 3, "--beta", 1), {"-o": "new.json"}, None),
    (("sphere", "compile", *SPHERE, "--particle", 0), {"-o": "sc.qasm"}, ["sc.qasm", "sc.json"]),
    (("spins", "run", *SPINS, "--steps", 2, "--seed", 1), {"--plot": "sr.png"}, None),
    (("spins", "meanfield", *SPINS, "--steps", 8), {"-o": "mf.json", "--plot": "mf.png"}, None),
    (("spins", "diagram", *SPINS, "--betas", "0:1:3", "--keep", 4), {"-o": "d.npz", "--report": "d.html"}, None),
    (("spins", "diagram", *SPINS, "--betas", "0:1:3", "--keep", 4), {"-o": "d.png"}, None),
    (("spins", "spectrum", *SPINS, "--steps", 8), {"-o": "sp.svg"}, None),
    (("spins", "new", "--features", 1, "--columns", 2, "--position-bits", 1, "--seed", 1), {"-o": "sn.json"}, None),
    (("spins", "compile", *SPINS, "--steps", 1, "--schedule", "dynamic"), {"-o": "q.qasm"}, ["q.qasm", "q.json"]),
    (("train", "two_tokens.json", "--heads", 1, "--mlp", 2, "--steps", 2, "--samples", 200), {"-o": "t.json"}, None),
]  # fmt: skip


@pytest.mark.parametrize(("words", "files", "names"), WRITING, ids=lambda value: value if isinstance(value, str) else None)
def test_every_file_that_is_written_is_told_of_on_stderr(words, files, names, folder, invoke):
    before = set(folder.rglob("*"))
    done = invoke(*words, *(word for pair in files.items() for word in pair))
    assert done.returncode in (0, 3), done.stderr
    told = [line.removeprefix("wrote ") for line in done.stderr.splitlines() if line.startswith("wrote ")]
    made = {
        str(path.relative_to(folder))
        for path in set(folder.rglob("*")) - before
        if path.is_file() and "ledger" not in str(path)
    }
    assert set(told) == (made if names is None else set(names)) and len(told) == len(set(told))
    assert set(told) <= made
    assert "wrote" not in done.stdout


def test_files_are_told_of_beside_json(folder, invoke):
    done = invoke("compile", *TEXT, "--effort", 0, "-o", "p.qasm", "--json")
    assert json.loads(done.stdout)["files"] == ["p.qasm", "p.json"]
    assert done.stderr.splitlines() == ["wrote p.qasm", "wrote p.json"]
