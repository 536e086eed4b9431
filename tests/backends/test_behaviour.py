# SPDX-License-Identifier: Apache-2.0
"""Probes see what a backend does wrongly, and what a program needs."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

import strategies
from sampling import Plain, sampled
from stinespring.backends import open_backend
from stinespring.backends.probing.behaviour import NEEDS, needs, probe, require_capable
from stinespring.circuits.core.flow import Flow, If, Measure, Reset
from stinespring.circuits.core.gates import Gate
from stinespring.circuits.devices.read_back import flow_of
from stinespring.errors import BackendError, InputError


class Faulty(Plain):
    """Aer, but for what one function does to the program first."""

    name = "faulty"

    def __init__(self, change):
        self.aer, self.change = open_backend("aer"), change

    def row(self, circuit, angles, shots, seed):
        flow = flow_of(circuit)
        changed = Flow(flow.quantum, flow.classical, tuple(self.change(flow.instructions)))
        return sampled(self.aer, changed.circuit(), shots, seed)[0]


def refused(instructions):
    if any(isinstance(item, If) for item in instructions):
        raise BackendError("no conditions here")
    return instructions


def once(instructions):
    """Only the first condition is known."""
    first = next((item.register for item in instructions if isinstance(item, If)), None)
    return [item for item in instructions if not isinstance(item, If) or item.register == first]


def test_aer_does_everything():
    """A right backend fails with probability 6 * 2^-127."""
    found = probe(open_backend("aer"))
    assert found.found == dict.fromkeys(NEEDS, True) and not found.why


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        (lambda items: [i for i in items if not isinstance(i, Reset)], {"reset", "measured_reset"}),
        (lambda items: [i for i in items if not isinstance(i, If)], {"conditions", "repeated_conditions"}),
        (refused, {"conditions", "repeated_conditions"}),
        (once, {"repeated_conditions"}),
        (lambda items: [i for i in items if i != Measure((0,), "a", (0,))], {"mid_circuit_measurement"}),
        (
            lambda items: sorted(items, key=lambda i: isinstance(i, Measure)),
            set(NEEDS) - {"reset"},
        ),  # all measurements at the end
    ],
)
def test_faults_are_seen(change, lost):
    found = probe(Faulty(change))
    assert lost <= {name for name, right in found.found.items() if not right} == set(found.why)


def test_needs():
    h, m, x = Gate("h", (0,)), Measure((0,), "a", (0,)), Gate("x", (1,))
    flow = lambda *items: Flow((("q", 2),), (("a", 1), ("b", 1)), items)  # noqa: E731
    assert needs(flow(h, m)) == []
    assert needs(flow(h, m, x)) == []
    assert needs(flow(h, m, h)) == ["mid_circuit_measurement"]
    assert needs(flow(h, Reset((0,)))) == ["reset"]
    assert needs(flow(h, m, Reset((0,)), h, m)) == ["measured_reset"]
    assert needs(flow(h, m, If("a", 1, (x,)))) == ["conditions"]
    again = (If("a", 1, (x,)), Measure((1,), "b", (0,)), If("b", 1, (h,)))
    assert needs(flow(h, m, *again)) == ["mid_circuit_measurement", "conditions", "repeated_conditions"]


@settings(max_examples=30)
@given(strategies.flows())
def test_a_program_without_needs_is_a_gate_list_with_measurements(flow):
    """All measurements and resets of such a program can wait: the bits keep their law when they do."""
    if not needs(flow):
        assert not any(isinstance(item, If | Reset) for item in flow.instructions)


def test_a_refusal_says_what_and_what_to_do():
    flow = Flow((("q", 1),), (("a", 1),), (Gate("h", (0,)), Reset((0,)), Measure((0,), "a", (0,))))
    behaviour = probe(Faulty(lambda items: [i for i in items if not isinstance(i, Reset)]))
    with pytest.raises(InputError, match="not just measured") as refusal:
        require_capable(flow, behaviour, "faulty")
    assert "--schedule stepwise" in str(refusal.value) and refusal.value.exit_status == 2
    require_capable(Flow((("q", 1),), (("a", 1),), (Measure((0,), "a", (0,)),)), behaviour, "faulty")
