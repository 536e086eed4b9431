# SPDX-License-Identifier: Apache-2.0
"""``stinespring spins``: 1-bit self-attention, from the network and its mean field to circuits and verdicts."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import typer

from stinespring.cli import options, paths
from stinespring.cli.output import command_line, print_json, write_arrays
from stinespring.cli.screen import print_table, say, wrote
from stinespring.cli.spins.circuits import check_, compile_, sample_
from stinespring.errors import InputError, TooLargeError
from stinespring.models.spins import (
    SpinNetwork,
    close_cycle,
    diagram,
    draw_network,
    draw_window,
    lyapunov,
    mean_field,
    power_spectrum,
    read_network,
    run_network,
)
from stinespring.models.spins.network import probability_plus
from stinespring.models.texts.joint import require_count
from stinespring.readings import FloatArray
from stinespring.writing import write_whole

spins = typer.Typer(add_completion=False, rich_markup_mode=None)
SHOWN = 12  # rows of a table for people
MOST_BETAS = 10**6

File = Annotated[Path, typer.Argument(metavar="FILE.json", help="A network: stinespring/spins@1.")]
Steps = Annotated[int, typer.Option("--steps", help="How many tokens.")]
Transient = Annotated[
    int, typer.Option("--transient", help="Tokens thrown away first; for exponents at least the L of a window.")
]
Figure = Annotated[Path | None, typer.Option("--plot", callback=paths.FIGURE, help="Write a figure (.png or .svg).")]
Arrays = Annotated[
    Path | None,
    typer.Option("-o", "--output", callback=paths.PICTURE, help="FILE.npz with the arrays, or FILE.png, FILE.svg."),
]


@spins.command("step")
def step_(file: File, json: options.Json = False) -> None:
    """Print attention weights, attention vector, fields and odds of the next token."""
    network = read_network(file)
    found = network.attend(network.start(), network.time)
    h = network.fields(found.attention)
    plus = probability_plus(network.beta * h)
    if json:
        figures = {"attention_weights": found.weights, "A": found.attention, "h": h, "p_plus": plus}
        print_json({name: value.tolist() for name, value in figures.items()})
        return
    say(f"attention weights, newest first: {numbers(found.weights)}\nA: {numbers(found.attention)}")
    rows = [[str(i), f"{h[i]:.6f}", f"{plus[i]:.6f}"] for i in range(min(SHOWN, network.N))]
    print_table(f"the token of time {network.time + 1}, {len(rows)} of {network.N} columns", ["column", "h", "P(+1)"], rows)


@spins.command("run")
def run_(
    file: File,
    steps: Steps,
    runs: Annotated[int, typer.Option("--runs", help="How many independent runs.")] = 1,
    seed: options.Seed = None,
    plot: Figure = None,
    json: options.Json = False,
) -> None:
    """Sample the stochastic network and average its overlaps."""
    network = read_network(file)
    found = run_network(network, steps=steps, runs=runs, seed=seed)
    mean, error = found.mean[0], found.standard_error[0]
    if json:
        print_json({
            "mean": mean.tolist(), "standard_error": finite(error), "runs": runs, "spins": network.spins,
            "drawn_by": found.exact, "initial": network.initial(),
        })  # fmt: skip
    else:
        rows = [[str(network.time + 1 + t), numbers(mean[t]), numbers(error[t])] for t in shown(steps)]
        title = f"{runs} run(s) of {network.spins:,} spins, drawn by {found.exact}"
        print_table(title, ["time", "<W^o x>", "standard error"], rows)
    sys.stdout.flush()  # said, whatever becomes of the figure
    if plot is not None:
        from stinespring.report.figures.spins import plot_averages

        plot_averages(network, mean, error, mean_field(network, steps=steps).m_o[0, 1:], runs, plot)
        wrote(plot)


@spins.command("meanfield")
def meanfield_(
    file: File,
    steps: Steps,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            callback=paths.written("network", ".json"),
            help="FILE.json: the same network where the mean field ended.",
        ),
    ] = None,
    plot: Figure = None,
    json: options.Json = False,
) -> None:
    """Follow the closed equations for infinitely many spins."""
    network = read_network(file)
    if output is not None and network.window is not None and steps < network.L:
        raise InputError(
            "a given token is still in the context", got=f"{steps} step(s)", expected=f"at least L = {network.L} steps with -o"
        )
    found = mean_field(network, steps=steps)
    if output is not None:
        write_json(replace(network, window=None, attention_window=found.window[0], time=found.time), output)
    if json:
        print_json({"A": found.A[0].tolist(), "m_o": found.m_o[0].tolist(), "initial": network.initial()})
    else:
        rows = [[str(network.time + t), numbers(found.A[0, t]), numbers(found.m_o[0, t])] for t in shown(steps + 1)]
        print_table(f"mean field at beta {network.beta:g}", ["time", "A", "m_o"], rows)
    sys.stdout.flush()  # said, whatever becomes of the figure
    if plot is not None:
        from stinespring.report.figures.spins import plot_trajectory

        plot_trajectory(network, found.m_o[0], plot)
        wrote(plot)


@spins.command("lyapunov")
def lyapunov_(
    file: File,
    transient: Transient,
    steps: Steps,
    exponents: Annotated[int, typer.Option("--exponents", help="How many, at most L M.")] = 1,
    json: options.Json = False,
) -> None:
    """Compute Lyapunov exponents by QR, and the length of the cycle."""
    network = read_network(file)
    found = lyapunov(network, transient=transient, steps=steps, exponents=exponents)
    values, errors = found.exponents.values[0], found.exponents.standard_errors[0]
    if json:
        print_json({
            "exponents": finite(values), "standard_errors": finite(errors), "cycle": found.cycle, "transient": found.transient,
            "steps": steps, "initial": network.initial(),
            "final": {"time": found.time, "attention_window": found.window.tolist()},
        })  # fmt: skip
        return
    rows = [[str(i + 1), f"{values[i]:.6f}", f"{errors[i]:.2g}"] for i in range(len(values))]
    print_table(f"beta {network.beta:g}, {steps} steps after {found.transient}", ["exponent", "nats a token", "error"], rows)
    say(f"cycle of length {found.cycle}" if found.cycle else "no cycle found")


@spins.command("cycle")
def cycle_(
    file: File,
    length: Annotated[int, typer.Option("--length", help="T, a multiple of the context's length.")],
    transient: Transient = 1000,
    json: options.Json = False,
) -> None:
    """Close a cycle near the trajectory by Newton's method: its points and whether it is stable."""
    network = read_network(file)
    found = close_cycle(network, length=length, transient=transient)
    moduli = abs(found.multipliers).astype(np.float64)
    if json:
        print_json({
            "A": found.A.tolist(), "time": found.time, "residual": found.residual, "stable": found.stable,
            "multipliers": [[value.real, value.imag] for value in found.multipliers.tolist()], "initial": network.initial(),
        })  # fmt: skip
        return
    rows = [[str(found.time + t), numbers(found.A[t])] for t in shown(length)]
    print_table(f"cycle of {length} tokens at beta {network.beta:g}", ["time", "A"], rows)
    kind = "stable" if found.stable else "unstable"
    say(f"{kind}: largest multipliers {numbers(moduli[:4])}; ends {found.residual:.2g} apart")


