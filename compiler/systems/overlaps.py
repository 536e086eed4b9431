# SPDX-License-Identifier: Apache-2.0
"""The overlaps that a model's energy is made of, as circuits: Hadamard tests and swap tests of pairs of states."""

from __future__ import annotations

import hashlib
import json
import time

import numpy as np

from stinespring.batches import Form, Several
from stinespring.circuits.core.cost import flow_cost
from stinespring.circuits.core.flow import Flow, Measure
from stinespring.circuits.systems.linear_combination import hadamard_test, overlap_angles, padded, swap_test
from stinespring.compiler.export.files import EXPORTER
from stinespring.compiler.export.forms import FlowTemplate, largest_cost
from stinespring.errors import InputError, TooLargeError
from stinespring.models.sphere.asked import SphereAsked
from stinespring.models.sphere.landscape.measure import require_energy
from stinespring.models.sphere.layer_law import ANCILLA
from stinespring.models.sphere.model import SphereModel
from stinespring.models.sphere.overlaps import pairs_of
from stinespring.readings import FloatArray, Register
from stinespring.stages import Program
from stinespring.version import __version__

__all__ = ["compile_overlaps"]

MOST_PAIRS = 20_000


def compile_overlaps(model: SphereModel, asked: SphereAsked) -> Program:
    """Compile the overlaps of all particles with each other and with the neurons; a row a pair, read into register ``a``.

    All pairs of the Hadamard test share one template whose angles are bound; a swap test prepares both states apart.

    Args:
        model: particles and perceptron; at most 20,000 pairs.
        asked: ``read`` is ``hadamard`` (a is 0 with probability ``(1 + <u|v>) / 2``) or ``swap`` (``(1 + <u|v>^2) / 2``).

    Raises:
        InputError: an unknown test, or an energy that overflows.
        TooLargeError: too many pairs, or none.
    """
    begun = time.perf_counter()
    if asked.read not in ("hadamard", "swap"):
        raise InputError("unknown test", got=asked.read, expected="hadamard or swap")
    if asked.read == "hadamard" and model.is_gradient:
        require_energy(model)
    first, second = pairs_of(model)
    if not 0 < len(first) <= MOST_PAIRS:
        raise TooLargeError("the pairs cannot be sampled", got=f"{len(first):,} pairs", expected=f"1 to {MOST_PAIRS:,}")
    u, v = padded(first), padded(second)
    size, registers = u.shape[1].bit_length() - 1, (Register(ANCILLA, "ancilla", bits=1),)
    forms: tuple[Form, ...]
    angles: tuple[FloatArray | None, ...]
    if asked.read == "hadamard":
        bound = overlap_angles(u, v)
        flow = Flow((("q", size + 1),), ((ANCILLA, 1),), (*hadamard_test(size), Measure((size,), ANCILLA, (0,))))
        forms, angles, cost = (FlowTemplate(flow, bound.shape[1]),), (bound,), flow_cost(flow)
    else:
        flows = tuple(swap_flow(one, other) for one, other in zip(u, v, strict=True))
        forms, angles, cost = flows, (None,) * len(flows), largest_cost(map(flow_cost, flows))
    words = [model.fingerprint(), asked.plain(), __version__]
    return Program(
        source=model, asked=asked, schedule="static", body=Several(forms, angles, registers), registers=registers,
        promise="free", tvd_bound=0.0, claim=None, cost=cost, seconds=time.perf_counter() - begun,
        hash=hashlib.sha256(json.dumps(words).encode()).hexdigest(), exporter=EXPORTER,
        details={"test": asked.read, "pairs": len(first), "circuits": len(forms)},
    )  # fmt: skip


def swap_flow(one: FloatArray, other: FloatArray) -> Flow:
    """Return the swap test of two states of shape (2^q,)."""
    q = int(np.log2(len(one)))
    return Flow((("q", 2 * q), ("ancilla", 1)), ((ANCILLA, 1),), (*swap_test(one, other), Measure((2 * q,), ANCILLA, (0,))))
