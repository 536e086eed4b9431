# SPDX-License-Identifier: Apache-2.0
"""The law as it is read against plain loops; the test's false-alarm rate and power by simulation."""

from __future__ import annotations

import dataclasses
import itertools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from oracles.tiny_decoder import TinyDecoder
from stinespring.checks.codes import codes_law
from stinespring.checks.mitigated import check_mitigated
from stinespring.checks.statistics.wald import wald
from stinespring.checks.texts.verdict import check_texts
from stinespring.errors import InputError, TooLargeError
from stinespring.models.channels.asked import ChannelAsked
from stinespring.models.channels.standard import depolarizing
from stinespring.models.lens import read_states
from stinespring.models.lens.asked import LensAsked
from stinespring.models.spins.asked import SpinAsked
from stinespring.models.spins.contexts import Contexts
from stinespring.models.spins.files import read_network
from stinespring.models.texts.asked import TextAsked
from stinespring.models.texts.claims import StepTable, TableClaim
from stinespring.readings import UNUSED, Outcomes, Register, decoded
from stinespring.readout import Mitigated, ReadoutCalibration
from stinespring.stages import Samples


def looped(law, errors, wires):
    """``q(r) = sum_s p(s) prod_i P(r_i | s_i)`` as written."""
    n = len(wires)
    result = np.zeros(2**n)
    for read, held in itertools.product(range(2**n), repeat=2):
        share = law[held]
        for i, wire in enumerate(wires):
            one, zero = errors[wire]
            r, s = read >> i & 1, held >> i & 1
            share *= {(1, 0): one, (0, 0): 1 - one, (0, 1): zero, (1, 1): 1 - zero}[r, s]
        result[read] += share
    return result


def drawn(seed, bits, qubits):
    rng = np.random.default_rng(seed)
    law = rng.dirichlet(np.ones(2**bits))
    errors = rng.uniform(0.0, 0.3, (qubits, 2))
    return rng, law, errors, rng.integers(qubits, size=bits).tolist()


@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(1, 3))
def test_the_law_as_read_is_the_sum_over_what_was_held(seed, bits, qubits):
    _, law, errors, wires = drawn(seed, bits, qubits)
    calibration = ReadoutCalibration(tuple(range(qubits)), errors, 100)
    assert np.allclose(calibration.pushed(law, wires), looped(law, errors, wires), atol=1e-12)
    assert np.allclose(calibration.unpushed(calibration.pushed(law, wires), wires), law, atol=1e-12)


@given(st.integers(0, 10**6), st.integers(1, 3), st.integers(1, 3))
def test_slopes_are_derivatives(seed, bits, qubits):
    """Central differences of the looped sum; it is a polynomial of the third degree at most in one error."""
    _, law, errors, wires = drawn(seed, bits, qubits)
    slopes = ReadoutCalibration(tuple(range(qubits)), errors, 100).slopes(law, wires)
    for column, (qubit, which) in enumerate(itertools.product(range(qubits), range(2))):
        step = np.zeros_like(errors)
        step[qubit, which] = 1e-4
        difference = (looped(law, errors + step, wires) - looped(law, errors - step, wires)) / 2e-4
        assert np.allclose(slopes[:, column], difference, atol=1e-7)


@given(st.integers(0, 10**6), st.integers(1, 4))
def test_distances_grow_by_the_amplification_at_most_and_reach_it(seed, bits):
    rng, _, errors, _ = drawn(seed, bits, bits)
    calibration, wires = ReadoutCalibration(tuple(range(bits)), errors, 100), list(range(bits))
    growth = calibration.amplification(wires)
    inverse = calibration.unpushed(np.eye(2**bits), wires)
    assert np.isclose(abs(inverse).sum(axis=0).max(), growth)
    difference = rng.normal(size=2**bits)
    assert abs(inverse @ difference).sum() <= growth * abs(difference).sum() + 1e-12


