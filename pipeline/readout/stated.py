# SPDX-License-Identifier: Apache-2.0
"""What a device says of its errors, for a whole circuit."""

from __future__ import annotations

from stinespring.pipeline.noise.product import error_product
from stinespring.stages import Backend, Program

__all__ = ["stated_errors"]

WORST = 2.0  # a reading's error is an average over two states, a gate's over all: of one state it is at most about twice that


def stated_errors(program: Program, backend: Backend) -> float | None:
    """Return the most that a device's stated errors allow of shots with any error, ``1 - prod (1 - 2 e)``; None: not stated.

    Args:
        program: lowered to the device.
        backend: with the device.
    """
    device = backend.capabilities.device
    if device is None or not backend.capabilities.noisy:
        return None
    return error_product(program, device.target, WORST)
