# SPDX-License-Identifier: Apache-2.0
"""stinespring: compile transformers into quantum circuits and check that the circuits do what the model does.

model = stinespring.load("examples/two_tokens.json")
program = stinespring.compile(model, prompt="a b", steps=2)
samples = stinespring.run(program, shots=20_000, seed=7)
verdict = stinespring.check(samples)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from stinespring.version import __version__

if TYPE_CHECKING:
    from stinespring.backends.execute import run
    from stinespring.checks.texts.files import read_samples
    from stinespring.checks.texts.verdict import check
    from stinespring.compiler.channels.channel import compile_channel
    from stinespring.compiler.compile import compile_model as compile  # noqa: A004 - the field's word for it
    from stinespring.errors import StinespringError
    from stinespring.models import channels
    from stinespring.models.load import load
    from stinespring.models.texts.base import TextModel
    from stinespring.stages import Program, Samples, Verdict

__all__ = [
    "Program",
    "Samples",
    "StinespringError",
    "TextModel",
    "Verdict",
    "__version__",
    "channels",
    "check",
    "compile",
    "compile_channel",
    "load",
    "read_samples",
    "run",
]

_HOMES = {
    "Program": ("stinespring.stages", "Program"),
    "Samples": ("stinespring.stages", "Samples"),
    "StinespringError": ("stinespring.errors", "StinespringError"),
    "TextModel": ("stinespring.models.texts.base", "TextModel"),
    "Verdict": ("stinespring.stages", "Verdict"),
    "check": ("stinespring.checks.texts.verdict", "check"),
    "compile_channel": ("stinespring.compiler.channels.channel", "compile_channel"),
    "compile": ("stinespring.compiler.compile", "compile_model"),
    "channels": ("stinespring.models", "channels"),
    "load": ("stinespring.models.load", "load"),
    "read_samples": ("stinespring.checks.texts.files", "read_samples"),
    "run": ("stinespring.backends.execute", "run"),
}

_ROOMS = ("channels",)  # modules


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that ``import stinespring`` costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'stinespring' has no attribute {name!r}")
    module, attribute = _HOMES[name]
    value = import_module(f"{module}.{attribute}") if name in _ROOMS else getattr(import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
