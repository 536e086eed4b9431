# SPDX-License-Identifier: Apache-2.0
"""Faults that law and compiler share, planted one by one: what is evaluated a second time names them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import stinespring
from stinespring.checks.plain.mitigation import quasi_differ
from stinespring.checks.plain.settings import alike
from stinespring.checks.plain.spelling import misspelt
from stinespring.compiler.stepwise import template
from stinespring.compiler.systems import spins as spin_compiler
from stinespring.compiler.texts import specialise
from stinespring.errors import StinespringError
from stinespring.models.channels import asked as channel_asked
from stinespring.models.channels.standard import amplitude_damping
from stinespring.models.lens.asked import LensAsked
from stinespring.models.spins import files as spin_files
from stinespring.models.spins.asked import SpinAsked
from stinespring.models.texts import attention_map
from stinespring.models.texts.asked import TextAsked
from stinespring.models.texts.fock import InputState
from stinespring.readings import Outcomes, Register
from stinespring.readout import Mitigated
from stinespring.stages import Samples

STATE = {"format": "stinespring/state@1", "amplitudes": {"a": [0.6, 0.0], "a b": [0.0, 0.8]}}


def verdict(source, shots=4000, **given):
    """The verdict on a run; a true one fails with probability 1e-7."""
    return stinespring.check(
        stinespring.run(stinespring.compile(source, **given), shots=shots, seed=3), alpha=1e-7, resolution=0.3
    )


# ------------------------------------------------------------------------------------------------------- input states


def test_an_input_state_agrees(two_tokens):
    assert verdict(two_tokens, input_state=STATE, steps=2).passed
    mixed = {"format": "stinespring/state@1", "probabilities": {"a": 0.25, "b a": 0.75}}
    assert verdict(two_tokens, input_state=mixed, steps=2, level=3).passed


@pytest.mark.parametrize("power", [1, 3])
def test_wrong_weights_of_an_input_state_are_named(monkeypatch, two_tokens, power):
    monkeypatch.setattr(InputState, "weights", property(lambda s: (p := abs(s.amplitudes) ** power) / p.sum()))
    found = verdict(two_tokens, input_state=STATE, steps=2)
    assert found.verdict == "FAIL" and "squares of its amplitudes" in found.reason


def test_dropped_phases_of_an_input_state_are_named(monkeypatch, two_tokens):
    from stinespring.models.texts import fock

    whole = fock.read_state
    monkeypatch.setattr(fock, "read_state", lambda *a: replace(whole(*a), amplitudes=abs(whole(*a).amplitudes).astype(complex)))
    found = verdict(two_tokens, input_state=STATE, steps=1)
    assert found.verdict == "FAIL" and "amplitudes of the input state" in found.reason


def test_a_wrong_posterior_of_an_input_state_is_named(monkeypatch, two_tokens):
    """The texts' priors are used at every step, as if what was generated said nothing about them."""
    from stinespring.models.texts.fock import StateModel

    def by_prior(self, step, texts):
        return np.einsum("t,bts->bs", self.state.weights, self._laws(step, texts))

    monkeypatch.setattr(StateModel, "symbol_law", by_prior)
    samples = Samples(two_tokens, TextAsked.of(two_tokens, None, 2, input_state=STATE), (
        Outcomes.tallied({"t1": np.array([0, 1]), "t2": np.array([0, 1])}),
    ))  # fmt: skip
    found = stinespring.check(samples)
    assert found.verdict == "FAIL" and "from the input state" in found.reason


# ----------------------------------------------------------------------------------------- attended positions and token


def reversed_readings(model, step, texts):
    """As true, but the token is made from another position than the one that is read."""
    weights, readings = TRUE_ATTENDED(model, step, texts)
    mixed = np.einsum("bj,bjt->bt", weights[:, 0], readings)
    return weights, np.broadcast_to(mixed[:, None, :], readings.shape)


TRUE_ATTENDED = attention_map.attended


