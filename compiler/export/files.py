# SPDX-License-Identifier: Apache-2.0
"""Programs on disk: FILE.qasm with FILE.json beside it, or a stepwise program's folder; written whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stinespring.compiler.channels.channel_program import ChannelProgram
from stinespring.compiler.export.qasm import template_qasm
from stinespring.errors import InputError
from stinespring.readings import UNUSED, Register
from stinespring.stages import Program
from stinespring.writing import dump, require_regular, usable, write_whole

if TYPE_CHECKING:
    from stinespring.compiler.systems.lens_program import LensProgram

__all__ = ["write_channel_program", "write_lens_program", "write_program"]

FORMAT = "stinespring/program@1"


def write_program(program: Program, path: str | Path) -> list[Path]:
    """Write a program; return the files.

    A static program becomes ``path`` and a ``.json`` file beside it; a stepwise one the folder ``path`` with its templates,
    ``angles.json`` and ``program.json``. An existing folder is replaced only if it holds a program.
    """
    path = usable(path)
    if program.stepper is not None:
        return write_folder(folder_files(program), path)
    decode = {r.name: decode_table(program, r) for r in program.schedule.registers if r.name in program.schedule.measured}
    return write_pair(path, program.qasm3(), describe(program) | {"decode": decode})


def write_channel_program(program: ChannelProgram, path: str | Path) -> list[Path]:
    """Write a channel's program and its description; return the files."""
    figures = program.summary()
    figures.pop("seconds")  # so that the same program gives the same bytes
    decode = {"outcome": {str(value): outcome for value, outcome in sorted(program.outcomes.items())}}
    return write_pair(
        usable(path), program.qasm3(), {"format": FORMAT, **figures, "decode": decode if program.outcomes else {}}
    )


def write_lens_program(program: LensProgram, path: str | Path) -> list[Path]:
    """Write a lens' program and its description; return the files."""
    figures = program.summary()
    figures.pop("seconds")
    tokens = program.states.decoder.tokens if program.measured else ()
    decode = {"t1": {str(number): token for number, token in enumerate(tokens)}} if tokens else {}
    return write_pair(usable(path), program.qasm3(), {"format": FORMAT, **figures, "decode": decode})


def write_pair(path: Path, text: str, description: dict[str, Any]) -> list[Path]:
    """Write ``path`` and the ``.json`` file beside it; return the files."""
    if path.suffix == ".json":
        raise InputError("the program and its description would have one name", got=str(path), expected="FILE.qasm")
    require_regular(path)
    if not path.parent.is_dir():
        raise InputError("the output cannot be written", got=f"{path}: its folder does not exist", expected="a writable folder")
    beside = path.with_suffix(".json")
    if beside.exists() and not is_program(beside):
        raise InputError(
            "the file beside the program holds something else",
            got=str(beside),
            expected="no file, or an earlier program's description",
            todo="choose another output name",
        )
    write_whole(beside, dump(description))
    write_whole(path, text)
    return [path, beside]


def is_program(path: Path) -> bool:
    """Return whether a file is a program's description, which a new one may replace."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and content.get("format") == FORMAT


def initial_layout(program: Program) -> dict[str, list[int]]:
    """Return where a lowered program's registers start: the device's qubit of each qubit, least significant first."""
    if program.lowered is None or program.lowered.layout is None:
        return {}
    placed = program.lowered.layout.initial_index_layout(filter_ancillas=True)
    if program.dynamic is not None:
        flow = program.dynamic.flow
        return {name: [int(placed[q]) for q in flow.place(name)] for name, _ in flow.quantum}
    return {r.name: [int(placed[q]) for q in program.schedule.place(r.name)] for r in program.schedule.registers}


def describe(program: Program) -> dict[str, Any]:
    """Return what FILE.json says besides the decode table."""
    figures = program.summary()
    figures.pop("seconds")  # so that the same program gives the same bytes
    return {
        "format": FORMAT,
        **figures,
        "model": program.model.name,
        "model_fingerprint": program.model.fingerprint(),
        "prompt": [program.model.tokens[n] for n in program.prompt],
        "prompt_ids": program.prompt.tolist(),
        "steps": program.steps,
        "input": program.input,
        "input_state": None if program.state is None else program.state.content(),
        "layout": initial_layout(program),
    }


def decode_table(program: Program, register: Register) -> dict[str, str | int | None]:
    """Return what each value of a measured register means: a token, a position, or null for the vacuum."""
    table: dict[str, str | int | None] = {}
    for code, symbol in enumerate(register.symbols):
        if symbol == UNUSED:
            continue
        if register.role == "environment":
            table[str(code)] = symbol
        else:
            table[str(code)] = None if symbol == program.model.vacuum else program.model.tokens[symbol]
    return table


def write_folder(files: Mapping[str, str], path: Path) -> list[Path]:
    """Write the files of a stepwise program's folder in one move."""
    if path.exists() and not (path.is_dir() and ((path / "program.json").is_file() or not any(path.iterdir()))):
        raise InputError(
            "the output exists and is no program folder", got=str(path), expected="a new name or an earlier program"
        )
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as scratch:
            made = Path(scratch) / "program"
            made.mkdir()
            for name, content in files.items():
                (made / name).write_text(content, encoding="utf-8")
            if path.exists():
                shutil.move(path, Path(scratch) / "old")
            os.replace(made, path)
    except OSError as error:
        raise InputError(
            "the output cannot be written", got=f"{path}: {error.strerror or error}", expected="a writable folder"
        ) from None
    return [path / name for name in files]


def folder_files(program: Program) -> dict[str, str]:
    """Return the files of a stepwise program's folder by name: templates, angles by prefix, description.

    ``angles.json`` lists, for each prefix (its key is the text generated so far), the template, the angles ``a0, a1, ...``,
    the decode table of the token register and the prefix's probability.
    """
    stepper = program.stepper
    assert stepper is not None, "only stepwise programs have a folder"
    templates: dict[str, str] = {}
    prefixes: dict[str, Any] = {}
    steps = []
    for level in stepper.levels(program.steps):
        name = f"template_{level.step}.qasm"
        text = template_qasm(level.binding.template)
        templates[name] = text
        steps.append(level.step)
        rows = zip(
            level.prefixes.tolist(),
            level.weights.tolist(),
            level.binding.angles.tolist(),
            level.binding.symbols.tolist(),
            strict=True,
        )
        for prefix, weight, angles, symbols in rows:
            decode = {str(code): program.model.tokens[s] for code, s in enumerate(symbols) if s != UNUSED}
            key = program.model.text(prefix)
            prefixes[key] = {"template": name, "ids": prefix, "probability": weight, "angles": angles, "decode": decode}
    complete = bool(steps) and (steps[-1] == program.steps or program.model.stop is not None)
    description = describe(program) | {"templates": sorted(templates), "steps_listed": len(steps), "complete": complete}
    angles_file = {"format": "stinespring/angles@1", "prefixes": prefixes}
    return templates | {
        "angles.json": json.dumps(angles_file, ensure_ascii=False) + "\n",
        "program.json": dump(description),
    }
