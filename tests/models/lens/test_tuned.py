# SPDX-License-Identifier: Apache-2.0
"""The tuned lens: gradients by finite differences, what training gains, and its file as others read it."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest

from oracles.tiny_decoder import TinyDecoder, plain_law
from stinespring.errors import InputError
from stinespring.models.lens import TunedLens, read_lens, read_states, train_lens
from stinespring.models.lens.train import RIDGE, affine_divergence, divergence, sampled_texts
from stinespring.models.lens.tuned import named_lens
from stinespring.models.safetensors import pack, unpack


@pytest.mark.parametrize("kind", ["rms", "layer"])
def test_divergence_and_its_gradient(kind, monkeypatch):
    decoder, rng = TinyDecoder(kind=kind), np.random.default_rng(0)
    x, final, bias = rng.normal(size=(7, 5)), rng.normal(size=(7, 6)), rng.normal(size=5)
    monkeypatch.setattr("stinespring.models.lens.train.CHUNK", 18)  # three rows at once

    def plain(b):
        total = 0.0
        for row, logits in zip(x, final):
            p = np.exp(logits) / np.exp(logits).sum()
            q = np.array(plain_law(decoder, row + b))
            total += float(np.sum(p * np.log(p / q)))
        return total / len(x)

    value, gradient = divergence(decoder, x, bias, final)
    assert value == pytest.approx(plain(bias), abs=1e-12)
    step = 1e-5
    numeric = [(plain(bias + step * e) - plain(bias - step * e)) / (2 * step) for e in np.eye(5)]
    np.testing.assert_allclose(gradient, numeric, atol=1e-8)


def test_the_gradient_with_respect_to_a_matrix():
    decoder, rng = TinyDecoder(kind="layer"), np.random.default_rng(2)
    x, final, bias = rng.normal(size=(7, 5)), rng.normal(size=(7, 6)), rng.normal(size=5)
    matrix = 0.3 * rng.normal(size=(5, 5))
    value, by_matrix, by_bias = affine_divergence(decoder, x, matrix, bias, final)
    penalty = 0.5 * RIDGE * float(np.mean(x**2)) * float(np.sum(matrix**2))
    plain = 0.0
    for row, logits in zip(x, final):
        p = np.exp(logits) / np.exp(logits).sum()
        shown = [row[i] + bias[i] + sum(matrix[i, j] * row[j] for j in range(5)) for i in range(5)]
        plain += float(np.sum(p * np.log(p / np.array(plain_law(decoder, shown)))))
    assert value - penalty == pytest.approx(plain / 7, abs=1e-12)
    step, where = 1e-5, np.zeros((5, 5))
    for i, j in ((0, 0), (1, 3), (4, 2)):
        where[:] = 0
        where[i, j] = step
        ends = [affine_divergence(decoder, x, matrix + sign * where, bias, final)[0] for sign in (1, -1)]
        assert by_matrix[i, j] == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=1e-8)
    ends = [affine_divergence(decoder, x, matrix, bias + sign * step * np.eye(5)[2], final)[0] for sign in (1, -1)]
    assert by_bias[2] == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=1e-8)


def test_a_matrix_gains_more_than_a_bias(tmp_path):
    decoder = TinyDecoder(tokens=12, layers=1)
    plain, affine = (train_lens(decoder, positions=400, steps=60, seed=1, affine=on) for on in (False, True))
    np.testing.assert_array_equal(plain.logit, affine.logit)
    assert (affine.tuned[:-1] < plain.tuned[:-1]).all() and affine.tuned[-1] == 0.0
    matrix = affine.lens.matrix
    assert plain.lens.matrix is None and matrix.shape == (3, 5, 5) and not matrix[-1].any()
    path = tmp_path / "lens.safetensors"
    path.write_bytes(affine.lens.to_bytes())
    found = read_lens(path, decoder)
    np.testing.assert_array_equal(found.matrix, matrix)
    assert found.fingerprint() == affine.lens.fingerprint() != TunedLens(found.bias, found.model).fingerprint()
    assert TunedLens.made(json.loads(json.dumps(found.content()))).fingerprint() == found.fingerprint()
    states = read_states(decoder, [0, 3, 5], lens=found)
    for point in range(3):
        x = decoder.stream(np.array([[0, 3, 5]]))[point, 0, -1]
        shown = [x[i] + found.bias[point, i] + sum(matrix[point, i, j] * x[j] for j in range(5)) for i in range(5)]
        np.testing.assert_allclose(states.law(point), plain_law(decoder, shown), atol=1e-12)


@pytest.mark.parametrize("matrix", [np.zeros((5, 5)), np.zeros((5, 5, 4)), np.full((5, 5, 5), np.inf), np.ones((5, 5, 5))])
def test_matrices_that_do_not_fit(matrix):
    decoder = TinyDecoder()
    with pytest.raises(InputError, match="matrix does not fit"):
        TunedLens(np.zeros((5, 5)), decoder.fingerprint(), {}, matrix).require(decoder)


def test_training_gains_and_repeats():
    decoder = TinyDecoder(layers=1)
    first, second = (train_lens(decoder, positions=60, steps=20, seed=1) for _ in range(2))
    np.testing.assert_array_equal(first.lens.bias, second.lens.bias)
    assert (first.tuned[:-1] < first.logit[:-1]).all()
    assert first.tuned[-1] == first.logit[-1] == 0.0
    assert not first.lens.bias[-1].any()
    assert first.positions == (45, 15)
    assert first.lens.to_bytes() == second.lens.to_bytes()


def test_training_on_given_texts_finds_the_best_bias():
    """One point's problem on all positions: no small step from the found bias lowers the divergence."""
    decoder = TinyDecoder(layers=1)
    texts = [np.array(text) for text in ([0, 1, 2, 3, 4, 5, 0, 2, 4], [5, 3, 1, 0, 0, 1, 3, 3], list(range(6)) * 4)]
    trained = train_lens(decoder, texts=texts, positions=1000, steps=200)
    assert sum(trained.positions) == 8 + 7 + 8 + 8 + 5  # texts are cut at the decoder's longest; first tokens are left out
    x = np.concatenate([decoder.stream(t[None])[1, 0, 1:] for t in (texts[0], texts[1])])
    final = np.concatenate(
        [decoder.norm(decoder.stream(t[None])[-1, 0, 1:]) @ decoder.unembedding.T for t in (texts[0], texts[1])]
    )
    with_bias, without = (divergence(decoder, x, b, final)[0] for b in (trained.lens.bias[1], np.zeros(5)))
    assert with_bias < without


