# SPDX-License-Identifier: Apache-2.0
"""A small result of every kind of source, each made once."""

from __future__ import annotations

from functools import cache

import pytest

import stinespring
from oracles.tiny_decoder import TinyDecoder
from stinespring.backends.registry import opened
from stinespring.models.lens import read_states
from stinespring.models.spins import draw_network
from stinespring.pipeline.whole import Result, measured

SHOTS = 300
SUPERPOSITION = {"format": "stinespring/state@1", "amplitudes": {"a b": [0.6, 0.0], "b": [0.0, 0.8]}}
POSITIONS = {"prompt": "a b", "steps": 2, "extension": "position", "effort": 0}
STRANGE = ("$x$", "\\frac{", "$", "a_b^c", "\\n", "<b>")  # what a token may be called


def spins():
    return draw_network(M=2, N=3, P=1, eps=0.1, gamma=3.0, beta=1.1, seed=6)


def states():
    decoder = TinyDecoder()
    decoder.tokens = STRANGE
    return read_states(decoder, [1, 0, 3])


# name -> the example file or what makes the source, what is asked of it, shots
CASES = {
    "static": ("two_tokens.json", {**POSITIONS, "schedule": "static"}, SHOTS),
    "dynamic": ("three_tokens.json", {"prompt": "sun rain", "steps": 2, "effort": 0, "schedule": "dynamic"}, SHOTS),
    "stepwise": ("two_tokens.json", {**POSITIONS, "schedule": "stepwise"}, SHOTS),
    "input state": ("two_tokens.json", {"input_state": SUPERPOSITION, "steps": 1, "effort": 0, "schedule": "static"}, SHOTS),
    "lens point": (states, {"upto": 1}, SHOTS),
    "lens points": (states, {"every_point": True}, SHOTS),
    "layers": ("sphere.json", {"particle": 0}, SHOTS),
    "dynamic layers": ("sphere.json", {"particle": 1, "layers": 2, "schedule": "dynamic"}, SHOTS),
    "stepwise layers": ("sphere.json", {"particle": 1, "layers": 2, "schedule": "stepwise"}, SHOTS),
    "hadamard": ("sphere.json", {"test": "hadamard"}, SHOTS),
    "swap": ("sphere.json", {"test": "swap"}, SHOTS),
    "spins": (spins, {"steps": 2}, SHOTS),
    "one run": (spins, {"steps": 2}, 1),
    "static spins": (spins, {"steps": 2, "schedule": "static"}, SHOTS),
    "dynamic spins": (spins, {"steps": 2, "schedule": "dynamic"}, SHOTS),
    "isometry": ("amplitude_damping.npz", {"form": "isometry", "effort": 0}, 20 * SHOTS),
    "tree": ("amplitude_damping.npz", {"form": "tree", "effort": 0}, 20 * SHOTS),
}  # fmt: skip


@pytest.fixture(scope="session")
def found(examples):
    """Return the result of a case by its name; sampled with a fixed seed, whatever the verdict is."""

    @cache
    def result(name: str) -> Result:
        source, given, shots = CASES[name]
        loaded = stinespring.load(examples / source) if isinstance(source, str) else source()
        with opened("aer") as backend:
            return measured(loaded, given, backend=backend, shots=shots, seed=3)

    return result
