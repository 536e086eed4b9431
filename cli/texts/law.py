# SPDX-License-Identifier: Apache-2.0
"""``stinespring law``: the exact joint law of the next tokens."""

from __future__ import annotations

from typing import Any

from stinespring.cli import options
from stinespring.cli.output import SHOWN, print_json, progress, say_rounding
from stinespring.cli.screen import print_table
from stinespring.errors import InputError
from stinespring.models.load import load
from stinespring.models.texts.fock import start
from stinespring.models.texts.joint import JointLaw
from stinespring.models.texts.memory import TOLERANCES, MemoryCut, coded, memory_of, shorter
from stinespring.showing import many

CODES = ("free", "prefix")  # what the memory between two steps is told of: tokens, or their places after each prefix


def law(
    model: options.Model,
    steps: options.Steps,
    prompt: options.Prompt = None,
    input_state: options.InputState = None,
    level: options.Level = None,
    top_k: options.TopK = None,
    top_p: options.TopP = None,
    temperature: options.Temperature = None,
    layer: options.Layer = None,
    memory: options.Remembered = False,
    codes: options.CodesOption = None,
    json: options.Json = False,
) -> None:
    """Print the exact joint law of the next tokens, or what must be remembered between them."""
    if codes not in (None, *CODES) or (codes is not None and not memory):
        raise InputError(
            "codes of a law matter for its memory", got=f"--codes {codes}", expected="--memory with --codes free or prefix"
        )
    source = load(model, top_k=top_k, top_p=top_p, temperature=temperature, layer=layer)
    say_rounding(source)
    with progress("computing the law"):
        begin = start(source, prompt, steps, input_state=input_state, level=level)
        joint = begin.model.joint(begin.prompt.tolist(), steps)
        found = remembered(joint, codes) if memory else {}
    if json:
        plain = found | {"memory": [cut.plain() for cut in found["memory"]]} if memory else {}
        print_json({"format": "stinespring/law@1", "model": source.name, "steps": steps, "joint": dict(joint)} | plain)
        return
    if memory:
        print_memory(found["memory"], found["codes"])
        return
    ranked = sorted(zip(joint.probabilities.tolist(), joint.texts.tolist(), strict=True), key=lambda row: (-row[0], row[1]))
    rows = [[repr(source.plain(text)), f"{p:.6f}"] for p, text in ranked[:SHOWN]]
    more = f", the {SHOWN} most likely" if len(joint) > SHOWN else ""
    print_table(f"{many(len(joint), 'text')} after {prompt or str(input_state)!r}{more}", ["text", "probability"], rows)


def remembered(joint: JointLaw, codes: str | None) -> dict[str, Any]:
    """Return what must be remembered at every cut, with codes by prefix where these are asked for or take fewer bits."""
    codes = codes or ("prefix" if shorter(joint) else "free")
    return {"codes": codes, "memory": memory_of(coded(joint) if codes == "prefix" else joint)}


def print_memory(cuts: list[MemoryCut], codes: str) -> None:
    """Print quantum states beside classical ones, cut by cut."""
    columns = ["after step", "states", "C_mu", "C_q", *(f"at TVD {tolerance:g}" for tolerance in TOLERANCES)]
    rows = []
    for cut in cuts:
        figures = [f"{cut.classical_states:,}/{cut.rank:,}", f"{cut.classical_entropy:.3f}", f"{cut.quantum_entropy:.3f}"]
        pairs = [("?" if cut.classical_at is None else cut.classical_at[e], cut.quantum_states[e]) for e in TOLERANCES]
        rows.append([str(cut.step), *figures, *(f"{classical}/{quantum}" for classical, quantum in pairs)])
    told = "places after each prefix" if codes == "prefix" else "tokens"
    title = f"What must be remembered between two steps, of {told}: classical/quantum states, and their entropies in bits"
    print_table(title, columns, rows, [name for name in reversed(columns) if name.startswith("at TVD")])
