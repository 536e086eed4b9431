# SPDX-License-Identifier: Apache-2.0
"""The study of layer operators on glassllm, beside the published numbers, and one prediction run as a circuit.

The models differ: glassllm has 4 layers, 0.85 million parameters and 1024 tokens; the published figures (arXiv 2510.11963)
are of TinyStories-1Layer-21M, with 50258 tokens, and of a recommender of Amazon books, with 185136. What can be compared is
the pattern: operators of different inputs are far more alike than random ones, and cos(U, U') does not show it.
It takes about 11 seconds of processor time.
"""

import numpy as np

import stinespring
from stinespring.compiler.systems.lens import compile_operator
from stinespring.models.lens import Decoder, Study, load_decoder, read_states, study_prompts, train_lens
from stinespring.models.lens.metrics import cos_u
from stinespring.models.lens.train import sampled_texts

PROMPTS, LENGTH = 200, 12
HEAD = """
| model, lens, layer | mean cos(H, H') | random | norm of mean Delta psi | dcor(attention, mlp) |
|---|---|---|---|---|"""
PUBLISHED = """\
| published: TinyStories-1Layer-21M | 0.0149 / 0.0103 | 2.0e-05 | 0.1748 / 0.0837 | 0.599 |
| published: Amazon books | 0.0023 / 0.0008 | 5.4e-06 | 0.1066 / 0.0890 | 0.923 |

The models differ (layers, size, vocabulary, data): these rows do not reproduce the published values.
"""


def print_rows(study: Study, lens: str) -> None:
    """Print one row of the table for each layer."""
    for layer, correlation in enumerate(study.distance_correlation):
        attention, mlp = study.operators[2 * layer : 2 * layer + 2]
        print(
            f"| glassllm:en, {lens} lens, layer {layer} | {attention.mean_cos_h:.4f} / {mlp.mean_cos_h:.4f} "
            f"| {study.random_cos_h:.1e} | {attention.norm_mean_delta_psi:.4f} / {mlp.norm_mean_delta_psi:.4f} "
            f"| {correlation:.3f} |"
        )


def print_cautions(study: Study) -> None:
    """Print what the numbers must be held against."""
    most, size = max(study.operators, key=lambda operator: operator.decides), len(study.decoder.tokens)
    print(f"{most.point} settles the answer of {most.decides} of {PROMPTS} prompts (tuned lens).")
    own, random = cos_u(most.mean_cos_h or 0.0, size), cos_u(study.random_cos_h, size)
    print(
        f"Its mean cos(U, U') is {own:.6f}, of random operators {random:.6f}; none can be below 1 - 4/V = {study.floor_u:.6f}."
    )
    unbiased = ", ".join(f"{value:.3f}" for value in study.unbiased_distance)
    print(
        f"Independent random directions have dcor {study.random_distance:.3f} with {PROMPTS} prompts; without that bias the "
        f"squares are {unbiased}.\n"
    )


def run_circuit(decoder: Decoder) -> bool:
    """Sample one prediction through reflections; return whether it has the model's own softmax."""
    states = read_states(decoder, "Alice was beginning to")
    program, alone = stinespring.compile(states), compile_operator(states, 2)
    verdict = stinespring.check(stinespring.run(program, shots=100_000, seed=1))
    print(
        f"'Alice was beginning to' as a circuit: {program.cost.qubits} qubits, {program.cost.two_qubit_gates:,} two-qubit "
        f"gates for {len(states.v)} layer operators ({alone.cost.two_qubit_gates:,} for one alone)"
    )
    print(f"{verdict.verdict} against the model's own softmax: {verdict.reason}")
    return verdict.passed


def main() -> bool:
    """Print the table, then run one prompt as a circuit."""
    decoder = load_decoder("glassllm:en")
    texts = sampled_texts(decoder, count=PROMPTS, length=LENGTH + 1, rng=np.random.default_rng(1))
    prompts = [text[1:].tolist() for text in texts]  # the first token was drawn blindly
    trained = train_lens(decoder, seed=2)
    print(f"{PROMPTS} prompts of {LENGTH} tokens in the model's own words, such as {decoder.plain(prompts[0])!r}")
    print("two figures: attention / mlp\n" + HEAD)
    for name, lens in (("logit", None), ("tuned", trained.lens)):
        study = study_prompts(decoder, prompts, lens=lens, permutations=199, seed=1)
        print_rows(study, name)
    print(PUBLISHED)
    print_cautions(study)
    return run_circuit(decoder)


if __name__ == "__main__":
    raise SystemExit(0 if main() else 1)
