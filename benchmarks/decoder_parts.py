# SPDX-License-Identifier: Apache-2.0
"""Parts of ``python -m benchmarks decoders`` that look inside: each a process of its own, its figures JSON on the last line."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import stinespring
from stinespring.readings import FloatArray, IntArray

__all__ = ["PARTS"]

SEED, BINS, THIN = 17, 20, 5.0
CHUNK = 1024  # texts read anew together
PRODUCTS = "3*4="
MEGABYTE = 1 << 10  # in the kB of /proc


def laws(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return how far the model's laws and those of the bound circuits are from the decoder's, and the model's time a prefix.

    Args:
        given: ``prefixes``, the prompt included, by length; ``followed``: how many have their circuits followed exactly.
    """
    model = stinespring.load("glassllm:en")
    texts = [np.array(rows, dtype=np.int64) for rows in given["prefixes"]]
    model.law(1, texts[0])  # the prompt, and what is loaded on the way
    begun = time.process_time()
    for rows in texts[1:]:
        for first in range(0, len(rows), CHUNK):
            model.law(1, rows[first : first + CHUNK])
    seconds, count = time.process_time() - begun, sum(map(len, texts[1:]))
    rng = np.random.default_rng(SEED)
    some = [rows[rng.permutation(len(rows))[:60]] for rows in texts]
    error = max(float(np.abs(model.law(1, rows) - model.decoder.law(rows)).max()) for rows in some)
    pairs = [row for rows in some for row in rows[:2]][: given["followed"]]
    bound = max(float(np.abs(followed(model, row) - model.decoder.law(row[None])[0]).max()) for row in pairs)
    return {
        "prefixes": count, "milliseconds_a_prefix": 1e3 * seconds / count,
        "compared": sum(map(len, some)), "model_error": error, "followed": len(pairs), "circuits_error": bound,
    }  # fmt: skip


def followed(model: Any, text: IntArray) -> FloatArray:
    """Return the law of the token after a text as all rounds of bound circuits together give it, followed exactly."""
    from stinespring.backends.exact import EXACT_SHOTS, ExactShares
    from stinespring.backends.execute import sample_body

    body = stinespring.compile(model, prompt=text.tolist(), steps=1, schedule="stepwise").body
    read = body.outcomes(sample_body(body, ExactShares(1e12), EXACT_SHOTS, 0), EXACT_SHOTS)[0]
    law = np.zeros(model.d)
    law[read.column("t1")] = read.counts / EXACT_SHOTS
    return law


