# SPDX-License-Identifier: Apache-2.0
"""Which way of coding texts, and which share of the tolerance for tails, needs the fewest gates: by trying."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from stinespring.circuits.search.work import counted
from stinespring.compiler.isometries.synthesise import default_effort
from stinespring.compiler.options import Codes
from stinespring.compiler.texts.draft import Coding, Draft
from stinespring.compiler.texts.encode import realised
from stinespring.compiler.texts.fitted import fitted
from stinespring.compiler.texts.passes import MOST_BITS, coded_laws, run_passes, specialised
from stinespring.compiler.texts.truncate import bits
from stinespring.errors import TooLargeError
from stinespring.readings import FloatArray, rows_of
from stinespring.stages import Effect

__all__ = ["cheapest", "codings", "decoder", "far_more", "proven", "realised_law", "worth_listing"]

HOPELESS = 16  # more gates by the Gray-code form than another coding has: no construction here gains as much
OTHERS, TAILS = 0.5, 0.25  # of a stated effort, for fits and shares besides what is exact, and for the shares at most
CLOSE = 2  # a search shortens circuits by no more than about this factor
ROUNDING = 1e-12  # of a computed TVD

Found = tuple[Draft, tuple[Effect, ...]]


def decoder(coding: Coding) -> Codes:
    """Return what a reading needs to be decoded, see :class:`stinespring.compiler.options.CompileOptions`."""
    match coding:
        case "number" | "split":
            return "prefix"
        case other:
            return other


def codings(first: Draft) -> Iterator[Coding]:
    """Yield the ways of coding texts that are allowed, the likely winner first.

    Args:
        first: the draft before any pass; its options say what is wanted.

    Raises:
        TooLargeError: codes are asked for of texts that cannot be listed.
    """
    wanted = first.options.codes
    if wanted in ("binary", "free", "texts"):
        yield wanted
        return
    if wanted == "prefix" or worth_listing(first):
        try:
            yield from listed(first)
        except TooLargeError:
            if wanted == "prefix":
                raise
    if wanted is None:
        yield "free"


def listed(first: Draft) -> Iterator[Coding]:
    """Yield codes by prefix, register by register and, where not all codes are used, in one register if that is no wider."""
    draft = replace(first, coding="prefix")
    coded = coded_laws(draft, 0.0)
    width = sum(bits(int(operation.laws[-1].probabilities.shape[1])) for operation in coded.operations)
    number = len(coded.book.texts)
    texts = bits(number)
    if first.options.codes == "prefix" or min(width, texts) <= MOST_BITS:
        yield "prefix"
        if texts <= width and number < 2**width and first.options.extension != "position":
            yield "number"
            if number < 2**texts:
                yield "split"


def worth_listing(first: Draft) -> bool:
    """Return whether codes by prefix are tried without being asked for."""
    options, model = first.options, first.model
    if not options.listable or first.quantum or first.promise == "exact" or first.steps < 2:
        return False
    return model.window is None or first.steps * math.log2(max(2, model.branching)) <= MOST_BITS


def cheapest(first: Draft) -> Found:
    """Return the draft with the fewest two-qubit gates after all passes, and then the fewest qubits.

    All codings are compared by their closed forms; effort goes to those that come close: a stated one is divided among them,
    what one leaves going to the next, and without one each has its default. What is exact is always among the candidates, so
    that a tolerance costs no gates.
    """
    effort = first.options.effort
    scouts: dict[Coding, Found] = {}
    for coding in codings(first):
        draft = replace(first, coding=coding)
        try:
            if not far_more(draft, min((found[0].figures[0] for found in scouts.values()), default=None)):
                scouts[coding] = shared(replace(draft, options=replace(draft.options, effort=0.0)))
        except TooLargeError:  # a table over the whole vocabulary, where codes by prefix need none
            if not scouts:
                raise
    best = min(found[0].figures[0] for found in scouts.values())
    if effort == 0:
        return min(scouts.values(), key=figure)
    close = [coding for coding, found in scouts.items() if found[0].figures[0] <= CLOSE * best]
    made: list[Found] = []
    share = 1.0
    for number, coding in enumerate(close):
        part = 1.0 if effort is None else share / (len(close) - number)
        with counted() as spent:
            made.append(shared(replace(first, coding=coding, effort_share=part)))
        share = share if effort is None else max(0.0, share - min(part, spent.seconds / effort))
    return min(made, key=figure)


def far_more(draft: Draft, gates: int | None) -> bool:
    """Return whether a draft needs so many more gates than another that no construction makes up for it."""
    if gates is None:
        return False
    plain, _ = run_passes(draft, ("specialise", "prune"))
    return plain.figures[0] > HOPELESS * max(1, gates)


def shared(first: Draft) -> Found:
    """Return the cheapest of several shares of the tolerance for tail tokens, what is exact among them.

    What is exact has all of the effort; half as much goes to fits and to the shares, of a stated one half to both together.
    """
    if first.options.tolerance == 0:
        return run_passes(first)
    exact, tails = replace(first, options=replace(first.options, tolerance=0.0)), (1.0, 0.5, 0.0)
    if first.coding == "split":  # its codes are those of the exact law
        return run_passes(exact)
    found: list[Found] = []
    stated = first.options.effort is not None
    others = TAILS if stated else OTHERS
    if first.coding in ("prefix", "texts"):
        effort = effort_of(exact) * first.effort_share
        with counted() as spent:
            circuit = fitted(first, coded_laws(first, 0.0), effort * OTHERS if stated else effort)
        others = min(others, max(0.0, OTHERS - spent.seconds / effort)) if stated and effort > 0 else others
        found += [] if circuit is None else [circuit]
    if found and found[0][0].figures[0] < run_passes(exact, ("specialise",))[0].bound:  # no search of what is exact gets there
        exact, first = (replace(draft, options=replace(draft.options, effort=0.0)) for draft in (exact, first))
    found.append(run_passes(exact))
    found += [run_passes(replace(first, tail=tail, effort_share=first.effort_share * others / len(tails))) for tail in tails]
    return min(found, key=figure)


def effort_of(first: Draft) -> float:
    """Return about the seconds for numerical fits."""
    if first.options.effort is not None:
        return first.options.effort
    plain, _ = run_passes(first, ("specialise",))
    return default_effort(plain, plain.sizes())


def figure(found: Found) -> tuple[int, int, bool]:
    """Return two-qubit gates, qubits, and whether a reading needs more than one code a token."""
    return found[0].figures[0], found[0].figures[2], found[0].book is not None


def proven(draft: Draft) -> float:
    """Return a bound on the TVD between the joint laws of a draft and its model: computed where the texts are listed."""
    bound = min(1.0, sum(draft.errors))
    if draft.book is None or bound == 0:
        return bound
    own, claimed = coded_laws(draft, 0.0), realised_law(draft)
    kept = own.probabilities[rows_of(own.book.texts, draft.book.texts)]
    distance = (float(abs(kept - claimed).sum()) + max(0.0, 1.0 - float(kept.sum()))) / 2.0
    return min(bound, distance + ROUNDING)


def realised_law(draft: Draft) -> FloatArray:
    """Return the probabilities of the book's texts as a draft realises them, shape (N,)."""
    assert draft.book is not None
    merged = any(place.role == "memory" for channel in draft.channels for law in channel.laws for place in law.reads)
    made = [dilation.channel for dilation in draft.dilations]
    law = realised(specialised(draft) if merged else made or draft.channels, draft.book)
    return np.asarray(law / law.sum())
