# SPDX-License-Identifier: Apache-2.0
"""Samples to verdict: tests, distances and their uncertainty."""
