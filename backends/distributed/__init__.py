# SPDX-License-Identifier: Apache-2.0
"""Out of one machine: circuits and shots in chunks on a Dask cluster, counted once whatever happens to its workers."""

from stinespring.backends.distributed.backend import DaskBackend, open_dask

__all__ = ["DaskBackend", "open_dask"]
