# SPDX-License-Identifier: Apache-2.0
"""Every argument of a compilation, by name, with what it may be: what editors complete."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, TypedDict, TypeVar, get_type_hints

from stinespring.compiler.options import Codes, CompileOptions, Extension, FormChoice, Memory, Simplify, SpareCodes
from stinespring.compiler.systems.ancilla import Ancilla
from stinespring.models.sphere.asked import SphereRead
from stinespring.stages import Device, Promise

__all__ = ["CompileArguments", "PlanArguments", "SourceArguments", "spelt_out"]

F = TypeVar("F", bound=Callable[..., Any])


class SourceArguments(TypedDict, total=False):
    """What is asked of a source, and how it is compiled; each argument belongs to the kinds of sources that are named.

    Attributes:
        prompt: texts: a known text, or token numbers.
        steps: texts and spins: how many tokens.
        input_state: texts: instead of a prompt a superposition or mixture of texts.
        level: texts: N of the Fock space.
        schedule: texts, sphere and spins (the two others have no ``auto``).
        extension, input, codes, phases, tolerance, effort, max_qubits, max_two_qubit_gates, max_conditions, feed_forward,
            attention, memory, token_qubits, spare: texts; see :class:`stinespring.CompileOptions`. ``effort`` also channels.
        target, delays: all; see :class:`stinespring.CompileOptions`.
        upto, every_point, points, time, simplify: lens: where it measures, how much of the last operator acts, how it is
            written.
        particle, particles, layers, amplify, read, test: sphere: which particles, how many layers, and what is read.
        ancilla: lens and sphere: one clean qubit for reflections.
        form: channels: how they are written.
    """

    prompt: str | Sequence[int]
    steps: int
    input_state: str | Path | Mapping[str, Any]
    level: int
    schedule: Literal["auto", "static", "dynamic", "stepwise"]
    extension: Extension
    input: Literal["known", "quantum"]
    codes: Codes
    phases: Promise
    tolerance: float | Literal["auto"]
    effort: float
    target: str | Device
    max_qubits: int
    max_two_qubit_gates: int
    max_conditions: int
    feed_forward: Literal["auto", "none", "all"]
    attention: Literal["auto", "table", "rejection"]
    delays: Literal["none", "pad", "decouple", "stretch"]
    memory: Memory
    token_qubits: int | Literal["all"]
    spare: SpareCodes
    upto: int | None
    every_point: bool
    points: Sequence[int]
    time: float
    simplify: Simplify
    ancilla: Ancilla
    particle: int
    particles: Sequence[int]
    layers: int
    amplify: int | Literal["auto"]
    read: SphereRead
    test: Literal["hadamard", "swap"]
    form: FormChoice


class CompileArguments(SourceArguments, total=False):
    """The arguments of :func:`stinespring.compile`, beside the source.

    Attributes:
        seed: channels: of the synthesis.
    """

    seed: int


class PlanArguments(SourceArguments, total=False):
    """Those of :func:`stinespring.estimate` and :func:`stinespring.submit`, which also sample, beside their own.

    Attributes:
        settings: channels: how many pairs of product input and measurement are drawn.
    """

    settings: int


def spelt_out(arguments: type) -> Callable[[F], F]:
    """Give a function the signature in which its ``**given`` are spelt out, for ``help`` and for notebooks.

    Args:
        arguments: a TypedDict; defaults are those of :class:`stinespring.CompileOptions`, else None: not given.
    """

    def with_signature(function: F) -> F:
        signature = inspect.signature(function)
        own = [p for p in signature.parameters.values() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
        defaults = {field.name: field.default for field in fields(CompileOptions)}
        added = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=defaults.get(name), annotation=kind)
            for name, kind in get_type_hints(arguments).items()
            if name not in signature.parameters
        ]
        function.__signature__ = signature.replace(parameters=[*own, *added])  # type: ignore[attr-defined]
        return function

    return with_signature