@given(st.integers(0, 10**6), st.integers(2, 4))
def test_the_statistic_is_that_of_the_whole_covariance(seed, bits):
    """Against the pseudo-inverse of ``D - D 1 1^T D / N + J C J^T``, formed as written."""
    rng, law, errors, wires = drawn(seed, bits, 3)
    law = (law + 0.05) / (law + 0.05).sum()
    calibration = ReadoutCalibration((0, 1, 2), errors, 2_000)
    shots = 5_000
    read, slopes = calibration.pushed(law, wires), calibration.slopes(law, wires)
    counts = rng.multinomial(shots, read).astype(float)
    test = wald(counts, read, slopes, calibration.variances().ravel())
    if test.hidden:
        return
    spread = np.diag(shots * read) - shots * np.outer(read, read)
    spread += shots**2 * (slopes * calibration.variances().ravel()) @ slopes.T
    off = counts - shots * read
    assert np.isclose(test.statistic, off @ np.linalg.pinv(spread, rcond=1e-12) @ off, rtol=1e-6)


def replicas(rng, law, errors, wires, *, shots, calibration_shots, truth, count):
    """P-values where ``truth`` is held, everything else as assumed: the calibration is measured anew each time."""
    read = looped(truth, errors, wires)
    result = np.zeros(count)
    for i in range(count):
        measured = rng.binomial(calibration_shots, errors) / calibration_shots
        calibration = ReadoutCalibration(tuple(range(len(errors))), measured, calibration_shots)
        counts = rng.multinomial(shots, read).astype(float)
        slopes = calibration.slopes(law, wires)
        result[i] = wald(counts, calibration.pushed(law, wires), slopes, calibration.variances().ravel()).p_value
    return result


@pytest.mark.parametrize(
    ("bits", "shots", "calibration_shots"),
    [(2, 2_000, 8_000), (2, 20_000, 2_000), (4, 20_000, 80_000), (5, 3_000, 12_000)],
)
def test_true_samples_fail_at_the_stated_rate(bits, shots, calibration_shots):
    """3,000 true runs: no more p-values below 0.01 and 0.05 than a rate of 1.5 times as much gives but once in 10^6.

    The factor is what Pearson's statistic may be off in its tail with cells of ten counts; too few would be no error but a
    waste, and are bounded at half the rate.
    """
    rng = np.random.default_rng(5)
    law = rng.dirichlet(np.full(2**bits, 0.7))
    errors = rng.uniform(0.002, 0.08, (bits, 2))
    p_values = replicas(
        rng, law, errors, list(range(bits)), shots=shots, calibration_shots=calibration_shots, truth=law, count=3_000
    )
    for alpha in (0.01, 0.05):
        alarms = int((p_values < alpha).sum())
        assert alarms <= binom.isf(1e-6, 3_000, 1.5 * alpha)
        assert alarms >= binom.ppf(1e-6, 3_000, 0.5 * alpha)


def test_a_calibration_taken_for_exact_would_fail_too_often():
    """The same counts against the measured errors as if they were exact: more alarms than 0.01 gives once in 10^6."""
    rng = np.random.default_rng(6)
    law, errors, wires = np.array([0.4, 0.3, 0.2, 0.1]), np.full((2, 2), 0.05), [0, 1]
    alarms = 0
    for _ in range(400):
        measured = rng.binomial(2_000, errors) / 2_000
        calibration = ReadoutCalibration((0, 1), measured, 2_000)
        counts = rng.multinomial(20_000, looped(law, errors, wires)).astype(float)
        alarms += wald(counts, calibration.pushed(law, wires), np.zeros((4, 4)), np.ones(4)).p_value < 0.01
    assert alarms > binom.isf(1e-6, 400, 0.01)


def test_other_laws_are_found():
    """A law at TVD 0.05 is found with power 0.9 and more, where the formula promises that; exact binomial bound at 1e-6."""
    from stinespring.checks.statistics.gtest import detectable_tvd

    rng = np.random.default_rng(7)
    law, errors, wires = np.array([0.4, 0.3, 0.2, 0.1]), np.full((2, 2), 0.04), [0, 1]
    other = law + np.array([0.05, -0.05, 0.0, 0.0])
    calibration = ReadoutCalibration((0, 1), errors, 40_000)
    growth = calibration.amplification(wires)
    shots = 10_000
    test = wald(rng.multinomial(shots, looped(law, errors, wires)).astype(float), calibration.pushed(law, wires),
                calibration.slopes(law, wires), calibration.variances().ravel())  # fmt: skip
    assert growth * detectable_tvd(3, shots, 0.001) * np.sqrt(test.inflation) < 0.05
    p_values = replicas(rng, law, errors, wires, shots=shots, calibration_shots=40_000, truth=other, count=1_000)
    assert int((p_values < 0.001).sum()) >= binom.ppf(1e-6, 1_000, 0.9)


