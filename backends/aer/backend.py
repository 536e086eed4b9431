# SPDX-License-Identifier: Apache-2.0
"""Qiskit Aer on this machine: batches in chunks with seeds of their own, each by the fastest faithful way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args

from stinespring.backends.aer.chunks import DRAWN_AT_ONCE, Chunk, How, Route, chunks_of, rows_together, with_some_angles
from stinespring.backends.aer.faithful import require_simulated
from stinespring.backends.aer.methods import (
    BRANCHING,
    GATES,
    METHODS,
    Choice,
    choose,
    density_qubits,
    only_gates,
    state_bytes,
    statevector_qubits,
)
from stinespring.backends.aer.simulator import binds_rows, checked_simulator, run_counts, versions, without_idle_qubits
from stinespring.backends.histories.choose_path import (
    PLANNED,
    SIMULATED_AT_ONCE,
    Path,
    path_and_shots,
    require_flow,
    require_path,
    runnable_flow,
    sample_by_plan,
)
from stinespring.backends.rows import Gathered, require_shots, require_values, rows_of
from stinespring.batches import Batch, Report, quiet
from stinespring.circuits.devices.legality import LATTICE
from stinespring.circuits.devices.read_back import is_dynamic, used_qubits
from stinespring.errors import InputError, TooLargeError
from stinespring.memory import require_memory
from stinespring.readings import FloatArray, Outcomes
from stinespring.stages import Capabilities, Device

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit_aer import AerSimulator
    from qiskit_aer.noise import NoiseModel

    from stinespring.backends.aer.calibration import Calibration
    from stinespring.circuits.core.flow import Flow

__all__ = ["AerBackend", "checked_simulator", "open_aer", "require_known", "statevector_qubits", "whole"]

OUTCOME = 120  # bytes that one shot of a chunk takes while it is drawn and counted (measured at 22 qubits, 262,144 shots)
OPTIONS = ("method", "noise", "threads", "memory")


class AerBackend:
    """Samples circuits on this machine.

    Args:
        method: one of Aer's methods, or ``auto``: chosen for each circuit, see :func:`stinespring.backends.aer.methods.choose`.
        calibration: simulate the noise of this device; circuits must then be lowered to it.
        device: what circuits are lowered to; by default the calibration's.
        threads: at most so many threads; None is one, since Aer deals other random numbers with another number of threads.
        memory: at most so many MB for states; None: 70 % of the machine's.
        limit: qubits of the widest statevector that a path may plan with; None: what the memory holds.
        path: of programs with measurements on the way; ``auto`` takes the one with the least estimated time.
        name: for the record.

    Raises:
        InputError: an unknown method or path.
    """

    keeps_jobs = False

    def __init__(
        self,
        method: str = "auto",
        *,
        calibration: Calibration | None = None,
        device: Device | None = None,
        threads: int | None = None,
        memory: int | None = None,
        limit: int | None = None,
        path: Path = "auto",
        name: str = "aer",
    ) -> None:
        if method not in METHODS:
            raise InputError("unknown method of backend aer", got=method, expected=" or ".join(METHODS))
        if path not in get_args(Path):
            raise InputError("unknown path of a dynamic program", got=path, expected=", ".join(get_args(Path)))
        if calibration is not None and method in GATES:
            raise InputError("noise is no Clifford gate", got=f"method {method} with noise", expected="another method")
        if path in PLANNED and (calibration is not None or method not in ("auto", "statevector")):
            got = f"path {path}, " + (f"method {method}" if calibration is None else "with noise")
            raise InputError("the path needs a statevector", got=got, expected="path plain")
        self.name, self.method, self.calibration, self.path = name, method, calibration, path
        self.threads, self.memory = threads, memory
        self.limit = statevector_qubits(memory) if limit is None else limit
        if device is None and calibration is not None:
            device = Device(calibration.name, calibration.target(), LATTICE)
        self.capabilities = Capabilities(
            device=device, max_shots=None if calibration is None else calibration.max_shots, noisy=calibration is not None
        )
        self._needed = 0.0  # bytes of the widest state of the last batch
        self._seconds = 0.0  # that Aer said it took, all calls together
        self._last: Route | None = None
        self._ready: tuple[QuantumCircuit, QuantumCircuit, NoiseModel | None] | None = None
        self._flow: tuple[QuantumCircuit, Flow | None] | None = None

    def close(self) -> None:
        """End nothing: every call ends by itself."""

    def metadata(self) -> dict[str, Any]:
        """Return versions, the method and the path of the last circuit and why, the noise, and the time all calls took."""
        result: dict[str, Any] = {**versions(), "method": self.method}
        if self._last is not None:
            result |= {"method": self._last.how.method, "method_why": self._last.method_why}
            if self._last.how.path:
                result |= {"path": self._last.how.path, "why": self._last.why}
        if self.calibration is not None:
            figures = self.calibration
            result["noise"] = {"source": figures.name, "taken": figures.taken, "digest": figures.digest}
        limits = {"threads": self.threads, "memory_mb": self.memory}
        result |= {name: value for name, value in limits.items() if value is not None}
        return result | ({"simulator_seconds": self._seconds} if self._last is not None else {})

    def sample(self, batch: Batch, seed: int, report: Report = quiet) -> list[Outcomes]:
        """Return the outcomes of every row; see :class:`stinespring.stages.Backend`.

        Raises:
            InputError: more shots than the device takes, a register of more than 62 bits, gates that the device does not have.
            TooLargeError: the state would not fit; the message names the size that would.
            BackendError: Aer reports a failure.
        """
        chunks, gathered = self.require(batch, seed), Gathered(batch)
        for done, chunk in enumerate(chunks):
            if len(chunks) > 1:
                report(f"{done} of {len(chunks)} chunks", done / len(chunks))
            item = batch.items[chunk.item]
            found = self.part(item.circuit, rows_of(item.angles, chunk.rows), chunk.shots, chunk.seed, chunk.how)
            gathered.add(chunk.item, chunk.rows, found)
        return gathered.outcomes()

    def require(self, batch: Batch, seed: int = 0) -> list[Chunk]:
        """Return the chunks of a batch, once it is sure that it can be sampled here; nothing is simulated yet.

        Raises:
            InputError: as for :meth:`sample`.
            TooLargeError: its widest state does not fit in what this process may still have.
        """
        self._needed = 0.0
        chunks = self.chunks(batch, seed)
        drawn = OUTCOME * max((len(chunk.rows) * chunk.shots for chunk in chunks), default=0)
        require_memory(
            self._needed + drawn,
            "the widest state of the simulation",
            "use --schedule stepwise, fewer steps, or --backend 'aer?method=matrix_product_state'",
        )
        return chunks

    def chunks(self, batch: Batch, seed: int, most: int | None = None) -> list[Chunk]:
        """Return the parts in which a batch is sampled, the same wherever that is done; nothing is simulated yet.

        Args:
            batch: what is sampled.
            seed: root of their seeds.
            most: shots of one chunk; None leaves it to the cost model.
        """
        require_shots(batch, self.capabilities.max_shots, self.name)
        for item in batch.items:
            require_values(item.circuit)
        return chunks_of(batch, seed, self.route, most)

    def route(self, circuit: QuantumCircuit, shots: int) -> Route:
        """Return how a circuit is simulated, why, and how it is cut.

        Raises:
            TooLargeError: its state does not fit; the message names the size that would.
            InputError: the method does not simulate such a circuit.
        """
        plain, _ = self.prepared(circuit)
        self._last = self.dynamic(circuit, plain, shots) if is_dynamic(plain) else self.static(plain, shots)
        if self._last.how.path not in PLANNED:  # those plan with the qubits that a stretch has
            self._needed = max(self._needed, state_bytes(plain.num_qubits, self._last.how.method))
        return self._last

    def static(self, circuit: QuantumCircuit, shots: int) -> Route:
        """Return how a circuit is simulated that measures at its end; with noise a statevector is one trajectory a shot."""
        choice, noise = self.choice(circuit, shots), self.calibration is not None
        density = choice.method == "density_matrix"
        one_state = density or not noise
        together = rows_together(circuit, shots, density=density) if density or choice.method == "statevector" else 1
        how = How(choice.method, "", False, self.limit)
        at_once, rows = (DRAWN_AT_ONCE, together) if one_state else (SIMULATED_AT_ONCE, 1)
        return Route(how, choice.why, "", at_once, rows)

    def dynamic(self, circuit: QuantumCircuit, plain: QuantumCircuit, shots: int) -> Route:
        """Return how a circuit is simulated that measures and goes on: by a path of its own where it can be read back."""
        why = "noise is simulated shot by shot"
        if self.calibration is None and self.method not in ("auto", "statevector"):
            why = f"the method {self.method} has no other path"
        elif self.calibration is None:
            numbered = with_some_angles(circuit)
            flow, why = self.read(numbered), "only Aer itself has all the circuit's operations"
            if flow is not None:
                require_flow(numbered, flow)
                found = self.planned(flow, plain, shots)
                if found is not None:
                    return found
                why = "no statevector fits"
            elif self.path in PLANNED:
                raise InputError("the circuit cannot be read back for the path", got=f"path {self.path}", expected="path auto")
        choice = self.choice(plain, shots)
        branching = choice.branching and self.path != "plain"
        path = "shot_branching" if branching else "plain"
        return Route(How(choice.method, path, branching, self.limit), choice.why, why, SIMULATED_AT_ONCE, 1)

    def planned(self, flow: Flow, plain: QuantumCircuit, shots: int) -> Route | None:
        """Return the route of a program that was read back; None where no statevector fits and another method may."""
        try:
            path, why, at_once = path_and_shots(flow, shots, self.limit, self.path)
        except TooLargeError:
            if self.method != "auto":
                raise
            return None
        require_path(flow, path)
        if path not in PLANNED:
            self.choice(plain, shots)  # that it fits
            at_once = min(at_once, SIMULATED_AT_ONCE) if path == "plain" else at_once
        how = How("statevector", path, path == "shot_branching" and bool(BRANCHING), self.limit)
        return Route(how, "the paths of programs with measurements on the way need it", why, at_once, 1)

    def read(self, circuit: QuantumCircuit) -> Flow | None:
        """Return a circuit read back as a program; kept for the chunks of the same circuit."""
        if self._flow is None or self._flow[0] is not circuit:
            self._flow = (circuit, runnable_flow(circuit))
        return self._flow[1]

    def choice(self, circuit: QuantumCircuit, shots: int) -> Choice:
        """Return the method for a circuit that has no idle qubits.

        Raises:
            TooLargeError: its state does not fit; the message names the size that would.
            InputError: the method does not simulate such a circuit.
        """
        if self.method == "auto":
            return choose(circuit, shots=shots, noise=self.calibration is not None, memory=self.memory)
        found = Choice(self.method, "asked for", self.calibration is None and self.method in BRANCHING and is_dynamic(circuit))
        limit = {"statevector": statevector_qubits, "density_matrix": density_qubits}.get(self.method, lambda _: 1 << 20)
        if circuit.num_qubits > limit(self.memory):
            raise TooLargeError(
                f"the {self.method.replace('_', ' ')} does not fit in memory",
                got=f"{circuit.num_qubits} qubits",
                expected=f"at most {limit(self.memory)} qubits",
                todo="use --schedule stepwise, fewer steps, or --backend 'aer?method=matrix_product_state'",
            )
        gates = GATES.get(self.method)
        if gates is not None and not only_gates(circuit, gates):
            raise InputError(
                f"the method {self.method} does not have all the circuit's operations",
                got=", ".join(sorted(circuit.count_ops())),
                expected=", ".join(sorted(gates)),
                todo="use --backend aer, which chooses a method that fits",
            )
        return found

    def part(self, circuit: QuantumCircuit, angles: FloatArray | None, shots: int, seed: int, how: How) -> list[Outcomes]:
        """Return the outcomes of one chunk: of each of its rows, or of the one row of a circuit without parameters."""
        if how.path in PLANNED:
            flow = self.read(circuit) if angles is None else runnable_flow(circuit.assign_parameters(angles[0]))
            assert flow is not None, "a path is chosen for programs that can be read"
            ran = sample_by_plan(
                flow,
                shots=shots,
                seed=seed,
                path=how.path,
                limit=how.limit,
                options={"max_parallel_threads": self.threads or 1},
            )
            self._seconds += ran.seconds
            return [ran.outcomes]
        ready, model = self.prepared(circuit)
        rows = angles is not None and model is None and binds_rows(ready, how.method)
        simulator = self.simulator(how, model, rows=rows)
        found = run_counts(simulator, ready, angles, shots, seed)
        self._seconds += simulator.seconds
        return found

    def prepared(self, circuit: QuantumCircuit) -> tuple[QuantumCircuit, NoiseModel | None]:
        """Return the circuit on the qubits it uses, and their noise; kept for the next chunk of the same circuit."""
        if self._ready is None or self._ready[0] is not circuit:
            if self.calibration is None:
                self._ready = (circuit, without_idle_qubits(circuit), None)
                if self._ready[1] is not circuit:
                    require_simulated(circuit, self._ready[1], sorted(used_qubits(circuit)))
            else:
                from stinespring.backends.aer.noise import noisy

                found = noisy(circuit, self.calibration)
                require_simulated(circuit, found.circuit, found.qubits)
                self._ready = (circuit, found.circuit, found.model)
        return self._ready[1], self._ready[2]

    def simulator(self, how: How, model: NoiseModel | None = None, *, rows: bool = False) -> AerSimulator:
        """Return the simulator with this backend's options."""
        options: dict[str, Any] = {
            "noise_model": model, "max_parallel_threads": self.threads or 1, "max_memory_mb": self.memory,
            "shot_branching_enable": True if how.branching else None, "runtime_parameter_bind_enable": rows or None,
        }  # fmt: skip
        return checked_simulator(how.method, **{name: value for name, value in options.items() if value is not None})


