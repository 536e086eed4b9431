# SPDX-License-Identifier: Apache-2.0
"""One step and the mean field against plain loops; files."""

from __future__ import annotations

import copy
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from oracles import plain_spins
from stinespring.errors import InputError
from stinespring.models.spins import draw_network, draw_window, mean_field, read_network
from stinespring.models.spins.asked import SpinAsked, made
from stinespring.models.spins.contexts import columns_of, pieces, spins_of, tokens_of
from stinespring.models.spins.law import codes_of, token_law, visited
from stinespring.models.spins.network import column_kinds
from stinespring.readings import Outcomes
from strategies import spin_networks


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("spins") / "network.json"


def load(data, path):
    path.write_text(json.dumps(data))
    return read_network(path)


@settings(max_examples=60)
@given(spin_networks(attention=None))
def test_one_step_is_the_formula(path, data):
    network = load(data, path)
    found = network.attend(network.start(), network.time)
    plain = plain_spins.step(data, plain_spins.initial(data), data["time"])
    h = network.fields(found.attention)
    for ours, name in ((found.weights, "attention_weights"), (found.attention, "A"), (h, "h")):
        np.testing.assert_allclose(ours, plain[name], atol=1e-11)  # gamma 900 amplifies rounding


@settings(max_examples=40)
@given(spin_networks(attention=None))
def test_the_closed_equations_are_the_average_over_columns(path, data):
    data["gamma"] = min(data["gamma"], 20.0)  # larger ones amplify rounding from step to step
    found = mean_field(load(data, path), steps=6)
    A, m_o = plain_spins.mean_field(data, 6)
    np.testing.assert_allclose(found.A[0], A, atol=1e-9)
    np.testing.assert_allclose(found.m_o[0], m_o, atol=1e-9)


def test_many_temperatures_are_each_one_alone():
    network = draw_network(M=3, N=12, P=2, eps=0.02, gamma=30, beta=1.0, seed=3)
    betas = np.array([0.0, 0.7, 1.9])
    together = mean_field(network, steps=9, betas=betas)
    for i, beta in enumerate(betas):
        np.testing.assert_allclose(together.m_o[i], mean_field(network.with_beta(beta), steps=9).m_o[0], atol=1e-10)


def test_repeating_columns_changes_no_mean(path):
    data = draw_network(M=2, N=3, P=1, eps=0.1, gamma=5, beta=1.0, seed=1).content()
    once, thrice = load(data, path), load(data | {"repeat": 3}, path)
    assert thrice.spins == 9
    np.testing.assert_array_equal(mean_field(once, steps=4).A, mean_field(thrice, steps=4).A)


def test_a_large_gamma_does_not_overflow():
    network = draw_network(M=3, N=9, P=2, eps=0.02, gamma=1e6, beta=2.0, seed=1)
    assert np.isfinite(mean_field(network, steps=5).A).all()


def test_files_come_back(path):
    network = draw_network(M=3, N=5, P=2, eps=0.02, gamma=220, beta=1.27, seed=5)
    again = load(network.content(), path)
    assert again.content() == network.content()


def test_columns_are_told_apart_beyond_64_features():
    features = np.random.default_rng(0).choice([-1, 1], size=(70, 6)).astype(np.int8)
    features[:, 3] = features[:, 1]
    kinds, counts, kind = column_kinds(features)
    np.testing.assert_array_equal(kinds[:, kind], features)
    assert sorted(counts.tolist()) == [1, 1, 1, 1, 2]


def test_a_drawn_window_follows_its_attention_vectors():
    """20,000 spins of one kind; the false-alarm rate of six standard errors is below 1e-8."""
    network = draw_network(M=1, N=20_000, P=0, eps=0.0, gamma=1.0, beta=0.8, segments=1, seed=2)
    given_vectors = network.__class__(**{**network.__dict__, "window": None, "attention_window": np.array([[0.5]])})
    drawn = draw_window(given_vectors, 3)
    assert abs(drawn.window.mean() * network.features[3, 0, 0] - np.tanh(0.4)) < 6 / np.sqrt(20_000)


GOOD = draw_network(M=2, N=3, P=1, eps=0.1, gamma=5, beta=1.0, seed=1).content()


def broken(*keys, value):
    data = copy.deepcopy(GOOD)
    inner = data
    for key in keys[:-1]:
        inner = inner[key]
    if value is KeyError:
        del inner[keys[-1]]
    else:
        inner[keys[-1]] = value
    return data


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (broken("format", value="stinespring/table@1"), "no spin network"),
        (broken("eps", value=1.5), "'eps' is out of range"),
        (broken("beta", value=-1), "'beta' is out of range"),
        (broken("beta", value="1"), "'beta' is out of range"),
        (broken("gamma", value=True), "'gamma' is out of range"),
        (broken("features", value=KeyError), "lacks the field 'features'"),
        (broken("features", "q", value=KeyError), "lacks the field 'q'"),
        (broken("features", "q", 0, 0, value=0), "neither +1 nor -1"),
        (broken("features", "q", 0, 0, value=True), "not a number"),
        (broken("features", "q", 0, value=[1, 1]), "ragged"),
        (broken("features", "q", value=[[1, 1, 1]]), "differ in shape"),
        (broken("features", "q", value=[]), "not a matrix"),
        (broken("features", "q", value=[[], []]), "wrong shape"),
        (broken("position_features", value={role: [[1]] for role in "qkvo"}), "differ in number"),
        (broken("repeat", value=0), "'repeat'"),
        (broken("time", value=0.5), "'time'"),
        (broken("window", value=KeyError), "given once"),
        (broken("window", value=[[1, 1, 1]]), "wrong shape"),
        (broken("window", 0, 0, value=2), "neither"),
        (GOOD | {"attention_window": [[0.0, 0.0]] * 2}, "given once"),
        ({k: v for k, v in GOOD.items() if k != "window"} | {"attention_window": [[0.0]]}, "wrong shape"),
        ({k: v for k, v in GOOD.items() if k != "repeat"} | {"repaet": 2}, "did you mean 'repeat'"),
    ],
)
def test_bad_files_have_one_message(data, says, path):
    with pytest.raises(InputError) as caught:
        load(data, path)
    assert says in str(caught.value)


