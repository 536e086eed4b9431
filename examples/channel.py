# SPDX-License-Identifier: Apache-2.0
"""A noise channel as two circuits, and the proof that both are the channel."""

import stinespring as ss
from stinespring import channels

damping = channels.generalized_amplitude_damping(0.3, 0.2)
for form in ("isometry", "tree"):
    program = ss.compile(damping, form=form)
    exact = ss.verify_channel(damping, program)
    sampled = ss.check(ss.run(program, shots=20_000, settings=20, seed=1))  # random product inputs and measurements
    print(f"{form}: rank {damping.rank}, {program.cost.two_qubit_gates} two-qubit gates, {program.cost.qubits} qubits")
    print(f"  exact: {exact.verdict}, {exact.reason}")
    print(f"  sampled: {sampled.verdict}, {sampled.reason}")

mixture = ss.compile(channels.depolarizing(0.1, qubits=2), effort=0)
told = mixture.details
print(f"two-qubit depolarizing, {told['form']}: {mixture.cost.two_qubit_gates} two-qubit gates; {told['method']}")
