# SPDX-License-Identifier: Apache-2.0
"""What a backend really does, tried in a process of its own: a simulator that aborts takes only that process with it.

``python -m stinespring.backends.probing.probe MODULE:FUNCTION BACKEND...`` prints one JSON object a line; the function lowers
circuits to the devices of backends that have one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from stinespring.batches import Batch, Item
from stinespring.errors import InputError, StinespringError
from stinespring.readings import Outcomes
from stinespring.stages import Backend, Device

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = ["CAPABILITIES", "NOISE", "Prepare", "Probe"]

Prepare = Callable[[Any, Device], Any]  # from a circuit and a device to the circuit lowered to it

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


def share(outcomes: Outcomes, wanted: int) -> float:
    """Return the share of the shots that read a value in register ``c``."""
    return float(outcomes.counts[outcomes.column("c") == wanted].sum()) / outcomes.shots


def one(circuit: QuantumCircuit) -> Batch:
    """Return one circuit as a batch."""
    return Batch((Item(circuit, None, np.array([SHOTS])),), (1,))


def tried(backend: Backend, prepare: Prepare, *, lowered: bool = False) -> dict[str, bool]:
    """Return for each capability whether the backend ran its circuit with the right outcome.

    Args:
        backend: any.
        prepare: lowers a circuit to the backend's device, if it has one.
        lowered: whether the circuits are in the device's gates as they are.
    """
    from qiskit.exceptions import QiskitError

    result, device = {}, None if lowered else backend.capabilities.device
    for name, (circuit, expected) in circuits().items():
        try:
            [outcomes] = backend.sample(one(circuit if device is None else prepare(circuit, device)), 1)
        except (StinespringError, QiskitError):
            result[name] = False
        else:
            result[name] = share(outcomes, expected) >= MAJORITY
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
    [outcomes] = backend.sample(one(circuit), 1)
    return share(outcomes, 1) == 1.0


def probe(text: str, prepare: Prepare) -> dict[str, Any]:
    """Return what was found about the backend that a string names; ``entry point:KIND`` and ``extra:KIND`` are only loaded."""
    from stinespring.backends.registry import EXTRAS, offered, opened

    if text.removeprefix("extra:") != text:
        import_module(EXTRAS[text.removeprefix("extra:")][1])
        return {}

    kind = text.removeprefix("entry point:")
    if kind != text:
        offered()[kind].load()
        return {}
    if text == NOISE:
        backend = noisy_three()
        return {**tried(backend, prepare, lowered=True), "noise": noise_tried(backend)}
    with opened(text) as backend:
        return dict(tried(backend, prepare))


def main(arguments: Sequence[str]) -> None:
    """Print what was found about each backend as soon as it is known; the first argument names what lowers circuits."""
    module, _, function = arguments[0].partition(":")
    prepare: Prepare = getattr(import_module(module), function)
    for text in arguments[1:]:
        try:
            result = {"name": text, "found": probe(text, prepare)}
        except StinespringError as error:
            result = {"name": text, "refused": str(error)}
        except Exception as error:
            if not text.startswith("extra:"):
                raise
            result = {"name": text, "found": f"installed, but it cannot be imported: {type(error).__name__}: {error}"[:300]}
        sys.stdout.write(json.dumps(result) + "\n")
        sys.stdout.flush()


class Probe:
    """Probes in the background; :meth:`results` waits for them.

    Args:
        backends: strings, as for :func:`probe`.
        prepare: lowers circuits to devices; a function that its module and name find again in another process.
    """

    def __init__(self, backends: Sequence[str], prepare: Prepare) -> None:
        self.waiting, self.prepare = list(backends), f"{prepare.__module__}:{prepare.__name__}"
        self.process = self.start()

    def start(self) -> subprocess.Popen[str]:
        """Start a process for what is waiting."""
        command = [sys.executable, "-m", "stinespring.backends.probing.probe", self.prepare, *self.waiting]
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
