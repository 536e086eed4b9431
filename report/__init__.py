# SPDX-License-Identifier: Apache-2.0
"""Figures of what was sampled beside what was expected."""
