# SPDX-License-Identifier: Apache-2.0
"""Texts in the pipeline: a model of texts, a prompt and a number of steps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from stinespring.checks.combine import worst
from stinespring.checks.plain.texts import disagreement, misread
from stinespring.checks.texts.attention import check_attention
from stinespring.checks.texts.verdict import check_texts
from stinespring.errors import StinespringError
from stinespring.models.load import made
from stinespring.models.texts.asked import TextAsked
from stinespring.models.texts.base import TextModel
from stinespring.pipeline.system import Settings, System
from stinespring.stages import Program, Samples, Verdict

__all__ = ["SYSTEM"]


def ask(model: TextModel, given: Settings) -> TextAsked:
    """Return prompt, steps, input state and level.

    Raises:
        StinespringError: the prompt was read as another text, a defect of the package.
    """
    asked = TextAsked.of(model, **given)
    prompt = given.get("prompt")
    if isinstance(prompt, str) and misread(model, prompt, asked.prompt):
        raise StinespringError("the prompt was read as another text", got=model.plain(asked.prompt), expected=prompt)
    return asked


def compiled(model: TextModel, asked: TextAsked, options: Settings) -> Program:
    """Return the program of the next tokens."""
    from stinespring.compiler.compile import compile_texts
    from stinespring.compiler.options import CompileOptions

    return compile_texts(model, asked, CompileOptions(**options))


def check(samples: Samples, alpha: float, resolution: float, seed: int, scope: str = "auto") -> Verdict:
    """Return the verdict on the texts, and on the attention map where positions were measured; both share the rate."""
    attention = check_attention(samples, alpha=alpha / 2, resolution=resolution)
    share = alpha if attention is None else alpha / 2
    verdict = check_texts(samples, alpha=share, resolution=resolution, seed=seed, scope=scope)
    return replace(with_attention(verdict, attention), alpha=alpha)


def with_attention(verdict: Verdict, attention: Verdict | None) -> Verdict:
    """Return the verdict on texts with that on attended positions as a part; the ruling is the worse one."""
    if attention is None:
        return verdict
    ruling = worst([verdict.verdict, attention.verdict])
    reason = verdict.reason if ruling == verdict.verdict else f"{verdict.reason}; attention map: {attention.reason}"
    return replace(verdict, verdict=ruling, reason=reason, parts={"texts": verdict, "attention": attention})


def owns(source: Any) -> bool:
    """Return whether an object is a model of texts."""
    return isinstance(source, TextModel)


SYSTEM = System(
    "texts", TextAsked, owns, ("prompt", "steps", "input_state", "level"), ask, compiled, check, made,
    second=disagreement, scoped=True,
)  # fmt: skip
