# SPDX-License-Identifier: Apache-2.0
"""Shared settings: deterministic hypothesis profiles, and the models that several tests use."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import stinespring
from stinespring.cli.main import main

Invoke = Callable[..., tuple[int, str, str]]
# A suite started in the background has SIGINT ignored, and the commands that its tests interrupt would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
ROOT = Path(__file__).parent.parent
settings.register_profile(
    "suite", deadline=None, derandomize=True, max_examples=10, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("suite")


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
    """Run the command in this process: exit status, stdout, stderr."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["stinespring", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        captured = capsys.readouterr()
        return int(stopped.value.code or 0), captured.out, captured.err

    return call
