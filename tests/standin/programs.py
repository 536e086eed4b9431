# SPDX-License-Identifier: Apache-2.0
"""The service's programs "executor" and "sampler": from a job's parameters to circuits, and from bits to its answer."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from qiskit import QuantumCircuit

READOUT, STRETCH = 400, 64  # dt
LENGTHS = {"cz": 17, "sx": 8, "x": 8, "if_else": 300}
Registers = dict[str, "NDArray[np.bool_]"]


class BadInput(Exception):
    """Parameters of a job that the service does not accept."""


@dataclass
class Work:
    """A circuit, its parameter values of shape (..., P), its shots, and more arrays that go into its result."""

    circuit: QuantumCircuit
    values: NDArray[np.float64]
    shots: int
    extra: dict[str, NDArray[Any]] = field(default_factory=dict)

    @property
    def executions(self) -> int:
        return self.shots * math.prod(self.values.shape[:-1])


@dataclass
class Program:
    """What a job runs, and how its answer is written."""

    works: list[Work]
    encode: Callable[[list[Registers]], str]


def decode(program: str, params: dict[str, Any], *, seed: int, rep_delays: list[float] | None) -> Program:
    """Read a job's parameters.

    Raises:
        BadInput: parameters that are not those of the program.
    """
    readers = {"executor": executor, "sampler": sampler}
    if program not in readers:
        raise BadInput(f"program {program!r} is not one of {sorted(readers)}")
    try:
        found = readers[program](params, seed)
    except (KeyError, TypeError, ValueError) as error:  # pydantic's errors are ValueErrors
        raise BadInput(f"the input of the program is wrong: {error}") from error
    require_rep_delay(params, rep_delays)
    for work in found.works:
        if work.values.shape[-1:] != (len(work.circuit.parameters),):
            raise BadInput(f"{len(work.circuit.parameters)} parameters, values of shape {work.values.shape}")
    return found


def require_rep_delay(params: dict[str, Any], rep_delays: list[float] | None) -> None:
    options = params.get("options") or {}
    delay = options.get("rep_delay", (options.get("execution") or {}).get("rep_delay"))
    if delay is not None and rep_delays and not rep_delays[0] <= delay * 1e6 <= rep_delays[1]:
        raise BadInput(f"rep_delay {delay} s is outside of {rep_delays} us")


def executor(params: dict[str, Any], seed: int) -> Program:
    """Read a quantum program of schema v2.0."""
    from ibm_quantum_schemas.executor.version_2_0 import ParamsModel

    model = ParamsModel.model_validate(params)
    program = model.quantum_program
    if program.meas_level != "classified":
        raise BadInput(f"the stand-in has no {program.meas_level} results")
    circuits = program.circuits.to_python()
    pairs = zip(circuits, program.items, strict=True)
    works = [item_work(circuit, item, program.shots, seed) for circuit, item in pairs]
    return Program(works, lambda taken: executor_answer(program, works, taken, model.options))


def item_work(circuit: QuantumCircuit, item: Any, shots: int, seed: int) -> Work:
    if item.item_type == "circuit":
        return Work(circuit, item.circuit_arguments.to_numpy(), shots)
    samples = randomized(item, np.random.default_rng(seed))
    values = samples.pop("parameter_values", np.zeros((*item.shape, 0)))
    return Work(circuit, values, shots, samples)


def randomized(item: Any, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    """Draw each element of a twirled item by itself; shapes (*shape of the item, ...)."""
    samplex = item.samplex.to_samplex()
    samplex.finalize()
    unknown = set(item.samplex_arguments) - {"parameter_values"}
    if unknown:
        raise BadInput(f"the stand-in does not know the arguments {sorted(unknown)} of a samplex")
    drawn: dict[str, NDArray[Any]] = {}
    for index in np.ndindex(*item.shape):
        arguments = samplex.inputs()
        for name, tensor in item.samplex_arguments.items():
            array = tensor.to_numpy()
            arguments[name] = np.broadcast_to(array, (*item.shape, array.shape[-1]))[index]
        sample = samplex.sample(arguments, num_randomizations=1, rng=rng)
        for name, array in dict(sample).items():
            drawn.setdefault(name, np.zeros((*item.shape, *array.shape[1:]), array.dtype))[index] = array[0]
    return drawn


def scheduled(circuit: QuantumCircuit) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return when everything begins and how long it takes, one thing a line, and what stretches were resolved to; in dt.

    Everything starts as soon as its qubits are free; all stretches are of the same length.
    """
    ready = dict.fromkeys(circuit.qubits, 0)
    lines, found = [], {stretch.name: list[tuple[int, int]]() for stretch in circuit.iter_stretches()}
    for item in circuit.data:
        name, begin = item.operation.name, max((ready[qubit] for qubit in item.qubits), default=0)
        length = LENGTHS.get(name, 0 if name in ("barrier", "rz") else READOUT if item.clbits or "reset" in name else 8)
        if name == "delay":
            fixed = isinstance(item.operation.duration, int | float)
            length = int(item.operation.duration) if fixed else STRETCH
            for stretch in () if fixed else found.values():
                stretch.append((begin, length))
        lines.append(f"{name},{begin},{length},{' '.join(str(circuit.find_bit(q).index) for q in item.qubits)}")
        ready |= dict.fromkeys(item.qubits, begin + length)
    timing = {"timing": "\n".join(lines), "circuit_duration": max(ready.values(), default=0)}
    stretches = [
        {"name": name, "value": STRETCH, "remainder": 0, "expanded_values": places} for name, places in sorted(found.items())
    ]
    return timing, stretches


