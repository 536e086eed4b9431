# SPDX-License-Identifier: Apache-2.0
"""Batches to outcomes: where circuits run, and the one loop over the calls of a program (:mod:`.execute`)."""

from stinespring.backends.execute import sample_body
from stinespring.backends.registry import open_backend, opened

__all__ = ["open_backend", "opened", "sample_body"]
