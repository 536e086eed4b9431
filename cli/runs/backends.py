# SPDX-License-Identifier: Apache-2.0
"""``stinespring backends``: where programs can run, and what was tried."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stinespring.cli import options
from stinespring.cli.output import print_json, print_table
from stinespring.errors import InputError

if TYPE_CHECKING:
    from stinespring.backends.probing.listing import Row

ProbeOption = Annotated[list[str] | None, typer.Option("--probe", help="Also try this backend, for example fake:boston.")]
Save = Annotated[
    Path | None,
    typer.Option("--save-calibration", callback=options.writable, help="Write the errors and times of --backend to FILE.json."),
]
Which = Annotated[str | None, typer.Option("--backend", help="Whose calibration is saved, for example fake:boston.")]

COLUMNS = ["backend", "installed", "qubits", "mid-circuit", "reset", "if", "noise"]


def backends_(
    probe: ProbeOption = None, save_calibration: Save = None, backend: Which = None, json: options.Json = False
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
        print_table("Where programs can run (✓ tried here, ✗ tried and failed, yes/no: what it says of itself)", COLUMNS,
                    [cells(row) for row in found])  # fmt: skip
        for row in found:
            if row.reason:
                sys.stdout.write(f"{row.name}: {row.reason}\n")


def save(path: Path, backend: str, json: bool) -> None:
    """Write a backend's calibration."""
    from stinespring.backends.aer.calibration import write_calibration
    from stinespring.backends.aer.fake import calibration_of
    from stinespring.backends.registry import open_backend

    calibration = calibration_of(open_backend(backend))
    file = write_calibration(calibration, path)
    if json:
        print_json({"file": str(file), "name": calibration.name, "taken": calibration.taken, "digest": calibration.digest})
    else:
        sys.stderr.write(f"wrote {file}: {calibration.name}, {len(calibration.qubits)} qubits, {calibration.taken}\n")


def cells(row: Row) -> list[str]:
    """Return one row of the table."""

    def shown(value: bool | None) -> str:
        if value is None:
            return "?"
        return ("✓" if value else "✗") if row.probed else ("yes" if value else "no")

    noise = "no" if row.noise is False else shown(row.noise)
    figures = [shown(row.mid_circuit_measurement), shown(row.reset), shown(row.conditions), noise]
    return [row.name, "yes" if row.installed else "no", "" if row.qubits is None else f"{row.qubits:,}", *figures]
