# SPDX-License-Identifier: Apache-2.0
r"""The map of the whole: the types that a source passes through, in order.

    source --compile--> Program --run--> Samples --check--> Verdict
       \__________________ law ____________________________/

Five kinds of sources go through it: texts, lens, sphere, spins, channels. What is read, and what a program runs, is in
:mod:`stinespring.readings` and :mod:`stinespring.batches`; how they show themselves in :mod:`stinespring.showing`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple, Protocol

from stinespring.batches import Batch, Body, Circuit, Report, quiet
from stinespring.readings import FloatArray, Outcomes, Register
from stinespring.showing import Brief, BriefDistance, BriefProgram, BriefSamples, BriefVerdict

__all__ = [
    "Asked", "Backend", "Capabilities", "Claim", "Cost", "Device", "Distance", "Effect", "Exporter", "Law", "Program",
    "Promise", "Ruling", "Samples", "Schedule", "Source", "Table", "Verdict",
]  # fmt: skip

Ruling = Literal["PASS", "FAIL", "UNVERIFIED"]
Promise = Literal["exact", "free"]
Schedule = Literal["static", "dynamic", "stepwise"]


# ---------------------------------------------------------------------------------------------------- the analytic side


class Source(Protocol):
    """A transformer read as an open quantum system: all that defines its law."""

    name: str

    def content(self) -> dict[str, Any]:
        """Return what defines it, as JSON data."""

    def fingerprint(self) -> str:
        """Return the SHA-256 of everything that changes its law."""


class Table(NamedTuple):
    """Observed counts beside exact probabilities.

    Attributes:
        test: tables of one name are tested together.
        observed: counts, shape (T, D).
        law: shape (T, D), rows sum to 1.
    """

    test: str
    observed: FloatArray
    law: FloatArray


class Law(Protocol):
    """What can be observed of a source, and how likely it is."""

    def tables(self, seen: Sequence[Outcomes]) -> Iterator[Table]:
        """Yield what was seen beside its exact probabilities."""


class Asked(Protocol):
    """What is wanted of a source: prompt, steps, particle, point ...: a frozen dataclass of plain values."""

    kind: ClassVar[str]

    def law(self, source: Any) -> Law:
        """Return the law of what is observed, from the source alone: nothing that was compiled takes part."""

    def spell(self, source: Any, outcomes: Outcomes) -> list[str]:
        """Return each reading as a person writes it, the keys of ``--json`` and of counts files."""

    def plain(self) -> dict[str, Any]:
        """Return the request as JSON data; ``type(self)(**plain)`` makes it again."""

    def read_counts(self, source: Any, data: Mapping[str, Any]) -> tuple[Outcomes, ...]:
        """Return the outcomes of a counts file's content, whose keys are those of :meth:`spell`."""


class Claim(Protocol):
    """What a program claims to realise instead of the source's own law: a table or a rule, as data."""

    def content(self) -> dict[str, Any]:
        """Return the claim as JSON data."""


# ------------------------------------------------------------------------------------------------------ what is compiled


@dataclass(frozen=True, repr=False)
class Cost(Brief):
    """What a program costs; two-qubit gates are CX or CZ, all-to-all unless it is lowered, on the worst path."""

    qubits: int
    clbits: int
    two_qubit_gates: int
    two_qubit_depth: int
    depth: int
    mid_circuit_measurements: int
    conditions: int


@dataclass(frozen=True, repr=False)
class Effect(Brief):
    """What one pass of the compiler did.

    Attributes:
        name: the pass.
        applied: whether its result was kept.
        reason: what it does, or why it was not kept.
        two_qubit_gates: CX or CZ after it; before there are circuits, those of the Gray-code form.
        two_qubit_depth: likewise.
        qubits: number of qubits after it.
        tvd_bound: proven TVD spent so far.
        lower_bound: two-qubit gates that a generic law of this shape needs, by counting parameters.
    """

    name: str
    applied: bool
    reason: str
    two_qubit_gates: int
    two_qubit_depth: int
    qubits: int
    tvd_bound: float
    lower_bound: int


class Exporter(Protocol):
    """Writes programs; the compiler's own, carried along so that this module need not know it."""

    def qasm3(self, program: Program) -> str:
        """Return OpenQASM 3."""

    def write(self, program: Program, path: str | Path, dialect: str = "qasm3") -> list[Path]:
        """Write the program's files."""


