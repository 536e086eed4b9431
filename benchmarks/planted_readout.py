# SPDX-License-Identifier: Apache-2.0
"""Faults of detection and of random flips: in the flips, what undoes them, the weights, and what is dropped."""

from __future__ import annotations

from benchmarks.planted import Mutant

__all__ = ["COMMANDS", "PLANTED"]

TEXT = 'run examples/two_tokens.json --prompt "a b" --steps 4 --schedule dynamic --feed-forward all --shots 20000 --seed 5'
COMMANDS = {
    "flips": f'{TEXT} --backend "aer?noise=benchmarks/readout_only.json" --mitigation readout --within none',
    "detected": 'run examples/three_tokens.json --prompt "sun rain" --steps 2 --schedule static --codes free --effort 0 '
    "--shots 20000 --seed 5 --detect",
}

PLANTED = (
    Mutant(
        "conditions are not turned with the flips",
        "backends/readout/flips.py",
        "    if not mask:\n",
        "    if mask or not mask:\n",
        "flips",
    ),
    Mutant(
        "qubits are not flipped back",
        "backends/readout/flips.py",
        "            if before[k]:\n                pending.add(wire)\n",
        "",
        "flips",
    ),
    Mutant(
        "deliberate errors have no sign",
        "backends/readout/weights.py",
        "result = base * (-1.0) ** design.kind * sizes",
        "result = base * 1.0**design.kind * sizes",
        "flips",
    ),
    Mutant(
        "the record keeps its deliberate errors",
        "pipeline/readout/flips.py",
        "int(self.design.flips[circuit, k] ^ self.design.errors[circuit, k]) << reading.bit",
        "int(self.design.flips[circuit, k]) << reading.bit",
        "flips",
    ),
    Mutant(
        "a program puts texts on spare codes, and they are dropped",
        "readings.py",
        "return np.asarray(np.array(self.symbols, dtype=np.int64)[codes]) if self.symbols",
        "return np.asarray(np.array((*self.symbols[1:], UNUSED), dtype=np.int64)[codes]) if self.symbols",
        "detected",
    ),
)
