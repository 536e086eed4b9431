# SPDX-License-Identifier: Apache-2.0
"""1-bit self-attention: 99 spins as 99 qubits, three tokens, against their exact law and the mean field."""

from pathlib import Path

from stinespring.backends.spins import sample_spins
from stinespring.checks.spins.spins import check_mean_field, check_spins
from stinespring.compiler.systems.spins import compile_spins
from stinespring.models.spins import lyapunov, read_network

network = read_network(Path(__file__).with_name("spins.json"))
motion = lyapunov(network, transient=1000, steps=2000)
print(f"beta {network.beta}: leading exponent {motion.exponents.values[0, 0]:+.3f} nats a token, so chaos")

program = compile_spins(network, steps=3)  # one Ry a spin; the host computes the fields from measured spins
samples = sample_spins(program, shots=200, seed=1)
verdict, limit = check_spins(samples, resolution=0.3), check_mean_field(samples)
print(f"{verdict.verdict}: every token against its product law, p = {verdict.p_value:.3g}")
print(f"{limit.verdict}: mean field: {limit.reason}")
