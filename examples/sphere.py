# SPDX-License-Identifier: Apache-2.0
"""A layer on the sphere: particles move, the energy rises, and one particle's step becomes a circuit with post-selection."""

from pathlib import Path

import numpy as np

import stinespring
from stinespring.models.sphere.simulate import simulate

model = stinespring.load(Path(__file__).with_name("sphere.json"))
run = simulate(model, steps=200, scheme="adaptive", stop=True)
print(f"after {run.step} adaptive steps (time {run.time:.3g}): {run.energy}, residual {run.residual:.2g}")

program = stinespring.compile(model, particle=0, read="amplitudes")
after, told = simulate(model, steps=1).positions[0], program.details
print(f"particle 0: {program.cost.qubits} qubits, {program.cost.two_qubit_gates} two-qubit gates")
off = np.abs(np.array(told["updated"]) - after).max()
print(f"  success {told['success_probability']:.4f}, post-selected state off by {off:.1e}")

program = stinespring.compile(model)  # all particles: the amplitudes of each, and its fidelity with the analytic state
layers = stinespring.check(stinespring.run(program, shots=20_000, seed=1))
print(f"layer steps, amplitudes and fidelities: {layers.verdict}, {layers.reason}")
program = stinespring.compile(model, test="hadamard")
found = stinespring.check(stinespring.run(program, shots=40_000, seed=2))
pairs = found.parts["overlaps"]
print(f"overlaps: {pairs.verdict}, {pairs.reason}")
if "energy" in found.parts:
    energy, e = found.parts["energy"], found.parts["energy"].figures
    print(
        f"energy: {energy.verdict}, sampled {e['estimate']:.5f}, analytic {e['analytic']:.5f} +- {e['standard_deviation']:.5f}"
    )
raise SystemExit(0 if layers.passed and found.passed else 1)
