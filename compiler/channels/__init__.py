# SPDX-License-Identifier: Apache-2.0
"""Any channel to a program."""
