# SPDX-License-Identifier: Apache-2.0
"""Models of one's own: a Python file, or what an installed package offers."""

from __future__ import annotations

import json
import re
import sys

import numpy as np
import pytest

import stinespring
from stinespring.errors import InputError
from stinespring.models.decoders.names import is_named, load_decoder, offered
from stinespring.models.lens import read_states
from stinespring.models.load import made

OWN = '''
import numpy as np
from stinespring.models.decoders.decoder import FinalNorm, Point
from stinespring.models.texts.table import TableModel

class Past:
    def __init__(self, texts):
        self.texts, self.rows, self.nbytes = texts, len(texts), texts.nbytes

class Bigrams:
    """The last token decides."""
    name, tokens, longest, end, rounding = "bigrams", ("a", "b", "c"), 50, 2, "float64"
    points, norm = (Point("embedding", None),), FinalNorm("rms", np.ones(3), 0.0)
    unembedding = np.array([[0.1, 0.5, -1.0], [0.7, -0.2, 0.0], [0.0, 0.3, 0.4]])
    def encode(self, prompt):
        return np.array([self.tokens.index(c) for c in prompt] if isinstance(prompt, str) else prompt, dtype=np.int64)
    def plain(self, numbers):
        return "".join(self.tokens[n] for n in numbers)
    def stream(self, texts):
        return np.eye(3)[texts][None]
    def logits(self, texts):
        return self.norm(np.eye(3)[texts[:, -1]]) @ self.unembedding.T
    def begin(self, prompt):
        return self.logits(prompt[None]), Past(prompt[None])
    def proceed(self, past, rows, tokens):
        texts = np.concatenate([past.texts[rows], tokens[:, None]], axis=1)
        return self.logits(texts), Past(texts)
    def law(self, texts):
        sizes = np.exp(self.logits(texts))
        return sizes / sizes.sum(axis=1, keepdims=True)
    def content(self):
        return {"weights": self.unembedding.tolist()}
    def fingerprint(self):
        return "1"

def made():
    return Bigrams()

def broken():
    raise RuntimeError("no luck")

def leaves():
    raise SystemExit(0)

def long():
    raise ValueError("no luck\\n" * 99)

ready, number = Bigrams(), 3
table = TableModel({"format": "stinespring/table@1", "tokens": ["a", "b"], "context": 0, "law": [[0.25, 0.75]]}, "coin")
'''


@pytest.fixture
def own(tmp_path):
    (tmp_path / "mine.py").write_text(OWN)
    return tmp_path / "mine.py"


@pytest.mark.parametrize("attribute", ["made", "ready", "Bigrams"])
def test_a_decoder_of_ones_own(own, attribute, invoke):
    name = f"{own}:{attribute}"
    model = stinespring.load(name, top_k=2)
    logits = np.sqrt(3) * np.array([0.5, -0.2, 0.3])
    wanted = np.exp(logits) * (logits > -0.1)
    np.testing.assert_allclose(model.law(1, np.array([[0, 1]]))[0], wanted / wanted.sum(), atol=1e-12)
    assert model.name == name and model.stop == 2 and made(model.content(), "x").content() == model.content()
    np.testing.assert_allclose(read_states(load_decoder(name), "ab").law(0), np.exp(logits) / np.exp(logits).sum(), atol=1e-12)
    status, out, _ = invoke("law", name, "--prompt", "ab", "--steps", "2", "--top-p", "0.9", "--temperature", "0.5", "--json")
    assert status == 0 and name in out


