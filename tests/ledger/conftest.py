# SPDX-License-Identifier: Apache-2.0
"""A ledger of one's own, and the stand-in of IBM's service behind the unpatched client."""

from __future__ import annotations

import json

import pytest

from standin import StandIn
from stinespring.backends.ibm import wire
from stinespring.ledger import delivery, recorded

SMALL = "ibm:ibm_standin_small"
CALM = {"queued_polls": 1, "running_polls": 1, "queued_seconds": 0.0, "running_seconds": 0.0}


@pytest.fixture(scope="session")
def serving():
    with StandIn() as server:
        yield server


@pytest.fixture
def service(serving, tmp_path, monkeypatch):
    """The stand-in without faults, an empty ledger, and short pauses between attempts."""
    serving.clear_faults()
    serving.set(**CALM)
    for name, value in serving.env(tmp_path / "home").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("STINESPRING_HOME", str(tmp_path / "ledger"))
    for module in (wire, delivery):
        monkeypatch.setattr(module, "PAUSE", 0.01)
    monkeypatch.setattr(recorded, "POLL", 0.02)
    monkeypatch.setattr(delivery, "SETTLED", 0.3)
    yield serving
    serving.clear_faults()


@pytest.fixture
def asked(examples):
    """The words of a small request."""
    return [str(examples / "two_tokens.json"), "--prompt", "a b", "--steps", "2", "--shots", "400", "--seed", "3"]


@pytest.fixture
def submit(invoke, asked):
    """Submit the small request and return exit status, the printed object or None, and the message."""

    def call(*more, backend=SMALL):
        status, out, err = invoke("submit", *asked, "--backend", backend, "--yes", "--json", *more)
        return status, json.loads(out) if out else None, err

    return call


@pytest.fixture
def ask(invoke):
    """Run a verb with --json and return exit status, the printed object or None, and the message.

    The stand-in's samples depend on how many jobs it had before, and so on the order of the tests: what is sampled is judged at
    a false-alarm rate of 1e-9 where the test names none.
    """

    def call(*words):
        alpha = ("--alpha", "1e-9") if words[0] in ("run", "fetch") and "--alpha" not in words else ()
        status, out, err = invoke(*words, *alpha, "--json")
        return status, json.loads(out) if out else None, err

    return call
