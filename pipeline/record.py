# SPDX-License-Identifier: Apache-2.0
"""A run as the ledger keeps it: what was asked, whole, and what decodes and judges the outcomes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from stinespring.batches import Batch, Circuit, Seen
from stinespring.errors import InputError
from stinespring.ledger.store import Run
from stinespring.models.texts.claims import claim_of
from stinespring.pipeline.readout.flips import FlipPlan, outcomes_of
from stinespring.pipeline.running import compile_asked
from stinespring.pipeline.systems import system
from stinespring.readings import Codebook, Outcomes, Register, decoded
from stinespring.stages import Asked, Cost, Device, Effect, Program
from stinespring.version import __version__

__all__ = ["described", "identity", "requested", "require_kept", "restored", "unlowered"]

UNLOWERED = {"target": "aer", "delays": "none"}


@dataclass(frozen=True, eq=False)
class Written:
    """The body of a program whose calls are all in the ledger already: no circuit of it is needed any more.

    Attributes:
        registers: what the classical registers mean.
        key: of the one call.
        flips: of randomised circuits, the plan.
    """

    host: ClassVar[bool] = False
    registers: tuple[Register, ...]
    key: tuple[int, ...]
    flips: FlipPlan | None = None

    @property
    def circuit(self) -> Circuit:
        """Nothing: the circuits are in the ledger."""
        raise gone()

    def next(self, seen: Seen, shots: int) -> Batch | None:
        """Return the one call, by its name alone."""
        return None if seen else Batch((), self.key)

    def outcomes(self, seen: Seen, shots: int) -> tuple[Outcomes, ...]:
        """Return the decoded readings."""
        if self.flips is not None:
            return outcomes_of(self.flips, seen, self.registers)
        return tuple(decoded(row, self.registers) for row in seen[0])

    def on(self, lower: Callable[[Circuit], Circuit]) -> Written:
        """Return it: it was lowered when it was written."""
        return self


def gone() -> InputError:
    """Return what is said to whoever asks for the circuits of a run that was read back."""
    return InputError("the circuits of this run are in the ledger", got="a run that was read back", todo="compile it again")


def plain_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the compiler's arguments as JSON data."""
    target = options.get("target", "aer")
    return {**options, "target": target.name if isinstance(target, Device) else target}


