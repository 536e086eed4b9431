# SPDX-License-Identifier: Apache-2.0
"""Faults of codes that depend on the text before: in the order, the book, the fit, the bound, and what is decoded."""

from __future__ import annotations

from benchmarks.planted import Mutant

__all__ = ["COMMANDS", "PLANTED"]

TEXT = 'run glassllm:en --prompt "Alice was" --top-k 4 --steps 2 --schedule static --shots 40000 --seed 5'

COMMANDS = {
    "codes: prefix": f"{TEXT} --codes prefix --effort 0",
    "codes: texts": f"{TEXT} --codes texts --effort 0",
    "codes: fitted": f"{TEXT} --codes prefix --tolerance 0.05",
    "codes: one qubit": f"{TEXT} --codes prefix --effort 0".replace("static", "dynamic --max-qubits 1"),
}

PLANTED = (
    Mutant(
        "the ranks of one prefix are another one's",
        "compiler/texts/encode.py",
        "        order, ranked = order[:, :size], ranked[:, :size]\n",
        "        order, ranked = order[:, :size], ranked[:, :size]\n        order = np.roll(order, 1, axis=0)\n",
        "codes: prefix",
    ),
    Mutant(
        "texts are numbered in one order and drawn in another",
        "compiler/texts/encode.py",
        "coded.book.texts[order])",
        "coded.book.texts[order[::-1]])",
        "codes: texts",
    ),
    Mutant(
        "the book is read without what came before",
        "readings.py",
        "        at = np.where(keys[place] == key, place, -1)\n",
        "        at = np.where(keys[place] == key, place, -1) * 0\n",
        "codes: prefix",
    ),
    Mutant(
        "codes that are fitted keep their old texts",
        "compiler/texts/fitted.py",
        "coded.book.texts[codes.which])",
        "coded.book.texts)",
        "codes: fitted",
    ),
    Mutant(
        "a fitted circuit claims the law it was fitted to",
        "compiler/texts/fitted.py",
        "            return drafted(draft, coded, found, realised, gates)\n",
        "            return drafted(draft, coded, found, found.law, gates)\n",
        "codes: fitted",
    ),
    Mutant(
        "the bound of a fit is halved",
        "compiler/texts/choose.py",
        "    return min(bound, distance + ROUNDING)\n",
        "    return min(bound, distance + ROUNDING) / 2\n",
        "codes: fitted",
    ),
    Mutant(
        "histories hold the rank of another step",
        "compiler/texts/encode.py",
        "    contexts[:, tokens] = codes[where]\n",
        "    contexts[:, tokens] = codes[where][:, ::-1] ^ (codes[where] * 0 + 1)\n",
        "codes: one qubit",
    ),
)
