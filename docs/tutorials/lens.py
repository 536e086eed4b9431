# SPDX-License-Identifier: Apache-2.0
# %% [markdown]
# # The lens: layers as reflections
#
# A decoder adds to a stream of numbers, layer by layer, and only the end of the stream is turned into probabilities. But one can ask
# after every layer: *what would you say if you ended here?* The answers are laws over the vocabulary, their square roots are quantum
# states, and what a layer does to them is a reflection. This tutorial follows one prompt through glassllm, a trained decoder of 0.85
# million parameters and 1,024 tokens, and runs its layers as a circuit.
#
# The idea is QLens ([arXiv 2510.11963](https://arxiv.org/abs/2510.11963)). Install the model with `pip install '.[demo]'`.
#
# ## States
#
#     psi = sqrt(softmax(W_U LN_f(x)))       x: the stream at the last token, LN_f: the final norm, W_U: the unembedding
#
# `psi` is real, has one entry for each token, and length 1. Point 0 is the embedding; then come attention and mlp of each layer.

# %%
import stinespring as ss
from stinespring.models.lens import load_decoder, read_states

decoder = load_decoder("glassllm:en")
states = read_states(decoder, "Alice was beginning to")
print(
    states.psi.shape,
    "points and tokens; entropy in nats, and the three likeliest tokens",
)
for number, point in enumerate(states.points):
    best = ", ".join(
        f"{decoder.tokens[token]} {share:.2f}" for token, share in states.top(number, 3)
    )
    print(f"{number}  {point!s:14}  {states.entropy[number]:.2f}  {best}")

# %% Entropy of what the decoder would say after each layer
import matplotlib.pyplot as plt

figure, axes = plt.subplots()
axes.plot(range(len(states.points)), states.entropy, "o-", color="#3f51b5")
axes.set_xlabel("point: embedding, then attention and mlp of each layer")
axes.set_ylabel("entropy / nats")

# %% [markdown]
# At the embedding the lens reads the last token back (`▁to`, entropy 0): nothing has been computed yet. In between it speaks a language
# that the unembedding was not made for, and only the last point is the model's own softmax. That is a property of the *lens*: a trained
# one ([the tuned lens](../lens.md#the-tuned-lens)) sees more. Do not conclude from a logit lens that "the model does not know yet".
#
# ## Layers
#
# Two unit vectors lie in a plane, and a reflection takes one to the other:
#
#     v = (psi_out - psi_in) / |psi_out - psi_in|
#     U = 1 - 2 v v^T           U psi_in = psi_out, U U = 1, eigenvalue -1 on v and 1 elsewhere
#
# It is given by `v` alone. As a matrix it would have a million entries here; applying it costs a few operations a token.

# %%
layer = states.operator(3)
print(
    "U psi_in = psi_out, off by",
    f"{abs(layer.apply(states.psi[2]) - states.psi[3]).max():.0e}",
)
halfway = abs(layer.evolve(states.psi[2], 0.5)) ** 2
print("half the layer is a law, too:", round(float(halfway.sum()), 12))

# %% [markdown]
# `U = exp(-i H)` with `H = pi v v^T`, so there are fractions of a layer: `exp(-i H t)`. At t = 1/2 amplitudes are complex, and their
# squares are a law that no classical interpolation gives.
#
# ## Are layers alike?
#
# It is tempting to compare operators by `cos(U, U')`. Beware: `cos(U, U') = 1 - 4/V + (4/V) (v.v')^2` can never be below
# `1 - 4/V = 0.996`, whatever the layers do. Read `(v.v')^2` instead.

# %%
v = states.v
print(
    "cos(U, U') of the first two layers:",
    round(1 - 4 / v.shape[1] + 4 / v.shape[1] * float(v[0] @ v[1]) ** 2, 4),
)
print("(v.v')^2:                          ", round(float(v[0] @ v[1]) ** 2, 4))

# %% [markdown]
# ## The circuit
#
# A reflection about `v` is *undo the preparation of v, turn the phase of |0>, prepare v*. Ten qubits hold 1,024 tokens. Neighbouring
# preparations merge, which is an identity between operators: the circuit does to every input what the layers do.

# %%
program = ss.compile(states, upto=4)
print(
    program.cost.qubits,
    "qubits,",
    program.cost.two_qubit_gates,
    "two-qubit gates for 4 layer operators",
)

# %% [markdown]
# A generic unitary of ten qubits would take half a million. Sample it, and hold it against the lens at that point. 1,024 outcomes need
# more shots than two; the resolution says what they can see.

# %% [sampled]
samples = ss.run(program, shots=20_000, seed=1)
verdict = ss.check(samples, resolution=0.15)
print(verdict.verdict)
print(verdict.reason)

# %% The likeliest tokens after layer 1: sampled against the lens [sampled]
top = states.top(4, 6)
names = [decoder.tokens[token].replace("▁", "_") for token, _ in top]
counts = samples.by_text()
figure, axes = plt.subplots()
axes.bar(
    names,
    [counts.get(decoder.tokens[token], 0) / samples.shots for token, _ in top],
    color="#9fa8da",
    label="sampled",
)
axes.plot(names, [share for _, share in top], "o", color="#1a237e", label="lens")
axes.legend(frameon=False)
axes.set_ylabel("probability")

# %% [markdown]
# ## What to look at next
#
# - `stinespring lens run MODEL --prompt P --every-point` samples all points and shares the false-alarm rate among them.
# - `stinespring lens study` compares operators over many prompts, with tests against random directions.
# - A decoder of your own: [my own model](../howto/own-model.md).
