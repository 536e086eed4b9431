# SPDX-License-Identifier: Apache-2.0
"""Samples to verdict: tests, distances and their uncertainty."""

from stinespring.checks.texts.files import read_samples
from stinespring.checks.texts.verdict import check_texts

__all__ = ["check_texts", "read_samples"]
