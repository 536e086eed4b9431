# SPDX-License-Identifier: Apache-2.0
"""From what the user names to a source: a file of any kind, or a decoder's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from stinespring.errors import InputError
from stinespring.models.decoders.names import EXPECTED, is_decoder, is_named, load_named, own_model, require_spelt
from stinespring.models.own.function import FunctionOptions
from stinespring.models.texts import attention, table
from stinespring.models.texts.base import TextModel
from stinespring.reading import read_json, stem_of

__all__ = ["load", "made", "model_of", "token_names"]


def load(
    source: str | Path | Mapping[str, Any] | TextModel | Callable[..., Any], *, top_k: int | None = None,
    top_p: float | None = None, temperature: float | None = None, layer: int | None = None,
    tokens: Sequence[str] | int | None = None, logits: bool = False, stop: int | str | None = None, window: int | None = None,
    longest: int | None = None, encode: Callable[[str], Sequence[int]] | None = None,
    decode: Callable[[Sequence[int]], str] | None = None, name: str | None = None,
) -> Any:  # fmt: skip
    """Return the source stored in a file or a dict, a packaged language model, or your own function or model as one.

    Args:
        source: a path to a ``stinespring/attention@1``, ``table@1``, ``spins@1`` or ``sphere@1`` file, or its content as a
            dict; a channel's ``.npz``; the name of a language model: ``glassllm:en``, ``mathformer:add``, ``smollm2``,
            ``hf:FOLDER``, ``gguf:FILE``, ``module.py:attribute`` or what an installed package offers; a model of texts or a
            decoder; or, with ``tokens``, a function from token numbers (B, n) to probabilities of the next token (B, V).
        top_k: models of texts: keep the k most likely tokens of each law.
        top_p: models of texts: of these, keep the fewest likeliest ones with at least this share.
        temperature: models of texts: T in ``softmax(logits / T)``, or ``p^(1/T)``, normalised.
        layer: language models only: the logits are those after this layer, 0 for the first; by default after the last.
        tokens: functions: the V names, or how many there are.
        logits: functions: they give logits, not probabilities.
        stop: functions: the token that ends a text, by name or number.
        window: functions: they read so many last tokens only; None: the whole text.
        longest: functions: the most tokens of a text, prompt included.
        encode: functions: from a prompt to token numbers; by default a prompt holds names separated by white space.
        decode: functions: from token numbers to plain text.
        name: functions and dicts: what it is called.

    Raises:
        InputError: whatever is wrong with the file or the options.

    Example:
        >>> round(load("examples/two_tokens.json").joint("a b", 2)["a a"], 6)
        0.114
        >>> load(lambda texts: [[0.9, 0.1] for text in texts], tokens=["a", "b"], name="mine").joint("a", 1)["b"]
        0.1
    """
    found = found_source(source, tokens, FunctionOptions((), logits, stop, window, longest, encode, decode, name))
    return with_options(found, str(getattr(found, "name", source)), top_k, top_p, temperature, layer)


def with_options(
    found: Any, called: str, top_k: int | None, top_p: float | None, temperature: float | None, layer: int | None
) -> Any:
    """Return a source with the options of sampling, of a decoder with the layer after which it answers."""
    if is_decoder(found):
        from stinespring.models.decoders.language import LanguageModel

        if layer is not None:
            from stinespring.models.decoders.early import EarlyDecoder

            found = EarlyDecoder(found, layer)
        return LanguageModel(found, top_k=top_k, top_p=top_p, temperature=1.0 if temperature is None else temperature)
    if layer is not None:
        raise InputError("a layer belongs to language models", got=f"--layer {layer} of {called}", expected=EXPECTED)
    sampling = {"--top-k": top_k, "--top-p": top_p, "--temperature": temperature}
    option = next((option for option, value in sampling.items() if value is not None), None)
    if option is None:
        return found
    if not isinstance(found, TextModel):
        raise InputError(
            f"{option} belongs to models of texts", got=called, expected="a model of texts", todo=f"leave {option} out"
        )
    from stinespring.models.own.wrappers import sampled

    return sampled(found, k=top_k, p=top_p, t=temperature)


def found_source(source: Any, tokens: Sequence[str] | int | None, given: FunctionOptions) -> Any:
    """Return what was named or handed over, before anything is sampled from it."""
    if isinstance(source, str | Path):
        refuse_options(source, tokens, given)
        return load_named(source) if is_named(source) else in_file(source, str(source))
    if isinstance(source, Mapping):
        refuse_options("a dict", tokens, given._replace(name=None))
        return in_dict(source, given.name or "model")
    if isinstance(source, type) and tokens is None:
        source = source()
    if isinstance(source, TextModel) or is_decoder(source) or not callable(source):
        refuse_options(type(source).__name__, tokens, given)
        return own_model(source, type(source).__name__)
    if tokens is None:
        raise InputError(
            "a function needs its tokens", got=getattr(source, "__name__", type(source).__name__),
            expected="their names, or how many there are", todo="stinespring.load(function, tokens=...)",
        )  # fmt: skip
    from stinespring.models.own.function import FunctionModel

    return FunctionModel(source, given._replace(tokens=tokens))


def refuse_options(what: str | Path, tokens: object, given: FunctionOptions) -> None:
    """Refuse options that belong to functions."""
    values = given._replace(tokens=())._asdict() | {"tokens": tokens}
    wrong = next((option for option, value in values.items() if value not in (None, False, ())), None)
    if wrong is not None:
        raise InputError(f"{wrong} belongs to a function of one's own", got=str(what), expected="a function from texts to laws",
                         todo=f"leave {wrong} out")  # fmt: skip


def in_dict(data: Mapping[str, Any], name: str) -> Any:
    """Return the source that a dict describes, with the keys of a file; arrays are as good as lists."""
    plain = {str(key): as_json(value) for key, value in data.items()}
    kind = plain.get("format")
    if kind == "stinespring/channel@1":
        from stinespring.models.channels.files import made as channel

        return channel(plain, name)
    if kind == "stinespring/sphere@1":
        from stinespring.models.sphere.files import given_sphere

        return given_sphere(plain, name)
    if kind == "stinespring/spins@1":
        from stinespring.models.spins.files import made as spins

        return spins(plain, name)
    return made(plain, name)


def as_json(value: Any) -> Any:
    """Return a value with lists in place of arrays and tuples."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Mapping):
        return {str(key): as_json(entry) for key, entry in value.items()}
    return [as_json(entry) for entry in value] if isinstance(value, list | tuple) else value


def token_names(pieces: Sequence[str | None]) -> tuple[str, ...]:
    r"""Return names for a tokenizer's pieces: white space as an escape, a number behind what is empty or there already.

    Example:
        >>> token_names([" the", "a", "a", ""])
        ('\\u0020the', 'a', 'a<2>', '<3>')
    """
    from stinespring.models.decoders.local.spelling import distinct_names

    return distinct_names(pieces)


def in_file(source: str | Path, name: str) -> Any:
    """Return the source stored in a file."""
    if name.endswith(".npz"):
        from stinespring.models.channels.files import read_channel

        return read_channel(source)
    require_spelt(source)
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
    plain = {key: value for key, value in content.items() if key != "sampling"}
    if "sampling" in content:
        from stinespring.models.texts.truncated import SampledModel, Sampling

        stages = content["sampling"]
        model = made(plain, name)
        for options in stages if isinstance(stages, list) else [stages]:
            model = SampledModel(model, Sampling.of(model.d, **options))
        return model
    if not is_named(str(content.get("format"))):
        return model_of(plain, name)
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
