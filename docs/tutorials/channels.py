# SPDX-License-Identifier: Apache-2.0
# %% [markdown]
# # Channels: any noise as a circuit, and the proof
#
# Everything that can happen to a quantum system, noise, measurement, a block of a transformer, is a completely positive
# trace-preserving map (CPTP), a *channel*. Stinespring's theorem says that each is a unitary on a larger system, part of which is
# forgotten. This tutorial builds that unitary for amplitude damping, checks that it is the channel, and then replaces it with something
# cheaper.
#
# ## A channel
#
#     E(rho) = sum_a K_a rho K_a^dagger ,     sum_a K_a^dagger K_a = 1
#
# Amplitude damping with probability g: an excited qubit falls to |0> with probability g, and what was a superposition loses coherence.

# %%
import numpy as np
import stinespring as ss
from stinespring import channels

damping = channels.amplitude_damping(0.3)
print("Kraus rank", damping.rank)
excited, plus = np.diag([0, 1]).astype(complex), np.full((2, 2), 0.5, dtype=complex)
print("E(|1><1|) =", np.diag(damping(excited)).real)
print(
    "coherence of E(|+><+|):",
    damping(plus)[0, 1].real.round(6),
    "= sqrt(1 - g) / 2 =",
    (np.sqrt(0.7) / 2).round(6),
)

# %% [markdown]
# ## The dilation
#
#     V |psi> = sum_a K_a |psi> (x) |a>
#
# with `ceil(log2 rank)` qubits of environment that nobody reads. Here: one more qubit.

# %%
program = ss.compile(damping, form="isometry")
print(program.cost.qubits, "qubits,", program.cost.two_qubit_gates, "two-qubit gates")
print(program.draw(output="text", fold=110))

# %% [markdown]
# ## Two proofs, and a difference between them
#
# **Exact.** A simulator returns the matrix of what the circuit does to half of an entangled pair: its Choi matrix. It is compared with the
# channel's, and the diamond distance is enclosed between two certified ends.

# %%
exact = ss.verify_channel(damping, program)
print(exact.verdict, "| Choi error below 1e-12:", exact.figures["choi_error"] < 1e-12)
print("diamond distance at most 1e-9:", exact.figures["diamond_distance"] <= 1e-9)

# %% [markdown]
# **Sampled.** On a device nobody returns matrices. Random products of Pauli eigenstates go in, random Pauli bases are measured, and one
# test over all settings decides.

# %% [sampled]
sampled = ss.check(ss.run(program, shots=20_000, settings=20, seed=1))
print(sampled.verdict)
print(sampled.reason)

# %% [markdown]
# The sampled PASS is a statement about the settings that were drawn, at a resolution. It is *not* a bound on the diamond distance: not all
# settings were drawn, and entangled inputs can show a difference more plainly than any product of states does.
#
# ## A wrong channel is found
#
# Damping with g = 0.35 instead of 0.3:

# %%
other = ss.verify_channel(channels.amplitude_damping(0.35), program)
low, high = other.figures["diamond_low"], other.figures["diamond_distance"]
print(f"{other.verdict} | diamond distance between {low:.4f} and {high:.4f}")

# %% The diamond distance between damping 0.3 and damping g: what `verify_channel` would report
import matplotlib.pyplot as plt

grid = np.linspace(0.1, 0.5, 17)
distances = [
    channels.diamond_distance(
        damping.choi(), channels.amplitude_damping(g).choi(), inputs=1
    )
    for g in grid
]
figure, axes = plt.subplots()
axes.plot(grid, [d.high for d in distances], "o-", color="#3f51b5")
axes.set_xlabel("g")
axes.set_ylabel("diamond distance")

# %% [markdown]
# ## Cheaper: a tree of measurements
#
# If nobody needs the environment coherently it may be measured on the way. One ancilla, `ceil(log2 rank)` rounds: each round measures
# which half of the Kraus operators acts, and what follows is conditioned on it. A mixture of unitaries needs no two-qubit gate at all,
# because classical randomness is enough; the compiler recognises it.

# %%
some = {
    "damping": damping,
    "depolarizing": channels.depolarizing(0.1),
    "random": channels.random_channel(1, rank=4, seed=1),
}
print("two-qubit gates and mid-circuit measurements")
for name, channel in some.items():
    for form in ("isometry", "tree"):
        cost = ss.compile(channel, form=form).cost
        print(
            f"{name:13} {form:9} {cost.two_qubit_gates} {cost.mid_circuit_measurements}"
        )

# %% [markdown]
# Which is better depends on the device: a mid-circuit measurement errs about as often as two two-qubit gates, and takes longer than
# many. `form="auto"` counts it as two.
#
# ## An attention block is a channel
#
# A block of a transformer fixes only what happens to *texts*, the diagonal of the density matrix. What happens to superpositions of texts
# is a choice, and there are three natural ones. They have the same law, and are different channels:

# %%
model = ss.load("examples/two_tokens.json")
blocks = {
    name: channels.block_channel(model, 1, level=3, extension=name)
    for name in ("token", "position", "dephased")
}
for name, block in blocks.items():
    print(f"{name:9} Kraus rank {block.rank}")

# %% [markdown]
# `dephased` measures the text, `position` leaks which position was attended to, `token` leaks nothing about the text: one isometry, and
# (since the Fock space ends at `level`) a projector that leaves the longest texts alone. Ask for one with `extension=` when you compile texts ([attention blocks as channels](../channels.md#attention-blocks-as-channels)).