@dataclass(frozen=True, eq=False, repr=False)
class Program(BriefProgram):
    """A compiled source.

    Attributes:
        source, asked: what was compiled.
        schedule: static, dynamic or stepwise.
        body: what is run.
        registers: all registers, in the order they are declared.
        promise: ``exact`` (the operation itself, phases and coherence) or ``free`` (the law of what is measured).
        tvd_bound: proven bound on the TVD between the program's joint law and the source's.
        claim: the law it realises exactly, where that is not the source's own.
        cost: gates and qubits.
        seconds: compile time.
        hash: SHA-256 of everything that changes the program.
        exporter: writes it.
        passes: what each pass of the compiler did.
        device: the one device it was lowered to, if any.
        duration: seconds that one shot takes on that device, where it states its times.
        details: what this kind of source has to say beyond that, printed with the figures; JSON data.
    """

    source: Any
    asked: Any
    schedule: Schedule
    body: Body
    registers: tuple[Register, ...]
    promise: Promise
    tvd_bound: float
    claim: Claim | None
    cost: Cost
    seconds: float
    hash: str
    exporter: Exporter
    passes: tuple[Effect, ...] = ()
    device: str | None = None
    duration: float | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def circuit(self) -> Circuit:
        """The Qiskit circuit as it is run; of a stepwise program its widest template, with free parameters."""
        return self.body.circuit

    def qasm3(self) -> str:
        """Return the program as OpenQASM 3 in the portable subset; the same program always gives the same bytes."""
        return self.exporter.qasm3(self)

    def write(self, path: str | Path, dialect: str = "qasm3") -> list[Path]:
        """Write FILE.qasm with FILE.json beside it, or a folder; in ``qasm3`` (portable), ``braket`` or (static) ``qasm2``."""
        return self.exporter.write(self, path, dialect)

    def summary(self) -> dict[str, Any]:
        """Return the figures that ``compile --json`` prints."""
        return {
            "schedule": self.schedule, "extension": None, "phases": self.promise, **asdict(self.cost),
            "tvd_bound": self.tvd_bound, "seconds": self.seconds, "hash": self.hash, "duration": self.duration,
            "qubits_used": self.cost.qubits, "passes": [asdict(effect) for effect in self.passes], **self.details,
        }  # fmt: skip


# ------------------------------------------------------------------------------------------------------------- backends


@dataclass(frozen=True)
class Device:
    """Qubits, gates and rules of a target.

    Attributes:
        name: as in a backend or target string.
        target: a ``qiskit.transpiler.Target``.
        rules: what it executes, see :mod:`stinespring.circuits.devices.legality`; None: those that go with its name.
    """

    name: str
    target: Any
    rules: Any = None


@dataclass(frozen=True)
class Capabilities:
    """What a backend can do, as data.

    Attributes:
        device: circuits must be lowered to it; None: any circuit is taken.
        max_shots: most shots of one row; None: no limit.
        seeded: whether the same seed gives the same counts.
        noisy: whether readings may be wrong.
        rep_delay: seconds between two shots.
        random: whether counts are drawn; else they are shares of an exact law, and equal circuits have equal ones.
    """

    device: Device | None = None
    max_shots: int | None = None
    seeded: bool = True
    noisy: bool = False
    rep_delay: float = 250e-6
    random: bool = True


