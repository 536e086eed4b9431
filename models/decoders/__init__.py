# SPDX-License-Identifier: Apache-2.0
"""Trained decoders: their next-token laws and what they hold after each layer."""
