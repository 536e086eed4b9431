# SPDX-License-Identifier: Apache-2.0
"""The exact law of a circuit with a device's noise: density matrices as vectors of Pauli coefficients, bits beside them."""
