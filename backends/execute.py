# SPDX-License-Identifier: Apache-2.0
"""Program to samples: one run for a static program, one batch for each step of a stepwise one."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from stinespring.backends.base import Backend
from stinespring.backends.registry import opened
from stinespring.backends.seeds import derive_seed, root_seed
from stinespring.compiler.lowering import template_circuit
from stinespring.compiler.stepwise import Stepper
from stinespring.errors import InputError, TooLargeError
from stinespring.models.base import IntArray
from stinespring.models.joint import require_count
from stinespring.stages import UNUSED, Program, Register, Samples
from stinespring.version import __version__

if TYPE_CHECKING:
    from stinespring.backends.dynamic import FlowSamples
    from stinespring.circuits.flow import Flow

__all__ = ["Tally", "grown", "run", "tally"]

Progress = Callable[[str, float], None]
MOST_SHOTS = 20_000_000  # every shot is one string of Aer's memory: about 1 GB
PREFIXES_AT_ONCE = 2048  # 1023 angles each: 17 MB
MOST_CALLS = 20  # simulator calls a batch; a call costs as much as about ten more small circuits in one


@dataclass(frozen=True)
class Tally:
    """Sampled texts: distinct rows (U, L), their counts (U,), attended positions by register, and shots without a meaning."""

    texts: IntArray
    counts: IntArray
    attention: Mapping[str, list[int]]
    unused: int = 0


def run(
    program: Program,
    *,
    backend: str | Backend = "aer",
    shots: int,
    seed: int | np.random.Generator | None = None,
    progress: Progress | None = None,
) -> Samples:
    """Sample a program's texts.

    Args:
        program: what :func:`stinespring.compile` returned.
        backend: a backend string such as ``aer``, or an object with ``sample``.
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
    ran: dict[str, Any] = {}
    if program.dynamic is not None and program.lowered is None:
        found = sampled_dynamic(program.dynamic.flow, sampler, shots, derive_seed(root, 0))
        seen = tally(program.schedule.registers, found.values)
        ran = {"path": found.path, "why": found.why}
    elif program.stepper is None:
        [values] = sampler.sample(program.circuit, None, shots, derive_seed(root, 0))
        seen = tally(program.schedule.registers, values)
    else:
        seen = run_stepwise(program.stepper, program.steps, sampler, shots, root, report)
    return Samples(
        model=program.model, prompt=program.prompt, texts=seen.texts, counts=seen.counts, backend=sampler.name,
        seed=int(seed) if isinstance(seed, int | np.integer) else root, seconds=time.perf_counter() - begun,
        realises=program.realises, tvd_bound=program.tvd_bound, stepwise=program.stepper is not None, attention=seen.attention,
        unused=seen.unused,
        metadata={**sampler.metadata(), **ran, "stinespring": __version__, "program": program.hash},
    )  # fmt: skip


def sampled_dynamic(flow: Flow, backend: Backend, shots: int, seed: int) -> FlowSamples:
    """Return the outcomes of a dynamic program: on Aer by the fastest faithful path, elsewhere as the backend runs it."""
    from stinespring.backends.dynamic import sample_flow, sample_flow_on

    method = backend.name.partition("method=")[2]
    if backend.name.startswith("aer") and method:
        return sample_flow(flow, shots=shots, seed=seed, method=method)
    return sample_flow_on(backend, flow, shots, seed)


