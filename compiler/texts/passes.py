# SPDX-License-Identifier: Apache-2.0
"""The passes, in order: each a small function from draft to draft with a name and a reason.

A pass whose result does not cost fewer two-qubit gates (or, at equal gates, fewer qubits) is not applied, and the record
says so. ``specialise`` comes first, ``synthesise`` makes the circuits, ``schedule`` and ``lower`` finish them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import numpy as np

from stinespring.compiler.isometries.synthesise import SIGNED_WIRES, cheaper, synthesise
from stinespring.compiler.texts.draft import Draft
from stinespring.compiler.texts.encode import CodedLaws, by_number, by_prefix
from stinespring.compiler.texts.merge import merged
from stinespring.compiler.texts.operations import BlockOperation
from stinespring.compiler.texts.specialise import MOST_ENTRIES, MOST_LISTED, channels, prune
from stinespring.errors import TooLargeError
from stinespring.models.texts.base import TextModel
from stinespring.models.texts.joint import MOST_TEXTS, joint_law
from stinespring.models.texts.truncated import RenumberedModel
from stinespring.stages import Effect

__all__ = ["FEW_TOKENS", "PASSES", "coded_laws", "require_listed", "run_passes"]

MOST_BITS = 15  # of codes that are tried without being asked for: a second of closed forms
FEW_TOKENS = 256  # vocabularies that are tabulated as they are
FIRSTS = 6  # a memory that pays at all pays within the first steps


@dataclass(frozen=True)
class Pass:
    """One pass.

    Attributes:
        name: how it is called in the record.
        reason: what it does, one line.
        run: the transformation.
        blocked: why it cannot apply to a draft, or None.
        always: keep the result whatever it costs.
    """

    name: str
    reason: str
    run: Callable[[Draft], Draft]
    blocked: Callable[[Draft], str | None] = lambda draft: None
    always: bool = False


def tabulated(draft: Draft, tolerance: float) -> Draft:
    """Return the draft with its laws tabulated on all contexts that can occur, tails dropped within the tolerance."""
    operations, errors = operations_of(draft, tolerance)
    if draft.coding in ("binary", "free"):
        return replace(draft, channels=tuple(operations), errors=tuple(errors))
    coded = coded_laws(draft, tolerance)
    errors = errors if len(coded.operations) == len(errors) else [sum(errors)]
    return replace(draft, channels=coded.operations, errors=tuple(errors), book=coded.book)


def operations_of(draft: Draft, tolerance: float) -> tuple[list[BlockOperation], list[float]]:
    """Return the operations on tokens and what truncation costs each; tabulated once for all drafts of a compilation."""
    whole = draft.coding not in ("binary", "free")
    key = ("operations", tolerance, whole)
    if key not in draft.tables:
        draft.tables[key] = tabulate(draft, tolerance, whole, MOST_LISTED if whole else MOST_ENTRIES)
    found: tuple[list[BlockOperation], list[float]] = draft.tables[key]
    return found


def tabulate(draft: Draft, tolerance: float, whole: bool, room: int) -> tuple[list[BlockOperation], list[float]]:
    """Return the operations on tokens and what truncation costs each; see :func:`channels`."""
    return channels(
        listed_model(draft) if whole else draft.model,
        draft.prompt,
        draft.steps,
        extension=draft.options.extension,
        quantum=draft.quantum,
        tolerance=tolerance,
        state=draft.state,
        whole=whole,
        room=room,
    )


def listed_model(draft: Draft) -> TextModel:
    """Return the model whose tokens codes by prefix stand for: of a large vocabulary those that can occur, renumbered.

    Raises:
        TooLargeError: the texts are too many to list.
    """
    model = draft.model
    if model.d <= FEW_TOKENS or draft.quantum or draft.options.extension != "token":
        return model
    if ("tokens",) not in draft.tables:
        most = MOST_TEXTS if draft.options.codes in ("prefix", "texts") else 1 << MOST_BITS  # of more, no coding would be tried
        texts = joint_law(model, draft.prompt.tolist(), draft.steps, most).texts
        draft.tables["tokens",] = RenumberedModel(model, len(draft.prompt), np.unique(texts[texts < model.d]))
    found: TextModel = draft.tables["tokens",]
    return found


def require_listed(draft: Draft, room: int, *, whole: bool) -> None:
    """Refuse laws of which one step lists more than ``room`` probabilities; keep those that do not for later.

    Args:
        draft: before any pass.
        room: the most.
        whole: whether they are listed for codes that follow the text.
    """
    draft.tables["operations", draft.options.tolerance, whole] = tabulate(draft, draft.options.tolerance, whole, room)


def coded_laws(draft: Draft, tolerance: float) -> CodedLaws:
    """Return the laws of codes that depend on the text before, as the draft's coding has them; made once."""
    key = ("coded", tolerance, draft.coding)
    if key not in draft.tables:
        operations, _ = operations_of(draft, tolerance)
        if draft.coding == "prefix":
            model = listed_model(draft)
            draft.tables[key] = by_prefix(operations, model.symbols if isinstance(model, RenumberedModel) else None)
        else:
            coded = coded_laws(replace(draft, coding="prefix"), tolerance)
            draft.tables[key] = by_number(coded, sort=draft.coding == "texts", split=draft.coding == "split")
    found: CodedLaws = draft.tables[key]
    return found


