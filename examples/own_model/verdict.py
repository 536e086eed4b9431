# SPDX-License-Identifier: Apache-2.0
"""From a model of your own to a verdict: by its class, by its file, and from its likeliest tokens only.

python examples/own_model/verdict.py
"""

from pathlib import Path

import stinespring as ss

HERE = Path(__file__).parent


def main():
    """Compile three days, sample them, and hold the samples to the model's law."""
    model = ss.load(f"{HERE / 'own_model' / 'weather.py'}:Weather")
    verdicts = []
    for law in (model, ss.top_k(model, 2), ss.temperature(model, 0.5)):
        program = ss.compile(law, prompt="sun", steps=3)
        samples = ss.run(program, shots=20_000, seed=1)
        verdict = ss.check(samples)
        likeliest = max(law.joint("sun", 3).items(), key=lambda pair: pair[1])
        print(f"{program.cost.qubits} qubits, {likeliest[0]!r} with probability {likeliest[1]:.4f}: {verdict.verdict}")
        verdicts.append(verdict.verdict)
    return verdicts == ["PASS"] * 3


if __name__ == "__main__":
    raise SystemExit(0 if main() else 1)
