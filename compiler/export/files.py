# SPDX-License-Identifier: Apache-2.0
"""Programs on disk: FILE.qasm with FILE.json beside it, or a stepwise program's folder; written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from stinespring.batches import Several
from stinespring.circuits.qasm.pairs import FORMAT, digest, stamped
from stinespring.compiler.export.decode import decode_tables
from stinespring.compiler.export.faithful import is_read_back, read_back
from stinespring.compiler.export.forms import Listing
from stinespring.compiler.export.qasm import form_qasm, lowered_qasm
from stinespring.compiler.texts.operations import Layout
from stinespring.errors import InputError
from stinespring.models.spins.network import SpinNetwork
from stinespring.models.texts.base import TextModel
from stinespring.reading import read_json
from stinespring.stages import Exporter, Program
from stinespring.writing import dump, require_named, require_place, require_regular, usable, write_files, write_whole

__all__ = ["EXPORTER"]

SPIN_BITS = "bit i of a register t<l> is spin i; 0 means +1, 1 means -1"


class FileExporter:
    """Writes programs of every source."""

    def qasm3(self, program: Program) -> str:
        """Return the circuit as it is run, of several the first, as OpenQASM 3; of a host in the loop its widest template.

        Templates are written as they are before any device.
        """
        body: Any = program.body
        if body.host:
            return written(body.widest)
        if body.lowered is not None:
            return written(body.circuit)
        return written(body.forms[0] if isinstance(body, Several) else body.form)

    def write(self, program: Program, path: str | Path) -> list[Path]:
        """Write a program; return the files.

        One circuit becomes ``path`` and a ``.json`` file beside it; several, and those of a host in the loop, the folder
        ``path`` with the circuits, ``program.json``, and for free angles ``angles.json``. An existing folder is replaced only
        if it holds a program.
        """
        body: Any = program.body
        path = usable(path)
        if body.host:
            return write_folder(*listed_files(program), path)
        if isinstance(body, Several):
            return write_folder(*several_files(program, body), path)
        form = body.form if body.lowered is None else body.circuit
        told = {"decode": decode_tables(program), "read_back": is_read_back(form)}
        return write_pair(path, written(form, stamped), describe(program) | told)


EXPORTER: Exporter = FileExporter()


def written(form: Any, finish: Callable[[str], str] = str) -> str:
    """Return a form, or a circuit on a device, as OpenQASM 3 that was read back after ``finish``, as it will be written."""
    return read_back(finish(lowered_qasm(form) if hasattr(form, "data") else form_qasm(form)), form)


def write_pair(path: Path, text: str, description: dict[str, Any]) -> list[Path]:
    """Write ``path`` and, last, the ``.json`` file beside it; the circuit's hash is in both. Return the files."""
    if path.suffix == ".json":
        raise InputError("the program and its description would have one name", got=str(path), expected="FILE.qasm")
    require_named(path)
    beside = path.with_suffix(".json")
    for file in (path, beside):
        require_regular(require_place(file))
    if beside.exists() and not is_program(beside):
        raise InputError(
            "the file beside the program holds something else",
            got=str(beside),
            expected="no file, or an earlier program's description",
            todo="choose another output name",
        )
    write_whole(path, text)
    write_whole(beside, dump(description | {"circuit_hash": digest(text)}))
    return [path, beside]


def is_program(path: Path) -> bool:
    """Return whether a file is a program's description, which a new one may replace."""
    try:
        return read_json(path, kind="description").get("format") == FORMAT
    except InputError:
        return False


def describe(program: Program) -> dict[str, Any]:
    """Return what FILE.json says besides the decode tables: the figures, and what the source is."""
    figures = program.summary()
    figures.pop("seconds")  # so that the same program gives the same bytes
    source, told = program.source, dict[str, Any]({"format": FORMAT})
    if program.device is not None or isinstance(source, TextModel):
        told |= {"layout": initial_layout(program)}
    if isinstance(source, TextModel):
        asked = program.asked
        state = asked.begin(source).state if program.details["input"] == "quantum" else None
        told |= {
            "model": source.name, "model_fingerprint": source.fingerprint(), "steps": asked.steps,
            "prompt": [source.tokens[number] for number in asked.prompt], "prompt_ids": list(asked.prompt),
            "input_state": None if state is None else state.content(),
        }  # fmt: skip
    if isinstance(source, SpinNetwork):
        told |= {"bits": SPIN_BITS, "network": source.one_column_a_spin().content()}
    return told | figures


def initial_layout(program: Program) -> dict[str, list[int]]:
    """Return where the registers of a circuit on a device start: the device's qubit of each qubit, least significant first."""
    body: Any = program.body
    if body.host or isinstance(body, Several) or body.lowered is None or body.lowered.layout is None:
        return {}
    placed = body.lowered.layout.initial_index_layout(filter_ancillas=True)
    form = body.form
    names = [r.name for r in form.registers] if isinstance(form, Layout) else [name for name, _ in form.quantum]
    return {name: [int(placed[qubit]) for qubit in form.place(name)] for name in names}


def write_folder(files: Mapping[str, str], description: dict[str, Any], path: Path) -> list[Path]:
    """Write the files of a program's folder in one move, with the hash of each in ``program.json``."""
    hashes = {name: digest(content) for name, content in files.items()}
    return write_files(path, {**files, "program.json": dump(description | {"hashes": hashes})}, holds="program.json")


def listed_files(program: Program) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the files of a host in the loop by name, templates and angles by prefix, and their description.

    ``angles.json`` lists, for each prefix (its key is the text generated so far), the template, the angles ``a0, a1, ...``, the
    prefix's probability, and what the codes mean where that depends on the prefix.
    """
    body: Any = program.body
    found: Listing = body.listing()
    description = describe(program) | {
        "templates": sorted(found.templates), "steps_listed": found.steps, "complete": found.complete
    }  # fmt: skip
    if isinstance(program.source, SpinNetwork):
        description["decode"] = decode_tables(program)
    angles = {"format": "stinespring/angles@1", "prefixes": found.prefixes}
    files = {name: written(template, stamped) for name, template in found.templates.items()}
    description["read_back"] = all(map(is_read_back, found.templates.values()))
    return files | {"angles.json": json.dumps(angles, ensure_ascii=False) + "\n"}, description


def several_files(program: Program, body: Several) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the files of several circuits by name, and their description; free angles of a circuit are listed row by row."""
    layers = program.details.get("layers", ())
    stem = "layer" if program.schedule == "stepwise" and len(layers) == len(body.forms) else "circuit"
    names = [f"{stem}_{number}.qasm" for number in range(1, len(body.forms) + 1)]
    forms = body.forms if body.lowered is None else body.lowered
    files = {name: written(form, stamped) for name, form in zip(names, forms, strict=True)}
    rows = {name: table.tolist() for name, table in zip(names, body.angles, strict=True) if table is not None}
    description = describe(program) | {
        "templates": sorted(files), "decode": decode_tables(program), "read_back": all(map(is_read_back, forms))
    }  # fmt: skip
    if rows:
        files["angles.json"] = json.dumps({"format": "stinespring/angles@1", "rows": rows}) + "\n"
    return files, description
