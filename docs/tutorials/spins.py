# SPDX-License-Identifier: Apache-2.0
# %% [markdown]
# # Spins: attention without entanglement
#
# In 1-bit self-attention a token is N spins, each +1 or -1. Given the tokens before, the spins of the next one are independent, so a
# token is a circuit of N qubits with one rotation each and **no two-qubit gate** ([arXiv 2406.07247](https://arxiv.org/abs/2406.07247)).
# What makes it interesting is memory: averaged over many spins the network is a dynamical system that can cycle, drift or be chaotic. You
# will see all three, and then run tokens of 99 qubits.
#
# ## The rule
#
#     m^a_b = (1 - eps) <W^a_bi x_i>_i + eps <W^a_bp p_p>_p             overlaps of a token with its features, a = q, k, v, o
#     A_b   = sum_d softmax_d [ gamma / sqrt M  sum_c m^q_c(t) m^k_c(t-d) ]  m^v_b(t-d)      attention over L = 2^P tokens
#     P(x_i = +-1) = (1 +- tanh(beta h_i)) / 2 ,   h_i = sum_b W^o_bi A_b
#
# `beta` is an inverse temperature: at 0 every spin is a fair coin.

# %%
from dataclasses import replace

import numpy as np
import stinespring as ss
from stinespring.models.spins import diagram, lyapunov, mean_field, run_network

network = ss.load("examples/spins.json")
print(
    f"N = {network.spins} spins, M = {network.M} features, L = {network.L} tokens of context, beta = {network.beta}"
)

# %% [markdown]
# ## The mean field
#
# For N to infinity the average over spins becomes exact and the randomness is gone: what is left is a map of the last L attention
# vectors. Follow it at three temperatures, after a transient.

# %% The overlap m_o[0] against the same one token later, after 3,000 tokens: a cycle, chaos, and a closed curve
import matplotlib.pyplot as plt

betas = np.array([1.0, 1.4, 2.05])
found = diagram(network, betas=betas, transient=3000, keep=1500)
figure, panels = plt.subplots(1, 3, figsize=(6.4, 2.4), sharex=True, sharey=True)
for axes, beta, points in zip(panels, betas, found.m_o, strict=True):
    axes.plot(
        points[:-1, 0],
        points[1:, 0],
        ".",
        markersize=1.5,
        color="#3f51b5",
        rasterized=True,
    )
    axes.set_title(f"beta = {beta}", fontsize=10)
panels[0].set_ylabel("next token")
panels[1].set_xlabel("m_o[0]")

# %% [markdown]
# Are the cloud in the middle and the curve on the right different in kind? A picture cannot tell; the leading Lyapunov exponent can. It is
# the rate, in nats a token, at which two neighbouring contexts part: negative for a cycle, positive for chaos, 0 for a closed curve.

# %%
for beta in betas:
    motion = lyapunov(replace(network, beta=float(beta)), transient=3000, steps=3000)
    value, error = motion.exponents.values[0, 0], motion.exponents.standard_errors[0, 0]
    print(f"beta {beta}: {value:+.3f} +- {error:.3f} nats a token")

# %% [markdown]
# **What goes wrong here**: transients. Near beta = 1.15 chaotic motion can outlive thousands of tokens and then settle into a cycle; a
# short run reports an exponent that the attractor does not have. Where it matters, lengthen the transient until nothing changes
# ([what the example shows](../spins.md#what-the-example-shows)).
#
# ## Finitely many spins
#
# With N spins the overlap fluctuates around the mean field by about `c / sqrt N`. Spins with equal features are exchangeable, so a
# token of a million spins costs a handful of binomial draws, exactly in law.

# %% Distance of one run from the mean field at beta = 1, averaged over eight tokens and 200 runs: it falls as 1/sqrt N
sizes, gaps = [], []
for repeat in (1, 10, 100, 1000):
    larger = replace(network, repeat=network.repeat * repeat, beta=1.0)
    limit = mean_field(larger, steps=8).m_o[0, 1:]
    runs = run_network(larger, steps=8, runs=200, seed=1)
    sizes.append(larger.spins)
    gaps.append(float(np.abs(runs.m_o[0] - limit).mean()))
figure, axes = plt.subplots()
axes.loglog(sizes, gaps, "o-", color="#3f51b5", label="sampled")
axes.loglog(
    sizes,
    gaps[-1] * np.sqrt(sizes[-1] / np.array(sizes)),
    "--",
    color="#9e9e9e",
    label="c / sqrt N",
)
axes.set_xlabel("N")
axes.set_ylabel("mean distance")
axes.legend(frameon=False)

# %% [markdown]
# ## As circuits
#
# `stepwise`: the host computes the fields from the spins that were measured and binds one angle a qubit,
# `theta_i = 2 arctan exp(-beta h_i)`. Ninety-nine qubits are no problem, since there is nothing to entangle.

# %% [sampled]
program = ss.compile(network, steps=2)
print(
    program.schedule,
    "|",
    program.cost.qubits,
    "qubits,",
    program.cost.two_qubit_gates,
    "two-qubit gates",
)
samples = ss.run(program, shots=150, seed=1)
verdict = ss.check(samples, resolution=0.4)
law, limit = verdict.parts["product law"], verdict.parts["mean field"]
print("law of the tokens:", law.verdict, "|", law.reason)
print("mean field:       ", limit.verdict)

# %% [markdown]
# With so few shots the resolution is coarse, and it is printed. Note also *what* a PASS covers for 99 spins: nobody can list 2^99 outcomes;
# the statement is about single spins, pairs and sums, and says so ([scope](../statistics.md#the-scope)).
#
# Three spins can have their context in qubits or in classical bits instead, so that the whole text is one circuit:

# %%
small = ss.load("examples/three_spins.json")
for schedule in ("static", "dynamic"):
    cost = ss.compile(small, steps=3, schedule=schedule).cost
    print(
        f"{schedule}: {cost.qubits} qubits, {cost.two_qubit_gates} two-qubit gates, {cost.conditions} conditions"
    )
