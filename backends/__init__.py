# SPDX-License-Identifier: Apache-2.0
"""Program to samples: where circuits run."""

from stinespring.backends.base import Backend, open_backend
from stinespring.backends.execute import run

__all__ = ["Backend", "open_backend", "run"]
