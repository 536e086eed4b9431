# SPDX-License-Identifier: Apache-2.0
"""Where the residual stream of a torch decoder is found: its layers, the middle of each, its final norm and its unembedding.

Architectures differ in names only as long as they are stacks of ``x <- x + part(norm(x))``. What is found is therefore held
against the model's own numbers on a short text: the stream in the middle of a layer must be its input and what attention gave,
and the normalised end of the stream times the unembedding must be the model's logits. A model that is built otherwise (scaled
logits, several streams, a bias of the unembedding) is refused with the figure by which it differs; it can still be sampled and
compiled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from stinespring.errors import InputError
from stinespring.models.decoders.decoder import FinalNorm, Point, layer_points
from stinespring.readings import FloatArray, IntArray

__all__ = ["Residual", "array_of", "close", "hooked", "norm_of"]

ATTENTION = ("self_attn", "attn", "attention", "self_attention")
MIDDLE = ("post_attention_layernorm", "ln_2", "norm2", "ffn_norm")
FINAL = ("norm", "ln_f", "final_layernorm", "final_layer_norm", "norm_f")
AGREE = 1e-4  # of the largest entry, in single precision


class Residual:
    """The residual stream of one model, found and held against it.

    Args:
        model: a causal decoder of ``transformers``.
        probe: a short text of token numbers, shape (1, n).

    Attributes:
        points: embedding, then attention and mlp of each layer; only mlp where a layer has no point between its parts.
        norm: the final norm.
        unembedding: W_U in float64, shape (V, e).

    Raises:
        InputError: the model is no stack of layers on one stream, with what differs.
    """

    def __init__(self, model: Any, probe: IntArray) -> None:
        self.model = model
        self.layers, final = _stack(model)
        self.norm = norm_of(final, lambda why: no_stream(model, why))
        self.unembedding: FloatArray = array_of(model.get_output_embeddings().weight)
        self.middles = self._middles(probe)
        wholes = layer_points(len(self.layers))
        self.points: tuple[Point, ...] = wholes if self.middles else tuple(p for p in wholes if p.after != "attention")
        self._require_logits(probe)

    def stream(self, texts: IntArray) -> FloatArray:
        """Return the residual stream of texts (B, n), shape (points, B, n, e), in float64."""
        return self._read(texts)[0]

    def _read(self, texts: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return the stream, and the model's logits at every position."""
        import torch

        found: list[FloatArray] = []
        places = [(self.layers[0], "input"), *((middle, "input") for middle in self.middles)]
        places += [(layer, "output") for layer in self.layers]
        with hooked([(module, side, found) for module, side in places]), torch.inference_mode():
            logits = self.model(
                torch.from_numpy(np.array(texts, order="C")), use_cache=False
            ).logits  # it passes by the points in their order
        return np.stack(found), array_of(logits)

    def _middles(self, probe: IntArray) -> tuple[Any, ...]:
        """Return the norm between the parts of every layer, or nothing where the stream does not pass by there."""
        import torch

        parts = [[_child(layer, names) for names in (ATTENTION, MIDDLE)] for layer in self.layers]
        if any(part is None for pair in parts for part in pair):
            return ()
        seen: list[list[FloatArray]] = [[], [], []]
        places = zip(self.layers, parts, strict=True)
        watched = [
            (module, side, seen[i])
            for layer, (attention, middle) in places
            for i, (module, side) in enumerate(((layer, "input"), (attention, "output"), (middle, "input")))
        ]
        with hooked(watched), torch.inference_mode():
            self.model(torch.from_numpy(probe), use_cache=False)
        fits = all(len(figures) == len(self.layers) for figures in seen) and all(
            close(before + given, between) for before, given, between in zip(*seen, strict=True)
        )
        return tuple(middle for _, middle in parts) if fits else ()

    def _require_logits(self, probe: IntArray) -> None:
        stream, logits = self._read(probe)
        made = self.norm(stream[-1]) @ self.unembedding.T
        if made.shape != logits.shape or not close(made, logits):
            off = f"by {abs(made - logits).max():.3g}" if made.shape == logits.shape else f"in shape, {made.shape}"
            raise no_stream(self.model, f"its logits differ from norm(x) W_U^T {off}")


def no_stream(model: Any, why: str) -> InputError:
    """Return the refusal of the lens."""
    return InputError(
        "the lens cannot look into this decoder", got=f"{model.config.model_type}: {why}",
        expected="a stack of layers on one residual stream, a norm, and an unembedding without a bias",
        todo="law, compile, run and check take it; a decoder of your own can say where its stream is (docs/models.md)",
    )  # fmt: skip


def _stack(model: Any) -> tuple[list[Any], Any]:
    """Return the layers and the final norm, which lies beside them."""
    from torch import nn

    count = getattr(model.config.get_text_config(), "num_hidden_layers", None)
    for parent in model.base_model.modules():
        for child in parent.children():
            if isinstance(child, nn.ModuleList) and len(child) == count:
                final = _child(parent, FINAL)
                if final is None:
                    raise no_stream(model, "no final norm beside its layers")
                return list(child), final
    raise no_stream(model, f"no list of {count} layers")


def norm_of(module: Any, refused: Callable[[str], InputError]) -> FinalNorm:
    """Return a torch module's norm by its parameters; whether it is what its name says is seen at the logits."""
    gain, shift = getattr(module, "weight", None), getattr(module, "bias", None)
    eps = getattr(module, "variance_epsilon", getattr(module, "eps", None))
    if eps is None and gain is not None and "RMS" in type(module).__name__:  # torch's own rule
        eps = float(np.finfo(np.float64 if "64" in str(gain.dtype) else np.float32).eps)
    eps = float(eps) if isinstance(eps, int) else eps
    if gain is None or not isinstance(eps, float):
        raise refused(f"its final norm is a {type(module).__name__}")
    kind = "rms" if "RMS" in type(module).__name__ else "layer"
    return FinalNorm("rms" if kind == "rms" else "layer", array_of(gain), eps, None if shift is None else array_of(shift))


def _child(module: Any, names: tuple[str, ...]) -> Any:
    return next((getattr(module, name) for name in names if hasattr(module, name)), None)


def array_of(tensor: Any) -> FloatArray:
    """Return a tensor as an array in float64."""
    return np.asarray(tensor.detach().double().numpy())


def close(a: FloatArray, b: FloatArray) -> bool:
    """Return whether two arrays are the same, in single precision of their largest entry."""
    return a.shape == b.shape and bool(abs(a - b).max() <= AGREE * (1.0 + abs(b).max()))


@contextmanager
def hooked(watched: list[tuple[Any, str, list[FloatArray]]]) -> Iterator[None]:
    """Append what goes into modules, or comes out of them, to lists, as long as this lasts."""
    handles = []
    for module, side, found in watched:
        if side == "input":

            def before(_: Any, given: tuple[Any, ...], named: dict[str, Any], found: list[FloatArray] = found) -> None:
                found.append(array_of(given[0] if given else named["hidden_states"]))

            handles.append(module.register_forward_pre_hook(before, with_kwargs=True))
        else:

            def after(_: Any, __: Any, result: Any, found: list[FloatArray] = found) -> None:
                found.append(array_of(result[0] if isinstance(result, tuple) else result))

            handles.append(module.register_forward_hook(after))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
