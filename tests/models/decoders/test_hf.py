# SPDX-License-Identifier: Apache-2.0
"""Decoders in folders: laws, caches and streams against transformers itself, and what is refused."""

from __future__ import annotations

import json
import socket

import numpy as np
import pytest

import stinespring
from oracles.saved_decoder import WORDS, hidden_of, law_of, save_words, saved
from stinespring.errors import InputError
from stinespring.models.decoders.names import load_decoder
from stinespring.models.lens import read_states
from stinespring.models.load import made
from stinespring.models.texts.attention import softmax

torch = pytest.importorskip("torch", reason="needs torch, which is in the extra [hf] only")
transformers = pytest.importorskip("transformers", reason="needs transformers, which is in the extra [hf] only")

KINDS = ("gpt2", "llama", "gpt_neox", "mistral", "gemma")
TEXTS = np.random.default_rng(0).integers(3, 16, (6, 7))


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    place = tmp_path_factory.mktemp("decoders")
    return {kind: saved(place / kind, kind, seed=i) for i, kind in enumerate(KINDS)}


@pytest.fixture
def offline(monkeypatch):
    def refuse(*_):
        raise AssertionError("a connection was made")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.mark.parametrize("kind", KINDS)
def test_laws_are_those_of_transformers(folders, kind, offline):
    model = stinespring.load(f"hf:{folders[kind]}")
    wanted = law_of(folders[kind], TEXTS)
    assert wanted.max() > 0.2  # not flat
    np.testing.assert_allclose(model.law(1, TEXTS), wanted, atol=1e-6)
    np.testing.assert_allclose(model.decoder.law(TEXTS), wanted, atol=1e-6)
    assert model.tokens == WORDS and model.stop == 2 and model.longest == 24 and model.decoder.rounding == "float32"


@pytest.mark.parametrize("kind", KINDS)
def test_texts_read_on_have_the_laws_of_texts_read_anew(folders, kind):
    decoder = load_decoder(f"hf:{folders[kind]}")
    logits, past = decoder.begin(TEXTS[0])
    np.testing.assert_allclose(softmax(logits), decoder.law(TEXTS[:1]), atol=1e-5)
    assert past.rows == 1 and past.nbytes > 0
    first, grown = decoder.proceed(past, np.array([0, 0, 0]), np.array([5, 6, 7]))
    rows, tokens = np.array([2, 0, 0, 1])[::-1], np.array([4, 4, 9, 3])[::-1]  # reordered, repeated, and read backwards
    second, _ = decoder.proceed(grown, rows, tokens)
    texts = np.array([[*TEXTS[0], 5 + row, token] for row, token in zip(rows, tokens, strict=True)])
    np.testing.assert_allclose(softmax(second), decoder.law(texts), atol=1e-5)
    again, _ = decoder.proceed(past, np.array([0, 0, 0]), np.array([5, 6, 7]))
    np.testing.assert_array_equal(first, again)  # the old past is as it was
    np.testing.assert_array_equal(second, decoder.proceed(grown, rows, tokens)[0])


def test_parts_of_a_batch_are_put_together(folders, monkeypatch):
    decoder = load_decoder(f"hf:{folders['llama']}")
    _, past = decoder.begin(TEXTS[0])
    rows, tokens = np.zeros(5, dtype=np.int64), np.arange(3, 8)
    whole, grown = decoder.proceed(past, rows, tokens)
    monkeypatch.setattr("stinespring.models.decoders.local.torch_decoder.MOST_ENTRIES", 1)
    parts, other = decoder.proceed(past, rows, tokens)
    np.testing.assert_allclose(parts, whole, atol=1e-5)
    np.testing.assert_allclose(*(decoder.proceed(p, rows, tokens)[0] for p in (grown, other)), atol=1e-5)
    np.testing.assert_allclose(decoder.law(TEXTS), law_of(folders["llama"], TEXTS), atol=1e-6)


def test_a_decoder_without_keys_is_read_anew(tmp_path):
    config = transformers.MambaConfig(vocab_size=16, hidden_size=16, state_size=4, num_hidden_layers=2, eos_token_id=2)
    torch.manual_seed(0)
    transformers.MambaForCausalLM(config).save_pretrained(tmp_path)
    decoder = load_decoder(f"hf:{tmp_path}")
    _, past = decoder.begin(TEXTS[0])
    logits, _ = decoder.proceed(past, np.array([0, 0]), np.array([4, 9]))
    np.testing.assert_allclose(softmax(logits), law_of(tmp_path, np.array([[*TEXTS[0], 4], [*TEXTS[0], 9]])), atol=1e-5)


