# SPDX-License-Identifier: Apache-2.0
"""Texts to programs: laws, channels, dilations, and the passes over them."""
