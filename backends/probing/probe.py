# SPDX-License-Identifier: Apache-2.0
"""What a backend really does, tried in a process of its own: a simulator that aborts takes only that process with it.

``python -m stinespring.backends.probing.probe BACKEND...`` prints one JSON object a line.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from stinespring.errors import InputError, StinespringError

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

    from stinespring.backends.base import Backend

__all__ = ["CAPABILITIES", "NOISE", "Probe"]

CAPABILITIES = ("mid_circuit_measurement", "reset", "conditions")
NOISE = "aer?noise=NAME|FILE"  # stands for all of them
SHOTS = 64
MAJORITY = 0.8  # of the shots that must read the right value: devices have noise, a wrong operation has none right
SECONDS = 120.0


def circuits() -> dict[str, tuple[QuantumCircuit, int]]:
    """Return a circuit for each capability and the value that it must read; every wrong execution reads another one."""
    from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister

    def fresh() -> QuantumCircuit:
        return QuantumCircuit(QuantumRegister(2, "q"), ClassicalRegister(3, "c"))

    middle = fresh()  # reads 1, then 0 after the qubit was turned back, then 1 of the other
    middle.x(0)
    middle.measure(0, 0)
    middle.x(0)
    middle.x(1)
    middle.measure(0, 1)
    middle.measure(1, 2)
    reset = fresh()  # a reset of one of two excited qubits, and excited again at the end
    reset.x([0, 1])
    reset.reset(0)
    reset.measure([0, 1], [0, 1])
    reset.reset(1)
    reset.x(1)
    reset.measure(1, 2)
    steered = fresh()  # one condition that holds and one that does not
    steered.x(0)
    steered.measure(0, 0)
    with steered.if_test((steered.clbits[0], 1)):
        steered.x(1)
    with steered.if_test((steered.clbits[0], 0)):
        steered.x(0)
    steered.measure([0, 1], [1, 2])
    return {"mid_circuit_measurement": (middle, 0b101), "reset": (reset, 0b110), "conditions": (steered, 0b111)}


def tried(backend: Backend, *, lowered: bool = False) -> dict[str, bool]:
    """Return for each capability whether the backend ran its circuit, lowered or not, with the right outcome."""
    from qiskit.exceptions import QiskitError

    from stinespring.backends.base import device_of
    from stinespring.compiler.devices.target import lower

    result, device = {}, None if lowered else device_of(backend)
    for name, (circuit, expected) in circuits().items():
        try:
            [values] = backend.sample(circuit if device is None else lower(circuit, device), None, SHOTS, 1)
        except (StinespringError, QiskitError):
            result[name] = False
        else:
            result[name] = bool((values["c"] == expected).mean() >= MAJORITY)
    return result


def noisy_three() -> Backend:
    """Return Aer with the noise of three qubits, the last of which is always read as 0."""
    from stinespring.backends.aer.backend import AerBackend
    from stinespring.backends.aer.calibration import Calibration, GateFigures, QubitFigures

    names = ("x", "measure", "reset")
    gates = tuple(GateFigures(name, (qubit,), None, None) for name in names for qubit in range(3))
    right, blind = ((1.0, 0.0), (0.0, 1.0)), ((1.0, 0.0), (1.0, 0.0))
    qubits = tuple(QubitFigures(None, None, readout) for readout in (right, right, blind))
    return AerBackend(calibration=Calibration("probe", None, True, qubits, gates))


def noise_tried(backend: Backend) -> bool:
    """Return whether a qubit in 1 that is always read as 0 is read so."""
    from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister

    circuit = QuantumCircuit(QuantumRegister(3, "q"), ClassicalRegister(2, "c"))
    circuit.x([1, 2])
    circuit.measure([1, 2], [0, 1])
    [values] = backend.sample(circuit, None, SHOTS, 1)
    return bool((values["c"] == 1).all())


def probe(text: str) -> dict[str, Any]:
    """Return what was found about the backend that a string names; ``entry point:KIND`` is only loaded."""
    from stinespring.backends.registry import offered, open_backend

    kind = text.removeprefix("entry point:")
    if kind != text:
        offered()[kind].load()
        return {}
    if text == NOISE:
        backend = noisy_three()
        return {**tried(backend, lowered=True), "noise": noise_tried(backend)}
    return dict(tried(open_backend(text)))


def main(arguments: Sequence[str]) -> None:
    """Print what was found about each backend as soon as it is known."""
    for text in arguments:
        try:
            result = {"name": text, "found": probe(text)}
        except StinespringError as error:
            result = {"name": text, "refused": str(error)}
        sys.stdout.write(json.dumps(result) + "\n")
        sys.stdout.flush()


class Probe:
    """Probes in the background; :meth:`results` waits for them.

    Args:
        backends: strings, as for :func:`probe`.
    """

    def __init__(self, backends: Sequence[str]) -> None:
        self.waiting = list(backends)
        self.process = self.start()

    def start(self) -> subprocess.Popen[str]:
        """Start a process for what is waiting."""
        command = [sys.executable, "-m", "stinespring.backends.probing.probe", *self.waiting]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # noqa: S603

    def results(self) -> Mapping[str, Mapping[str, Any] | str]:
        """Return, for each backend, what was found, or why nothing was: the last line that the process wrote.

        Raises:
            InputError: one cannot be opened as it was written.
        """
        done: dict[str, Mapping[str, Any] | str] = {}
        while self.waiting:
            try:
                out, err = self.process.communicate(timeout=SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                out, err = self.process.communicate()
                err = f"no answer within {SECONDS:g} s"
            for line in out.splitlines():
                if line.startswith('{"name": '):
                    entry = json.loads(line)
                    if "refused" in entry:
                        raise InputError(f"{entry['name']} cannot be tried: {entry['refused']}")
                    done[entry["name"]] = entry["found"]
            self.waiting = [name for name in self.waiting if name not in done]
            if self.waiting:  # the first of them ended the process
                code = self.process.returncode
                done[self.waiting.pop(0)] = (err.strip().splitlines() or [f"the process ended with {code}"])[-1]
                if self.waiting:
                    self.process = self.start()
        return done


if __name__ == "__main__":
    main(sys.argv[1:])
