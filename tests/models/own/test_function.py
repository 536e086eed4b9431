# SPDX-License-Identifier: Apache-2.0
"""Functions and dicts as models, and the options of sampling around any of them."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

import stinespring as ss
from stinespring.errors import InputError

TABLE = np.array([[0.5, 0.3, 0.15, 0.05], [0.1, 0.2, 0.3, 0.4], [0.25, 0.25, 0.25, 0.25], [0.6, 0.1, 0.1, 0.2]])


def next_day(texts):
    return TABLE[texts[:, -1]]


def test_a_function_is_a_model():
    model = ss.load(next_day, tokens=["sun", "rain", "snow", "fog"])
    assert (model.name, model.tokens, model.d) == ("next_day", ("sun", "rain", "snow", "fog"), 4)
    assert model.joint("sun", 2)["rain fog"] == pytest.approx(0.3 * 0.4)
    assert ss.check(ss.run(ss.compile(model, prompt="sun", steps=2), shots=20_000, seed=2)).verdict == "PASS"
    other = ss.load(lambda texts: TABLE[::-1][texts[:, -1]], tokens=["sun", "rain", "snow", "fog"])
    samples = ss.run(ss.compile(model, prompt="sun", steps=2), shots=20_000, seed=2)
    assert ss.check(samples, other).verdict == "FAIL"


def test_logits_stop_and_tokenizer():
    pieces = [" the", "a", "a", ""]
    model = ss.load(
        lambda texts: np.log(next_day(texts)), tokens=pieces, logits=True, stop=3, longest=9, name="pieces",
        encode=lambda text: [1] * len(text.split()), decode=lambda numbers: "".join(pieces[n] for n in numbers),
    )  # fmt: skip
    assert model.tokens == ss.token_names(pieces) == ("\\u0020the", "a", "a<2>", "<3>")
    assert model.law(1, np.array([[0]]))[0] == pytest.approx(TABLE[0]) and model.stop == 3
    assert model.encode("x y").tolist() == [1, 1] and model.plain([0, 1, 4]) == " thea"
    with pytest.raises(InputError, match="longer than"):
        ss.compile(model, prompt="x y", steps=20)
    assert ss.load(next_day, tokens=4, stop="2").stop == 2


def test_functions_are_told_apart_by_their_laws():
    def fingerprint(table, **given):
        return ss.load(lambda texts: table[texts[:, -1]], tokens=4, name="f", **given).fingerprint()

    other = TABLE.copy()
    other[3] = TABLE[0]
    assert fingerprint(TABLE) == fingerprint(TABLE.copy()) != fingerprint(other)
    assert fingerprint(TABLE) != fingerprint(TABLE, stop=1)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "needs its tokens"),
        ({"tokens": "abc"}, "needs its tokens"),
        ({"tokens": 0}, "needs its tokens"),
        ({"tokens": 4, "stop": "x"}, "stop token is no token"),
        ({"tokens": 4, "window": -2}, "window cannot be used"),
        ({"tokens": 4, "layer": 1}, "a layer belongs"),
    ],
)
def test_what_a_function_lacks_is_said(given, words):
    with pytest.raises(InputError, match=words):
        ss.load(next_day, **given)


def test_options_of_functions_belong_to_functions(examples):
    for source in (examples / "two_tokens.json", {"format": "stinespring/table@1"}):
        with pytest.raises(InputError, match="belongs to a function"):
            ss.load(source, tokens=4)
    with pytest.raises(InputError, match="no model"):
        ss.load(3)


def test_the_ledger_refuses_what_it_could_not_make_again(tmp_path, monkeypatch):
    monkeypatch.setenv("STINESPRING_HOME", str(tmp_path))
    with pytest.raises(InputError, match="cannot be made again"):
        ss.submit(ss.load(next_day, tokens=4), prompt="0", steps=1, backend="aer")


@pytest.mark.parametrize("name", ["two_tokens.json", "stop_token.json", "spins.json", "sphere.json"])
def test_a_dict_is_as_good_as_its_file(name, examples):
    data = json.loads((examples / name).read_text())
    wanted = ss.load(examples / name)
    assert ss.load(data).fingerprint() == wanted.fingerprint()
    arrays = {key: np.array(value) if key in ("particles", "embedding") else value for key, value in data.items()}
    assert ss.load(arrays, name="mine").fingerprint() == wanted.fingerprint()
    assert ss.load(ss.load(data).content()).fingerprint() == wanted.fingerprint()


def test_a_dict_of_nothing_is_refused():
    with pytest.raises(InputError, match="not a model stinespring knows"):
        ss.load({"format": "nothing"})
    channel = ss.channels.amplitude_damping(0.3)
    assert ss.load(channel.content()).fingerprint() == channel.fingerprint()


# ------------------------------------------------------------------------------------------------- options of sampling


def plain(law, *stages):
    """The law after one option after the other, token by token."""
    for option, value in stages:
        if option == "t":
            law = [p ** (1 / value) for p in law]
        else:
            ranked = sorted(range(len(law)), key=lambda n: (-law[n], n))
            keep, share = ranked[: value if option == "k" else None], 0.0
            if option == "p":
                keep = []
                for n in ranked:
                    keep.append(n)
                    share += law[n]
                    if share >= value:
                        break
            law = [p if n in keep else 0.0 for n, p in enumerate(law)]
        law = [p / math.fsum(law) for p in law]
    return law


WRAPPERS = {"t": ss.temperature, "k": ss.top_k, "p": ss.top_p}
ORDERS = [
    [("k", 2)], [("p", 0.72)], [("t", 0.5)], [("t", 2.0), ("k", 3), ("p", 0.6)], [("k", 3), ("t", 0.5)],
    [("p", 0.72), ("t", 3.0)], [("p", 0.9), ("k", 2)], [("k", 3), ("p", 0.8), ("t", 0.5), ("k", 1)],
]  # fmt: skip


@pytest.mark.parametrize("stages", ORDERS, ids=str)
def test_wrappers_do_what_they_say_in_their_order(stages, examples):
    table = {"format": "stinespring/table@1", "tokens": list("abcd"), "context": 1, "law": TABLE.tolist()}
    for base in (ss.load(next_day, tokens=4), ss.load(table)):
        model = base
        for option, value in stages:
            model = WRAPPERS[option](model, value)
        texts = np.arange(4)[:, None]
        assert model.law(1, texts) == pytest.approx(np.array([plain(row, *stages) for row in TABLE.tolist()]), abs=1e-12)
    samples = ss.run(ss.compile(model, prompt="a", steps=2), shots=20_000, seed=1)
    assert ss.check(samples).verdict == "PASS" and ss.load(model.content()).fingerprint() == model.fingerprint()


def test_wrappers_of_a_decoder(examples):
    pytest.importorskip("mathformer", reason="a packaged decoder")
    base = ss.load("mathformer:add")
    text = np.array([base.encode("1+2=").tolist()])
    whole = base.law(1, text)[0].tolist()
    both = ss.top_p(ss.top_k(ss.temperature(base, 3.0), 4), 0.9)
    assert (
        type(both) is type(base) and both.content() == ss.load("mathformer:add", top_k=4, top_p=0.9, temperature=3.0).content()
    )
    nested = ss.top_k(ss.top_p(ss.temperature(base, 3.0), 0.9), 2)
    stages = [("t", 3.0), ("p", 0.9), ("k", 2)]
    assert nested.law(1, text)[0] == pytest.approx(plain(whole, *stages), abs=1e-12)
    verdict = ss.check(ss.run(ss.compile(nested, prompt="1+2=", steps=1), shots=20_000, seed=3))
    assert verdict.verdict == "PASS" and ss.load(nested.content()).fingerprint() == nested.fingerprint()


def test_what_is_no_text_model_is_not_wrapped():
    with pytest.raises(InputError, match="belong to models of texts"):
        ss.top_k(ss.channels.amplitude_damping(0.3), 2)
    for wrap, value in ((ss.top_k, 0), (ss.top_p, 1.5), (ss.temperature, 0.0)):
        with pytest.raises(InputError):
            wrap(ss.load(next_day, tokens=4), value)
