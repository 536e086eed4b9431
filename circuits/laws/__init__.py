# SPDX-License-Identifier: Apache-2.0
"""Circuits of which only the law of what is measured counts."""
