# SPDX-License-Identifier: Apache-2.0
"""Tiny random decoders as ``transformers`` saves them, and what it says of them itself."""

from __future__ import annotations

import numpy as np

WORDS = ("[unk]", "<s>", "</s>", "the", "cat", "sat", "on", "a", "mat", "and", "dog", "ran", "red", "big", "\u2581x", ".")


def configuration(kind, **more):
    """A configuration of a few numbers."""
    import transformers

    ends = {"bos_token_id": 1, "eos_token_id": 2}
    if kind == "gpt2":
        return transformers.GPT2Config(vocab_size=16, n_positions=24, n_embd=16, n_layer=2, n_head=2, **ends, **more)
    if kind == "gpt_neox":
        return transformers.GPTNeoXConfig(vocab_size=16, hidden_size=16, intermediate_size=32, num_hidden_layers=2,
                                          num_attention_heads=2, max_position_embeddings=24, **ends, **more)  # fmt: skip
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
             "num_key_value_heads": 2, "max_position_embeddings": 24, **ends}  # fmt: skip
    return transformers.AutoConfig.for_model(kind, vocab_size=16, **sizes, **more)


def saved(folder, kind="llama", *, tokenizer=True, seed=0, **more):
    """Save a random decoder; large enough weights that laws are not flat."""
    import torch
    import transformers

    torch.manual_seed(seed)
    model = transformers.AutoModelForCausalLM.from_config(configuration(kind, **more))
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() > 1:
                weight.mul_(12.0)
    model.save_pretrained(folder)
    if tokenizer:
        save_words(folder)
    return folder


def save_words(folder, words=WORDS):
    """Save a tokenizer that splits at white space."""
    import tokenizers
    import transformers

    inner = tokenizers.Tokenizer(tokenizers.models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="[unk]"))
    inner.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    made = transformers.PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="[unk]", bos_token="<s>", eos_token="</s>")
    made.save_pretrained(folder)


def law_of(folder, texts):
    """The next token's law after texts (B, n), by transformers alone."""
    import torch
    import transformers

    model = transformers.AutoModelForCausalLM.from_pretrained(folder, local_files_only=True).eval()
    with torch.no_grad():
        return torch.softmax(model(torch.tensor(texts.tolist())).logits[:, -1].double(), dim=-1).numpy()


def hidden_of(folder, texts):
    """The stream after the embedding and after each layer but the last, by ``output_hidden_states``."""
    import torch
    import transformers

    model = transformers.AutoModelForCausalLM.from_pretrained(folder, local_files_only=True).eval()
    with torch.no_grad():
        hidden = model(torch.tensor(texts.tolist()), output_hidden_states=True).hidden_states
    return np.stack([part.double().numpy() for part in hidden[:-1]])
