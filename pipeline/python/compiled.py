# SPDX-License-Identifier: Apache-2.0
"""``stinespring.compile``, with every argument spelt out."""

from __future__ import annotations

from typing import Any, Never, Unpack

from stinespring.errors import InputError
from stinespring.pipeline.compiling import compile_words
from stinespring.pipeline.python.arguments import CompileArguments, spelt_out
from stinespring.stages import Program

__all__ = ["compile_source"]


@spelt_out(CompileArguments)
def compile_source(source: Any, *misplaced: Never, **given: Unpack[CompileArguments]) -> Program:
    """Compile a source of any kind into a quantum program.

    Args:
        source: what :func:`stinespring.load` returns, or any model, network, channel or states of a prompt.
        *misplaced: nothing; arguments without names are refused.
        **given: what is asked of it and how it is compiled, see :class:`stinespring.pipeline.python.arguments.SourceArguments`.
            Texts: ``prompt, steps, input_state, level`` and the fields of :class:`stinespring.CompileOptions`, with
            ``tolerance="auto"`` where the target has noise; lens: ``upto, every_point, time, simplify, ancilla``; sphere:
            ``particle, layers, schedule, amplify, read, test, ancilla``; spins: ``steps, schedule``; channels: ``form, effort,
            seed``. All of them: ``target`` and ``delays``.

    Returns:
        The program. Its ``tvd_bound`` is proven.

    Raises:
        InputError: an argument that cannot be used.
        TooLargeError: the problem does not fit; the message says what would.

    Example:
        >>> import stinespring
        >>> model = stinespring.load("examples/two_tokens.json")
        >>> stinespring.compile(model, prompt="a b", steps=2).cost.qubits
        2
    """
    if misplaced:
        raise InputError(
            "all arguments but the source have names", got=", ".join(map(repr, misplaced)), expected="name=value",
            todo="write for example prompt=..., steps=...",
        )  # fmt: skip
    return compile_words(source, **given)
