# SPDX-License-Identifier: Apache-2.0
"""The report of a program that was compared with the channel it should be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stinespring.batches import Circuit
from stinespring.circuits.devices.read_back import flow_of
from stinespring.errors import InputError
from stinespring.models.channels.cptp import CPTP
from stinespring.report.figures.timeline import columns, lines
from stinespring.report.html.page import Figure, Finding, Page, Part, Section, plain_table
from stinespring.report.html.parts import MOST_COLUMNS, MOST_LINES, cost_table, distances, explained, qasm_part
from stinespring.report.html.tables import sampled_parts
from stinespring.report.qiskit_cost import isometry_beside
from stinespring.report.rows import rows_of, words_of
from stinespring.report.svg.gates import circuit_picture
from stinespring.stages import Samples, Verdict

__all__ = ["verified_page"]


def verified_page(
    channel: CPTP, circuit: Circuit, text: str, verdict: Verdict, *, name: str, command: str, samples: Samples | None = None,
    figures: Mapping[str, Any] | None = None, settings: Mapping[str, Any] | None = None,
) -> Page:  # fmt: skip
    """Return the report of ``verify-channel``.

    Args:
        channel: what the program should do.
        circuit: the program.
        text: its OpenQASM.
        verdict: what was found.
        name: of the program's file.
        command: how to get it again.
        samples: of product inputs and measurements, if it was sampled.
        figures: of the exact comparison otherwise.
        settings: rows of the provenance.
    """
    if samples is None:
        parts: list[Part] = [plain_table("how far the process is from the channel", figures or {})]
        told = "compared exactly: its Choi matrix with the channel's"
    else:
        parts = [*sampled_parts(rows_of(samples), words_of(samples)), distances(verdict), explained(verdict)]
        told = f"sampled with product inputs and measurements on {samples.backend}"
    return Page(
        title=f"{name} against {channel.name}",
        lead=f"{channel.inputs} qubit(s) in, {channel.outputs} out, Kraus rank {channel.rank}; {told}",
        command=command,
        verdict=Finding(verdict.verdict, "process", verdict.reason),
        sections=[
            Section("The process", parts),
            Section("The program", [*drawn(circuit), cost_table(isometry_beside(channel, circuit)), qasm_part(text)]),
        ],
        provenance={
            "channel": channel.fingerprint(),
            **(settings or {}),
            **({} if samples is None else {"seed": samples.seed}),
        },
    )


def drawn(circuit: Circuit) -> list[str | Figure]:
    """Return the circuit as gates, where it is small."""
    try:
        flow = flow_of(circuit)
    except InputError as error:
        return [f"The circuit is not drawn: {error.what}."]
    if len(lines(flow)[0]) > MOST_LINES or len(columns(flow)) > MOST_COLUMNS:
        return [f"{len(lines(flow)[0])} lines, {len(columns(flow))} columns: too large to draw here."]
    return [Figure([circuit_picture(flow, "the program")], "the program as it was read, time from the left")]
