# SPDX-License-Identifier: Apache-2.0
"""The four small decoders of the PyPI package ``mathformer``: sums, differences, products and quotients, in float64.

Each is a Llama with one layer of width 8, 2 heads and 27 tokens, one a character. Read are the weights, the vocabulary and the
configuration; neither the package nor the pickle beside the weights is opened.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from stinespring.errors import InputError
from stinespring.models.decoders.decoder import FinalNorm, shown
from stinespring.models.decoders.llama import Llama, LlamaDecoder, LlamaLayer
from stinespring.models.decoders.local.gguf_file import sha256_of
from stinespring.models.safetensors import unpack
from stinespring.models.texts.attention import softmax
from stinespring.models.texts.base import require_numbers
from stinespring.reading import read_json
from stinespring.readings import FloatArray, IntArray

__all__ = ["MathDecoder", "llama_of"]

LINE = "pip install mathformer==2.0.0"
WEIGHTS = {
    "add": "5dc07a38ca3913d9907d291d64e2bbe94cc54bd4b66c6c52477feaf708eb243f",
    "sub": "c3de2101ddfe0d9a522544f9ef49e483a758b05361f26bda57ed115e5133d1eb",
    "mul": "1bd8ed57140063006bea9b0fcc3f5823745d9c5d927323d9c60cf8885ecd58f2",
    "div": "50903f0645efb7816874782592859e500bd06c6bcaa4fd6ab54f7907d43e50c4",
}  # of model.safetensors in mathformer 2.0.0
VOCABULARY = "824b05b838ce40a90d8e95cda0ecc04da72475b51184afa035ea09679a713bfc"  # of vocab.json
CONFIGURATION = "45a11268a4d085adf78f605dce0ef07940f25201aebf0366886e017eeff01a22"  # of config.json
OF_QUOTIENTS = "9972b677354f59a1c69a3b8dbebb8e4779b78fc4611d9c8aa46495f7f02e7a0b"  # the same words in other bytes


class MathDecoder(LlamaDecoder):
    """One of mathformer's decoders; see :class:`stinespring.models.decoders.decoder.Decoder`.

    A prompt is what is to be computed with an equals sign, as ``12+34=``; the decoder goes on with the result and ``</s>``.

    Args:
        operation: add, sub, mul or div.

    Raises:
        InputError: mathformer is not installed, an unknown operation, or files that are not those of mathformer 2.0.0.
    """

    def __init__(self, operation: str) -> None:
        if operation not in WEIGHTS:
            raise InputError(
                "unknown model of mathformer", got=operation, expected=" or ".join(f"mathformer:{o}" for o in WEIGHTS)
            )
        self.name = f"mathformer:{operation}"
        folder = _folder() / f"{operation}former"
        self._sha256 = _known(folder / "model.safetensors", WEIGHTS[operation])
        _known(folder / "vocab.json", VOCABULARY)
        _known(folder / "config.json", OF_QUOTIENTS if operation == "div" else CONFIGURATION)
        arrays, _ = unpack(folder / "model.safetensors", kind="weights", expected=f"those of {LINE}")
        config = read_json(folder / "config.json", kind="config.json")
        super().__init__(llama_of(arrays, config))
        numbers: dict[str, int] = read_json(folder / "vocab.json", kind="vocabulary")
        self._numbers = numbers
        self._pieces = sorted(numbers, key=lambda piece: numbers[piece])
        self.tokens = tuple(shown(piece) for piece in self._pieces)
        self.end: int | None = numbers["</s>"]

    def encode(self, prompt: str | Sequence[int]) -> IntArray:
        """Return the numbers of a prompt's characters, or given numbers.

        Raises:
            InputError: empty, or a character or number that is no token.
        """
        if not isinstance(prompt, str):
            return require_numbers([int(number) for number in prompt], len(self.tokens))
        unknown = next((character for character in prompt if character not in self._numbers), None)
        if unknown is not None:
            raise InputError(
                "the prompt has a character that the decoder does not know", got=unknown,
                expected="of " + "".join(piece for piece in self._pieces if len(piece) == 1), todo="for example 12+34=",
            )  # fmt: skip
        return require_numbers([self._numbers[character] for character in prompt], len(self.tokens))

    def plain(self, numbers: Sequence[int]) -> str:
        """Return the characters in a row."""
        return "".join(self._pieces[number] for number in numbers)

    def law(self, texts: IntArray) -> FloatArray:
        """Return the next token's law after texts (B, n), all of it read at once, shape (B, V)."""
        return softmax(self.norm(self.llama.stream(texts)[-1][:, -1]) @ self.unembedding.T)

    def content(self) -> dict[str, Any]:
        """Return the name and the SHA-256 of the weights."""
        return {"format": self.name, "weights": self._sha256}

    @cached_property
    def _fingerprint(self) -> str:
        return hashlib.sha256(f"{self.name} {self._sha256}".encode()).hexdigest()

    def fingerprint(self) -> str:
        """Return the SHA-256 of the name and of that of the weights."""
        return self._fingerprint


