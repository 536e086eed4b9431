# SPDX-License-Identifier: Apache-2.0
"""Several tests of the same samples against one law, and what a PASS may say after them: its scope.

The tests share the false-alarm rate evenly (Bonferroni), whether or not they depend on each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from stinespring.checks.statistics.ruling import decide, two_digits
from stinespring.checks.statistics.table_test import TableTest
from stinespring.errors import InputError
from stinespring.stages import Ruling

__all__ = [
    "SCOPES", "Scope", "ScopedTest", "chosen_scope", "in_words", "needed_by", "of_table", "require_scope", "ruled",
    "scope_figures",
]  # fmt: skip

Scope = Literal["auto", "all", "contexts", "pairs", "triples", "parity", "bits", "tokens", "sums", "likelihood"]
SCOPES: tuple[Scope, ...] = (
    "auto",
    "all",
    "contexts",
    "pairs",
    "triples",
    "parity",
    "bits",
    "tokens",
    "sums",
    "likelihood",
)
WIDE: tuple[Scope, ...] = ("all", "contexts", "pairs")  # scopes that are taken unasked
POWER = 0.9


@dataclass(frozen=True)
class ScopedTest:
    """One test, and the deviations it is against.

    Attributes:
        name: as in a verdict's details.
        scope: which deviations it covers: ``all`` or a narrower one.
        against: the same in words.
        p_value: of the test, corrected for all it looked at.
        method: how that was found.
        resolution: the TVD in that scope that it detects with power 0.9.
        degrees: of freedom, or how many sums it looked at.
        hidden: what its pools hide, a part of the resolution.
        where: the place of the strongest deviation, in words.
        more: further figures.
    """

    name: str
    scope: Scope
    against: str
    p_value: float
    method: str
    resolution: float
    degrees: int
    hidden: float = 0.0
    where: str = ""
    more: dict[str, Any] = field(default_factory=dict)

    def summary(self) -> dict[str, Any]:
        """Return the figures of this test."""
        return {
            "p_value": self.p_value, "degrees_of_freedom": self.degrees, "method": self.method, "resolution": self.resolution,
            "pooled_mass": self.hidden, **({"where": self.where} if self.where else {}), **self.more,
        }  # fmt: skip


def of_table(test: TableTest, scope: Scope, against: str) -> ScopedTest:
    """Return a G-test with the scope it has."""
    return ScopedTest(
        test.name, scope, against, test.p_value, test.method, test.resolution, test.cells.degrees, test.cells.hidden
    )


def require_scope(scope: str) -> Scope:
    """Return the scope, or say what is wrong with it."""
    for known in SCOPES:
        if scope == known:
            return known
    raise InputError("unknown scope", got=scope, expected=", ".join(SCOPES))


def resolutions(tests: Sequence[ScopedTest]) -> dict[Scope, float]:
    """Return what is detected in each scope, the widest first; what is against all deviations is against each."""
    whole = min((test.resolution for test in tests if test.scope == "all"), default=1.0)
    found: dict[Scope, float] = {}
    for scope in SCOPES[1:]:
        own = [test.resolution for test in tests if test.scope == scope]
        if own:
            found[scope] = min(whole, *own)
    return found


def chosen_scope(tests: Sequence[ScopedTest], scope: Scope, wanted: float, listed: bool) -> tuple[Scope, float]:
    """Return the scope that a verdict has, and what is detected in it.

    Args:
        tests: all that were made.
        scope: as asked for. ``auto``: all deviations where the law can be listed, else the widest scope in which the
            resolution is reached, down to pairs, which are always part of it: what is far apart must be seen, too.
        wanted: the resolution.
        listed: whether the law can be listed.
    """
    found = resolutions(tests)
    if scope == "auto" and listed:
        scope = "all"
    if scope != "auto":
        whole = found.get("all", 1.0)
        return scope, found.get(scope, whole)
    least = found.get("pairs", 0.0)
    if least > wanted:
        return "pairs", least
    enough = [name for name, value in found.items() if value <= wanted and (name in WIDE or not least)]
    best = enough[0] if enough else min(found, key=lambda name: found[name])
    return best, found[best] if best == "all" else max(least, found[best])


def ruled(
    tests: Sequence[ScopedTest], *, scope: Scope, listed: bool, alpha: float, wanted: float, shots: int,
    needed: Callable[[], int | None] | None = None, impossible: bool = False, advice: str = "",
) -> tuple[Ruling, str, float, float, int | None]:  # fmt: skip
    """Return ruling, reason, p-value, resolution and the shots that would do, from a family of tests.

    Args:
        tests: each with its share ``alpha / len(tests)``.
        scope: that a PASS must cover.
        listed: whether the law can be listed.
        alpha: the false-alarm rate.
        wanted: the resolution.
        shots: how many.
        needed: computes the shots with which all deviations are covered, where that can be done.
        impossible: whether something of probability 0 was seen.
        advice: what to do where no number of shots would do.
    """
    p_value = 0.0 if impossible else min(1.0, len(tests) * min(test.p_value for test in tests))
    covered, detects = chosen_scope(tests, scope, wanted, listed)
    short = detects > wanted and p_value >= alpha
    number = None
    if short:
        number = needed() if covered == "all" and needed is not None else needed_by(tests, covered, shots, wanted)
    ruling, reason = decide(p_value, alpha, detects, wanted, number, f"{shots:,} shots", advice=advice)
    if ruling == "FAIL" and len(tests) > 1:
        first = min(tests, key=lambda test: test.p_value)
        where = f", {first.where}" if first.where else ""
        return ruling, f"{reason}; most of all in {first.against}{where}", p_value, detects, number
    return ruling, reason + in_words(tests, covered, detects, wanted), p_value, detects, number


def needed_by(tests: Sequence[ScopedTest], scope: Scope, shots: int, wanted: float) -> int | None:
    """Return the shots, to two digits, with which a scope has the resolution: what is detected falls as ``1/sqrt N``.

    What pools hide does not fall. None if they hide more than the resolution.
    """
    numbers = [
        shots * ((test.resolution - test.hidden) / (wanted - test.hidden)) ** 2
        for test in tests
        if test.scope in (scope, "all") and test.hidden < wanted and test.resolution < 1.0
    ]
    return two_digits(min(numbers)) if numbers else None


def in_words(tests: Sequence[ScopedTest], covered: Scope, detects: float, wanted: float) -> str:
    """Return what a verdict of a scope was about and what it was not, for its reason."""
    if covered == "all":
        found = {name: value for name, value in resolutions(tests).items() if name != "all" and value <= wanted < detects}
        told = ", ".join(f"{name} ({value:.2g})" for name, value in found.items())
        return f"; narrower scopes have it: {told}" if told else ""
    here = next((test.against for test in tests if test.scope == covered), covered)
    others = [
        f"{test.against} ({test.resolution:.2g})"
        for test in tests
        if test.scope not in (covered, "all") and test.resolution < 1
    ]
    also = f", and in {', '.join(others)}" if others else ""
    return (
        f"; this is about {here} (TVD {detects:.2g}){also}: deviations that only larger groups of tokens together show were "
        "not tested"
    )


def scope_figures(tests: Sequence[ScopedTest]) -> list[dict[str, Any]]:
    """Return what was tested, against what and with which power, as JSON data; tests that see nothing are left out.

    Of several tests against the same the sharpest counts.
    """
    best: dict[str, float] = {}
    for test in tests:
        if test.resolution < 1.0:
            best[test.against] = min(test.resolution, best.get(test.against, 1.0))
    return [{"against": against, "tvd": tvd, "power": POWER} for against, tvd in best.items()]
