# SPDX-License-Identifier: Apache-2.0
"""Sampled spins against their product law and the mean field."""
