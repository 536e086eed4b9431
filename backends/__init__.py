# SPDX-License-Identifier: Apache-2.0
"""Program to samples: where circuits run."""

from stinespring.backends.base import Backend
from stinespring.backends.execute import run
from stinespring.backends.registry import open_backend

__all__ = ["Backend", "open_backend", "run"]
