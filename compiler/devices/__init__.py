# SPDX-License-Identifier: Apache-2.0
"""Devices: their gates, their rules, their times, and programs lowered to them."""
