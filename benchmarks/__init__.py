# SPDX-License-Identifier: Apache-2.0
"""Measurements, kept out of the tests: ``python -m benchmarks spine``."""
