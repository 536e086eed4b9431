# SPDX-License-Identifier: Apache-2.0
"""``stinespring backends``: where programs can run, and what was tried."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stinespring.cli import options, paths
from stinespring.cli.output import print_json
from stinespring.cli.screen import print_table, say, wrote
from stinespring.cli.words import names
from stinespring.errors import InputError

if TYPE_CHECKING:
    from stinespring.backends.probing.listing import Row

ProbeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--probe",
        autocompletion=names.backend_names,
        help="Also try this backend, for example fake:boston.",
    ),
]
Save = Annotated[
    Path | None,
    typer.Option(
        "--save-calibration",
        callback=paths.written("calibration", ".json"),
        help="Write the errors and times of --backend to FILE.json.",
    ),
]
Which = Annotated[
    str | None,
    typer.Option(
        "--backend",
        autocompletion=names.backend_names,
        help="Whose calibration is saved, for example fake:boston.",
    ),
]

All = Annotated[
    bool, typer.Option("--all", help="Show every backend; without it ten, of every kind the usual one. --json has all of them.")
]

SHOWN = 10
USUAL = "fake:boston"  # of the simulated devices, the one that the pages take
COLUMNS = ["backend", "here", "qubits", "mid circuit", "reset", "if", "noise"]
LEAST = ["noise", "here"]


def backends_(
    probe: ProbeOption = None,
    save_calibration: Save = None,
    backend: Which = None,
    all_: All = False,
    json: options.Json = False,
) -> None:
    """List the backends that can be named, or save the calibration of one."""
    if (save_calibration is None) != (backend is None):
        raise InputError(
            "a calibration is saved of one backend to one file",
            got="only one of --save-calibration and --backend",
            expected="both, for example --save-calibration boston.json --backend fake:boston",
        )
    if save_calibration is not None and backend is not None:
        save(save_calibration, backend, json)
        return
    from stinespring.backends.probing.listing import rows
    from stinespring.compiler.devices.lower import lower

    found = rows(probe or (), prepare=lower)
    if json:
        print_json({"backends": [row.summary() for row in found]})
    else:
        listed = found if all_ else usual(found, probe or ())
        title = "Where programs can run (✓ tried here, ✗ tried and failed, yes/no: what it says of itself)"
        print_table(title, COLUMNS, [cells(row) for row in listed], LEAST)
        for row in listed:
            if row.reason:
                say(f"{row.name}: {row.reason}")
        if len(listed) < len(found):
            say(f"and {len(found) - len(listed)} more: see 'stinespring backends --all'")


def usual(rows: list[Row], asked: Sequence[str]) -> list[Row]:
    """Return ten rows in their order, or what was asked for: these, one of every kind, and the first of the others."""
    kinds = {row.name.partition(":")[0] if ":" in row.name else row.name.partition("=")[0]: row.name for row in reversed(rows)}
    kinds |= {"fake": USUAL} if any(row.name == USUAL for row in rows) else {}
    ranked = dict.fromkeys([*asked, *kinds.values(), *(row.name for row in rows)])
    shown = set(list(ranked)[: max(SHOWN, len(asked))])
    return [row for row in rows if row.name in shown]


def save(path: Path, backend: str, json: bool) -> None:
    """Write a backend's calibration."""
    from stinespring.backends.aer.calibration import write_calibration
    from stinespring.backends.aer.fake import calibration_of
    from stinespring.backends.registry import open_backend

    calibration = calibration_of(open_backend(backend))
    file = write_calibration(calibration, path)
    wrote(file)
    if json:
        print_json({"file": str(file), "name": calibration.name, "taken": calibration.taken, "digest": calibration.digest})
    else:
        say(f"{calibration.name}: {len(calibration.qubits)} qubits, {calibration.taken}")


def cells(row: Row) -> list[str]:
    """Return one row of the table."""

    def shown(value: bool | None) -> str:
        if value is None:
            return "?"
        return ("✓" if value else "✗") if row.probed else ("yes" if value else "no")

    noise = "no" if row.noise is False else shown(row.noise)
    figures = [shown(row.mid_circuit_measurement), shown(row.reset), shown(row.conditions), noise]
    return [row.name, "yes" if row.installed else "no", "" if row.qubits is None else f"{row.qubits:,}", *figures]
