# SPDX-License-Identifier: Apache-2.0
"""Random flips before measurements that steer: exact against plain enumeration, at the stated rate, and through the ledger."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.quantum_info import Operator
from scipy.stats import binom

import stinespring
from stinespring.backends.aer.backend import AerBackend
from stinespring.backends.aer.calibration import Calibration, GateFigures, QubitFigures, write_calibration
from stinespring.backends.readout.flips import flipped, patterns, readings_of_circuit
from stinespring.backends.readout.randomised import Design, designed
from stinespring.backends.readout.weights import signed_readings, weights_of
from stinespring.backends.registry import opened
from stinespring.checks.codes import codes_law
from stinespring.checks.flipped import check_flipped
from stinespring.checks.plain.flips import flips_differ
from stinespring.circuits.devices.legality import IBM, violations
from stinespring.errors import InputError
from stinespring.pipeline.readout.flips import FlipPlan, flip_plan, randomised, stated_rate
from stinespring.pipeline.readout.mitigation import calibration_body, measured_calibration, mitigated, planned_mitigation
from stinespring.pipeline.running import on_backend, sampled
from stinespring.readings import Outcomes
from strategies import series

MATRICES: dict[tuple[object, ...], np.ndarray] = {}
ERRORS = [(0.02, 0.08), (0.05, 0.01)]  # 1 read for 0, 0 read for 1


def device(errors=ERRORS, gates=0.0) -> Calibration:
    """Two coupled qubits with these readout errors and errors of gates."""
    figures = [GateFigures(n, (q,), gates if n == "sx" else None, None)
               for n in ("x", "sx", "rz", "measure", "reset") for q in range(2)]  # fmt: skip
    figures.append(GateFigures("cz", (0, 1), gates, None))
    qubits = tuple(QubitFigures(None, None, ((1 - a, a), (b, 1 - b))) for a, b in errors)
    return Calibration("pair", None, True, qubits, tuple(figures))


def chain() -> QuantumCircuit:
    """Two qubits; the first steers twice, once through two readings at once, and goes on; four bits are judged."""
    wires, t, h = QuantumRegister(2), ClassicalRegister(4, "t1"), ClassicalRegister(2, "h1")
    circuit = QuantumCircuit(wires, t, h)
    circuit.ry(1.1, 0)
    circuit.measure(0, t[0])
    circuit.measure(0, h[0])  # steers with an error of its own
    with circuit.if_test((h, 1)):
        circuit.ry(0.7, 1)
    circuit.cz(0, 1)
    circuit.ry(0.9, 0)
    circuit.measure(0, t[1])
    circuit.reset(0)
    with circuit.if_test((t, 1)) as other:
        circuit.ry(2.1, 0)
    with other:
        circuit.ry(0.4, 1)
    circuit.measure([0, 1], [t[2], t[3]])
    return circuit


def enumerated(circuit, errors) -> dict[tuple[int, ...], float]:
    """The law of all classical bits, by following the state through every branch of what is measured and what is read."""
    place = {bit: i for i, bit in enumerate(circuit.clbits)}
    n = circuit.num_qubits
    branches = [(1.0, (0,) * len(place), np.eye(1, 1 << n)[0].astype(complex))]

    def apply(state, item, wires):
        key = (item.operation.name, tuple(map(float, item.operation.params)), tuple(wires), n)
        if key not in MATRICES:
            small = QuantumCircuit(n)
            small.append(item.operation, wires)
            MATRICES[key] = Operator(small).data
        return MATRICES[key] @ state

    for item in circuit.data:
        wires, after = [circuit.find_bit(q).index for q in item.qubits], []
        for weight, bits, state in branches:
            name = item.operation.name
            if name in ("measure", "reset"):
                one = (np.arange(1 << n) >> wires[0] & 1).astype(bool)
                for value in (0, 1):
                    kept = np.where(one == value, state, 0)
                    p = float(np.vdot(kept, kept).real)
                    if p < 1e-15:
                        continue
                    kept = kept / np.sqrt(p)
                    if name == "reset":
                        after.append((weight * p, bits, np.roll(kept, -(value << wires[0]))))
                        continue
                    for wrong in (0, 1):
                        rate = errors[wires[0]][value]
                        chance, where = (rate if wrong else 1 - rate), place[item.clbits[0]]
                        read = (*bits[:where], value ^ wrong, *bits[where + 1 :])
                        after.append((weight * p * chance, read, kept))
            elif name == "if_else":
                what, wanted = item.operation.condition
                tested = list(what) if hasattr(what, "size") else [what]
                holds = sum(bits[place[b]] << i for i, b in enumerate(tested)) == wanted
                block = item.operation.blocks[0] if holds else [*item.operation.blocks, None][1]
                for inner in block.data if block is not None else ():
                    state = apply(state, inner, [wires[block.find_bit(q).index] for q in inner.qubits])
                after.append((weight, bits, state))
            else:
                after.append((weight, bits, apply(state, item, wires)))
        branches = after
    law: dict[tuple[int, ...], float] = {}
    for weight, bits, _ in branches:
        law[bits] = law.get(bits, 0.0) + weight
    return law


def judged(circuit, errors, turned=0) -> np.ndarray:
    """The law of the four judged bits, some of them turned."""
    law = np.zeros(16)
    for bits, weight in enumerated(circuit, errors).items():
        law[sum(bit << i for i, bit in enumerate(bits[:4])) ^ turned] += weight
    return law


def laws(design, readings, errors=ERRORS, steers=None) -> np.ndarray:
    """The exact law of every circuit of a design, flips and errors undone."""
    steers = [r.steers for r in readings] if steers is None else steers
    found = []
    for f, g in zip(design.flips, design.errors, strict=True):
        circuit = flipped(chain(), readings, f, (f ^ g) * np.array(steers, dtype=int))
        turned = sum(int(f[k] ^ g[k]) << r.bit for k, r in enumerate(readings) if r.last and r.register == "t1")
        found.append(judged(circuit, errors, turned))
    return np.array(found)


def signed(design, readings, found, *, rates=None, variances=(0.0, 0.0)):
    """What the package makes of counts, with the exact rates if none are given."""
    exact = np.array([sum(pair) / 2 for pair in ERRORS])
    rates, which = exact if rates is None else rates, [r.qubit for r in readings]
    last = {r.bit: k for k, r in enumerate(readings) if r.last and r.register == "t1"}
    return signed_readings(
        design, found, rates=rates, variances=np.array(variances), planned=exact[which], steers=[r.steers for r in readings],
        which=which, wires=[-1 if readings[last[b]].steers else which[last[b]] for b in range(4)],
    )  # fmt: skip


def test_which_measurements_matter():
    found = readings_of_circuit(chain(), ["t1"])
    assert [(r.register, r.bit, r.qubit, r.steers, r.last, r.mid) for r in found] == [
        ("t1", 0, 0, True, True, True), ("h1", 0, 0, True, True, True), ("t1", 1, 0, True, True, True),
        ("t1", 2, 0, False, True, False), ("t1", 3, 1, False, True, False),
    ]  # fmt: skip


def test_the_signed_mean_is_the_law_without_readout_errors():
    """All flips and all deliberate errors, with the exact rates: 1e-12. Half the rates, or conditions not turned: far off."""
    readings = readings_of_circuit(chain(), ["t1"])
    places = [k for k, r in enumerate(readings) if r.steers]
    rows = [(f, g) for f in itertools.product((0, 1), repeat=5) for g in itertools.product((0, 1), repeat=5)
            if all(k in places for k, bit in enumerate(g) if bit)]  # fmt: skip
    flips, errors = np.array([f for f, _ in rows]), np.array([g for _, g in rows])
    design = Design(flips, errors, errors.sum(axis=1), np.full(len(rows), 1_000), ())
    found, law = laws(design, readings), judged(chain(), [(0, 0), (0, 0)])
    whole = signed(design, readings, 1_000 * found)
    assert np.allclose(whole.unpushed(whole.shares), law, atol=1e-12) and np.allclose(
        whole.shares, whole.pushed(law), atol=1e-12
    )
    assert abs(judged(chain(), ERRORS) - law).sum() / 2 > 0.05
    half = signed(design, readings, 1_000 * found, rates=np.array([0.025, 0.015]))
    assert abs(half.unpushed(half.shares) - law).sum() / 2 > 0.01
    careless = signed(design, readings, 1_000 * laws(design, readings, steers=[False] * 5))
    assert abs(careless.unpushed(careless.shares) - law).sum() / 2 > 0.05, "conditions that keep their values"


@pytest.mark.parametrize("shots", [2_000, 2_000_000])
def test_few_circuits_are_close_to_all_of_them(shots):
    """What a design leaves of the errors, 0.06 of the law: hardly anything with many shots, within their noise with few."""
    readings = readings_of_circuit(chain(), ["t1"])
    exact = np.array([sum(ERRORS[r.qubit]) / 2 for r in readings])
    design = designed(exact.tolist(), [r.steers for r in readings], shots, 11)
    assert design.shots.sum() == shots and (design.shots > 0).all() and len(design.shots) < 130
    found = laws(design, readings)
    whole = signed(design, readings, found * design.shots[:, None])
    left = abs(whole.unpushed(whole.shares) - judged(chain(), [(0, 0), (0, 0)])).sum() / 2
    assert left < 0.5 / np.sqrt(shots) + 1e-4, left
    overhead = np.prod([(1 - 2 * r) ** -2 for r, reading in zip(exact, readings, strict=True) if reading.steers])
    assert whole.overhead == pytest.approx(overhead, rel=0.01)


def test_weights_add_up_to_one_and_slope_as_they_differ():
    """Also where sets of deliberate errors are drawn: twelve measurements that steer at 0.06 are too many to run all sets."""
    rates = np.full(12, 0.06)
    design = designed(rates.tolist(), [True] * 12, 5_000, 3)
    assert design.drawn and set(design.kind.tolist()) >= {0, 1, 2, 3}
    which, step = [k % 2 for k in range(12)], 1e-6
    found = [weights_of(design, np.array([0.05, 0.08 + d])[which], rates, [True] * 12, which, 2) for d in (0, -step, step)]
    assert found[0][0].sum() == pytest.approx(1.0) and abs(found[0][1].sum(axis=0)).max() < 1e-9
    whole = ~np.isin(design.kind, [0, *design.drawn])
    numeric = (found[2][0] - found[1][0]) / (2 * step)
    assert np.allclose(found[0][1][whole, 1], numeric[whole], rtol=1e-4)


def test_flips_are_balanced_up_to_triples():
    rows = np.array(list(patterns(16, 8)))
    for columns in itertools.combinations(range(8), 3):
        assert (np.bincount(rows[:, columns] @ [1, 2, 4], minlength=8) == 2).all()


def test_conditions_that_cannot_be_turned_are_refused():
    from qiskit.circuit.classical import expr

    circuit = QuantumCircuit(QuantumRegister(1), ClassicalRegister(2, "t1"))
    circuit.measure(0, 0)
    with circuit.if_test(expr.bit_not(circuit.clbits[0])):
        circuit.x(0)
    with pytest.raises(InputError, match="random flips"):
        readings_of_circuit(circuit, ["t1"])


# ------------------------------------------------------------------------------------------------ the verdict and its rate


@pytest.fixture(scope="module")
def steered(two_tokens):
    """Three tokens on one qubit, conditions only, on a device with errors of readings alone."""
    backend = AerBackend(calibration=device())
    program = stinespring.compile(
        two_tokens, prompt="a b", steps=3, schedule="dynamic", feed_forward="all", codes="free", effort=0,
        target=backend.capabilities.device,
    )  # fmt: skip
    return on_backend(program, backend), backend


def measured(steered, shots, seed, mode="readout"):
    program, backend = steered
    note = planned_mitigation(program, backend, mode, shots=shots, root=seed)
    readings = measured_calibration(calibration_body(note, backend, shots), backend, seed)
    samples = sampled(randomised(program, note, backend), backend, shots, seed)
    plain = stinespring.check(samples, within="none")
    return samples, note, readings, *mitigated(samples, plain, json.loads(json.dumps(note)), readings, resolution=0.05)


def test_a_steered_chain_is_mended(steered):
    """Fixed seed: FAIL without, PASS with; counts add up, quasi-probabilities to 1, and a plain sum agrees."""
    pytest.importorskip("mthree")
    samples, note, readings, verdict, told = measured(steered, 20_000, 1)
    assert verdict.verdict == "PASS", verdict.reason
    assert told["without"]["verdict"] == "FAIL" and told["without"]["tvd"] > 3 * verdict.tvd
    assert told["applied"] and told["method"] == "randomised flips" and told["measurements"] > 0 and told["overhead"] > 1
    assert samples.shots == 20_000 and sum(samples.by_text().values()) == 20_000
    assert sum(told["quasi_probabilities"].values()) == pytest.approx(1.0)
    json.dumps(verdict.summary(), allow_nan=False)
    quasi = dict(told["quasi_probabilities"])
    assert flips_differ(samples, note["flips"], readings, quasi) is None
    quasi["a a a"] += 1e-4
    assert "a a a" in flips_differ(samples, note["flips"], readings, quasi)
    other = json.loads(json.dumps(note["flips"]))
    other["flips"][0][0] ^= 1
    assert flips_differ(samples, other, readings, told["quasi_probabilities"]) is not None


def test_rates_far_above_those_that_were_planned_for(steered, monkeypatch):
    """A device that states next to nothing and errs in 5 %: no circuit undoes it, and there is no verdict."""
    pytest.importorskip("mthree")
    monkeypatch.setattr("stinespring.pipeline.readout.flips.stated_rate", lambda *_: 1e-7)
    *_, verdict, _ = measured(steered, 6_000, 1)
    assert verdict.verdict == "UNVERIFIED" and "far more often than the device states" in verdict.reason, verdict.reason
    assert verdict.distance.low == 0.0


@pytest.mark.parametrize("stated", [None, 0.0])
def test_a_stated_error_of_zero_is_not_taken_at_its_word(stated):
    """A file may state the errors of its qubits alone; a device that states 0 is planned for as one that states none."""
    silent = replace(device(), gates=tuple(replace(f, error=stated) if f.name == "measure" else f for f in device().gates))
    assert [stated_rate(silent.target(), q) for q in range(2)] == pytest.approx([0.05, 0.03])
    perfect = replace(silent, qubits=(QubitFigures(None, None, ((1.0, 0.0), (0.0, 1.0))),) * 2)
    assert stated_rate(perfect.target(), 0) == 0.01


def test_errors_of_gates_are_found(two_tokens):
    """A tenth of the gates fail: FAIL with mitigation as without."""
    pytest.importorskip("mthree")
    backend = AerBackend(calibration=device(gates=0.1))
    program = stinespring.compile(two_tokens, prompt="a b", steps=3, schedule="dynamic", feed_forward="all", effort=0,
                                  target=backend.capabilities.device)  # fmt: skip
    *_, verdict, told = measured((on_backend(program, backend), backend), 6_000, 1)
    assert verdict.verdict == "FAIL" and told["applied"]


def test_true_runs_fail_at_the_stated_rate(two_tokens):
    """Right programs, planned for other rates than they have and calibrated anew each time: at alpha 0.05 no more FAIL than
    that gives but once in 10^6; with the rates of 400 shots taken for exact there are many more."""
    rng, runs, readings = np.random.default_rng(17), series(150, 1000), readings_of_circuit(chain(), ["t1"])
    design = designed([0.03] * 5, [r.steers for r in readings], 4_000, 7)
    exact, wrong = laws(design, readings), {True: 0, False: 0}
    target = judged(chain(), [(0, 0), (0, 0)])
    samples = law_samples(two_tokens, target)
    for _ in range(runs):
        found = np.array([rng.multinomial(n, p) for n, p in zip(design.shots, exact, strict=True)], dtype=float)
        shares = np.array([[rng.binomial(400, p) / 400 for p in pair] for pair in ERRORS])
        spread = (shares * (1 - shares) / 400).sum(axis=1) / 4
        for known in (True, False):
            whole = signed(design, readings, found, rates=shares.mean(axis=1), variances=spread if known else (1e-12, 1e-12))
            wrong[known] += check_flipped(samples, whole, alpha=0.05, resolution=0.5).verdict == "FAIL"
    assert wrong[True] <= binom.isf(1e-6, runs, 0.05), wrong
    assert wrong[False] > binom.isf(1e-6, runs, 0.05), wrong


def law_samples(model, law):
    """Samples of four bits with a given law, to be judged: a table over sixteen tokens."""
    from stinespring.models.texts.asked import TextAsked
    from stinespring.models.texts.table import TableModel
    from stinespring.readings import Register
    from stinespring.stages import Samples

    table = TableModel({"tokens": [f"w{i}" for i in range(16)], "context": 0, "law": [(law / law.sum()).tolist()]})
    empty = Outcomes(("t1",), np.zeros((1, 1), dtype=np.int64), np.ones(1, dtype=np.int64))
    found = Samples(table, TextAsked((), 1), (empty,), registers=(Register("t1", "token", tuple(range(16))),))
    assert np.allclose(codes_law(found), law)
    return found


def test_a_wrong_law_fails(two_tokens):
    """A TVD of 0.1 from the law is found in 4,000 shots."""
    rng, readings = np.random.default_rng(2), readings_of_circuit(chain(), ["t1"])
    design = designed([0.04] * 5, [r.steers for r in readings], 4_000, 7)
    found = np.array([rng.multinomial(n, p) for n, p in zip(design.shots, laws(design, readings), strict=True)], dtype=float)
    law = judged(chain(), [(0, 0), (0, 0)])
    moved = law.copy()
    moved[np.argmax(law)] -= 0.1
    moved[np.argmin(law)] += 0.1
    whole = signed(design, readings, found, variances=(1e-7, 1e-7))
    assert check_flipped(law_samples(two_tokens, law), whole, alpha=1e-6, resolution=0.2).verdict == "PASS"
    assert check_flipped(law_samples(two_tokens, moved), whole, alpha=1e-6, resolution=0.2).verdict == "FAIL"


# ---------------------------------------------------------------------------------------------------- devices, the ledger


def test_what_was_legal_is_legal(three_tokens):
    pytest.importorskip("qiskit_ibm_runtime", reason="snapshots of devices need the extra [ibm]")
    with opened("fake:manila") as backend:
        target = backend.capabilities.device.target
        program = stinespring.compile(three_tokens, prompt="sun rain", steps=2, schedule="dynamic", feed_forward="all",
                                      effort=0, target=backend.capabilities.device)  # fmt: skip
        plan = flip_plan(program, backend, 4_000, 3)
        made = randomised(program, {"flips": plan.content()}, backend)
        assert FlipPlan.of(json.loads(json.dumps(plan.content()))).content() == plan.content()
        assert len(made.body.circuits) == len(plan.design.shots)
        for circuit in made.body.circuits:
            assert not violations(circuit, IBM, target=target)


def test_the_commands(tmp_path, examples, invoke, monkeypatch):
    """``run`` and ``submit`` with ``fetch``: the same quasi-probabilities; ``estimate`` counts all circuits."""
    pytest.importorskip("mthree")
    monkeypatch.setenv("STINESPRING_HOME", str(tmp_path))
    write_calibration(device(), tmp_path / "pair.json")
    words = [str(examples / "two_tokens.json"), "--prompt", "a b", "--steps", "3", "--shots", "3000",
             "--backend", f"aer?noise={tmp_path / 'pair.json'}", "--schedule", "dynamic", "--feed-forward", "all",
             "--codes", "free", "--mitigation", "readout", "--json"]  # fmt: skip
    ran = json.loads(invoke("run", *words, "--seed", "5", "--resolution", "0.2").stdout)
    assert ran["mitigation"]["method"] == "randomised flips" and ran["verdict"] == "PASS", ran["reason"]
    sent = invoke("submit", *words, "--seed", "5", "--yes")
    assert sent.returncode == 0, sent.stderr
    fetched = json.loads(invoke("fetch", "latest", "--resolution", "0.2", "--json").stdout)
    assert fetched["mitigation"]["quasi_probabilities"] == ran["mitigation"]["quasi_probabilities"]
    assert fetched["p_value"] == ran["p_value"]
    estimate = json.loads(invoke("estimate", *words).stdout)
    assert estimate["circuits"] >= ran["mitigation"]["circuits"] + 4, "zeros and ones, on the way and at the end"
    assert "before mitigation" in estimate["note"]
    few = invoke("run", *words, "--shots", "5")
    assert few.returncode == 2 and "shots" in few.stderr


def test_twirling_where_nothing_steers(two_tokens):
    """``flips`` on a static program: eight circuits or so, no deliberate errors, overhead of the last bits alone."""
    backend = AerBackend(calibration=device())
    program = stinespring.compile(two_tokens, prompt="a b", steps=2, schedule="static", codes="free", effort=0,
                                  target=backend.capabilities.device)  # fmt: skip
    samples, note, _, verdict, told = measured((on_backend(program, backend), backend), 20_000, 2, mode="flips")
    assert verdict.verdict == "PASS" and told["measurements"] == 0 and not any(map(sum, note["flips"]["errors"]))
    assert told["without"]["verdict"] == "FAIL"
    assert replace(samples, readings=()).shots == 20_000
