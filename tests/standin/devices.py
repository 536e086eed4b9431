# SPDX-License-Identifier: Apache-2.0
"""Devices that the stand-in lists: published snapshots of real ones under other names, whole or a patch of them."""

from __future__ import annotations

import copy
import json
import re
from collections import deque
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

SPEC = re.compile(r"(?P<name>\w+)=(?P<source>\w+)(:(?P<qubits>\d+))?(\+(?P<more>\w+))?(@(?P<queue>\d+))?")
DEFAULT_DEVICES = ("ibm_standin=boston@7", "ibm_standin_small=boston:20@3")
EVERYWHERE = frozenset(
    {"barrier", "delay", "measure", "measure_2", "reset", "reset_2", "store", "measure_reset", "measure_reset_2"}
)


@dataclass
class Device:
    """A device: what the service tells about it, and the length of its queue."""

    name: str
    configuration: dict[str, Any]
    properties: dict[str, Any]
    queue: int = 0
    online: bool = True
    mock: bool = False

    @classmethod
    def parse(cls, spec: str) -> Device:
        """Make a device from ``name=source[:qubits][+instruction][@queue]``.

        ``source`` is a snapshot of qiskit-ibm-runtime, "boston"; the instruction, one that no snapshot has, measures a qubit
        and resets it: ``measure_reset_2``.
        """
        found = SPEC.fullmatch(spec)
        if found is None:
            raise ValueError(f"no device: {spec!r}; write name=source[:qubits][+instruction][@queue]")
        configuration, properties = (copy.deepcopy(snapshot(found["source"], kind)) for kind in ("conf", "props"))
        if found["qubits"]:
            configuration, properties = patch(configuration, properties, int(found["qubits"]))
        if found["more"]:
            signature = {"name": found["more"], "num_qubits": 1, "num_clbits": 1, "parameters": [], "return_type": "Bool"}
            configuration["supported_instructions"].append(found["more"])
            configuration["instruction_signatures"].append({**signature, "description": "A reset whose measurement is kept."})
            configuration["gates"].append({"name": found["more"], "parameters": [], "qasm_def": None})
        configuration["backend_name"] = properties["backend_name"] = found["name"]
        return cls(found["name"], configuration, properties, int(found["queue"] or 0))

    def mocked(self) -> Device:
        """Return the mock of the device, which takes its jobs and answers with random bits: nothing is charged."""
        name = re.sub(r"^[^_]+", "mock", self.name)
        told = ({**part, "backend_name": name} for part in (self.configuration, self.properties))
        return Device(name, *told, mock=True)

    @property
    def qubits(self) -> int:
        return self.configuration["n_qubits"]

    @property
    def max_shots(self) -> int:
        return self.configuration["max_shots"]

    @cached_property
    def operations(self) -> dict[str, set[tuple[int, ...]] | None]:
        """Names of what the device executes and the qubits it does so on; None for all of them."""
        gates = {gate["name"]: gate.get("coupling_map") for gate in self.configuration["gates"]}
        names = {*self.configuration["supported_instructions"], *self.configuration["basis_gates"], "barrier"}
        return {
            name: {tuple(wires) for wires in gates[name]} if gates.get(name) and name not in EVERYWHERE else None
            for name in names
        }

    def entry(self) -> dict[str, Any]:
        """Return the device's line in the list of backends."""
        status = {"name": "online" if self.online else "offline", "reason": "available"}
        return {
            "name": self.name,
            "qubits": self.qubits,
            "queue_length": self.queue,
            "status": status,
            "class": "mock" if self.mock else "real",
            "physical_qubits": self.qubits,
        }

    def status(self) -> dict[str, Any]:
        version = self.configuration["backend_version"]
        return {
            "state": self.online,
            "status": "active" if self.online else "maintenance",
            "length_queue": self.queue,
            "backend_version": version,
        }


@lru_cache
def snapshot(source: str, kind: str) -> dict[str, Any]:
    """Return a snapshot's configuration ("conf") or properties ("props"); importing the client would take seconds."""
    client = find_spec("qiskit_ibm_runtime")
    if client is None or client.origin is None:
        raise ModuleNotFoundError("the stand-in needs qiskit-ibm-runtime")
    path = Path(client.origin).parent / "fake_provider" / "backends" / source / f"{kind}_{source}.json"
    return json.loads(path.read_text(encoding="utf-8"))


def patch(configuration: dict[str, Any], properties: dict[str, Any], qubits: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Cut a connected patch of so many qubits out of a device; its qubits are numbered anew in their old order."""
    coupling = configuration["coupling_map"]
    new = {old: index for index, old in enumerate(sorted(nearest(coupling, configuration["n_qubits"] // 2, qubits)))}

    def inside(groups: list[list[int]]) -> list[list[int]]:
        return [[new[wire] for wire in group] for group in groups if all(wire in new for wire in group)]

    gates = [
        {**gate, "coupling_map": inside(gate["coupling_map"])} if "coupling_map" in gate else gate
        for gate in configuration["gates"]
    ]
    configuration |= {
        "n_qubits": qubits,
        "coupling_map": inside(coupling),
        "gates": gates,
        "meas_map": [list(range(qubits))],
        "coords": [configuration["coords"][old] for old in new] if configuration.get("coords") else None,
        "description": f"a patch of {qubits} qubits",
    }
    properties |= {
        "qubits": [properties["qubits"][old] for old in new],
        "gates": [renumbered(gate, new) for gate in properties["gates"] if all(wire in new for wire in gate["qubits"])],
        "general": [],
        "general_qlists": [],
    }
    return configuration, properties


def nearest(coupling: list[list[int]], start: int, count: int) -> set[int]:
    """Return the ``count`` qubits that are nearest to ``start`` in the coupling map."""
    found, queue = {start}, deque([start])
    while queue and len(found) < count:
        here = queue.popleft()
        for there in sorted({b for a, b in coupling if a == here} - found):
            if len(found) < count:
                found.add(there)
                queue.append(there)
    return found


def renumbered(gate: dict[str, Any], new: dict[int, int]) -> dict[str, Any]:
    wires = [new[wire] for wire in gate["qubits"]]
    return {**gate, "qubits": wires, "name": gate["gate"] + "_".join(map(str, wires))}
