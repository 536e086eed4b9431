# SPDX-License-Identifier: Apache-2.0
"""``python -m standin --port 0 --state FILE``: serve until killed, and print the port first."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from pathlib import Path

from standin.devices import DEFAULT_DEVICES
from standin.server import Server
from standin.service import Service


def end_with_input() -> None:
    sys.stdin.read()
    os._exit(0)


def main() -> None:
    parser = argparse.ArgumentParser(prog="standin", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 for a free one")
    parser.add_argument("--state", type=Path, help="file that keeps the jobs")
    parser.add_argument("--device", action="append", help="name=source[:qubits][@queue], repeatable")
    parser.add_argument("--until-eof", action="store_true", help="end with the process that holds the other end of stdin")
    options = parser.parse_args()
    server = Server(Service(tuple(options.device or DEFAULT_DEVICES), options.state), options.port)
    if options.until_eof:
        threading.Thread(target=end_with_input, daemon=True).start()
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