def requested(
    program: Program, options: Mapping[str, Any], *, wanted: Asked, settings: Mapping[str, Any], shots: int, seed: int | None,
    backend: str, mitigation: str, title: str, detect: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """Return what was asked, so that it can be asked again without the files it came from.

    Args:
        program: with its source, and all that is asked of it.
        options: the compiler's arguments.
        wanted: what was asked before anything of it was drawn.
        settings: arguments of the sampling.
        shots: for the program.
        seed: as given.
        backend: the backend string that was given.
        mitigation: ``none``, ``readout``, ``flips`` or ``always``.
        title: one line for the list of runs.
        detect: whether shots whose readings tell an error will be dropped; written down only where they are.
    """
    source = program.source
    return {
        "kind": program.asked.kind, "name": source.name, "content": source.content(), "fingerprint": source.fingerprint(),
        "asked": program.asked.plain(), "wanted": wanted.plain(), "settings": dict(settings), "options": plain_options(options),
        "shots": shots, "seed": seed, "backend": backend, "mitigation": mitigation, "title": title,
        **({"detect": True} if detect else {}),
    }  # fmt: skip


def require_kept(request: Mapping[str, Any]) -> None:
    """Refuse a source that nobody could make again of what is written down, before anything is sent.

    Raises:
        InputError: a model, decoder or network of the user's own class, whose content this package does not know.
    """
    try:
        found = system(request["kind"]).made(request["content"], request["name"]).fingerprint()
    except InputError as error:
        found = error.what
    if found != request["fingerprint"]:
        raise InputError(
            "the source cannot be made again from what the ledger keeps of it",
            got=f"{request['name']}: {found}",
            expected="a source that stinespring.load makes, or of the package's own classes",
            todo="run it at once, with stinespring.run",
        )


def identity(request: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what was asked: everything that changes the result, but nothing that was drawn.

    The fingerprint stands for the source's content.
    """
    content = {name: value for name, value in request.items() if name not in ("content", "asked", "title")}
    return hashlib.sha256(json.dumps({**content, "version": __version__}, sort_keys=True).encode()).hexdigest()


def unlowered(program: Program, options: Mapping[str, Any]) -> Program:
    """Return a program as it is made again by whoever goes on with its run: for no device, where the host takes part.

    The calls of a run are made of this program, and lowered one by one, so that all of them are of one program.
    """
    if not program.body.host or program.device is None:
        return program
    return compile_asked(program.source, program.asked, {**options, **UNLOWERED})


def calls_of(program: Program) -> int:
    """Return how many calls a program makes; more, where a step has very many prefixes."""
    from stinespring.models.spins.asked import SpinAsked
    from stinespring.models.texts.asked import TextAsked

    asked = program.asked
    return asked.steps if program.body.host and isinstance(asked, TextAsked | SpinAsked) else 1


def described(program: Program, again: Program, first: Batch, mitigation: Mapping[str, Any]) -> dict[str, Any]:
    """Return what decodes and judges a program's outcomes, as JSON data.

    Args:
        program: as it was compiled.
        again: see :func:`unlowered`.
        first: its first call.
        mitigation: what was planned.
    """
    return {
        "schedule": program.schedule, "hash": program.hash, "again": again.hash if program.body.host else None,
        "calls": calls_of(program), "key": list(first.key), "promise": program.promise, "tvd_bound": program.tvd_bound,
        "claim": None if program.claim is None else program.claim.content(), "device": program.device,
        "details": dict(program.details), "cost": program.summary(), "mitigation": dict(mitigation),
        "registers": [[r.name, r.role, list(r.symbols), r.bits, r.step, r.head] for r in program.registers],
        "book": book_content(program.registers),
    }  # fmt: skip


def book_content(registers: Sequence[Register]) -> dict[str, Any] | None:
    """Return the codes that registers share, as JSON data; None where each stands for itself."""
    book = next((register.book for register in registers if register.book is not None), None)
    if book is None:
        return None
    return {"registers": list(book.registers), "codes": book.codes.tolist(), "texts": book.texts.tolist()}


def kept_registers(kept: Mapping[str, Any]) -> tuple[Register, ...]:
    """Return a program's registers, with the codes that they share."""
    registers = tuple(Register(name, role, tuple(symbols), *rest) for name, role, symbols, *rest in kept["registers"])
    content = kept.get("book")
    if content is None:
        return registers
    codes, texts = (np.array(content[name], dtype=np.int64) for name in ("codes", "texts"))
    book = Codebook(tuple(content["registers"]), codes, texts)
    return tuple(replace(each, book=book) if each.name in book.registers else each for each in registers)


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
    figures = kept["cost"]
    cost = Cost(**{name: figures[name] for name in Cost.__dataclass_fields__})
    registers = kept_registers(kept)
    flips = kept["mitigation"].get("flips")
    plan = None if flips is None else FlipPlan.of(flips)
    body = Written(registers, tuple(kept["key"]), plan) if kept["again"] is None else recompiled(run, source, asked).body
    return Program(
        source=source, asked=asked, schedule=kept["schedule"], body=body, registers=registers, promise=kept["promise"],
        tvd_bound=kept["tvd_bound"], claim=None if kept["claim"] is None else claim_of(kept["claim"]), cost=cost,
        seconds=figures["seconds"], hash=kept["hash"], exporter=Unwritable(), device=kept["device"],
        passes=tuple(Effect(**effect) for effect in figures["passes"]), duration=figures["duration"], details=kept["details"],
    )  # fmt: skip


def recompiled(run: Run, source: Any, asked: Asked) -> Program:
    """Return a program with the host in the loop, compiled again; refuse it if it is not the one that was submitted.

    Raises:
        InputError: another version compiles another program.
    """
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
    """The exporter of a program that was read back: it has none, for the circuits that ran are in the ledger."""

    def qasm3(self, program: Program) -> str:
        """Refuse."""
        raise gone()

    def write(self, program: Program, path: str | Path, dialect: str = "qasm3") -> list[Path]:
        """Refuse."""
        raise gone()
