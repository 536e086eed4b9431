# SPDX-License-Identifier: Apache-2.0
"""The study of layer operators on glassllm, beside the published numbers, and one prediction run as a circuit.

The models differ: glassllm has 4 layers, 0.85 million parameters and 1024 tokens; the published figures (arXiv 2510.11963) are of
TinyStories-1Layer-21M, with 50258 tokens, and of a recommender of Amazon books, with 185136. What can be compared is the
pattern: operators of different inputs are far more alike than random ones, and cos(U, U') does not show it.
"""

import numpy as np

from stinespring.backends.lens import run_lens
from stinespring.checks.verdict import check
from stinespring.compiler.lens import compile_lens, compile_operator
from stinespring.models.lens import load_decoder, read_states, study_prompts, train_lens
from stinespring.models.lens.metrics import cos_u
from stinespring.models.lens.train import sampled_texts

PROMPTS, LENGTH = 200, 12
PUBLISHED = (
    "| published: TinyStories-1Layer-21M | .0149 / .0103 | 2.0e-5 | .1748 / .0837 | .599 |\n"
    "| published: Amazon books           | .0023 / .0008 | 5.4e-6 | .1066 / .0890 | .9225 |"
)


def main() -> bool:
    """Print the table, then run one prompt as a circuit; return whether it passed."""
    decoder = load_decoder("glassllm:en")
    texts = sampled_texts(decoder, count=PROMPTS, length=LENGTH + 1, rng=np.random.default_rng(1))
    prompts = [text[1:].tolist() for text in texts]  # the first token was drawn blindly
    trained = train_lens(decoder, seed=2)
    print(f"{PROMPTS} prompts of {LENGTH} tokens in the model's own words, for example {decoder.plain(prompts[0])!r};\nattention / mlp in every column that has two figures\n")
    print("| model, lens, layer | mean cos(H, H') | random | norm of mean Delta psi | dcor(attention, mlp) |\n|---|---|---|---|---|")
    for name, lens in (("logit", None), ("tuned", trained.lens)):
        study = study_prompts(decoder, prompts, lens=lens, permutations=199, seed=1)
        for layer, correlation in enumerate(study.distance_correlation):
            attention, mlp = study.operators[2 * layer : 2 * layer + 2]
            print(
                f"| glassllm:en, {name} lens, layer {layer} | {attention.mean_cos_h:.4f} / {mlp.mean_cos_h:.4f} "
                f"| {study.random_cos_h:.1e} | {attention.norm_mean_delta_psi:.4f} / {mlp.norm_mean_delta_psi:.4f} "
                f"| {correlation:.3f} |"
            )
    print(PUBLISHED)
    print("\nThe models differ (layers, size, vocabulary, data): these rows are not a reproduction of the published values.")
    most, size = max(study.operators, key=lambda operator: operator.decides), len(decoder.tokens)
    print(
        f"cos(U, U') is between {study.floor_u:.6f} = 1 - 4/V and 1 whatever the operators are; random ones have "
        f"{cos_u(study.random_cos_h, size):.6f}, {most.point} has {cos_u(most.mean_cos_h or 0.0, size):.6f}."
    )
    print(f"Independent random directions have a distance correlation of {study.random_distance:.3f} with so few prompts.")
    print(f"{most.point} settles the answer of {most.decides} of {PROMPTS} prompts (tuned lens).\n")

    states = read_states(decoder, "Alice was beginning to")
    program, layer_alone = compile_lens(states), compile_operator(states, 2)
    verdict = check(run_lens(program, shots=100_000, seed=1))
    print(
        f"'Alice was beginning to' as a circuit: {program.cost.qubits} qubits, {program.cost.two_qubit_gates:,} two-qubit gates "
        f"for 8 layer operators ({layer_alone.cost.two_qubit_gates:,} for one alone)"
    )
    print(f"{verdict.verdict} against the model's own softmax: {verdict.reason}")
    return verdict.passed


if __name__ == "__main__":
    raise SystemExit(0 if main() else 1)