def executor_answer(program: Any, works: list[Work], taken: list[Registers], options: Any) -> str:
    from ibm_quantum_schemas.common import CompressedTensorModel
    from ibm_quantum_schemas.executor.version_2_0 import (
        ChunkPart,
        ChunkSpan,
        ItemMetadataModel,
        MetadataModel,
        QuantumProgramResultItemModel,
        QuantumProgramResultModel,
    )

    def part(index: int, work: Work) -> ChunkPart:
        shape = work.values.shape[:-1]
        size = math.prod(shape)
        return ChunkPart(idx_item=index, size=size, permutation=list(range(len(shape))), element_range=(0, size, 1))

    def item(work: Work, registers: Registers) -> QuantumProgramResultItemModel:
        arrays = {name: CompressedTensorModel.from_numpy(array) for name, array in {**work.extra, **registers}.items()}
        timing, stretches = scheduled(work.circuit)
        told = {"scheduler_timing": timing} if options.scheduler_timing else {}
        told |= {"stretch_values": stretches} if options.stretch_values and stretches else {}
        return QuantumProgramResultItemModel(results=arrays, metadata=ItemMetadataModel(**told))

    now = datetime.now(UTC)
    parts = [part(index, work) for index, work in enumerate(works)]
    return QuantumProgramResultModel(
        data=[item(work, registers) for work, registers in zip(works, taken, strict=True)],
        metadata=MetadataModel(chunk_timing=[ChunkSpan(start=now, stop=now, parts=parts)]),
        passthrough_data=program.passthrough_data,
        semantic_role=program.semantic_role,
    ).model_dump_json()


def sampler(params: dict[str, Any], seed: int) -> Program:
    """Read the pubs of the older program."""
    from qiskit_ibm_runtime import RuntimeDecoder

    read = json.loads(json.dumps(params), cls=RuntimeDecoder)
    if read["version"] != 2:
        raise BadInput("version 2 is the only one")
    default = (read.get("options") or {}).get("default_shots") or 4096
    works = []
    for circuit, values, shots in (([*pub, None, None])[:3] for pub in read["pubs"]):
        array = np.zeros(0) if values is None or np.size(values) == 0 and not circuit.parameters else np.asarray(values, float)
        works.append(Work(circuit, array, int(shots or default)))
    return Program(works, lambda taken: sampler_answer(works, taken))


def sampler_answer(works: list[Work], taken: list[Registers]) -> str:
    from qiskit.primitives import BitArray, DataBin, PrimitiveResult, SamplerPubResult
    from qiskit_ibm_runtime import RuntimeEncoder

    pubs = []
    for work, registers in zip(works, taken, strict=True):
        arrays = {name: BitArray.from_bool_array(array, order="little") for name, array in registers.items()}
        pubs.append(SamplerPubResult(DataBin(**arrays, shape=work.values.shape[:-1]), metadata={"circuit_metadata": {}}))
    return json.dumps(PrimitiveResult(pubs, metadata={"version": 2}), cls=RuntimeEncoder)
