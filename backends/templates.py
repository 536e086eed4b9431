# SPDX-License-Identifier: Apache-2.0
"""The circuits of a stepwise program as a backend takes them: each template lowered once a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from stinespring.backends.base import Backend, device_of
from stinespring.compiler.export.lowering import template_circuit
from stinespring.compiler.texts.stepwise import Template
from stinespring.readings import FloatArray, IntArray

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = ["Templates"]


class Templates:
    """Runs templates on a backend; templates that differ in their registers' names only share one circuit.

    Args:
        backend: what samples; if it has a device, templates are lowered to it with their angles left free.
    """

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._circuits: dict[tuple[int, ...], tuple[QuantumCircuit, list[int], list[str]]] = {}

    def circuit(self, template: Template) -> tuple[QuantumCircuit, list[int], list[str]]:
        """Return a circuit, which angle of the template each of its parameters is, and the names of its registers."""
        key = tuple(register.size for register in template.registers)
        if key not in self._circuits:
            circuit, device = template_circuit(template), device_of(self.backend)
            if device is not None:
                from stinespring.compiler.devices.target import lower

                circuit = lower(circuit, device)
            slots = [parameter.index for parameter in circuit.parameters]  # in the order in which values are bound
            self._circuits[key] = circuit, slots, [register.name for register in template.registers]
        return self._circuits[key]

    def sample(self, template: Template, angles: FloatArray, shots: int, seed: int) -> Sequence[Mapping[str, IntArray]]:
        """Return, for each row of angles, the values of the template's registers by name, shape (shots,).

        Args:
            template: the circuit.
            angles: shape (B, slots).
            shots: for each row.
            seed: of this call.
        """
        circuit, slots, names = self.circuit(template)
        bound = np.ascontiguousarray(angles[:, slots])
        results = self.backend.sample(circuit, bound, shots, seed)
        wanted = [register.name for register in template.registers]
        return [{new: values[old] for new, old in zip(wanted, names, strict=True)} for values in results]
