# SPDX-License-Identifier: Apache-2.0
"""Two heads, positions, a feed-forward network: one circuit with the attended positions in registers of their own.

The ``position`` extension keeps which position each head attended to in environment registers. Measuring them samples
the attention map while the text is generated.
"""

from pathlib import Path

import numpy as np

import stinespring

model = stinespring.load(Path(__file__).with_name("three_tokens.json"))
prompt = "sun rain wind"
program = stinespring.compile(model, prompt=prompt, steps=2, extension="position")
samples = stinespring.run(program, shots=40_000, seed=3)

exact = model.attention(1, model.encode(prompt)[None, :])[0]
for head, row in enumerate(exact, start=1):
    attended = samples.outcomes[0].column(f"e1_{head}")
    sampled = np.bincount(attended, weights=samples.outcomes[0].counts, minlength=3)[:3] / samples.shots
    print(f"head {head} attends to {prompt.split()}: exact {row.round(3)}, sampled {sampled.round(3)}")
verdict = stinespring.check(samples)
print(f"{verdict.verdict}: {verdict.reason}")
raise SystemExit(0 if verdict.passed else 1)
