# SPDX-License-Identifier: Apache-2.0
"""A stranger's model: what it gives is looked at before anything is built on it, and what is wrong is said."""

from __future__ import annotations

import json

import numpy as np
import pytest

import stinespring as ss
from stinespring.errors import InputError
from stinespring.models.own import guard

TABLE = np.array([[0.7, 0.2, 0.1], [0.3, 0.5, 0.2], [0.1, 0.3, 0.6]])


class Days(ss.TextModel):
    name, tokens, window = "days", ("sun", "rain", "snow"), 1

    def law(self, step, texts):
        return TABLE[texts[:, -1]]

    def content(self):
        return {"table": TABLE.tolist()}


def changed(**parts):
    """A model of the same days of which something is wrong."""
    return type("Changed", (Days,), {"__module__": __name__, **parts})()


def test_a_whole_run():
    verdict = ss.check(ss.run(ss.compile(Days(), prompt="sun", steps=2), shots=20_000, seed=1))
    assert verdict.verdict == "PASS"
    assert Days().joint("sun", 2)["rain snow"] == pytest.approx(0.2 * 0.2)


LAST = np.random.default_rng(0)
WRONG = {
    "shape (3,)": lambda self, step, texts: TABLE[texts[0, -1]],
    "adds up to 0.9": lambda self, step, texts: 0.9 * TABLE[texts[:, -1]],
    "not finite": lambda self, step, texts: np.nan * TABLE[texts[:, -1]],
    "probability of -0.1": lambda self, step, texts: TABLE[texts[:, -1]] + [-0.2 - 0.1 * texts[:, -1:] + 0 * texts[:, -1:]][0],
    "KeyError": lambda self, step, texts: {}["absent"],
    "SystemExit": lambda self, step, texts: exit(),
    "asked for twice": lambda self, step, texts: LAST.dirichlet(np.ones(3), len(texts)),
    "shape": lambda self, step, texts: "no law",
}


@pytest.mark.parametrize("words", WRONG)
def test_a_law_that_is_none_is_refused(words):
    with pytest.raises(InputError, match="the model's law cannot be used") as found:
        ss.compile(changed(law=WRONG[words]), prompt="sun", steps=1)
    assert words in str(found.value)


def test_a_window_that_is_too_short_is_refused():
    def two(self, step, texts):
        return TABLE[(texts[:, -1] + texts[:, -2]) % 3] if texts.shape[1] > 1 else TABLE[texts[:, -1]]

    with pytest.raises(InputError, match="a token before the last 1 changes"):
        ss.compile(changed(law=two), prompt="sun rain", steps=2)
    assert ss.compile(changed(law=two, window=2), prompt="sun rain", steps=2).cost.qubits


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"tokens": ("a b", "c", "d")}, "white space"),
        ({"tokens": ("a", "c", "a")}, "distinct"),
        ({"tokens": ("a", "", "c")}, "white space"),
        ({"tokens": (1, 2, 3)}, "a tuple of names"),
        ({"stop": 3}, "from 0 to 2"),
        ({"stop": "rain"}, "from 0 to 2"),
        ({"window": -1}, "from 0"),
        ({"longest": 1.5}, "from 1"),
    ],
)
def test_what_it_says_of_itself_is_looked_at(parts, words):
    with pytest.raises(InputError, match=words):
        ss.load(changed(**parts))


def test_single_precision_is_normalised():
    law = changed(law=lambda self, step, texts: TABLE.astype(np.float32)[texts[:, -1]]).law(1, np.array([[0], [1]]))
    assert law.dtype == np.float64 and np.abs(law.sum(axis=1) - 1).max() < 1e-15
    assert law == pytest.approx(TABLE[:2], abs=1e-7)


def test_texts_come_in_batches_that_fit(monkeypatch):
    """Long texts in smaller ones: a model may compute logits at every place of every text."""
    seen = []

    def law(self, step, texts):
        seen.append(texts.shape)
        return TABLE[texts[:, -1]]

    monkeypatch.setattr(guard, "MOST_LOGITS", 400)
    model = changed(law=law, window=None)
    texts = np.arange(3 * 100 * 10).reshape(-1, 10) % 3
    assert model.law(1, texts) == pytest.approx(TABLE[texts[:, -1]])
    assert max(rows * length * 4 for rows, length in seen) <= 400 and sum(rows for rows, _ in seen) == 301
    assert len(model.law(1, np.zeros((0, 2), dtype=np.int64))) == 0


def test_a_subclass_of_a_subclass_is_looked_at_too():
    class Hot(Days):
        def law(self, step, texts):
            return np.sqrt(super().law(step, texts))

    with pytest.raises(InputError, match="adds up to"):
        ss.compile(Hot(), prompt="sun", steps=1)


def test_the_package_s_own_models_are_not(two_tokens):
    assert not hasattr(type(two_tokens).law, "__wrapped__") and hasattr(Days.law, "__wrapped__")


def test_a_named_model_is_kept_by_the_ledger(tmp_path, monkeypatch, invoke):
    (tmp_path / "days.py").write_text(
        "import numpy as np\nfrom stinespring import TextModel\nclass Days(TextModel):\n    name, tokens = 'd', ('a', 'b')\n"
        "    def law(self, step, texts):\n        return np.array([[0.25, 0.75], [0.5, 0.5]])[texts[:, -1]]\n\n"
        "    def content(self):\n        return {'version': 1}\n"
    )
    monkeypatch.setenv("STINESPRING_HOME", str(tmp_path / "ledger"))
    name = f"{tmp_path / 'days.py'}:Days"
    words = (name, "--prompt", "a", "--steps", "2", "--top-k", "2", "--temperature", "2", "--shots", "20000", "--seed", "1")
    status, _, err = invoke("submit", *words, "--backend", "aer", "--yes", "--json")
    assert status == 0, err
    status, out, err = invoke("fetch", "latest", "--json")
    assert status == 0, err
    assert json.loads(out)["verdict"] == "PASS"
    assert json.loads(out)["counts"] == json.loads(invoke("run", *words, "--json")[1])["counts"]
    assert ss.load(name).content() == {"format": name, "version": 1}


def test_content_that_is_no_json_is_said(tmp_path):
    (tmp_path / "odd.py").write_text(
        "from stinespring import TextModel\nclass Odd(TextModel):\n    name, tokens = 'd', ('a', 'b')\n"
        "    def law(self, step, texts):\n        return [[0.5, 0.5]] * len(texts)\n"
        "    def content(self):\n        return {'version': object()}\n"
    )
    with pytest.raises(InputError, match="content cannot be used"):
        ss.compile(ss.load(f"{tmp_path / 'odd.py'}:Odd"), prompt="a", steps=1)
