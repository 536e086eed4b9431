# SPDX-License-Identifier: Apache-2.0
"""Which basis state of a register stands for which token."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from stinespring.compiler.options import Codes
from stinespring.compiler.texts.operations import BlockOperation, Place, StepLaw
from stinespring.compiler.texts.truncate import bits
from stinespring.models.texts.base import TextModel
from stinespring.models.texts.fock import InputState
from stinespring.readings import UNUSED, Register

__all__ = ["plain", "prompt_registers", "registers", "token_register"]


def registers(
    model: TextModel,
    channels: Iterable[BlockOperation],
    *,
    prompt_length: int,
    quantum: bool,
    codes: Codes,
    state: InputState | None = None,
) -> list[Register]:
    """Return all registers: prompt (if it is quantum), tokens, environment.

    Prompt registers and attended positions hold plain binary numbers. A token register does too, unless ``codes`` is free
    and the tokens that can occur fit on fewer qubits: then they are numbered in ascending order.
    """
    tokens, environment = [], []
    prompt = prompt_registers(model, prompt_length, state) if quantum else []
    for channel in channels:
        for law in channel.laws:
            if law.target.role == "token":
                tokens.append(token_register(law, model.d, codes))
            elif law.target.role != "prompt":
                n = law.probabilities.shape[1]
                environment.append(law.target.register(plain(range(n), n)))
    return [*prompt, *tokens, *environment]


def prompt_registers(model: TextModel, length: int, state: InputState | None) -> list[Register]:
    """Return ``p1..pn``: plain token numbers, and the vacuum d where an input state has texts of different lengths."""
    if state is None:
        return [Place("prompt", i + 1).register(plain(range(model.d), model.d)) for i in range(length)]
    count = max(model.d, int(state.texts.max(initial=0)) + 1)
    return [Place("prompt", i + 1).register(plain(np.unique(state.texts[:, i]).tolist(), count)) for i in range(state.width)]


def token_register(law: StepLaw, d: int, codes: Codes) -> Register:
    """Return the register of a token law over d tokens and the vacuum."""
    support = np.flatnonzero((law.probabilities > 0).any(axis=0)).tolist()
    count = max(d, support[-1] + 1)
    if codes == "free" and bits(len(support)) < bits(count):
        return law.target.register(fill(support, bits(len(support))))
    return law.target.register(plain(support, count))


def plain(support: Iterable[int], count: int) -> tuple[int, ...]:
    """Return the symbols of a register in which every symbol below ``count`` would be its own code."""
    symbols = [UNUSED] * 2 ** bits(count)
    if support == range(count):
        symbols[:count] = support
    else:
        for symbol in support:
            symbols[symbol] = symbol
    return tuple(symbols)


def fill(support: list[int], width: int) -> tuple[int, ...]:
    """Return the symbols in the given order, filled up to 2^width codes."""
    return tuple(support + [UNUSED] * (2**width - len(support)))
