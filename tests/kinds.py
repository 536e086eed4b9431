# SPDX-License-Identifier: Apache-2.0
"""One small request of every kind of source and every kind of program."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from stinespring.models.load import load
from stinespring.models.sphere.files import made as made_sphere
from stinespring.models.spins.files import made as made_spins

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
SPHERE = {
    "format": "stinespring/sphere@1", "particles": [[1.0, 0.0], [0.6, 0.8], [-0.8, 0.6]], "beta": 1.0, "normalise": "SA",
    "kernel": "plain", "perceptron": None, "direction": "ascent", "field": "projected", "step": 0.3,
}  # fmt: skip
SPINS = {
    "format": "stinespring/spins@1", "eps": 0.1, "gamma": 2.0, "beta": 0.8, "time": 0, "window": [[1, -1, 1], [-1, -1, 1]],
    "features": {"q": [[1, -1, 1]], "k": [[1, 1, 1]], "v": [[-1, 1, 1]], "o": [[1, 1, -1]]},
    "position_features": {"q": [[1]], "k": [[-1]], "v": [[1]], "o": [[1]]},
}  # fmt: skip


@dataclass(frozen=True)
class Request:
    """What is asked of a source.

    Attributes:
        source: its name in :func:`source`.
        given: arguments of the compilation.
        calls: of the backend.
        settings: arguments of the sampling.
    """

    source: str
    given: Mapping[str, Any]
    calls: int = 1
    settings: Mapping[str, Any] = field(default_factory=dict)


TEXT = {"prompt": "a b", "steps": 2, "effort": 0}
RAIN = {"prompt": "rain sun", "steps": 2, "tolerance": 0.05, "effort": 0}
STATE = {"steps": 2, "schedule": "static", "input_state": EXAMPLES / "superposition.json", "effort": 0}
RAINY = {"format": "stinespring/state@1", "amplitudes": {"rain sun": [0.6, 0.0], "sun": [0.0, 0.8]}}
REQUESTS = {
    "static": Request("two_tokens", {**TEXT, "schedule": "static"}),
    "dynamic": Request("two_tokens", {**TEXT, "schedule": "dynamic", "codes": "free", "feed_forward": "all"}),
    "stepwise": Request("two_tokens", {**TEXT, "steps": 3, "schedule": "stepwise"}, 3),
    "table": Request("three_tokens", {**RAIN, "schedule": "static", "codes": "free"}),  # what it claims, as the next four
    "listed": Request("three_tokens", {**RAIN, "schedule": "static", "codes": "prefix"}),
    "tail": Request("three_tokens", {**RAIN, "schedule": "stepwise", "tolerance": 0.1}, 2),
    "rejection": Request("two_tokens", {**TEXT, "schedule": "dynamic", "attention": "rejection", "tolerance": 0.2}),
    "padded": Request("three_tokens", {**STATE, "schedule": "dynamic", "tolerance": 0.2, "input_state": RAINY}),
    "state": Request("two_tokens", STATE),
    "positions": Request("stop_token", {"prompt": "on", "steps": 3, "schedule": "stepwise", "extension": "position"}, 3),
    "spins": Request("spins", {"steps": 2, "schedule": "stepwise"}, 2),
    "dynamic spins": Request("spins", {"steps": 2, "schedule": "dynamic"}),
    "sphere": Request("sphere", {"particle": 1}),
    "layers": Request("sphere", {"particles": (0, 1), "layers": 2, "schedule": "stepwise", "read": "amplitudes"}),
    "hadamard": Request("sphere", {"test": "hadamard"}),
    "swap": Request("sphere", {"test": "swap"}),
    "lens": Request("lens", {"points": (0, 3), "simplify": "state"}),
    "channel": Request("channel", {"effort": 0}, settings={"settings": 7}),
}


@cache
def source(name: str) -> Any:
    """Return a source by its name."""
    if name == "lens":
        from stinespring.models.lens import load_decoder, read_states

        return read_states(load_decoder("glassllm:en"), "Alice was")
    if name in ("sphere", "spins"):
        return made_sphere(SPHERE, name) if name == "sphere" else made_spins(SPINS, name)
    return load(EXAMPLES / ("amplitude_damping.npz" if name == "channel" else f"{name}.json"))


def same(first: Any, second: Any) -> bool:
    """Return whether two sequences of outcomes are equal, count by count."""
    return len(first) == len(second) and all(
        a.registers == b.registers and a.values.tolist() == b.values.tolist() and a.counts.tolist() == b.counts.tolist()
        for a, b in zip(first, second, strict=True)
    )


def plain(value: Any, leave: tuple[str, ...] = ()) -> Any:
    """Return what JSON makes of a value, without the objects' members of some names."""

    def kept(part: Any) -> Any:
        if isinstance(part, dict):
            return {name: kept(inner) for name, inner in part.items() if name not in leave}
        return [kept(inner) for inner in part] if isinstance(part, list) else part

    return kept(json.loads(json.dumps(value, default=str)))