def test_not_a_number_is_refused(path):
    path.write_text(json.dumps(GOOD).replace('"eps": 0.1', '"eps": NaN'))
    with pytest.raises(InputError, match="not finite"):
        read_network(path)


@pytest.mark.parametrize(
    "change", [{"N": 0}, {"M": 0}, {"P": -1}, {"P": 99}, {"segments": 2}, {"segments": 0}, {"eps": 2.0}, {"beta": float("nan")}]
)
def test_unusable_sizes_of_random_networks(change):
    with pytest.raises(InputError):
        draw_network(**({"M": 2, "N": 3, "P": 1, "eps": 0.1, "gamma": 5.0, "beta": 1.0} | change))


def test_a_network_is_made_again_from_its_content():
    network = draw_network(M=2, N=3, P=1, eps=0.1, gamma=5, beta=1.0, seed=1)
    vectors = replace(network, window=None, attention_window=np.array([[0.1, 1 / 3], [-0.7, 0.2]]), name="vectors")
    for one in (network, replace(network, repeat=3, time=-7), vectors):
        again = made(json.loads(json.dumps(one.content())), "other")
        assert again.name == "other" and again.fingerprint() == one.fingerprint()
        assert again.content() == one.content() | {"name": "other"}
    prints = {one.fingerprint() for one in (network, vectors, network.with_beta(1.5), replace(network, time=1))}
    assert len(prints) == 4 and replace(network, name="x").fingerprint() in prints
    asked = SpinAsked(3)
    assert SpinAsked(**json.loads(json.dumps(asked.plain()))) == asked


def test_repeated_columns_are_written_out():
    network = replace(draw_network(M=2, N=3, P=1, eps=0.1, gamma=5, beta=1.0, seed=1), repeat=2)
    wide = network.one_column_a_spin()
    assert (wide.N, wide.spins, wide.repeat) == (6, 6, 1)
    np.testing.assert_array_equal(wide.features[..., ::2], network.features)
    np.testing.assert_array_equal(wide.features[..., 1::2], network.features)
    np.testing.assert_array_equal(wide.window[:, 1::2], network.window)
    np.testing.assert_allclose(wide.attend(wide.start(), 0).attention, network.attend(network.start(), 0).attention)


@pytest.mark.parametrize("spins", [1, 59, 60, 61, 130])
def test_tokens_fit_in_registers_of_sixty_bits(spins):
    tokens = np.random.default_rng(spins).choice(np.array([-1, 1], dtype=np.int8), size=(20, 2, spins))
    columns = columns_of(tokens)
    assert list(columns)[0] == ("t1" if spins <= 60 else "t1_0")
    assert len(columns) == 2 * len(pieces(spins)) and sum(pieces(spins)) == spins
    outcomes = Outcomes.tallied(columns)
    back = np.repeat(tokens_of(outcomes, 2, spins), outcomes.counts, axis=0)
    assert sorted(back.reshape(20, -1).tolist()) == sorted(tokens.reshape(20, -1).tolist())


def test_the_law_of_whole_tokens_is_the_product():
    network = draw_network(M=2, N=4, P=1, eps=0.1, gamma=5, beta=1.0, seed=1)
    steps = 2
    law = plain_spins.joint_law(network.content(), steps)
    texts = list(law)
    tokens = spins_of(np.array(texts), 4)
    product = np.ones(len(texts))
    for step, contexts, which in visited(network, tokens):
        product *= token_law(contexts.plus)[which, codes_of(tokens[:, step])]
    np.testing.assert_allclose(product, [law[text] for text in texts], atol=1e-14)


def test_spins_are_read_as_they_are_spelt():
    network, asked = draw_network(M=2, N=3, P=1, eps=0.1, gamma=5, beta=1.0, seed=1), SpinAsked(2)
    counts = {"+-+ ---": 4, "+++ +++": 2}
    data = {"format": "stinespring/samples@1", "counts": counts}
    [outcomes] = asked.read_counts(network, data)
    assert outcomes.registers == ("t1", "t2") and outcomes.values.tolist() == [[0, 0], [2, 7]]
    assert dict(zip(asked.spell(network, outcomes), outcomes.counts.tolist(), strict=True)) == counts
    for bad in ({"+-+": 1}, {"+-+ --": 1}, {"+-+ --0": 1}, {"+-+ ---": -1}, {"+-+  ---": 1}):
        with pytest.raises(InputError):
            asked.read_counts(network, data | {"counts": bad})
