# SPDX-License-Identifier: Apache-2.0
"""`stinespring train`: what it prints and writes, and what it refuses before any work."""

from __future__ import annotations

import json

import pytest

import stinespring

pytest.importorskip("autograd", reason="training takes its gradients from autograd (extra [train])")
QUICK = ("--tokens", 5, "--context", 2, "--heads", 1, "--mlp", 0, "--steps", 5)


def test_a_text(invoke, examples, tmp_path):
    output = tmp_path / "model.json"
    status, out, err = invoke("train", examples / "alice.txt", "-o", output, *QUICK, "--json")
    assert status == 0, err
    found = json.loads(out)
    assert {"kl_per_token", "entropy_floor", "tokens", "parameters", "seconds", "ngrams"} <= set(found)
    assert set(found["kl_per_token"]) == {"train", "held_out"} and found["tokens"] == 5
    assert [row["context"] for row in found["ngrams"]] == [0, 1, 2]
    model = stinespring.load(output)
    assert list(model.tokens) == found["names"] and model.content()["format"] == "stinespring/attention@1"
    assert str(tmp_path) not in output.read_text(encoding="utf-8")
    status, out, _ = invoke("train", examples / "alice.txt", "-o", output, *QUICK)
    assert status == 0 and "held out" in out and "n-gram" in out


def test_a_model_file(invoke, examples, tmp_path):
    status, out, err = invoke(
        "train",
        examples / "three_tokens.json",
        "-o",
        tmp_path / "m.json",
        "--context",
        3,
        "--steps",
        5,
        "--samples",
        500,
        "--json",
    )
    assert status == 0, err
    assert json.loads(out)["names"] == list(stinespring.load(examples / "three_tokens.json").tokens)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("no_such.txt",), "not found"),
        (("short.txt",), "too short"),
        (("binary.txt",), "cannot be read"),
        (("zeros.txt",), "binary"),
        ((".",), "no file"),
        (("no_such.json",), "not found"),
        (("nothing:en",), "not found"),
        (("spins.json",), "only models of texts"),
        (("alice.txt", "--tokens", 33), "out of range"),
        (("alice.txt", "--context", 9), "out of range"),
        (("alice.txt", "--heads", 0), "out of range"),
        (("alice.txt", "--mlp", -1), "out of range"),
        (("alice.txt", "--steps", 0), "steps"),
        (("alice.txt", "--seed", -1), "seed"),
        (("alice.txt", "--decay", "nan"), "decay"),
        (("alice.txt", "--decay", "inf"), "decay"),
        (("two_tokens.json", "--samples", 10**9), "samples"),
        (("alice.txt", "--prompt", "a"), "belongs to models"),
        (("alice.txt", "--top-k", 3), "belongs to models"),
        (("two_tokens.json", "--tokens", 3), "fewer tokens"),
        (("alice.txt", "-o", "no/folder/m.json"), "folder does not exist"),
        (("alice.txt", "-o", "."), "no regular file"),
    ],
    ids=str,
)
def test_what_it_refuses(words, said, invoke, examples, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("alice.txt", "spins.json", "two_tokens.json"):
        (tmp_path / name).symlink_to(examples / name)
    (tmp_path / "short.txt").write_text("once upon a time")
    (tmp_path / "binary.txt").write_bytes(bytes(range(256)) * 4)
    (tmp_path / "zeros.txt").write_bytes(b"ab\0c" * 200)
    output = () if "-o" in words else ("-o", "m.json")
    status, out, err = invoke("train", *words, *output)
    assert (status, out) == (2, "") and said in err and len(err.splitlines()) <= 12, err
    assert not (tmp_path / "m.json").exists()
