# SPDX-License-Identifier: Apache-2.0
"""Sampled particles and claims about them."""
