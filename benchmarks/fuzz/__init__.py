# SPDX-License-Identifier: Apache-2.0
"""Bounded fuzzing of every reader: ``python -m benchmarks fuzz --seconds N``; see docs/fuzzing.md."""
