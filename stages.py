# SPDX-License-Identifier: Apache-2.0
"""The stages a model passes through, in order: the map of the program.

model -> Law -> Channel -> Dilation -> Schedule -> Program -> Samples -> Verdict
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from stinespring.circuits.core.gates import Gate
from stinespring.readings import FloatArray, IntArray

if TYPE_CHECKING:
    from pathlib import Path

    from qiskit import QuantumCircuit

    from stinespring.compiler.dynamic.program import DynamicProgram
    from stinespring.compiler.texts.stepwise import Stepper
    from stinespring.models.texts.base import TextModel
    from stinespring.models.texts.fock import InputState

__all__ = [
    "Channel",
    "CodeCounts",
    "Cost",
    "Dilation",
    "Effect",
    "Law",
    "Program",
    "Register",
    "Samples",
    "Schedule",
    "Verdict",
]

Extension = Literal["token", "position", "dephased"]
Kind = Literal["static", "dynamic", "stepwise"]
UNUSED = -1


@dataclass(frozen=True)
class Register:
    """A quantum register and what its basis states mean.

    Attributes:
        name: ``p1..pn`` prompt, ``t1..tL`` generated tokens, ``e1..`` attended positions, ``m1..`` memories of the text's
            causal state, ``a_t1..`` ancillas; the last two are never measured.
        role: what it holds.
        symbols: the value of each code; qubit 0 of the register is the code's least significant bit. A symbol is a token
            number, the vacuum (number d) or a position; ``UNUSED`` (-1) marks codes that never carry amplitude.
    """

    name: str
    role: Literal["prompt", "environment", "token", "memory", "ancilla"]
    symbols: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of qubits: the number of codes is a power of two."""
        return (len(self.symbols) - 1).bit_length()

    def code_of(self, symbols: IntArray) -> IntArray:
        """Return the codes of an array of symbols that all occur in this register."""
        meaning = np.array(self.symbols, dtype=np.int64)
        known = np.flatnonzero(meaning != UNUSED)
        table = np.full(meaning[known].max() + 1, UNUSED, dtype=np.int64)
        table[meaning[known]] = known
        return np.asarray(table[symbols])


@dataclass(frozen=True)
class Law:
    """A conditional law: which registers it reads, and the outcome's probabilities for each context that can occur.

    Attributes:
        target: the register that receives the outcome.
        reads: the registers it depends on, in text order.
        contexts: shape (B, len(reads)), symbols; all rows distinct.
        probabilities: shape (B, D) over symbols 0..D-1, rows sum to 1.
        reach: shape (B,), the probability that the context occurs (for prompts kept as quantum input: given the prompt).
    """

    target: str
    reads: tuple[str, ...]
    contexts: IntArray
    probabilities: FloatArray
    reach: FloatArray


@dataclass(frozen=True)
class Channel:
    """One block's quantum operation: laws applied one after the other, those for environment registers first.

    With ``E`` the environment outcomes and ``t`` the token: ``V|w> = |w> sum_{E,t} sqrt(P(E|w) P(t|E,w)) |t>|E>``; tracing
    out the environment leaves the operation with Kraus operators ``K_E = (1 (x) <E|) V``.
    """

    step: int
    extension: Extension
    laws: tuple[Law, ...]


@dataclass(frozen=True)
class Dilation:
    """A Stinespring isometry as a circuit.

    Attributes:
        channel: what it dilates.
        registers: the registers that the gates act on; qubits are numbered through them in this order.
        gates: the circuit; the registers it creates start in |0>.
        error: proven bound on the TVD between this step's law and the model's, given the text before.
    """

    channel: Channel
    registers: tuple[Register, ...]
    gates: Sequence[Gate]
    error: float = 0.0


@dataclass(frozen=True)
class Schedule:
    """Where every register lives and when it is measured.

    Attributes:
        kind: static, dynamic or stepwise.
        registers: all registers in the order they are declared.
        measured: names of the registers that are measured, in order.
        dilations: the steps in order.
    """

    kind: Kind
    registers: tuple[Register, ...]
    measured: tuple[str, ...]
    dilations: tuple[Dilation, ...]

    @property
    def qubits(self) -> int:
        """Number of qubits declared."""
        return sum(r.size for r in self.registers)

    def place(self, name: str) -> tuple[int, ...]:
        """Return the qubit numbers of a register, least significant first."""
        first = 0
        for register in self.registers:
            if register.name == name:
                return tuple(range(first, first + register.size))
            first += register.size
        raise KeyError(name)


@dataclass(frozen=True)
class Cost:
    """What a program costs; two-qubit gates are CX or CZ, all-to-all."""

    qubits: int
    clbits: int
    two_qubit_gates: int
    two_qubit_depth: int
    depth: int
    mid_circuit_measurements: int
    conditions: int


@dataclass(frozen=True)
class Effect:
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