def read_wrong(model, asked, registers, law, calibration, wires, shots, seed, **claimed):
    """Samples of a law over codes that were read with these errors, and their quasi-probabilities by the exact inverse."""
    counts = np.random.default_rng(seed).multinomial(shots, calibration.pushed(law, wires))
    shifts = np.cumsum([0, *(register.size for register in registers)])
    codes = [np.arange(len(law)) >> shifts[i] & (1 << r.size) - 1 for i, r in enumerate(registers)]
    read = Outcomes.tallied({r.name: column for r, column in zip(registers, codes, strict=True)}, counts)
    samples = Samples(model, asked, (decoded(read, registers),), (read,), registers, **claimed)
    quasi = calibration.unpushed(counts / shots, wires)
    return samples, Mitigated(np.stack(codes, axis=1), quasi, 1.0, "inverse")


CALIBRATION = ReadoutCalibration((3, 5), np.array([[0.03, 0.08], [0.06, 0.1]]), 400_000)
TWO = (Register("t1", "token", (1, 0), step=1), Register("t2", "token", (0, 1), step=2))


def test_readout_errors_alone_pass_and_a_wrong_law_does_not(two_tokens):
    """Codes are not token numbers here: code 0 of t1 is token 1. False-alarm rate 1e-6."""
    asked, joint = TextAsked((0, 1), 2), two_tokens.joint("a b", 2)
    law = np.array([joint["b a"], joint["a a"], joint["b b"], joint["a b"]])
    samples, quasi = read_wrong(two_tokens, asked, TWO, law, CALIBRATION, [5, 3], 40_000, 0)
    assert check_texts(samples).verdict == "FAIL"
    verdict = check_mitigated(samples, CALIBRATION, [5, 3], quasi, alpha=1e-6)
    assert verdict.verdict == "PASS" and verdict.reason.startswith("with readout mitigation")
    assert verdict.tvd < check_texts(samples).tvd
    told = verdict.details["mitigation"]["quasi_probabilities"]
    assert {text: pytest.approx(joint[text], abs=0.05) for text in joint} == told
    json.dumps(verdict.summary(), allow_nan=False)
    other, quasi = read_wrong(two_tokens, asked, TWO, law[[1, 0, 2, 3]], CALIBRATION, [5, 3], 40_000, 0)
    assert check_mitigated(other, CALIBRATION, [5, 3], quasi).verdict == "FAIL"
    assert check_mitigated(samples, CALIBRATION, [3, 5], quasi).verdict == "FAIL", "the bits were read by other qubits"


def test_a_wrong_bound_fails_after_mitigation_too(two_tokens):
    """Only ``b`` is left of step 1, which moves the law by 0.2689: claimed are 0.2 and 0.3."""
    asked = TextAsked((0, 1), 2)
    claim = TableClaim((StepTable((), np.zeros((1, 0), dtype=np.int64), np.array([[0.0, 1.0]])), StepTable(
        (2,), np.array([[0], [1]]), two_tokens.law(2, np.array([[0, 1, 0], [0, 1, 1]])))))  # fmt: skip
    joint = claim.law(two_tokens, asked).joint([0, 1], 2)
    law = np.array([joint["b a"], 0.0, joint["b b"], 0.0])
    for bound, ruling in ((0.3, "PASS"), (0.2, "FAIL")):
        samples, quasi = read_wrong(two_tokens, asked, TWO, law, CALIBRATION, [5, 3], 40_000, 1, claim=claim, tvd_bound=bound)
        verdict = check_mitigated(samples, CALIBRATION, [5, 3], quasi, alpha=1e-6)  # false-alarm rate 1e-6
        assert (verdict.verdict, verdict.bound_verified) == (ruling, ruling == "PASS"), verdict.reason