@pytest.mark.parametrize("kind", ["gpt2", "llama", "mistral", "gpt_neox"])
def test_the_stream_is_that_of_transformers(folders, kind):
    decoder = load_decoder(f"hf:{folders[kind]}")
    stream = decoder.stream(TEXTS)
    whole = [number for number, point in enumerate(decoder.points) if point.after != "attention"]
    assert len(decoder.points) == (3 if kind == "gpt_neox" else 5)  # attention and mlp side by side have no point between
    np.testing.assert_allclose(stream[whole[:-1]], hidden_of(folders[kind], TEXTS), atol=1e-6)
    logits = decoder.norm(stream[-1][:, -1]) @ decoder.unembedding.T
    np.testing.assert_allclose(softmax(logits), law_of(folders[kind], TEXTS), atol=1e-5)
    parts = [number for number, point in enumerate(decoder.points) if point.after == "attention"]
    for number in parts:  # what attention adds does not depend on the mlp: a plain sum, layer by layer
        assert abs(stream[number] - stream[number - 1]).max() > 1e-4 and abs(stream[number + 1] - stream[number]).max() > 1e-4


def test_attention_alone_gives_its_point(folders):
    """With the mlp's output at zero the stream after a layer is that after its attention."""
    decoder = load_decoder(f"hf:{folders['llama']}")
    for layer in decoder.model.model.layers:
        layer.mlp.down_proj.weight.zero_()
    stream = decoder.stream(TEXTS)
    np.testing.assert_allclose(stream[1], stream[2], atol=1e-7)
    np.testing.assert_allclose(stream[3], stream[4], atol=1e-7)
    assert abs(stream[2] - stream[0]).max() > 1e-3


def test_states_of_a_lens_end_at_the_models_law(folders):
    states = read_states(load_decoder(f"hf:{folders['gpt2']}"), "the cat sat")
    assert states.decoder.norm.kind == "layer"
    np.testing.assert_allclose(states.law(-1), law_of(folders["gpt2"], states.prompt[None])[0], atol=1e-5)


def test_a_stream_that_is_scaled_is_refused_by_the_lens_alone(folders):
    """Gemma's norm multiplies with 1 + gain: the lens would show another law."""
    model = stinespring.load(f"hf:{folders['gemma']}")
    with pytest.raises(InputError, match="differ from norm"):
        read_states(model.decoder, "the cat")
    assert model.joint("the cat", 1).probabilities.sum() == pytest.approx(1.0)


def test_compile_run_and_check(folders):
    model = stinespring.load(f"hf:{folders['llama']}", top_k=4)
    program = stinespring.compile(model, prompt="the cat", steps=2)
    samples = stinespring.run(program, shots=60_000, seed=1)
    assert stinespring.check(samples, alpha=1e-6).verdict == "PASS"
    assert made(model.content(), "x").content() == model.content()


def test_prompts_are_the_tokenizers(folders):
    model = stinespring.load(f"hf:{folders['llama']}")
    assert model.encode("the cat sat").tolist() == [3, 4, 5] and model.plain([3, 4]) == "the cat"
    with pytest.raises(InputError, match="longer than the model's positions"):
        model.encode("the " * 24)
    with pytest.raises(InputError, match="longer than the model's positions"):
        model.joint("the " * 22, 3)
    with pytest.raises(InputError, match="empty"):
        model.encode("")


def test_a_folder_without_a_tokenizer_has_numbers(tmp_path):
    model = stinespring.load(f"hf:{saved(tmp_path, tokenizer=False)}")
    assert model.tokens[11] == "11" and model.encode("3 11").tolist() == [3, 11] and model.plain([3, 11]) == "3 11"
    with pytest.raises(InputError, match="no tokenizer"):
        model.encode("the cat")
    with pytest.raises(InputError, match="outside"):
        model.encode("16")