def specialise(draft: Draft) -> Draft:
    """Tabulate the laws with the known prompt folded in."""
    return tabulated(draft, 0.0)


def drop_registers(draft: Draft) -> Draft:
    """Drop the registers that each law does not depend on."""
    pruned = tuple(replace(c, laws=tuple(prune(law) for law in c.laws)) for c in draft.channels)
    return replace(draft, channels=pruned)


def merge(draft: Draft) -> Draft:
    """Carry the causal state in memory registers, from the step where that is cheapest."""
    whole = specialised(draft)
    candidates = [
        drop_registers(replace(draft, channels=tuple(merged(whole, first))))
        for first in range(1, min(len(draft.channels), FIRSTS))
    ]
    return min([draft, *candidates], key=lambda d: d.figures[0])


def specialised(draft: Draft) -> list[BlockOperation]:
    """Return the unpruned channels, truncated where the draft is."""
    return list(tabulated(draft, draft.options.tolerance * draft.tail if any(draft.errors) else 0.0).channels)


def cannot_merge(draft: Draft) -> str | None:
    """Say why a memory would not do."""
    if draft.quantum:
        return "the prompt is quantum: its causal state would have to be computed from registers"
    if draft.options.extension != "token":
        return "the attended positions read the text itself"
    if draft.promise == "exact":
        return "a memory that stays behind would not be the isometry itself"
    return "there is one step only" if len(draft.channels) < 2 else None


def cannot_truncate(draft: Draft) -> str | None:
    """Say why no tail may be dropped."""
    if draft.options.tolerance == 0:
        return "the tolerance is 0"
    return "the tolerance goes further on small rotations" if draft.tail == 0 else None


def truncate(draft: Draft) -> Draft:
    """Drop tail tokens of the laws where that saves qubits."""
    return drop_registers(tabulated(draft, draft.options.tolerance * draft.tail))


def signs(draft: Draft) -> Draft:
    """Synthesise in Gray order with free signs."""
    return synthesise(draft, how="signs")


def only_free(draft: Draft) -> str | None:
    """Say why signs are not free."""
    if draft.promise == "exact":
        return "the promise is exact: signs are phases"
    return "the laws are too large for a search of signs" if draft.figures[0] >= 2 ** (SIGNED_WIRES + 1) else None


def finish(draft: Draft) -> Draft:
    """Synthesise by every construction that keeps the promise; keep what the signs gave where that is cheaper."""
    return cheaper(draft, synthesise(replace(draft, dilations=(), declared=()), how=draft.promise))


PASSES = (
    Pass("specialise", "the known prompt is folded into the laws", specialise, always=True),
    Pass("prune", "registers that a law does not depend on are not read", drop_registers),
    Pass(
        "truncate",
        "tail tokens are dropped within the tolerance",
        truncate,
        cannot_truncate,
    ),
    Pass("merge", "contexts with the same future share a memory", merge, cannot_merge),
    Pass("signs", "signs of angles are chosen so that Walsh coefficients vanish", signs, only_free),
    Pass("synthesise", "each law by the cheapest construction that keeps the promise", finish, always=True),
    Pass("schedule", "one circuit, all measurements at the end", lambda d: d, always=True),
)  # fmt: skip


def run_passes(draft: Draft, names: Collection[str] | None = None) -> tuple[Draft, tuple[Effect, ...]]:
    """Return the draft after all passes (or those named), and what each of them did."""
    effects = []
    for step in PASSES:
        if names is not None and step.name not in names:
            continue
        blocked = step.blocked(draft)
        candidate = draft
        if blocked is None:
            try:
                candidate = step.run(draft)
            except TooLargeError as error:
                if step.always:
                    raise
                blocked = error.what
        if blocked is None and not step.always and not worth(candidate, draft):
            blocked = "it does not help here"
        draft = candidate if blocked is None else draft
        reason = step.reason if blocked is None else f"not applied: {blocked}"
        effects.append(draft.effect(step.name, reason, applied=blocked is None))
    return draft, tuple(effects)


def worth(candidate: Draft, draft: Draft) -> bool:
    """Return whether the candidate costs fewer two-qubit gates, or as many on fewer qubits."""
    after, before = candidate.figures, draft.figures
    return (after[0], after[2]) < (before[0], before[2])
