# SPDX-License-Identifier: Apache-2.0
"""The one public check: of samples, or of what somebody else sampled from a program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stinespring.checks.statistics.family import Scope
from stinespring.checks.within import Within
from stinespring.errors import InputError
from stinespring.pipeline import running
from stinespring.stages import Program, Samples, Verdict

__all__ = ["check"]


def check(
    samples: Samples | Program | str | Path, source: Any = None, *, counts: Any = None, shots: int | None = None,
    overhead: float | None = None, alpha: float = 0.001, resolution: float = 0.05, seed: int = 0, scope: Scope = "auto",
    within: Within = "auto", detect: bool = False,
) -> Verdict:  # fmt: skip
    """Test samples against the law of their source, or counts of a program's bits that were sampled anywhere.

    The law is computed from the source and what was asked alone: nothing that was compiled takes part. See
    :func:`stinespring.pipeline.running.check` for what is tested, :mod:`stinespring.checks.texts.quasi` for how
    quasi-probabilities are judged.

    Args:
        samples: of any source; or with ``counts`` a compiled program, or the FILE.json of an exported one (of texts).
        source: another source whose law they should follow; with FILE.json the model that was compiled.
        counts: what somebody sampled: a mapping from bit strings (blanks between registers or none), hexadecimal or whole
            numbers; ``Counts``, ``BitArray``, ``SamplerPubResult``, ``PrimitiveResult`` or ``Result`` of Qiskit; a mapping of
            quasi-probabilities or a ``QuasiDistribution``; or the path of a file of any of these. Counts that fit the law only
            with the bits of every shot in reverse are FAIL, and the reason says so.
        shots: behind quasi-probabilities that do not say.
        overhead: of their mitigation, the factor on the variance (mthree's ``mitigation_overhead``), if they do not say.
        alpha: the false-alarm rate.
        resolution: the TVD that a PASS must be able to detect.
        seed: of Monte-Carlo p-values and of randomised integral transforms.
        scope: the deviations that a PASS covers: ``auto``, ``all`` and, for texts and spins, narrower ones.
        within: D, to test instead whether the sampled distribution is at most at a TVD of D from the law; ``auto``: the
            resolution where readings may be wrong, else ``none``.
        detect: drop the shots whose readings tell an error, and judge the others.

    Raises:
        InputError: no samples, counts that cannot be read or of other bits, an unknown scope, a number out of range.
    """
    settings: dict[str, Any] = {
        "alpha": alpha, "resolution": resolution, "seed": seed, "scope": scope, "within": within, "detect": detect,
    }  # fmt: skip
    if counts is None:
        if not isinstance(samples, Samples):
            raise InputError(
                "there is nothing to check", got=type(samples).__name__, expected="samples, or counts=...",
                todo="write stinespring.check(program, counts=...)" if isinstance(samples, Program) else None,
            )  # fmt: skip
        if shots is not None or overhead is not None:
            raise InputError("shots and overhead are of quasi-probabilities", expected="counts=...")
        return running.check(samples, source, **settings)
    from stinespring.pipeline.counts.elsewhere import check_elsewhere, read_elsewhere

    if isinstance(samples, Samples):
        raise InputError("samples have counts of their own", expected="a program, or FILE.json, with counts")
    if isinstance(samples, Program) and source is not None:
        raise InputError("a program has a source of its own", todo="leave the source out")
    if not isinstance(samples, Program) and source is None:
        raise InputError("FILE.json does not hold its model", expected="the model that was compiled, as second argument")
    return check_elsewhere(read_elsewhere(counts, samples, source, shots=shots, overhead=overhead), **settings)
