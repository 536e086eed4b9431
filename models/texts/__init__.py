# SPDX-License-Identifier: Apache-2.0
"""Models of texts: the law of each block, exact joint laws, the Fock space and its Kraus operators."""
