# SPDX-License-Identifier: Apache-2.0
"""Decoders by name: what a user may write where a language model is asked for."""

from __future__ import annotations

from pathlib import Path

from stinespring.errors import InputError
from stinespring.models.decoders.decoder import Decoder

__all__ = ["EXPECTED", "is_decoder", "load_decoder"]

PACKAGED = "glassllm:"
EXPECTED = "glassllm:en or glassllm:pt"


def is_decoder(source: str | Path) -> bool:
    """Return whether a name is a decoder's."""
    return str(source).startswith(PACKAGED)


def load_decoder(source: str | Path) -> Decoder:
    """Return the decoder that a user names.

    Raises:
        InputError: an unknown name; models in files have no residual stream.
    """
    name = str(source)
    if not is_decoder(name):
        raise InputError(
            "the lens looks into language models",
            got=name,
            expected=EXPECTED,
            todo="in Python any object with the methods of stinespring.models.lens.Decoder will do",
        )
    from stinespring.models.decoders.glass import GlassDecoder

    return GlassDecoder(name.removeprefix(PACKAGED))
