# SPDX-License-Identifier: Apache-2.0
"""Python for people: runs listed, counts of anybody read, bars in notebooks."""

from __future__ import annotations

import inspect
import subprocess
import sys
import time
from types import ModuleType

import numpy as np
import pytest

import stinespring as ss
from stinespring.errors import InputError
from stinespring.pipeline.python import bars
from stinespring.pipeline.python.bars import NotebookBar, in_notebook, reporting

# ------------------------------------------------------------------------------------------------------------ the ledger


def test_submit_jobs_and_fetch_from_one_import(two_tokens, tmp_path, monkeypatch):
    monkeypatch.setenv("STINESPRING_HOME", str(tmp_path))
    assert len(ss.jobs()) == 0 and repr(ss.jobs()).startswith("Jobs: 0 runs in ")
    one = ss.submit(two_tokens, prompt="a b", steps=2, backend="aer", shots=20_000, seed=1)
    two = ss.submit(two_tokens, prompt="a b", steps=1, backend="aer", shots=1000, seed=1)
    listed = ss.jobs()
    assert [run.id for run in listed] == [two.id, one.id] and listed[0].state == "done" and len(listed[:1]) == 1
    assert len(ss.jobs(1)) == 1 and ss.jobs(1).number == 2
    assert two.id in repr(listed) and len(repr(listed).splitlines()) <= 4 and repr(one).startswith(f"Run {one.id}: ")
    result = ss.fetch(one)
    assert result.verdict.verdict == "PASS" and ss.fetch(listed[1]).samples.by_text() == result.samples.by_text()
    direct = ss.run(ss.compile(two_tokens, prompt="a b", steps=2), shots=20_000, seed=1)
    assert direct.by_text() == ss.fetch(one.id).samples.by_text()
    assert (
        repr(result).startswith("Result: PASS\n")
        and "PASS" in result._repr_html_()
        and "<svg" in listed._repr_html_() + (result._repr_html_())
    )


# --------------------------------------------------------------------------------------------------------------- counts


def test_counts_of_qiskit_are_samples(two_tokens):
    """Qiskit's own statevector of the circuit says what the counts would be, exactly."""
    from qiskit.quantum_info import Statevector

    program = ss.compile(two_tokens, prompt="a b", steps=2)
    state = Statevector(program.circuit.remove_final_measurements(inplace=False))
    counts = {key[::1]: round(20_000 * p) for key, p in state.probabilities_dict().items()}
    spaced = {" ".join(key): number for key, number in counts.items()}  # two registers of one bit
    law = two_tokens.joint("a b", 2)
    for given in (counts, spaced, {int(key, 2): number for key, number in counts.items()}):
        samples = program.samples(given)
        assert ss.check(samples).verdict == "PASS" and samples.shots == sum(counts.values()) and samples.wanted is None
        assert {text: number / samples.shots for text, number in samples.by_text().items()} == pytest.approx(
            dict(law), abs=1e-4
        )
    backwards = program.samples({key[::-1]: number for key, number in counts.items()})
    assert ss.check(backwards).verdict == "FAIL"
    assert ss.check(program.samples(counts, noisy=True)).figures["within"] == 0.05


def test_counts_of_several_circuits(examples):
    """All points of a lens, one circuit each: the counts of a run, given back, are that run."""
    states = ss.lens.read_states(ss.lens.load_decoder(f"{examples / 'own_decoder.py'}:weather"), "sun rain")
    program = ss.compile(states, every_point=True)
    ran = ss.run(program, shots=5000, seed=1)
    counts = [
        {int(value): int(number) for value, number in zip(raw.values[:, 0], raw.counts, strict=True)} for raw in ran.readings
    ]
    again = program.samples(counts)
    for one, other in zip(again.outcomes, ran.outcomes, strict=True):
        assert np.array_equal(one.values, other.values) and np.array_equal(one.counts, other.counts)
    assert ss.check(again).verdict == ss.check(ran).verdict
    with pytest.raises(InputError, match="one of the counts for each circuit"):
        program.samples(counts[:1])


