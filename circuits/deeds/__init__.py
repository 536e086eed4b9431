# SPDX-License-Identifier: Apache-2.0
"""What a program does, deed by deed, read from each of its representations by a reader of its own, and compared."""
