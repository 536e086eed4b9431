# SPDX-License-Identifier: Apache-2.0
"""Quasi-probabilities of randomised circuits, evaluated plainly: shot by shot, with a sign and a weight for each circuit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from stinespring.checks.codes import judged_registers
from stinespring.checks.plain.mitigation import PART, plain_text
from stinespring.checks.plain.spelling import plain_key
from stinespring.readings import Outcomes
from stinespring.stages import Samples

__all__ = ["flips_differ"]

AGREE = 1e-7  # of shares
MOST_SETS = 200_000  # of deliberate errors of one class that was drawn
MOST_BITS = 10  # undone one after the other


def flips_differ(
    samples: Samples, plan: Mapping[str, Any], calibration: Sequence[Outcomes], printed: Mapping[str, float]
) -> str | None:
    """Return what is wrong with printed quasi-probabilities, in words; None where nothing is, or with too many bits.

    Args:
        samples: whose raw readings, with the number of their circuit, and registers count.
        plan: the content of the plan.
        calibration: what its circuits read: zeros and ones of the measurements at the end, then of those on the way.
        printed: the quasi-probabilities by what was read.
    """
    registers, readings = judged_registers(samples.registers), plan["readings"]
    places = {(r[3], r[4]): k for k, r in enumerate(readings) if r[6]}
    bits = [(register.name, bit) for register in registers for bit in range(register.size)]
    if len(bits) > MOST_BITS:
        return None
    rates = plain_rates(plan["kinds"], calibration)
    rate = [rates[r[1], r[2]] for r in readings]
    weights = plain_weights(plan, rate)
    if weights is None:
        return None
    [raw] = samples.readings
    shots = [0] * len(weights)
    for c, count in zip(raw.column("circuit").tolist(), raw.counts.tolist(), strict=True):
        shots[c] += count
    if shots != plan["shots"]:
        return "the randomised circuits have other shots than were planned"
    shares: dict[tuple[int, ...], float] = {}
    columns = {name: raw.column(name).tolist() for name, _ in bits}
    for row, (c, count) in enumerate(zip(raw.column("circuit").tolist(), raw.counts.tolist(), strict=True)):
        seen = tuple(
            (columns[name][row] >> bit & 1) ^ plan["flips"][c][places[name, bit]] ^ plan["errors"][c][places[name, bit]]
            for name, bit in bits
        )
        shares[seen] = shares.get(seen, 0.0) + weights[c] * count / shots[c]
    for position, place in enumerate(bits):
        k = places[place]
        if not readings[k][5]:
            shares = inverted(shares, position, rate[k])
    wanted: dict[str, float] = {}
    for seen, share in shares.items():
        meant, first = {}, 0
        for register in registers:
            code = sum(seen[first + bit] << bit for bit in range(register.size))
            first += register.size
            meant[register.name] = register.symbols[code] if register.symbols else code
        key = plain_key(samples, plain_text(registers, meant))
        if key is None:
            return None
        wanted[key] = wanted.get(key, 0.0) + share
    wrong = next((key for key in {*wanted, *printed} if abs(printed.get(key, 0.0) - wanted.get(key, 0.0)) > AGREE), None)
    return None if wrong is None else f"the quasi-probability of {wrong!r} is {wanted.get(wrong, 0.0):.6g} by a plain sum"


def inverted(shares: Mapping[tuple[int, ...], float], position: int, rate: float) -> dict[tuple[int, ...], float]:
    """Return shares with the symmetric errors of one bit undone."""
    result: dict[tuple[int, ...], float] = {}
    for seen, share in shares.items():
        other = (*seen[:position], 1 - seen[position], *seen[position + 1 :])
        result[seen] = result.get(seen, 0.0) + share * (1.0 - rate) / (1.0 - 2.0 * rate)
        result[other] = result.get(other, 0.0) - share * rate / (1.0 - 2.0 * rate)
    return result


def plain_rates(kinds: Sequence[Sequence[Any]], calibration: Sequence[Outcomes]) -> dict[tuple[int, bool], float]:
    """Return the rate of wrong readings of each kind: zeros read as 1 and ones read as 0, half a shot more of each."""
    result, first = {}, 0
    for mid in (False, True):
        qubits = sorted(qubit for qubit, after in kinds if bool(after) == mid)
        for number, qubit in enumerate(qubits):
            total = 0.0
            for prepared in (0, 1):
                outcomes = calibration[first + prepared]
                wrong = math.fsum(
                    count
                    for value, count in zip(
                        outcomes.column(f"r{number // PART}").tolist(), outcomes.counts.tolist(), strict=True
                    )
                    if value >> number % PART & 1 != prepared
                )
                total += (wrong + 0.5) / (outcomes.shots + 1.0)
            result[qubit, mid] = total / 2.0
        first += 2 if qubits else 0
    return result


def plain_weights(plan: Mapping[str, Any], rate: Sequence[float]) -> list[float] | None:
    """Return the weight of every circuit; None where a class has too many sets to add up."""
    steering = [k for k, reading in enumerate(plan["readings"]) if reading[5]]

    def quasi(errors: Sequence[int], rates: Sequence[float]) -> float:
        return math.prod((-rates[k] if errors[k] else 1.0 - rates[k]) / (1.0 - 2.0 * rates[k]) for k in steering)

    result: list[float] = []
    for errors, kind in zip(plan["errors"], plan["kind"], strict=True):
        if kind in plan["drawn"]:
            mine = [other for other, same in zip(plan["errors"], plan["kind"], strict=True) if same == kind]
            if math.comb(len(steering), kind) > MOST_SETS:
                return None
            sets = combinations(steering, kind)
            whole = math.fsum(quasi([k in chosen for k in range(len(rate))], rate) for chosen in sets)
            odds = [quasi(other, rate) / quasi(other, plan["planned"]) for other in mine]
            result.append(whole * quasi(errors, rate) / quasi(errors, plan["planned"]) / math.fsum(odds))
        else:
            result.append(quasi(errors, rate) / sum(other == errors for other in plan["errors"]))
    rest = 1.0 - math.fsum(weight for weight, kind in zip(result, plan["kind"], strict=True) if kind)
    plain = sum(kind == 0 for kind in plan["kind"])
    return [weight if kind else rest / plain for weight, kind in zip(result, plan["kind"], strict=True)]
