# SPDX-License-Identifier: Apache-2.0
"""``stinespring lens run``: the layers sampled as circuits, each point against what the lens says."""

from __future__ import annotations

from typing import Any

from stinespring.checks.statistics.ruling import require_shares
from stinespring.cli import options
from stinespring.cli.lens.prompt import named_decoder, prompt_states
from stinespring.cli.runs.run import run_named
from stinespring.cli.sources import Named
from stinespring.models.lens.tuned import named_lens
from stinespring.models.texts.joint import require_count


def run_(
    model: options.DecoderModel,
    prompt: options.TextPrompt,
    upto: options.Upto = None,
    every_point: options.EveryPoint = False,
    time: options.LayerTime = 1.0,
    simplify: options.SimplifyOption = "operators",
    lens: options.Lens = "logit",
    shots: options.Shots = 100_000,
    seed: options.Seed = None,
    backend: options.BackendOption = "aer",
    alpha: options.Alpha = 0.001,
    resolution: options.Resolution = 0.05,
    page: options.Report = None,
    json: options.Json = False,
) -> None:
    """Sample the layers as circuits: the last point is held to the model's own softmax, the others to their lens."""
    require_count(shots, "shots")
    require_shares(alpha, resolution)
    decoder = named_decoder(model)
    states = prompt_states(decoder, prompt, named_lens(lens, decoder))
    given: dict[str, Any] = {"upto": upto, "every_point": every_point, "time": time, "simplify": simplify}
    run_named(
        Named("lens", states, given, {}, f"{model} {prompt!r}"), backend=backend, shots=shots, seed=seed, alpha=alpha,
        resolution=resolution, page=page, json=json,
    )  # fmt: skip