def test_counts_that_cannot_be_the_program_s(two_tokens):
    static, stepwise = (ss.compile(two_tokens, prompt="a b", steps=2, schedule=s) for s in ("static", "stepwise"))
    with pytest.raises(InputError, match="circuit for every text"):
        stepwise.samples({"00": 1})
    with pytest.raises(InputError):
        static.samples({"000": 1})
    with pytest.raises(InputError, match="quasi"):
        static.samples({"00": 0.5, "11": 0.5})
    with pytest.raises(InputError, match="nothing is measured"):
        ss.compile_channel(ss.channels.amplitude_damping(0.3), effort=0).samples({"0": 1})


# ------------------------------------------------------------------------------------------------------------- progress


class Notebook:
    """What IPython does with what is displayed."""

    def __init__(self):
        self.shown = []

    def display(self, data, *, raw, display_id):
        assert raw and display_id
        self.shown.append(data)
        return self

    def update(self, data, *, raw):
        assert raw
        self.shown.append(data)


@pytest.fixture
def notebook(monkeypatch):
    found = Notebook()
    whole, part = ModuleType("IPython"), ModuleType("IPython.display")
    whole.get_ipython = lambda: type("Shell", (), {"kernel": object()})()
    part.display = found.display
    monkeypatch.setitem(sys.modules, "IPython", whole)
    monkeypatch.setitem(sys.modules, "IPython.display", part)
    monkeypatch.setattr(bars, "DELAY", 0.05)
    return found


def test_a_notebook_shows_a_bar_and_takes_it_away(notebook):
    with reporting(None) as report:
        report("step <1>", 0.25)
        time.sleep(0.3)
        report("step 2", 0.5)
    texts = [data["text/html"] for data in notebook.shown]
    assert "&lt;1&gt; 25%" in texts[0] and 'value="0.500"' in texts[1] and texts[-1] == "" and len(texts) == 3


def test_what_is_soon_done_shows_nothing(notebook, two_tokens):
    with reporting(None) as report:
        report("quick", 0.5)
    time.sleep(0.2)
    assert notebook.shown == []
    with reporting(False) as report:
        time.sleep(0.2)
        report("never", 0.5)
    assert notebook.shown == []


def test_run_tells_it(notebook, two_tokens, monkeypatch):
    monkeypatch.setattr(bars, "DELAY", 0.0)
    told = []
    program = ss.compile(two_tokens, prompt="a b", steps=2, schedule="stepwise")
    counts = ss.run(program, shots=2000, seed=1, progress=lambda phrase, share: told.append(share)).by_text()
    assert told and notebook.shown == []
    monkeypatch.setattr(
        NotebookBar, "__init__", lambda self, display, begun=NotebookBar.__init__: (begun(self, display), time.sleep(0.1))[0]
    )
    assert ss.run(program, shots=2000, seed=1).by_text() == counts
    assert notebook.shown and notebook.shown[-1]["text/html"] == ""


def test_a_plain_shell_is_no_notebook(notebook, monkeypatch):
    sys.modules["IPython"].get_ipython = lambda: object()  # IPython on a terminal
    assert in_notebook() is None
    monkeypatch.delitem(sys.modules, "IPython")
    assert in_notebook() is None


def test_nothing_imports_ipython():
    code = "import sys, stinespring as ss; ss.run; ss.jobs; ss.estimate; print('IPython' in sys.modules, 'rich' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_one_import_has_everything():
    for name in ("estimate", "submit", "fetch", "jobs", "channels", "lens", "spins", "sphere"):
        assert name in ss.__all__ and getattr(ss, name) is not None
    assert all(
        hasattr(room, "__all__") and all(hasattr(room, n) for n in room.__all__) for room in (ss.lens, ss.spins, ss.sphere)
    )
    assert "settings" in inspect.signature(ss.run).parameters
    with pytest.raises(TypeError):
        ss.run(None, shots=1, backnd="aer")
