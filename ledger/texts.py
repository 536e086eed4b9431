# SPDX-License-Identifier: Apache-2.0
"""Texts as runs of the ledger: the jobs of each step, and the samples once all steps are done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from stinespring.backends.base import Backend, device_of
from stinespring.backends.execute import Tally, code_counts, grown, in_order, over, tally
from stinespring.backends.readout.mitigation import (
    calibration_circuits,
    calibration_of_counts,
    calibration_shots,
    judged_by,
    measured_qubits,
    reason_against,
    require_mitigable,
)
from stinespring.backends.remote import Outcomes, Pub
from stinespring.backends.seeds import derive_seed
from stinespring.checks.texts.mitigated import with_note
from stinespring.compiler.compile import compile_model
from stinespring.compiler.devices.target import Device, lower
from stinespring.compiler.export.lowering import template_circuit
from stinespring.compiler.texts.stepwise import Binding, Stepper
from stinespring.ledger.payload import Work, allocate, merged, split
from stinespring.ledger.request import Request
from stinespring.models.texts.base import TextModel
from stinespring.models.texts.fock import start
from stinespring.readings import IntArray, Register
from stinespring.stages import CodeCounts, Program, Samples, Verdict

__all__ = ["TextRun", "describe_program"]

Done = Sequence[tuple[Work, Sequence[Outcomes]]]  # the finished jobs of one step
LOCAL_SHOTS = 1_000_000  # of one row, on a simulator
CIRCUITS_WITH_CONDITIONS = 1  # in one job: they share its budget of broadcasts


def describe_mitigation(program: Program, device: Device | None, mode: str) -> dict[str, Any]:
    """Return what readout mitigation needs of a lowered program, or why there is none; empty if none is asked for."""
    if mode == "none":
        return {}
    require_mitigable(program, mode)
    why = "the backend has no readout errors of its own" if device is None else reason_against(program, mode)
    if why is not None:
        return {"mode": mode, "why": why, "wires": None}
    circuit = program.circuit
    wires = measured_qubits(circuit, [r.name for r in program.schedule.registers if r.role == "token"])
    return {"mode": mode, "why": None, "wires": wires, "feed_forward": circuit.has_control_flow_op()}


def describe_program(program: Program, device: Device | None, mitigation: str = "none") -> dict[str, Any]:
    """Return what decodes and judges a program's outcomes, as JSON data."""
    return {
        "schedule": program.schedule.kind,
        "hash": program.hash,
        "tvd_bound": program.tvd_bound,
        "device": None if device is None else device.name,
        "registers": [[r.name, r.role, list(r.symbols)] for r in program.schedule.registers],
        "measured": list(program.schedule.measured),
        "cost": program.summary(),
        "mitigation": describe_mitigation(program, device, mitigation),
    }


