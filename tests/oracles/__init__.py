# SPDX-License-Identifier: Apache-2.0
"""Test oracles that share no code and no ideas with the package under test."""
