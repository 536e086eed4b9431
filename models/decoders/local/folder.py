# SPDX-License-Identifier: Apache-2.0
"""A folder with a decoder as ``transformers`` saves it: looked at before anything heavy is imported, and never run.

Read are ``config.json``, the weights' headers (``model.safetensors``, or the parts that ``model.safetensors.index.json`` lists)
and the tokenizer's files. Pickles are not opened, code that lies beside the weights is not executed, and nothing is downloaded.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stinespring.errors import InputError
from stinespring.models.decoders.local.gguf_file import sha256_of
from stinespring.models.safetensors import declared
from stinespring.reading import read_json

__all__ = ["DecoderFolder", "looked_at"]

CONFIG, WHOLE, INDEX = "config.json", "model.safetensors", "model.safetensors.index.json"
LAYERS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")  # what configurations call it
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")
TOKENIZERS = (
    "tokenizer.json", "tokenizer.model", "vocab.json", "merges.txt", "vocab.txt", "tokenizer_config.json",
    "special_tokens_map.json", "added_tokens.json", "spiece.model", "tekken.json",
)  # fmt: skip
SAFE = "a folder with config.json and model.safetensors, as save_pretrained writes it"


@dataclass(frozen=True)
class DecoderFolder:
    """What lies in a folder.

    Attributes:
        path: where it is.
        config: what ``config.json`` says.
        weights: the files of the weights.
        entries: numbers that they hold together.
        tokenizer: the tokenizer's files; none where tokens are named by their numbers.
    """

    path: Path
    config: Mapping[str, Any]
    weights: tuple[Path, ...]
    entries: int
    tokenizer: tuple[Path, ...]

    def content(self) -> dict[str, Any]:
        """Return the SHA-256 of every file that changes the law, by name."""
        files = (self.path / CONFIG, *self.weights, *self.tokenizer)
        return {"files": {file.name: sha256_of(file) for file in files}}


def looked_at(path: Path) -> DecoderFolder:
    """Return what lies in a folder, once it was seen that a decoder can be in it.

    Raises:
        InputError: no such folder, no or a broken configuration, no decoder by its configuration, only pickles, weights that
            are missing, truncated or corrupted, or fewer arrays than layers.
    """
    if not path.exists():
        raise InputError("there is no such folder", got=str(path), expected=SAFE, todo="check the path; nothing is downloaded")
    if not path.is_dir():
        raise InputError("the model is no folder", got=str(path), expected=SAFE, todo="a .gguf file is named gguf:FILE")
    if not (path / CONFIG).exists():
        raise InputError("the folder has no config.json", got=str(path), expected=SAFE)
    config = read_json(path / CONFIG, kind="config.json")
    require_decoder(config, path)
    weights, entries = weights_in(path)
    require_layers(config, path, sum(len(declared(file)) for file in weights))
    tokenizer = tuple(path / name for name in TOKENIZERS if (path / name).is_file())
    return DecoderFolder(path, config, weights, entries, tokenizer)


def require_decoder(config: Mapping[str, Any], path: Path) -> None:
    """Refuse what its own configuration says is no causal decoder.

    Raises:
        InputError: no kind of model, an encoder with a decoder, or an encoder alone.
    """
    kind = config.get("model_type")
    if not isinstance(kind, str) or not kind:
        raise InputError("the configuration names no kind of model", got=f"{path / CONFIG}: model_type {kind!r}",
                         expected="for example llama or gpt2")  # fmt: skip
    made_for = config.get("architectures")
    heads = [head for head in made_for if isinstance(head, str)] if isinstance(made_for, list) else []
    causal = [head for head in heads if head.endswith(("ForCausalLM", "LMHeadModel"))]
    if config.get("is_encoder_decoder") is True:
        raise InputError("the model has an encoder before its decoder", got=f"{kind} in {path}", expected="a decoder alone")
    if heads and not causal:
        raise InputError(
            "the model does not predict a next token", got=f"{heads[0]} in {path}",
            expected="a causal decoder, as LlamaForCausalLM or GPT2LMHeadModel",
        )  # fmt: skip


def require_layers(config: Mapping[str, Any], path: Path, arrays: int) -> None:
    """Refuse a number of layers that the weights cannot have: ``transformers`` builds them all before it looks, for hours.

    Args:
        config: what ``config.json`` says.
        path: of the folder, for messages.
        arrays: how many arrays the weights are; a layer has at least one.

    Raises:
        InputError: more layers than arrays.
    """
    stated = [config.get(name) for name in LAYERS]
    layers = max((number for number in stated if isinstance(number, int)), default=0)
    if layers > arrays:
        raise InputError("the weights do not fit the configuration", got=f"{layers:,} layers, {arrays:,} arrays in {path}",
                         expected="at least one array a layer")  # fmt: skip


def weights_in(path: Path) -> tuple[tuple[Path, ...], int]:
    """Return the files of the weights, each held against its header, and how many numbers they hold.

    Raises:
        InputError: none, only pickles, a part that is missing or does not hold what the index says, or a broken file.
    """
    if (path / WHOLE).exists():  # of a pipe it is said that it is no file
        return (path / WHOLE,), entries_of(declared(path / WHOLE))
    if not (path / INDEX).exists():
        pickles = sorted(file.name for pattern in PICKLES for file in path.glob(pattern))
        if pickles:
            raise InputError(
                "the folder has its weights as a pickle only, which can run any code when it is opened",
                got=f"{pickles[0]} in {path}", expected=SAFE,
                todo="save it again where you trust it: model.save_pretrained(FOLDER, safe_serialization=True)",
            )  # fmt: skip
        raise InputError("the folder has no weights", got=str(path), expected=SAFE)
    places = read_json(path / INDEX, kind="index of the weights").get("weight_map")
    if not isinstance(places, dict) or not all(isinstance(name, str) and Path(name).name == name for name in places.values()):
        raise InputError("the index of the weights cannot be used", got=str(path / INDEX), expected="names of files beside it")
    files = tuple(path / name for name in sorted(set(places.values())))
    entries = 0
    for file in files:
        if not file.exists():
            raise InputError("a part of the weights is missing", got=file.name, expected=f"{len(files)} files in {path}",
                             todo="copy or download the folder again")  # fmt: skip
        held = declared(file)
        entries += entries_of(held)
        absent = next((name for name, place in places.items() if place == file.name and name not in held), None)
        if absent is not None:
            raise InputError(
                "a part of the weights lacks an array", got=f"{file}: no {absent!r}", expected=f"what {INDEX} says"
            )
    return files, entries


def entries_of(shapes: Mapping[str, tuple[int, ...]]) -> int:
    """Return how many numbers arrays of these shapes hold."""
    return sum(math.prod(shape) for shape in shapes.values())
