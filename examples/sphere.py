# SPDX-License-Identifier: Apache-2.0
"""A layer on the sphere: particles move, the energy rises, and one particle's step becomes a circuit with post-selection."""

from pathlib import Path

import numpy as np

from stinespring.checks.sphere.sphere import check_overlaps, judge_layers, layer_programs, sample_layers
from stinespring.models.sphere.files import read_sphere
from stinespring.models.sphere.simulate import simulate

model = read_sphere(Path(__file__).with_name("sphere.json"))
run = simulate(model, steps=200, scheme="adaptive", stop=True)
print(f"after {run.step} adaptive steps (time {run.time:.3g}): {run.energy}, residual {run.residual:.2g}")

[program, _] = layer_programs(model, [0])
after = simulate(model, steps=1).positions[0]
print(f"particle 0: {program.cost.qubits} qubits, {program.cost.two_qubit_gates} two-qubit gates")
print(f"  success {program.success_probability:.4f}, post-selected state off by {np.abs(program.updated - after).max():.1e}")

programs = layer_programs(model, range(model.n))
layers = judge_layers(programs, sample_layers(programs, shots=20_000, seed=1))
print(f"layer steps, amplitudes and fidelities: {layers.verdict}, {layers.reason}")
overlaps = check_overlaps(model, shots=40_000, seed=2)
print(f"overlaps: {overlaps.overlaps.verdict}, {overlaps.overlaps.reason}")
if overlaps.energy is not None:
    e = overlaps.energy
    print(f"energy: {e.verdict}, sampled {e.estimate:.5f}, analytic {e.analytic:.5f} +- {e.standard_deviation:.5f}")
raise SystemExit(0 if layers.passed and overlaps.verdict == "PASS" else 1)
