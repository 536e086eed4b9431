# SPDX-License-Identifier: Apache-2.0
"""Is this program that channel? Exactly on a simulator, or by sampling product inputs and measurements on any backend."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from stinespring.backends.aer.choi import channel_wires, circuit_choi, outcome_choi
from stinespring.backends.base import Backend
from stinespring.backends.registry import opened
from stinespring.backends.seeds import derive_seed, root_seed
from stinespring.checks.statistics.tables import judge_tables
from stinespring.errors import InputError
from stinespring.models.channels.cptp import CPTP, choi_of_kraus
from stinespring.models.channels.distance import diamond_distance, process_fidelity
from stinespring.models.texts.joint import require_count
from stinespring.readings import ComplexArray, FloatArray
from stinespring.stages import Verdict

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = ["ChannelVerdict", "read_program", "sample_process", "verify_channel"]

IMPOSSIBLE = 1e-12  # probabilities up to this are rounding
SQUARE = math.sqrt(0.5)
STATES: ComplexArray = np.array(  # |0>, |1>, |+>, |->, |+i>, |-i>
    [[1, 0], [0, 1], [SQUARE, SQUARE], [SQUARE, -SQUARE], [SQUARE, 1j * SQUARE], [SQUARE, -1j * SQUARE]]
)
PREPARE = ((), ("x",), ("h",), ("x", "h"), ("h", "s"), ("x", "h", "s"))
BASES = ((), ("h",), ("sdg", "h"))  # measure Z, X, Y
BRAS: ComplexArray = np.stack([STATES[:2], STATES[2:4], STATES[4:]]).conj()  # basis, outcome, component


@dataclass(frozen=True)
class ChannelVerdict:
    """How far a program's channel is from the channel it should be.

    Attributes:
        verdict: PASS if the diamond distance is at most ``tolerance``, FAIL if it is larger, UNVERIFIED if its certified
            interval contains the tolerance.
        process_fidelity: of the normalised Choi states.
        choi_error: largest deviation of an element of the Choi matrix.
        diamond_low: lower end of the certified interval for ``||E - F||_diamond / 2``.
        diamond_distance: its upper end.
        tolerance: what counts as equal.
        reason: one sentence.
    """

    verdict: Literal["PASS", "FAIL", "UNVERIFIED"]
    process_fidelity: float
    choi_error: float
    diamond_low: float
    diamond_distance: float
    tolerance: float
    reason: str

    def summary(self) -> dict[str, Any]:
        """Return the figures that ``verify-channel --json`` prints."""
        return asdict(self) | {"diamond_norm": 2 * self.diamond_distance, "method": "exact"}


def read_program(path: str | Path) -> QuantumCircuit:
    """Return the circuit in an OpenQASM 3 file.

    Raises:
        InputError: no such file, or not in the subset that Qiskit's importer reads.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("the program cannot be read", got=f"{path}: {error}", expected="an OpenQASM 3 file") from None
    from openqasm3.parser import QASM3ParsingError
    from qiskit import qasm3
    from qiskit.exceptions import QiskitError

    # Qiskit's importer knows a bit as a condition, but not its comparison with a number
    text = re.sub(r"if\s*\(\s*(\w+\[\d+\])\s*==\s*(?:1|true)\s*\)", r"if (\1)", text)
    text = re.sub(r"if\s*\(\s*(\w+\[\d+\])\s*==\s*(?:0|false)\s*\)", r"if (!\1)", text)
    try:
        return qasm3.loads(text)
    except (QASM3ParsingError, QiskitError, ValueError, TypeError, KeyError, AttributeError) as error:
        what = str(error) or type(error).__name__
        raise InputError(
            "the program cannot be read", got=f"{path}: {what}", expected="OpenQASM 3 in the portable subset"
        ) from None


