# SPDX-License-Identifier: Apache-2.0
"""The page of docs that says which readers take which exports, made of what was measured."""

from __future__ import annotations

from typing import Any

__all__ = ["page"]

HEAD = """# Readers

Written by `python -m benchmarks readers --table` from [{file}](../benchmarks/results/{file}); every cell was tried.

Each program is exported by the command line, read on {date} by the release that is named, in a fresh process of an
environment of its own, and executed where the reader has something to execute programs with.

- **TVD**: it runs, and its counts ({shots:,} shots, or the exact state) agree with the exact law of the text, at that distance;
  false-alarm rate 1e-6.
- **reads**: it takes the text. It has nothing to execute it with here, nothing is measured, or angles are free.
- **no** and a number: it refuses the text; **reads** and a number: it does not run what it has read. The line below the table
  says why.

The kinds: texts as a `static` circuit, a `dynamic` one whose tokens are all measured before they are read, a `one-qubit chain`,
a `template` of a stepwise program (free angles), a channel as `isometry` and as `channel tree` of three measurements, `spins`,
a particle on the `sphere`, a `lens`; then texts with `--dialect braket` and `--dialect qasm2`.
"""
TAIL = """
## What exports do for readers

- Conditions test assigned bits only. OpenQASM 3 leaves a bit undefined until it is assigned, mqt-core 4 refuses programs that
  read such bits, and Qiskit's reader refuses initialisers. A register of which one bit is measured is tested by that bit; where
  more are needed, a qubit in |0> is measured into the missing bits at the start of the export: an assignment that every reader
  takes. No gate is added. FILE.json lists these bits as `measured_from_zero`. A run does not have them (hardware begins with
  zeros); who runs an export on a device pays the time of these measurements, at the start, and their readout error.
- `--dialect braket` uses what all of Braket's gate devices list among their gates (`x h rx ry rz cnot`; from their
  documentation, no device was asked), no include, one classical register. Where the program has several, FILE.json says in
  `bits_of` where their bits are. Conditions are written as tests of single bits joined by `&&`: the local simulator runs them,
  devices do not. `--schedule` is static unless another is asked for.
- `--dialect qasm2` is for static programs: the gates of `qelib1.inc` as it was published, angles in full precision without an
  exponent, registers renamed where the language needs it (`registers_renamed` in FILE.json). The global phase is left out.
- `check --program FILE.json` reads counts of all three; of Braket's with the first bit on the left, as Braket writes them.
"""


def page(result: dict[str, Any], file: str) -> str:
    """Return the page."""
    kinds = list(next(row["cells"] for row in result["rows"] if row["cells"]))
    notes: list[str] = []

    def cell(found: dict[str, Any]) -> str:
        if found["outcome"] in ("runs", "runs wrongly"):
            return f"{found['tvd']:.3f}" if found["outcome"] == "runs" else f"**wrong: {found['tvd']:.3f}**"
        if found["outcome"] == "reads" and "why" not in found:
            return "reads"
        if found["why"] not in notes:
            notes.append(found["why"])
        number = f"{notes.index(found['why']) + 1}"
        return f"reads, {number}" if found["outcome"] == "reads" else f"no, {number}"

    lines = ["| reader | " + " | ".join(kinds) + " |", "|---" * (len(kinds) + 1) + "|"]
    missing = []
    for row in result["rows"]:
        if not row["cells"]:
            missing.append(f"- {row['reader']} was not tried: {row['not_installed']}")
            continue
        lines.append(f"| {row['reader']} {row['version']} | " + " | ".join(cell(row["cells"][kind]) for kind in kinds) + " |")
    told = [f"{number}. `{why.replace('`', chr(39))}`" for number, why in enumerate(notes, 1)]
    head = HEAD.format(file=file, date=result["date"][:10], shots=4000)
    return "\n".join([head, *lines, "", *told, *([""] if missing else []), *missing, TAIL.rstrip(), ""])
