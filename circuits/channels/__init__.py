# SPDX-License-Identifier: Apache-2.0
"""Circuits of channels: isometries, and trees of measurements on one ancilla."""
