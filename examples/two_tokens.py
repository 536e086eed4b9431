# SPDX-License-Identifier: Apache-2.0
"""From a model to a verdict, with one probability computed by hand for comparison.

Block 1 attends with Q = K = V = 1: after the text (a, b) the last token b asks, so a answers with probability
1 / (1 + e). Block 2 asks with the swapped token.
"""

from math import e
from pathlib import Path

import stinespring

model = stinespring.load(Path(__file__).with_name("two_tokens.json"))
joint = model.joint("a b", 2)
print(f"P(a) after 'a b' by hand: {1 / (1 + e):.6f}, by the model: {joint['a a'] + joint['a b']:.6f}")
print("exact joint law:", {text: round(p, 6) for text, p in joint.items()})

program = stinespring.compile(model, prompt="a b", steps=2)
samples = stinespring.run(program, shots=20_000, seed=7)
verdict = stinespring.check(samples)
print("sampled:", samples.by_text())
print(f"{verdict.verdict}: {verdict.reason}")
raise SystemExit(0 if verdict.passed else 1)