def llama_of(arrays: Mapping[str, FloatArray], config: Mapping[str, Any]) -> Llama:
    """Return the decoder in arrays that are named as ``transformers`` names those of a Llama.

    Args:
        arrays: by name; a matrix (out, in) is multiplied from the left there.
        config: of ``config.json``.

    Raises:
        InputError: an array that is missing, of another shape, or not finite.
    """
    e, heads, groups = (config[name] for name in ("hidden_size", "num_attention_heads", "num_key_value_heads"))
    width, inner, vocabulary = config["head_dim"], config["intermediate_size"], config["vocab_size"]

    def array(name: str, *shape: int) -> FloatArray:
        found = arrays.get(name)
        if found is None or found.shape != shape:
            got = f"{name}: " + ("nothing" if found is None else f"shape {found.shape}")
            raise InputError("the weights do not fit the configuration", got=got, expected=f"shape {shape}")
        if not np.isfinite(found).all():
            raise InputError("the weights are not finite", got=f"{name} holds NaN or infinity", expected="finite numbers")
        return np.ascontiguousarray(found.T)

    def layer(number: int) -> LlamaLayer:
        at = f"model.layers.{number}."
        return LlamaLayer(
            attention_gain=array(f"{at}input_layernorm.weight", e),
            query=array(f"{at}self_attn.q_proj.weight", heads * width, e),
            key=array(f"{at}self_attn.k_proj.weight", groups * width, e),
            value=array(f"{at}self_attn.v_proj.weight", groups * width, e),
            out=array(f"{at}self_attn.o_proj.weight", e, heads * width),
            mlp_gain=array(f"{at}post_attention_layernorm.weight", e),
            gate=array(f"{at}mlp.gate_proj.weight", inner, e),
            up=array(f"{at}mlp.up_proj.weight", inner, e),
            down=array(f"{at}mlp.down_proj.weight", e, inner),
        )

    embedding = array("model.embed_tokens.weight", vocabulary, e).T
    unembedding = embedding if config.get("tie_word_embeddings") else array("lm_head.weight", vocabulary, e).T
    return Llama(
        embedding, tuple(layer(number) for number in range(config["num_hidden_layers"])),
        FinalNorm("rms", array("model.norm.weight", e), float(config["rms_norm_eps"])), unembedding,
        heads=heads, groups=groups, base=float(config["rope_parameters"]["rope_theta"]),
        longest=int(config["max_position_embeddings"]),
    )  # fmt: skip


def _folder() -> Path:
    """Return where the package lies; it is not imported."""
    found = find_spec("mathformer")
    if found is None or not found.submodule_search_locations:
        raise InputError("mathformer is not installed", got="mathformer", expected="the PyPI package mathformer==2.0.0",
                         todo="pip install 'stinespring[demo]'")  # fmt: skip
    return Path(next(iter(found.submodule_search_locations)))


def _known(path: Path, wanted: str) -> str:
    """Return the SHA-256 of a file that is the wanted one."""
    if not path.is_file():
        raise InputError("a file of mathformer is missing", got=str(path), expected="the files of mathformer 2.0.0",
                         todo=f"{LINE} --force-reinstall")  # fmt: skip
    found = sha256_of(path)
    if found != wanted:
        raise InputError("the files of mathformer are others than those known", got=f"{path}: SHA-256 {found[:16]}…",
                         expected=f"{wanted[:16]}…, of mathformer 2.0.0", todo=f"{LINE} --force-reinstall")  # fmt: skip
    return found
