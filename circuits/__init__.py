# SPDX-License-Identifier: Apache-2.0
"""Parametrised circuits: gate lists, uniformly controlled rotations, preparations of conditional laws."""

from stinespring.circuits.core.gates import Gate
from stinespring.circuits.exact.multiplexer import gray_angles, law_angles, multiplexed_ry

__all__ = ["Gate", "gray_angles", "law_angles", "multiplexed_ry"]
