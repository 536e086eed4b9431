# SPDX-License-Identifier: Apache-2.0
"""Readout errors: measured on the backend that ran the program, and undone."""
