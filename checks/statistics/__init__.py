# SPDX-License-Identifier: Apache-2.0
"""Tests, distances and their uncertainty; nothing here knows a model."""
