# SPDX-License-Identifier: Apache-2.0
"""Product inputs and measurements of a channel: what is asked, its law, and channels made again from their content."""

from __future__ import annotations

import json

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import DensityMatrix, Operator, Statevector

from stinespring.checks.tables import check_tables
from stinespring.errors import InputError
from stinespring.models import channels
from stinespring.models.channels import CPTP
from stinespring.models.channels.asked import ChannelAsked, drawn, made
from stinespring.models.channels.settings import BASES, PREPARE, STATES, Setting
from stinespring.readings import Outcomes
from stinespring.stages import Samples


def sampled(channel, asked, shots, seed):
    """Readings drawn by NumPy from the density matrix that Qiskit evolves."""
    rng, outcomes = np.random.default_rng(seed), []
    for states, bases in asked.settings:
        law = evolved(channel, states, bases)
        columns = {"outcome": np.zeros(len(law)), "probe": np.arange(len(law))}
        outcomes.append(Outcomes.tallied(columns, rng.multinomial(shots, law / law.sum())))
    return Samples(channel, asked, tuple(outcomes))


def evolved(channel, states, bases):
    """The law of a setting by Qiskit."""
    psi = np.ones(1)
    for state in states:
        psi = np.kron(STATES[state], psi)
    image = DensityMatrix(channel(np.outer(psi, psi.conj())))
    turns = {0: np.eye(2), 1: Operator.from_label("H").data, 2: np.array([[1, -1j], [1, 1j]]) / np.sqrt(2)}
    for qubit, basis in enumerate(bases):
        image = image.evolve(Operator(turns[basis]), qargs=[qubit])
    return image.probabilities()


def test_settings_law_is_the_born_rule():
    rng = np.random.default_rng(1)
    for channel in (channels.random_channel(2, 3, outputs=1, seed=4), channels.random_channel(1, 2, outputs=2, seed=4)):
        for _ in range(20):
            states, bases = rng.integers(6, size=channel.inputs).tolist(), rng.integers(3, size=channel.outputs).tolist()
            law = Setting(tuple(states), tuple(bases)).law(channel.given)
            assert law == pytest.approx(evolved(channel, states, bases), abs=1e-12)


def test_preparations_and_measurements_are_what_they_say():
    for gates, state in zip(PREPARE, STATES, strict=True):
        circuit = QuantumCircuit(1)
        for gate in gates:
            getattr(circuit, gate)(0)
        assert abs(np.vdot(Statevector(circuit).data, state)) == pytest.approx(1)
    for basis, gates in enumerate(BASES):
        circuit = QuantumCircuit(1)
        for gate in gates:
            getattr(circuit, gate)(0)
        for outcome in (0, 1):
            assert Statevector(STATES[2 * basis + outcome]).evolve(circuit).probabilities()[outcome] == pytest.approx(1)


def test_samples_are_judged_by_their_channel():
    right, wrong = channels.random_channel(1, 2, seed=8), channels.random_channel(1, 2, seed=9)
    asked = drawn(right, 20, 1)
    samples = sampled(right, asked, 1000, 1)
    assert check_tables(samples, alpha=1e-6).verdict == "PASS"  # false-alarm rate 1e-6
    assert check_tables(sampled(wrong, asked, 1000, 1)).verdict == "PASS"
    assert check_tables(Samples(wrong, asked, samples.outcomes)).verdict == "FAIL"
    few = check_tables(sampled(right, asked, 20, 1), alpha=1e-6)
    assert few.verdict == "UNVERIFIED" and few.shots_needed > 400


def test_outcomes_of_an_instrument_are_summed_over():
    keep, decay = channels.amplitude_damping(0.3).given
    channel = CPTP.from_kraus([keep, decay], labels=[0, 1])
    asked = drawn(channel, 3, 2)
    plain = asked.law(channels.amplitude_damping(0.3)).probabilities
    np.testing.assert_allclose(asked.law(channel).probabilities, plain, atol=1e-14)
    both = Outcomes.tallied({"outcome": np.array([0, 1, 1]), "probe": np.array([0, 0, 1])}, np.array([3, 4, 5]))
    [table] = asked.law(channel).tables([both] * 3)
    assert table.observed.tolist() == [[7, 5]] * 3
    assert asked.spell(channel, both) == ["probe=0", "probe=0", "probe=1"]
    with pytest.raises(InputError, match="not read"):
        list(asked.law(channel).tables([Outcomes.tallied({"outcome": np.array([0])})] * 3))


def test_requests_are_drawn_by_their_seed_and_survive_json():
    channel = channels.random_channel(2, 2, outputs=1, seed=1)
    asked = drawn(channel, 30, 7)
    assert asked == drawn(channel, 30, 7) != drawn(channel, 30, 8)
    assert ChannelAsked(**json.loads(json.dumps(asked.plain()))) == asked
    assert {len(states) for states, _ in asked.settings} == {2} and {len(bases) for _, bases in asked.settings} == {1}
    assert {state for states, _ in asked.settings for state in states} == set(range(6))
    with pytest.raises(InputError, match="without output"):
        drawn(CPTP.from_kraus(np.eye(2)[:, None, :]), 3, 1)
    with pytest.raises(InputError, match="does not fit"):
        asked.law(channels.amplitude_damping(0.1))


def test_counts_are_read_as_they_are_spelt():
    channel = channels.random_channel(1, 2, outputs=2, seed=3)
    asked = drawn(channel, 2, 1)
    data = {"format": "stinespring/samples@1", "counts": [{"probe=3": 2, "probe=0": 5}, {"probe=1": 4}]}
    first, second = asked.read_counts(channel, data)
    assert asked.spell(channel, first) == ["probe=0", "probe=3"] and first.counts.tolist() == [5, 2]
    assert second.shots == 4
    for bad in ([{"probe=4": 1}, {"probe=0": 1}], [{"probe=-1": 1}, {"probe=0": 1}], [{"3": 1}, {"probe=0": 1}], []):
        with pytest.raises(InputError):
            asked.read_counts(channel, data | {"counts": bad})


def test_channels_are_made_again_from_their_content():
    instrument = CPTP.from_kraus(channels.amplitude_damping(0.3).given, labels=[4, 1])
    for channel in (channels.random_channel(2, 3, outputs=1, seed=4), instrument, CPTP.from_kraus(np.eye(3)[None])):
        again = made(json.loads(json.dumps(channel.content())), "again")
        for one, other in ((again.given, channel.given), (again.kraus, channel.kraus)):
            assert one.tobytes() == other.tobytes()
        assert (again.labels, again.dims, again.name) == (channel.labels, channel.dims, "again")
        assert again.fingerprint() == channel.fingerprint()
    assert instrument.fingerprint() != channels.amplitude_damping(0.3).fingerprint()
