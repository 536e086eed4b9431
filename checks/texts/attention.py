# SPDX-License-Identifier: Apache-2.0
"""The sampled attention map beside the analytic one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from stinespring.checks.statistics.tables import judge_tables
from stinespring.errors import TooLargeError
from stinespring.models.texts.attention_map import attention_law
from stinespring.models.texts.rejection import RejectionModel
from stinespring.readings import FloatArray
from stinespring.stages import Samples, Verdict

__all__ = ["AttentionVerdict", "check_attention"]

ORDER = {"FAIL": 0, "UNVERIFIED": 1, "PASS": 2}


@dataclass(frozen=True)
class AttentionVerdict:
    """What the measured positions say about the attention map.

    Attributes:
        verdict: the worst of the registers' verdicts.
        p_value: the smallest of the registers', times their number (Bonferroni).
        sampled: shares by register.
        analytic: ``P(e_l = j)`` by register.
        by_register: each register's own verdict, at the false-alarm rate divided by their number.
    """

    verdict: str
    p_value: float
    sampled: dict[str, FloatArray]
    analytic: dict[str, FloatArray]
    by_register: dict[str, Verdict]

    def summary(self) -> dict[str, Any]:
        """Return the figures that ``run --json`` prints."""
        return {
            "verdict": self.verdict,
            "p_value": self.p_value,
            "registers": {
                name: {
                    "verdict": verdict.verdict,
                    "p_value": verdict.p_value,
                    "tvd": verdict.tvd,
                    "sampled": self.sampled[name].tolist(),
                    "analytic": self.analytic[name].tolist(),
                }
                for name, verdict in self.by_register.items()
            },
        }


def check_attention(samples: Samples, *, alpha: float = 0.001, resolution: float = 0.05) -> AttentionVerdict | None:
    """Test the attended positions of a run against the attention map; None if none were measured or the map is too large.

    Shots whose text had ended before a step attend to nothing and are left out. The positions of one register are compared with
    their marginal law by a G-test; registers depend on each other, so their p-values are combined by Bonferroni.

    Args:
        samples: what ``run`` returned for a program with the extension ``position``.
        alpha: the false-alarm rate.
        resolution: the TVD that a PASS must be able to detect.
    """
    if not samples.attention:
        return None
    try:
        drawn = samples.realises if isinstance(samples.realises, RejectionModel) else samples.model
        analytic = attention_law(drawn, samples.prompt, samples.steps, law=samples.realises)
    except TooLargeError:
        return None
    sampled, verdicts = {}, {}
    for name, law in analytic.items():
        counts = np.zeros(max(len(law), len(samples.attention[name])))
        counts[: len(samples.attention[name])] = samples.attention[name]
        if not samples.stepwise:  # a text that has ended leaves its register in 0; the host does not run it at all
            step = int(name[1:].partition("_")[0])
            ended = samples.counts[samples.texts[:, step - 1] == samples.model.vacuum].sum()
            counts[0] = max(0, counts[0] - ended)  # noise can move an ended text's register away from 0
        if not counts.sum():
            continue
        if not counts[len(law) :].any():  # codes that stand for no position
            counts = counts[: len(law)]
        law = np.pad(law, (0, len(counts) - len(law)))
        law = np.where(law > 1e-12, law, 0.0)
        verdicts[name] = judge_tables(
            counts[None], law[None] / law.sum(), alpha=alpha / len(analytic), resolution=resolution, what=f"register {name}"
        )
        sampled[name], analytic[name] = counts / counts.sum(), law
    if not verdicts:
        return None
    worst = min((v.verdict for v in verdicts.values()), key=ORDER.__getitem__)
    p_value = min(1.0, len(verdicts) * min(v.p_value for v in verdicts.values()))
    return AttentionVerdict(worst, p_value, sampled, analytic, verdicts)
