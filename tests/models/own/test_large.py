# SPDX-License-Identifier: Apache-2.0
"""A stranger's model of 50,257 tokens: every verb works in bounded memory, or refuses before work starts, saying why."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import numpy as np
import pytest

import stinespring as ss
from stinespring.errors import TooLargeError

V = 50_257
ROOM = 3 << 30  # bytes of address space: 50,257^2 numbers would take 20 GB; libraries map more than a gigabyte before any work
SECONDS = 20  # of a command's own process, with imports, on a busy machine
MODEL = f"""
import numpy as np
from stinespring import TextModel
V = {V}
CALLS = []
class Model(TextModel):
    name, tokens = "stranger", tuple(f"w{{i}}" for i in range(V))
    def law(self, step, texts):
        CALLS.append(texts.shape)
        logits = np.stack([np.random.default_rng(int(last)).normal(size=V).astype(np.float32) for last in texts[:, -1]])
        sizes = np.exp(3 * logits)
        return sizes / sizes.sum(axis=1, keepdims=True)
    def content(self):
        return {{"seeds": "the last token"}}
class Decoder:
    name, tokens, longest, end, rounding = "decoder", Model.tokens, 1024, None, "float64"
    def encode(self, prompt):
        return np.array([int(p[1:]) for p in prompt.split()] if isinstance(prompt, str) else prompt, dtype=np.int64)
    def plain(self, numbers):
        return " ".join(self.tokens[n] for n in numbers)
    def logits(self, texts):
        return np.stack([3 * np.random.default_rng(int(last)).normal(size=V) for last in texts[:, -1]])
    def law(self, texts):
        sizes = np.exp(self.logits(texts))
        return sizes / sizes.sum(axis=1, keepdims=True)
    def begin(self, prompt):
        return self.logits(prompt[None]), Past(prompt[None])
    def proceed(self, past, rows, tokens):
        texts = np.concatenate([past.texts[rows], tokens[:, None]], axis=1)
        return self.logits(texts), Past(texts)
    def content(self):
        return {{"seeds": "the last token"}}
    def fingerprint(self):
        return "seeds"
class Past:
    def __init__(self, texts):
        self.texts, self.rows, self.nbytes = texts, len(texts), texts.nbytes
"""
RUN = """
import resource, sys, time
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, ({room}, {room}))
sys.argv = ["stinespring", *{words!r}]
from stinespring.cli.main import command
try:
    command()
finally:
    status = Path("/proc/self/status").read_text()  # of this process alone: ru_maxrss begins with what the parent had
    peak = int(status.partition("VmHWM:")[2].split()[0])
    sys.stderr.write(f"\\nCPU {{time.process_time():.2f}} RSS {{peak}}\\n")
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("stranger") / "stranger.py"
    path.write_text(MODEL)
    return path


def bounded(*words, room=ROOM):
    """Run a command in a process of its own, with a limit on its memory: status, stdout, stderr, CPU seconds, RSS in bytes."""
    done = subprocess.run(
        [sys.executable, "-c", RUN.format(room=room, words=list(map(str, words)))], capture_output=True, text=True, timeout=300
    )
    found = re.search(r"CPU ([\d.]+) RSS (\d+)", done.stderr)
    return done.returncode, done.stdout, done.stderr, float(found.group(1)), int(found.group(2)) * 1024


REFUSED = {
    "law of two steps": ("law", "--steps", "2"),
    "one circuit": ("compile", "--steps", "2", "--schedule", "static"),
    "dynamic": ("compile", "--steps", "2", "--schedule", "dynamic"),
    "quantum input": ("compile", "--steps", "1", "--input", "quantum"),
    "codes by prefix": ("compile", "--steps", "2", "--schedule", "static", "--codes", "prefix"),
    "quantum memory": ("compile", "--steps", "2", "--schedule", "dynamic", "--memory", "quantum"),
    "a model of texts has no stream": ("lens",),
}


@pytest.mark.parametrize(
    ("name", "kind"), [*((name, "Model") for name in REFUSED), ("law of two steps", "Decoder"), ("one circuit", "Decoder")]
)
def test_what_does_not_fit_is_refused_at_once(name, kind, model):
    verb, *rest = REFUSED[name]
    status, out, err, seconds, used = bounded(verb, f"{model}:{kind}", "--prompt", "w1", *rest)
    assert status == 2 and out == "" and err.count("stinespring: ") == 1 and "to do: " in err, err
    assert "Traceback" not in err and "MemoryError" not in err
    assert seconds < SECONDS and used < 1 << 30, (seconds, used)


DONE = {
    "law": ("law", "--steps", "1", "--json"),
    "stepwise": ("run", "--steps", "2", "--schedule", "stepwise", "--shots", "40", "--seed", "1", "--json"),
    "by itself": ("compile", "--steps", "2", "--json"),
    "top-k": ("run", "--steps", "2", "--top-k", "4", "--shots", "8000", "--seed", "1", "--json"),
}


@pytest.mark.parametrize(("name", "kind"), [*((name, "Model") for name in DONE), ("top-k", "Decoder")])
def test_what_fits_works_in_bounded_memory(name, kind, model):
    verb, *rest = DONE[name]
    status, out, err, _, used = bounded(verb, f"{model}:{kind}", "--prompt", "w1", *rest)
    assert status in (0, 3) and "Traceback" not in err, err
    found = json.loads(out)
    assert used < 1 << 30, used
    if name == "top-k":
        assert found["verdict"] == "PASS" and len(found["counts"]) == 16
    if name == "law":
        sizes = np.exp(3 * np.random.default_rng(1).normal(size=V).astype(np.float32 if kind == "Model" else np.float64))
        best = int(np.argmax(sizes))
        assert found["joint"][f"w{best}"] == pytest.approx(sizes[best] / sizes.sum(), rel=1e-4)


def test_little_memory_is_a_message_and_no_kill(model):
    """With too little room for one law's work a command says so; nothing is left to the kernel."""
    status, _, err, _, used = bounded(  # some of Aer's threads may find no room
        "run", f"{model}:Model", "--prompt", "w1", "--steps", "2", "--schedule", "stepwise", "--shots", "20", room=900 << 20
    )
    assert status in (0, 2, 3) and "Traceback" not in err and used < 900 << 20, err


def test_operators_are_refused_before_they_are_made(model):
    stranger = ss.load(f"{model}:Model")
    for level in (1, 2, 5):
        with pytest.raises(TooLargeError):
            stranger.kraus(1, level)
    table = {"format": "stinespring/table@1", "tokens": [f"w{i}" for i in range(V)], "context": 2, "law": [[1.0 / V] * V]}
    with pytest.raises(ss.StinespringError):
        ss.load(table)


def test_long_texts_come_one_by_one(model):
    """Of a model with logits at every place of 1,000 tokens one text at a time is asked for; of short ones many."""
    stranger, shapes = ss.load(f"{model}:Model"), []
    seen = ss.load(lambda texts: shapes.append(texts.shape) or stranger.law(1, texts), tokens=V)
    seen.law(1, np.arange(3 * 1000).reshape(3, 1000) % V)
    assert {rows for rows, length in shapes} == {1}
    shapes.clear()
    seen.law(1, np.arange(100).reshape(100, 1))
    assert max(rows for rows, _ in shapes) == (1 << 22) // (V + 1) and sum(rows for rows, _ in shapes) == 100