def test_generated_texts_follow_the_decoders_law():
    """Second tokens after each first one, 6000 texts: one of 36 deviations exceeds 6 sigma with probability < 1e-6."""
    decoder = TinyDecoder(layers=1)
    texts = np.array(sampled_texts(decoder, count=6000, length=2, rng=np.random.default_rng(3)))
    for first in range(6):
        law = decoder.law(np.array([[first]]))[0]
        second = texts[texts[:, 0] == first, 1]
        counts = np.bincount(second, minlength=6)
        sigma = np.sqrt(len(second) * law * (1 - law))
        assert (abs(counts - len(second) * law) < 6 * sigma + 1).all()


def test_file_round_trip(tmp_path):
    decoder = TinyDecoder()
    bias = np.vstack([np.random.default_rng(1).normal(size=(4, 5)), np.zeros(5)])
    lens = TunedLens(bias, decoder.fingerprint(), {"seed": "1"})
    path = tmp_path / "lens.safetensors"
    path.write_bytes(lens.to_bytes())
    found = read_lens(path, decoder)
    np.testing.assert_array_equal(found.bias, bias)
    assert (found.model, found.record, found.fingerprint()) == (lens.model, {"seed": "1"}, lens.fingerprint())
    assert named_lens("logit", decoder) is None
    np.testing.assert_array_equal(named_lens(f"tuned:{path}", decoder).bias, bias)
    with pytest.raises(InputError, match="another model"):
        read_lens(path, TinyDecoder(seed=1))
    for name in ("tuned", "tuned:", "affine", "", f"logit:{path}"):
        with pytest.raises(InputError, match="unknown lens"):
            named_lens(name, decoder)


