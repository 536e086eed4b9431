# SPDX-License-Identifier: Apache-2.0
"""Shared settings: the short and the long series of examples, and the models that several tests use.

``pytest`` runs few examples and the same ones every time. ``pytest --long`` (``make test-long``) runs many, new ones every
time, and prints the seed with which the same ones come again: ``pytest --long --hypothesis-seed=N``.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, settings

import stinespring
from stinespring.cli.main import command
from stinespring.showing import BriefVerdict


class Done(NamedTuple):
    """What a command leaves, under the names of ``subprocess``."""

    returncode: int
    stdout: str
    stderr: str


Invoke = Callable[..., Done]
# A suite started in the background has SIGINT ignored, and the commands that its tests interrupt would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
ROOT = Path(__file__).parent.parent
LONG = "long"  # as in strategies.series
# Series and whole processes that take a fifth of the suite's time; `make test-long` runs them. What is said is what they are.
LONGER = {
    "backends/distributed/test_dask.py::test_a_killed_worker_changes_nothing": "a cluster is started and a worker killed",
    "backends/distributed/test_dask.py::test_nothing_is_left_when_the_command_ends": "clusters are started and killed",
    "backends/test_given.py::test_no_more_false_alarms_than_alpha_with_seeded_samplers": "a series of verdicts",
    "backends/test_mitigation.py::test_false_alarms_on_a_whole_backend": "40 runs with calibrations",
    "backends/test_braket.py::test_random_programs_have_their_law": "random programs; a fixed one is run in test_the_command",
    "checks/test_mitigated.py::test_true_samples_fail_at_the_stated_rate": "a series of verdicts",
    "checks/test_scope.py::test_true_texts_fail_as_rarely_as_stated": "a series of verdicts",
    "checks/test_scope.py::test_the_least_pair_that_is_claimed_is_found": "a series of verdicts",
    "checks/test_spins.py::test_false_alarms_are_as_rare_as_stated": "a series of verdicts",
    "checks/test_verdict.py::test_false_alarms_come_at_the_stated_rate": "a series of verdicts",
    "checks/test_interval.py": "series of intervals; `benchmarks interval` has 2,000 of each law",
    "circuits/core/test_from_qasm.py::test_every_gate_of_the_library": "every gate of the library, one file each",
    "circuits/systems/test_reflection.py::test_ten_qubits": "ten qubits as a whole matrix; smaller ones are always compared",
    "cli/test_compile.py::test_the_same_program_gives_the_same_bytes": "fresh processes for each model and schedule",
    "models/decoders/test_gguf.py::test_smollm2": "98 MB of weights are loaded; a tiny file is always read",
    "ledger/test_crashes.py": "kills of whole processes; test_killed stops at every write in forked ones",
}
COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("suite", derandomize=True, max_examples=10, **COMMON)
settings.register_profile(LONG, derandomize=False, max_examples=200, print_blob=True, **COMMON)
settings.load_profile("suite")
if "PYTEST_XDIST_WORKER" in os.environ:  # workers fill the machine already; NumPy, which reads this, is not imported yet
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="many examples, new ones every time; prints their seed")


@pytest.hookimpl(tryfirst=True)  # before hypothesis reads its own option, and before the workers get theirs
def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--long"):
        settings.load_profile(LONG)
        if config.getoption("--hypothesis-seed") is None:
            config.option.hypothesis_seed = str(secrets.randbits(32))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the longer series, with the reason, unless they are asked for."""
    if config.getoption("--long"):
        return
    for item in items:
        name = item.nodeid.removeprefix("tests/")
        why = next(
            (why for start, why in LONGER.items() if name == start or name.startswith((f"{start}[", f"{start}::"))), None
        )
        if why is not None:
            item.add_marker(pytest.mark.skip(reason=f"make test-long: {why}"))


def pytest_report_header(config: pytest.Config) -> str | None:
    return f"long series; again with: {again(config)}" if config.getoption("--long") else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if config.getoption("--long"):  # also where -q leaves out the header
        terminalreporter.write_line(f"long series; again with: {again(config)}")


def again(config: pytest.Config) -> str:
    """Return the command that draws the same examples."""
    return f"pytest --long --hypothesis-seed={config.getoption('--hypothesis-seed')}"


@pytest.fixture
def rng(request: pytest.FixtureRequest):
    """A random generator of the test's own: the same one every time, or, in the long series, one of the printed seed."""
    import numpy as np

    seed = request.config.getoption("--hypothesis-seed") if request.config.getoption("--long") else 0
    return np.random.default_rng(list(f"{seed} {request.node.nodeid}".encode()))


@pytest.fixture(scope="session", autouse=True)
def verdicts_are_compared():
    """Inside the package a verdict is compared with None or with a word: ``verdict or other`` would drop a FAIL."""
    taken = BriefVerdict.__bool__

    def watched(self: object) -> bool:
        asker = sys._getframe(1).f_globals.get("__name__", "")
        assert not asker.startswith("stinespring."), f"{asker} takes the truth of a verdict"
        return taken(self)

    BriefVerdict.__bool__ = watched
    yield
    BriefVerdict.__bool__ = taken


@pytest.fixture(scope="session")
def examples() -> Path:
    return ROOT / "examples"


@pytest.fixture(scope="session")
def two_tokens(examples):
    return stinespring.load(examples / "two_tokens.json")


@pytest.fixture(scope="session")
def three_tokens(examples):
    return stinespring.load(examples / "three_tokens.json")


@pytest.fixture(scope="session")
def stop_token(examples):
    return stinespring.load(examples / "stop_token.json")


@pytest.fixture
def save(tmp_path):
    """Write a model given as a dict and return its path."""

    def write(data: dict, name: str = "model.json") -> Path:
        path = tmp_path / name
        path.write_text(json.dumps(data), encoding="utf-8")
        return path

    return write


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Invoke:
    """Run the command in this process: exit status, stdout, stderr. In fresh processes all verbs run in test_every_verb.py."""

    def call(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["stinespring", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            command()
        captured = capsys.readouterr()
        return Done(int(stopped.value.code or 0), captured.out, captured.err)

    return call
