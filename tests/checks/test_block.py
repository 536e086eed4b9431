# SPDX-License-Identifier: Apache-2.0
"""Exact verification: every kind of program passes, and what counts cannot see fails with the entry that differs."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import stinespring
from stinespring.checks.texts.block import law_verdict
from stinespring.circuits.core.flow import Flow, If, Reset
from stinespring.compiler.systems.lens import compile_operator
from stinespring.errors import TooLargeError
from stinespring.models.lens.states import LensStates
from stinespring.models.texts.fock import InputState
from stinespring.pipeline.blocks import verify_block, with_block
from stinespring.stages import Program, Verdict

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SUN = {"prompt": "sun rain", "steps": 2, "effort": 0.0}
WAVE = {"format": "stinespring/state@1", "amplitudes": {"a b": [0.5, 0.1], "b a": [-0.5, 0.1], "b": [0.0, 0.48**0.5]}}
MIXTURE = {"format": "stinespring/state@1", "probabilities": {"a b": 0.3, "b": 0.7}}


def model(name: str) -> Any:
    return stinespring.load(str(EXAMPLES / f"{name}.json"))


def compiled(name: str, **given: Any) -> Program:
    return stinespring.compile(model(name), **given)


def verdict_of(program: Program) -> Verdict:
    found = verify_block(program)
    assert found is not None
    return found


def with_circuit(program: Program, change: Any) -> Program:
    """Return the program with another circuit to be run: what ``change`` makes of its own."""
    circuit = program.circuit.copy()
    body: Any = program.body
    return replace(program, body=replace(body, lowered=change(circuit) or circuit))


def with_flow(program: Program, change: Any) -> Program:
    """Return a dynamic program without some of its instructions."""
    body: Any = program.body
    flow: Flow = body.form
    kept = tuple(item for item in map(change, flow.instructions) if item is not None)
    return replace(program, body=replace(body, form=replace(flow, instructions=kept)))


PROMISED = [
    ("three_tokens", {**SUN, "phases": "exact"}, "amplitudes of 9"),
    ("three_tokens", SUN, "law of 9"),
    ("three_tokens", {**SUN, "input": "quantum"}, "amplitudes of 81"),
    ("three_tokens", {**SUN, "input": "quantum", "phases": "free"}, "law of 81"),
    ("three_tokens", {**SUN, "input": "quantum", "extension": "dephased"}, "Choi matrix of 81"),
    ("three_tokens", {**SUN, "phases": "exact", "extension": "position"}, "amplitudes of 324"),
    ("three_tokens", {**SUN, "schedule": "dynamic"}, "law of 9"),
    ("three_tokens", {**SUN, "schedule": "stepwise"}, "law of 9"),
    ("three_tokens", {**SUN, "tolerance": 0.3}, "law of 9"),
    ("three_tokens", {**SUN, "tolerance": 0.3, "phases": "exact"}, "amplitudes of 6"),
    ("three_tokens", {**SUN, "phases": "exact", "target": "line:6"}, "Choi matrix of 9"),
    ("two_tokens", {"prompt": "a b", "steps": 2, "extension": "position", "schedule": "dynamic"}, "law of 6"),
    ("two_tokens", {"input_state": WAVE, "steps": 2}, "amplitudes of"),
    ("two_tokens", {"input_state": WAVE, "steps": 2, "extension": "position"}, "amplitudes of"),
    ("two_tokens", {"input_state": WAVE, "steps": 2, "extension": "dephased"}, "Choi matrix of"),
    ("two_tokens", {"input_state": WAVE, "steps": 2, "target": "line:6"}, "Choi matrix of"),
    ("two_tokens", {"input_state": WAVE, "steps": 2, "level": 3}, "amplitudes of"),
    ("two_tokens", {"input_state": WAVE, "steps": 2, "input": "known", "schedule": "stepwise"}, "law of 4"),
    ("two_tokens", {"input_state": MIXTURE, "steps": 2}, "Choi matrix of"),
    ("stop_token", {"prompt": "on", "steps": 3, "phases": "exact"}, "amplitudes of 15"),
    ("stop_token", {"prompt": "on", "steps": 3, "input": "quantum", "extension": "dephased"}, "Choi matrix of"),
    ("three_spins", {"steps": 3, "schedule": "static"}, "law of"),
    ("three_spins", {"steps": 3, "schedule": "dynamic"}, "law of"),
    ("sphere", {"particle": 0}, "law of 10"),
    ("sphere", {"particle": 1, "layers": 2, "read": "nothing"}, "4 amplitudes"),
    ("sphere", {"particle": 1, "layers": 2, "read": "nothing", "schedule": "dynamic"}, "4 amplitudes"),
    ("sphere", {"test": "hadamard"}, "law of"),
]


@pytest.mark.parametrize(("name", "given", "words"), PROMISED, ids=lambda value: value if isinstance(value, str) else "")
def test_what_is_compiled_is_what_was_promised(name: str, given: dict[str, Any], words: str) -> None:
    found = verdict_of(compiled(name, **given))
    assert (found.verdict, words in found.reason) == ("PASS", True), found.reason


@pytest.mark.parametrize("form", ["isometry", "tree"])
@pytest.mark.parametrize("target", ["aer", "line:3"])
def test_channels_are_verified_by_their_choi_matrix(form: str, target: str) -> None:
    channel = stinespring.load(str(EXAMPLES / "amplitude_damping.npz"))
    program = stinespring.compile(channel, form=form, effort=0, target=target)
    assert verdict_of(program).verdict == "PASS"

    def turned(circuit: Any) -> None:
        circuit.data.insert(0, circuit.data[0].replace(operation=x_gate(), qubits=[circuit.qubits[0]], clbits=[]))

    broken = with_circuit(program, turned) if target == "aer" else None
    assert broken is None or verdict_of(broken).verdict == "FAIL"


def x_gate() -> Any:
    from qiskit.circuit.library import XGate

    return XGate()


def flipped(circuit: Any) -> Any:
    """Return a circuit after which one amplitude has another sign: that of all ones on the first two measured qubits."""
    first = next(i for i, item in enumerate(circuit.data) if item.operation.name == "measure")
    tail, circuit.data = list(circuit.data[first:]), circuit.data[:first]
    circuit.cz(tail[0].qubits[0], tail[2].qubits[0])
    for item in tail:
        circuit.append(item)
    return circuit


def test_the_sign_of_an_amplitude_is_seen_where_phases_are_promised() -> None:
    found = verdict_of(with_circuit(compiled("three_tokens", **SUN, phases="exact"), flipped))
    assert found.verdict == "FAIL"
    got = re.fullmatch(r"the amplitude of '(\w+ \w+)' is (-[\d.]+), not ([\d.]+): a difference of ([\d.]+)", found.reason)
    assert got is not None, found.reason
    assert -float(got[2]) == pytest.approx(float(got[3])), "the amplitude has its size and the other sign"
    law = model("three_tokens").joint("sun rain", 2)
    assert float(got[3]) == pytest.approx(law[got[1]] ** 0.5, abs=1e-5)
    free = verdict_of(with_circuit(compiled("three_tokens", **SUN), flipped))
    assert free.verdict == "PASS", "with free phases signs are open"


def test_a_sign_between_prompts_is_seen() -> None:
    program = compiled("three_tokens", **SUN, input="quantum")

    def signed(circuit: Any) -> None:
        circuit.data.insert(0, circuit.data[0].replace(operation=z_gate(), qubits=[circuit.qubits[0]], clbits=[]))

    found = verdict_of(with_circuit(program, signed))
    assert found.verdict == "FAIL"
    assert re.search(r"the amplitude of '\w+ \w+' after '\w+ \w+' is -[\d.]+, not [\d.]+", found.reason), found.reason


def z_gate() -> Any:
    from qiskit.circuit.library import ZGate

    return ZGate()


@pytest.mark.parametrize("state", [WAVE, MIXTURE, None], ids=["wave", "mixture", "prompt"])
def test_missing_copies_of_a_dephased_prompt_are_seen(state: Any) -> None:
    given = {"input_state": state} if state else {"prompt": "a b", "input": "quantum"}
    program = compiled("two_tokens", steps=2, extension="dephased", **given)

    def without_copies(circuit: Any) -> None:
        copies = next(register for register in circuit.qregs if register.name == "q_c")
        kept = [item for item in circuit.data if not set(item.qubits) & set(copies)]
        assert len(kept) < len(circuit.data)
        circuit.data = kept

    found = verdict_of(with_circuit(program, without_copies))
    assert found.verdict == "FAIL"
    assert re.search(r"the coherence of .* with .* is \S+, not 0: a difference of", found.reason), found.reason


def test_phases_of_an_input_state_are_seen() -> None:
    program = compiled("two_tokens", steps=2, input_state=WAVE)
    plain = {"format": WAVE["format"], "amplitudes": {k: [abs(complex(*v)), 0.0] for k, v in WAVE["amplitudes"].items()}}  # type: ignore[attr-defined]
    dropped = compiled("two_tokens", steps=2, input_state=plain)
    found = verdict_of(replace(program, body=dropped.body))
    assert found.verdict == "FAIL"
    assert re.search(r"the amplitude of .* after .* is .*i, not .*: a difference of", found.reason), found.reason


def test_moduli_in_place_of_their_squares_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def moduli(self: InputState) -> Any:
        return abs(self.amplitudes) / abs(self.amplitudes).sum()

    monkeypatch.setattr(InputState, "weights", property(moduli))
    for given in ({}, {"phases": "free"}, {"input": "known", "schedule": "stepwise"}):
        found = verdict_of(compiled("two_tokens", steps=2, input_state=WAVE, **given))
        assert found.verdict == "FAIL", given
        assert "TVD" in found.reason
        assert "has probability" in found.reason


def test_a_dropped_condition_is_seen() -> None:
    program = compiled("three_tokens", **SUN, schedule="dynamic")
    dropped = iter([True])
    broken = with_flow(program, lambda item: None if isinstance(item, If) and next(dropped, False) else item)
    found = verdict_of(broken)
    assert found.verdict == "FAIL"
    assert "has probability" in found.reason


def test_a_dropped_reset_is_seen() -> None:
    narrow = {"schedule": "dynamic", "feed_forward": "all", "max_qubits": 1, "codes": "binary"}
    program = compiled("three_tokens", **{**SUN, "steps": 3}, **narrow)
    assert verdict_of(program).verdict == "PASS"
    broken = with_flow(program, lambda item: None if isinstance(item, Reset) else item)
    assert verdict_of(broken).verdict == "FAIL"


def test_a_dropped_condition_is_seen_in_the_circuit_for_a_device() -> None:
    program = compiled("three_tokens", **SUN, schedule="dynamic", target="line:6")
    body: Any = program.body
    circuit = body.lowered.copy()
    first = next(i for i, item in enumerate(circuit.data) if item.operation.name == "if_else")
    circuit.data = [item for i, item in enumerate(circuit.data) if i != first]
    assert verdict_of(program).verdict == "PASS"
    assert verdict_of(replace(program, body=replace(body, lowered=circuit))).verdict == "FAIL"


def test_codes_that_stand_for_nothing_are_seen() -> None:
    program = compiled("three_tokens", **SUN)

    def turned(circuit: Any) -> None:
        circuit.data.insert(0, circuit.data[0].replace(operation=x_gate(), qubits=[circuit.qubits[1]], clbits=[]))

    found = verdict_of(with_circuit(program, turned))
    assert found.verdict == "FAIL"
    assert found.figures["leak"] > 0.01 or found.figures["tvd"] > 0.01


def test_a_template_with_signs_is_seen() -> None:
    program = compiled("three_tokens", **SUN, schedule="stepwise")
    body: Any = program.body

    def signed(circuit: Any) -> Any:
        copy = circuit.copy()
        first = next(i for i, item in enumerate(copy.data) if item.operation.name == "measure")
        copy.data.insert(first, copy.data[0].replace(operation=z_gate(), qubits=[copy.data[first].qubits[0]], params=[]))
        return copy

    found = verdict_of(replace(program, body=body.on(signed)))
    assert (found.verdict, "real and non-negative" in found.reason) == ("FAIL", True), found.reason


def test_the_state_of_a_particle_is_seen() -> None:
    program = compiled("sphere", particle=1, read="nothing")

    def signed(circuit: Any) -> None:
        circuit.z(0)

    found = verdict_of(with_circuit(program, signed))
    assert (found.verdict, "coordinate of particle 1" in found.reason) == ("FAIL", True), found.reason


def test_an_operator_of_a_lens_is_its_whole_matrix() -> None:
    v = np.array([[0.6, -0.8, 0.0], [0.0, 0.8, 0.6]])
    psi = np.array([[1.0, 0.0, 0.0]])
    states = lens_states(v, psi)
    program = compile_operator(states, 1)
    assert verdict_of(program).verdict == "PASS"
    assert verdict_of(replace(program, details={**program.details, "point": 2})).verdict == "FAIL"
    assert verdict_of(replace(program, details={**program.details, "time": 0.5})).verdict == "FAIL"


def lens_states(v: Any, psi: Any) -> Any:
    """Return what the operators of a lens are compiled from: directions and points, without a decoder behind them."""

    class Decoder:
        name, tokens = "plain", ("a", "b", "c")

        def fingerprint(self) -> str:
            return "plain"

    class States(LensStates):
        def __init__(self) -> None:
            self.__dict__.update(decoder=Decoder(), tuned=None, prompt=np.array([0]), psi=psi, v=v)

        def fingerprint(self) -> str:
            return "plain"

        @property
        def points(self) -> Any:
            return [type("P", (), {"after": "embedding", "layer": None})()] * 3

    return States()


def test_too_large_for_a_second_is_said_and_changes_no_verdict() -> None:
    program = compiled("three_tokens", **SUN, input="quantum", extension="position")
    found = verdict_of(program)
    assert (found.verdict, "not followed" in found.reason) == ("UNVERIFIED", True)
    sampled = Verdict("PASS", "as expected")
    assert with_block(sampled, found).verdict == "PASS"
    assert with_block(sampled, found).details["block"]["verdict"] == "UNVERIFIED"
    assert with_block(sampled, None) is sampled
    assert verify_block(program, "none") is None
    spins = compiled("three_spins", steps=2, schedule="stepwise")
    with pytest.raises(TooLargeError, match="the host keeps every shot"):
        verify_block(spins, "all")


def test_a_block_that_fails_fails_the_verdict() -> None:
    block = Verdict("FAIL", "the amplitude of 'a' is -1, not 1", figures={"error": 2.0})
    found = with_block(Verdict("PASS", "as expected"), block)
    assert (found.verdict, found.reason) == ("FAIL", "block: the amplitude of 'a' is -1, not 1; as expected")
    assert found.details["block"]["error"] == 2.0


@pytest.mark.parametrize(("tvd", "bound"), [(float("nan"), 0.1), (0.1, float("nan")), (0.2, 0.1)])
def test_what_is_no_number_does_not_pass(tvd: float, bound: float) -> None:
    assert law_verdict(tvd, bound, 0.0, "", "2 outcomes").verdict == "FAIL"
    assert law_verdict(0.1, 0.2, 0.0, "", "2 outcomes").verdict == "PASS"
