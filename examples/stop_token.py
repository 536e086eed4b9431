# SPDX-License-Identifier: Apache-2.0
"""Texts of different lengths: nothing is generated after the stop token, on one circuit or with the host in the loop."""

from pathlib import Path

import stinespring

model = stinespring.load(Path(__file__).with_name("stop_token.json"))
verdicts = []
for schedule in ("static", "stepwise"):
    program = stinespring.compile(model, prompt="on off", steps=4, schedule=schedule)
    samples = stinespring.run(program, shots=100_000, seed=11)
    ended = sum(count for text, count in samples.by_text().items() if text.endswith("."))
    verdict = stinespring.check(samples)
    verdicts.append(verdict)
    print(f"{schedule}: {program.cost.qubits} qubits, {ended / samples.shots:.3f} of the texts ended")
    print(f"  {verdict.verdict}: {verdict.reason}")
raise SystemExit(0 if all(verdict.passed for verdict in verdicts) else 1)
