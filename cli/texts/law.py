# SPDX-License-Identifier: Apache-2.0
"""``stinespring law``: the exact joint law of the next tokens."""

from __future__ import annotations

from stinespring.cli import options
from stinespring.cli.output import SHOWN, print_json, print_table, progress
from stinespring.models.load import load
from stinespring.models.texts.fock import start


def law(
    model: options.Model,
    steps: options.Steps,
    prompt: options.Prompt = None,
    input_state: options.InputState = None,
    level: options.Level = None,
    top_k: options.TopK = None,
    temperature: options.Temperature = None,
    json: options.Json = False,
) -> None:
    """Print the exact joint law of the next tokens."""
    source = load(model, top_k=top_k, temperature=temperature)
    with progress("computing the law"):
        begin = start(source, prompt, steps, input_state=input_state, level=level)
        joint = begin.model.joint(begin.prompt.tolist(), steps)
    if json:
        print_json({"format": "stinespring/law@1", "model": source.name, "steps": steps, "joint": dict(joint)})
        return
    ranked = sorted(zip(joint.probabilities.tolist(), joint.texts.tolist(), strict=True), key=lambda row: (-row[0], row[1]))
    rows = [[repr(source.plain(text)), f"{p:.6f}"] for p, text in ranked[:SHOWN]]
    more = f", the {SHOWN} most likely" if len(joint) > SHOWN else ""
    print_table(f"{len(joint):,} text(s) after {prompt or str(input_state)!r}{more}", ["text", "probability"], rows)
