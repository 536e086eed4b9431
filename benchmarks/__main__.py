# SPDX-License-Identifier: Apache-2.0
"""``python -m benchmarks NAME``."""

import runpy
import sys

NAMES = ("spine",)
if len(sys.argv) != 2 or sys.argv[1] not in NAMES:
    sys.exit(f"usage: python -m benchmarks {'|'.join(NAMES)}")
runpy.run_module(f"benchmarks.{sys.argv[1]}", run_name="__main__")
