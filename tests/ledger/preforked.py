# SPDX-License-Identifier: Apache-2.0
"""Commands in processes of their own that start at once: a process that has imported everything forks one for every order.

Orders are lines on stdin, ``{"argv", "env", "most", "out"}``; the answer is the new process's id. Its stdout, stderr and exit
status go to ``out`` with the endings ``.out``, ``.err`` and ``.status``; ``most`` limits the size of every file that it writes.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import sys
import traceback
from pathlib import Path


def command(order: dict) -> None:
    """Become the command; never returns."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, name in ((1, ".out"), (2, ".err")):
        os.dup2(os.open(order["out"] + name, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
    os.environ.update(order["env"])
    if order["most"] is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["most"],) * 2)
    sys.argv = ["stinespring", *order["argv"]]
    status = 99
    try:
        from stinespring.cli.main import main

        main()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - the test must see it, whatever it is
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def main() -> None:
    import qiskit_aer  # noqa: F401
    import qiskit_ibm_runtime.executor_sampler  # noqa: F401
    import scipy.stats  # noqa: F401

    import stinespring.ledger.store  # noqa: F401

    running: dict[int, str] = {}
    print("ready", flush=True)
    while True:
        if select.select([0], [], [], 0.01)[0]:
            line = b""
            while not line.endswith(b"\n"):
                if not (byte := os.read(0, 1)):
                    return
                line += byte
            order = json.loads(line)
            if (child := os.fork()) == 0:
                command(order)
            running[child] = order["out"]
            print(child, flush=True)
        for child in list(running):
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                part = Path(running[child] + ".part")
                part.write_text(str(os.waitstatus_to_exitcode(status)))
                part.rename(running.pop(child) + ".status")


if __name__ == "__main__":
    main()
