# SPDX-License-Identifier: Apache-2.0
"""Reading a prompt for the verbs of the lens, with a word on what of it does not fit."""

from __future__ import annotations

import sys

from stinespring.cli.output import say_rounding
from stinespring.models.decoders.decoder import Decoder
from stinespring.models.decoders.names import load_decoder
from stinespring.models.lens.states import LensStates, read_states
from stinespring.models.lens.tuned import TunedLens

__all__ = ["named_decoder", "prompt_states", "tell_left_out"]


def named_decoder(name: str) -> Decoder:
    """Return the decoder that a user names; say on stderr in what it is computed, where that is not double precision."""
    decoder = load_decoder(name)
    say_rounding(decoder)
    return decoder


def prompt_states(decoder: Decoder, prompt: str, lens: TunedLens | None) -> LensStates:
    """Return the states of a prompt; say on stderr how many of its tokens are left out."""
    states = read_states(decoder, prompt, lens=lens)
    tell_left_out(decoder, [states.left_out])
    return states


def tell_left_out(decoder: Decoder, left_out: list[int]) -> None:
    """Say on stderr that prompts are longer than the decoder's context, if some are."""
    cut = [number for number in left_out if number > 0]
    if not cut:
        return
    verb = "is" if len(cut) == 1 else "are"
    which = "the prompt" if len(left_out) == 1 else f"{len(cut)} of {len(left_out)} prompts"
    sys.stderr.write(
        f"{which} {verb} longer than {decoder.name} reads: the last {decoder.longest} tokens count, "
        f"{'up to ' if len(cut) > 1 else ''}{max(cut)} before them are left out\n"
    )
