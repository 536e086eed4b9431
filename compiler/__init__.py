# SPDX-License-Identifier: Apache-2.0
"""Source to program: ``compile.py`` tells the story of texts, ``systems/`` and ``channels/`` that of the other sources."""

from stinespring.compiler.compile import compile_model, compile_texts
from stinespring.compiler.options import CompileOptions

__all__ = ["CompileOptions", "compile_model", "compile_texts"]