def test_what_the_registers_cannot_hold_is_missed(two_tokens):
    """A program that never measures token ``a`` in t1: its share of the law was never read, which is seen."""
    asked = TextAsked((0, 1), 1)
    register = (Register("t1", "token", (1, UNUSED), step=1),)
    samples, quasi = read_wrong(two_tokens, asked, register, np.array([1.0, 0.0]), CALIBRATION, [5], 20_000, 2)
    assert codes_law(samples) == pytest.approx([1 - two_tokens.joint("a b", 1)["a"], 0.0])
    verdict = check_mitigated(samples, CALIBRATION, [5], quasi)
    assert (verdict.verdict, verdict.tvd) == ("FAIL", pytest.approx(two_tokens.joint("a b", 1)["a"], abs=0.02))


def test_spins_are_listed_by_the_chain_rule(examples):
    """Against a loop over tokens: the network's own odds after each history."""
    network, steps = read_network(examples / "three_spins.json").one_column_a_spin(), 2
    registers = tuple(Register(f"t{t}", "token", bits=network.N, step=t) for t in (1, 2))
    seen = Outcomes.tallied({r.name: np.zeros(1, dtype=np.int64) for r in registers})
    law = codes_law(Samples(network, SpinAsked(steps), (seen,), (seen,), registers))
    assert law.sum() == pytest.approx(1.0)
    contexts = Contexts.start(network)
    for first in range(1 << network.N):
        signs = np.array([[1 - 2 * (first >> i & 1) for i in range(network.N)]], dtype=np.int8)
        p = np.prod(np.where(signs > 0, contexts.plus, 1 - contexts.plus))
        after = contexts.after(np.zeros(1, dtype=np.int64), signs)
        for second in range(1 << network.N):
            other = np.array([1 - 2 * (second >> i & 1) for i in range(network.N)])
            q = np.prod(np.where(other > 0, after.plus[0], 1 - after.plus[0]))
            assert law[first + (second << network.N)] == pytest.approx(p * q, abs=1e-12)


def test_a_lens_has_one_law_a_point():
    """Six tokens on three qubits: the point's own law, and two codes that hold nothing."""
    states = read_states(TinyDecoder(), "w1 w3 w0")
    registers = (Register("t1", "token", (0, 1, 2, 3, 4, 5, UNUSED, UNUSED), step=1),)
    seen = Outcomes.tallied({"t1": np.array([0])})
    samples = Samples(states, LensAsked((0, 3)), (seen, seen), (seen, seen), registers)
    for entry, point in enumerate((0, 3)):
        assert codes_law(samples, entry) == pytest.approx([*states.law(point), 0.0, 0.0])


def test_channels_have_one_law_a_setting():
    """The probe's law at each setting is what the channel's Choi matrix says; the depolarised qubit is read half and half."""
    channel = depolarizing(1.0)
    asked = ChannelAsked((((0,), (0,)), ((0,), (2,))))
    registers = (Register("probe", "state", bits=1),)
    seen = Outcomes.tallied({"probe": np.array([0, 1])})
    samples = Samples(channel, asked, (seen, seen), (seen, seen), registers)
    for entry in (0, 1):
        assert codes_law(samples, entry) == pytest.approx([0.5, 0.5])


def test_where_nothing_can_be_tested(two_tokens):
    asked = TextAsked((0, 1), 2)
    law = np.full(4, 0.25)
    samples, quasi = read_wrong(two_tokens, asked, TWO, law, CALIBRATION, [5, 3], 100, 0)
    with pytest.raises(InputError, match="one circuit"):
        check_mitigated(dataclasses.replace(samples, readings=()), CALIBRATION, [5, 3], quasi)
    with pytest.raises(InputError, match="qubits"):
        check_mitigated(samples, CALIBRATION, [5], quasi)
    blind = ReadoutCalibration((3, 5), np.array([[0.5, 0.45], [0.0, 0.0]]), 100)
    with pytest.raises(InputError, match="says nothing"):
        check_mitigated(samples, blind, [5, 3], quasi)
    wide = tuple(Register(f"t{t}", "token", tuple(range(1 << 9)), step=t) for t in (1, 2))
    with pytest.raises(TooLargeError, match="18 bits"):
        check_mitigated(dataclasses.replace(samples, registers=wide), CALIBRATION, [5, 3], quasi)
