# SPDX-License-Identifier: Apache-2.0
"""Particles on the sphere: attention and a perceptron move tokens on S^{d-1}."""
