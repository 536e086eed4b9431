# SPDX-License-Identifier: Apache-2.0
"""Where drawing positions by rejection overtakes a table over contexts: gates and conditions of the last token of a text."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import stinespring
from benchmarks.sheet import Sheet, arguments
from stinespring.errors import TooLargeError
from stinespring.models.texts.attention import AttentionModel

__all__ = ["main"]

TOLERANCE = 0.05
FORMS: dict[str, dict[str, Any]] = {
    "controls": {"attention": "table", "feed_forward": "none"},
    "conditions": {"attention": "table", "feed_forward": "all"},
    "rejection": {"attention": "rejection", "tolerance": TOLERANCE},
}


def model() -> AttentionModel:
    """Return an attention block on two tokens whose scores differ by at most one."""
    head = {"query": [[0.5, 0.0], [0.0, 0.5]], "key": [[1.0, 0.0], [0.0, 1.0]], "value": [[1.0, 0.0], [0.0, 1.0]]}
    block = {"heads": [head], "readout": {"kind": "softmax", "temperature": 0.5}}
    return AttentionModel({"tokens": ["a", "b"], "embedding": [[1, 0], [0, 1]], "blocks": [block]}, "two tokens")


def main() -> None:
    """Print two-qubit gates on the worst path, conditions and qubits by length of the text and form."""
    parser = arguments("rejection", __doc__)
    parser.add_argument("--steps", type=int, nargs="+", default=[2, 4, 6, 8, 10, 12, 16])
    options, sheet = parser.parse_args(), Sheet("rejection")
    print(f"two tokens, prompt of two, tolerance {TOLERANCE} for rejection: CX / conditions / qubits")
    sheet.head("tokens", *FORMS)
    for steps in options.steps:
        cells, figures = [], {}
        for form, given in FORMS.items():
            try:
                cost = stinespring.compile(model(), prompt="a b", steps=steps, schedule="dynamic", effort=0, **given).cost
            except TooLargeError:
                cells.append("does not fit")
                continue
            cells.append(f"{cost.two_qubit_gates:,} / {cost.conditions:,} / {cost.qubits}")
            figures[form] = asdict(cost)
        sheet.row(steps, *cells, tokens=steps, **figures)
    sheet.keep(options.output)


if __name__ == "__main__":
    main()
