# SPDX-License-Identifier: Apache-2.0
"""What the pipeline asks of a kind of sources. A new kind is one module in ``pipeline/systems`` and one line in its table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from stinespring.stages import Asked, Program, Samples, Verdict

__all__ = ["Settings", "System"]

Settings = Mapping[str, Any]


def as_asked(source: Any, asked: Asked, settings: Settings, root: int) -> Asked:
    """Return what is asked: nothing of it is drawn."""
    return asked


def unchanged(program: Program, settings: Settings, root: int) -> Program:
    """Return the program: what is compiled is what is sampled."""
    return program


def no_second(samples: Samples) -> str | None:
    """Return nothing: the circuits are made from other code than the law, which is second enough."""
    return None


@dataclass(frozen=True)
class System:
    """One kind of sources, from what the user asks to the verdict.

    Attributes:
        kind: the word for it, equal to ``Asked.kind``.
        asked: the class of what is asked; ``asked(**asked.plain())`` makes it again.
        owns: whether an object is such a source.
        asks: the keyword arguments that say what is asked, beside those of the compiler.
        ask: from a source and these arguments to what is asked.
        compile: from a source, what is asked and the compiler's own arguments to a program.
        check: from samples, the false-alarm rate, the resolution and a seed to the verdict.
        made: from ``source.content()`` and a name to the source again.
        settled: what is asked once the arguments of the sampling and the root of the seeds are known.
        sampled: likewise, of a program that was compiled before; what is sampled, where that is something else.
        second: where a plain evaluation of the law on a few contexts differs, in words; None where it does not.
        scoped: whether ``check`` takes the scope of the verdict as a fifth argument; others are about everything.
        shared: whether all circuits of a program share the shots; else each has as many as were asked for.
        helped: whether ``compile`` takes ``ancilla``, and the target's number of qubits (or None) as ``room``.
        against: why readings of such a program cannot be mitigated; None if they can.
    """

    kind: str
    asked: type
    owns: Callable[[Any], bool]
    asks: tuple[str, ...]
    ask: Callable[[Any, Settings], Asked]
    compile: Callable[[Any, Any, Settings], Program]
    check: Callable[..., Verdict]
    made: Callable[[Mapping[str, Any], str], Any]
    settled: Callable[[Any, Any, Settings, int], Asked] = as_asked
    sampled: Callable[[Program, Settings, int], Program] = unchanged
    second: Callable[[Samples], str | None] = no_second
    scoped: bool = False
    shared: bool = False
    helped: bool = False
    against: str | None = None
