# SPDX-License-Identifier: Apache-2.0
"""``stinespring lens run``: the layers sampled as circuits, each point against what the lens says."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from stinespring.backends.lens import run_lens
from stinespring.checks.texts.verdict import check, require_shares
from stinespring.cli import options
from stinespring.cli.lens.prompt import prompt_states
from stinespring.cli.output import EXIT, print_json, print_table, progress
from stinespring.cli.runs.durable import durable
from stinespring.compiler.systems.lens import compile_lens
from stinespring.compiler.systems.lens_program import LensProgram
from stinespring.errors import InputError
from stinespring.models.decoders.glass import load_decoder
from stinespring.models.lens.states import LensStates
from stinespring.models.lens.tuned import named_lens
from stinespring.models.texts.joint import require_count
from stinespring.stages import Samples, Verdict

Every = Annotated[bool, typer.Option("--every-point", help="Measure after every layer, one program for each point.")]
Found = list[tuple[LensProgram, Samples, Verdict]]
TOP = 10  # tokens in the output of several points


def run_(
    model: options.DecoderModel,
    prompt: options.TextPrompt,
    upto: options.Upto = None,
    every_point: Every = False,
    time: options.LayerTime = 1.0,
    simplify: options.SimplifyOption = "operators",
    lens: options.Lens = "logit",
    shots: options.Shots = 100_000,
    seed: options.Seed = None,
    backend: options.BackendOption = "aer",
    alpha: options.Alpha = 0.001,
    resolution: options.Resolution = 0.05,
    json: options.Json = False,
) -> None:
    """Sample the layers as circuits: the last point is held to the model's own softmax, the others to their lens."""
    if every_point and (upto is not None or time != 1.0):
        raise InputError("--every-point measures whole layers, all of them", got="--upto or --time beside it")
    require_count(shots, "shots")
    require_shares(alpha, resolution)
    decoder = load_decoder(model)
    states = prompt_states(decoder, prompt, named_lens(lens, decoder))
    wanted: list[int | None] = list(range(len(states.points))) if every_point else [upto]
    share = alpha / len(wanted)  # so that all points together keep the false-alarm rate
    found: Found = []
    asked = {"model": model, "prompt": prompt, "upto": upto, "every_point": every_point, "time": time, "simplify": simplify}
    asked |= {"lens": lens, "shots": shots, "seed": seed, "backend": backend, "alpha": alpha, "resolution": resolution}
    with durable("lens run", asked, calls=len(wanted)) as (sampler, root), progress() as report:
        for number, point in enumerate(wanted):
            report(f"point {number + 1} of {len(wanted)}", number / len(wanted))
            program = compile_lens(states, upto=point, time=time, simplify=simplify)
            samples = run_lens(program, backend=sampler, shots=shots, seed=root)
            found.append((program, samples, check(samples, alpha=share, resolution=resolution)))
    if json:
        print_json(summary(states, found, every_point))
    else:
        print_run(states, found)
    outcomes = [verdict.verdict for _, _, verdict in found]
    raise typer.Exit(EXIT[next(v for v in ("FAIL", "UNVERIFIED", "PASS") if v in outcomes)])


def summary(states: LensStates, found: Found, every_point: bool) -> dict[str, Any]:
    """Return what ``lens run --json`` prints: the keys of ``run`` for one point, or a list of them for all."""
    parts = []
    for program, samples, verdict in found:
        counts = {text: count for text, count in samples.by_text().items() if count}
        parts.append(
            verdict.summary()
            | {"seconds": samples.seconds, "counts": counts, "cost": program.summary(), "seed": samples.seed}
            | {"backend": samples.backend, "point": program.point, "metadata": dict(samples.metadata)}
        )
    if not every_point:
        return parts[0]
    verdicts = [part["verdict"] for part in parts]
    worst = next(v for v in ("FAIL", "UNVERIFIED", "PASS") if v in verdicts)
    p_value = min(1.0, len(parts) * min(part["p_value"] for part in parts))
    return {"verdict": worst, "p_value": p_value, "lens": states.lens, "points": parts}


def print_run(states: LensStates, found: Found) -> None:
    """Print one line a point, and the reason of the last verdict."""
    rows = []
    for program, _, verdict in found:
        place = str(states.points[program.point]) + ("" if program.time == 1.0 else f", t = {program.time:g}")
        figures = [f"{verdict.tvd:.4f}", f"{verdict.tvd_noise_floor:.4f}", f"{verdict.p_value:.3g}", verdict.verdict]
        rows.append([str(program.point), place, f"{program.cost.two_qubit_gates:,}", *figures])
    title = f"{found[0][1].shots:,} shots a point after {states.title()!r}"
    print_table(title, ["point", "after", "two-qubit gates", "TVD", "shot noise", "p", "verdict"], rows)
    last = found[-1][2]
    sys.stdout.write(f"{last.verdict}: {last.reason}\n")
