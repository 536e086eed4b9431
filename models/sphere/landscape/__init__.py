# SPDX-License-Identifier: Apache-2.0
"""The energy landscape: measures of atoms, its minimisers, and whether particles are at rest."""
