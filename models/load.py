# SPDX-License-Identifier: Apache-2.0
"""From what the user names to a source: a file of any kind, or a decoder's name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stinespring.errors import InputError
from stinespring.models.decoders.names import EXPECTED, is_named, load_named
from stinespring.models.texts import attention, table
from stinespring.models.texts.base import TextModel
from stinespring.reading import read_json, stem_of

__all__ = ["load", "made", "model_of"]


def load(
    source: str | Path, *, top_k: int | None = None, top_p: float | None = None, temperature: float | None = None,
    layer: int | None = None,
) -> Any:  # fmt: skip
    """Return the source stored in a file, or a packaged language model.

    Args:
        source: a path to a ``stinespring/attention@1``, ``table@1``, ``spins@1`` or ``sphere@1`` file, a channel's ``.npz``, or
            the name of a language model: ``glassllm:en``, ``mathformer:add``, ``smollm2``, ``hf:FOLDER``, ``gguf:FILE``,
            ``module.py:attribute`` or what an installed package offers.
        top_k: models of texts: keep the k most likely tokens of each law.
        top_p: models of texts: of these, keep the fewest likeliest ones with at least this share.
        temperature: models of texts: T in ``softmax(logits / T)``, or ``p^(1/T)``, normalised.
        layer: language models only: the logits are those after this layer, 0 for the first; by default after the last.

    Raises:
        InputError: whatever is wrong with the file or the options.

    Example:
        >>> model = load("examples/two_tokens.json")
        >>> round(model.joint("a b", 2)["a a"], 6)
        0.114
    """
    name = str(source)
    found = load_named(name) if is_named(name) else None
    if found is not None and not isinstance(found, TextModel):
        from stinespring.models.decoders.language import LanguageModel

        if layer is not None:
            from stinespring.models.decoders.early import EarlyDecoder

            found = EarlyDecoder(found, layer)
        return LanguageModel(found, top_k=top_k, top_p=top_p, temperature=1.0 if temperature is None else temperature)
    if layer is not None:
        raise InputError("a layer belongs to language models", got=f"--layer {layer} of {name}", expected=EXPECTED)
    if found is None:
        found = in_file(source, name)
    given = {"--top-k": top_k, "--top-p": top_p, "--temperature": temperature}
    option = next((option for option, value in given.items() if value is not None), None)
    if option is None:
        return found
    if not isinstance(found, TextModel):
        raise InputError(
            f"{option} belongs to models of texts", got=name, expected="a model of texts", todo=f"leave {option} out"
        )
    from stinespring.models.texts.truncated import SampledModel, Sampling

    return SampledModel(found, Sampling.of(found.d, top_k, top_p, temperature))


def in_file(source: str | Path, name: str) -> Any:
    """Return the source stored in a file."""
    if name.endswith(".npz"):
        from stinespring.models.channels.files import read_channel

        return read_channel(source)
    data = read_json(source)
    readers = {"stinespring/spins@1": "spins", "stinespring/sphere@1": "sphere"}
    kind = readers.get(data["format"]) if isinstance(data.get("format"), str) else None
    if kind == "spins":
        from stinespring.models.spins.files import network_from

        return network_from(data, stem_of(source))
    if kind == "sphere":
        from stinespring.models.sphere.files import read_sphere

        return read_sphere(source)
    return model_of(data, stem_of(source))


def model_of(data: dict[str, Any], name: str) -> TextModel:
    """Return the model that a file's content describes.

    Raises:
        InputError: whatever is wrong with it.
    """
    kinds = {attention.FORMAT: attention.AttentionModel, table.FORMAT: table.TableModel}
    kind = kinds.get(data["format"]) if isinstance(data.get("format"), str) else None
    if kind is None:
        raise InputError(
            "the file is not a model stinespring knows",
            got=f"format {data.get('format')!r}",
            expected=" or ".join([*kinds, "stinespring/spins@1", "stinespring/sphere@1"]),
            todo="set the field 'format'",
        )
    return kind(data, name)


def made(content: Mapping[str, Any], name: str) -> TextModel:
    """Return the model whose ``content()`` it is.

    Args:
        content: JSON data.
        name: how the model was called.

    Raises:
        InputError: a packaged language model is not what it was.
    """
    if not is_named(str(content.get("format"))):
        plain = {key: value for key, value in content.items() if key != "sampling"}
        if "sampling" not in content:
            return model_of(plain, name)
        from stinespring.models.texts.truncated import SampledModel, Sampling

        model = model_of(plain, name)
        return SampledModel(model, Sampling.of(model.d, **content["sampling"]))
    options = {option: content.get(option) for option in ("top_k", "top_p", "temperature", "layer")}
    again: TextModel = load(content["format"], **options)
    found = again.content()
    if found != dict(content):
        differs = next(key for key in {**content, **found} if content.get(key) != found.get(key))
        raise InputError(
            "the language model has changed since",
            got=f"{content['format']} of {differs} {found.get(differs)}",
            expected=f"{differs} {content.get(differs)}",
            todo="use the weights that the run was made with",
        )
    return again
