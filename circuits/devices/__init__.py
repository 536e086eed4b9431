# SPDX-License-Identifier: Apache-2.0
"""Devices as data: their gates and rules, snapshots of them, and lowered circuits read back."""
