# SPDX-License-Identifier: Apache-2.0
"""What each reader is asked to do with a text, as the source of a script: ``TEXT`` and ``SHOTS`` are given to it.

A script prints READ once the text was taken. It fills ``counts`` with readings (the bit declared last on the left, as Qiskit
writes them) where the package can execute the program, and leaves it None where it only reads. An exception is a refusal.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["READERS", "Reader"]


class Reader(NamedTuple):
    """One reader.

    Attributes:
        name: for the table.
        packages: what is installed for it; none for what is installed already.
        tells: the package whose version is told.
        script: what it does.
        reads_only: whether it has nothing to execute programs with.
    """

    name: str
    packages: tuple[str, ...]
    tells: str
    script: str
    reads_only: bool = False


QISKIT = """
from qiskit import qasm2, qasm3
from qiskit_aer import AerSimulator
circuit = qasm2.loads(TEXT) if TEXT.startswith("OPENQASM 2") else qasm3.loads(TEXT)
print("READ")
if circuit.num_clbits and not circuit.num_parameters:
    found = AerSimulator().run(circuit, shots=SHOTS, seed_simulator=7).result().get_counts()
    counts = {key.replace(" ", ""): n for key, n in found.items()}
"""
OPENQASM3 = """
import openqasm3
openqasm3.parse(TEXT)
"""
MQT3 = """
from mqt.core import load
circuit = load(TEXT)
print("READ")
if circuit.num_classical_bits:
    from mqt.ddsim import CircuitSimulator
    counts = dict(CircuitSimulator(circuit, seed=7).simulate(SHOTS))
"""
MQT4 = """
from mqt.core import mlir
program = mlir.QCProgram.from_openqasm_str(TEXT)
print("READ")
if BITS:
    counts = dict(mlir.sample(program, shots=SHOTS, seed=7))
"""
PYQASM = """
import pyqasm
module = pyqasm.loads(TEXT)
module.validate()
module.unroll()
"""
BRAKET = """
import logging
logging.disable(logging.CRITICAL)
from braket.default_simulator import StateVectorSimulator
from braket.ir.openqasm import Program
from collections import Counter
found = StateVectorSimulator().run(Program(source=TEXT), shots=SHOTS if BITS else 0)
if BITS:
    counts = dict(Counter("".join(map(str, row))[::-1] for row in found.measurements))
"""
CIRQ = """
import cirq
from collections import Counter
from cirq.contrib.qasm_import import circuit_from_qasm
circuit = circuit_from_qasm(TEXT)
print("READ")
if BITS:
    records = cirq.Simulator(seed=7).run(circuit, repetitions=SHOTS).records
    columns = [records[name][:, -1, 0] for name in (f"{register}_{i}" for register, size in BITS for i in range(size))]
    counts = dict(Counter("".join(str(int(bit)) for bit in row)[::-1] for row in zip(*columns)))
"""
PENNYLANE = """
import pennylane as qml
with qml.queuing.AnnotatedQueue() as queue:
    returned = qml.from_qasm3(TEXT)()
"""
QIBO = """
from qibo import Circuit, set_backend
set_backend("numpy")
circuit = Circuit.from_qasm(TEXT)
print("READ")
if BITS:
    found = circuit(nshots=SHOTS).frequencies(registers=True)
    assert len(found) == 1, "counts of several registers are kept apart"
    counts = {key[::-1]: n for key, n in next(iter(found.values())).items()}
"""
PYTKET = """
from pytket.qasm import circuit_from_qasm_str
from pytket import Circuit, OpType
circuit = circuit_from_qasm_str(TEXT)
print("READ")
if BITS:
    at, plain = {}, Circuit()
    for qubit in circuit.qubits:
        plain.add_qubit(qubit)
    for command in circuit.get_commands():
        if command.op.type == OpType.Measure:
            at[command.bits[0]] = circuit.qubits.index(command.qubits[0])
        else:
            plain.add_gate(command.op, command.qubits)
    law = abs(plain.get_statevector()) ** 2
    from collections import Counter
    width, order = len(circuit.qubits), [(register, i) for register, size in BITS for i in range(size)]
    places = [next(q for bit, q in at.items() if (bit.reg_name, bit.index[0]) == wanted) for wanted in order]
    counts = Counter()
    for number, p in enumerate(law):
        counts["".join(f"{number:0{width}b}"[q] for q in places)[::-1]] += float(p)
    counts = dict(counts)
"""
BQSKIT = """
from bqskit.ir.lang.qasm2 import OPENQASM2Language
circuit = OPENQASM2Language().decode(TEXT)
assert circuit.num_qudits and circuit.num_operations
"""
PYZX = """
import pyzx
import re
circuit = pyzx.Circuit.from_qasm(TEXT)
assert circuit.gates
print("READ")
if BITS:
    plain = "\\n".join(line for line in TEXT.splitlines() if not line.startswith(("measure", "creg", "//")))
    law = abs(pyzx.Circuit.from_qasm(plain).to_matrix()[:, 0]) ** 2
    first, offset = {}, 0
    for name, size in re.findall(r"^qreg (\\w+)\\[(\\d+)\\];", TEXT, re.MULTILINE):
        first[name], offset = offset, offset + int(size)
    found = re.findall(r"measure (\\w+)\\[(\\d+)\\] -> (\\w+)\\[(\\d+)\\];", TEXT)
    read = {(c, int(j)): first[q] + int(i) for q, i, c, j in found}
    places = [read[register, i] for register, size in BITS for i in range(size)]
    counts = {}
    for number, p in enumerate(law):
        key = "".join(f"{number:0{offset}b}"[q] for q in places)[::-1]
        counts[key] = counts.get(key, 0.0) + float(p)
"""
CUDAQ = """
import cudaq
names = [name for name in dir(cudaq) if "qasm" in name.lower()]
raise NotImplementedError(f"the package has no importer of OpenQASM: {names}")
"""
CPU_ALONE = (  # without the gigabytes of CUDA's libraries, which reading needs none of
    "--no-deps", "cuda-quantum-cu13", "numpy", "scipy", "astpretty", "requests", "certifi", "charset-normalizer", "idna",
    "urllib3",
)  # fmt: skip
READERS = (
    Reader("Qiskit and Aer", (), "qiskit", QISKIT),
    Reader("openqasm3", (), "openqasm3", OPENQASM3, True),
    Reader("Braket's local simulator", (), "amazon-braket-default-simulator", BRAKET),
    Reader("mqt-core 3 and ddsim", ("mqt-core==3.11.0", "mqt.ddsim==2.7.0"), "mqt-core", MQT3),
    Reader("mqt-core 4", ("mqt-core==4.1.1",), "mqt-core", MQT4),
    Reader("pyqasm", ("pyqasm",), "pyqasm", PYQASM, True),
    Reader("Cirq", ("cirq-core", "ply"), "cirq-core", CIRQ),
    Reader("PennyLane", ("pennylane", "openqasm3[parser]"), "pennylane", PENNYLANE, True),
    Reader("Qibo", ("qibo",), "qibo", QIBO),
    Reader("pytket", ("pytket",), "pytket", PYTKET),
    Reader("BQSKit", ("bqskit",), "bqskit", BQSKIT, True),
    Reader("PyZX", ("pyzx",), "pyzx", PYZX),
    Reader("CUDA-Q", CPU_ALONE, "cuda-quantum-cu13", CUDAQ, True),
)
