# SPDX-License-Identifier: Apache-2.0
"""What a backend is: something that samples circuits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from stinespring.readings import FloatArray, IntArray

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

    from stinespring.compiler.devices.target import Device

__all__ = ["Backend", "device_of"]


class Backend(Protocol):
    """Samples circuits through Qiskit's SamplerV2 interface.

    A backend with qubits and gates of its own also has an attribute ``device``; circuits must then be lowered to it before they
    are sampled, see :func:`device_of`. One whose calls take a while may have an attribute ``report``, which is set to a
    function of a phrase and the share done; one that holds connections or processes has ``close()``, which is called if the
    backend was opened by name.
    """

    @property
    def name(self) -> str:
        """The backend string, or what stands for it."""

    def sample(
        self, circuit: QuantumCircuit, angles: FloatArray | None, shots: int, seed: int
    ) -> Sequence[Mapping[str, IntArray]]:
        """Return, for each row of ``angles`` (or once), the measured value of every classical register, shape (shots,)."""

    def metadata(self) -> dict[str, Any]:
        """Return versions and options, for the record."""


def device_of(backend: Backend) -> Device | None:
    """Return the device that circuits must be lowered to; None if the backend takes any circuit."""
    device: Device | None = getattr(backend, "device", None)
    return device
