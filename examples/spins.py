# SPDX-License-Identifier: Apache-2.0
"""1-bit self-attention: 99 spins as 99 qubits, three tokens, against their exact law and the mean field."""

from pathlib import Path

import stinespring
from stinespring.models.spins import lyapunov

network = stinespring.load(Path(__file__).with_name("spins.json"))
motion = lyapunov(network, transient=1000, steps=2000)
print(f"beta {network.beta}: leading exponent {motion.exponents.values[0, 0]:+.3f} nats a token, so chaos")

program = stinespring.compile(network, steps=3)  # one Ry a spin; the host computes the fields from measured spins
samples = stinespring.run(program, shots=200, seed=1)
found = stinespring.check(samples, resolution=0.3)
law, limit = found.parts["product law"], found.parts["mean field"]
print(f"{law.verdict}: every token against its product law, p = {law.p_value:.3g}")
print(f"{limit.verdict}: mean field: {limit.reason}")