def peer(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the CPU seconds a prefix of Qiskit's StatePreparation of 10 qubits in Aer: built, transpiled, sampled once."""
    from qiskit import QuantumCircuit, transpile
    from qiskit.circuit.library import Initialize, StatePreparation
    from qiskit_aer import AerSimulator

    decoder, simulator = stinespring.load("glassllm:en").decoder, AerSimulator(method="statevector")
    amplitudes = np.sqrt(decoder.law(np.array(given["prefixes"])))

    def once(kind: Any, row: FloatArray, level: int | None) -> None:
        circuit = QuantumCircuit(10)
        circuit.append(kind(row / np.linalg.norm(row)), range(10))
        circuit.measure_all()
        if kind is StatePreparation:
            circuit = (
                transpile(circuit, simulator) if level is None else transpile(circuit, simulator, optimization_level=level)
            )
        simulator.run(circuit, shots=1, seed_simulator=SEED).result().get_counts()

    found = {}
    for name, kind, level in (
        ("default", StatePreparation, None),
        ("level_0", StatePreparation, 0),
        ("initialize", Initialize, None),
    ):
        once(kind, amplitudes[0], level)  # imports
        begun = time.process_time()
        for row in amplitudes:
            once(kind, row, level)
        found[name] = (time.process_time() - begun) / len(amplitudes)
    return {"prefixes": len(amplitudes), "seconds_a_prefix": found}


def p_values(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return Kolmogorov-Smirnov p-values of many seeds' p-values: of the first token, of both, the verdict's of likelihood.

    The first token's chi-squared test has a cell for every token that is expected five times, and one for all others. Both
    tokens are tested by their integral transforms, cells of probability split at random, in twenty bins.
    """
    from scipy.stats import chisquare, kstest

    model = stinespring.load("glassllm:en")
    program = stinespring.compile(model, prompt=given["prompt"], steps=2, schedule="stepwise")
    prompt = model.encode(given["prompt"])
    first = model.law(1, prompt[None])[0]
    found: dict[str, list[float]] = {"first token": [], "integral transforms": [], "likelihood": []}
    verdicts: dict[str, int] = {}
    for seed in range(1, given["seeds"] + 1):
        samples = stinespring.run(program, shots=given["shots"], seed=seed)
        read = samples.outcomes[0]
        one, two = read.column("t1"), read.column("t2")
        expected = first * read.shots
        cells = np.where(expected >= THIN, np.arange(model.d), model.d)
        seen = np.bincount(cells[one], weights=read.counts, minlength=model.d + 1)
        means = np.bincount(cells, weights=expected, minlength=model.d + 1)
        found["first token"].append(float(chisquare(seen[means > 0], means[means > 0]).pvalue))
        starts, where = np.unique(one, return_inverse=True)
        after = model.law(2, np.column_stack([np.broadcast_to(prompt, (len(starts), len(prompt))), starts]))
        u = [transform(np.broadcast_to(first, (len(one), model.d)), one, read.counts, seed, 1)]
        u.append(transform(after[where], two, read.counts, seed, 2))
        bins = np.bincount((np.concatenate(u) * BINS).astype(int).clip(max=BINS - 1), minlength=BINS)
        found["integral transforms"].append(float(chisquare(bins).pvalue))
        verdict = stinespring.check(samples, resolution=0.2)
        found["likelihood"].append(float(verdict.details["likelihood"]["p_value"]))
        verdicts[verdict.verdict] = verdicts.get(verdict.verdict, 0) + 1
    tested = {name: float(kstest(values, "uniform").pvalue) for name, values in found.items()}
    return {"seeds": given["seeds"], "shots": given["shots"], "ks": tested, "verdicts": verdicts}


def transform(law: FloatArray, tokens: IntArray, counts: IntArray, seed: int, place: int) -> FloatArray:
    """Return a number of [0, 1] a shot, uniform if tokens have this law: the tokens before it and a random part of it."""
    rows = np.arange(len(tokens))
    own = law[rows, tokens]
    below = np.cumsum(law, axis=1)[rows, tokens] - own
    part = np.random.default_rng([SEED, seed, place]).random(int(counts.sum()))
    return np.asarray(np.repeat(below, counts) + np.repeat(own, counts) * part)


def smollm2(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return SmolLM2's seconds to load, its prefixes a CPU second, and the memory of 4,096 texts beyond the loaded model."""
    begun = time.process_time()
    model = stinespring.load("smollm2", top_k=8)
    seconds, loaded = time.process_time() - begun, memory("VmRSS")
    decoder, rng = model.decoder, np.random.default_rng(SEED)
    prompt = decoder.encode(given["prompt"])
    speeds = {}
    for batch, repeats in ((64, 4), (1, 10)):
        _, past = decoder.begin(prompt)
        _, past = decoder.proceed(past, np.zeros(batch, dtype=np.int64), rng.integers(0, 49152, batch))
        begun = time.process_time()
        for _ in range(repeats):
            _, past = decoder.proceed(past, np.arange(batch), rng.integers(0, 49152, batch))
        speeds[f"batch_{batch}"] = batch * repeats / (time.process_time() - begun)
    reset = Path("/proc/self/clear_refs")
    if reset.exists():
        reset.write_text("5")  # the peak begins anew
    before, begun = memory("VmRSS"), time.process_time()
    texts = len(model.joint(given["prompt"], 4))
    return {
        "load_seconds": seconds, "loaded_megabytes": loaded, "prefixes_a_second": speeds, "texts": texts,
        "law_seconds": time.process_time() - begun, "law_megabytes": memory("VmHWM") - before,
    }  # fmt: skip


def memory(name: str) -> float:
    """Return a figure of ``/proc/self/status`` in MB; NaN where there is no such file."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((float(line.split()[1]) / MEGABYTE for line in lines if line.startswith(f"{name}:")), float("nan"))


def mathformer(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return how far laws of products are from the package's own evaluation, and from those of ``transformers``."""
    from mathformer.llama import TinyLlama

    from stinespring.models.texts.attention import softmax

    model = stinespring.load("mathformer:mul")
    import mathformer as package

    folder = str(Path(str(package.__file__)).parent / "mulformer")
    own = TinyLlama(folder)
    prompt = model.encode(PRODUCTS).tolist()
    texts = [prompt + rest for rest in ([], [5], [5, 6], [13], [6, 5])]
    texts += np.random.default_rng(SEED).integers(4, model.d, (60, 9)).tolist()  # less certain of what follows
    error = 0.0
    for text in texts:
        theirs = softmax(np.array(own.forward(text)[0])[None])[0]
        error = max(error, float(np.abs(model.law(1, np.array([text]))[0] - theirs).max()))
    result: dict[str, Any] = {"texts": len(texts), "error": error}
    if given["transformers"]:
        import torch
        from transformers import AutoModelForCausalLM

        network = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True).double()
        with torch.inference_mode():
            logits = [network(torch.tensor([text])).logits[0, -1].numpy() for text in texts]
        ours = [model.law(1, np.array([text]))[0] for text in texts]
        far = [np.abs(a - softmax(b[None])[0]).max() for a, b in zip(ours, logits, strict=True)]
        result["transformers_error"] = float(max(far))
    return result


PARTS: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "laws": laws, "peer": peer, "p_values": p_values, "smollm2": smollm2, "mathformer": mathformer,
}  # fmt: skip

if __name__ == "__main__":
    print(json.dumps(PARTS[sys.argv[1]](json.load(sys.stdin))))
