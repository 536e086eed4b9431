# SPDX-License-Identifier: Apache-2.0
"""Figures of the pages as inline SVG: they follow light and dark, and their letters stay legible on a telephone."""
