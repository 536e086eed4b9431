# SPDX-License-Identifier: Apache-2.0
"""What the values of a program's registers mean, as FILE.json says it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from stinespring.batches import Several
from stinespring.circuits.core.flow import Flow
from stinespring.compiler.export.forms import FlowTemplate
from stinespring.compiler.systems.spin_template import token_text
from stinespring.compiler.texts.operations import Layout, Place
from stinespring.models.lens.states import LensStates
from stinespring.models.sphere.model import SphereModel
from stinespring.models.spins.contexts import spins_of
from stinespring.models.spins.network import SpinNetwork
from stinespring.models.texts.base import TextModel
from stinespring.readings import UNUSED, Register
from stinespring.stages import Program

__all__ = ["decode_tables"]

LISTED = 1 << 10  # values of a register whose codes mean themselves
READ = ("token", "environment", "outcome", "state")  # roles of registers that readers look at

Meanings = dict[str, Any]


def decode_tables(program: Program) -> dict[str, Meanings]:
    """Return for each register that is read what each value means; values that cannot occur are absent.

    Where the meaning depends on what was read before, a register ``t<l>`` has ``{"after": [{"text": [...], "codes": {...}}]}``
    with one entry for every prefix that can occur, and a register ``text`` has the tokens of each whole text.
    """
    read = [register for register in program.registers if register.role in READ and register.name in measured(program)]
    tables = {register.name: table(program.source, register) for register in read if register.book is None}
    tables |= book_tables(program.source, [register for register in read if register.book is not None])
    return {name: found for name, found in tables.items() if found}


def book_tables(source: TextModel, registers: Sequence[Register]) -> dict[str, Meanings]:
    """Return the tables of registers whose codes are those of a book."""
    book = registers[0].book if registers else None
    if book is None:
        return {}
    names = [*source.tokens, None]  # the vacuum is written as null
    codes = np.stack([r.code_of(book.codes[:, column]) for column, r in enumerate(registers)], axis=1)
    if Place("token", 0).name in book.registers:  # whole texts
        order = np.argsort(codes[:, 0])
        rows = zip(codes[order, 0].tolist(), book.texts[order].tolist(), strict=True)
        return {registers[0].name: {str(code): [names[token] for token in text] for code, text in rows}}
    tables: dict[str, Meanings] = {}
    for column, register in enumerate(registers):
        after: dict[tuple[int, ...], dict[str, str | None]] = {}
        for text, code in zip(book.texts[:, : column + 1].tolist(), codes[:, column].tolist(), strict=True):
            after.setdefault(tuple(text[:-1]), {})[str(code)] = names[text[-1]]
        tables[register.name] = {
            "after": [{"text": [names[token] for token in text], "codes": found} for text, found in after.items()]
        }
    return tables


def measured(program: Program) -> set[str]:
    """Return the classical registers of the circuits as they were compiled; a host in the loop reads all."""
    body: Any = program.body
    if body.host:
        return {register.name for register in program.registers}
    return {name for form in (body.forms if isinstance(body, Several) else (body.form,)) for name in classical(form)}


def classical(form: Any) -> Iterable[str]:
    """Return the names of a circuit's classical registers."""
    if isinstance(form, Layout):
        return form.measured
    if isinstance(form, Flow | FlowTemplate):
        return [name for name, _ in (form if isinstance(form, Flow) else form.flow).classical]
    return [register.name for register in form.circuit().cregs]


def table(source: Any, register: Register) -> Meanings:
    """Return what each value of one register means: a token, a position, an outcome, or null for the vacuum."""
    if not register.symbols:
        return written_out(source, register)
    known = {str(code): symbol for code, symbol in enumerate(register.symbols) if symbol != UNUSED}
    if register.role != "token":
        return dict(known)
    tokens = source.decoder.tokens if isinstance(source, LensStates) else source.tokens
    vacuum = source.vacuum if isinstance(source, TextModel) else UNUSED
    return {code: None if symbol == vacuum else tokens[symbol] for code, symbol in known.items()}


def written_out(source: Any, register: Register) -> Meanings:
    """Return the values of a register whose codes mean themselves, where they are few."""
    if isinstance(source, SphereModel):
        return {str(value): value for value in range(source.d)}
    if isinstance(source, SpinNetwork) and 1 << register.bits <= LISTED:
        spins = spins_of(np.arange(1 << register.bits), register.bits).tolist()
        return {str(code): token_text(token) for code, token in enumerate(spins)}
    return {}
