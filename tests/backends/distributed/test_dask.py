# SPDX-License-Identifier: Apache-2.0
"""The same counts whatever the cluster does: one worker or three, workers killed, workers gone, interrupted, no cluster."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress

import psutil
import pytest
from qiskit import QuantumCircuit

import stinespring
from sampling import batch, same
from stinespring.backends import open_backend
from stinespring.backends.aer.backend import open_aer
from stinespring.backends.distributed import backend as module
from stinespring.backends.distributed.backend import DaskBackend, outcomes_of
from stinespring.errors import BackendError, InputError, TooLargeError

MPS = {"method": "matrix_product_state"}
SHOTS = [1 + 7 * (row % 30) for row in range(600)]  # more different numbers than calls


@pytest.fixture(scope="module")
def two():
    with DaskBackend("local", workers=2, chunk=400) as backend:
        yield backend


def descendants(pid):
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def gone(processes, seconds=25):
    _, alive = psutil.wait_procs([p for p in processes if p.is_running()], timeout=seconds)
    return not [p for p in alive if p.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize("workers", [1, 3])
def test_counts_do_not_know_the_workers(two, workers, rounds, template, plain_loop):
    circuit, angles = template
    with DaskBackend("local", workers=workers, chunk=400) as other:
        for work, seed in (
            (batch(rounds, 2000), 5),
            (batch(circuit, 50, angles), 6),
            (batch(circuit, SHOTS[:60], angles[:60]), 7),
        ):
            found = two.sample(work, seed)
            assert same(found, other.sample(work, seed))
            expected, chunks = plain_loop(two, work, seed)
            assert chunks > 1
            assert same(found, expected)


def test_a_cluster_gives_the_counts_of_this_machine(rounds, template):
    """The same batch and seed on ``dask:`` and on ``aer``, steered, with angles, with other methods, with noise."""
    circuit, angles = template
    for options in ({}, {"method": "matrix_product_state"}, {"noise": "manila"}):
        with DaskBackend("local", workers=2, options=options) as cluster:
            works = [(batch(rounds, 5000), 5), (batch(circuit, SHOTS[:40], angles[:40]), 6)]
            for work, seed in [(manila(), 8)] if "noise" in options else works:
                here = open_aer("", options)
                assert same(cluster.sample(work, seed), here.sample(work, seed))
                said = {key: value for key, value in here.metadata().items() if key != "simulator_seconds"}
                assert said.items() <= cluster.metadata().items()


def manila():
    """A circuit in the gates of ``fake:manila``, measured on the way."""
    circuit = QuantumCircuit(5, 2)
    circuit.sx(0)
    circuit.cx(0, 1)
    circuit.measure(1, 0)
    circuit.sx(1)
    circuit.measure(1, 1)
    return batch(circuit, 5000)


def test_a_model_from_end_to_end(two, two_tokens):
    for schedule in ("static", "stepwise", "dynamic"):
        program = stinespring.compile(two_tokens, prompt="a b", steps=3, schedule=schedule)
        samples = stinespring.run(program, backend=two, shots=20_000, seed=3)  # alpha of the check: 1e-6
        assert stinespring.check(samples, two_tokens, alpha=1e-6).verdict == "PASS"
        assert samples.shots == 20_000


def test_a_killed_worker_changes_nothing(rounds, plain_loop):
    killed, said, two = [], [], None

    def kill_one(phrase, share):
        said.append(phrase)
        if share > 0 and not killed:
            pids = two._cluster.client.run(os.getpid)
            killed.extend(list(pids.values())[:1])
            os.kill(killed[0], signal.SIGKILL)

    with DaskBackend("local", workers=2, chunk=400, options=MPS) as backend:
        two = backend
        [found] = backend.sample(batch(rounds, 8000), 9, kill_one)
        expected, chunks = plain_loop(backend, batch(rounds, 8000), 9)
        assert same([found], expected)
    assert killed and chunks == 20
    assert said[-1].startswith("20 of 20 chunks") and found.shots == 8000


def test_errors_of_a_worker_are_raised_here(two, rounds, monkeypatch):
    with pytest.raises(TooLargeError):
        outcomes_of({"error": ("TooLargeError", "it does not fit")})
    monkeypatch.setattr(module, "versions", lambda: {"stinespring": "0.0.1"})
    with pytest.raises(BackendError, match="other versions"):
        two.sample(batch(rounds, 10), 1)


def test_without_workers_it_gives_up(rounds):
    """The workers' own process is killed, so that nothing starts them again."""
    with DaskBackend("local", workers=1, chunk=100, wait=2, options=MPS) as backend:

        def kill_all(phrase, share):
            for process in descendants(os.getpid()):
                with suppress(psutil.Error):
                    if "distributed.cli.dask_worker" in " ".join(process.cmdline()):
                        process.kill()

        with pytest.raises(BackendError, match="does not work on the program any more"):
            backend.sample(batch(rounds, 4000), 1, kill_all)


