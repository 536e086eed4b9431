# SPDX-License-Identifier: Apache-2.0
# %% [markdown]
# # Texts: a transformer as a quantum operation
#
# You will compile a transformer of two tokens into a circuit of two qubits, sample texts from it, and let a test decide whether they
# follow the model. Everything can be checked with a pocket calculator. It takes five minutes to read and seconds to run.
#
# ## The model
#
# The model has two tokens, `a` and `b`, with embeddings (1, 0) and (0, 1). A *block* looks at the text so far and appends one token.
# The last token asks, every token answers, and the position that is attended to is **drawn**, not averaged over
# ([arXiv 2507.13354](https://arxiv.org/abs/2507.13354)):
#
#     p_j = exp<Q x_n, K x_j> / sum_k exp<Q x_n, K x_k>      position j is attended to with probability p_j
#     y_j = FFN(V x_j)                                       what it contributes, read as the nearest token
#     P(t | x_1..x_n) = sum of p_j over the j with y_j = t   the law of the next token

# %%
import numpy as np
import stinespring as ss

model = ss.load("examples/two_tokens.json")
prompt = model.encode("a b")
print(
    "attended positions after 'a b':", model.attention(1, prompt[None, :])[0].round(6)
)
print("the next token:                ", model.law(1, prompt[None, :])[0].round(6))

# %% [markdown]
# By hand: Q = K = V = 1 in block 1, so `b` at the end scores 0 with `a` and 1 with itself. That gives `1/(1+e) = 0.268941` for `a` and
# `e/(1+e) = 0.731059` for `b`: the two numbers above.
#
# ## The joint law
#
# Two steps give four texts. The second block has Q = [[0, 1], [1, 0]]: now the last token prefers the *other* one. The joint law is the
# chain rule, `P(t1 t2) = P(t1) P(t2 | t1)`, and it is no product: what comes second depends on what came first.

# %%
law = model.joint("a b", 2)
for text in sorted(law):
    print(text, f"{law[text]:.6f}")

# %% [markdown]
# ## The circuit
#
# A block is a quantum operation on texts. Its Stinespring isometry appends a register that holds the next token in superposition,
#
#     V |w> = |w> (x) sum_t sqrt(P(t|w)) |t>
#
# and measuring that register samples the next token. `compile` chains two of them for a known prompt. Because the prompt is known and
# only the measured tokens are promised (`phases="free"`, the default), it may choose signs and codes so that gates vanish.

# %%
program = ss.compile(model, prompt="a b", steps=2)
print(program.cost.qubits, "qubits,", program.cost.two_qubit_gates, "two-qubit gates")
print(program.draw(output="text", fold=100))

# %% [markdown]
# Two qubits, and no two-qubit gate at all, although the second token depends on the first. How? After `a` the second token is `a` with
# .424 and `b` with .576; after `b` it is the other way round: the same two numbers in another order. The compiler noticed, and gave the
# likelier token the same code after either prefix. What the circuit prepares are two independent *ranks*; whoever reads the bits turns
# rank into token, given the token before. These are codes by prefix ([codes](../codes.md)), and they move work from the circuit
# to the reader, so a count of gates must always say which codes it is for. With one fixed code a token there is a gate:

# %%
fixed = ss.compile(model, prompt="a b", steps=2, codes="free")
print(
    program.details["codes"], program.cost.two_qubit_gates, "two-qubit gates;", end=" "
)
print(fixed.details["codes"], fixed.cost.two_qubit_gates)

# %% [markdown]
# As OpenQASM 3 the program is a few lines. `program.write("program.qasm")` puts them into a file, with a second one beside it that says
# what every code means; the two belong together.

# %%
print(program.qasm3())

# %% [markdown]
# ## Sampling
#
# The same seed gives the same counts.

# %% [sampled]
samples = ss.run(program, shots=20_000, seed=7)
print(samples.by_text())

# %% [markdown]
# ## The verdict
#
# Are these counts what the model says? No count ever equals its expectation, so the question needs a test, and the test must be able to
# fail. `check` computes the law again from the model (never from the circuit), and gives one of three answers:
#
# | | |
# |---|---|
# | **PASS** | no disagreement, *and* a law that is off by the resolution (0.05 in TVD) would have been noticed with probability 0.9 |
# | **FAIL** | a right program gives such samples at most once in 1,000 runs |
# | **UNVERIFIED** | no disagreement, but so few shots that nobody could have noticed one |

# %% [sampled]
verdict = ss.check(samples)
print(verdict.verdict)
print(verdict.reason)

# %% Sampled texts (bars) against the model's own law (marks), with three standard errors [sampled]
import matplotlib.pyplot as plt

counts, texts = samples.by_text(), sorted(law)
shares = np.array([counts.get(text, 0) for text in texts]) / samples.shots
exact = np.array([law[text] for text in texts])
figure, axes = plt.subplots()
axes.bar(texts, shares, color="#9fa8da", label="sampled")
axes.errorbar(
    texts,
    exact,
    3 * np.sqrt(exact * (1 - exact) / samples.shots),
    fmt="o",
    color="#1a237e",
    capsize=5,
    label="law",
)
axes.set_ylabel("probability")
axes.legend(frameon=False)

# %% [markdown]
# ## What goes wrong, on purpose
#
# A test that never fails is worth nothing. `examples/counts.json` has counts of this model after `a b`. Read as counts of another prompt
# they must fail, and they do.

# %%
for given in ("a b", "a a"):
    found = ss.check(
        ss.read_samples("examples/counts.json", model, prompt=given, steps=2)
    )
    print(f"as counts after {given!r}: {found.verdict}, p = {found.p_value:.2g}")

# %% [markdown]
# And with a hundred shots the answer is not "probably fine" but UNVERIFIED, with the number of shots that would do:

# %% [sampled]
few = ss.check(ss.run(program, shots=100, seed=7))
print(few.verdict, few.shots_needed)

# %% [markdown]
# ## The attention map, measured
#
# With `extension="position"` the attended position stays in a register of its own, the *environment* of the dilation. Measuring it
# samples the attention map beside the text. Here is a model with three tokens, two heads, positions and a perceptron:

# %% [sampled]
bigger = ss.load("examples/three_tokens.json")
dilated = ss.compile(bigger, prompt="sun rain wind", steps=1, extension="position")
seen = ss.run(dilated, shots=20_000, seed=3)
exact_map = bigger.attention(1, bigger.encode("sun rain wind")[None, :])[0]
for head, row in enumerate(exact_map, start=1):
    column = seen.outcomes[0].column(f"e1_{head}")
    share = (
        np.bincount(column, weights=seen.outcomes[0].counts, minlength=3)[:3]
        / seen.shots
    )
    print(f"head {head}: exact {row.round(3)}, sampled {share.round(3)}")

# %% [markdown]
# ## Where to go from here
#
# - Longer texts with fewer qubits: measure on the way, `schedule="dynamic"` ([dynamic circuits](../dynamic.md)), or let the host bind
#   angles, `schedule="stepwise"`.
# - Fewer gates within a stated distance of the model: `tolerance=0.05` ([codes](../codes.md)).
# - A trained language model: [from a trained model to hardware](hardware.md).
# - What *exact* and *free* promise: [promises](../explanation/promises.md).