def test_the_package_of_that_name_reads_the_file(tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy")
    arrays = {"bias": np.random.default_rng(0).normal(size=(3, 4)), "a": np.zeros((0, 2))}
    path = tmp_path / "x.safetensors"
    path.write_bytes(pack(arrays, {"note": "é"}))
    found = safetensors.load_file(path)
    assert set(found) == set(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
    safetensors.save_file({"bias": arrays["bias"].astype(np.float32)}, path, metadata={"format": "x"})
    arrays, metadata = unpack(path)
    np.testing.assert_array_equal(arrays["bias"], found["bias"].astype(np.float32))
    assert metadata == {"format": "x"}


def blob(header, body=b""):
    text = json.dumps(header).encode() if not isinstance(header, bytes) else header
    return struct.pack("<Q", len(text)) + text + body


BROKEN = {
    "empty": b"",
    "short": b"\x10\0\0",
    "length": struct.pack("<Q", 1 << 40) + b"{}",
    "no JSON": blob(b"{nothing"),
    "list": blob([]),
    "metadata": blob({"__metadata__": {"a": 1}}),
    "no offsets": blob({"bias": {"dtype": "F64", "shape": [1]}}),
    "unknown type": blob({"bias": {"dtype": "I64", "shape": [1], "data_offsets": [0, 8]}}, b"\0" * 8),
    "outside": blob({"bias": {"dtype": "F64", "shape": [2], "data_offsets": [0, 16]}}, b"\0" * 8),
    "size": blob({"bias": {"dtype": "F64", "shape": [2], "data_offsets": [0, 8]}}, b"\0" * 8),
    "negative": blob({"bias": {"dtype": "F64", "shape": [-1], "data_offsets": [8, 0]}}, b"\0" * 8),
    "huge": blob({"bias": {"dtype": "F64", "shape": [2**62, 4], "data_offsets": [0, 0]}}),
    "not UTF-8": blob(b'{"\xff": 1}'),
    "deep": blob(b"[" * 100_000 + b"]" * 100_000),
    "other format": pack({"bias": np.zeros((5, 5))}, {"format": "other", "model": "x"}),
    "no model": pack({"bias": np.zeros((5, 5))}, {"format": "stinespring/lens@1"}),
    "no bias": pack({"other": np.zeros((5, 5))}, {"format": "stinespring/lens@1", "model": "x"}),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_are_refused(name, tmp_path):
    path = tmp_path / "lens.safetensors"
    path.write_bytes(BROKEN[name])
    with pytest.raises(InputError):
        read_lens(path, TinyDecoder())


@pytest.mark.parametrize("bias", [np.zeros((4, 5)), np.full((5, 5), np.nan), np.ones((5, 5))])
def test_biases_that_do_not_fit(bias, tmp_path):
    decoder = TinyDecoder()
    path = tmp_path / "lens.safetensors"
    path.write_bytes(TunedLens(bias, decoder.fingerprint()).to_bytes())
    with pytest.raises(InputError, match="bias does not fit"):
        read_lens(path, decoder)
    with pytest.raises(InputError):
        read_lens(tmp_path / "missing", decoder)


def test_too_little_text():
    with pytest.raises(InputError, match="too little"):
        train_lens(TinyDecoder(), texts=[np.array([1])])
    for options in ({"positions": 0}, {"steps": 0}, {"positions": 1}):
        with pytest.raises(InputError):
            train_lens(TinyDecoder(), **options)


@pytest.mark.parametrize("value", [1e300, -1e150, np.inf, np.nan])
@pytest.mark.filterwarnings("error")
def test_biases_beyond_all_measure_are_refused(value):
    decoder = TinyDecoder(layers=1)
    bias = np.zeros((len(decoder.points), decoder.unembedding.shape[1]))
    bias[0, 0] = value
    with pytest.raises(InputError, match="bias does not fit"):
        read_states(decoder, [0, 1], lens=TunedLens(bias, decoder.fingerprint()))
    bias[0, 0] = 1e99
    assert np.isfinite(read_states(decoder, [0, 1], lens=TunedLens(bias, decoder.fingerprint())).psi).all()