def verify_channel(
    channel: CPTP, circuit: QuantumCircuit, *, tolerance: float = 1e-9, outcomes: Mapping[int, int] | None = None
) -> ChannelVerdict:
    """Compare a program with a channel: run it once, reconstruct its Choi matrix, and bound the diamond distance.

    Args:
        channel: what it should be; with labels an instrument, compared outcome by outcome.
        circuit: registers ``sys``, and for an instrument classical ``outcome``.
        tolerance: the diamond distance (half the norm) that counts as equal.
        outcomes: for an instrument, the label that each value of ``outcome`` stands for; by default itself.

    Raises:
        InputError: other registers, control flow that cannot be simulated exactly, a tolerance out of range.
        TooLargeError: too many qubits for the Choi matrix.
    """
    if isinstance(tolerance, bool) or not isinstance(tolerance, int | float) or not 0 < tolerance < 1:
        raise InputError("the tolerance is out of range", got=tolerance, expected="a number between 0 and 1")
    m, n = channel.inputs, channel.outputs
    wires = channel_wires(circuit, inputs=m, outputs=n)
    if channel.labels is None:
        made = circuit_choi(circuit, *wires)
        wanted = channel.choi()
    else:
        made, wanted = by_outcome(channel, circuit, wires, outcomes)
    low, high = diamond_distance(made, wanted, inputs=1 << m)
    verdict: Literal["PASS", "FAIL", "UNVERIFIED"] = (
        "PASS" if high <= tolerance else "FAIL" if low > tolerance else "UNVERIFIED"
    )
    return ChannelVerdict(
        verdict=verdict,
        process_fidelity=process_fidelity(made, wanted, inputs=1 << m),
        choi_error=float(abs(made - wanted).max()),
        diamond_low=low,
        diamond_distance=high,
        tolerance=tolerance,
        reason=f"diamond distance in [{low:.3g}, {high:.3g}], tolerance {tolerance:g}",
    )


def by_outcome(
    channel: CPTP, circuit: QuantumCircuit, wires: tuple[list[int], list[int]], outcomes: Mapping[int, int] | None
) -> tuple[ComplexArray, ComplexArray]:
    """Return the Choi matrices of the program's and the wanted instrument, the outcome being part of the output."""
    found = [register for register in circuit.cregs if register.name == "outcome"]
    if not found:
        raise InputError("the program has no classical register 'outcome'", expected="the outcomes of the instrument")
    assert channel.labels is not None
    bits = [circuit.find_bit(bit).index for bit in found[0]]
    parts = outcome_choi(circuit, *wires, bits)
    meaning = {value: value if outcomes is None else outcomes.get(value, -1) for value in parts}
    labels = sorted({*channel.labels, *meaning.values()})
    size, inputs = 1 << (channel.inputs + channel.outputs), 1 << channel.inputs
    made, wanted = np.zeros((2, len(labels), size, size), dtype=np.complex128)
    for value, choi in parts.items():
        made[labels.index(meaning[value])] += choi
    for index, label in enumerate(labels):
        chosen = [label == other for other in channel.labels]
        if any(chosen):
            wanted[index] = choi_of_kraus(channel.given[chosen])
    return flagged(made, inputs), flagged(wanted, inputs)


def flagged(parts: ComplexArray, inputs: int) -> ComplexArray:
    """Return the Choi matrix of ``rho -> sum_x |x><x| (x) E_x(rho)`` from those of the E_x, shape (X, D, D)."""
    count, size, _ = parts.shape
    outputs = size // inputs
    tensor = np.zeros((inputs, count, outputs, inputs, count, outputs), dtype=np.complex128)
    for x, choi in enumerate(parts):
        tensor[:, x, :, :, x, :] = choi.reshape(inputs, outputs, inputs, outputs)
    return tensor.reshape(inputs * count * outputs, -1)


