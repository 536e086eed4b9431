# SPDX-License-Identifier: Apache-2.0
"""What the reports of sampled programs have in common, whatever the source."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from stinespring.compiler.options import DECODERS
from stinespring.errors import InputError
from stinespring.ledger.store import Ledger, Run
from stinespring.pipeline.record import Written
from stinespring.pipeline.whole import Found, Result
from stinespring.report.figures.draw import extent
from stinespring.report.html.page import Code, Figure, Finding, PageTable, Part, Section, plain_table
from stinespring.report.qiskit_cost import CircuitCost, besides, besides_sent
from stinespring.report.svg.gates import gates_pictures, program_pictures
from stinespring.stages import Program, Samples, Verdict

__all__ = [
    "MOST_COLUMNS",
    "MOST_LINES",
    "asked_sections",
    "cost_of",
    "cost_table",
    "distances",
    "explained",
    "findings_of",
    "mitigation",
    "program_sections",
    "provenance_of",
    "qasm_part", "where",
]  # fmt: skip

MOST_LINES, MOST_COLUMNS = 16, 60  # of a drawing that can be read on a page
MOST_QUASI = 20  # quasi-probabilities that are listed
MOST_FINDINGS = 6  # parts of a verdict that are listed below it
MOST_NOISE = 0.9  # TVD that shot noise makes, above which there is nothing to be seen
MOST_QASM = 200_000  # characters of a program that can be copied from a page


def cost_of(found: Found) -> Mapping[str, Any]:
    """Return a program's figures, of a run in the ledger as they were when it was submitted; none of counts from elsewhere."""
    if found.program is None:
        return {}
    return found.program.summary() if found.run is None else found.run.program["cost"]


def findings_of(verdict: Verdict, about: str) -> list[Finding]:
    """Return a verdict, or the few parts that it was combined from."""
    parts = {about: verdict} if not 1 < len(verdict.parts) <= MOST_FINDINGS else verdict.parts
    return [Finding(part.verdict, name, part.reason) for name, part in parts.items()]


def where(samples: Samples) -> str:
    """Return where samples come from, in words."""
    return f"read from {samples.backend.partition(':')[2] or 'a file'}" if samples.backend.startswith("file") else (
        f"sampled on {samples.backend}"
    )  # fmt: skip


def explained(verdict: Verdict) -> str:
    """Return one sentence that says what TVD and resolution are, with this verdict's figures."""
    d = verdict.distance
    tvd = "" if d is None else f" (here {d.tvd:.4f}, and shot noise alone would make {d.noise_floor:.4f})"
    if d is not None and d.noise_floor > MOST_NOISE:
        tvd = " (of so many possible readings as here it cannot be told: shot noise alone would make nearly 1)"
    resolution = f" (here {verdict.resolution:.3g})" if verdict.resolution < 1 else ""
    return (
        "TVD, the total variation distance, is the largest difference between the two laws in the probability of any event, 0 "
        f"where they are equal and 1 where they never agree{tvd}; the resolution is the smallest TVD that so many shots would "
        f"have shown with probability 0.9{resolution}, so a PASS says nothing about deviations below it."
    )


def distances(verdict: Verdict) -> PageTable:
    """Return the distances between what was sampled and the law, and what the shots could have told."""
    d, needed = verdict.distance, verdict.shots_needed
    rows = [["p-value", f"{verdict.p_value:.4g}", f"false-alarm rate {verdict.alpha:g}"]]
    if d is not None:
        rows += [
            ["total variation distance", f"{d.tvd:.5f}", f"shot noise alone: {d.noise_floor:.5f}"],
            ["95 % interval of the true one", f"{d.low:.5f} to {d.high:.5f}", ""],
            ["leakage", f"{d.lost:,} shots", "readings that stand for nothing or have probability 0"],
            ["Hellinger fidelity", f"{d.hellinger_fidelity:.6f}", ""],
        ]
    if "within" in verdict.figures:
        low, high = verdict.figures["within_low"], verdict.figures["within_high"]
        rows.append([
            f"within {verdict.figures['within']:g}", verdict.verdict,
            f"TVD {low:.5f} to {high:.5f} with confidence {1 - verdict.alpha:.6g} at each end",
        ])  # fmt: skip
    rows += [
        ["resolution", f"{verdict.resolution:.4g}", "the smallest distance these shots detect with power 0.9"],
        ["shots", f"{verdict.shots:,}", f"needed: {needed:,}" if needed else ""],
    ]
    return PageTable("distances", ["figure", "value", "what to compare it with"], rows)


def mitigation(note: Mapping[str, Any]) -> str | PageTable:
    """Return what was mitigated, or why nothing was."""
    if not note.get("applied"):
        return f"Readout errors were not mitigated: {note.get('why', 'not asked for')}."
    listed = note.get("quasi_probabilities", {})
    shown = {**note, "quasi_probabilities": f"of {len(listed):,} readings"} if len(listed) > MOST_QUASI else note
    return plain_table("readout errors were mitigated", shown)


