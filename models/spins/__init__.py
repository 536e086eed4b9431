# SPDX-License-Identifier: Apache-2.0
"""1-bit self-attention: the stochastic network, its mean field, and what it does in the long run."""

from stinespring.models.spins.cycles import Cycle, close_cycle
from stinespring.models.spins.diagram import Diagram, diagram
from stinespring.models.spins.draw import draw_network, draw_window
from stinespring.models.spins.files import read_network
from stinespring.models.spins.finite import Runs, run_network
from stinespring.models.spins.lyapunov import Lyapunov, lyapunov
from stinespring.models.spins.mean_field import Trajectory, mean_field
from stinespring.models.spins.network import SpinNetwork
from stinespring.models.spins.orbits import Spectrum, find_cycle, power_spectrum

__all__ = [
    "Cycle",
    "Diagram",
    "Lyapunov",
    "Runs",
    "Spectrum",
    "SpinNetwork",
    "Trajectory",
    "close_cycle",
    "diagram",
    "draw_network",
    "draw_window",
    "find_cycle",
    "lyapunov",
    "mean_field",
    "power_spectrum",
    "read_network",
    "run_network",
]