@dataclass(frozen=True)
class Setting:
    """One product input (numbers of :data:`STATES`) and one product measurement (numbers of :data:`BASES`)."""

    states: tuple[int, ...]
    bases: tuple[int, ...]

    def law(self, choi: ComplexArray) -> FloatArray:
        """Return the probabilities of the 2^n outcomes under a channel, qubit 0 least significant."""
        psi, bras = np.ones(1, dtype=np.complex128), np.ones((1, 1), dtype=np.complex128)
        for state in self.states:
            psi = np.kron(STATES[state], psi)
        for basis in self.bases:
            bras = np.kron(BRAS[basis], bras)
        size = len(psi)
        rho = np.einsum("i,iojp,j->op", psi, choi.reshape(size, len(choi) // size, size, -1), psi.conj(), optimize=True)
        law = np.einsum("xo,op,xp->x", bras, rho, bras.conj(), optimize=True).real
        law = np.where(law > IMPOSSIBLE, law, 0.0)
        return np.asarray(law / law.sum())

    def circuit(self, program: QuantumCircuit, inputs: list[int], outputs: list[int]) -> QuantumCircuit:
        """Return the program between the preparation and the measurement, which goes to register ``probe``."""
        from qiskit import ClassicalRegister

        whole = program.copy_empty_like()
        for wire, state in zip(inputs, self.states, strict=True):
            for gate in PREPARE[state]:
                getattr(whole, gate)(wire)
        whole.compose(program, range(program.num_qubits), range(program.num_clbits), inplace=True)
        probe = ClassicalRegister(len(outputs), "probe")
        whole.add_register(probe)
        for wire, basis, bit in zip(outputs, self.bases, probe, strict=True):
            for gate in BASES[basis]:
                getattr(whole, gate)(wire)
            whole.measure(wire, bit)
        return whole


def sample_process(
    channel: CPTP,
    circuit: QuantumCircuit,
    *,
    shots: int,
    settings: int = 40,
    backend: str | Backend = "aer",
    seed: int | np.random.Generator | None = None,
    alpha: float = 0.001,
    resolution: float = 0.05,
) -> Verdict:
    """Test a program against a channel by sampling: random product inputs, random product measurements.

    One G-test over all settings, each setting one table. A PASS means that a mean TVD of ``resolution`` over these settings
    would have been seen with power 0.9; it is a test of the channel on product inputs, not a bound on the diamond distance.

    Args:
        channel: what it should be; the outcomes of an instrument are summed over.
        circuit: the program, register ``sys``.
        shots: in all, shared evenly among the settings.
        settings: how many pairs of input (6^m) and measurement (3^n) are drawn.
        backend: where to run; see :func:`stinespring.backends.registry.open_backend`.
        seed: of the settings and of the backend.
        alpha: the false-alarm rate.
        resolution: the mean TVD that a PASS must be able to detect.
    """
    shots, settings = require_count(shots, "shots"), require_count(settings, "settings")
    if shots < settings:
        raise InputError("there are fewer shots than settings", got=f"{shots} and {settings}", expected="a shot a setting")
    if channel.outputs < 1:
        raise InputError("a channel without output cannot be sampled", got="n = 0", expected="at least one output qubit")
    root = root_seed(seed)
    wires = channel_wires(circuit, inputs=channel.inputs, outputs=channel.outputs)
    rng, choi = np.random.default_rng(derive_seed(root, 0)), channel.choi()
    each = shots // settings
    law = np.zeros((settings, 1 << channel.outputs))
    observed = np.zeros_like(law)
    with opened(backend) as sampler:
        for index in range(settings):
            drawn = Setting(
                tuple(rng.integers(len(STATES), size=channel.inputs).tolist()),
                tuple(rng.integers(len(BASES), size=channel.outputs).tolist()),
            )
            law[index] = drawn.law(choi)
            [values] = sampler.sample(drawn.circuit(circuit, *wires), None, each, derive_seed(root, 1, index))
            observed[index] = np.bincount(values["probe"], minlength=law.shape[1])
    return judge_tables(observed, law, alpha=alpha, resolution=resolution, what=f"{settings} settings")