def test_a_joint_law_that_only_the_compiler_has_wrong_fails(monkeypatch, two_tokens):
    """Token and position each have their law, but are independent of each other."""
    assert verdict(two_tokens, prompt="a b", steps=1, extension="position").passed
    monkeypatch.setattr(specialise, "attended", reversed_readings)
    found = verdict(two_tokens, shots=40_000, prompt="a b", steps=1, extension="position")
    assert found.verdict == "FAIL" and found.parts["texts"].verdict == "PASS"
    judged = {name: part.verdict for name, part in found.parts["attention"].parts.items()}
    assert judged == {"e1": "PASS", "e1 and t1": "FAIL"}


def test_the_same_with_the_host_in_the_loop(monkeypatch, two_tokens):
    found = verdict(two_tokens, prompt="a b", steps=2, extension="position", schedule="stepwise")
    assert found.passed and {"e1 and t1", "e2 and t2"} <= set(found.parts["attention"].parts)
    whole = template.Binder._pad
    monkeypatch.setattr(template.Binder, "_pad", lambda self, law, *a: whole(self, law[:, ::-1], *a))
    assert verdict(two_tokens, shots=40_000, prompt="a b", steps=1, extension="position", schedule="stepwise").verdict == "FAIL"


def test_a_joint_law_that_all_have_wrong_is_named(monkeypatch, two_tokens):
    for module in (specialise, attention_map):
        monkeypatch.setattr(module, "attended", reversed_readings)
    monkeypatch.setattr("stinespring.checks.plain.texts.attended", reversed_readings)
    found = verdict(two_tokens, prompt="a b", steps=1, extension="position")
    assert found.verdict == "FAIL" and "attended position and token" in found.reason


# ------------------------------------------------------------------------------------------------------------- spins


def test_a_window_that_is_read_in_another_order_is_refused(monkeypatch):
    assert stinespring.load("examples/three_spins.json").window is not None
    true = spin_files.signs
    monkeypatch.setattr(spin_files, "signs", lambda data, where, **k: true(data, where, **k)[:: -1 if where == "window" else 1])
    with pytest.raises(StinespringError, match="read as something else"):
        stinespring.load("examples/three_spins.json")


@pytest.mark.parametrize("schedule", ["static", "stepwise"])
def test_a_repeated_column_is_judged_by_the_users_network(monkeypatch, tmp_path, schedule):
    content = json.loads(open("examples/three_spins.json", encoding="utf-8").read()) | {"repeat": 2}
    file = tmp_path / "twice.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    network = stinespring.load(file)
    samples = stinespring.run(stinespring.compile(network, steps=2, schedule=schedule), shots=2000, seed=3)
    assert samples.source is network and stinespring.check(samples, alpha=1e-7).verdict != "FAIL"

    def tiled(one):
        again = {"features": np.tile(one.features, (1, 1, one.repeat)), "window": np.tile(one.window, (1, one.repeat))}
        return replace(one, **again, repeat=1) if one.repeat > 1 else one

    monkeypatch.setattr(spin_compiler, "one_column_a_spin", tiled)
    samples = stinespring.run(stinespring.compile(network, steps=2, schedule=schedule), shots=40_000, seed=3)
    assert stinespring.check(samples).verdict == "FAIL"
    monkeypatch.setattr("stinespring.models.spins.network.SpinNetwork.one_column_a_spin", tiled)
    found = stinespring.check(replace(samples, outcomes=(samples.outcomes[0].limited(50, 0),), readings=(), wanted=50))
    assert found.verdict == "FAIL" and "plain evaluation" in found.reason


# ------------------------------------------------------------------------------------------------- keys and settings


