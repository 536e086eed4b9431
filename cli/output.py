# SPDX-License-Identifier: Apache-2.0
"""What the verbs print: data on stdout, everything else on stderr."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from stinespring.cli.progress import progress as progress  # noqa: PLC0414 -- the verbs show it beside what they print

if TYPE_CHECKING:
    from pathlib import Path

    from stinespring.checks.texts.attention import AttentionVerdict
    from stinespring.ledger.submit import Plan
    from stinespring.stages import Effect, Program, Samples, Verdict

EXIT = {"PASS": 0, "FAIL": 1, "UNVERIFIED": 3}
SHOWN = 10  # texts in the table for people


def print_json(data: dict[str, Any]) -> None:
    """Print exactly one JSON object; where stdout cannot carry every character, with escapes."""
    utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    sys.stdout.write(json.dumps(data, indent=1, ensure_ascii=not utf8, allow_nan=False) + "\n")


def require_plot(path: Path | None) -> None:
    """Refuse a figure that could not be written, before the work is done."""
    if path is not None:
        from stinespring.report.figures.plot import require_figure

        require_figure(path)


def require_report(path: Path | None, *others: Path | None) -> None:
    """Refuse a report that could not be written, before the work is done."""
    if path is not None:
        from stinespring.report.html.page import require_report

        require_report(path, *others)


def command_line(seed: int | None = None, run: str | None = None) -> str:
    """Return the command that was given so that it can be given again.

    Args:
        seed: that was drawn; it is added where none was given and the command takes one.
        run: the id of the run that was fetched, to be written instead of ``latest``.
    """
    words = ["stinespring", *(run if run and word == "latest" else word for word in sys.argv[1:])]
    given = "fetch" in words[1:2] or any(word.partition("=")[0] == "--seed" for word in words)
    return shlex.join(words if given or seed is None else [*words, "--seed", str(seed)])


def write_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write an ``.npz`` file."""
    import io

    import numpy as np

    from stinespring.writing import write_whole

    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    write_whole(path, buffer.getvalue())


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a small table for people."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    sys.stdout.write(f"{title}\n")
    table = Table(box=box.SIMPLE)
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index == 0 or column.startswith("what") else "right", overflow="fold")
    for row in rows:
        table.add_row(*[cell.replace("[", r"\[") for cell in row])
    Console(highlight=False, width=None if sys.stdout.isatty() else 100).print(table)


def cost_line(program: Program) -> str:
    """Return a program's cost in one line."""
    c = program.cost
    return (
        f"{program.schedule.kind}: {c.qubits} qubits, {c.two_qubit_gates} two-qubit gates (depth {c.two_qubit_depth}), "
        f"TVD bound {program.tvd_bound:.3g}, compiled in {program.seconds:.2f} s"
    )


PASS_COLUMNS = ("pass", "CX", "depth", "qubits", "TVD bound", "bound from below", "what it did")


def pass_row(effect: Effect) -> list[str]:
    """Return one row of the table of passes: two-qubit gates and depth, qubits, TVD bound, counting lower bound."""
    figures = [f"{n:,}" for n in (effect.two_qubit_gates, effect.two_qubit_depth, effect.qubits)]
    return [effect.name, *figures, f"{effect.tvd_bound:.3g}", f"{effect.lower_bound:,}", effect.reason]


def print_verdict(verdict: Verdict) -> None:
    """Print the verdict and the distances behind it."""
    sys.stdout.write(
        f"TVD {verdict.tvd:.4f}, 95 % interval of the true one [{verdict.tvd_low:.4f}, {verdict.tvd_high:.4f}], "
        f"shot noise alone {verdict.tvd_noise_floor:.4f}, Hellinger fidelity {verdict.hellinger_fidelity:.5f}\n"
        f"{verdict.verdict}: {verdict.reason}\n"
    )


