# SPDX-License-Identifier: Apache-2.0
"""Does a circuit do what its program promises? Exactly: entry by entry, or outcome by outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stinespring.checks.texts.promised import Promised, Symbols, Text
from stinespring.models.texts.base import TextModel
from stinespring.readings import ComplexArray, FloatArray, IntArray
from stinespring.stages import Verdict

__all__ = ["MOST_ERROR", "MOST_LEAK", "Realised", "check_isometry", "check_law", "law_verdict"]

MOST_LEAK = 1e-9  # probability that rounding may account for
MOST_ERROR = 1e-7  # of an amplitude: the root of what rounding leaves of a probability
ROUNDING = 1e-12  # parts of a number that messages leave out
ROWS = 256  # of a Choi matrix that are compared at once

Key = tuple[Text, Symbols]


@dataclass(frozen=True, eq=False)
class Realised:
    """What a circuit does before its last measurements.

    Attributes:
        kraus: shape (K, U, C): for every state of what is traced out, output and input.
        outputs: shape (U, R), the symbols of prompt, tokens and attended positions; -1 where a code stands for nothing.
        inputs: the prompt of each column.
        measured: whether only what can be observed counts: the coherence between readings of measured registers does not.
    """

    kraus: ComplexArray
    outputs: IntArray
    inputs: tuple[Text, ...]
    measured: bool = False


def check_isometry(model: TextModel, realised: Realised, wanted: Promised) -> Verdict:
    """Compare the operation with what is promised: amplitudes where both are one operator, else the Choi matrices.

    Returns:
        PASS or FAIL; the figure ``error`` is the largest deviation of an amplitude, or of an entry of the Choi matrix.
    """
    keys, made, want = aligned(realised, wanted)
    operators = 1 + max(entry.operator for entry in wanted.entries)
    if len(made) == 1 and operators == 1 and not realised.measured:
        overlap = np.vdot(want[0], made[0])
        turned = made[0] * (np.conj(overlap) / abs(overlap) if abs(overlap) > 0 else 1.0)
        worst = int(np.argmax(abs(turned - want[0])))
        error = float(abs(turned[worst] - want[0][worst]))
        words = f"the amplitude of {told(model, keys[worst], wanted)} is {number(turned[worst])}, not {number(want[0][worst])}"
        return verdict("amplitudes", error, words, len(keys))
    group = None if not realised.measured else [key[1][wanted.prompt :] for key in keys]
    error, one, other, got, expected = choi_difference(made, want, group)
    pair = told(model, keys[one], wanted) + ("" if one == other else f" with {told(model, keys[other], wanted)}")
    what = "probability" if one == other else "coherence"
    words = f"the {what} of {pair} is {number(got)}, not {number(expected)}"
    return verdict("Choi matrix", error, words, len(keys))


def verdict(method: str, error: float, words: str, entries: int) -> Verdict:
    """Return PASS where the largest deviation is rounding, else FAIL with the entry that deviates most."""
    figures = {"method": method, "error": error, "entries": entries}
    if error <= MOST_ERROR:
        return Verdict("PASS", f"{method} of {entries:,} entries as promised, to {error:.1g}", figures=figures)
    return Verdict("FAIL", f"{words}: a difference of {error:.3g}", figures=figures)


def aligned(realised: Realised, wanted: Promised) -> tuple[list[Key], ComplexArray, ComplexArray]:
    """Return all (input, output) in which anything is or should be, and both sets of operators over them, shape (K, N)."""
    place: dict[Key, int] = {}
    rows, columns = np.nonzero((abs(realised.kraus) > MOST_LEAK).any(axis=0))
    outputs = [tuple(row) for row in realised.outputs.tolist()]
    found = [(realised.inputs[c], outputs[r]) for r, c in zip(rows.tolist(), columns.tolist(), strict=True)]
    index = [place.setdefault(key, len(place)) for key in found]
    for entry in wanted.entries:
        place.setdefault((entry.input, entry.output), len(place))
    made = np.zeros((len(realised.kraus), len(place)), dtype=np.complex128)
    np.add.at(made.T, np.array(index, dtype=np.int64), realised.kraus[:, rows, columns].T)
    want = np.zeros((1 + max(entry.operator for entry in wanted.entries), len(place)), dtype=np.complex128)
    for entry in wanted.entries:
        want[entry.operator, place[entry.input, entry.output]] += entry.amplitude
    return list(place), made, want


def choi_difference(
    made: ComplexArray, want: ComplexArray, group: Sequence[Symbols] | None
) -> tuple[float, int, int, complex, complex]:
    """Return the largest difference of ``sum_k K[a] conj(K[b])``, where it is, and both entries.

    Args:
        made: shape (K, N).
        want: shape (K', N).
        group: entries of different groups are not compared.
    """
    worst = (-1.0, 0, 0, 0j, 0j)
    label = np.zeros(made.shape[1], dtype=np.int64)
    if group is not None:
        names = {name: i for i, name in enumerate(dict.fromkeys(group))}
        label = np.array([names[name] for name in group])
    for first in range(0, made.shape[1], ROWS):
        rows = slice(first, first + ROWS)
        both = [part[:, rows].T @ part.conj() for part in (made, want)]
        off = np.where(label[rows, None] == label[None, :], abs(both[0] - both[1]), 0.0)
        a, b = np.unravel_index(int(np.argmax(off)), off.shape)
        if off[a, b] > worst[0]:
            worst = (float(off[a, b]), first + int(a), int(b), complex(both[0][a, b]), complex(both[1][a, b]))
    return worst


def check_law(
    model: TextModel, made: Mapping[Text, tuple[IntArray, FloatArray]], wanted: Promised, *, bound: float = 0.0,
    tokens_only: bool = False,
) -> Verdict:  # fmt: skip
    """Compare the exact law of the measured registers with the model's, for each input.

    Args:
        model: for the words.
        made: for each input the readings, shape (U, R), -1 where a code stands for nothing, and their probabilities.
        wanted: what is promised.
        bound: the TVD that was promised.
        tokens_only: whether only tokens are compared, where attended positions were read apart.

    Returns:
        PASS or FAIL; figures ``tvd``, ``tvd_bound`` and ``leak``, the probability of readings that stand for nothing.
    """
    law, tvd, leak, words = wanted.law(), 0.0, 0.0, ""
    for given, expected in law.items():
        values, probabilities = made[given]
        found: dict[Symbols, float] = {}
        for row, p in zip(values.tolist(), probabilities.tolist(), strict=True):
            found[tuple(row)] = found.get(tuple(row), 0.0) + p
        if tokens_only:
            found, expected = tokens_of(found, wanted.steps), tokens_of(expected, wanted.steps)
        off = {key: found.get(key, 0.0) - expected.get(key, 0.0) for key in {*found, *expected}}
        here = 0.5 * sum(map(abs, off.values()))
        leak = max(leak, sum(p for key, p in found.items() if min(key) < 0))
        if np.isnan(here) or here >= tvd:
            worst = max(off, key=lambda key: abs(off[key]))
            tvd, name = here, told(model, (given, (-1,) * wanted.prompt + worst), wanted, prompt=False)
            words = f"{name} has probability {found.get(worst, 0.0):.6g}, not {expected.get(worst, 0.0):.6g}"
    return law_verdict(tvd, bound, leak, words, f"{sum(map(len, law.values())):,} outcomes")


def law_verdict(tvd: float, bound: float, leak: float, words: str, compared: str) -> Verdict:
    """Return PASS where the exact law is within the bound and nothing leaks, else FAIL."""
    figures = {"method": "law", "tvd": tvd, "tvd_bound": bound, "leak": leak}
    if leak > MOST_LEAK:
        return Verdict("FAIL", f"readings that stand for nothing have probability {leak:.3g}", figures=figures)
    if not tvd <= bound + MOST_LEAK:
        allowed = f"more than the {bound:.3g} promised" if bound else "not 0"
        return Verdict(
            "FAIL", f"the circuit's exact law has TVD {tvd:.3g} from the model's, {allowed}: {words}", figures=figures
        )
    return Verdict("PASS", f"exact law of {compared} as promised, TVD {tvd:.1g}", figures=figures)


def tokens_of(law: Mapping[Symbols, float], steps: int) -> dict[Symbols, float]:
    """Return the law of the tokens alone."""
    result: dict[Symbols, float] = {}
    for key, p in law.items():
        result[key[:steps]] = result.get(key[:steps], 0.0) + p
    return result


def told(model: TextModel, key: Key, wanted: Promised, *, prompt: bool = True) -> str:
    """Return an input and an output in words."""
    given, output = key
    kept, made = output[: wanted.prompt], output[wanted.prompt : wanted.prompt + wanted.steps]
    words = repr(model.text(made))
    if output[wanted.prompt + wanted.steps :]:
        words += f" at positions {', '.join(map(str, output[wanted.prompt + wanted.steps :]))}"
    if kept and prompt:
        words += f" after {model.text(kept)!r}"
    return words if not given or (prompt and given == kept) else f"{words} from {model.text(given)!r}"


def number(value: complex) -> str:
    """Return a complex number for a message; parts that are rounding are left out.

    Example:
        >>> number(0.5 + 1e-17j), number(1e-17 - 0.5j), number(0.6 + 0.8j)
        ('0.5', '-0.5i', '0.6+0.8i')
    """
    real, imag = (0.0 if abs(part) < ROUNDING else part for part in (value.real, value.imag))
    if not imag:
        return f"{real:.6g}"
    return f"{real:.6g}{imag:+.6g}i" if real else f"{imag:.6g}i"
