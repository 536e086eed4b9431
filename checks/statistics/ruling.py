# SPDX-License-Identifier: Apache-2.0
"""From a p-value and what so many shots detect to a ruling, and how many shots would do."""

from __future__ import annotations

import math
from collections.abc import Callable

from stinespring.checks.statistics.gtest import detected, pool
from stinespring.errors import InputError
from stinespring.readings import FloatArray
from stinespring.stages import Ruling

__all__ = ["MOST_SHOTS", "beyond", "decide", "require_shares", "shots_for_tables", "smallest", "two_digits"]

MOST_SHOTS = 10**12


def require_shares(alpha: float, resolution: float) -> None:
    """Refuse rates outside (0, 1)."""
    for name, value in (("alpha", alpha), ("resolution", resolution)):
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
            raise InputError(f"{name} is out of range", got=value, expected="a number between 0 and 1")


def decide(
    p_value: float, alpha: float, detects: float, wanted: float, needed: int | None, shots: str, *, advice: str = ""
) -> tuple[Ruling, str]:
    """Return the ruling and its reason from the p-value and what the shots could detect.

    Args:
        p_value: of the tests, combined.
        alpha: the false-alarm rate.
        detects: the TVD that is detected with power 0.9.
        wanted: the TVD that a PASS must be able to detect.
        needed: shots that would do; None if none would, and then there is other advice.
        shots: how many there were, in words.
        advice: what to do where no number of shots would do.
    """
    digits = next((n for n in range(3, 9) if detects <= wanted or float(f"{detects:.{n}g}") > wanted), 9)
    found = f"{detects:.{digits}g}"  # never the number that was asked for, where it is missed
    reason = f"p = {p_value:.3g} at false-alarm rate {alpha:.3g}; these {shots} detect a TVD of {found} with power 0.9"
    if p_value < alpha:
        return "FAIL", reason
    if detects <= wanted:
        return "PASS", reason
    hint = f"about {needed:,} shots would do" if needed else advice or "no number of shots would do"
    return "UNVERIFIED", f"{reason}, not {wanted:g}: {hint}"


def beyond(low: float, resolution: float) -> str:
    """Return why samples that no test finds fault with are no PASS: they are too far from the law all the same."""
    return f"what was sampled is at a TVD of at least {low:.3g} from the law, more than {resolution:g}"


def shots_for_tables(law: FloatArray, share: FloatArray, alpha: float, resolution: float, above: int = 0) -> int | None:
    """Return the least number of shots, to two digits, with which a G-test of tables has the wanted resolution.

    Args:
        law: shape (T, D), rows sum to 1.
        share: of the shots that each table gets, shape (T,).
        alpha: the test's false-alarm rate.
        resolution: the TVD.
        above: so many did not do; fewer might, where more cells are pooled, and that is no advice.
    """

    def enough(shots: int) -> bool:
        cells = pool(law * (share * shots)[:, None], law, shots)
        return detected(cells, shots, alpha) <= resolution

    return smallest(enough, above)


def smallest(enough: Callable[[int], bool], above: int = 0) -> int | None:
    """Return the smallest number above, rounded up to two digits, for which ``enough`` holds; None: none up to 10^12 does."""
    high = above + 1
    while not enough(high):
        high *= 2
        if high > MOST_SHOTS:
            return None
    low = max(high // 2, above)
    while high - low > max(1, high // 200):
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return two_digits(high)


def two_digits(shots: float) -> int:
    """Return a number of shots rounded up to two digits."""
    whole = math.ceil(shots)
    unit = 10 ** max(0, len(str(whole)) - 2)
    return int(-(-whole // unit) * unit)
