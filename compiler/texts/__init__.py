# SPDX-License-Identifier: Apache-2.0
"""Texts to laws, step by step, the passes over them, and what is run. The entry is ``programs``."""