def test_a_text_model_of_ones_own(own):
    model = stinespring.load(f"{own}:table")
    assert dict(model.joint("a", 1)) == {"a": 0.25, "b": 0.75}
    assert dict(stinespring.load(f"{own}:table", top_k=1).joint("a", 1)) == {"b": 1.0}
    with pytest.raises(InputError, match="a layer belongs to language models"):
        stinespring.load(f"{own}:table", layer=0)
    with pytest.raises(InputError, match="the lens looks into language models"):
        load_decoder(f"{own}:table")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mine.py:absent", "does not define"),
        ("mine.py:", "missing"),
        ("mine.py:a b", "missing"),
        ("nowhere.py:made", "no such Python file"),
        ("mine.py:number", "no model"),
        ("mine.py:Past", "cannot be made"),
        ("mine.py:broken", "RuntimeError: no luck"),
        ("mine.py:np", "no model"),
        ("wrong.py:x", "SyntaxError"),
        ("raises.py:x", "ZeroDivisionError"),
        ("leaves.py:x", "cannot be executed"),
        ("mine.py:leaves", "SystemExit: 0"),
        ("mine.py:long", "ValueError: no luck no luck"),
    ],
)
def test_what_is_no_model_is_said(own, name, message):
    (own.parent / "wrong.py").write_text("x = (")
    (own.parent / "raises.py").write_text("x = 1 / 0")
    (own.parent / "leaves.py").write_text("raise SystemExit(0)")
    with pytest.raises(InputError, match=message) as refused:
        stinespring.load(f"{own.parent}/{name}")
    assert len(str(refused.value).splitlines()) <= 4


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("return self.logits(prompt[None]), Past(", "return exec('raise SystemExit(0)'), Past(", "begin cannot.*SystemExit"),
        ("return self.logits(prompt[None])", "return np.nan * self.logits(prompt[None])", "begin cannot.*NaN or infinity"),
        ("return self.logits(prompt[None])", "return -np.inf * np.ones((1, 3))", "begin cannot.*NaN or infinity"),
        ("return self.logits(prompt[None])", "return 1j * self.logits(prompt[None])", "begin cannot.*complex128"),
        ("return self.logits(prompt[None])", "return self.logits(prompt[None])[:, :2]", r"begin cannot.*\(1, 2\)"),
        ("return self.logits(prompt[None]), Past", "return Past", "begin cannot.*Past"),
        ("return self.logits(texts), Past", "return np.nan * self.logits(texts), Past", "proceed cannot.*NaN"),
        ("return self.logits(texts), Past", "return self.logits(texts)[:1], Past", "proceed cannot.*shape"),
        ("return self.logits(texts), Past", "return {}['x'], Past", "proceed cannot.*KeyError"),
        ("return sizes / sizes.sum(axis=1, keepdims=True)", "return sizes", "law cannot be used"),
        ("return sizes / sizes.sum(axis=1, keepdims=True)", "return np.full((len(texts), 3), 1 / 3)", "begin cannot.*differs"),
        ("isinstance(prompt, str) else prompt, dtype=np.int64)", "isinstance(prompt, str) else prompt) / 2", "encode cannot"),
        ('("a", "b", "c"), 50, 2,', '("a", "a", "c"), 50, 2,', "tokens cannot"),
        ('("a", "b", "c"), 50, 2,', '("a", "b", "c"), "x", 2,', "longest cannot"),
        ('("a", "b", "c"), 50, 2,', '("a", "b", "c"), 50, 3,', "end cannot"),
        ('"float64"', '"float8"', "rounding cannot"),
    ],
)
def test_a_decoder_that_gives_nonsense_is_bad_input(own, old, new, message, invoke):
    assert old in OWN
    own.write_text(OWN.replace(old, new))
    status, out, err = invoke("law", f"{own}:made", "--prompt", "ab", "--steps", "2", "--json")
    assert status == 2 and not out and re.search(message, " ".join(err.split()))
    assert len(err.splitlines()) <= 4


def test_what_a_file_prints_is_no_data(own, invoke):
    own.write_text("print('at once')\n" + OWN.replace("return self.norm(np", "print('later'); return self.norm(np"))
    status, out, err = invoke("law", f"{own}:made", "--prompt", "ab", "--steps", "1", "--json")
    assert status == 0 and json.loads(out)["format"] == "stinespring/law@1"
    assert "at once" in err and "later" in err


def test_a_file_is_executed_only_when_it_is_named(own):
    own.write_text("import pathlib\npathlib.Path(__file__).with_suffix('.ran').touch()\n" + OWN)
    assert is_named(f"{own}:made") and not is_named(own)
    with pytest.raises(InputError):
        stinespring.load(str(own))
    assert not own.with_suffix(".ran").exists()
    stinespring.load(f"{own}:made")
    assert own.with_suffix(".ran").exists()


def test_a_package_offers_a_model_by_name(own, tmp_path, monkeypatch, invoke):
    info = tmp_path / "acme-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[stinespring.models]\nacme-bigrams = acme_models:made\n"
        "acme-absent = acme_nowhere:made\nacme-none = acme_models:number\n"
    )
    (tmp_path / "acme_models.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    assert set(offered()) >= {"acme-bigrams", "acme-absent"} and "acme_models" not in sys.modules
    assert stinespring.load("acme-bigrams", top_p=0.5).name == "acme-bigrams"
    assert invoke("law", "acme-bigrams", "--prompt", "ab", "--steps", "1", "--json")[0] == 0
    for name, message in (("acme-absent", "ModuleNotFoundError"), ("acme-none", "no model")):
        with pytest.raises(InputError, match=message):
            stinespring.load(name)


def test_unknown_names_are_files():
    with pytest.raises(InputError, match="model file not found"):
        stinespring.load("acme-unknown")
