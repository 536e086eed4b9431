# SPDX-License-Identifier: Apache-2.0
"""mathformer by our own pass over its weights, against the package's own pure Python and against transformers."""

from __future__ import annotations

import shutil
from pathlib import Path

import mathformer
import numpy as np
import pytest
from mathformer.llama import TinyLlama

import stinespring
from stinespring.errors import InputError
from stinespring.models.decoders import mathformer as ours
from stinespring.models.decoders.names import load_decoder
from stinespring.models.lens import read_states
from stinespring.models.load import made
from stinespring.models.texts.attention import softmax

FOLDER = Path(mathformer.__file__).parent
PROMPTS = {"add": "12+34=", "sub": "9-4=", "mul": "3*4=", "div": "8/2="}


@pytest.fixture(params=PROMPTS)
def operation(request):
    return request.param


def theirs(operation, numbers):
    """The package's own logits after a text."""
    return np.array(TinyLlama(str(FOLDER / f"{operation}former")).forward([int(n) for n in numbers])[0])


def test_every_law_is_that_of_the_packages_own_evaluation(operation):
    model = stinespring.load(f"mathformer:{operation}")
    text = model.encode(PROMPTS[operation])
    for _ in range(3):
        law = model.law(1, text[None])[0]
        np.testing.assert_allclose(law, softmax(theirs(operation, text)[None])[0], atol=1e-12)
        text = np.append(text, int(np.argmax(law)))


def test_texts_read_on_have_the_laws_of_texts_read_anew():
    decoder = load_decoder("mathformer:mul")
    _, past = decoder.begin(decoder.encode("3*4="))
    logits, first = decoder.proceed(past, np.array([0, 0, 0]), np.array([5, 6, 2]))
    kept = softmax(logits)
    again, _ = decoder.proceed(first, np.array([2, 0, 0, 1]), np.array([4, 4, 9, 26]))
    prompt = decoder.encode("3*4=").tolist()
    texts = np.array([[*prompt, 2, 4], [*prompt, 5, 4], [*prompt, 5, 9], [*prompt, 6, 26]])
    np.testing.assert_allclose(softmax(again), decoder.law(texts), atol=1e-12)
    repeated, _ = decoder.proceed(past, np.array([0, 0, 0]), np.array([5, 6, 2]))  # the old past is as it was
    np.testing.assert_array_equal(softmax(repeated), kept)


def test_a_text_ends_with_the_models_own_token():
    model = stinespring.load("mathformer:add", top_k=2)
    joint = model.joint("1+2=", 3)
    likeliest = joint.texts[np.argmax(joint.probabilities)]
    assert model.plain(likeliest) == "3</s>" and likeliest[2] == model.vacuum
    assert joint.probabilities.max() > 0.99


def test_prompts_are_characters():
    model = stinespring.load("mathformer:add")
    assert model.encode("1 + 2").tolist() == [5, 24, 14, 24, 6] and model.tokens[24] == "\\u0020"
    assert model.encode([5, 14]).tolist() == [5, 14]
    with pytest.raises(InputError, match="does not know"):
        model.encode("1+x=")
    with pytest.raises(InputError, match="at most 64"):
        model.encode("1" * 64)


def test_the_lens_looks_into_it():
    states = read_states(load_decoder("mathformer:sub"), "9-4=")
    assert [str(point) for point in states.points] == ["embedding", "attention 0", "mlp 0"]
    np.testing.assert_allclose(states.law(2), softmax(theirs("sub", states.prompt)[None])[0], atol=1e-12)


def test_what_was_recorded_is_made_again():
    model = stinespring.load("mathformer:div", top_k=3, temperature=0.5)
    content = model.content()
    assert made(content, "x").content() == content
    with pytest.raises(InputError, match="has changed since"):
        made({**content, "weights": "0" * 64}, "x")


@pytest.mark.parametrize("file", ["model.safetensors", "vocab.json", "config.json"])
def test_changed_files_are_refused(tmp_path, monkeypatch, file):
    shutil.copytree(FOLDER / "addformer", tmp_path / "addformer")
    monkeypatch.setattr(ours, "_folder", lambda: tmp_path)
    assert load_decoder("mathformer:add").tokens[4] == "0"
    content = bytearray((tmp_path / "addformer" / file).read_bytes())
    content[-9] ^= 1  # loads all the same
    (tmp_path / "addformer" / file).write_bytes(content)
    with pytest.raises(InputError, match="others than those known"):
        load_decoder("mathformer:add")
    (tmp_path / "addformer" / file).unlink()
    with pytest.raises(InputError, match="missing"):
        load_decoder("mathformer:add")


def test_what_is_not_installed_or_unknown_is_said(monkeypatch):
    with pytest.raises(InputError, match="mathformer:add or mathformer:sub"):
        stinespring.load("mathformer:pow")
    monkeypatch.setattr(ours, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'stinespring\[demo\]'"):
        stinespring.load("mathformer:add")


def test_the_law_is_that_of_transformers(operation):
    torch = pytest.importorskip("torch", reason="needs torch, which is in the extra [hf] only")
    transformers = pytest.importorskip("transformers", reason="needs transformers, which is in the extra [hf] only")
    network = transformers.AutoModelForCausalLM.from_pretrained(FOLDER / f"{operation}former", local_files_only=True).double()
    for module in network.modules():
        if type(module).__name__ == "LlamaRMSNorm":  # it goes through float32 whatever the weights are, and is off by 1e-5
            module.forward = lambda x, m=module: m.weight * x / torch.sqrt(x.pow(2).mean(-1, keepdim=True) + m.variance_epsilon)
    model = stinespring.load(f"mathformer:{operation}")
    texts = np.random.default_rng(3).integers(4, 27, (20, 9))
    with torch.inference_mode():
        logits = network(torch.from_numpy(texts)).logits[:, -1].numpy()
    np.testing.assert_allclose(model.law(1, texts), softmax(logits), atol=1e-6)


def test_samples_are_held_to_the_packages_own_evaluation():
    """Weights that are wrong in our pass, in the compiled program and in the law are found by the second evaluation."""
    model = stinespring.load("mathformer:mul", top_k=3, temperature=5)
    samples = stinespring.run(stinespring.compile(model, prompt="3*4=", steps=2), shots=60_000, seed=1)
    assert stinespring.check(samples, alpha=1e-6).verdict == "PASS"
    model.decoder.llama.layers[0].up[:] *= 0.8
    wrong = stinespring.load("mathformer:mul", top_k=3, temperature=5)
    wrong.decoder.llama = model.decoder.llama
    samples = stinespring.run(stinespring.compile(wrong, prompt="3*4=", steps=2), shots=60_000, seed=1)
    verdict = stinespring.check(samples, alpha=1e-6)
    assert verdict.verdict == "FAIL" and "plain evaluation" in str(verdict)
