# SPDX-License-Identifier: Apache-2.0
"""Chunks cover the work once, with seeds of their own, and know nothing of workers; a chunk refuses other versions."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from oracles.qasm_runner import distribution
from stinespring.backends.distributed.chunks import chunks_of
from stinespring.backends.distributed.work import circuit_bytes, runnable_flow, sample_chunk, versions
from stinespring.compiler.export.qasm import flow_qasm

AER = {"options": {}, "limit": 20}


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
            chunks = chunks_of(circuit, number, shots, seed, most=most, **AER)
            assert chunks == chunks_of(circuit, number, shots, seed, most=most, **AER)
            covered = np.zeros(number, dtype=int)
            for chunk in chunks:
                covered[slice(*chunk.rows)] += chunk.shots
                assert chunk.shots <= (most or chunk.shots)
            assert (covered == shots).all()
            seeds = sorted(chunk.seed for chunk in chunks)
            assert len(set(seeds)) == len(seeds)
            if len(seeds) > 1:  # shot i has the seed of its run plus i: no two runs may share one
                assert min(np.diff(seeds)) > shots

    check()


def test_long_programs_are_cut_and_short_ones_are_not(rounds, template):
    assert len(chunks_of(rounds, 1, 100, 1, **AER)) == 1
    assert len(chunks_of(rounds, 1, 10**5, 1, options={"method": "matrix_product_state"}, limit=20)) == 49
    assert len(chunks_of(template[0], 600, 100, 1, **AER)) > 1
    assert chunks_of(rounds, 1, 10**5, 1, **AER)[0].path in {"deferred", "branches", "shot_branching", "plain"}


def test_a_chunk_has_the_law_of_its_program(rounds):
    """G-test of 20,000 shots on each path against exact branch enumeration; false-alarm rate 1e-7 each."""
    exact = distribution(flow_qasm(runnable_flow(rounds)), ["a", "t1"])
    keys, law = list(exact), np.array(list(exact.values()))
    for path in ("deferred", "branches", "plain", None):
        found = sample_chunk(circuit_bytes(rounds), None, 20_000, 77, path, expected=versions(), **AER)["values"]
        assert set(found) == {"a", "t1"} and found["a"].dtype == np.uint8
        seen = dict.fromkeys(keys, 0)
        for key in zip(found["a"][0].tolist(), found["t1"][0].tolist(), strict=True):
            seen[key] += 1  # a key that the law does not know is an error
        counts = np.array(list(seen.values()))
        often = law * 20_000 > 5
        observed, expected = np.append(counts[often], counts[~often].sum()), np.append(law[often], law[~often].sum())
        keep = expected > 0
        assert chisquare(observed[keep], 20_000 * expected[keep] / expected[keep].sum()).pvalue > 1e-7


def test_a_worker_of_other_versions_refuses(rounds):
    expected = versions() | {"qiskit": "1.0.0", "stinespring": "0.0.1"}
    found = sample_chunk(circuit_bytes(rounds), None, 10, 1, None, expected=expected, **AER)
    name, text = found["error"]
    assert name == "BackendError" and "qiskit 1.0.0" in text and "stinespring 0.0.1" in text and versions()["qiskit"] in text


def test_errors_come_back_as_data(rounds):
    name, text = sample_chunk(circuit_bytes(rounds), None, 10, 1, "deferred", options={}, limit=1, expected=versions())["error"]
    assert name == "TooLargeError" and "at most 1 qubit" in text
