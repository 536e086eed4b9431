# SPDX-License-Identifier: Apache-2.0
# %% [markdown]
# # From a trained model to hardware
#
# The whole way: a trained language model becomes a law, the law a circuit, the circuit a program for a device; you learn what the run
# will cost and what verdict to expect *before* you pay, submit it, fetch it, and judge it. The device here is a snapshot of a real one
# with five qubits, simulated with its noise on this machine (`fake:manila`), so nothing is sent anywhere. What changes for IBM's service
# is one word, and is at the end.
#
# Install with `pip install '.[demo]'`, which brings glassllm (a trained decoder) and IBM's snapshots.
#
# ## 1. The law
#
# `glassllm:en` has 1,024 tokens. `top_k=4` keeps the four likeliest at each place and normalises; that is *part of the law*, so
# everything below is about that law.

# %%
import os
import tempfile

os.environ["STINESPRING_HOME"] = (
    tempfile.mkdtemp()
)  # a ledger for this page only; leave this line out to keep your runs

import stinespring as ss

model = ss.load("glassllm:en", top_k=4)
law = model.joint("Alice was", 2)
print(len(law), "texts; the likeliest:")
for text in sorted(law, key=lambda text: -law[text])[:4]:
    print(f"  {law[text]:.4f}  {text!r}")

# %% [markdown]
# ## 2. The circuit
#
# 16 texts fit on four qubits, two a token, since the code of a token is its rank after the text so far. Compare what a few options cost.

# %%
asked = {"prompt": "Alice was", "steps": 2}
for options in ({"effort": 0}, {}, {"tolerance": 0.05}, {"schedule": "dynamic"}):
    program = ss.compile(model, **asked, **options)
    cost, bound = program.cost, program.tvd_bound
    print(
        f"{options}: {cost.qubits} qubits, {cost.two_qubit_gates} CX, TVD bound {bound:.3f}"
    )

# %% [markdown]
# A search saves some gates of the closed form; a tolerance gives up a few per cent of the law and is left with two CX (the bound is proven,
# and the verdict adds it); a program that measures on the way and steers later gates by what was read needs fewer qubits.
#
# ## 3. Without noise first
#
# Always run on a simulator first: a FAIL there is a mistake, not noise.

# %% [sampled]
samples = ss.run(ss.compile(model, **asked), shots=10_000, seed=1)
print(ss.check(samples).verdict)

# %% [markdown]
# ## 4. What will it cost, and what will come out?
#
# `estimate` lowers the program to the device's gates and coupling, computes what its noise does, and says which verdict to expect.
# Nothing is written or sent. On a noisy device the question is not *is it the law?* (never) but *is it within a distance of the law?*:
# an equivalence test ([within a distance](../statistics.md#within-a-distance)). Here: within 0.05.

# %% [sampled]
wanted = {"backend": "fake:manila", "shots": 10_000, "resolution": 0.05}
for options in ({"schedule": "static"}, {"schedule": "static", "tolerance": 0.05}, {}):
    found = ss.estimate(model, **asked, **options, **wanted)
    print(
        f"{options}: {found.two_qubit_gates} two-qubit gates, {found.qpu_seconds:.1f} s,"
    )
    print(
        f"  expected TVD {found.expected_tvd:.3f}, expected verdict {found.expected_verdict}"
    )

# %% [markdown]
# Three lessons. The exact static circuit has the most gates, and noise takes it farthest from the model. Giving up 0.04 of the law for
# fewer gates can bring you *nearer*, though not below the 0.04. And left alone (`{}`), the compiler decides by what the device does to
# each: here it measures on the way ([noise, before the run](../noise.md) says how that is computed). On another device, or on another day, it may choose otherwise.
#
# ## 5. Submit, and fetch
#
# A run on hardware takes hours and is cut off by every closed lid, so it is written into a ledger before it is sent. `fetch` may happen in
# another process, tomorrow. (Simulated devices keep no jobs; they sample at once.)

# %% [sampled]
run = ss.submit(model, backend="fake:manila", shots=10_000, seed=1, **asked)
print("state:", run.state)
result = ss.fetch(run.id, resolution=0.05)
print(result.program.schedule, "|", result.verdict.verdict)
print(result.verdict.reason)

# %% What the noisy device gave (bars) beside the law (marks) [sampled]
import matplotlib.pyplot as plt

texts = sorted(law, key=lambda text: -law[text])
counts = result.samples.by_text()
figure, axes = plt.subplots()
axes.bar(
    range(16),
    [counts.get(text, 0) / result.samples.shots for text in texts],
    color="#9fa8da",
    label="fake:manila",
)
axes.plot(range(16), [law[text] for text in texts], "o", color="#1a237e", label="law")
axes.set_xlabel("text, the likeliest first")
axes.set_ylabel("probability")
axes.legend(frameon=False)

# %% [markdown]
# ## 6. A FAIL that no number of shots mends
#
# The exact static circuit on the same device, with the same question. FAIL means *certainly farther than 0.05*: it is the device, and
# more shots only make that plainer.

# %% [sampled]
static = ss.compile(model, **asked, schedule="static", target="fake:manila")
print("two-qubit gates on the device:", static.cost.two_qubit_gates)
verdict = ss.check(
    ss.run(static, backend="fake:manila", shots=20_000, seed=1), within=0.05
)
print(verdict.verdict)
print(verdict.reason)

# %% [markdown]
# ## 7. On IBM's service
#
# The same words with `backend="ibm:NAME"` or `"ibm:least-busy"`, and credentials that IBM's client finds itself. On the command line:
#
# ```sh
# stinespring estimate glassllm:en --prompt "Alice was" --steps 2 --top-k 4 --shots 10000 --backend ibm:least-busy
# stinespring submit glassllm:en --prompt "Alice was" --steps 2 --top-k 4 --shots 10000 --backend ibm:least-busy
# stinespring fetch latest --wait 3600 --resolution 0.05
# ```
#
# [IBM step by step](../howto/ibm.md) says what each step needs and what may go wrong. That part was tested against a stand-in of the service
# on this machine and **never against the service itself: UNVERIFIED there**.