@dataclass
class TextRun:
    """One run of texts.

    Args:
        request: what was asked.
        program: see :func:`describe_program`.
        seed: root of the seeds.
        compiled: the program, where it is at hand; compiled again where it is not and is needed.
    """

    request: Request
    program: Mapping[str, Any]
    seed: int
    compiled: Program | None = None

    @property
    def steps(self) -> int:
        """Steps that the host takes part in: L for stepwise programs, 1 for others."""
        return int(self.request.options["steps"]) if self.stepwise else 1

    @property
    def stepwise(self) -> bool:
        """Whether the host is in the loop."""
        return bool(self.program["schedule"] == "stepwise")

    @cached_property
    def model(self) -> TextModel:
        """The model as it was submitted."""
        return self.request.model() if self.compiled is None else self.compiled.model

    @property
    def registers(self) -> list[Register]:
        """All registers of the program."""
        return [Register(name, role, tuple(symbols)) for name, role, symbols in self.program["registers"]]

    def measured(self, step: int) -> list[str]:
        """Return the names of the registers that a step measures; step 0 is the calibration."""
        if step == 0:
            return ["r0"]
        if not self.stepwise:
            return list(self.program["measured"])
        names = [name for name in self.program["measured"] if name.startswith("e")]
        return [f"t{step}", *(f"e{step}" + name.partition("_")[1] + name.partition("_")[2] for name in names)]

    def recompiled(self) -> Program:
        """Return the program, compiled again from the request if need be; without lowering, for which the device is needed."""
        if self.compiled is None:
            self.compiled = compile_model(self.model, **{**self.request.options, "target": "aer", "delays": "none"})
        return self.compiled

    @property
    def stepper(self) -> Stepper:
        """What makes the angles of each prefix."""
        stepper = self.recompiled().stepper
        assert stepper is not None, "only stepwise runs ask for it"
        return stepper

    def first(self, backend: Backend) -> list[Work]:
        """Return the jobs of the first step."""
        if self.stepwise:
            return self.bound(1, np.zeros((1, 0), dtype=np.int64), np.array([self.request.shots]), backend)
        wanted = np.array([self.request.shots])
        shots, owner = allocate(wanted, most_shots(backend))
        circuit = finished(self.recompiled().circuit, backend)
        nothing = np.zeros((1, 0), dtype=np.int64)
        work = Work(tuple(Pub(circuit, None) for _ in owner), shots, owner, wanted, nothing, nothing)
        return split(work, CIRCUITS_WITH_CONDITIONS if circuit.has_control_flow_op() else None)

    def calibration(self, backend: Backend) -> list[Work]:
        """Return the job that measures the readout errors, where they are to be mitigated."""
        wanted = self.program.get("mitigation", {})
        if wanted.get("wires") is None:
            return []
        device = device_of(backend)
        assert device is not None, "planned for a device only"
        qubits, shots = sorted(set(wanted["wires"])), calibration_shots(backend, self.request.shots)
        circuits = [finished(circuit, backend) for circuit in calibration_circuits(qubits, device.target.num_qubits)]
        nothing = np.zeros((2, 0), dtype=np.int64)
        return [Work(tuple(Pub(c, None) for c in circuits), shots, np.arange(2), np.full(2, shots), nothing, nothing)]

    def following(self, done: Sequence[Done], backend: Backend) -> list[Work]:
        """Return the jobs of the step after those that are done; none if all texts are complete."""
        step = len(done) + 1
        if step > self.steps:
            return []
        walked = self.walk(done)
        going = ~over(self.model, walked.texts)[0]
        if not going.any():
            return []
        return self.bound(step, walked.texts[going], walked.counts[going], backend)

    def bound(self, step: int, prefixes: IntArray, wanted: IntArray, backend: Backend) -> list[Work]:
        """Return the jobs that generate one token after each prefix."""
        binding: Binding = self.stepper.bind(step, prefixes)
        shots, owner = allocate(wanted, most_shots(backend))
        circuit = template_circuit(binding.template)
        device = device_of(backend)
        if device is not None:
            circuit = lower(circuit, device)
        circuit = finished(circuit, backend)
        angles = binding.angles[owner]
        pub = Pub(circuit, angles if circuit.num_parameters else None)
        pubs = (pub,) if circuit.num_parameters else tuple(pub for _ in owner)
        return split(Work(pubs, shots, owner, wanted, prefixes, binding.symbols))

    def walk(self, done: Sequence[Done]) -> Tally:
        """Return the texts after the steps that are done."""
        texts: IntArray = np.zeros((1, 0), dtype=np.int64)
        counts: IntArray = np.array([self.request.shots], dtype=np.int64)
        attention: dict[str, Counter[int]] = {}
        for step, works in enumerate(done, 1):
            done_here, ended = over(self.model, texts)
            work, found = works[0][0], np.zeros(works[0][0].symbols.shape, dtype=np.int64)
            for context, outcomes in self.by_context(step, works):
                np.add.at(found[context], outcomes.column(f"t{step}"), outcomes.counts)
                for name in set(outcomes.registers) - {f"t{step}"}:
                    pairs = zip(outcomes.column(name).tolist(), outcomes.counts.tolist(), strict=True)
                    seen = attention.setdefault(name, Counter())
                    for value, number in pairs:
                        seen[value] += number
            longer, number_of = grown(work.contexts, work.symbols, found)
            texts, counts = np.concatenate([ended, longer]), np.concatenate([counts[done_here], number_of])
        return in_order(texts, counts, attention)

    def by_context(self, step: int, works: Done) -> Iterator[tuple[int, Outcomes]]:
        """Yield each context with what was measured after it."""
        rows: dict[int, list[Outcomes]] = {}
        for work, found in works:
            for owner, row in zip(work.owner.tolist(), found, strict=True):
                rows.setdefault(owner, []).append(row)
        for context, mine in sorted(rows.items()):
            yield context, merged(mine, int(works[0][0].wanted[context]), derive_seed(self.seed, step, context))

    def judged(
        self, samples: Samples, readings: Sequence[Outcomes], verdict: Verdict, resolution: float
    ) -> tuple[Verdict, dict[str, Any]]:
        """Return the verdict after the readout mitigation that was asked for, if any, and what was done.

        Args:
            samples: see :meth:`samples`.
            readings: what the calibration read, zeros first; empty where there was none.
            verdict: of the samples as they are.
            resolution: of the verdict.
        """
        wanted = self.program.get("mitigation")
        if not wanted:
            return verdict, {"applied": False, "mode": "none", "why": "not asked for"}
        if not readings:
            note = {"applied": False, "mode": wanted["mode"], "why": wanted["why"]}
            return with_note(verdict, note), note
        zeros, ones = ({name: np.repeat(row.column(name), row.counts) for name in row.registers} for row in readings)
        calibration = calibration_of_counts(sorted(set(wanted["wires"])), zeros, ones)
        return judged_by(
            samples, wanted["wires"], calibration, verdict, mode=wanted["mode"], feed_forward=wanted["feed_forward"],
            resolution=resolution,
        )  # fmt: skip

    def samples(self, done: Sequence[Done], *, backend: str, seconds: float, metadata: Mapping[str, Any]) -> Samples:
        """Return the sampled texts once all steps are done."""
        codes: CodeCounts | None = None
        if self.stepwise:
            seen = self.walk(done)
            texts = seen.texts
            while texts.shape[1] < self.steps:  # every text ended early
                _, texts = over(self.model, texts)
            seen = Tally(texts, seen.counts, seen.attention)
        else:
            [(_, outcomes)] = self.by_context(1, done[0])
            values = {name: outcomes.column(name) for name in self.program["measured"]}
            seen = tally(self.registers, self.model.vacuum, values, outcomes.counts)
            codes = code_counts(self.registers, values, outcomes.counts)
        options = self.request.options
        exact = self.program["tvd_bound"] == 0
        begin = start(self.model, options.get("prompt"), options["steps"], input_state=options.get("input_state"),
                      level=options.get("level"))  # fmt: skip
        plain = exact and begin.state is None
        return Samples(
            model=begin.model, prompt=begin.prompt, texts=seen.texts, counts=seen.counts, backend=backend,
            seed=self.request.seed, seconds=seconds, realises=begin.model if plain else self.recompiled().realises,
            tvd_bound=float(self.program["tvd_bound"]), stepwise=self.stepwise, attention=seen.attention,
            metadata=dict(metadata), codes=codes,
        )  # fmt: skip


def most_shots(backend: Backend) -> int:
    """Return the most shots of one row on a backend."""
    return int(getattr(backend, "max_shots", None) or LOCAL_SHOTS)


def finished(circuit: Any, backend: Backend) -> Any:
    """Return a lowered circuit as the backend best executes it; refuse what it does not execute."""
    finish = getattr(backend, "finish", None)
    return circuit if finish is None else finish(circuit)
