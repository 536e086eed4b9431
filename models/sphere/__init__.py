# SPDX-License-Identifier: Apache-2.0
"""Particles on the sphere: attention and a perceptron move tokens on S^{d-1}."""

from stinespring.models.sphere.files import random_model, read_sphere, uniform_points
from stinespring.models.sphere.model import SphereModel
from stinespring.models.sphere.simulate import SphereRun, simulate

__all__ = ["SphereModel", "SphereRun", "random_model", "read_sphere", "simulate", "uniform_points"]
