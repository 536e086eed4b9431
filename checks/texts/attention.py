# SPDX-License-Identifier: Apache-2.0
"""The sampled attention map beside the analytic one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from stinespring.checks.combine import combined
from stinespring.checks.statistics.tables import judge_tables
from stinespring.checks.texts.verdict import claimed_law
from stinespring.errors import TooLargeError
from stinespring.models.texts.attention_map import attention_law, joint_attention_law
from stinespring.models.texts.law import readable
from stinespring.models.texts.rejection import RejectionModel
from stinespring.readings import FloatArray
from stinespring.stages import Samples, Verdict

__all__ = ["check_attention"]

ROUNDING = 1e-12  # probabilities up to this are rounding


def check_attention(samples: Samples, *, alpha: float = 0.001, resolution: float = 0.05) -> Verdict | None:
    """Test the attended positions of a run against the attention map; None if none were measured or the map is too large.

    Shots whose text had ended before a step attend to nothing and are left out. The positions of one register are compared with
    their marginal law by a G-test, and the positions of each step together with the token made from them with their joint law;
    these tests depend on each other, so their p-values are combined by Bonferroni.

    Args:
        samples: of a program with the extension ``position``.
        alpha: the false-alarm rate.
        resolution: the TVD that a PASS must be able to detect.

    Returns:
        The verdict, with one part a register ``e<l>`` or ``e<l>_<h>``, and one a step, ``e<l> and t<l>``; a program that claims
        another law than its model's has none of these. ``figures["registers"]`` has its ruling, p-value and
        TVD, and the ``sampled`` and the ``analytic`` share of every position.
    """
    if not any(name.startswith("e") for outcomes in samples.outcomes for name in outcomes.registers):
        return None
    law = claimed_law(samples)
    drawn = law.model if isinstance(law.model, RejectionModel) else samples.asked.begin(samples.source).model
    try:
        analytic = attention_law(drawn, law.prompt, law.steps, law=law.model)
    except TooLargeError:
        return None
    parts, registers = {}, {}
    together = {} if samples.claim is not None else joint_tables(samples, joint_attention_law(drawn, law.prompt, law.steps))
    share = alpha / (len(analytic) + len(together))
    for name, exact in analytic.items():
        counts = positions_read(samples, name, len(exact))
        if not counts.sum():
            continue
        size = len(exact) + int(counts[-1] > 0)
        counts, wanted = counts[:size], np.append(np.where(exact > ROUNDING, exact, 0.0), 0.0)[:size]
        parts[name] = found = judge_tables(
            counts[None], wanted[None] / wanted.sum(), alpha=share, resolution=resolution,
            what=f"register {name}",
        )  # fmt: skip
        registers[name] = {
            "verdict": found.verdict, "p_value": found.p_value, "tvd": found.tvd,
            "sampled": (counts / counts.sum()).tolist(), "analytic": wanted.tolist(),
        }  # fmt: skip
    for name, (counts, wanted) in together.items():
        parts[name] = judge_tables(counts[None], wanted[None], alpha=share, resolution=resolution, what=name)
    return combined(parts, alpha=alpha, figures={"registers": registers}) if parts else None


def joint_tables(samples: Samples, laws: Mapping[int, FloatArray]) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Return, for each step whose positions and token were read together, their counts and their joint law, flat.

    The last cell is every reading that stands for no position or no token.
    """
    result = {}
    for step, law in laws.items():
        heads, n, vacuum = law.ndim - 1, len(law), samples.source.vacuum
        names = [f"e{step}"] if heads == 1 else [f"e{step}_{head + 1}" for head in range(heads)]
        wanted = (*names, f"t{step}")
        found = next((outcomes for outcomes in samples.outcomes if set(wanted) <= set(outcomes.registers)), None)
        if found is None:
            continue
        read, counts = [found.column(name) for name in wanted], found.counts
        if found is samples.outcomes[0]:
            token = readable(found, samples.asked.steps, vacuum)[:, step - 1]
            read, going = [*read[:-1], token], token != vacuum
            read, counts = [column[going] for column in read], counts[going]
        sizes = (*[n] * heads, law.shape[-1])
        inside = np.all([(column >= 0) & (column < size) for column, size in zip(read, sizes, strict=True)], axis=0)
        cell = np.where(inside, np.ravel_multi_index([*read], sizes, mode="clip"), law.size)
        if counts.sum():
            flat = np.append(np.where(law > ROUNDING, law, 0.0).ravel(), 0.0)
            tally = np.bincount(cell, weights=counts, minlength=law.size + 1).astype(np.float64)
            result[" and ".join([", ".join(names), f"t{step}"])] = tally, flat / flat.sum()
    return result


def positions_read(samples: Samples, name: str, positions: int) -> FloatArray:
    """Return how often each position was read from a register, and last codes that stand for none: shape (positions + 1,).

    Beside the texts a register also holds something where a text had ended, which is left out; a register with readings of its
    own was never read then.
    """
    found = next((outcomes for outcomes in samples.outcomes if name in outcomes.registers), None)
    if found is None:
        return np.zeros(positions + 1)
    read, counts = found.column(name), found.counts
    if found is samples.outcomes[0]:
        step, vacuum = int(name[1:].partition("_")[0]), samples.source.vacuum
        going = readable(found, samples.asked.steps, vacuum)[:, step - 1] != vacuum
        read, counts = read[going], counts[going]
    inside = (read >= 0) & (read < positions)
    return np.bincount(np.where(inside, read, positions), weights=counts, minlength=positions + 1).astype(np.float64)
