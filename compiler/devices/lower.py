# SPDX-License-Identifier: Apache-2.0
"""Lowering to a device: its basis and its coupling map, by Qiskit's preset passes with several layouts tried."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from stinespring.batches import Several
from stinespring.circuits.core.cost import flow_cost
from stinespring.circuits.devices.legality import Rules, require_legal, rules_of
from stinespring.circuits.devices.own_kinds import own_kinds
from stinespring.circuits.devices.read_back import flow_of, is_dynamic, used_qubits, worst_path_of
from stinespring.compiler.devices.quiet import quiet_regions
from stinespring.compiler.devices.stretches import with_stretches
from stinespring.compiler.devices.timing import duration, has_times, with_delays
from stinespring.compiler.export.faithful import require_kept, require_lowered, require_padded
from stinespring.compiler.export.forms import largest_cost
from stinespring.errors import DefectError, InputError, TooLargeError
from stinespring.stages import Cost, Device, Effect, Program

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

__all__ = ["Pick", "executes", "lower", "lowered_cost", "on_device", "padded"]

Pick = Callable[[Sequence[Any]], Any]  # of lowered circuits one
LAYOUTS = 8  # seeds of Qiskit's stochastic layout and routing that are compared
BEST, PLAIN = 3, 1  # levels of Qiskit's preset passes
SPACING = 7919
BASES = frozenset("rz sx x id cx cz ecr u1 u2 u3 measure reset".split())  # noqa: SIM905 -- gates that layouts are tried with


def executes(device: Device) -> Rules:
    """Return what a device executes: its own rules, or those that go with its name."""
    rules: Rules = rules_of(device.name) if device.rules is None else device.rules
    return rules


def on_device(program: Program, device: Device | None, delays: str = "none", pick: Pick | None = None) -> Program:
    """Return a program with all its circuits on a device's qubits and gates, and with what that did to its cost.

    Args:
        program: any program; one that is on this device already stays as it is.
        device: None: nothing is lowered, which the record of the passes says.
        delays: ``pad`` fills idle times with delays, ``decouple`` with pairs of X, ``stretch`` with pairs of X between delays
            whose length the service finds; ``none`` leaves them.
        pick: chooses among layouts, see :func:`lower`.

    Raises:
        InputError: the program is on another device, or delays are asked for without a device's times.
        TooLargeError: the program has more qubits than the device.
    """
    if device is None:
        if delays != "none":
            raise InputError("delays need a device's times", got="--target aer", expected="for example --target fake:boston")
        reason = "not applied: the target has no constraints"
        return replace(program, passes=(*program.passes, noted(program, False, reason))) if program.passes else program
    if program.device is not None:
        if program.device != device.name:
            raise InputError(
                "the program is on another device", got=f"a program on {program.device}", expected=device.name,
                todo="compile it for this device, or for none",
            )  # fmt: skip
        return program
    body = program.body.on(lambda circuit: placed(circuit, device, pick))
    cost, details = largest_cost([lowered_cost(circuit) for circuit in circuits_of(body)]), dict(program.details)
    if isinstance(body, Several):
        details["circuits"] = len(body.circuits)
    details["qubits_used"] = max(len(used_qubits(circuit)) for circuit in circuits_of(body))
    if delays != "none":
        body = body.on(lambda circuit: padded(circuit, device, delays))
    took = None
    if has_times(device.target):
        took = max(duration(circuit, device.target).seconds for circuit in circuits_of(body))
    kinds = device_kinds(circuits_of(body), device)
    if kinds:
        details["device_instructions"] = kinds
    changed = replace(program, body=body, cost=cost, device=device.name, duration=took, details=details)
    by = "the best of several layouts" if pick is None else "of several layouts the one with the least noise"
    reason = f"gates and coupling of {device.name}, {by}"
    if kinds:
        reason += "; the device itself gets " + ", ".join(f"{number} {name}" for name, number in kinds.items())
    return replace(changed, passes=(*program.passes, noted(changed, True, reason)))


def placed(circuit: QuantumCircuit, device: Device, pick: Pick | None = None) -> QuantumCircuit:
    """Return the circuit on the device, once it was compared with the circuit before.

    Qiskit's resynthesis of two qubits takes gates of fidelity 1 - 1e-9 for the same (2.6: angles below 1e-4 are dropped). Where
    that shows, the circuit is lowered without it.

    Raises:
        DefectError: it is another program either way.
    """
    result = lower(circuit, device, pick=pick)
    try:
        require_lowered(circuit, result)
    except DefectError:
        result = lower(circuit, device, pick=pick, level=PLAIN)
        require_lowered(circuit, result)
    return result


def padded(circuit: QuantumCircuit, device: Device, delays: str) -> QuantumCircuit:
    """Return the circuit with its idle times filled as ``delays`` says, once it was compared with the circuit before."""
    if delays == "stretch":
        result = with_stretches(circuit, device.name)
    else:
        result = with_delays(circuit, device.target, dynamical_decoupling=delays == "decouple")
    require_padded(circuit, result)
    return result


def circuits_of(body: Any) -> tuple[QuantumCircuit, ...]:
    """Return the circuits that a body runs; of a host in the loop the widest one."""
    return body.circuits if isinstance(body, Several) else (body.circuit,)


def device_kinds(circuits: Sequence[QuantumCircuit], device: Device) -> dict[str, int]:
    """Return how many measurements and resets of a device's own kinds its circuits get before they are sent, at most."""
    result: dict[str, int] = {}
    for circuit in circuits:
        for name, number in own_kinds(circuit, device.target).items():
            result[name] = max(number, result.get(name, 0))
    return result