def print_attention(attention: AttentionVerdict) -> None:
    """Print the sampled attention map beside the analytic one."""
    rows = []
    for name, verdict in attention.by_register.items():
        pairs = zip(attention.sampled[name].tolist(), attention.analytic[name].tolist(), strict=True)
        shares = "  ".join(f"{share:.3f}/{law:.3f}" for share, law in pairs)
        rows.append([name, shares, f"{verdict.p_value:.3g}", verdict.verdict])
    print_table("Attention, sampled/analytic by position", ["step", "what was attended to", "p", "verdict"], rows)
    sys.stdout.write(f"{attention.verdict}: attention map, p = {attention.p_value:.3g} over {len(rows)} register(s)\n")


def text_rows(samples: Samples) -> list[dict[str, Any]]:
    """Return every sampled text with its key, its reading, its token numbers and its count, the most frequent first."""
    model = samples.model
    rows = sorted(zip(samples.counts.tolist(), samples.texts.tolist(), strict=True), key=lambda row: (-row[0], row[1]))
    return [
        {"key": model.text(t), "text": model.plain(t), "ids": [n for n in t if n != model.vacuum], "count": c} for c, t in rows
    ]


def samples_summary(
    cost: Mapping[str, Any], samples: Samples, verdict: Verdict, positions: AttentionVerdict | None
) -> dict[str, Any]:
    """Return what ``run --json`` and ``fetch --json`` print of sampled texts."""
    rows = text_rows(samples)
    return verdict.summary() | {
        "seconds": samples.seconds, "counts": {row["key"]: row["count"] for row in rows}, "cost": dict(cost),
        "texts": [{name: row[name] for name in ("text", "ids", "count")} for row in rows], "seed": samples.seed,
        "backend": samples.backend, "attention": dict(samples.attention),
        "attention_verdict": None if positions is None else positions.summary(), "metadata": dict(samples.metadata),
    }  # fmt: skip


def print_samples(
    samples: Samples, verdict: Verdict, positions: AttentionVerdict | None, source: str, cost: str | None = None
) -> None:
    """Print the most frequent texts, the cost and the verdicts for people."""
    rows = text_rows(samples)
    table = [
        [repr(row["text"]), " ".join(map(str, row["ids"])), f"{row['count']:,}", f"{row['count'] / samples.shots:.4f}"]
        for row in rows[:SHOWN]
    ]
    print_table(f"{samples.shots:,} texts after {source!r}, {len(rows):,} different", ["text", "ids", "count", "share"], table)
    if cost is not None:
        sys.stdout.write(f"{cost}, sampled in {samples.seconds:.2f} s on {samples.backend}\n")
    print_verdict(verdict)
    if positions is not None:
        print_attention(positions)


def worst(verdict: Verdict, positions: AttentionVerdict | None) -> str:
    """Return the worst of the verdicts on the texts and on the attended positions."""
    found = [verdict.verdict] + ([] if positions is None else [positions.verdict])
    return next(name for name in ("FAIL", "UNVERIFIED", "PASS") if name in found)


def print_estimate(planned: Plan, to: TextIO | None = None) -> None:
    """Print what a run will take, for people."""
    e = planned.estimate
    duration = "unknown" if e.duration_s is None else f"{e.duration_s * 1e6:.1f} us a shot"
    needed = "cannot be told" if e.shots_for_verdict is None else f"{e.shots_for_verdict:,}"
    (to or sys.stdout).write(
        f"{planned.program.schedule.kind} program on {planned.backend.name}: {e.qubits_used} qubits, "
        f"{e.two_qubit_gates} two-qubit gates, duration {duration}\n"
        f"{planned.request.shots:,} shots: {e.circuits:,} circuit(s) in {e.jobs} job(s), about "
        f"{e.qpu_seconds:.1f} s of QPU time\n"
        f"expected TVD {e.expected_tvd:.3g} ({e.expected_tvd_by}); shots for a verdict: {needed}\n"
    )
