# SPDX-License-Identifier: Apache-2.0
"""Programs on disk: FILE.qasm with FILE.json beside it, or a stepwise program's folder; written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stinespring.batches import Several
from stinespring.circuits.qasm.assigned import INPUTS
from stinespring.circuits.qasm.dialects import Dialect, require_dialect
from stinespring.circuits.qasm.pairs import FORMAT, digest, stamped
from stinespring.compiler.export.decode import decode_tables
from stinespring.compiler.export.dialects import WrittenText, written
from stinespring.compiler.export.faithful import is_read_back
from stinespring.compiler.export.forms import Listing
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
            return written(body.widest).text
        if body.lowered is not None:
            return written(body.circuit, inputs=input_qubits(program)).text
        return written(body.forms[0] if isinstance(body, Several) else body.form).text

    def write(self, program: Program, path: str | Path, dialect: str = "qasm3") -> list[Path]:
        """Write a program in a dialect; return the files.

        One circuit becomes ``path`` and a ``.json`` file beside it; several, and those of a host in the loop, the folder
        ``path`` with the circuits, ``program.json``, and for free angles ``angles.json``. An existing folder is replaced only
        if it holds a program.
        """
        body: Any = program.body
        path, language = usable(path), require_dialect(dialect)
        if body.host:
            return write_folder(*listed_files(program, language), path)
        if isinstance(body, Several):
            return write_folder(*several_files(program, body, language), path)
        form = body.form if body.lowered is None else body.circuit
        found = written(form, language, finish=stamped, inputs=input_qubits(program))
        told = {"decode": decode_tables(program), "read_back": is_read_back(form)}
        return write_pair(path, found.text, describe(program) | told | found.told)


EXPORTER: Exporter = FileExporter()


def together(found: Mapping[str, WrittenText]) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the texts of several circuits by name, and what a reader has to know of each beside the dialect."""
    told: dict[str, Any] = {}
    for name, one in found.items():
        for key, value in one.told.items():
            if key == "dialect":
                told[key] = value
            else:
                told.setdefault(key, {})[name] = value
    return {name: one.text for name, one in found.items()}, told


def input_qubits(program: Program) -> list[int]:
    """Return the qubits of a device that hold an input at the start."""
    return [qubit for name, qubits in initial_layout(program).items() if INPUTS.fullmatch(name) for qubit in qubits]


def write_pair(path: Path, text: str, description: dict[str, Any]) -> list[Path]:
    """Write ``path`` and, last, the ``.json`` file beside it; the circuit's hash is in both. Return the files."""
    if path.suffix == ".json":
        raise InputError("the program and its description would have one name", got=str(path), expected="FILE.qasm")
    require_named(path)
    beside = path.with_suffix(".json")
    for file in (path, beside):
        require_regular(require_place(file))
    require_beside(beside)
    write_whole(path, text)
    write_whole(beside, dump(description | {"circuit_hash": digest(text)}))
    return [path, beside]


def require_beside(beside: Path) -> None:
    """Refuse to replace a file that is no program's description by one."""
    if beside.exists() and not is_program(beside):
        raise InputError(
            "the file beside the program holds something else",
            got=str(beside),
            expected="no file, or an earlier program's description",
            todo="choose another output name",
        )


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


def listed_files(program: Program, dialect: Dialect) -> tuple[dict[str, str], dict[str, Any]]:
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
    pieces = {name: written(template, dialect, finish=stamped) for name, template in found.templates.items()}
    files, told = together(pieces)
    description |= told
    description["read_back"] = all(map(is_read_back, found.templates.values()))
    return files | {"angles.json": json.dumps(angles, ensure_ascii=False) + "\n"}, description


def several_files(program: Program, body: Several, dialect: Dialect) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the files of several circuits by name, and their description; free angles of a circuit are listed row by row."""
    layers = program.details.get("layers", ())
    stem = "layer" if program.schedule == "stepwise" and len(layers) == len(body.forms) else "circuit"
    names = [f"{stem}_{number}.qasm" for number in range(1, len(body.forms) + 1)]
    forms = body.forms if body.lowered is None else body.lowered
    pieces = {name: written(form, dialect, finish=stamped) for name, form in zip(names, forms, strict=True)}
    files, told = together(pieces)
    rows = {name: table.tolist() for name, table in zip(names, body.angles, strict=True) if table is not None}
    description = describe(program) | {
        "templates": sorted(files), "decode": decode_tables(program), "read_back": all(map(is_read_back, forms)), **told
    }  # fmt: skip
    if rows:
        files["angles.json"] = json.dumps({"format": "stinespring/angles@1", "rows": rows}) + "\n"
    return files, description