def test_a_wrong_tokenizer_is_refused(tmp_path):
    saved(tmp_path)
    save_words(tmp_path, (*WORDS, "more"))
    with pytest.raises(InputError, match="does not belong"):
        stinespring.load(f"hf:{tmp_path}")
    save_words(tmp_path, WORDS[:-2])
    with pytest.raises(InputError, match="14 tokens, 16 rows"):
        stinespring.load(f"hf:{tmp_path}")
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "NobodysTokenizer"}))
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(InputError, match="tokenizer cannot be loaded"):
        stinespring.load(f"hf:{tmp_path}")


def test_weights_that_are_not_finite_are_refused(tmp_path):
    from safetensors.numpy import load_file, save_file

    saved(tmp_path)
    arrays = load_file(tmp_path / "model.safetensors")
    arrays["model.norm.weight"][3] = np.nan
    save_file(arrays, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match="are damaged"):
        stinespring.load(f"hf:{tmp_path}")
    arrays["model.norm.weight"] = np.random.default_rng(1).bytes(64)  # overwritten
    arrays["model.norm.weight"] = np.nan_to_num(np.frombuffer(arrays["model.norm.weight"], dtype=np.float32))
    save_file(arrays, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match="are damaged"):
        stinespring.load(f"hf:{tmp_path}")
    del arrays["model.norm.weight"]
    save_file(arrays, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match="random numbers"):
        stinespring.load(f"hf:{tmp_path}")
    arrays["model.norm.weight"] = np.ones(3, dtype=np.float32)
    save_file(arrays, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match="of other shapes than config.json states"):
        stinespring.load(f"hf:{tmp_path}")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "nobody", "architectures": ["NobodyForCausalLM"]}, "does not know this architecture"),
        ({"model_type": "nobody", "architectures": None, "auto_map": {"AutoModel": "x.X"}}, "code that lies beside"),
        ({"model_type": "bert", "architectures": ["BertLMHeadModel"]}, "no causal decoder"),
        ({"model_type": "vit", "architectures": None}, "no causal decoder"),
        ({"num_hidden_layers": 1}, "layers that the configuration leaves out"),
        ({"num_hidden_layers": 10**7}, "at least one array a layer"),
    ],
)
def test_what_transformers_would_run_otherwise_is_refused(folders, tmp_path, changes, message):
    for file in folders["llama"].iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | changes))
    (tmp_path / "x.py").write_text("raise SystemExit('code was run')")
    with pytest.raises(InputError, match=message):
        stinespring.load(f"hf:{tmp_path}")


def test_a_model_that_looks_ahead_is_refused(tmp_path):
    saved(tmp_path, "gpt2")
    decoder = load_decoder(f"hf:{tmp_path}")
    for block in decoder.model.transformer.h:
        block.attn.is_causal = False
    with pytest.raises(InputError, match="no causal decoder: a later token"):
        type(decoder)(decoder.name, decoder.model.train(), decoder.spelling, {})


def test_a_lens_program_is_followed_exactly(folders, invoke):
    """The last state is the decoder's own law to the last bit, so that float32 is no difference between circuit and law."""
    status, out, err = invoke(
        "lens",
        "run",
        f"hf:{folders['llama']}",
        "--prompt",
        "the cat",
        "--every-point",
        "--shots",
        "20000",
        "--seed",
        "1",
        "--json",
    )
    assert status == 0, err
    assert "FAIL" not in out + err
    decoder = load_decoder(f"hf:{folders['llama']}")
    states = read_states(decoder, "the cat")
    np.testing.assert_allclose(states.law(-1), decoder.law(states.prompt[None])[0], atol=1e-15)
    decoder.model.lm_head.bias = torch.nn.Parameter(torch.linspace(0, 5, 16), requires_grad=False)
    with pytest.raises(InputError, match="not that of its stream"):
        read_states(decoder, "the cat")


@pytest.mark.parametrize("verb", [("law",), ("run", "--shots", "10", "--seed", "1"), ("lens",)])
def test_single_precision_is_said(folders, invoke, verb):
    steps = () if verb == ("lens",) else ("--steps", "1")
    _, out, err = invoke(verb[0], f"hf:{folders['llama']}", "--prompt", "the cat", *steps, *verb[1:], "--json")
    assert "are computed in float32" in err and json.loads(out)
    _, _, err = invoke(verb[0], "mathformer:add", "--prompt", "1+2=", *steps, *verb[1:], "--json")
    assert "computed in" not in err
