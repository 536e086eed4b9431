# SPDX-License-Identifier: Apache-2.0
"""Program to samples: one run for a static program, one batch for each step of a stepwise one."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stinespring.backends.base import Backend, device_of
from stinespring.backends.registry import opened
from stinespring.backends.seeds import derive_seed, root_seed
from stinespring.backends.templates import Templates
from stinespring.compiler.texts.stepwise import Stepper
from stinespring.errors import InputError, TooLargeError
from stinespring.models.texts.base import TextModel
from stinespring.models.texts.joint import require_count
from stinespring.readings import UNUSED, IntArray, Register
from stinespring.stages import CodeCounts, Program, Samples
from stinespring.version import __version__

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

    from stinespring.backends.histories.choose_path import FlowSamples
    from stinespring.circuits.core.flow import Flow

__all__ = ["Tally", "code_counts", "grown", "in_order", "on_backend", "over", "run", "sample_circuit", "tally"]

Progress = Callable[[str, float], None]
MOST_SHOTS = 20_000_000  # every shot is one string of Aer's memory: about 1 GB
PREFIXES_AT_ONCE = 2048  # 1023 angles each: 17 MB
MOST_CALLS = 20  # simulator calls a batch; a call costs as much as about ten more small circuits in one


@dataclass(frozen=True)
class Tally:
    """Sampled texts: distinct rows (U, L), their counts (U,), and the counts of attended positions by register."""

    texts: IntArray
    counts: IntArray
    attention: Mapping[str, list[int]]


def run(
    program: Program,
    *,
    backend: str | Any = "aer",
    shots: int,
    seed: int | np.random.Generator | None = None,
    progress: Progress | None = None,
) -> Samples:
    """Sample a program's texts.

    Args:
        program: what :func:`stinespring.compile` returned.
        backend: a backend string such as ``aer``, or an object: see :func:`stinespring.backends.registry.open_backend`.
        shots: number of texts, at least 1.
        seed: the same seed gives the same counts; None draws a fresh one.
        progress: called with a phrase and the share done.

    Raises:
        InputError: a program with quantum input (nothing prepares its prompt), or unusable shots.
        BackendError: the backend failed.
    """
    shots = require_count(shots, "shots")
    if shots > MOST_SHOTS:
        raise TooLargeError("the shots are too many for one run", got=f"{shots:,}", expected=f"at most {MOST_SHOTS:,}")
    if program.input == "quantum" and program.state is None:
        raise InputError(
            "a program with quantum input has no prompt to run on",
            got="--input quantum",
            expected="--input known",
            todo="give --input-state FILE, or compose the exported circuit with one that prepares p1..pn",
        )
    report = progress or (lambda phrase, share: None)
    with opened(backend) as sampler:
        if hasattr(sampler, "report"):
            sampler.report = report
        return sampled(program, sampler, shots, seed, report)


def sampled(
    program: Program, sampler: Backend, shots: int, seed: int | np.random.Generator | None, report: Progress
) -> Samples:
    """Return the samples of a program on an open backend."""
    root, begun = root_seed(seed), time.perf_counter()
    program = on_backend(program, sampler)
    ran: dict[str, Any] = {}
    codes: CodeCounts | None = None
    registers = program.schedule.registers
    before = getattr(sampler, "seconds", None)
    if program.dynamic is not None and program.lowered is None:
        found = sampled_dynamic(program.dynamic.flow, sampler, shots, derive_seed(root, 0))
        seen = tally(registers, program.model.vacuum, found.values)
        codes = code_counts(registers, found.values)
        ran = {"path": found.path, "why": found.why}
    elif program.stepper is None:
        [values] = sampler.sample(program.circuit, None, shots, derive_seed(root, 0))
        seen = tally(registers, program.model.vacuum, values)
        codes = code_counts(registers, values)
    else:
        seen = run_stepwise(program.stepper, program.steps, sampler, shots, root, report)
    if before is not None:
        ran["simulator_seconds"] = getattr(sampler, "seconds", before) - before
    return Samples(
        model=program.model, prompt=program.prompt, texts=seen.texts, counts=seen.counts, backend=sampler.name,
        seed=int(seed) if isinstance(seed, int | np.integer) else root, seconds=time.perf_counter() - begun,
        realises=program.realises, tvd_bound=program.tvd_bound, stepwise=program.stepper is not None,
        attention=seen.attention, codes=codes,
        metadata={**sampler.metadata(), **ran, "stinespring": __version__, "program": program.hash},
    )  # fmt: skip


def sample_circuit(circuit: QuantumCircuit, backend: Backend, shots: int, seed: int) -> Mapping[str, IntArray]:
    """Return the registers' values of one circuit, shape (shots,), lowered to the backend's device if it has one."""
    device = device_of(backend)
    if device is not None:
        from stinespring.compiler.devices.target import lower

        circuit = lower(circuit, device)
    [values] = backend.sample(circuit, None, shots, seed)
    return values


def on_backend(program: Program, backend: Backend) -> Program:
    """Return the program lowered to the backend's device, if it has one and the program is not lowered yet."""
    device = device_of(backend)
    if device is None or program.lowered is not None or program.stepper is not None:
        return program
    from stinespring.compiler.texts.programs import on_device

    return on_device(program, device)


