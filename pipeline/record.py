# SPDX-License-Identifier: Apache-2.0
"""A run as the ledger keeps it: what was asked, whole, and what decodes and judges the outcomes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from stinespring.batches import Batch, Circuit, Seen
from stinespring.errors import InputError
from stinespring.ledger.store import Run
from stinespring.models.texts.claims import claim_of
from stinespring.pipeline.running import compile_asked
from stinespring.pipeline.systems import system
from stinespring.readings import Outcomes, Register, decoded
from stinespring.stages import Asked, Cost, Device, Program
from stinespring.version import __version__

__all__ = ["described", "identity", "requested", "restored"]

UNLOWERED = {"target": "aer", "delays": "none"}


@dataclass(frozen=True, eq=False)
class Written:
    """The body of a program whose calls are all in the ledger already: no circuit of it is needed any more.

    Attributes:
        registers: what the classical registers mean.
    """

    host: ClassVar[bool] = False
    registers: tuple[Register, ...]

    @property
    def circuit(self) -> Circuit:
        """Nothing: the circuits are in the ledger."""
        raise InputError("the circuits of this run are in the ledger", got="a run that was read back", todo="compile it again")

    def next(self, seen: Seen, shots: int) -> Batch | None:
        """Return the one call, which the ledger knows by its key."""
        return None if seen else Batch((), (1,))

    def outcomes(self, seen: Seen, shots: int) -> tuple[Outcomes, ...]:
        """Return the decoded readings."""
        return tuple(decoded(row, self.registers) for row in seen[0])

    def on(self, lower: Callable[[Circuit], Circuit]) -> Written:
        """Return it: it was lowered when it was written."""
        return self


def plain_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the compiler's arguments as JSON data."""
    target = options.get("target", "aer")
    return {**options, "target": target.name if isinstance(target, Device) else target}


def requested(
    program: Program, options: Mapping[str, Any], *, shots: int, seed: int | None, backend: str, title: str
) -> dict[str, Any]:
    """Return what was asked, so that it can be asked again without the files it came from."""
    source = program.source
    return {
        "kind": program.asked.kind, "name": source.name, "content": source.content(), "fingerprint": source.fingerprint(),
        "asked": program.asked.plain(), "options": plain_options(options), "shots": shots, "seed": seed, "backend": backend,
        "title": title,
    }  # fmt: skip


def identity(request: Mapping[str, Any]) -> str:
    """Return the SHA-256 of everything that changes the result."""
    content = {
        name: value for name, value in request.items() if name not in ("content", "title")
    }  # the fingerprint stands for it
    return hashlib.sha256(json.dumps({**content, "version": __version__}, sort_keys=True).encode()).hexdigest()


def described(program: Program, options: Mapping[str, Any], mitigation: Mapping[str, Any]) -> dict[str, Any]:
    """Return what decodes and judges a program's outcomes, as JSON data."""
    host = program.body.host
    again = compile_asked(program.source, program.asked, {**options, **UNLOWERED}).hash if host else None
    return {
        "schedule": program.schedule, "hash": program.hash, "again": again, "promise": program.promise,
        "tvd_bound": program.tvd_bound, "claim": None if program.claim is None else program.claim.content(),
        "device": program.device, "cost": program.summary(), "mitigation": dict(mitigation),
        "registers": [[r.name, r.role, list(r.symbols), r.bits, r.step, r.head] for r in program.registers],
    }  # fmt: skip


def restored(run: Run) -> Program:
    """Return the program of a run: from what the ledger keeps, compiled again only where the host takes part.

    Raises:
        InputError: the source has changed, or compiling again gives another program.
    """
    request, kept = run.request, run.program
    kind = system(request["kind"])
    source = kind.made(request["content"], request["name"])
    if source.fingerprint() != request["fingerprint"]:
        raise InputError(
            "the source has changed since the run was submitted",
            got=f"{request['name']}: {source.fingerprint()[:16]}",
            expected=request["fingerprint"][:16],
            todo="install the versions that the run was submitted with: " + versions(run),
        )
    asked = kind.asked(**request["asked"])
    if kept["again"] is not None:
        return recompiled(run, source, asked)
    registers = tuple(Register(name, role, tuple(symbols), *rest) for name, role, symbols, *rest in kept["registers"])
    cost = {name: kept["cost"][name] for name in Cost.__dataclass_fields__}
    return Program(
        source=source, asked=asked, schedule=kept["schedule"], body=Written(registers), registers=registers,
        promise=kept["promise"], tvd_bound=kept["tvd_bound"], claim=None if kept["claim"] is None else claim_of(kept["claim"]),
        cost=Cost(**cost), seconds=kept["cost"]["seconds"], hash=kept["hash"], exporter=Unwritable(), device=kept["device"],
    )  # fmt: skip


def recompiled(run: Run, source: Any, asked: Asked) -> Program:
    """Return a program with the host in the loop, compiled again; refuse it if it is not the one that was submitted."""
    program = compile_asked(source, asked, {**run.request["options"], **UNLOWERED})
    if program.hash != run.program["again"]:
        raise InputError(
            "the program that this version compiles is not the one that was submitted",
            got=f"run {run.id}: hash {program.hash[:16]}",
            expected=run.program["again"][:16],
            todo="fetch it with the versions it was submitted with: " + versions(run),
        )
    return program


def versions(run: Run) -> str:
    """Return the versions that a run was submitted with."""
    return ", ".join(f"{name} {run.versions[name]}" for name in ("stinespring", "qiskit") if name in run.versions)


class Unwritable:
    """The exporter of a program that was read back from the ledger."""

    def qasm3(self, program: Program) -> str:
        """Refuse: the circuits are in the ledger."""
        return str(program.circuit)

    def write(self, program: Program, path: Any) -> list[Any]:
        """Refuse: the circuits are in the ledger."""
        return [program.circuit]