@dataclass(frozen=True)
class Program:
    """A compiled model.

    Attributes:
        model: what was compiled.
        realises: the law the circuits realise exactly: the model's own, or the truncated one.
        prompt: token numbers, shape (n,).
        steps: L.
        schedule: registers, their places and the gates.
        stepper: for ``stepwise``: what makes the angles of each prefix.
        extension: which extension to a quantum operation.
        input: whether the prompt is folded in (``known``) or kept as registers (``quantum``).
        state: what the prompt registers hold: a superposition or mixture of texts that the program prepares, or None.
        phases: the promise: ``exact`` (the isometry itself) or ``free`` (the measured law only).
        tvd_bound: proven bound on the TVD between the program's joint law and the model's.
        cost: gates and qubits.
        seconds: compile time.
        hash: SHA-256 of everything that changes the program.
        effects: what each pass of the compiler did.
        lowered: the circuit on a device's qubits and gates, if one was named.
        duration: seconds that one shot takes on that device, where it states its times.
        dynamic: for ``dynamic``: the instructions, and why they are where they are.
    """

    model: TextModel
    realises: TextModel
    prompt: IntArray
    steps: int
    schedule: Schedule
    extension: Extension
    input: Literal["known", "quantum"]
    phases: Literal["exact", "free"]
    tvd_bound: float
    cost: Cost
    seconds: float
    hash: str
    state: InputState | None = None
    stepper: Stepper | None = None
    effects: tuple[Effect, ...] = ()
    lowered: QuantumCircuit | None = None
    dynamic: DynamicProgram | None = None
    duration: float | None = None

    @property
    def circuit(self) -> QuantumCircuit:
        """The Qiskit circuit; of a stepwise program the template of its last step, with free parameters."""
        from stinespring.compiler.export.lowering import program_circuit

        return program_circuit(self)

    def qasm3(self) -> str:
        """Return the program as OpenQASM 3 in the portable subset; the same program always gives the same bytes."""
        from stinespring.compiler.export.qasm import program_qasm

        return program_qasm(self)

    def draw(self, **options: Any) -> Any:
        """Return Qiskit's drawing of the circuit."""
        return self.circuit.draw(**options)

    def write(self, path: str | Path) -> list[Path]:
        """Write FILE.qasm with FILE.json beside it, or a stepwise program's folder; return what was written."""
        from stinespring.compiler.export.files import write_program

        return write_program(self, path)

    def summary(self) -> dict[str, Any]:
        """Return the figures that ``compile --json`` prints."""
        return {
            "schedule": self.schedule.kind,
            "extension": self.extension,
            "phases": self.phases,
            **asdict(self.cost),
            "tvd_bound": self.tvd_bound,
            "seconds": self.seconds,
            "hash": self.hash,
            "duration": self.duration,
            "passes": [asdict(effect) for effect in self.effects],
        }

    def decode(self, counts: Mapping[tuple[int, ...], int]) -> dict[str, int]:
        """Return counts by text from counts by the codes of ``t1..tL``."""
        tokens = [r for r in self.schedule.registers if r.role == "token"]
        result: dict[str, int] = {}
        for codes, number in counts.items():
            key = self.model.text([r.symbols[c] for r, c in zip(tokens, codes, strict=True)])
            result[key] = result.get(key, 0) + number
        return result


@dataclass(frozen=True)
class CodeCounts:
    """What the token registers of one circuit read, before it is decoded into texts.

    Attributes:
        registers: ``t1..tL``.
        codes: shape (U, L), distinct rows.
        counts: shape (U,).
    """

    registers: tuple[Register, ...]
    codes: IntArray
    counts: IntArray


@dataclass(frozen=True)
class Samples:
    """Sampled texts.

    Attributes:
        model: whose texts they are.
        prompt: token numbers.
        texts: shape (U, L), distinct rows, the vacuum after a stop token.
        counts: shape (U,).
        backend: where they were sampled.
        seed: the seed given, or None.
        seconds: running time.
        realises: the law that the sampled program realises exactly.
        tvd_bound: how far that law may be from the model's.
        stepwise: whether the host was in the loop.
        attention: counts of attended positions by environment register, if there were any.
        metadata: versions, method and the like.
        codes: what was read, of a program that is one circuit.
    """

    model: TextModel
    prompt: IntArray
    texts: IntArray
    counts: IntArray
    backend: str = "file"
    seed: int | None = None
    seconds: float = 0.0
    realises: TextModel | None = None
    tvd_bound: float = 0.0
    stepwise: bool = False
    attention: Mapping[str, Sequence[int]] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    codes: CodeCounts | None = None

    @property
    def shots(self) -> int:
        """Total number of sampled texts."""
        return int(self.counts.sum())

    @property
    def steps(self) -> int:
        """Number of generated places."""
        return int(self.texts.shape[1])

    def by_text(self) -> dict[str, int]:
        """Return the counts by text, the most frequent first."""
        order = np.lexsort((np.arange(len(self.counts)), -self.counts))
        return {self.model.text(self.texts[i].tolist()): int(self.counts[i]) for i in order}


@dataclass(frozen=True)
class Verdict:
    """What the samples say about the model.

    Attributes:
        verdict: PASS, FAIL or UNVERIFIED.
        p_value: of the test, combined over its parts.
        tvd: distance between the sampled frequencies and the model's law.
        tvd_low: lower end of a 95 % interval for the TVD between the sampled distribution and the law.
        tvd_high: its upper end.
        tvd_noise_floor: the TVD expected from shot noise alone.
        hellinger_fidelity: ``(sum sqrt(p q))^2``.
        resolution: the smallest TVD these shots would detect with power 0.9.
        shots: number of texts.
        alpha: the false-alarm rate.
        shots_needed: shots for the resolution asked for; None if the samples have it or it cannot be told.
        reason: one sentence.
        details: the test's parts.
    """

    verdict: Literal["PASS", "FAIL", "UNVERIFIED"]
    p_value: float
    tvd: float
    tvd_low: float
    tvd_high: float
    tvd_noise_floor: float
    hellinger_fidelity: float
    resolution: float
    shots: int
    alpha: float
    shots_needed: int | None
    reason: str
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether the verdict is PASS."""
        return self.verdict == "PASS"

    def summary(self) -> dict[str, Any]:
        """Return the figures that ``check --json`` prints."""
        return asdict(self)
