# SPDX-License-Identifier: Apache-2.0
"""Spare codes that wrong bits land on: the best placement by brute force, the law as before, what is predicted as it is."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest

import stinespring
from stinespring.compiler.options import CompileOptions
from stinespring.compiler.texts.spare import placed, single_errors
from stinespring.errors import InputError
from stinespring.models.texts.law import listed_law
from stinespring.readings import UNUSED, Register


def missed(symbols, shares, rates) -> float:
    """Wrong single bits after which a code still stands for a token, added up one by one."""
    total = 0.0
    for code, symbol in enumerate(symbols):
        for bit, (one, zero) in enumerate(rates):
            if symbol != UNUSED and symbols[code ^ 1 << bit] != UNUSED:
                total += shares[symbol] * (zero if code >> bit & 1 else one)
    return total


@pytest.mark.parametrize(("tokens", "bits"), [(3, 2), (2, 2), (5, 3), (4, 3)])
def test_no_placement_misses_less(tokens, bits):
    """All placements of up to five tokens on eight codes, for random shares and rates."""
    rng = np.random.default_rng(tokens)
    for _ in range(2):
        shares, rates = rng.dirichlet(np.ones(tokens)), rng.uniform(0.001, 0.05, (bits, 2))
        best = min(
            missed([codes.index(c) if c in codes else UNUSED for c in range(1 << bits)], shares, rates)
            for codes in itertools.permutations(range(1 << bits), tokens)
        )
        symbols = placed(range(tokens), shares, rates)
        assert sorted(s for s in symbols if s != UNUSED) == list(range(tokens))
        assert missed(symbols, shares, rates) == pytest.approx(best, abs=1e-12)
        assert missed(placed(range(tokens), shares, rates, 1), shares, rates) >= best - 1e-12


def test_one_spare_bit_detects_every_single_error():
    """Four tokens on three bits: codes of one parity."""
    symbols = placed(range(4), np.full(4, 0.25), np.full((3, 2), 0.01))
    assert len({code.bit_count() % 2 for code, symbol in enumerate(symbols) if symbol != UNUSED}) == 1


@pytest.mark.parametrize("options", [{"schedule": "static"}, {"schedule": "dynamic", "feed_forward": "all"}])
def test_the_law_is_kept_and_more_is_detected(three_tokens, options):
    asked = {"prompt": "sun rain", "steps": 2, "effort": 0, **options}
    program = stinespring.compile(three_tokens, spare="detect", **asked)
    plain = stinespring.compile(three_tokens, codes="free", **asked)
    told = program.details["spare"]
    assert program.cost.two_qubit_gates <= plain.cost.two_qubit_gates == told["without"]["two_qubit_gates"]
    assert told["undetected"] <= told["without"]["undetected"] and told["detected_share"] > told["without"]["detected_share"]
    assert stinespring.check(stinespring.run(program, shots=20_000, seed=3), alpha=1e-6).verdict == "PASS"
    assert program.hash != plain.hash and program.details["codes"] == "free"
    json.dumps(program.summary())


def test_a_bit_more_detects_every_wrong_bit(two_tokens):
    """Two tokens on two bits: nothing single is missed, at a stated price, and the law is the same."""
    program = stinespring.compile(two_tokens, prompt="a b", steps=2, schedule="static", effort=0, spare="bit")
    told = program.details["spare"]
    assert told["undetected"] == 0 and told["detected_share"] == 1 and told["without"]["detected_share"] == 0
    assert [r.size for r in program.registers] == [2, 2] and program.cost.qubits == 4
    assert told["two_qubit_gates"] == program.cost.two_qubit_gates > told["without"]["two_qubit_gates"]
    samples = stinespring.run(program, shots=20_000, seed=3)
    assert stinespring.check(samples, alpha=1e-6, detect=True).verdict == "PASS"


def test_what_is_missed_is_counted_as_it_is(three_tokens):
    """Two registers with codes of our own: every text, every bit, one by one; the law of what is kept, too."""
    joint = listed_law(three_tokens, np.array([0, 1]), 2)
    registers = (Register("t1", "token", (0, -1, 2, 1), step=1), Register("t2", "token", (-1, 2, 0, 1), step=2))
    errors = {(f"t{s}", b): (0.01 * s + 0.002 * b, 0.03 + 0.004 * s * b) for s in (1, 2) for b in (0, 1)}
    wrong = lost = 0.0
    kept = {tuple(text): p for text, p in zip(joint.texts.tolist(), joint.probabilities.tolist(), strict=True)}
    law = dict(kept)
    for text, share in law.items():
        for place, register in enumerate(registers):
            code = register.symbols.index(text[place])
            for bit in (0, 1):
                rate = share * errors[register.name, bit][code >> bit & 1]
                read = (*text[:place], register.symbols[code ^ 1 << bit], *text[place + 1 :])
                wrong, kept[text] = wrong + rate, kept[text] - rate
                if read in law:
                    lost, kept[read] = lost + rate, kept[read] + rate
    total = sum(kept.values())
    tvd = sum(abs(kept[text] / total - law[text]) for text in law) / 2
    assert single_errors(registers, joint, errors) == pytest.approx((wrong, lost, tvd), abs=1e-12)


def test_the_device_says_what_is_read_wrongly(three_tokens):
    pytest.importorskip("qiskit_ibm_runtime", reason="snapshots of devices need the extra [ibm]")
    program = stinespring.compile(three_tokens, prompt="sun rain", steps=2, effort=0, spare="detect", schedule="static",
                                  target="fake:manila")  # fmt: skip
    told = program.details["spare"]
    assert told["two_qubit_gates"] == program.cost.two_qubit_gates <= told["without"]["two_qubit_gates"]
    assert told["undetected"] <= told["without"]["undetected"]


@pytest.mark.parametrize("given", [{"codes": "prefix"}, {"schedule": "stepwise"}, {"memory": "quantum"}, {"phases": "exact"}])
def test_where_nobody_chooses_codes_it_is_refused(given):
    with pytest.raises(InputError, match="spare codes"):
        CompileOptions(spare="detect", **given)
    assert "spare" not in CompileOptions().plain() and CompileOptions(spare="detect").plain()["spare"] == "detect"