def test_keys_are_decoded(monkeypatch, two_tokens):
    texts = Samples(two_tokens, TextAsked((0,), 2), (Outcomes.tallied({"t1": np.array([0, 2, 2]), "t2": np.array([1, 0, 2])}),))
    network = stinespring.load("examples/three_spins.json")
    spins = Samples(network, SpinAsked(2), (Outcomes.tallied({"t1": np.array([1]), "t2": np.array([6])}),))
    assert misspelt(texts) is None and misspelt(spins) is None
    for samples, kind in ((texts, TextAsked), (spins, SpinAsked)):
        true = kind.spell
        monkeypatch.setattr(kind, "spell", lambda self, source, found, t=true: [key[::-1] for key in t(self, source, found)])
        assert "is spelt" in str(misspelt(samples))


def test_keys_of_a_lens_and_of_settings_are_decoded(monkeypatch):
    asked, read = channel_asked.ChannelAsked((((0,), (2,)),)), Outcomes.tallied({"probe": np.array([0, 1])})
    channel = Samples(amplitude_damping(0.3), asked, (read,))
    assert misspelt(channel) is None
    monkeypatch.setattr(channel_asked.ChannelAsked, "spell", lambda *_: ["probe=1", "probe=0"])
    assert "is spelt" in str(misspelt(channel))
    decoder = type("Decoder", (), {"tokens": ("x", "y")})()
    lens = Samples(type("States", (), {"decoder": decoder})(), LensAsked((0,)), (Outcomes.tallied({"t": np.array([0, 1])}),))
    monkeypatch.setattr(LensAsked, "spell", lambda self, source, found: ["y", "x"])
    assert "is spelt" in str(misspelt(lens))


def test_a_channel_is_tried_with_different_settings(monkeypatch):
    channel = amplitude_damping(0.3)
    for settings in (7, 18, 40):
        asked = channel_asked.drawn(channel, settings, 5)
        assert alike(asked.settings, 1, 1) is None and len(set(asked.settings)) == min(settings, 18)
    program = stinespring.compile(channel)
    one = channel_asked.ChannelAsked((((0,), (0,)),) * 40)
    monkeypatch.setattr("stinespring.pipeline.systems.channels.drawn", lambda *a: one)
    with pytest.raises(StinespringError, match="too few different settings"):
        stinespring.run(program, shots=4000, seed=1)


# -------------------------------------------------------------------------------------------------------- mitigation


def test_quasi_probabilities_give_back_the_counts(two_tokens):
    """Two bits with very different errors, the first of register t1: reversed qubits, or an exchanged key, are named."""
    errors = {4: (0.02, 0.05), 7: (0.15, 0.25)}
    read = Outcomes.tallied({"t1": np.array([0, 1, 2, 3])}, np.array([500, 200, 200, 100]))
    zeros = np.array([[(1 - a) if not bit else a for bit in (0, 1)] for a, _ in errors.values()])
    ones = np.array([[b if not bit else 1 - b for bit in (0, 1)] for _, b in errors.values()])
    calibration = [
        Outcomes.tallied({"r0": np.arange(4)}, np.array([round(1e6 * part[0, v & 1] * part[1, v >> 1]) for v in range(4)]))
        for part in (zeros, ones)
    ]
    matrix = np.kron(*[np.stack([zeros[q], ones[q]], axis=1) for q in (1, 0)])
    quasi = np.linalg.solve(matrix, read.counts / 1000)
    registers = (Register("t1", "token", symbols=(0, 1, 2, -1), step=1),)
    samples = Samples(two_tokens, TextAsked((0,), 1), (read,), (read,), registers)
    keys = dict(zip(["a", "b", "", "\N{REPLACEMENT CHARACTER}"], quasi.tolist(), strict=True))

    def found(wires, values=quasi, printed=keys):
        return quasi_differ(samples, read, Mitigated(read.values, np.asarray(values), 1.0, "m"), wires, calibration, printed)

    assert found([4, 7]) is None
    assert "miss the counts" in found([7, 4]) and "miss the counts" in found([4, 7], quasi[[0, 2, 1, 3]])
    assert "another reading's" in found([4, 7], printed=keys | {"a": keys["b"], "b": keys["a"]})
