# SPDX-License-Identifier: Apache-2.0
"""An attention block as a channel on a small Fock space."""

from __future__ import annotations

from stinespring.errors import InputError
from stinespring.models.channels.cptp import CPTP
from stinespring.models.texts.base import TextModel

__all__ = ["block_channel"]


def block_channel(model: TextModel, block: int, level: int, *, extension: str = "token") -> CPTP:
    """Return one block's quantum operation on ``F_N = C + h + ... + h^N``, embedded in qubits.

    Args:
        model: the law.
        block: the generation step that the block serves, from 1.
        level: N, the most tokens of a text.
        extension: ``token``, ``position`` or ``dephased``; see :func:`stinespring.models.texts.kraus.block_kraus`.

    Raises:
        InputError: an extension that the model does not have.
        TooLargeError: the space is too large.

    Source: arXiv 2507.13354.
    """
    kraus = model.kraus(block, level)
    if extension not in kraus:
        raise InputError("the model has no such extension", got=extension, expected=" or ".join(sorted(kraus)))
    return CPTP.from_kraus(kraus[extension])
