# SPDX-License-Identifier: Apache-2.0
"""No native library is loaded by a thread that ends: processes of their own in which the first import happens in a thread."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import stinespring
from stinespring.backends.ibm import wire
from stinespring.backends.native import handed, ready

PACKAGE = Path(stinespring.__file__).parent
ONLY = PACKAGE / "backends" / "native.py"
# Rust starts its pool of threads here, and each of them asks the allocator for memory.
USE = """
from qiskit.circuit.library import CZGate
from qiskit.synthesis import TwoQubitBasisDecomposer
for _ in range(3):
    TwoQubitBasisDecomposer(CZGate())
time.sleep(0.2)
"""
BEGIN = """
import sys, threading, time
from stinespring.backends.native import handed, ready
from stinespring.backends.ibm.wire import patiently, within
def first():
    import qiskit.synthesis
def in_a_thread_that_ends(call):
    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
assert "qiskit" not in sys.modules
"""
FIRST = {
    "within": "within(60, first)",
    "patiently": "patiently(first, seconds=60)",
    "nested": "within(60, lambda: within(60, first))",
    "given up": "handed(first)\ntry:\n    within(0.01, lambda: time.sleep(0.5))\nexcept Exception: pass",
    "thread of the user": "in_a_thread_that_ends(ready)",
    "thread of the user, within": "in_a_thread_that_ends(lambda: within(60, first))",
    "lasting": "handed(first).result()",
}


@pytest.mark.parametrize("how", FIRST)
def test_the_first_import_in_a_thread(how):
    done = subprocess.run([sys.executable, "-c", BEGIN + FIRST[how] + USE], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_model_to_a_verdict_in_a_thread_that_ends(examples):
    """What a server or a pool of threads does; then the main thread does it."""
    work = f"""
import stinespring
def work(**more):
    program = stinespring.compile(stinespring.load({str(examples / "two_tokens.json")!r}), prompt="a b", steps=2, **more)
    print(stinespring.check(stinespring.run(program, shots=20_000, seed=1)).verdict)
in_a_thread_that_ends(work)
work(target="grid:2x2")
"""
    done = subprocess.run([sys.executable, "-c", BEGIN + work + USE], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "PASS\nPASS\n", "")


def test_only_one_module_starts_threads():
    """Whatever the package runs in a thread runs in one that never ends."""
    makers = ("Thread", "Timer", "ThreadPoolExecutor", "start_new_thread", "to_thread", "run_in_executor")
    for path in PACKAGE.rglob("*.py"):
        inside = path.relative_to(PACKAGE).parts
        if inside[0] in ("tests", "benchmarks", "build") or inside[0].startswith(".") or path == ONLY:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = node.attr if isinstance(node, ast.Attribute) else node.name if isinstance(node, ast.alias) else None
            assert name not in makers, f"{path}:{node.lineno}"


def test_calls_share_a_thread_that_is_idle():
    here = [handed(threading.get_ident).result() for _ in range(20)]
    assert len(set(here)) == 1 and here[0] != threading.get_ident()


def test_a_call_that_is_given_up_keeps_its_thread_and_no_other():
    stop, before = threading.Event(), handed(threading.get_ident).result()
    with pytest.raises(wire.ServiceError, match="within 0.05 s"):
        wire.within(0.05, stop.wait)
    assert wire.within(5, threading.get_ident) != before
    stop.set()
    alive = {thread.ident for thread in threading.enumerate()}
    time.sleep(0.05)
    assert before in alive and before in {thread.ident for thread in threading.enumerate()}


def test_an_error_comes_out_where_it_is_waited_for():
    with pytest.raises(TimeoutError, match="of the call"):  # not of the wait
        wire.within(5, lambda: (_ for _ in ()).throw(TimeoutError("of the call")))
    with pytest.raises(KeyboardInterrupt):
        wire.within(5, lambda: (_ for _ in ()).throw(KeyboardInterrupt))


def test_a_module_that_is_missing_is_left_for_its_user():
    ready("no_such_module_at_all")
    assert "no_such_module_at_all" not in sys.modules


def test_a_forked_process_starts_threads_of_its_own():
    handed(int).result()
    if (child := os.fork()) == 0:
        os._exit(handed(lambda: 42).result(timeout=10))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 42
