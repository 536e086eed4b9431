# SPDX-License-Identifier: Apache-2.0
# %% [markdown]
# # Particles on the sphere: a layer as a post-selection
#
# Layer normalisation puts every token on a sphere. A transformer is then a system of particles that move on it: attention pulls them
# together, the perceptron pushes each on its own, normalisation keeps them on the sphere
# ([arXiv 2312.10794](https://arxiv.org/abs/2312.10794), [arXiv 2601.21366](https://arxiv.org/abs/2601.21366)). In this tutorial you
# watch them cluster, follow an energy that must not move the wrong way, and run one layer of one particle as a circuit in which
# *normalisation is a post-selection*.
#
# ## What moves
#
#     x_i' = +- P_{x_i} ( sum_j k_ij x_j / Z_i + sum_r w_r sigma(a_r . x_i) a_r )      k_ij = exp(beta x_i . x_j)
#
# `P_x y = y - (x.y) x` projects to the tangent plane. The sign + is ascent (particles attract), - is descent. `beta` says how sharp
# attention is. Here are 60 particles on a circle; the scaled kernel `exp(beta (x.y - 1))` keeps its numbers small, and slows time down
# by `exp(beta)`.

# %%
import numpy as np
import stinespring as ss
from stinespring.models.sphere.files import random_model
from stinespring.models.sphere.simulate import simulate

crowd = random_model(particles=60, dimension=2, beta=9.0, seed=4, kernel="scaled")
run = simulate(crowd, steps=300, scheme="adaptive", every=1)
record = run.record.arrays()
print(
    run.step,
    "steps, time",
    round(run.time, 1),
    "| steps with the energy going the wrong way:",
    run.wrong_steps,
)

# %% Sixty particles on the circle: each line is a particle's angle; they meet in clusters, which then wait for each other
import matplotlib.pyplot as plt

angles = np.unwrap(
    np.arctan2(record["trajectory"][..., 1], record["trajectory"][..., 0]), axis=0
)
figure, axes = plt.subplots()
axes.semilogx(record["times"][1:], angles[1:], color="#3f51b5", linewidth=0.6)
axes.set_xlabel("time")
axes.set_ylabel("angle / rad")

# %% [markdown]
# Clusters form fast and merge slowly: *metastability*. If you stop early you count more clusters than there are in the end. Always say
# at what time, and by which rule, clusters were counted; single linkage and greedy arcs can differ by a factor of ten.
#
# ## The energy
#
#     E = (1 / 2 beta) mean_ij exp(beta x_i . x_j) + (1/2) mean_i v(x_i)
#
# rises along ascent. That is a theorem, so it is a test: the adaptive scheme refuses a step that breaks it by more than rounding, and
# `wrong_steps` counts them for the others.

# %% The energy along the run: it only rises
energies = record["energies"].sum(axis=1)  # attention and perceptron
figure, axes = plt.subplots()
axes.semilogx(record["times"][1:], energies[1:], color="#3f51b5")
axes.set_xlabel("time")
axes.set_ylabel("energy")
print("largest fall between two steps:", float(max(0.0, -np.diff(energies).min())))

# %% [markdown]
# ## A layer as a circuit
#
# One Euler step is `x <- N(c_0 x_i + sum_j c_j x_j + ...)`: a linear combination of states, normalised. Quantum computers know how to do
# that. A position register is prepared with amplitudes `sqrt(|c_k| / lambda)`, `lambda = sum |c_k|`; each position selects the preparation
# of one state; the position's preparation is undone. If the position is then found in |0>, the other register holds the normalised sum.
#
#     P(success) = |sum_k c_k v_k|^2 / lambda^2
#
# The projection to the sphere **is** the post-selection.

# %%
model = ss.load("examples/sphere.json")
program = ss.compile(model, particle=0, read="amplitudes")
told = program.details
moved = simulate(model, steps=1).positions[0]
print(
    model.n,
    "particles in dimension",
    model.d,
    "| qubits",
    program.cost.qubits,
    "| two-qubit gates",
    program.cost.two_qubit_gates,
)
print("success probability", round(told["success_probability"], 4))
print(
    "the state in the branch of success is off by",
    f"{np.abs(np.array(told['updated']) - moved).max():.0e}",
)

# %% [markdown]
# ## Is it right?
#
# Counts of the register show squares, no signs. So `check` looks at a second circuit too: the preparation of the analytic state is
# undone at the end, and any other reading than 0 together with success is an error.

# %% [sampled]
whole = ss.compile(model, particle=0)
verdict = ss.check(ss.run(whole, shots=20_000, seed=1))
print(verdict.verdict)
print(verdict.reason)

# %% [markdown]
# ## More success
#
# Shots that fail are lost. R rounds of amplitude amplification turn a success of `sin^2 t` into `sin^2 (2R+1) t` and leave the state
# alone. That is a rotation, and it can turn too far:

# %%
for rounds in (0, 1):
    layer = ss.compile(model, particle=0, amplify=rounds)
    print(
        f"rounds {rounds}: success {layer.details['success_probability']:.3f}, {layer.cost.two_qubit_gates} two-qubit gates"
    )

# %% [markdown]
# From 0.81 one round overshoots to 0.04, at four times the gates. `amplify="auto"` takes the best number of rounds, which is none here;
# amplification is for steps that seldom succeed, as with large steps or many particles that cancel.
#
# ## What to look at next
#
# - `stinespring sphere claims FILE` tests the theorems of arXiv 2601.21366 on a model, one of which is false as printed
#   ([the sphere](../sphere.md#what-is-claimed)).
# - `stinespring sphere overlaps FILE` estimates all pairs by Hadamard tests, and the energy from them.
# - What goes wrong: a large `beta` overflows the plain kernel; the scaled one makes the perceptron relatively `exp(beta)` times stronger.
