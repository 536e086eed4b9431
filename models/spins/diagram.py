# SPDX-License-Identifier: Apache-2.0
"""Bifurcation diagrams: where the mean field settles, over the inverse temperature."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from stinespring.errors import InputError
from stinespring.models.spins.files import LARGEST
from stinespring.models.spins.lyapunov import TOGETHER, Exponents, Tangent, carry, require_transient, settle
from stinespring.models.spins.mean_field import MeanField, require_room
from stinespring.models.spins.network import SpinNetwork
from stinespring.models.texts.joint import require_count
from stinespring.readings import FloatArray
from stinespring.showing import Brief

__all__ = ["Diagram", "Sweep", "diagram"]

CHUNK = 128  # steps that are turned from time-major to temperature-major at once
Sweep = Literal["none", "up", "down"]


@dataclass(frozen=True, repr=False)
class Diagram(Brief):
    """Outputs after a transient, by inverse temperature.

    Attributes:
        betas: shape (n,).
        m_o: ``<W^o_b x>`` of the kept tokens, without 1-eps and position part, shape (n, K, M), float32.
        windows: the attention vectors of the last L tokens, newest first, shape (n, L, M): where to continue from.
        time: of the last token.
        exponents: Lyapunov exponents over the kept steps, if they were asked for.
    """

    betas: FloatArray
    m_o: NDArray[np.float32]
    windows: FloatArray
    time: int
    exponents: Exponents | None = None


def diagram(
    network: SpinNetwork, *, betas: FloatArray, transient: int, keep: int, exponents: int = 0, sweep: Sweep = "none"
) -> Diagram:
    """Return the bifurcation diagram.

    Args:
        network: gives features and context.
        betas: shape (n,).
        transient: steps that are thrown away at each temperature.
        keep: steps that are kept.
        exponents: how many Lyapunov exponents to compute over the kept steps.
        sweep: ``none`` starts every temperature at the network's context, all at once; ``up`` and ``down`` go through the
            temperatures in order, each from where the one before ended, so that an attractor is followed.

    Raises:
        InputError: unusable numbers.
        TooLargeError: the result would not fit.
    """
    betas = np.atleast_1d(np.asarray(betas, dtype=np.float64))
    keep = require_count(keep, "the number of kept steps")
    require_transient(transient)
    if not (abs(betas) <= LARGEST).all() or not len(betas):
        raise InputError("the temperatures are not usable", got=betas.tolist(), expected=f"finite numbers up to {LARGEST:g}")
    if exponents < 0 or exponents > network.L * network.M:
        raise InputError("too many exponents", got=exponents, expected=f"0 to L M = {network.L * network.M}")
    if sweep not in ("none", "up", "down"):
        raise InputError("unknown sweep", got=sweep, expected="none, up or down")
    require_room(len(betas) * keep * network.M // 2)
    if sweep == "none":
        return together(network, betas, transient, keep, exponents)
    order = np.argsort(betas, kind="stable")
    return followed(network, betas, order if sweep == "up" else order[::-1], transient, keep, exponents)


def together(network: SpinNetwork, betas: FloatArray, transient: int, keep: int, exponents: int) -> Diagram:
    """Return the diagram with every temperature started at the network's context."""
    model = MeanField(network, betas)
    if exponents:
        settle(model, transient)
    else:
        for _ in range(transient):
            model.step()
    kept = np.empty((len(betas), keep, network.M), dtype=np.float32)
    buffer = np.empty((min(CHUNK, keep), network.M, len(betas)), dtype=np.float32)

    def store(step: int) -> None:
        place = step % len(buffer)
        buffer[place] = model.outputs()
        if place == len(buffer) - 1 or step == keep - 1:
            kept[:, step - place : step + 1] = buffer[: place + 1].transpose(2, 0, 1)

    if exponents:
        tangent = Tangent(model, exponents)
        found = carry(tangent, keep, every=TOGETHER if exponents == 1 else 1, each=store)
        return Diagram(betas, kept, model.window(), model.time, found)
    for step in range(keep):
        model.step()
        store(step)
    return Diagram(betas, kept, model.window(), model.time)


def followed(
    network: SpinNetwork, betas: FloatArray, order: NDArray[np.int64], transient: int, keep: int, exponents: int
) -> Diagram:
    """Return the diagram with every temperature started where the one before it in ``order`` ended."""
    parts: dict[int, Diagram] = {}
    for index in order.tolist():
        part = parts[index] = together(network, betas[index : index + 1], transient, keep, exponents)
        network = replace(network, window=None, attention_window=part.windows[0], time=part.time)
    rows = [parts[index] for index in range(len(betas))]
    found = [row.exponents for row in rows if row.exponents is not None]
    return Diagram(
        betas,
        np.concatenate([row.m_o for row in rows]),
        np.concatenate([row.windows for row in rows]),
        network.time,
        joined(found) if found else None,
    )


def joined(parts: list[Exponents]) -> Exponents:
    """Return the exponents of several temperatures together."""
    errors = np.concatenate([part.standard_errors for part in parts])
    return Exponents(np.concatenate([part.values for part in parts]), errors, parts[0].steps)
