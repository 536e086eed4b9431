# SPDX-License-Identifier: Apache-2.0
"""``stinespring/sphere@1``: reading, writing, and drawing models at random."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from stinespring.errors import InputError
from stinespring.models.sphere.model import FORMAT, SphereModel, normalised
from stinespring.models.sphere.perceptron import ACTIVATIONS, Perceptron
from stinespring.reading import MODEL_BYTES, array, fields, positive_number, read_arrays, read_json, stem_of
from stinespring.readings import FloatArray

__all__ = ["at_state", "given_sphere", "made", "random_model", "read_sphere", "sphere_from", "uniform_points", "write_sphere"]

ROUNDING = 1e-15  # of a particle that is on the sphere already
UNIT = 1e-9  # how far the length of a state's rows may be from 1
KNOWN = (
    "format", "particles", "beta", "normalise", "kernel", "query", "key", "value", "perceptron", "direction", "field", "step",
)  # fmt: skip
CHOICES = {
    "normalise": ("SA", "USA"), "kernel": ("plain", "scaled"), "direction": ("ascent", "descent"),
    "field": ("projected", "raw"),
}  # fmt: skip


def read_sphere(path: str | Path) -> SphereModel:
    """Return the model in a file.

    Raises:
        InputError: whatever is wrong in the file.
    """
    return replace(sphere_from(read_json(path, kind="sphere file")), name=stem_of(path))


def sphere_from(data: Mapping[str, Any]) -> SphereModel:
    """Return the model that a JSON object describes."""
    fields(data, KNOWN, "the sphere file", required=("format", "particles", "beta"))
    if data["format"] != FORMAT:
        raise InputError("the file is no sphere model", got=data["format"], expected=FORMAT)
    given = array(data["particles"], (None, None), "'particles'")
    if given.shape[1] < 2:
        raise InputError("'particles' have too few coordinates", got="d = 1", expected="at least 2 coordinates each")
    if not np.abs(given).max(axis=1).min() > 0:
        zero = int(np.argmin(np.abs(given).max(axis=1)))
        raise InputError(
            "a particle is zero", got=f"particle {zero}: {given[zero].tolist()}", expected="vectors other than zero"
        )
    d = given.shape[1]
    matrices: dict[str, Any] = {
        name: None if data.get(name) is None else array(data[name], (d, d), f"{name!r}") for name in ("query", "key", "value")
    }
    return SphereModel(
        particles=normalised(given / np.abs(given).max(axis=1)[:, None]),  # in two steps: squares may overflow
        beta=positive_number(data["beta"], "'beta'"),
        perceptron=perceptron_from(data.get("perceptron"), d),
        step=positive_number(data.get("step", 0.1), "'step'"),
        **matrices,
        **{name: choice(data, name) for name in CHOICES},
    )


def choice(data: Mapping[str, Any], name: str) -> Any:
    """Return one of the words that a field allows; the defaults are USA, plain, ascent and projected."""
    default = {"normalise": "USA", "kernel": "plain", "direction": "ascent", "field": "projected"}[name]
    value = data.get(name, default)
    if value not in CHOICES[name]:
        raise InputError(f"{name!r} is not known", got=value, expected=" or ".join(CHOICES[name]))
    return value


def perceptron_from(data: object, d: int) -> Perceptron | None:
    """Return the perceptron of a file."""
    if data is None:
        return None
    names = ("directions", "weights", "output", "activation")
    given = fields(data, names, "'perceptron'", required=("directions", "weights", "activation"))
    directions = array(given["directions"], (None, d), "'directions'")
    m = len(directions)
    kind = given["activation"]
    if not isinstance(kind, str) or kind not in ACTIVATIONS:
        raise InputError("'activation' is not known", got=kind, expected=" or ".join(ACTIVATIONS))
    output = directions if given.get("output") is None else array(given["output"], (m, d), "'output'")
    weights = array(given["weights"], (m,), "'weights'")
    return Perceptron(directions, weights, output, kind)  # type: ignore[arg-type]


def made(content: Mapping[str, Any], name: str) -> SphereModel:
    """Return the model that :meth:`SphereModel.content` describes, the same to the last bit."""
    return replace(sphere_from(content), particles=np.array(content["particles"], dtype=np.float64), name=name)


def given_sphere(data: Mapping[str, Any], name: str) -> SphereModel:
    """Return the model that a dict describes: read as a file, but particles on the sphere stay the same to the last bit."""
    found, kept = replace(sphere_from(data), name=name), made(data, name)
    return kept if float(np.abs(found.particles - kept.particles).max()) <= ROUNDING else found


def write_sphere(model: SphereModel) -> str:
    """Return the text of a model's file."""
    return json.dumps(model.content(), indent=1) + "\n"


def at_state(model: SphereModel, state: Path | None) -> SphereModel:
    """Return the model at the final positions of a run (FILE.npz); None leaves it as it is.

    Raises:
        InputError: no such file, another shape, or rows that are not unit vectors.
    """
    if state is None:
        return model
    try:
        found = read_arrays(state, kind="state", expected="FILE.npz of 'sphere run'", most=MODEL_BYTES)
        if found["positions"].dtype.kind not in "fiu":
            raise TypeError(f"positions of type {found['positions'].dtype}")
        positions = np.asarray(found["positions"], dtype=np.float64)
    except (TypeError, ValueError, KeyError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError("the state cannot be read", got=f"{state}: {error}", expected="FILE.npz of 'sphere run'") from None
    if positions.ndim != 2 or positions.shape[1] != model.d or not np.isfinite(positions).all() or not len(positions):
        raise InputError("the state does not fit", got=f"shape {positions.shape}", expected=f"finite rows of {model.d}")
    off = abs(np.hypot.reduce(positions, axis=1) - 1.0)
    if off.max() > UNIT:
        worst = int(np.argmax(off))
        raise InputError(
            "the state has rows that are not unit vectors", got=f"row {worst}: {positions[worst].tolist()}",
            expected=f"rows of length 1 within {UNIT:g}",
        )  # fmt: skip
    return model.at(normalised(positions))


def uniform_points(n: int, d: int, random: np.random.Generator) -> FloatArray:
    """Return n independent uniform points of S^{d-1}."""
    return normalised(random.normal(size=(n, d)))


def random_model(
    *, particles: int, dimension: int, beta: float, hidden: int = 0, seed: int | np.random.Generator | None = None,
    activation: Literal["relu", "gelu", "tanh"] = "relu", **choices: Any,
) -> SphereModel:  # fmt: skip
    """Return uniform particles and a perceptron with uniform directions and standard normal weights.

    Args:
        particles: n.
        dimension: d.
        beta: inverse temperature.
        hidden: neurons; 0 means no perceptron.
        seed: of particles and neurons, which come from streams of their own: the same seed gives the same particles with
            and without a perceptron.
        activation: of the perceptron.
        choices: other fields of :class:`SphereModel`.

    Source: arXiv 2601.21366, the numerical experiments.
    """
    if particles < 1 or dimension < 2 or hidden < 0:
        raise InputError(
            "there is no such model",
            got=f"{particles} particles, dimension {dimension}, {hidden} neurons",
            expected="at least 1 particle, dimension 2 and 0 neurons",
        )
    first, second = np.random.default_rng(seed).spawn(2)
    points = uniform_points(particles, dimension, first)
    perceptron = None
    if hidden:
        directions = uniform_points(hidden, dimension, second)
        perceptron = Perceptron(directions, second.normal(size=hidden), directions, activation)
    return SphereModel(points, positive_number(beta, "'beta'"), perceptron=perceptron, **choices)
