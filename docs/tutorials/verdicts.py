# SPDX-License-Identifier: Apache-2.0
# %% [markdown]
# # Verdicts: how often are they wrong?
#
# A verdict is a claim about the future: a right program will seldom be accused, and a wrong one will
# mostly be found. Claims about the future can be tried out. In this tutorial you judge hundreds of
# experiments of which *you* know the truth, and see what PASS, FAIL and UNVERIFIED are worth. No
# quantum computer is needed: counts are drawn with NumPy. The words are explained in
# [statistics for the rest of us](../explanation/statistics.md).
#
# ## A program whose truth we know
#
# The law of four texts, and a function that draws counts from *any* law and has them judged against
# the model's.

# %%
import json
import tempfile
from pathlib import Path

import numpy as np
import stinespring as ss

model = ss.load("examples/two_tokens.json")
law = model.joint("a b", 2)
texts = sorted(law)
right = np.array([law[text] for text in texts])
random = np.random.default_rng(7)
file = Path(tempfile.mkdtemp()) / "counts.json"


def judged(truth, shots):
    """Draw counts from a law, and return the verdict on them."""
    drawn = random.multinomial(shots, truth)
    counts = {text: int(n) for text, n in zip(texts, drawn, strict=True) if n}
    file.write_text(json.dumps({"format": "stinespring/samples@1", "counts": counts}))
    return ss.check(ss.read_samples(file, model, prompt="a b", steps=2))


print(judged(right, 5000).reason)

# %% [markdown]
# ## Right programs
#
# One hundred experiments with a program that is right. How are their p-values distributed?

# %%
verdicts = [judged(right, 5000) for _ in range(100)]
p_values = sorted(verdict.p_value for verdict in verdicts)
print("PASS:", sum(verdict.passed for verdict in verdicts), "of", len(verdicts))
print("p-values below 0.1:", sum(p < 0.1 for p in p_values))
print("smallest:", round(p_values[0], 3))

# %% p-values of 100 right programs, sorted: they lie along the diagonal, or above it
import matplotlib.pyplot as plt

figure, axes = plt.subplots()
axes.plot(np.arange(1, 101) / 100, p_values, ".", color="#3f51b5")
axes.plot([0, 1], [0, 1], "--", color="#9e9e9e")
axes.set_xlabel("share of the experiments")
axes.set_ylabel("p-value")

# %% [markdown]
# Small ones occur: a p-value of 0.014 among a hundred right programs is nothing special, and 0.98 is no
# better than 0.3. (They lie on the diagonal or above it, since a verdict that
# combines two tests takes the safe side.) None is below alpha = 0.001, and so none was accused. One in
# a thousand will be.
#
# ## Wrong programs
#
# Now the program is wrong by a known distance: some probability moves from one text to another. At
# each distance forty experiments with 5,000 shots.

# %%
distances = [0.005, 0.01, 0.015, 0.02, 0.03, 0.04]
found = []
for distance in distances:
    wrong = right + distance * np.array([0.0, 1.0, -1.0, 0.0])
    found.append(np.mean([judged(wrong, 5000).verdict == "FAIL" for _ in range(40)]))
resolution = verdicts[0].resolution
for distance, share in zip(distances, found, strict=True):
    print(f"wrong by {distance:.3f}: FAIL in {share:.0%}")
print("resolution printed by the verdict:", round(resolution, 3))

# %% Share of wrong programs that are found, and the resolution that the verdict printed (line)
figure, axes = plt.subplots()
axes.plot(distances, found, "o-", color="#3f51b5")
axes.axvline(resolution, linestyle="--", color="#9e9e9e")
axes.axhline(0.9, linestyle=":", color="#9e9e9e")
axes.set_xlabel("distance (TVD) of the wrong law")
axes.set_ylabel("share found")

# %% [markdown]
# The verdict promised: *at the resolution* nine of ten are found, in whatever direction the law is
# wrong. In this direction it is easier, so that the curve is there earlier. What is wrong by a quarter
# of the resolution passes nearly always. **A PASS is not "right"; it is "not wrong by more than about
# the resolution".**
#
# ## Too few shots
#
# A gross error, wrong by 0.1, and ever fewer shots:

# %%
gross = right + np.array([0.0, 0.1, -0.1, 0.0])
for shots in (1000, 200, 50):
    rulings = [judged(gross, shots).verdict for _ in range(20)]
    print(
        shots, "shots:", {r: rulings.count(r) for r in ("PASS", "FAIL", "UNVERIFIED")}
    )

# %% [markdown]
# With 50 shots most wrong programs are not noticed; but *none of them is a PASS*. That is what the third
# answer is for. A test with two answers would have let them through.
#
# ## What goes wrong: trying until it fits
#
# Take a program that is wrong by less than the resolution, and run it until it passes.

# %%
tried = [
    judged(right + 0.015 * np.array([0, 1, -1, 0]), 5000).verdict for _ in range(40)
]
print("FAIL in", tried.count("FAIL"), "of 40")
print("first PASS at attempt", tried.index("PASS") + 1)
more = judged(right + 0.015 * np.array([0, 1, -1, 0]), 100_000)
print("the same program with 100,000 shots:", more.verdict, f"| p = {more.p_value:.0e}")

# %% [markdown]
# Other seeds are other chances to be lucky. More shots are not: they make what is wrong plainer.