def program_sections(found: Found) -> list[Section]:
    """Return the drawing of a program, what it costs beside Qiskit's own synthesis, the OpenQASM and what the compiler did.

    Of counts from elsewhere the program is not known.
    """
    if found.program is None:
        return []
    cost = cost_of(found)
    figures = {name: value for name, value in cost.items() if name not in ("passes", "hash", "costs")}
    if figures.get("codes") in DECODERS:  # counts only compare within one class
        figures["codes"] = f"{figures['codes']}: {DECODERS[figures['codes']]}"
    parts: list[Part] = [*drawing(found), plain_table("cost", figures)]
    if isinstance(found.program.body, Written):
        parts.append(cost_table(besides_sent(found.samples, cost)))
    else:
        parts += [cost_table(besides(found.program)), openqasm(found.program)]
    return [Section("The program", [*parts, *passes(cost)])]


def cost_table(found: list[CircuitCost] | str) -> str | PageTable:
    """Return what a program takes beside what Qiskit's own synthesis of the same takes, computed now."""
    if isinstance(found, str):
        return found
    rows = [[one.what, *(f"{figure:,}" for figure in one[1:])] for one in found]
    caption = "the cost beside Qiskit's own synthesis, computed for this page, all-to-all"
    return PageTable(caption, ["circuit", "qubits", "two-qubit gates", "two-qubit depth"], rows)


def openqasm(program: Program) -> str | Code:
    """Return the program as OpenQASM 3 to copy; of several circuits the first, of a host in the loop its widest template."""
    try:
        text = program.qasm3()
    except InputError as error:  # circuits of a host in the loop that is not there any more, or too large for the exporter
        return f"There is no OpenQASM to copy here: {error.what}."
    number = len(getattr(program.body, "forms", ()))
    which = f", the first of {number} circuits" if number > 1 else ", the template of one step" if program.body.host else ""
    return qasm_part(text, which)


def qasm_part(text: str, which: str = "") -> str | Code:
    """Return OpenQASM to copy, unless it is too long for a page."""
    if len(text) > MOST_QASM:
        return f"Its OpenQASM has {len(text):,} characters, too many for a page; 'compile -o FILE.qasm' writes it."
    return Code(f"OpenQASM 3 to copy{which}: {len(text.splitlines()):,} lines", text)


def drawing(found: Result) -> list[str | Figure]:
    """Return the drawing of a program that is at hand and small enough to be read, and its gates if they are few."""
    program = found.program
    if isinstance(program.body, Written):
        return ["The circuits of this run are in the ledger, not at hand: they are not drawn here; see 'compile --draw'."]
    lines, columns = extent(program)
    if lines > MOST_LINES or columns > MOST_COLUMNS:
        return [f"{lines} lines, {columns} columns: too large to draw here; see 'compile --draw'."]
    caption = "the program before any device: registers or qubits from above to below, time from the left"
    return [Figure([*program_pictures(program), *gates_pictures(program)], caption)]


def passes(cost: Mapping[str, Any]) -> list[PageTable]:
    """Return what each pass of the compiler did, if it took note."""
    rows = [
        [p["name"], *(f"{p[key]:,}" for key in ("two_qubit_gates", "two_qubit_depth", "qubits")), f"{p['tvd_bound']:.3g}",
         f"{p['lower_bound']:,}", p["reason"]]
        for p in cost.get("passes", ())
    ]  # fmt: skip
    names = ["pass", "two-qubit gates", "depth", "qubits", "TVD bound", "bound from below", "what it did"]
    return [PageTable("passes of the compiler", names, rows)] if rows else []


def asked_sections(found: Found) -> list[Section]:
    """Return what was asked of a run in the ledger, what it was to take, and the calibration of the day; nothing of others."""
    run = found.run
    if run is None:
        return []
    calibration = calibration_of_the_day(run)
    parts: list[str | PageTable] = [
        plain_table("the request in the ledger", asked_of(run)), plain_table("the estimate before it was sent", run.estimate)
    ]  # fmt: skip
    if calibration is None:
        parts.append("The backend had no calibration when the run was submitted.")
    else:
        parts.append(plain_table("the device's calibration when the run was submitted", plain_entries(calibration)))
    return [Section("What was asked", parts)]


def asked_of(run: Run) -> dict[str, Any]:
    """Return what was asked of a run by name."""
    request = run.request
    return {
        "model": request["name"], "kind": request["kind"], **request["asked"], **request["options"], "shots": run.shots,
        "seed": run.seed, "when": run.created, "backend": run.backend,
    }  # fmt: skip


def calibration_of_the_day(run: Run) -> dict[str, Any] | None:
    """Return the device's calibration when a run was submitted."""
    return Ledger().calibration(run.id)


def plain_entries(calibration: Mapping[str, Any]) -> dict[str, Any]:
    """Return a calibration's digest and figures; of what it lists by qubit or gate the number of entries."""
    figures = {
        name: f"{len(value):,} entries" if isinstance(value, list | dict) else value for name, value in calibration.items()
    }
    return {"digest": digest_of(calibration), **figures}


def digest_of(calibration: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a calibration."""
    return hashlib.sha256(json.dumps(calibration, sort_keys=True).encode()).hexdigest()


def provenance_of(found: Found) -> dict[str, Any]:
    """Return where the numbers of a page come from: source, program, backend, seed, calibration and versions."""
    samples, run = found.samples, found.run
    calibration = None if run is None else calibration_of_the_day(run)
    return {
        "model": samples.source.fingerprint(), "program": cost_of(found).get("hash"), "backend": samples.backend,
        "seed": samples.seed, "calibration": None if calibration is None else digest_of(calibration), **samples.metadata,
    }  # fmt: skip
