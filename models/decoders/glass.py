# SPDX-License-Identifier: Apache-2.0
"""The trained decoder ``glassllm`` behind the lens' protocol, in float64."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from stinespring.errors import InputError
from stinespring.models.decoders.decoder import Decoder, FinalNorm, layer_points
from stinespring.models.decoders.glass_text import GlassModel
from stinespring.readings import FloatArray, IntArray

__all__ = ["GlassDecoder", "load_decoder"]


class GlassDecoder:
    """glassllm's residual stream, RMS norm and tied unembedding; see :class:`stinespring.models.decoders.decoder.Decoder`.

    Args:
        model: the loaded language model; its temperature and top_k belong to sampled texts and play no part here.
    """

    def __init__(self, model: GlassModel) -> None:
        self.model, self.name, self.tokens = model, model.name, model.tokens
        config = model.decoder.cfg
        self.points, self.longest = layer_points(config.n_layers), int(config.max_len)
        self.unembedding: FloatArray = np.asarray(model.decoder.E.data, dtype=np.float64)
        self.norm = FinalNorm("rms", np.asarray(model.decoder.norm_f.gamma.data, dtype=np.float64), float(config.eps))

    def encode(self, prompt: str | Sequence[int]) -> IntArray:
        """Return the token numbers of a prompt given as plain text, or as numbers."""
        return self.model.encode(prompt)

    def plain(self, numbers: Sequence[int]) -> str:
        """Return the text as the tokenizer writes it."""
        return self.model.plain(numbers)

    def stream(self, texts: IntArray) -> FloatArray:
        """Return the residual stream, shape (2 layers + 1, B, n, e)."""
        from glassllm import Tensor, no_grad

        with no_grad():
            x = Tensor(self.unembedding[texts])
            result = np.empty((len(self.points), *x.shape))
            result[0] = x.data
            for layer, block in enumerate(self.model.decoder.blocks):
                x = x + block.attn(block.norm1(x), layer)
                result[2 * layer + 1] = x.data
                x = x + block.ffn(block.norm2(x), layer)
                result[2 * layer + 2] = x.data
        return result

    def law(self, texts: IntArray) -> FloatArray:
        """Return glassllm's own softmax, shape (B, V)."""
        return self.model.law(1, texts)

    @cached_property
    def _fingerprint(self) -> str:
        digest = hashlib.sha256(self.name.encode())
        for name, parameter in sorted(self.model.decoder.named_parameters().items()):
            digest.update(f"{name} {parameter.data.shape} ".encode())
            digest.update(np.ascontiguousarray(parameter.data, dtype="<f8").tobytes())
        return digest.hexdigest()

    def fingerprint(self) -> str:
        """Return the SHA-256 of the name and of all weights."""
        return self._fingerprint


def load_decoder(source: str | Path) -> Decoder:
    """Return the decoder that a user names.

    Raises:
        InputError: anything but ``glassllm:en`` and ``glassllm:pt``: models in files have no residual stream.
    """
    name = str(source)
    if not name.startswith("glassllm:"):
        raise InputError(
            "the lens looks into language models",
            got=name,
            expected="glassllm:en or glassllm:pt",
            todo="in Python any object with the methods of stinespring.models.lens.Decoder will do",
        )
    return GlassDecoder(GlassModel(name.partition(":")[2]))