def open_aer(name: str, options: Mapping[str, str]) -> AerBackend:
    """Return the backend that ``aer[?option=value&...]`` names."""
    if name:
        raise InputError("backend aer has no name", got=f"aer:{name}", expected="aer or aer?option=value")
    require_known("aer", options, OPTIONS)
    calibration, device = None, None
    if "noise" in options:
        from stinespring.backends.aer.sources import noise_source

        calibration, device = noise_source(options["noise"])
    text = "&".join(f"{key}={options[key]}" for key in OPTIONS if key in options)
    return AerBackend(
        options.get("method", "auto"), calibration=calibration, device=device, name=f"aer?{text}" if text else "aer",
        threads=whole(options, "threads"), memory=whole(options, "memory"),
    )  # fmt: skip


def require_known(kind: str, options: Mapping[str, str], known: Sequence[str]) -> None:
    """Refuse options that a backend does not have."""
    unknown = [option for option in options if option not in known]
    if unknown:
        raise InputError(f"unknown option of backend {kind}", got=", ".join(unknown), expected=", ".join(known))


def whole(options: Mapping[str, str], name: str) -> int | None:
    """Return an option as a whole number of at least 1; None where it is not given."""
    if name not in options:
        return None
    text = options[name]
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) < 2**31:
        raise InputError(f"the option {name} is not usable", got=f"{name}={text}", expected="a whole number of at least 1")
    return int(text)
