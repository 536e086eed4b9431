"""A noise channel as two circuits, and the proof that both are the channel."""

import stinespring as ss
from stinespring import channels
from stinespring.checks.process import sample_process, verify_channel

damping = channels.generalized_amplitude_damping(0.3, 0.2)
for form in ("isometry", "tree"):
    program = ss.compile_channel(damping, form=form)
    exact = verify_channel(damping, program.circuit)
    sampled = sample_process(damping, program.circuit, shots=20_000, settings=20, seed=1)
    print(f"{form}: rank {damping.rank}, {program.cost.two_qubit_gates} two-qubit gates, {program.cost.qubits} qubits")
    print(f"  exact: {exact.verdict}, {exact.reason}")
    print(f"  sampled: {sampled.verdict}, {sampled.reason}")

mixture = ss.compile_channel(channels.depolarizing(0.1, qubits=2), effort=0)
print(f"two-qubit depolarizing, {mixture.form}: {mixture.cost.two_qubit_gates} two-qubit gates; {mixture.method}")
