# SPDX-License-Identifier: Apache-2.0
"""Verbs of runs of any source."""
