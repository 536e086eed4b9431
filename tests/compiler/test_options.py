# SPDX-License-Identifier: Apache-2.0
"""Options of a compilation: values that exist, combinations that make sense, defaults, and plain data that makes them again."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import stinespring
from stinespring.circuits.devices.targets import open_target
from stinespring.compiler.options import LIMITS, MODES, CompileOptions
from stinespring.errors import InputError


@pytest.mark.parametrize("name", MODES)
def test_values_that_do_not_exist(name):
    with pytest.raises(InputError, match=rf"unknown {name}\s+got: magic\s+expected: \w+ or "):
        CompileOptions(**{name: "magic"})


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize("value", [-1, 1.5, True, "3"])
def test_limits_are_whole_numbers(name, value):
    with pytest.raises(InputError, match=f"--{name.replace('_', '-')} is out of range"):
        CompileOptions(**{name: value})


@pytest.mark.parametrize("name", ["tolerance", "effort"])
@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf"), True, "0.1"])
def test_shares_are_numbers(name, value):
    with pytest.raises(InputError, match=f"the {name} is out of range"):
        CompileOptions(**{name: value})


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"phases": "exact", "schedule": "dynamic"}, "keeps the measured law only"),
        ({"feed_forward": "none", "schedule": "static"}, "only dynamic programs have feed-forward"),
        ({"attention": "rejection", "schedule": "stepwise"}, "only dynamic programs have feed-forward"),
        ({"input": "quantum", "schedule": "stepwise"}, "knows its prompt"),
        ({"token_qubits": 2, "schedule": "static"}, "a token is measured at once"),
        ({"token_qubits": "all", "schedule": "dynamic"}, "a token is measured at once"),
        ({"token_qubits": 2, "schedule": "stepwise", "codes": "binary"}, "a token is measured at once"),
        ({"token_qubits": 2, "schedule": "stepwise", "extension": "position"}, "a token is measured at once"),
        ({"phases": "exact", "schedule": "static", "codes": "prefix"}, "the isometry acts on tokens"),
        ({"tolerance": 1.0}, "up to, not including, 1"),
    ],
)
def test_combinations_that_make_no_sense(options, says):
    with pytest.raises(InputError, match=says):
        CompileOptions(**options)


def test_stepwise_programs_may_be_asked_for_the_codes_they_have(examples):
    source = stinespring.load(examples / "three_tokens.json")
    asked = {"prompt": "sun", "steps": 2, "schedule": "stepwise"}
    by_default, named = stinespring.compile(source, **asked), stinespring.compile(source, codes="prefix", **asked)
    assert named.details["codes"] == by_default.details["codes"] == "prefix"
    assert named.cost == by_default.cost


@pytest.mark.parametrize(
    ("options", "state", "input", "phases"),
    [
        ({}, False, "known", "free"),
        ({}, True, "quantum", "exact"),
        ({"schedule": "dynamic"}, True, "quantum", "free"),
        ({"schedule": "stepwise"}, False, "known", "exact"),
        ({"input": "known"}, True, "known", "free"),
        ({"input": "quantum"}, False, "quantum", "exact"),
        ({"phases": "exact"}, False, "known", "exact"),
    ],
)
def test_defaults_follow_the_input(options, state, input, phases):
    settled = CompileOptions(**options).settled(state=state)
    assert (settled.input, settled.phases) == (input, phases)
    assert settled.settled(state=not state) == settled


def test_a_state_is_quantum_input_so_that_a_stepwise_program_refuses_it():
    with pytest.raises(InputError, match="knows its prompt"):
        CompileOptions(schedule="stepwise").settled(state=True)


@given(
    st.sampled_from(MODES["codes"]),
    st.sampled_from(MODES["delays"]),
    st.none() | st.integers(1, 9),
    st.floats(0, 1, exclude_max=True),
    st.none() | st.integers(0, 5),
)
def test_plain_data_makes_the_options_again(codes, delays, qubits, tolerance, effort):
    options = CompileOptions(codes=codes, delays=delays, max_qubits=qubits, tolerance=tolerance, effort=effort)
    assert CompileOptions(**json.loads(json.dumps(options.plain()))) == options
    assert options.budgeted == (qubits is not None)


def test_a_device_is_named_in_plain_data():
    assert CompileOptions(target=open_target("line:3")).plain()["target"] == "line:3"


def test_the_hash_tells_options_apart_and_repeats(two_tokens):
    programs = [
        stinespring.compile(two_tokens, prompt="a b", steps=2, effort=0, codes=codes) for codes in ("free", "binary", "free")
    ]
    assert programs[0].hash == programs[2].hash != programs[1].hash
    with pytest.raises(InputError, match="magic is no argument"):
        stinespring.compile(two_tokens, prompt="a b", steps=2, magic=True)
