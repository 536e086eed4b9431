# SPDX-License-Identifier: Apache-2.0
"""Completely positive trace-preserving maps: how they are given, the standard ones, how far apart two are."""

from stinespring.models.channels.block import block_channel
from stinespring.models.channels.cptp import CPTP
from stinespring.models.channels.distance import DiamondDistance, diamond_distance, process_fidelity
from stinespring.models.channels.files import read_channel, write_channel
from stinespring.models.channels.given import as_channel
from stinespring.models.channels.standard import (
    amplitude_damping,
    depolarizing,
    erasure,
    generalized_amplitude_damping,
    measure_and_prepare,
    pauli,
    phase_damping,
    povm,
    random_channel,
    random_unitary,
    replacement,
)

__all__ = [
    "CPTP",
    "DiamondDistance",
    "amplitude_damping",
    "as_channel",
    "block_channel",
    "depolarizing",
    "diamond_distance",
    "erasure",
    "generalized_amplitude_damping",
    "measure_and_prepare",
    "pauli",
    "phase_damping",
    "povm",
    "process_fidelity",
    "random_channel",
    "random_unitary",
    "read_channel",
    "replacement",
    "write_channel",
]
