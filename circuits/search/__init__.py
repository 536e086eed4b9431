# SPDX-License-Identifier: Apache-2.0
"""Numerical searches for shorter circuits, and the one damped Newton loop behind them."""