def tally(registers: Sequence[Register], values: Mapping[str, IntArray], counts: IntArray | None = None) -> Tally:
    """Return distinct texts and the counts of attended positions from the registers' values.

    Args:
        registers: all registers of the program.
        values: for each measured one, shape (N,): every shot, or distinct outcomes with ``counts``.
        counts: shape (N,), how often each outcome occurred; None: once each.
    """
    tokens = [r for r in registers if r.role == "token"]
    codes = np.stack([values[r.name] for r in tokens], axis=1)
    number = np.ones(len(codes), dtype=np.int64) if counts is None else counts
    distinct, where = np.unique(codes, axis=0, return_inverse=True)
    found = np.bincount(where.ravel(), weights=number, minlength=len(distinct)).astype(np.int64)
    symbols = np.stack([np.array(r.symbols)[distinct[:, i]] for i, r in enumerate(tokens)], axis=1)
    meant = (symbols != UNUSED).all(axis=1)
    attention = {
        r.name: np.bincount(values[r.name], weights=number, minlength=2**r.size).astype(np.int64).tolist()
        for r in registers
        if r.role == "environment"
    }
    texts, found, unused = symbols[meant], found[meant], int(found[~meant].sum())
    texts, where = np.unique(texts, axis=0, return_inverse=True)  # two codes may stand for one token
    return Tally(texts, np.bincount(where.ravel(), weights=found, minlength=len(texts)).astype(np.int64), attention, unused)


def run_stepwise(stepper: Stepper, steps: int, backend: Backend, shots: int, root: int, report: Progress) -> Tally:
    """Return distinct texts and the counts of attended positions.

    Step l runs the template once for each distinct prefix of l-1 generated tokens, with as many shots as the prefix has.
    """
    vacuum = stepper.model.vacuum
    texts: IntArray = np.zeros((1, 0), dtype=np.int64)
    counts: IntArray = np.array([shots], dtype=np.int64)
    attention: dict[str, Counter[int]] = {}
    for step in range(1, steps + 1):
        done = stepper.model.complete(texts)
        grown = [np.concatenate([texts[done], np.full((int(done.sum()), 1), vacuum)], axis=1)]
        weights = [counts[done]]
        going, going_counts = texts[~done], counts[~done]
        for first in range(0, len(going), PREFIXES_AT_ONCE):
            chunk = slice(first, first + PREFIXES_AT_ONCE)
            report(f"step {step} of {steps}", first / len(going))
            longer, number = extend(stepper, step, going[chunk], going_counts[chunk], backend, (root, step, first), attention)
            grown.append(longer)
            weights.append(number)
        texts, counts = np.concatenate(grown), np.concatenate(weights)
    order = np.lexsort(texts.T[::-1])
    seen = {name: [c[j] for j in range(max(c) + 1)] for name, c in attention.items()}
    return Tally(texts[order], counts[order], seen, shots - int(counts.sum()))


def extend(
    stepper: Stepper, step: int, prefixes: IntArray, counts: IntArray, backend: Backend, key: tuple[int, int, int],
    attention: dict[str, Counter[int]],
) -> tuple[IntArray, IntArray]:  # fmt: skip
    """Return the prefixes one sampled token longer, and their counts.

    Prefixes with the same number of shots share one run; every run has a seed of its own. SamplerV2 makes one simulator
    call for each number of shots, so where there are many numbers each one is split into powers of two.
    """
    binding = stepper.bind(step, prefixes)
    circuit = template_circuit(binding.template)
    token = binding.template.registers[-1].name
    tally = np.zeros((len(prefixes), binding.symbols.shape[1]), dtype=np.int64)
    root, *purpose = key
    for shots, rows in batches(counts):
        results = backend.sample(circuit, binding.angles[rows], shots, derive_seed(root, *purpose, shots))
        for row, values in zip(rows.tolist(), results, strict=True):
            tally[row] += np.bincount(values[token], minlength=binding.symbols.shape[1])
            for name in values:
                if name != token:
                    attention.setdefault(name, Counter()).update(values[name].tolist())
    return grown(prefixes, binding.symbols, tally)


def grown(prefixes: IntArray, symbols: IntArray, counts: IntArray) -> tuple[IntArray, IntArray]:
    """Return the prefixes (B, l-1) one token longer, and their counts, from the counts (B, 2^k) of each code.

    Codes without a meaning are dropped.
    """
    row, code = np.nonzero(np.where(symbols == UNUSED, 0, counts))
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
