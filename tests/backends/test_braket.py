# SPDX-License-Identifier: Apache-2.0
"""Braket's local simulator: what it runs has the right law, and what it would run wrongly is refused."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest

pytest.importorskip("braket.default_simulator", reason="the extra [braket] is not installed")

from oracles.qasm_runner import distribution
from sampling import read, same, sampled
from stinespring.backends import open_backend
from stinespring.backends.braket.backend import BraketBackend
from stinespring.backends.probing.behaviour import needs
from stinespring.circuits.core.flow import Flow, If, Measure, Reset
from stinespring.circuits.core.gates import Gate
from stinespring.circuits.qasm.braket import braket_qasm
from stinespring.compiler.export.qasm import flow_qasm
from stinespring.errors import BackendError, InputError, TooLargeError

SHOTS = 1000


@pytest.fixture(scope="module")
def backend():
    return BraketBackend()


def random_flow(rng):
    """Gates on three qubits, measurements into two registers, conditions on a register or a bit, resets after measurements."""

    def gate():
        a, b = rng.permutation(3)[:2].tolist()
        kind = str(rng.choice(["cx", "cz", "h", "x", "ry", "rz", "u"]))
        size = {"ry": 1, "rz": 1, "u": 3}.get(kind, 0)
        return Gate(kind, (a, b) if kind in ("cx", "cz") else (a,), tuple(rng.uniform(-3, 3, size).tolist()))

    items = []
    for kind in rng.choice(["gate", "gate", "measure", "other", "reset", "if", "bit"], size=12):
        qubit = int(rng.integers(3))
        if kind == "gate":
            items.append(gate())
        elif kind in ("measure", "reset"):
            items.append(Measure((qubit,), "outcome", (int(rng.integers(3)),)))
            items += [Reset((qubit,))] * (kind == "reset")
        elif kind == "other":
            items.append(Measure((qubit,), "other", (0,)))
        elif kind == "if":
            items.append(If("outcome", int(rng.integers(8)), (gate(), gate())))
        else:
            items.append(If("other", int(rng.integers(2)), (gate(),), bit=0))
    items.append(Measure((0, 1), "outcome", (0, 1)))
    return Flow((("q", 3),), (("outcome", 3), ("other", 1)), tuple(items))


def test_random_programs_have_their_law(backend):
    """60 programs, 1000 shots each: an outcome of probability 0 never occurs, and the TVD of at most 16 outcomes exceeds
    0.15 with probability below 2^16 exp(-2 * 1000 * 0.15^2) < 2e-15 in each (Hoeffding over all events).
    """
    rng, many = np.random.default_rng(2), 0
    for number in range(60):
        flow = random_flow(rng)
        many += len(needs(flow)) > 2
        found = read(backend, flow.circuit(), SHOTS, number)
        exact = distribution(flow_qasm(flow), ["outcome", "other"])
        counts = Counter(zip(found["outcome"].tolist(), found["other"].tolist(), strict=True))
        assert all(exact.get(key, 0) > 1e-12 for key in counts), braket_qasm(flow)
        assert 0.5 * sum(abs(counts[key] / SHOTS - p) for key, p in exact.items()) < 0.15, braket_qasm(flow)
    assert many > 30


def test_a_reset_that_is_wrong_there_is_refused(backend):
    """The simulator moves amplitudes instead of forgetting them: half a Bell pair, reset, leaves the other half pure."""
    assert not backend.behaviour.found["reset"] and backend.behaviour.found["measured_reset"]
    flow = Flow((("q", 2),), (("a", 1),), (Gate("h", (0,)), Gate("cx", (0, 1)), Reset((0,)), Measure((1,), "a", (0,))))
    with pytest.raises(InputError, match="not just measured"):
        read(backend, flow.circuit(), 10, 1)


def test_seeds(backend):
    flow = random_flow(np.random.default_rng(8))
    one, two, other = (sampled(backend, flow.circuit(), 200, seed) for seed in (1, 1, 2))
    assert same(one, two)
    assert not same(one, other)


def test_what_is_too_much_or_unknown(backend):
    with pytest.raises(TooLargeError, match="too wide"):
        backend.run(Flow((("q", 27),), (("a", 1),), (Measure((0,), "a", (0,)),)), 1, 1)
    with pytest.raises(InputError, match="no such gate"):
        backend.run(Flow((("q", 3),), (("a", 1),), (Gate("ccx", (0, 1, 2)), Measure((0,), "a", (0,)))), 1, 1)
    with pytest.raises(BackendError, match="did not run"):
        backend.run(Flow((("q", 1),), (("a", 1),), (Gate("h", (3,)), Measure((0,), "a", (0,)))), 1, 1)
    for text in ("braket:", "braket:sv1", "braket:local?shots=3"):
        with pytest.raises(InputError):
            open_backend(text)


@pytest.mark.parametrize("schedule", ["static", "stepwise", "dynamic"])
def test_run(schedule, two_tokens):
    import stinespring as ss

    program = ss.compile(two_tokens, prompt="a b", steps=3, schedule=schedule)
    samples = ss.run(program, backend="braket:local", shots=20_000, seed=4)
    assert ss.check(samples, two_tokens, alpha=1e-6).verdict == "PASS"
    assert "amazon-braket-default-simulator" in samples.metadata


def test_conditions_of_a_compiled_program(two_tokens):
    import stinespring as ss

    program = ss.compile(two_tokens, prompt="a b", steps=4, schedule="dynamic", feed_forward="all", max_qubits=1)
    assert program.cost.conditions > 0 and program.cost.mid_circuit_measurements > 0
    samples = ss.run(program, backend="braket:local", shots=20_000, seed=4)
    assert ss.check(samples, two_tokens, alpha=1e-6).verdict == "PASS"


def test_the_command(examples):
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-m", "stinespring.cli.main", "run", "examples/two_tokens.json", "--prompt", "a b", "--steps", "4",
         "--schedule", "dynamic", "--feed-forward", "all", "--shots", "20000", "--seed", "1", "--alpha", "1e-6",
         "--backend", "braket:local", "--json"],
        cwd=examples.parent, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0 and done.stderr == ""
    assert json.loads(done.stdout)["backend"] == "braket:local"
