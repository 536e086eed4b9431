# SPDX-License-Identifier: Apache-2.0
"""Circuits that one system alone needs: reflections, linear combinations of states, tokens of spins."""
