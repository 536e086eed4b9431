# SPDX-License-Identifier: Apache-2.0
"""What random flips leave of the TVD that wrong readings cause in dynamic chains, exactly: ``python -m benchmarks flips``.

The laws are exact, from density matrices of all histories with a snapshot's errors: with all of them (noisy), without those of
readings (gates), and the signed sum over the randomised circuits with the rates that calibration
shows (mitigated). What readings cause is
TVD(noisy, gates); what is left of it is TVD(mitigated, gates), the flips' own gate errors included.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import stinespring
from benchmarks.results import dated, write
from stinespring.backends.aer.calibration import Calibration
from stinespring.backends.aer.fake import calibration_of
from stinespring.backends.noisy.followed import noisy_readings
from stinespring.backends.readout.weights import weights_of
from stinespring.backends.registry import opened
from stinespring.checks.codes import codes_law, judged_registers, numbers
from stinespring.pipeline.readout.flips import FlipPlan, Randomised, flip_calibration, flip_plan
from stinespring.readings import FloatArray, Outcomes, Register
from stinespring.readout import SignedReadings
from stinespring.stages import Program, Samples

CHAINS = (("two_tokens", "a b", 4, "all"), ("two_tokens", "a b", 4, "auto"), ("three_tokens", "sun rain", 3, "all"),
          ("three_tokens", "sun rain", 4, "all"))  # fmt: skip
DEVICES = ("boston", "torino", "fez")


def read(circuit: Any, calibration: Calibration, registers: tuple[Register, ...], turned: dict[str, int]) -> FloatArray:
    """Return the exact law over the codes of some registers, with bits of them turned."""
    found = noisy_readings(circuit, calibration, wanted={register.name for register in registers})
    columns = {name: found.values[:, i] ^ turned.get(name, 0) for i, name in enumerate(found.registers)}
    codes = np.stack([columns[register.name] for register in registers], axis=1)
    size = 1 << sum(register.size for register in registers)
    return np.bincount(numbers(registers, codes), weights=found.weights, minlength=size)


def measured_rates(plan: FlipPlan, calibration: Calibration) -> FloatArray:
    """Return the rates that the calibration's circuits show on average, the error of their X included."""
    shown = []
    for circuit in flip_calibration(plan, len(calibration.qubits)):
        found = noisy_readings(circuit, calibration)
        shares = np.round(found.weights * 1e12).astype(np.int64)
        shown.append(Outcomes.tallied({name: found.values[:, i] for i, name in enumerate(found.registers)}, shares))
    return plan.rates(shown)[0]


def mitigated(program: Program, backend: Any, calibration: Calibration, shots: int) -> tuple[FloatArray, dict[str, Any]]:
    """Return the exact mean of the quasi-probabilities with exact rates, and what it takes."""
    plan, registers = flip_plan(program, backend, shots, 5), judged_registers(program.registers)
    body = Randomised(plan, program.body, program.registers, backend.capabilities.device.target)
    exact = measured_rates(plan, calibration)
    steers = [reading.steers for reading in plan.readings]
    weights, _ = weights_of(plan.design, exact[plan.which], np.array(plan.planned), steers, plan.which, len(exact))
    total: Any = 0.0
    for c, circuit in enumerate(body.circuits):
        turned: dict[str, int] = {}
        for k, reading in enumerate(plan.readings):
            if reading.last:
                bit = int(plan.design.flips[c, k] ^ plan.design.errors[c, k]) << reading.bit
                turned[reading.register] = turned.get(reading.register, 0) | bit
        total = total + weights[c] * read(circuit, calibration, registers, turned)
    last = {(r.register, r.bit): k for k, r in enumerate(plan.readings) if r.last}
    bits = [last[register.name, bit] for register in registers for bit in range(register.size)]
    wires = tuple(-1 if steers[k] else plan.which[k] for k in bits)
    zero = np.zeros(len(total))
    signed = SignedReadings(total, 0.0, zero, zero, zero[:, None], exact, zero, wires, shots, len(weights), 1.0)
    told = {"circuits": len(weights), "steering": sum(steers), "rate": float(exact.mean()),
            "overhead": float(abs(weights).sum() ** 2 * signed.growth**2)}  # fmt: skip
    return signed.unpushed(total), told


def tvd(one: FloatArray, other: FloatArray) -> float:
    """Return the total variation distance."""
    return float(abs(one - other).sum() / 2)


def main() -> None:
    """Print a table, and write the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("-o", type=Path)
    parser.add_argument("--devices", nargs="*", default=DEVICES)
    parser.add_argument("--shots", type=int, default=20_000)
    given = parser.parse_args()
    rows = []
    for device in given.devices:
        with opened(f"fake:{device}") as backend:
            calibration = calibration_of(backend)
            perfect = replace(calibration, qubits=tuple(replace(q, readout=None) for q in calibration.qubits))
            for name, prompt, steps, forward in CHAINS:
                model = stinespring.load(f"examples/{name}.json")
                program = stinespring.compile(
                    model, prompt=prompt, steps=steps, schedule="dynamic", feed_forward=forward, effort=0,
                    target=backend.capabilities.device,
                )  # fmt: skip
                registers = judged_registers(program.registers)
                noisy, gates = (read(program.circuit, each, registers, {}) for each in (calibration, perfect))
                found, told = mitigated(program, backend, calibration, given.shots)
                empty = Outcomes(("t1",), np.zeros((1, 1), dtype=np.int64), np.ones(1, dtype=np.int64))
                law = codes_law(Samples(model, program.asked, (empty,), registers=program.registers, claim=program.claim))
                row = {
                    "device": device, "model": name, "steps": steps, "feed_forward": forward, **told,
                    "tvd_noisy": tvd(noisy, law), "tvd_gates": tvd(gates, law), "tvd_mitigated": tvd(found, law),
                    "by_readings": tvd(noisy, gates), "left": tvd(found, gates),
                    "removed": (tvd(noisy, law) - tvd(found, law)) / (tvd(noisy, law) - tvd(gates, law)),
                }  # fmt: skip
                rows.append(row)
                sys.stdout.write(json.dumps({k: round(v, 6) if isinstance(v, float) else v for k, v in row.items()}) + "\n")
    if given.o:
        write(given.o, dated("flips", rows))


if __name__ == "__main__":
    main()