@spins.command("diagram")
def diagram_(
    file: File,
    betas: Annotated[str, typer.Option("--betas", help="lo:hi:n, both ends included.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", callback=paths.PICTURE, help="FILE.npz with the arrays, or FILE.png, FILE.svg.")
    ],
    transient: Transient = 1000,
    keep: Annotated[int, typer.Option("--keep", help="Tokens that are kept at each temperature.")] = 500,
    exponents: Annotated[int, typer.Option("--exponents", help="How many Lyapunov exponents over the kept tokens.")] = 0,
    sweep: Annotated[
        Literal["none", "up", "down"], typer.Option("--sweep", help="none: all start alike; up, down: follow an attractor.")
    ] = "none",
    page: options.Report = None,
    json: options.Json = False,
) -> None:
    """Compute the bifurcation diagram over the inverse temperature."""
    network = read_network(file)
    levels = beta_range(betas)
    found = diagram(network, betas=levels, transient=transient, keep=keep, exponents=exponents, sweep=sweep)
    if output.suffix == ".npz":
        arrays: dict[str, Any] = {
            "betas": found.betas, "m_o": found.m_o, "windows": found.windows, "time": storable(found.time),
            "initial_time": storable(network.time), "initial_overlaps": network.start(),
        }  # fmt: skip
        if network.attention_window is not None:
            arrays["initial_attention_window"] = network.attention_window
        if found.exponents is not None:
            arrays |= {"exponents": found.exponents.values, "standard_errors": found.exponents.standard_errors}
        write_arrays(output, arrays)
    else:
        from stinespring.report.figures.spins import plot_diagram

        plot_diagram(network, found, output)
        wrote(output)
    if page is not None:
        from stinespring.report.html.spins import diagram_page

        settings = {"transient": transient, "keep": keep, "sweep": sweep}
        diagram_page(network, found, command=command_line(), settings=settings).write(page)
        wrote(page)
    if json:
        print_json({
            "betas": levels.tolist(), "transient": transient, "keep": keep, "sweep": sweep,
            "exponents": None if found.exponents is None else [finite(row) for row in found.exponents.values],
            "initial": network.initial(), "files": [str(output)],
        })  # fmt: skip
        return
    say(f"{len(levels)} temperatures, {keep} tokens after {transient}")


