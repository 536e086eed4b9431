# SPDX-License-Identifier: Apache-2.0
"""Shared settings: deterministic hypothesis profiles, and the models that several tests use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import stinespring

ROOT = Path(__file__).parent.parent
settings.register_profile(
    "suite", deadline=None, derandomize=True, max_examples=25, suppress_health_check=[HealthCheck.too_slow]
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
