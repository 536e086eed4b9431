# SPDX-License-Identifier: Apache-2.0
"""An exact OpenQASM 3 interpreter: branch enumeration on state vectors, NumPy only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from oracles.qasm_conditions import register_values
from oracles.qasm_expressions import QasmError
from oracles.qasm_program import Branching, Measure, Operation, Program, Reset, Unitary, load
from oracles.qasm_state import LARGEST, NEGLIGIBLE, Ensemble

__all__ = [
    "Branch",
    "QasmError",
    "branches",
    "count",
    "distribution",
    "operator",
    "registers",
    "statements",
    "two_qubit_gates",
    "worst_path_two_qubit_gates",
]

Initial = Mapping[str, "int | np.ndarray"]


@dataclass(frozen=True)
class Branch:
    """One sequence of measurement (and reset) outcomes.

    Attributes:
        probability: squared norm of `state`.
        values: value of every classical register, bit 0 least significant.
        state: unnormalised, shape (2^n,); the first declared qubit is least significant.
        two_qubit_gates: executed gates on two or more qubits.
    """

    probability: float
    values: dict[str, int]
    state: np.ndarray
    two_qubit_gates: int


def distribution(qasm: str, registers: Sequence[str], initial: Initial | None = None) -> dict[tuple[int, ...], float]:
    """Exact joint probabilities of classical registers.

    Args:
        qasm: the program.
        registers: names of classical registers; the others are summed over.
        initial: quantum register to basis state number or normalised state vector (qubit 0 least
            significant); the others start in |0>.

    Returns:
        Values in the order of `registers` (bit 0 least significant) to probability; values less likely than
        1e-15 are left out.

    Raises:
        QasmError: if the program or a name in `registers` or `initial` is not understood.
    """
    program = load(qasm)
    unknown = [name for name in registers if name not in program.bits]
    if unknown:
        raise QasmError(f"no classical register {unknown[0]!r}; declared: {', '.join(program.bits) or 'none'}")
    wanted = [program.bits[name] for name in registers]
    operations, deferred = _defer(program.operations)
    ensemble = Ensemble.start(_initial_state(program, initial)[:, None], program.n_bits)
    live = {bit for register in wanted for bit in register}
    for operation, live_bits in zip(operations, _live_bits(operations, live), strict=True):
        ensemble.execute(operation)
        if not isinstance(operation, Unitary) and ensemble.size > 1:
            ensemble.merge(sorted(live_bits))
    return _read_off(ensemble, wanted, deferred)


def branches(qasm: str, initial: Initial | None = None) -> list[Branch]:
    """Every branch of a program, for channel tests; `initial` as for `distribution`.

    Branches with the same bits but different outcomes of resets, or of measurements whose bit was written
    again, stay apart: the output state for given bits is the sum of their projectors.
    """
    program = load(qasm)
    ensemble = Ensemble.start(_initial_state(program, initial)[:, None], program.n_bits)
    ensemble.run(program.operations)
    values = {name: register_values(ensemble.bits, bits) for name, bits in program.bits.items()}
    probabilities, columns = ensemble.probabilities(), ensemble.columns
    return [
        Branch(
            probability=float(probabilities[b]),
            values={name: int(value[b]) for name, value in values.items()},
            state=columns[:, b].copy(),
            two_qubit_gates=int(ensemble.two_qubit_gates[b]),
        )
        for b in range(ensemble.size)
    ]


def operator(qasm: str) -> np.ndarray:
    """Unitary of a program without measurement, reset and `if`, first declared qubit least significant."""
    program = load(qasm)
    if not all(isinstance(operation, Unitary) for operation in program.operations):
        raise QasmError("the program measures, resets or branches, so it has no unitary")
    _check_size(4**program.n_qubits)
    ensemble = Ensemble.start(np.eye(2**program.n_qubits), program.n_bits)
    ensemble.run(program.operations)
    return ensemble.columns


def registers(qasm: str) -> tuple[dict[str, int], dict[str, int]]:
    """Sizes of the quantum and of the classical registers, in declaration order."""
    program = load(qasm)
    return (
        {name: len(qubits) for name, qubits in program.qubits.items()},
        {name: len(bits) for name, bits in program.bits.items()},
    )


def count(qasm: str) -> dict[str, int]:
    """Gates by name once `gate` definitions are expanded; both sides of every `if` count.

    Modifiers are part of the name (`ctrl @ x`, `inv @ s`); a global phase counts as `gphase`.
    """
    return dict(Counter(op.name for op in _walk(load(qasm).operations) if isinstance(op, Unitary)))


def statements(qasm: str) -> dict[str, int]:
    """Numbers of single-qubit `measure` and `reset` operations and of `if` statements."""
    result = {"measure": 0, "reset": 0, "if": 0}
    for operation in _walk(load(qasm).operations):
        if not isinstance(operation, Unitary):
            kind = {Measure: "measure", Reset: "reset", Branching: "if"}[type(operation)]
            result[kind] += 1
    return result


def two_qubit_gates(qasm: str) -> int:
    """Number of two-qubit gates as written, both sides of every `if` included; `swap` counts once.

    Raises:
        QasmError: if a gate acts on three or more qubits, which has no count of its own.
    """
    return sum(_is_two_qubit(operation) for operation in _walk(load(qasm).operations))


def worst_path_two_qubit_gates(qasm: str, initial: Initial | None = None) -> int:
    """Largest number of two-qubit gates executed on any branch that `initial` can reach."""
    two_qubit_gates(qasm)
    return max(branch.two_qubit_gates for branch in branches(qasm, initial))


def _is_two_qubit(operation: Operation) -> bool:
    if not isinstance(operation, Unitary):
        return False
    if len(operation.qubits) > 2:
        raise QasmError(f"gate {operation.name!r} acts on {len(operation.qubits)} qubits")
    return len(operation.qubits) == 2


def _walk(operations: Sequence[Operation]) -> Iterator[Operation]:
    """All operations, with an `if` before what it contains."""
    for operation in operations:
        yield operation
        if isinstance(operation, Branching):
            yield from _walk(operation.then)
            yield from _walk(operation.otherwise)


def _check_size(amplitudes: int) -> None:
    if amplitudes > LARGEST:
        raise QasmError(f"{amplitudes} amplitudes are too many, at most {LARGEST}")


def _initial_state(program: Program, initial: Initial | None) -> np.ndarray:
    initial = {} if initial is None else initial
    unknown = [name for name in initial if name not in program.qubits]
    if unknown:
        raise QasmError(f"no quantum register {unknown[0]!r}; declared: {', '.join(program.qubits) or 'none'}")
    _check_size(2**program.n_qubits)
    state = np.ones(1, dtype=complex)
    for name, qubits in program.qubits.items():
        # A later register is more significant, so it is the left factor.
        state = np.kron(_register_state(name, len(qubits), initial.get(name, 0)), state)
    return state


def _register_state(name: str, size: int, value: int | np.ndarray) -> np.ndarray:
    if isinstance(value, int | np.integer):
        if not 0 <= value < 2**size:
            raise QasmError(f"register {name!r} cannot start in {value}, it has {size} qubits")
        return np.asarray(np.eye(1, 2**size, int(value))[0])
    vector = np.asarray(value, dtype=complex)
    if vector.shape != (2**size,):
        raise QasmError(f"register {name!r} got a state of shape {vector.shape}, expected ({2**size},)")
    if abs(np.linalg.norm(vector) - 1) > 1e-9:
        raise QasmError(f"the state of register {name!r} has norm {np.linalg.norm(vector)}, expected 1")
    return vector


def _touched(operation: Operation) -> tuple[set[int], set[int], set[int]]:
    """Qubits, bits read and bits written by an operation and everything inside it."""
    qubits: set[int] = set()
    read: set[int] = set()
    written: set[int] = set()
    for inner in _walk([operation]):
        match inner:
            case Unitary():
                qubits.update(inner.qubits)
            case Measure():
                qubits.add(inner.qubit)
                written.update(() if inner.bit is None else (inner.bit,))
            case Reset():
                qubits.add(inner.qubit)
            case Branching():
                read.update(inner.condition.reads)
    return qubits, read, written


def _defer(operations: Sequence[Operation]) -> tuple[list[Operation], dict[int, int]]:
    """Leave out final measurements and resets.

    A measurement can wait until the end if nothing acts on its qubit afterwards and its bit is neither read
    nor written again; a reset that nothing follows changes no bit.

    Returns:
        The remaining operations, and the map from deferred bits to qubits.
    """
    kept: list[Operation] = []
    deferred: dict[int, int] = {}
    busy: set[int] = set()
    read: set[int] = set()
    written: set[int] = set()
    for operation in reversed(operations):
        if isinstance(operation, Measure) and operation.qubit not in busy:
            bit = operation.bit
            if bit is None:
                continue
            if bit not in read and bit not in written:
                deferred[bit] = operation.qubit
                written.add(bit)
                continue
        if isinstance(operation, Reset) and operation.qubit not in busy | set(deferred.values()):
            continue
        for total, part in zip((busy, read, written), _touched(operation), strict=True):
            total |= part
        kept.append(operation)
    return kept[::-1], deferred


def _live_bits(operations: Sequence[Operation], wanted: set[int]) -> list[set[int]]:
    """Bits that are wanted in the end or read after each operation."""
    live = set(wanted)
    result: list[set[int]] = []
    for operation in reversed(operations):
        result.append(set(live))
        live |= _touched(operation)[1]
    return result[::-1]


def _read_off(ensemble: Ensemble, wanted: Sequence[list[int]], deferred: Mapping[int, int]) -> dict[tuple[int, ...], float]:
    """Joint probabilities from the branches' bits and the |amplitude|^2 of the deferred qubits."""
    n = ensemble.states.ndim - 1
    needed = sorted({deferred[bit] for register in wanted for bit in register if bit in deferred})
    others = tuple(n - 1 - qubit for qubit in range(n) if qubit not in needed)
    weights = (np.abs(ensemble.states) ** 2).sum(axis=others).reshape(2 ** len(needed), ensemble.size)
    basis = np.arange(2 ** len(needed))
    columns: list[list[int]] = []
    for register in wanted:
        values = np.zeros(weights.shape, dtype=np.int64)
        for position, bit in enumerate(register):
            if bit in deferred:
                digit = ((basis >> needed.index(deferred[bit])) & 1)[:, None]
            else:
                digit = ensemble.bits[None, :, bit].astype(np.int64)
            values += digit << position
        columns.append(values.ravel().tolist())
    result: dict[tuple[int, ...], float] = {}
    for probability, *key in zip(weights.ravel().tolist(), *columns, strict=True):
        result[tuple(key)] = result.get(tuple(key), 0.0) + probability
    return {key: probability for key, probability in result.items() if probability > NEGLIGIBLE}
