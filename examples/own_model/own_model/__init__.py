# SPDX-License-Identifier: Apache-2.0
"""Two models that a package of yours could bring: one in NumPy, one in PyTorch."""
