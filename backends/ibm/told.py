# SPDX-License-Identifier: Apache-2.0
"""What the service tells of a job beside its counts: when everything began, what stretches became, what it charged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["told_of_pubs"]

LONGEST_TIMING = 20_000  # characters of one circuit's schedule that are kept


def told_of_pubs(pubs: Any, dt: float | None) -> list[dict[str, Any]]:
    """Return for each circuit of a job what the executor says of its execution; empty where it says nothing.

    Args:
        pubs: of the client's result; ``metadata["compilation"]`` holds ``scheduler_timing`` and ``stretch_values``.
        dt: seconds of the device's unit of time.

    Returns:
        dicts with some of ``circuit_duration_dt``, ``circuit_duration_s``, ``timing`` (one line for each instruction, as the
        service writes it; left out with ``timing_left_out`` where it is long) and ``stretches`` (name, value, remainder and
        every place, in dt).
    """
    result = [told_of_pub(getattr(pub, "metadata", None), dt) for pub in pubs]
    return result if any(result) else []


def told_of_pub(metadata: Any, dt: float | None) -> dict[str, Any]:
    """Return what the metadata of one circuit say; whatever has another shape is left out: the interface is experimental."""
    compilation = metadata.get("compilation") if isinstance(metadata, Mapping) else None
    found: dict[str, Any] = {}
    if not isinstance(compilation, Mapping):
        return found
    timing = compilation.get("scheduler_timing")
    if isinstance(timing, Mapping):
        duration = timing.get("circuit_duration")
        if isinstance(duration, int) and not isinstance(duration, bool) and duration >= 0:
            found["circuit_duration_dt"] = duration
            if dt is not None:
                found["circuit_duration_s"] = duration * dt
        text = timing.get("timing")
        if isinstance(text, str):
            found |= {"timing": text} if len(text) <= LONGEST_TIMING else {"timing_left_out": len(text)}
    stretches = compilation.get("stretch_values")
    if isinstance(stretches, list) and all(isinstance(each, Mapping) for each in stretches) and stretches:
        found["stretches"] = [
            {
                "name": str(each.get("name")),
                **{key: each.get(key) for key in ("value", "remainder") if isinstance(each.get(key), int)},
                "places": [[int(a), int(b)] for a, b in each.get("expanded_values") or ()],
            }
            for each in stretches
        ]
    return found
