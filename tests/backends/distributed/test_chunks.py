# SPDX-License-Identifier: Apache-2.0
"""Chunks cover the work once, with seeds of their own, and know nothing of workers; a chunk refuses other versions."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from oracles.qasm_runner import distribution
from sampling import batch
from stinespring.backends.aer.backend import AerBackend
from stinespring.backends.aer.chunks import How
from stinespring.backends.distributed.work import circuit_bytes, sample_chunk, versions
from stinespring.backends.histories.choose_path import runnable_flow
from stinespring.batches import Batch, Item
from stinespring.compiler.export.qasm import flow_qasm

AER = AerBackend(limit=20)
PLAIN = tuple(How("statevector", "plain", False, 20))


def chunks_of(circuit, rows, shots, seed, backend=AER, most=None):
    """Return the chunks of one circuit with so many rows of angles; shots of each row, or of all."""
    angles = np.zeros((rows, circuit.num_parameters)) if circuit.num_parameters else None
    return backend.chunks(batch(circuit, np.full(rows, shots) if np.ndim(shots) == 0 else shots, angles), seed, most)


def test_chunks_cover_rows_and_shots_once(template, rounds):
    @settings(max_examples=25)
    @given(
        rows=st.integers(1, 700),
        shots=st.integers(1, 10**6),
        most=st.none() | st.integers(1000, 10**5),
        seed=st.integers(0, 99),
    )
    def check(rows, shots, most, seed):
        for circuit, number in ((template[0], rows), (rounds, 1 + rows % 3)):
            chunks = chunks_of(circuit, number, shots, seed, most=most)
            assert chunks == chunks_of(circuit, number, shots, seed, most=most)
            covered = np.zeros(number, dtype=int)
            for chunk in chunks:
                covered[list(chunk.rows)] += chunk.shots
                assert chunk.shots <= (most or chunk.shots)
            assert (covered == shots).all()
            seeds = sorted(chunk.seed for chunk in chunks)
            assert len(set(seeds)) == len(seeds)
            if len(seeds) > 1:  # shot i has the seed of its run plus i: no two runs may share one
                assert min(np.diff(seeds)) > shots

    check()


@settings(max_examples=25)
@given(counts=st.lists(st.integers(0, 10**4), min_size=1, max_size=60), seed=st.integers(0, 99))
def test_rows_with_their_own_shots_are_covered_once(template, counts, seed):
    """Few different numbers are calls of their own, many are split into powers of two; items have seeds of their own."""
    item = Item(template[0], template[1][: len(counts)], np.array(counts))
    chunks = AER.chunks(Batch((item, item), (1,)), seed)
    covered = np.zeros((2, len(counts)), dtype=int)
    for chunk in chunks:
        covered[chunk.item, list(chunk.rows)] += chunk.shots
    assert (covered == np.array(counts)).all()
    assert len({chunk.seed for chunk in chunks}) == len(chunks)


def test_long_programs_are_cut_and_short_ones_are_not(rounds, template):
    assert len(chunks_of(rounds, 1, 100, 1)) == 1
    assert len(chunks_of(rounds, 1, 10**5, 1, AerBackend("matrix_product_state"))) == 49
    assert len(chunks_of(template[0], 600, 100, 1)) > 1
    assert chunks_of(rounds, 1, 10**5, 1)[0].how.path in {"together", "deferred", "branches", "shot_branching", "plain"}


def test_a_chunk_has_the_law_of_its_program(rounds):
    """G-test of 20,000 shots on each path against exact branch enumeration; false-alarm rate 1e-7 each."""
    exact = distribution(flow_qasm(runnable_flow(rounds)), ["a", "t1"])
    keys, law = list(exact), np.array(list(exact.values()))
    for path in ("deferred", "branches", "plain", "shot_branching"):
        how = How("statevector", path, path == "shot_branching", 20)
        found = sample_chunk(circuit_bytes(rounds), None, 20_000, 77, tuple(how), options={}, expected=versions())
        [(rows, number)] = found["rows"]
        assert tuple(found["registers"]) == ("a", "t1") and rows.dtype == np.uint8 and number.sum() == 20_000
        seen = dict.fromkeys(keys, 0)
        for key, count in zip(map(tuple, rows.tolist()), number.tolist(), strict=True):
            seen[key] += count  # a key that the law does not know is an error
        counts = np.array(list(seen.values()))
        often = law * 20_000 > 5
        observed, expected = np.append(counts[often], counts[~often].sum()), np.append(law[often], law[~often].sum())
        keep = expected > 0
        assert chisquare(observed[keep], 20_000 * expected[keep] / expected[keep].sum()).pvalue > 1e-7


def test_a_worker_of_other_versions_refuses(rounds):
    expected = versions() | {"qiskit": "1.0.0", "stinespring": "0.0.1"}
    found = sample_chunk(circuit_bytes(rounds), None, 10, 1, PLAIN, options={}, expected=expected)
    name, text = found["error"]
    assert name == "BackendError" and "qiskit 1.0.0" in text and "stinespring 0.0.1" in text and versions()["qiskit"] in text


def test_errors_come_back_as_data(rounds):
    how = tuple(How("statevector", "deferred", False, 1))
    name, text = sample_chunk(circuit_bytes(rounds), None, 10, 1, how, options={}, expected=versions())["error"]
    assert name == "TooLargeError" and "at most 1 qubit" in text
