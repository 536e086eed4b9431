# SPDX-License-Identifier: Apache-2.0
"""Train attention blocks on the opening of a novel, and run what came of it as quantum circuits.

alice.txt is the opening of Lewis Carroll, "Alice's Adventures in Wonderland" (Macmillan, 1865), in the public domain. The file
trained_alice.json beside it was written by this script, as `stinespring train alice.txt --mlp 32 -o trained_alice.json` does.
"""

import json
from pathlib import Path

import stinespring
from stinespring.models.training.train import Sizes, train

trained = train(Path(__file__).with_name("alice.txt"), Sizes(mlp=32), steps=150)
output = Path("trained_alice.json")
output.write_text(json.dumps(trained.content, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
figures = trained.figures
print(f"{figures['parameters']} parameters; KL per token on text held out: {figures['kl_per_token']['held_out']:.3f} nats")
for row in figures["ngrams"]:
    print(f"  n-gram, {row['context']} characters back: {row['kl_per_token']['held_out']:.3f} nats")

model, passed = stinespring.load(output), True
for schedule in ("static", "dynamic"):
    program = stinespring.compile(model, prompt="▁ t h e", steps=2, schedule=schedule, effort=0)
    samples = stinespring.run(program, shots=20_000, seed=7)
    verdict = stinespring.check(samples, alpha=1e-6)
    print(f"{schedule}: {program.cost.qubits} qubits, {program.cost.two_qubit_gates} CX, {verdict.verdict}: {verdict.reason}")
    passed = passed and verdict.passed
raise SystemExit(0 if passed else 1)
