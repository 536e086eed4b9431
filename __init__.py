# SPDX-License-Identifier: Apache-2.0
"""stinespring: compile transformers into quantum circuits and check that the circuits do what the model does.

model = stinespring.load("examples/two_tokens.json")
program = stinespring.compile(model, prompt="a b", steps=2)
samples = stinespring.run(program, shots=20_000, seed=7)
verdict = stinespring.check(samples)
"""

from __future__ import annotations

from importlib import import_module
from sys import modules
from typing import TYPE_CHECKING, Any

from stinespring.version import __version__

if TYPE_CHECKING:
    from stinespring.compiler.channels.channel import compile_channel
    from stinespring.compiler.options import CompileOptions
    from stinespring.errors import StinespringError
    from stinespring.models import channels, lens, sphere, spins
    from stinespring.models.load import load, token_names
    from stinespring.models.own.wrappers import temperature, top_k, top_p
    from stinespring.models.texts.base import TextModel
    from stinespring.pipeline.counts.files import read_samples
    from stinespring.pipeline.counts.judged import check
    from stinespring.pipeline.exact import verify_channel
    from stinespring.pipeline.public import estimate, fetch, submit
    from stinespring.pipeline.python.compiled import compile_source as compile  # noqa: A004 - the field's word for it
    from stinespring.pipeline.python.listed import jobs
    from stinespring.pipeline.running import run
    from stinespring.stages import Program, Samples, Verdict

# name -> its module, and its name there
_HOMES = {
    "CompileOptions": ("stinespring.compiler.options", "CompileOptions"),
    "Program": ("stinespring.stages", "Program"),
    "Samples": ("stinespring.stages", "Samples"),
    "StinespringError": ("stinespring.errors", "StinespringError"),
    "TextModel": ("stinespring.models.texts.base", "TextModel"),
    "Verdict": ("stinespring.stages", "Verdict"),
    "channels": ("stinespring.models", "channels"),
    "check": ("stinespring.pipeline.counts.judged", "check"),
    "compile": ("stinespring.pipeline.python.compiled", "compile_source"),
    "compile_channel": ("stinespring.compiler.channels.channel", "compile_channel"),
    "estimate": ("stinespring.pipeline.public", "estimate"),
    "fetch": ("stinespring.pipeline.public", "fetch"),
    "jobs": ("stinespring.pipeline.python.listed", "jobs"),
    "lens": ("stinespring.models", "lens"),
    "load": ("stinespring.models.load", "load"),
    "read_samples": ("stinespring.pipeline.counts.files", "read_samples"),
    "run": ("stinespring.pipeline.running", "run"),
    "sphere": ("stinespring.models", "sphere"),
    "spins": ("stinespring.models", "spins"),
    "submit": ("stinespring.pipeline.public", "submit"),
    "temperature": ("stinespring.models.own.wrappers", "temperature"),
    "token_names": ("stinespring.models.load", "token_names"),
    "top_k": ("stinespring.models.own.wrappers", "top_k"),
    "top_p": ("stinespring.models.own.wrappers", "top_p"),
    "verify_channel": ("stinespring.pipeline.exact", "verify_channel"),
}

__all__ = [
    "CompileOptions", "Program", "Samples", "StinespringError", "TextModel", "Verdict", "__version__", "channels", "check",
    "compile", "compile_channel", "estimate", "fetch", "jobs", "lens", "load", "read_samples", "run", "sphere", "spins",
    "submit", "temperature", "token_names", "top_k", "top_p", "verify_channel",
]  # fmt: skip

_ROOMS = ("channels", "lens", "sphere", "spins")  # modules


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that ``import stinespring`` costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'stinespring' has no attribute {name!r}", name=name, obj=modules[__name__])
    module, attribute = _HOMES[name]
    value = import_module(f"{module}.{attribute}") if name in _ROOMS else getattr(import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
