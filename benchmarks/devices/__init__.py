# SPDX-License-Identifier: Apache-2.0
"""Predicted distances beside those that were measured on real devices: ``python -m benchmarks devices FOLDER``."""
