# SPDX-License-Identifier: Apache-2.0
"""Lens, sphere and spins to programs, one module each."""