def sampled_dynamic(flow: Flow, backend: Backend, shots: int, seed: int) -> FlowSamples:
    """Return the outcomes of a dynamic program: on Aer by the fastest faithful path, elsewhere as the backend runs it."""
    from stinespring.backends.aer.backend import AerBackend
    from stinespring.backends.histories.choose_path import sample_flow, sample_flow_on

    if isinstance(backend, AerBackend) and backend.calibration is None:
        return sample_flow(flow, shots=shots, seed=seed, backend=backend)
    return sample_flow_on(backend, flow, shots, seed)


def tally(registers: Sequence[Register], vacuum: int, values: Mapping[str, IntArray], counts: IntArray | None = None) -> Tally:
    """Return distinct texts and the counts of attended positions from the registers' values.

    Noise can make a register hold a code that stands for no token, or an empty place before a token: ``UNUSED``.

    Args:
        registers: all registers of the program.
        vacuum: the symbol of an empty place.
        values: for each measured register, shape (N,): every shot, or distinct outcomes with ``counts``.
        counts: shape (N,), how often each outcome occurred; None: once each.
    """
    read = code_counts(registers, values, counts)
    symbols = np.stack([np.array(r.symbols)[read.codes[:, i]] for i, r in enumerate(read.registers)], axis=1)
    texts, number = readable(symbols, read.counts, vacuum)
    attention = {
        r.name: np.bincount(values[r.name], weights=counts, minlength=2**r.size).astype(np.int64).tolist()
        for r in registers
        if r.role == "environment"
    }
    return Tally(texts, number, attention)


def code_counts(registers: Sequence[Register], values: Mapping[str, IntArray], counts: IntArray | None = None) -> CodeCounts:
    """Return how often each combination of token codes was read; see :func:`tally`."""
    tokens = tuple(r for r in registers if r.role == "token")
    codes, where = np.unique(np.stack([values[r.name] for r in tokens], axis=1), axis=0, return_inverse=True)
    return CodeCounts(tokens, codes, np.bincount(where.ravel(), weights=counts, minlength=len(codes)).astype(np.int64))


def readable(symbols: IntArray, counts: IntArray, vacuum: int) -> tuple[IntArray, IntArray]:
    """Return distinct texts with ``UNUSED`` for an empty place that a token follows, so that every text has one key."""
    filled = np.logical_or.accumulate((symbols != vacuum)[:, ::-1], axis=1)[:, ::-1]
    texts, where = np.unique(np.where((symbols == vacuum) & filled, UNUSED, symbols), axis=0, return_inverse=True)
    return texts, np.bincount(where.ravel(), weights=counts, minlength=len(texts)).astype(np.int64)