@spins.command("spectrum")
def spectrum_(
    file: File,
    steps: Steps,
    transient: Transient = 1000,
    output: Arrays = None,
    json: options.Json = False,
) -> None:
    """Compute the power spectrum of the mean field's outputs."""
    network = read_network(file)
    found = diagram(network, betas=np.array([network.beta]), transient=transient, keep=require_count(steps, "steps"))
    spectrum = power_spectrum(found.m_o[0].astype(np.float64))
    if output is not None and output.suffix == ".npz":
        write_arrays(output, {"frequencies": spectrum.frequencies, "power": spectrum.power, "m_o": found.m_o[0]})
    elif output is not None:
        from stinespring.report.figures.spins import plot_spectrum

        plot_spectrum(network, spectrum, output)
        wrote(output)
    peaks = spectrum.peaks()
    if json:
        files = [] if output is None else [str(output)]
        print_json({
            "peaks": peaks, "variance": spectrum.power.sum(axis=0).tolist(), "resolution": 1.0 / steps,
            "initial": network.initial(), "files": files,
        })  # fmt: skip
        return
    rows = [
        [f"{peak['frequency']:.6f}", f"{1 / peak['frequency']:.4g}" if peak["frequency"] else "", f"{peak['power']:.3g}"]
        for peak in peaks
    ]
    print_table(f"power spectrum at beta {network.beta:g}", ["cycles a token", "tokens a cycle", "power"], rows)


@spins.command("new")
def new_(
    context: typer.Context,
    output: Annotated[
        Path, typer.Option("-o", "--output", callback=paths.written("network", ".json"), help="FILE.json to write.")
    ],
    like: Annotated[
        Path | None,
        typer.Option(
            "--like", callback=paths.existing("network"), help="Take this file, and draw only a new window of tokens."
        ),
    ] = None,
    features: Annotated[int, typer.Option("--features", help="M.")] = 3,
    columns: Annotated[int, typer.Option("--columns", help="N, feature columns.")] = 99,
    position_bits: Annotated[int, typer.Option("--position-bits", help="P; the context has 2^P tokens.")] = 2,
    segments: Annotated[int | None, typer.Option("--segments", help="Features constant on this many segments.")] = None,
    repeat: Annotated[int, typer.Option("--repeat", help="Spins for each column.")] = 1,
    eps: Annotated[float, typer.Option("--eps", help="Weight of the position bits.")] = 0.02,
    gamma: Annotated[float, typer.Option("--gamma", help="Inverse temperature of the attention.")] = 220.0,
    beta: Annotated[float, typer.Option("--beta", help="Inverse temperature of the tokens.")] = 1.27,
    seed: options.Seed = None,
) -> None:
    """Write a network with random features, or another one's with a new random window."""
    if like is not None:
        refuse_beside_like(context)
        network = draw_window(read_network(like), seed)
    else:
        network = draw_network(
            M=features, N=columns, P=position_bits, eps=eps, gamma=gamma, beta=beta, segments=segments, repeat=repeat, seed=seed
        )  # fmt: skip
    write_json(network, output)


def refuse_beside_like(context: typer.Context) -> None:
    """Refuse options that ``--like`` would leave without effect: everything but the window is the file's."""
    kept = {"output", "like", "seed", "context"}
    given = [
        name for name in context.params
        if name not in kept and getattr(context.get_parameter_source(name), "name", "") == "COMMANDLINE"
    ]  # fmt: skip
    if given:
        raise InputError(
            "--like takes everything but the window from its file",
            got=" ".join("--" + name.replace("_", "-") for name in given) + " beside it",
            expected="--like with --seed and -o only",
        )


spins.command("compile")(compile_)
spins.command("sample")(sample_)
spins.command("check")(check_)


def write_json(network: SpinNetwork, path: Path) -> None:
    """Write a network's file."""
    import json

    write_whole(path, json.dumps(network.content(), ensure_ascii=False) + "\n")
    wrote(path)


def storable(time: int) -> int | str:
    """Return a time as a file of arrays can hold it: as a number up to 64 bits, as its digits beyond."""
    return time if abs(time) < 2**63 else str(time)


def numbers(values: FloatArray) -> str:
    """Return a few numbers for people."""
    return " ".join(f"{value: .5f}" for value in values)


def shown(rows: int) -> list[int]:
    """Return which rows a table shows: all of few, the first and last of many."""
    return list(range(rows)) if rows <= SHOWN else [*range(SHOWN // 2), *range(rows - SHOWN // 2, rows)]


def finite(values: FloatArray) -> Any:
    """Return numbers as JSON data, null where they are not finite (an exponent of -infinity, the error of one run)."""
    if values.ndim > 1:
        return [finite(row) for row in values]
    return [value if math.isfinite(value) else None for value in values.tolist()]


def beta_range(text: str) -> FloatArray:
    """Return the temperatures that ``lo:hi:n`` names.

    Example:
        >>> beta_range("0:3:4").tolist()
        [0.0, 1.0, 2.0, 3.0]
    """
    try:
        low, high, number = (kind(part) for kind, part in zip((float, float, int), text.split(":"), strict=True))
        usable = math.isfinite(low) and math.isfinite(high) and 0 <= low <= high and number >= 1
    except ValueError:
        usable = False
    if not usable:
        raise InputError(
            "the temperatures cannot be read", got=text, expected="lo:hi:n with 0 <= lo <= hi and n >= 1, as 0:3:701"
        )
    if number > MOST_BETAS:
        raise TooLargeError("too many temperatures", got=f"{int(number):,}", expected=f"at most {MOST_BETAS:,}")
    return np.linspace(low, high, int(number))