def noted(program: Program, applied: bool, reason: str) -> Effect:
    """Return the record of the pass ``lower``."""
    c, bound = program.cost, program.passes[-1].lower_bound if program.passes else 0
    return Effect("lower", applied, reason, c.two_qubit_gates, c.two_qubit_depth, c.qubits, program.tvd_bound, bound)


def lower(
    circuit: QuantumCircuit, device: Device, *, seed: int = 0, pick: Pick | None = None, level: int = BEST
) -> QuantumCircuit:
    """Return the circuit on the device's qubits and gates: of several layouts the one with the fewest two-qubit gates.

    Of a circuit with conditions those on its worst path count. What a condition guards is routed there and back, so that
    every path ends with the qubits in the same places.

    Args:
        circuit: for no device.
        device: where it will run.
        seed: of the layouts.
        pick: chooses among the layouts instead, those in the parts of the device with the fewest errors among them.
        level: of Qiskit's preset passes; with 1 no gate is synthesised anew.

    Raises:
        TooLargeError: the circuit has more qubits than the device.
        InputError: the circuit does what the device does not execute.
    """
    if circuit.num_qubits > device.target.num_qubits:
        raise TooLargeError(
            f"the program does not fit on {device.name}",
            got=f"{circuit.num_qubits} qubits",
            expected=f"at most {device.target.num_qubits}",
            todo="use a larger device, or ask for less: for texts fewer steps or --schedule stepwise",
        )
    dynamic = is_dynamic(circuit)
    if dynamic:
        require_executable(circuit, device)
    found = []
    for number in range(seed, seed + SPACING * LAYOUTS, SPACING):
        found.append(routed(circuit, device, number, near_layout(circuit, device, number) if dynamic else None, level))
    if pick is not None:
        for place in quiet_regions(device.target, circuit.num_qubits, price(found[0])[0]):
            found.append(routed(circuit, device, seed, near_layout(circuit, device, seed, place), level))
    best = min(found, key=price) if pick is None else pick(found)
    if dynamic:
        kept = without_empty(best)
        require_kept(best, kept, "the circuit without its empty conditions")
        best = kept
        require_legal(best, executes(device), target=device.target)
    return best


def routed(circuit: QuantumCircuit, device: Device, seed: int, layout: list[int] | None, level: int) -> QuantumCircuit:
    """Return the circuit on the device by Qiskit's preset passes.

    Raises:
        InputError: the device's gates do not write every circuit.
    """
    from qiskit.transpiler import TranspilerError, generate_preset_pass_manager

    manager = generate_preset_pass_manager(
        optimization_level=level, target=device.target, seed_transpiler=seed, initial_layout=layout
    )
    try:
        found: QuantumCircuit = manager.run(circuit)
    except TranspilerError as error:
        raise InputError(
            f"the circuit cannot be written in the gates of {device.name}",
            got=", ".join(sorted(device.target.operation_names)),
            expected="a basis in which every circuit can be written, such as cz, rz, sx, x",
            todo=f"give a backend with more gates ({error.message.splitlines()[0][:120]})",
        ) from None
    return found


