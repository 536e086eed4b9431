# SPDX-License-Identifier: Apache-2.0
"""Points of a lens: what is asked, its law, and the states made again from their content."""

from __future__ import annotations

import json

import numpy as np
import pytest

from oracles.tiny_decoder import TinyDecoder, plain_law
from stinespring.checks.tables import check_tables
from stinespring.errors import InputError
from stinespring.models.lens import TunedLens, load_decoder, read_states
from stinespring.models.lens.asked import LensAsked, made
from stinespring.readings import Outcomes
from stinespring.stages import Samples


@pytest.fixture(scope="module")
def states():
    return read_states(TinyDecoder(), "w1 w3 w0")


def drawn(states, points, shots, seed):
    """Tokens drawn by NumPy from loops over the formulas."""
    rng = np.random.default_rng(seed)
    stream = states.decoder.stream(states.prompt[None])[:, 0, -1]
    laws = [plain_law(states.decoder, stream[point]) for point in points]
    counts = [rng.multinomial(shots, law) for law in laws]
    return tuple(Outcomes.tallied({"t1": np.arange(len(law))}, found) for law, found in zip(laws, counts, strict=True))


def test_every_point_has_a_table_and_a_test_of_its_own(states):
    asked = LensAsked((0, 2, 4))
    outcomes = drawn(states, asked.points, 5000, 1)
    stream = states.decoder.stream(states.prompt[None])[:, 0, -1]
    tables = list(asked.law(states).tables(outcomes))
    assert [table.test for table in tables] == ["point 0", "point 2", "point 4"]
    for table, point in zip(tables, asked.points, strict=True):
        np.testing.assert_allclose(table.law[0], plain_law(states.decoder, stream[point]), atol=1e-14)
        assert table.observed.sum() == 5000 and table.law.shape == (1, 6)
    verdict = check_tables(Samples(states, asked, outcomes), alpha=1e-7, resolution=0.2)
    assert verdict.verdict == "PASS" and set(verdict.parts) == {"point 0", "point 2", "point 4"}
    other = Samples(states, LensAsked((0, 3, 4)), outcomes)  # one point of three is another
    assert check_tables(other).verdict == "FAIL"
    assert check_tables(other).parts["point 0"].verdict == "PASS"


def test_a_code_that_stands_for_no_token_is_impossible(states):
    asked, [right] = LensAsked((3,)), drawn(states, [3], 4000, 2)
    wrong = right + Outcomes.tallied({"t1": np.array([-1])}, np.array([1]))
    [table] = asked.law(states).tables([wrong])
    assert table.observed[0, -1] == 1 and table.law[0, -1] == 0
    assert check_tables(Samples(states, asked, (right,)), alpha=1e-7, resolution=0.2).verdict == "PASS"
    assert "probability 0" in check_tables(Samples(states, asked, (wrong,))).reason
    assert asked.spell(states, wrong)[0] == "\N{REPLACEMENT CHARACTER}"


def test_the_law_on_the_way_to_a_point(states):
    [law] = LensAsked((2,), 0.5).law(states).points
    psi, v = states.psi[1], states.psi[2] - states.psi[1]
    v = v / np.linalg.norm(v)
    np.testing.assert_allclose(law.p, abs(psi + (np.exp(-0.5j * np.pi) - 1) * (v @ psi) * v) ** 2, atol=1e-14)


def test_counts_are_read_as_they_are_spelt(states):
    asked = LensAsked((1, 4))
    outcomes = drawn(states, asked.points, 300, 3)
    counts = [dict(zip(asked.spell(states, o), o.counts.tolist(), strict=True)) for o in outcomes]
    again = asked.read_counts(states, {"format": "stinespring/samples@1", "counts": counts})
    for one, other in zip(outcomes, again, strict=True):
        assert one.values.tolist() == other.values.tolist() and one.counts.tolist() == other.counts.tolist()
    for bad in (counts[0], [*counts, counts[0]], [{"w9": 1}, counts[1]]):
        with pytest.raises(InputError):
            asked.read_counts(states, {"format": "stinespring/samples@1", "counts": bad})


def test_requests_survive_json_and_name_points(states):
    asked = LensAsked((0, 4), 1.0)
    assert LensAsked(**json.loads(json.dumps(asked.plain()))) == asked
    for point in (-1, 5):
        with pytest.raises(InputError, match="no such point"):
            LensAsked((point,)).law(states)


@pytest.mark.parametrize("lens", ["logit", "tuned"])
def test_states_are_made_again_from_their_content(lens):
    decoder = load_decoder("glassllm:en")
    tuned = None
    if lens == "tuned":
        bias = np.random.default_rng(1).normal(size=(len(decoder.points), decoder.unembedding.shape[1])) / 9
        bias[-1] = 0
        tuned = TunedLens(bias, decoder.fingerprint(), {"seed": "1"})
    text = np.random.default_rng(2).integers(4, 1024, 130).tolist()  # two more than the decoder takes
    states = read_states(decoder, text, lens=tuned)
    again = made(json.loads(json.dumps(states.content())), states.name)
    np.testing.assert_array_equal(again.psi, states.psi)
    assert again.fingerprint() == states.fingerprint() and again.left_out == 2 and again.lens == states.lens
    assert again.content() == states.content()
    with pytest.raises(InputError, match="other weights"):
        made(states.content() | {"weights": "0" * 64}, states.name)
    assert read_states(decoder, text[1:], lens=tuned).fingerprint() == states.fingerprint()  # the same last tokens
    assert read_states(decoder, text[:-1], lens=tuned).fingerprint() != states.fingerprint()
