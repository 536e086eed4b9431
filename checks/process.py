# SPDX-License-Identifier: Apache-2.0
"""Is this program that channel? Exactly, from the Choi matrices of what it does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from stinespring.errors import InputError, TooLargeError
from stinespring.models.channels.cptp import CPTP, choi_of_kraus
from stinespring.models.channels.distance import diamond_distance, process_fidelity
from stinespring.readings import ComplexArray
from stinespring.stages import Ruling, Verdict

__all__ = ["process_summary", "verify_channel"]

MOST_ROWS = 4096  # of an instrument's Choi matrix: 256 MiB each for a handful of matrices
LOSSLESS = 1e-9  # violation of trace preservation that counts as rounding


def verify_channel(
    channel: CPTP, choi: Mapping[int | None, ComplexArray], *, tolerance: float = 1e-9,
    outcomes: Mapping[int, int] | None = None,
) -> Verdict:  # fmt: skip
    """Compare what a program does with a channel: bound the diamond distance of their Choi matrices.

    Args:
        channel: what it should be; with labels an instrument, compared outcome by outcome.
        choi: the program's Choi matrix under None, or one for each value of its classical register ``outcome``. Without labels
            they are summed.
        tolerance: the diamond distance (half the norm) that counts as equal.
        outcomes: for an instrument, the label that each value of ``outcome`` stands for; by default itself.

    Returns:
        PASS if the diamond distance is at most ``tolerance``, FAIL if it is larger, UNVERIFIED if its certified interval
        contains the tolerance. Figures: ``process_fidelity`` of the normalised Choi states, ``choi_error`` (largest deviation
        of an element), ``diamond_low`` and ``diamond_distance`` (ends of the certified interval for
        ``||E - F||_diamond / 2``), ``tolerance``, ``diamond_norm`` and ``method``.

    Raises:
        InputError: matrices of another size, no outcomes of an instrument, a tolerance out of range.
        TooLargeError: an instrument whose outcomes and qubits make more than 4096 rows.
    """
    if isinstance(tolerance, bool) or not isinstance(tolerance, int | float) or not 0 < tolerance < 1:
        raise InputError("the tolerance is out of range", got=tolerance, expected="a number between 0 and 1")
    inputs, size = 1 << channel.inputs, 1 << (channel.inputs + channel.outputs)
    wrong = next((part.shape for part in choi.values() if part.shape != (size, size)), None)
    if wrong is not None or not choi:
        raise InputError("the program's Choi matrix has another size", got=wrong or "none", expected=f"({size}, {size})")
    if channel.labels is None:
        made, wanted = np.asarray(sum(choi.values())), channel.choi()
    else:
        made, wanted = by_outcome(channel, choi, outcomes)
    low, high = diamond_distance(made, wanted, inputs=inputs, decided=tolerance)
    lost = trace_violation(made, inputs)
    if lost > LOSSLESS:  # then the distance of the two ways round differs, and half of what is lost is seen
        low, high = max(low, lost / 2), max(high, diamond_distance(wanted, made, inputs=inputs).high)
    verdict: Ruling = "PASS" if high <= tolerance else "FAIL" if low > tolerance else "UNVERIFIED"
    figures = {
        "process_fidelity": process_fidelity(made, wanted, inputs=inputs), "choi_error": float(abs(made - wanted).max()),
        "diamond_low": low, "diamond_distance": high, "tolerance": tolerance, "diamond_norm": 2 * high, "method": "exact",
    }  # fmt: skip
    reason = f"diamond distance in [{low:.3g}, {high:.3g}], tolerance {tolerance:g}"
    if lost > LOSSLESS:
        reason += f"; what the program does changes the trace by {lost:.3g}"
    return Verdict(verdict, reason, resolution=tolerance, figures=figures)


def trace_violation(choi: ComplexArray, inputs: int) -> float:
    """Return how far the map is from preserving the trace: the operator norm of ``Tr_out J - 1``."""
    outputs = len(choi) // inputs
    kept = np.einsum("iojo->ij", choi.reshape(inputs, outputs, inputs, outputs))
    return float(np.linalg.norm(kept - np.eye(inputs), 2))


def process_summary(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict of :func:`verify_channel` as ``verify-channel --json`` prints it."""
    return {"verdict": verdict.verdict, "reason": verdict.reason, **verdict.figures}


def by_outcome(
    channel: CPTP, choi: Mapping[int | None, ComplexArray], outcomes: Mapping[int, int] | None
) -> tuple[ComplexArray, ComplexArray]:
    """Return the Choi matrices of the program's and the wanted instrument, the outcome being part of the output."""
    parts = {value: matrix for value, matrix in choi.items() if value is not None}
    if len(parts) < len(choi):
        raise InputError("the program has no classical register 'outcome'", expected="the outcomes of the instrument")
    assert channel.labels is not None
    meaning = {value: value if outcomes is None else outcomes.get(value, -1) for value in parts}
    labels = sorted({*channel.labels, *meaning.values()})
    size, inputs = 1 << (channel.inputs + channel.outputs), 1 << channel.inputs
    if len(labels) * size > MOST_ROWS:
        raise TooLargeError(
            "the Choi matrix with its outcomes is too large",
            got=f"{len(labels)} outcomes of {size} rows each",
            expected=f"at most {MOST_ROWS:,} rows in all, or --shots, which draws inputs and measurements instead",
        )
    made, wanted = np.zeros((2, len(labels), size, size), dtype=np.complex128)
    for value, matrix in parts.items():
        made[labels.index(meaning[value])] += matrix
    for index, label in enumerate(labels):
        chosen = [label == other for other in channel.labels]
        if any(chosen):
            wanted[index] = choi_of_kraus(channel.given[chosen])
    return flagged(made, inputs), flagged(wanted, inputs)


def flagged(parts: ComplexArray, inputs: int) -> ComplexArray:
    """Return the Choi matrix of ``rho -> sum_x |x><x| (x) E_x(rho)`` from those of the E_x, shape (X, D, D)."""
    count, size, _ = parts.shape
    outputs = size // inputs
    tensor = np.zeros((inputs, count, outputs, inputs, count, outputs), dtype=np.complex128)
    for x, choi in enumerate(parts):
        tensor[:, x, :, :, x, :] = choi.reshape(inputs, outputs, inputs, outputs)
    return tensor.reshape(inputs * count * outputs, -1)
