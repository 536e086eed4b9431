# SPDX-License-Identifier: Apache-2.0
"""Figures, one canvas for all."""
