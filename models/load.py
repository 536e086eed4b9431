# SPDX-License-Identifier: Apache-2.0
"""From what the user names to a source: a file of any kind, or ``glassllm:LANGUAGE``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stinespring.errors import InputError
from stinespring.models.texts import attention, table
from stinespring.models.texts.base import TextModel
from stinespring.reading import read_json, stem_of

__all__ = ["load", "made", "model_of"]

PACKAGED = "glassllm:"


def load(source: str | Path, *, top_k: int | None = None, temperature: float | None = None) -> Any:
    """Return the source stored in a file, or a packaged language model.

    Args:
        source: a path to a ``stinespring/attention@1``, ``table@1``, ``spins@1`` or ``sphere@1`` file, a channel's ``.npz``, or
            ``glassllm:en``, ``glassllm:pt``.
        top_k: language models only: keep the k most likely tokens of each law.
        temperature: language models only: T in ``softmax(logits / T)``.

    Raises:
        InputError: whatever is wrong with the file or the options.

    Example:
        >>> model = load("examples/two_tokens.json")
        >>> round(model.joint("a b", 2)["a a"], 6)
        0.114
    """
    name = str(source)
    if name.startswith(PACKAGED):
        from stinespring.models.decoders.glass_text import GlassModel

        return GlassModel(name.removeprefix(PACKAGED), top_k=top_k, temperature=1.0 if temperature is None else temperature)
    if top_k is not None or temperature is not None:
        option = "--top-k" if top_k is not None else "--temperature"
        raise InputError(
            f"{option} belongs to language models",
            got=name,
            expected="glassllm:en or glassllm:pt",
            todo=f"leave {option} out; a file states its own law",
        )
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
    if not str(content.get("format")).startswith(PACKAGED):
        return model_of(dict(content), name)
    model: TextModel = load(content["format"], top_k=content["top_k"], temperature=content["temperature"])
    if model.content() != dict(content):
        raise InputError(
            "the language model has changed since",
            got=f"{content['format']} of glassllm {model.content()['version']}",
            expected=f"glassllm {content['version']}",
            todo=f"pip install glassllm=={content['version']}",
        )
    return model
