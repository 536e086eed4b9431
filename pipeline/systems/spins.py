# SPDX-License-Identifier: Apache-2.0
"""Spins in the pipeline: a network of 1-bit self-attention and a number of tokens."""

from __future__ import annotations

from typing import Any

from stinespring.checks.plain.spins import disagreement
from stinespring.checks.spins.spins import check_network
from stinespring.models.spins.asked import SpinAsked
from stinespring.models.spins.files import made
from stinespring.models.spins.network import SpinNetwork
from stinespring.models.texts.joint import require_count
from stinespring.pipeline.system import Settings, System
from stinespring.stages import Program, Samples, Verdict

__all__ = ["SYSTEM"]


def ask(network: SpinNetwork, given: Settings) -> SpinAsked:
    """Return the number of tokens."""
    return SpinAsked(require_count(given["steps"], "steps"))


def compiled(network: SpinNetwork, asked: SpinAsked, options: Settings) -> Program:
    """Return the program of the next tokens."""
    from stinespring.compiler.systems.spins import compile_spins

    return compile_spins(network, asked, **options)


def check(samples: Samples, alpha: float, resolution: float, seed: int, scope: str = "auto") -> Verdict:
    """Return the verdict on every token's law; FAIL if an average fails, but too few spins for the limit are no fault."""
    return check_network(samples, alpha=alpha, resolution=resolution, seed=seed, scope=scope)


def owns(source: Any) -> bool:
    """Return whether an object is a network of spins."""
    return isinstance(source, SpinNetwork)


SYSTEM = System("spins", SpinAsked, owns, ("steps",), ask, compiled, check, made, second=disagreement, scoped=True)
