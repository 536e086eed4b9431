# SPDX-License-Identifier: Apache-2.0
"""Model to program: laws, channels, dilations, schedule, lowering, OpenQASM."""

from stinespring.compiler.compile import compile_model

__all__ = ["compile_model"]
