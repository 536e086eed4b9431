# SPDX-License-Identifier: Apache-2.0
"""QLens: the layers of a decoder as unitaries on the space of its output tokens (arXiv 2510.11963)."""

from stinespring.models.decoders.decoder import Decoder, FinalNorm, Point
from stinespring.models.decoders.glass import GlassDecoder
from stinespring.models.decoders.names import load_decoder
from stinespring.models.lens.reflection import Reflection
from stinespring.models.lens.states import LensStates, read_states
from stinespring.models.lens.study import Study, study_prompts
from stinespring.models.lens.train import train_lens
from stinespring.models.lens.tuned import TunedLens, read_lens
from stinespring.models.own.hooked import HookedDecoder, from_torch

__all__ = [
    "Decoder",
    "FinalNorm",
    "GlassDecoder",
    "HookedDecoder",
    "LensStates",
    "Point",
    "Reflection",
    "Study",
    "TunedLens",
    "from_torch",
    "load_decoder",
    "read_lens",
    "read_states",
    "study_prompts",
    "train_lens",
]
