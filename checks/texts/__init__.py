# SPDX-License-Identifier: Apache-2.0
"""Sampled texts against the law of their model."""
