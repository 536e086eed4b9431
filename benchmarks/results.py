# SPDX-License-Identifier: Apache-2.0
"""Results of benchmarks as dated JSON: what was measured, when, on what, with which versions, of which commit."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

__all__ = ["dated", "write"]

PACKAGES = ("numpy", "scipy", "qiskit", "qiskit-aer", "qclib", "pennylane", "pytket")
ROOT = Path(__file__).resolve().parent.parent


def dated(benchmark: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return rows with what they depend on."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    return {
        "format": "stinespring/benchmark@1", "benchmark": benchmark, "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"processor": platform.machine(), "cores": os.cpu_count(), "system": platform.system()},
        "python": platform.python_version(), "versions": versions, "commit": commit or None, "rows": rows,
    }  # fmt: skip


def write(path: Path, content: dict[str, Any]) -> None:
    """Write the results."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
