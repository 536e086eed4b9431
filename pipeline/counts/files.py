# SPDX-License-Identifier: Apache-2.0
"""Counts files of any source: ``stinespring/samples@1``, written and read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from stinespring.errors import InputError
from stinespring.pipeline.running import split
from stinespring.pipeline.systems import system_of
from stinespring.reading import read_json
from stinespring.stages import Asked, Samples
from stinespring.writing import dump, write_whole

__all__ = ["is_own_output", "own_samples", "read_samples", "write_samples"]

FORMAT = "stinespring/samples@1"
OWN = {"verdict", "counts", "seed", "backend", "metadata", "cost"}  # keys of what ``run --json`` prints


def read_samples(path: str | Path, source: Any, **given: Any) -> Samples:
    """Return the counts of a file as samples of a source.

    Args:
        path: ``{"format": "stinespring/samples@1", "counts": {"a b": 123, ...}}``; where several circuits are sampled
            ``counts`` is a list of such objects, one a circuit. ``asked`` may say what was asked, as exported files do.
        source: whose law they should follow.
        **given: what was asked of it, as for :func:`stinespring.compile`; without it the file must say so.

    Raises:
        InputError: another format, no counts, a negative or fractional count, an unknown token, a text of another length.
    """
    data = read_json(path, kind="counts file")
    if is_own_output(data):
        if not given:
            raise InputError("what 'run --json' printed does not say what was asked", got=str(path), expected="prompt, steps",
                             todo="give them as they were given, or --program FILE.json")  # fmt: skip
        return own_samples(data, source, split(source, given)[0], Path(path).name)
    if data.get("format") != FORMAT:
        raise InputError("the file holds no samples", got=f"format {data.get('format')!r}", expected=FORMAT)
    asked = split(source, given)[0] if given or "asked" not in data else told(source, data["asked"])
    outcomes = asked.read_counts(source, data)
    known = {name: value for name in ("noisy", "stated_errors") if (value := provenance(data, name)) is not None}
    return Samples(
        source=source, asked=asked, outcomes=outcomes, backend=f"file:{Path(path).name}", noisy=known.get("noisy") is True,
        metadata=known,
    )  # fmt: skip


def is_own_output(data: Mapping[str, Any]) -> bool:
    """Return whether this is what ``run --json`` printed."""
    return "format" not in data and data.keys() >= OWN


def own_samples(data: Mapping[str, Any], source: Any, asked: Asked, name: str) -> Samples:
    """Return what ``run --json`` printed as samples; readings were wrong there if it was held to a distance."""
    outcomes = asked.read_counts(source, {**data, "format": FORMAT})
    return Samples(source=source, asked=asked, outcomes=outcomes, backend=f"file:{name}", noisy=data.get("within") is not None)


def provenance(data: Mapping[str, Any], name: str) -> Any:
    """Return what a file says of the backend that its counts come from, as exported runs do; None if nothing.

    ``noisy``: whether readings may be wrong there; ``stated_errors``: the most that the device's errors explain.
    """
    found: Any = data.get("provenance")
    for key in ("versions", name):
        found = found.get(key) if isinstance(found, dict) else None
    fits = isinstance(found, bool) if name == "noisy" else type(found) in (int, float) and 0 <= found <= 1
    return found if fits else None


def told(source: Any, asked: Any) -> Asked:
    """Return what a counts file says was asked of a source.

    Raises:
        InputError: it says nothing that can be asked of such a source.
    """
    try:
        found: Asked = system_of(source).asked(**asked)
    except (TypeError, ValueError):
        known = ", ".join(field.name for field in fields(system_of(source).asked))
        raise InputError("'asked' of the counts file cannot be read", got=asked, expected=f"an object of {known}") from None
    return found


def counts_of(samples: Samples) -> Any:
    """Return the counts as a file holds them: one object, or a list of them, one a circuit."""
    several = [named(samples.asked, samples.source, outcomes) for outcomes in samples.outcomes]
    return several[0] if samples.asked.kind in ("texts", "spins") or len(several) == 1 else several


def named(asked: Asked, source: Any, outcomes: Any) -> dict[str, int]:
    """Return counts by what was read."""
    found: dict[str, int] = {}
    for key, count in zip(asked.spell(source, outcomes), outcomes.counts.tolist(), strict=True):
        found[key] = found.get(key, 0) + count
    return found


def write_samples(samples: Samples, provenance: dict[str, Any], path: Path) -> None:
    """Write counts with where they come from, whole or not at all.

    Raises:
        InputError: the file cannot be written.
    """
    content = {
        "format": FORMAT, "counts": counts_of(samples), "asked": samples.asked.plain(), "shots": samples.shots,
        "provenance": provenance,
    }  # fmt: skip
    write_whole(path, dump(content))
