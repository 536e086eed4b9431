# SPDX-License-Identifier: Apache-2.0
"""``python -m benchmarks NAME [options]``."""

import os
import runpy
import sys

NAMES = (
    "spine",
    "synthesis",
    "channels",
    "dynamic",
    "rejection",
    "distributed",
    "lens",
    "spins",
    "sphere",
    "mutants",
    "interval",
    "prediction",
    "memory",
    "fuzz",
    "codes",
    "effort",
    "decoders",
    "flips",
    "readers",
    "devices",
)
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS", "QISKIT_NUM_PROCS")
if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in NAMES:
        sys.exit(f"usage: python -m benchmarks {'|'.join(NAMES)} [options]")
    name = sys.argv.pop(1)
    if name not in {"spine", "rejection"}:  # before NumPy is imported; children inherit it
        os.environ |= {variable: os.environ.get(variable, "1") for variable in ONE_THREAD}
    runpy.run_module(f"benchmarks.{name}", run_name="__main__", alter_sys=True)
