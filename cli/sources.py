# SPDX-License-Identifier: Apache-2.0
"""From what the command line names to a source and the arguments that belong to its kind."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stinespring.cli.options import ANY, COMPILE
from stinespring.cli.output import say_rounding
from stinespring.errors import InputError
from stinespring.models.decoders.names import is_named, require_spelt
from stinespring.reading import read_json, stem_of

__all__ = ["Named", "named_source"]

# A kind that has no entry needs no option, is called by its name, and is read by the ``made`` of its System.
FORMATS = {"stinespring/spins@1": "spins", "stinespring/sphere@1": "sphere"}
LOADING = ("top_k", "top_p", "temperature", "lens")  # arguments that make the source
SETTINGS = ("settings",)  # arguments of the sampling
REQUIRED = {"texts": ("steps",), "spins": ("steps",), "sphere": ("particle",), "lens": ("prompt",), "channel": ()}
CONTENT = {
    "texts": "a model of texts",
    "lens": "a lens",
    "sphere": "a model of particles",
    "spins": "a network of spins",
    "channel": "a channel",
}


class Named:
    """A source that was named, with the arguments that belong to it.

    Args:
        kind: of the source.
        source: itself.
        given: keyword arguments of :func:`stinespring.compile`.
        settings: keyword arguments of :func:`stinespring.run`.
        title: how it is told apart in lists.
    """

    def __init__(self, kind: str, source: Any, given: dict[str, Any], settings: dict[str, Any], title: str) -> None:
        self.kind, self.source, self.given, self.settings, self.title = kind, source, given, settings, title


def kind_of(name: str, lens: object) -> str:
    """Return the kind of the source that a word names."""
    if lens is not None:
        return "lens"
    if name.endswith(".npz"):
        return "channel"
    if is_named(name) or (":" in name and not Path(name).exists()):
        return "texts"
    require_spelt(name)
    return FORMATS.get(str(read_json(name).get("format")), "texts")


def named_source(name: str, options: Mapping[str, Any], *, need: bool = True) -> Named:
    """Return the source that a word names, and what the options say of it.

    Args:
        name: a model file of any kind, the name of a language model, or a channel.
        options: all options by name; those that were not given hold their defaults.
        need: whether what a program needs must be there.

    Raises:
        InputError: an option that belongs to another kind of source, or one that is missing.
    """
    kind = kind_of(name, options.get("lens"))
    given: dict[str, Any] = {}
    for option, value in options.items():
        _, default, kinds = COMPILE[option]
        if value == default or (option == "schedule" and value == "auto" and kind != "texts"):
            continue
        if kinds != ANY and kind not in kinds:
            words = " or ".join(called(k) for k in kinds)
            raise InputError(f"{spelt(option)} belongs to {words}", got=f"{name}: {called(kind)}", todo="leave it out")
        given[option] = value
    missing = [spelt(option) for option in REQUIRED.get(kind, ()) if option not in given and need]
    if missing and not (kind == "sphere" and "test" in given):
        raise InputError(f"{called(kind)} needs {missing[0]}", got=name, expected=f"{missing[0]} beside it")
    source = loaded(kind, name, {option: given.pop(option) for option in LOADING if option in given}, given)
    settings = {option: given.pop(option) for option in SETTINGS if option in given}
    asked = given.get("prompt") if isinstance(given.get("prompt"), str) else None
    title = " ".join([name if kind == "texts" and is_named(name) else stem_of(name), *([repr(asked)] if asked else []),
                      *([f"+{given['steps']}"] if "steps" in given else [])])  # fmt: skip
    return Named(kind, source, given, settings, title)


def called(kind: str) -> str:
    """Return what messages call a source of a kind."""
    return CONTENT.get(kind, f"a source of the kind '{kind}'")


def spelt(option: str) -> str:
    """Return an option as it is written."""
    return "--" + option.replace("_", "-")


def loaded(kind: str, name: str, loading: Mapping[str, Any], given: dict[str, Any]) -> Any:
    """Return the source; a lens takes its prompt with it."""
    if kind == "lens":
        from stinespring.cli.lens.prompt import named_decoder, prompt_states
        from stinespring.models.lens.tuned import named_lens

        decoder = named_decoder(name)
        return prompt_states(decoder, given.pop("prompt"), named_lens(loading["lens"], decoder))
    if kind not in CONTENT:
        from stinespring.pipeline.systems import system

        return system(kind).made(read_json(name), stem_of(name))
    from stinespring.models.load import load

    source = load(name, **loading)
    say_rounding(source)
    return source