class Backend(Protocol):
    """Something that samples circuits."""

    keeps_jobs: bool  # whether it is a service that keeps jobs: then it is a stinespring.backends.remote.Remote

    @property
    def name(self) -> str:
        """The backend string, or what stands for it."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""

    def sample(self, batch: Batch, seed: int, report: Report = quiet) -> list[Outcomes]:
        """Return the raw readings of every row, items in order; the same batch and seed give the same."""

    def metadata(self) -> dict[str, Any]:
        """Return versions and options, for the record, after the calls that were made."""

    def close(self) -> None:
        """End connections and processes."""


@dataclass(frozen=True, eq=False, repr=False)
class Samples(BriefSamples):
    """What a program measured, decoded.

    Attributes:
        source: whose law it should follow.
        asked: what of it.
        outcomes: for one circuit one entry; for several one a row; a host in the loop may add marginals of its own.
        readings: the same as raw codes, before they were decoded; empty where the host decoded, or for counts from a file.
        registers: what the registers mean.
        tvd_bound, claim: of the program.
        wanted: the shots that were asked for, which the counts must add up to; None: counts of a file, which nobody asked for.
        backend, noisy: where they were sampled, and whether readings may be wrong there.
        seed: the seed given, or the one drawn.
        seconds: running time.
        metadata: versions, method and the like.
        program: what was sampled, to be seen beside the counts; no verdict reads it.
    """

    source: Any
    asked: Any
    outcomes: tuple[Outcomes, ...]
    readings: tuple[Outcomes, ...] = ()
    registers: tuple[Register, ...] = ()
    tvd_bound: float = 0.0
    claim: Claim | None = None
    wanted: int | None = None
    backend: str = "file"
    noisy: bool = False
    seed: int | None = None
    seconds: float = 0.0
    metadata: Mapping[str, Any] = field(default_factory=dict)
    program: Program | None = field(default=None, repr=False)

    @property
    def shots(self) -> int:
        """Number of shots: of the first entry, which all share unless they were dealt out."""
        return self.outcomes[0].shots

    def by_text(self) -> dict[str, int]:
        """Return the counts by what was read, the most frequent first; of several circuits those of the first."""
        found: dict[str, int] = {}
        for key, count in zip(self.asked.spell(self.source, self.outcomes[0]), self.outcomes[0].counts.tolist(), strict=True):
            found[key] = found.get(key, 0) + count
        return dict(sorted(found.items(), key=lambda pair: -pair[1]))


# ------------------------------------------------------------------------------------------------------------- verdicts


@dataclass(frozen=True, repr=False)
class Distance(BriefDistance):
    """How far sampled frequencies are from a law.

    Attributes:
        tvd: between the frequencies and the law.
        low: lower end of a 95 % interval for the TVD between the sampled distribution and the law.
        high: its upper end.
        noise_floor: the TVD expected from shot noise alone.
        hellinger_fidelity: ``(sum sqrt(p q))^2``.
        lost: shots whose readings stand for nothing, or have probability 0: leakage.
        whole: whether the law was listed whole, so that the distance is bounded from above, too.
        at: the interval at another rate of misses, each end at half of it.
    """

    tvd: float
    low: float
    high: float
    noise_floor: float
    hellinger_fidelity: float
    lost: int = 0
    whole: bool = True
    at: Callable[[float], tuple[float, float]] | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, repr=False)
class Verdict(BriefVerdict):
    """What was found of a source and a program: PASS, FAIL or UNVERIFIED, with everything that led there.

    Attributes:
        verdict: the ruling.
        reason: one sentence.
        p_value: of the tests, combined; 1 where nothing was tested.
        alpha, shots: the false-alarm rate, and how many shots were judged.
        resolution: the smallest TVD these shots would detect with power 0.9.
        distance: None where there is no one distance.
        shots_needed: shots for the resolution asked for; None if the samples have it or it cannot be told.
        bound_verified: whether the check's own computation confirms the program's bound; None: nothing was approximated, or it
            could not be computed (the reason says so).
        figures: what this kind of verdict measured beyond that, printed beside the other keys; JSON data.
        details: each test.
        parts: the verdicts it was combined from, by name.
        samples: what was judged.
    """

    verdict: Ruling
    reason: str
    p_value: float = 1.0
    alpha: float = 0.001
    shots: int = 0
    resolution: float = 1.0
    distance: Distance | None = None
    shots_needed: int | None = None
    bound_verified: bool | None = None
    figures: Mapping[str, Any] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    parts: Mapping[str, Verdict] = field(default_factory=dict)
    samples: Samples | None = field(default=None, repr=False, compare=False)

    @property
    def passed(self) -> bool:
        """Whether the verdict is PASS."""
        return self.verdict == "PASS"

    @property
    def tvd(self) -> float:
        """The distance between frequencies and law; NaN where there is none."""
        return float("nan") if self.distance is None else self.distance.tvd

    def summary(self) -> dict[str, Any]:
        """Return the figures that ``check --json`` prints."""
        distance: dict[str, Any] = {}
        if self.distance is not None:
            d = self.distance
            distance = {
                "tvd": d.tvd, "tvd_low": d.low, "tvd_high": d.high, "tvd_noise_floor": d.noise_floor,
                "hellinger_fidelity": d.hellinger_fidelity,
                "leakage": {"shots": d.lost, "share": d.lost / self.shots if self.shots else 0.0},
            }  # fmt: skip
        return {
            "verdict": self.verdict, "p_value": self.p_value, **distance, "resolution": self.resolution, "shots": self.shots,
            "alpha": self.alpha, "shots_needed": self.shots_needed, "bound_verified": self.bound_verified,
            "within": None, "reason": self.reason, "details": dict(self.details), **self.figures,
        }  # fmt: skip
