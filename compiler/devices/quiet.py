# SPDX-License-Identifier: Apache-2.0
"""The parts of a device with the fewest errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qiskit.transpiler import Target

__all__ = ["quiet_regions"]

REGIONS = 3
UNKNOWN = 0.0  # an error that is not stated


def quiet_regions(target: Target, size: int, gates: int) -> list[list[int]]:
    """Return connected qubits that make few errors, the fewest first; none where couplings are not limited.

    From every qubit a region grows by the coupling that adds the least. It is judged by its readout errors and by so many
    two-qubit gates with the mean error of the couplings that it grew by.

    Args:
        target: of the device.
        size: number of qubits.
        gates: number of two-qubit gates.
    """
    coupling = target.build_coupling_map()
    if coupling is None or size < 2 or size >= target.num_qubits:
        return []
    pairs: dict[int, dict[int, float]] = {}
    for a, b in coupling.get_edges():
        error = min(error_of(target, (a, b)), error_of(target, (b, a)))
        for one, other in ((a, b), (b, a)):
            pairs.setdefault(one, {})[other] = error
    read = {qubit: stated(target, "measure", (qubit,)) or UNKNOWN for qubit in pairs}
    found: dict[frozenset[int], tuple[float, list[int]]] = {}
    for start in sorted(pairs):
        region, errors = grown(start, size, pairs, read, gates / max(1, size - 1))
        if len(region) == size:
            price = sum(read[q] for q in region) + gates * sum(errors) / max(1, len(errors))
            found.setdefault(frozenset(region), (price, region))
    return [region for _, region in sorted(found.values())[:REGIONS]]


def grown(
    start: int, size: int, pairs: dict[int, dict[int, float]], read: dict[int, float], each: float
) -> tuple[list[int], list[float]]:  # fmt: skip
    """Return a region and the errors of the couplings that it grew by; ``each`` is the gates of one coupling."""
    region, errors = [start], list[float]()
    while len(region) < size:
        edge = [
            (each * error + read[other], error, other)
            for one in region for other, error in pairs[one].items() if other not in region
        ]  # fmt: skip
        if not edge:
            break
        _, error, other = min(edge)
        region.append(other)
        errors.append(error)
    return region, errors


def error_of(target: Target, pair: tuple[int, int]) -> float:
    """Return the least error of a two-qubit gate on a pair; 1 where there is none, 0 where none is stated."""
    known: list[float] = []
    for name in target.operation_names:
        places: Any = target[name]
        if places and pair in places:
            known.append(stated(target, name, pair) or UNKNOWN)
    return min(known, default=1.0)


def stated(target: Target, name: str, on: tuple[int, ...]) -> float | None:
    """Return the error that a target states of an instruction."""
    places: Any = target[name] if name in target.operation_names else None
    properties = None if not places else places.get(on)
    return None if properties is None or properties.error is None else float(properties.error)
