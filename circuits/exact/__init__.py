# SPDX-License-Identifier: Apache-2.0
"""Operators that are realised exactly, phases included."""
