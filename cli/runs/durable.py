# SPDX-License-Identifier: Apache-2.0
"""Commands other than ``run`` on services that keep jobs: written into the ledger, and run again from there by ``fetch``."""

from __future__ import annotations

import io
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from contextvars import ContextVar
from hashlib import sha256
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from stinespring.backends.registry import opened
from stinespring.backends.remote import keeps_jobs
from stinespring.backends.seeds import root_seed
from stinespring.errors import InputError
from stinespring.version import __version__

if TYPE_CHECKING:
    from stinespring.backends.base import Backend
    from stinespring.ledger.store import Ledger, Run

__all__ = ["COMMANDS", "again", "durable"]

COMMANDS: Mapping[str, tuple[str, str]] = {
    "spins sample": ("stinespring.cli.spins.circuits", "sample_"),
    "sphere sample": ("stinespring.cli.sphere.sphere", "sample_"),
    "sphere overlaps": ("stinespring.cli.sphere.sphere", "overlaps_"),
    "lens run": ("stinespring.cli.lens.run", "run_"),
}
MONTH = 30 * 86_400.0
REPLAYED: ContextVar[tuple[Backend, int] | None] = ContextVar("REPLAYED", default=None)


@contextmanager
def durable(command: str, arguments: Mapping[str, Any], *, calls: int) -> Iterator[tuple[Backend, int]]:
    """Give the backend and the seed that a command samples with.

    On a service that keeps jobs every call becomes a job of a new run of the ledger, which ``fetch`` and ``resume`` know; the
    run is done when the block ends. Other backends are opened as they are.

    Args:
        command: one of :data:`COMMANDS`.
        arguments: of its function, by name, with ``backend``, ``seed`` and ``shots``; files by their paths.
        calls: about how many circuits it will sample, one after the other.
    """
    replayed = REPLAYED.get()
    if replayed is not None:
        yield replayed
        return
    with opened(arguments["backend"]) as backend:
        seed = root_seed(arguments["seed"])
        if not keeps_jobs(backend):
            yield backend, seed
            return
        from stinespring.ledger.durable import Calls, LedgerBackend
        from stinespring.ledger.store import Ledger, Run, fresh_id, now

        ledger = Ledger()
        request = {"kind": "command", "command": command, "calls": calls, **stored(arguments, seed)}
        content = json.dumps({**request, "seed": arguments["seed"], "version": __version__}, sort_keys=True)
        run = Run(
            fresh_id(), sha256(content.encode()).hexdigest(), "created", backend.name, int(arguments["shots"]), seed, now(), "",
            request, {"cost": {}}, {}, {"stinespring": __version__, **backend.metadata()},
        )  # fmt: skip
        ledger.add(run, [], backend.calibration())
        sys.stderr.write(f"run {run.id} is in the ledger; it can be fetched and resumed\n")
        yield LedgerBackend(ledger, run.id, backend, Calls(seed, calls), MONTH), seed
        ledger.update(run.id, state="done", message="")


def stored(arguments: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """Return a command's arguments as JSON data, with the content of the files that it reads."""
    plain = {name: str(value) if isinstance(value, Path) else value for name, value in arguments.items()}
    files = {
        name: value.read_text(encoding="utf-8")
        for name, value in arguments.items()
        if isinstance(value, Path) and value.is_file()
    }
    name = Path(plain.get("file") or plain.get("model") or "").stem
    asked = {"prompt": plain.get("prompt"), "steps": plain.get("steps", plain.get("layers"))}
    return {"name": name, "options": asked, "arguments": {**plain, "seed": seed}, "files": files}


def again(
    ledger: Ledger, run: Run, *, wait: float | None, send: bool, json: bool, page: Path | None = None
) -> tuple[str, int] | None:
    """Run a stored command again with what was measured, as far as it goes.

    Args:
        ledger: where the run is kept.
        run: of a command.
        wait: seconds to wait for outcomes; None: none.
        send: whether what was never sent is sent.
        json: whether it prints JSON.
        page: where it writes its report, or None.

    Returns:
        What it printed and its exit status; None if it is not done yet.

    Raises:
        InputError: a report is asked of a command that has none.
    """
    from stinespring.ledger.durable import Calls, LedgerBackend, Pending

    request = run.request
    module, name = COMMANDS[request["command"]]
    function: Callable[..., None] = getattr(import_module(module), name)
    if page is not None and "page" not in signature(function).parameters:
        raise InputError("the command has no report", got=f"run {run.id}: {request['command']}", todo="leave out --report")
    with tempfile.TemporaryDirectory() as scratch, opened(run.backend) as remote:
        assert keeps_jobs(remote), "only services that keep jobs have runs of commands"
        arguments = {**request["arguments"], "json": json, "plot": None}
        if "plot" not in request["arguments"]:
            arguments.pop("plot")
        if page is not None:
            arguments["page"] = page
        for argument, content in request["files"].items():
            path = Path(scratch) / Path(request["arguments"][argument]).name
            path.write_text(content, encoding="utf-8")
            arguments[argument] = path
        backend = LedgerBackend(ledger, run.id, remote, Calls(run.seed, request["calls"]), wait, send)
        token, printed = REPLAYED.set((backend, run.seed)), io.StringIO()
        try:
            with redirect_stdout(printed):
                function(**arguments)
        except Pending:
            return None
        except typer.Exit as end:
            if ledger.run(run.id).state != "done":
                ledger.update(run.id, state="done", message="")
            return printed.getvalue(), end.exit_code
        finally:
            REPLAYED.reset(token)
    return printed.getvalue(), 0