def test_what_cannot_be_an_address_or_option():
    for text in ("dask:", "dask:127.0.0.1:80", "dask:local?workers=0", "dask:local?wait=x", "dask:local?nothing=1",
                 "dask:local?chunk=-1", "dask:tcp://127.0.0.1:1?workers=2", "dask:local?method=none"):  # fmt: skip
        with pytest.raises(InputError):
            open_backend(text)


def command(backend, *more):
    return [
        sys.executable, "-m", "stinespring.cli.main", "run", "examples/two_tokens.json", "--prompt", "a b", "--seed", "1",
        "--json", "--backend", backend, *more,
    ]  # fmt: skip


def test_nobody_answers(examples):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"dask:tcp://127.0.0.1:{free.getsockname()[1]}"
    done = subprocess.run(
        command(address, "--steps", "2", "--schedule", "static"),
        cwd=examples.parent,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 4 and done.stdout == ""
    assert "no Dask scheduler answers" in done.stderr and len(done.stderr.splitlines()) < 12 and "Traceback" not in done.stderr


LONG = ("--steps", "8", "--schedule", "dynamic", "--feed-forward", "all", "--shots", "2000000")


@pytest.mark.parametrize(("signal_number", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_nothing_is_left_when_the_command_ends(examples, signal_number, status):
    process = subprocess.Popen(
        command("dask:local?workers=2&method=matrix_product_state&chunk=200", *LONG),
        cwd=examples.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    started, workers = time.monotonic(), []
    while len(workers) < 3 and time.monotonic() - started < 90:
        time.sleep(0.2)
        workers = descendants(process.pid)
    time.sleep(1)
    workers = descendants(process.pid) or workers
    os.killpg(process.pid, signal_number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == status and out == "" and "Traceback" not in err
    assert len(workers) >= 3 and gone(workers)


def test_a_script_without_a_guard(tmp_path, examples):
    script = tmp_path / "script.py"
    script.write_text(
        "import stinespring as ss\n"
        f"model = ss.load({str(examples / 'two_tokens.json')!r})\n"
        "program = ss.compile(model, prompt='a b', steps=2)\n"
        "samples = ss.run(program, backend='dask:local?workers=1', shots=1000, seed=1)\n"
        "print(samples.shots)\n"
    )
    done = subprocess.run([sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1000\n", "")


def test_run_prints_one_object(examples):
    arguments = ("--steps", "3", "--schedule", "stepwise", "--shots", "5000")
    found = []
    for workers in (1, 2):
        backend = f"dask:local?workers={workers}&chunk=500"
        done = subprocess.run(command(backend, *arguments), cwd=examples.parent, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0 and done.stderr == ""
        found.append(json.loads(done.stdout))
    assert found[0]["counts"] == found[1]["counts"] and found[0]["verdict"] == "PASS"