def run_stepwise(stepper: Stepper, steps: int, backend: Backend, shots: int, root: int, report: Progress) -> Tally:
    """Return distinct texts and the counts of attended positions.

    Step l runs the template once for each distinct prefix of l-1 generated tokens, with as many shots as the prefix has.
    """
    templates = Templates(backend)
    texts: IntArray = np.zeros((1, 0), dtype=np.int64)
    counts: IntArray = np.array([shots], dtype=np.int64)
    attention: dict[str, Counter[int]] = {}
    for step in range(1, steps + 1):
        done, ended = over(stepper.model, texts)
        parts, weights = [ended], [counts[done]]
        going, going_counts = texts[~done], counts[~done]
        for first in range(0, len(going), PREFIXES_AT_ONCE):
            chunk = slice(first, first + PREFIXES_AT_ONCE)
            report(f"step {step} of {steps}", first / len(going))
            longer, number = extend(stepper, step, going[chunk], going_counts[chunk], templates, (root, step, first), attention)
            parts.append(longer)
            weights.append(number)
        texts, counts = np.concatenate(parts), np.concatenate(weights)
    return in_order(texts, counts, attention)


def over(model: TextModel, texts: IntArray) -> tuple[NDArray[np.bool_], IntArray]:
    """Return which texts (U, l) get no further token, and those, one place longer.

    They are complete, or hold a code that stands for no token, for which the host has no law.
    """
    lost = (texts == UNUSED).any(axis=1)
    done = model.complete(texts) | lost
    return done, np.concatenate([texts, np.where(lost, UNUSED, model.vacuum)[:, None]], axis=1)[done]


def in_order(texts: IntArray, counts: IntArray, attention: Mapping[str, Counter[int]]) -> Tally:
    """Return the texts sorted, and the counts of attended positions as lists."""
    order = np.lexsort(texts.T[::-1]) if texts.shape[1] else np.arange(len(texts))
    return Tally(texts[order], counts[order], {name: [c[j] for j in range(max(c) + 1)] for name, c in attention.items()})


def extend(
    stepper: Stepper, step: int, prefixes: IntArray, counts: IntArray, templates: Templates, key: tuple[int, int, int],
    attention: dict[str, Counter[int]],
) -> tuple[IntArray, IntArray]:  # fmt: skip
    """Return the prefixes one sampled token longer, and their counts.

    Prefixes with the same number of shots share one run; every run has a seed of its own. SamplerV2 makes one simulator
    call for each number of shots, so where there are many numbers each one is split into powers of two.
    """
    binding = stepper.bind(step, prefixes)
    token = binding.template.registers[-1].name
    tally = np.zeros((len(prefixes), binding.symbols.shape[1]), dtype=np.int64)
    root, *purpose = key
    for shots, rows in batches(counts):
        results = templates.sample(binding.template, binding.angles[rows], shots, derive_seed(root, *purpose, shots))
        for row, values in zip(rows.tolist(), results, strict=True):
            tally[row] += np.bincount(values[token], minlength=binding.symbols.shape[1])
            for name in values:
                if name != token:
                    attention.setdefault(name, Counter()).update(values[name].tolist())
    return grown(prefixes, binding.symbols, tally)


def grown(prefixes: IntArray, symbols: IntArray, counts: IntArray) -> tuple[IntArray, IntArray]:
    """Return the prefixes (B, l-1) one token longer, and their counts, from the counts (B, 2^k) of each code."""
    row, code = np.nonzero(counts)
    return np.concatenate([prefixes[row], symbols[row, code].reshape(-1, 1)], axis=1), counts[row, code]


def batches(counts: IntArray) -> Iterator[tuple[int, IntArray]]:
    """Yield (shots, rows) such that every row gets its count in all.

    Example:
        >>> [(shots, rows.tolist()) for shots, rows in batches(np.array([5, 3, 5]))]
        [(3, [1]), (5, [0, 2])]
    """
    different = np.unique(counts)
    if len(different) <= MOST_CALLS:
        yield from ((shots, np.flatnonzero(counts == shots)) for shots in different.tolist())
        return
    for power in range(int(counts.max()).bit_length()):
        rows = np.flatnonzero((counts >> power) & 1)
        if len(rows):
            yield 2**power, rows
