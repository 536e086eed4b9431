# SPDX-License-Identifier: Apache-2.0
"""What a shell gets when it asks how a word goes on: verbs, options, names and files, soon."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from stinespring.cli.words.completing import answer, asked
from stinespring.cli.words.verbs import VERBS


def cut(line):
    """Return a line's words as Bash counts them: ``:`` and ``=`` are words."""
    return line.replace(":", " : ").replace("=", " = ").split() + [""] * line.endswith(" ")


@pytest.fixture
def complete(monkeypatch, capsys, tmp_path, examples):
    (tmp_path / "examples").symlink_to(examples)
    monkeypatch.chdir(tmp_path)

    def call(line, shell="bash"):
        monkeypatch.setenv("_STINESPRING_COMPLETE", f"complete_{shell}")
        words = cut(line)
        monkeypatch.setenv("COMP_WORDS", "\n".join(words))
        monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
        monkeypatch.setenv("_TYPER_COMPLETE_ARGS", line)
        monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
        with pytest.raises(SystemExit) as ended:
            answer()
        assert ended.value.code == 0
        return capsys.readouterr().out

    return call


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("stinespring ru", "run"),
        ("stinespring verify", "verify-channel"),
        ("stinespring lens com", "compile"),
        ("stinespring lens compile --pro", "--prompt"),
        ("stinespring lens glassllm:e", "en"),
        ("stinespring law examples/two", "examples/two_tokens.json"),
        ("stinespring law exa", "examples/"),
        ("stinespring run mathformer:a", "add"),
        ("stinespring run x --backend aer?method=stat", "statevector"),
        ("stinespring run x --backend braket:", "local"),
        ("stinespring compile x --target heavy", "heavy-hex:"),
        ("stinespring sphere run x --ste", "--steps\n--step"),
        ("stinespring spins mean", "meanfield"),
        ("stinespring run x --lens tun", "tuned:"),
        ("stinespring run x --schedule dy", "dynamic"),
        ("stinespring run x --token-qubits ", "all"),
        ("stinespring check x --within n", "none"),
        ("stinespring run x --mitigation r", "readout"),
        ("stinespring compile x --dialect qasm2", "qasm2"),
        ("stinespring lens run x --simplify s", "state"),
    ],
)
def test_a_word_goes_on(line, wanted, complete):
    assert complete(line).strip() == wanted


def test_every_verb_and_no_verb_of_two_words(complete):
    """A shell would take the words of ``lens compile`` for two completions."""
    assert complete("stinespring ").split() == [verb for verb in VERBS if " " not in verb]
    assert set(complete("stinespring lens ").split()) >= {"compile", "run", "study", "train", "glassllm:en", "mathformer:add"}


def test_devices_by_name(complete):
    pytest.importorskip("qiskit_ibm_runtime")
    assert complete("stinespring run x --backend fake:bos").split() == ["boston"]
    assert "boston" in complete("stinespring run x --backend aer?noise=").split()


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_get_whole_words(shell, complete):
    assert "glassllm:en" in complete("stinespring run glassllm:e", shell).replace("\\", "")
    assert "--prompt" in complete("stinespring lens compile --pro", shell)


def test_an_open_quote_is_no_error(monkeypatch):
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", "stinespring law m.json --prompt 'a b")
    assert asked(bash=False) == (["law", "m.json", "--prompt"], "a b")


def test_nothing_heavy_is_imported():
    code = """
import sys
from stinespring.cli.entry import main
try:
    main()
except SystemExit:
    heavy = {"qiskit", "qiskit_aer", "scipy", "matplotlib", "numpy", "pydantic"}
    print(sorted({m.partition(".")[0] for m in sys.modules} & heavy))
"""
    for words, heavy in (
        (["stinespring", "r"], []),
        (["stinespring", "run", "glassllm", ":", "e"], ["numpy"]),
        (["stinespring", "run", "--"], ["numpy"]),
    ):
        env = {"_STINESPRING_COMPLETE": "complete_bash", "COMP_WORDS": "\n".join(words), "COMP_CWORD": str(len(words) - 1)}
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, **env})
        assert done.returncode == 0 and done.stdout.splitlines()[-1] == str(heavy), done.stderr


def test_the_script_of_a_shell(invoke):
    status, out, _ = invoke("--show-completion", "bash")
    assert status == 0 and "_STINESPRING_COMPLETE=complete_bash" in out
