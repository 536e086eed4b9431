# SPDX-License-Identifier: Apache-2.0
"""Particles on the sphere: what moves, and by which rule."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from stinespring.errors import InputError
from stinespring.models.sphere.perceptron import Perceptron
from stinespring.readings import FloatArray
from stinespring.showing import Brief, FourLines

__all__ = ["FORMAT", "SphereModel", "normalised"]

FORMAT = "stinespring/sphere@1"


def normalised(x: FloatArray) -> FloatArray:
    """Return the rows divided by their norms.

    Raises:
        InputError: a row is zero, which no point of the sphere is nearest to, or too long for float64.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        norms = np.sqrt(np.einsum("ij,ij->i", x, x))
    if not np.isfinite(norms).all():
        raise InputError(
            "a step overflows", got="a particle that moves by 1e154 or more", expected="finite steps",
            todo="use the scaled kernel, a smaller step or beta",
        )  # fmt: skip
    if not norms.min(initial=1.0) > 0:
        raise InputError(
            "a particle has no direction",
            got=f"the zero vector for particle {int(np.argmin(norms))}",
            expected="vectors other than zero",
            todo="give other particles, or a smaller step",
        )
    return np.asarray(x / norms[:, None])


@dataclass(frozen=True, eq=False, repr=False)
class SphereModel(Brief):
    """n particles on S^{d-1} that attend to each other and pass a perceptron, as in ``stinespring/sphere@1``.

    ``x_i' = +-( sum_j k_ij V x_j / Z_i + u(x_i) )`` with ``k_ij = e^{beta <Q x_i, K x_j>}``; ``Z_i = sum_j k_ij`` for SA and
    ``Z_i = n`` for USA. ``scaled`` multiplies k by ``e^{-beta}``; the perceptron stays, so that with USA it becomes
    relatively ``e^beta`` stronger (SA does not change).

    Attributes:
        particles: shape (n, d), unit rows.
        beta: inverse temperature, positive.
        normalise: SA or USA.
        kernel: plain or scaled.
        query, key, value: shape (d, d).
        perceptron: the term u, or None.
        direction: ascent (+) or descent (-).
        field: whether a layer's step is projected to the tangent space before it is taken.
        step: h.
        name: for titles.

    Source: arXiv 2312.10794 and 2601.21366.
    """

    particles: FloatArray
    beta: float
    normalise: Literal["SA", "USA"] = "USA"
    kernel: Literal["plain", "scaled"] = "plain"
    query: FloatArray | None = None
    key: FloatArray | None = None
    value: FloatArray | None = None
    perceptron: Perceptron | None = None
    direction: Literal["ascent", "descent"] = "ascent"
    field: Literal["projected", "raw"] = "projected"
    step: float = 0.1
    name: str = "sphere"

    @property
    def n(self) -> int:
        """Number of particles."""
        return len(self.particles)

    @property
    def d(self) -> int:
        """Dimension of the space around the sphere."""
        return int(self.particles.shape[1])

    @property
    def sign(self) -> float:
        """+1 for ascent, -1 for descent."""
        return 1.0 if self.direction == "ascent" else -1.0

    @property
    def scores(self) -> FloatArray | None:
        """``Q^T K``, or None where it is the identity."""
        if self.query is None and self.key is None:
            return None
        q, k = (np.eye(self.d) if m is None else m for m in (self.query, self.key))
        product = q.T @ k
        return None if np.allclose(product, np.eye(self.d), rtol=0.0, atol=1e-13) else np.asarray(product)

    @property
    def moves_values(self) -> bool:
        """Whether V differs from the identity."""
        return self.value is not None and not np.array_equal(self.value, np.eye(self.d))

    @property
    def is_gradient(self) -> bool:
        """Whether ``Q^T K = V = I`` and the perceptron has a potential: then there is an energy."""
        return self.scores is None and not self.moves_values and (self.perceptron is None or self.perceptron.is_gradient)

    @property
    def energy_rises(self) -> bool:
        """Whether the exact flow moves the energy one way: the gradient case, with SA only where no perceptron acts."""
        return self.is_gradient and (self.normalise == "USA" or self.perceptron is None)

    @property
    def rescaling(self) -> str:
        """What the file's kernel does to the weight of the perceptron, one sentence."""
        if self.kernel == "plain":
            return "none: the kernel is e^(beta <Qx, Kx'>)"
        if self.normalise == "SA":
            return "the kernel is e^(beta (<Qx, Kx'> - 1)); SA divides the factor out"
        return f"the kernel is e^(beta (<Qx, Kx'> - 1)): the perceptron is e^{self.beta:g} times stronger relative to attention"

    def at(self, particles: FloatArray) -> SphereModel:
        """Return the model with other particles."""
        return replace(self, particles=particles)

    def content(self) -> dict[str, Any]:
        """Return the model as JSON data, the content of a file; numbers are kept to the last bit."""
        content: dict[str, Any] = {
            "format": FORMAT, "particles": self.particles.tolist(), "beta": self.beta, "normalise": self.normalise,
            "kernel": self.kernel, "direction": self.direction, "field": self.field, "step": self.step,
        }  # fmt: skip
        content |= {
            n: m.tolist() for n, m in (("query", self.query), ("key", self.key), ("value", self.value)) if m is not None
        }
        p = self.perceptron
        content["perceptron"] = None if p is None else {
            "directions": p.directions.tolist(), "weights": p.weights.tolist(), "output": p.output.tolist(),
            "activation": p.activation,
        }  # fmt: skip
        return content

    def fingerprint(self) -> str:
        """Return a SHA-256 of everything that determines the dynamics."""
        digest = hashlib.sha256()
        for part in (self.particles, self.query, self.key, self.value):
            digest.update(b"-" if part is None else np.ascontiguousarray(part).tobytes() + str(part.shape).encode())
        words: list[str | float] = [self.beta, self.normalise, self.kernel, self.direction, self.field, self.step]
        if self.perceptron is not None:
            p = self.perceptron
            words.append(p.activation)
            for part in (p.directions, p.weights, p.output):
                digest.update(np.ascontiguousarray(part).tobytes() + str(part.shape).encode())
        digest.update(repr(words).encode())
        return digest.hexdigest()

    def brief(self) -> FourLines:
        """Return the particles and the forces on them."""
        n, d = self.particles.shape
        extra = "" if self.perceptron is None else ", with a perceptron"
        return FourLines(
            f"SphereModel {self.name!r}",
            [
                f"particles: {n} on the sphere in {d} dimensions",
                f"layer: {self.normalise}, beta {self.beta:g}, {self.direction}, step {self.step:g}{extra}",
            ],
        )