def near_layout(
    circuit: QuantumCircuit, device: Device, seed: int, place: list[int] | None = None
) -> list[int] | None:  # fmt: skip
    """Return a layout on as few qubits of the device as the circuit has, on these if they are given; None: no such region.

    Given the whole of a large device, Qiskit's layout search spreads the program: of one with 14 conditions on three qubits
    it made 274 to 622 two-qubit gates on 156 qubits, where the region (like a line of three) takes 17.
    """
    from qiskit.circuit import IfElseOp
    from qiskit.transpiler import CouplingMap, Target, generate_preset_pass_manager

    coupling = device.target.build_coupling_map()
    if coupling is None or not 2 <= circuit.num_qubits < device.target.num_qubits:
        return None
    edges = set(coupling.get_edges())
    place = region(edges, circuit.num_qubits) if place is None else place
    if place is None:
        return None
    number = {qubit: i for i, qubit in enumerate(place)}
    inside = [(number[a], number[b]) for a, b in sorted(edges) if a in number and b in number]
    basis = sorted(BASES.intersection(device.target.operation_names))
    small: Target = Target.from_configuration(basis, num_qubits=len(place), coupling_map=CouplingMap(inside))
    small.add_instruction(IfElseOp, name="if_else")
    manager = generate_preset_pass_manager(optimization_level=3, target=small, seed_transpiler=seed)
    found = manager.run(circuit).layout
    return [place[i] for i in (found.initial_index_layout(filter_ancillas=True) if found else range(len(place)))]


def region(edges: Collection[tuple[int, int]], size: int) -> list[int] | None:
    """Return connected qubits with as many couplings among them as a breadth-first search from any qubit finds."""
    neighbours: dict[int, set[int]] = {}
    for a, b in edges:
        neighbours.setdefault(a, set()).add(b)
        neighbours.setdefault(b, set()).add(a)
    best: list[int] | None = None
    most = -1
    for start in sorted(neighbours):
        found: dict[int, None] = {start: None}
        places = deque([start])
        while places and len(found) < size:
            fresh = [q for q in sorted(neighbours[places.popleft()]) if q not in found][: size - len(found)]
            found.update(dict.fromkeys(fresh))
            places.extend(fresh)
        couplings = sum(len(neighbours[q].intersection(found)) for q in found)
        if len(found) == size and couplings > most:
            best, most = list(found), couplings
    return best


def require_executable(circuit: QuantumCircuit, device: Device) -> None:
    """Refuse what the device's rules forbid, and mid-circuit operations that it does not have at all."""
    require_legal(circuit, executes(device))
    missing = {"if_else", "reset"}.intersection(circuit.count_ops()) - set(device.target.operation_names)
    if missing:
        raise InputError(
            f"{device.name} does not execute dynamic circuits",
            got=", ".join(sorted(missing)),
            expected=", ".join(sorted(device.target.operation_names)),
            todo="use a newer device, such as fake:boston, or --schedule static",
        )


def without_empty(circuit: QuantumCircuit) -> QuantumCircuit:
    """Return a circuit without the conditions of which optimisation left nothing."""
    kept = [item for item in circuit.data if item.operation.name != "if_else" or any(b.size() for b in item.operation.blocks)]
    if len(kept) == len(circuit.data):
        return circuit
    result: QuantumCircuit = circuit.copy()
    result.data = kept
    return result


def price(circuit: QuantumCircuit) -> tuple[int, int]:
    """Return what layouts are compared by: two-qubit gates, then (with conditions) their depth, on the worst path."""
    if "if_else" not in circuit.count_ops():
        return int(circuit.num_nonlocal_gates()), 0
    worst = worst_path_of(circuit)
    return worst.two_qubit, max(worst.pairs, default=0)


def lowered_cost(circuit: QuantumCircuit) -> Cost:
    """Return what a lowered circuit costs, on its worst path; its qubits are the device's."""
    return flow_cost(flow_of(circuit))
