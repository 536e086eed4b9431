# SPDX-License-Identifier: Apache-2.0
"""Driving a stand-in: faults, settings, what it saw, and the environment that points a client at it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from standin.tokens import CRN, TOKEN

TESTS = Path(__file__).parent.parent
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Control:
    """Orders to the stand-in at a URL, whatever process it runs in."""

    def __init__(self, url: str) -> None:
        self.url = url

    def order(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/standin{path}", data=data, method=method)
        try:
            with OPENER.open(request, timeout=30) as reply:
                text = reply.read().decode()
        except urllib.error.HTTPError as error:
            raise ValueError(error.read().decode()) from None
        return json.loads(text) if text else None

    def fault(self, match: str, kind: str, **more: Any) -> None:
        """Order a fault; see :class:`standin.faults.Fault`: ``fault("POST /jobs", "status", status=429, nth=1)``."""
        self.order("POST", "/faults", {"match": match, "kind": kind, **more})

    def clear_faults(self) -> None:
        self.order("DELETE", "/faults")

    def set(self, **settings: Any) -> None:
        """Change settings; see :class:`standin.service.Settings`."""
        self.order("POST", "/settings", settings)

    def device(self, name: str, **more: Any) -> None:
        """Change a device's ``queue`` or take it ``online`` or not."""
        self.order("POST", "/devices", {"name": name, **more})

    def jobs(self) -> list[dict[str, Any]]:
        """Return all jobs as they are stored, oldest first; ``refused`` lists what the hardware does not do."""
        return self.order("GET", "/jobs")

    def log(self, match: str | None = None) -> list[dict[str, Any]]:
        """Return all requests as they came, or those of one method and path: ``log("POST /jobs")``."""
        return [one for one in self.order("GET", "/log") if match is None or f"{one['method']} {one['path']}" == match]

    def wait_for(self, match: str, *, tag: str | None = None, count: int = 1, seconds: float = 60.0) -> None:
        """Wait until so many requests (with a tag) have come: they are logged before they are answered.

        Raises:
            TimeoutError: they do not come.
        """
        end = time.monotonic() + seconds
        while len(found := [one for one in self.log(match) if tag is None or tag in one["tags"]]) < count:
            if time.monotonic() > end:
                raise TimeoutError(f"{count} of {match} in {seconds} s; there were {len(found)}")
            time.sleep(0.02)

    def submissions(self) -> list[dict[str, Any]]:
        """Return the requests that submitted a job, successfully or not."""
        return self.log("POST /jobs")

    def leaks(self, secret: str = TOKEN) -> list[dict[str, Any]]:
        """Return the requests that carry the secret anywhere but to the identity service."""
        return [one for one in self.log() if one["path"] != "/identity/token" and secret in json.dumps(one)]

    def env(self, home: Path) -> dict[str, str]:
        """Return the variables that point an unpatched client here, away from any saved account; ``home`` is made."""
        home.mkdir(parents=True, exist_ok=True)
        return {
            "QISKIT_IBM_CHANNEL": "ibm_quantum_platform",
            "QISKIT_IBM_TOKEN": TOKEN,
            "QISKIT_IBM_INSTANCE": CRN,
            "QISKIT_IBM_URL": f"{self.url}/experimental/api/v1",
            "IAM_URL": self.url,
            "QISKIT_FUNCTIONS_EXPERIMENTAL": "1",
            "USAGE_DATA_OPT_OUT": "True",
            "HOME": str(home),
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }


class ChildStandIn(Control):
    """The stand-in as a process of its own, which can be killed and started again with the same state and port."""

    def __init__(self, state: Path, devices: tuple[str, ...] = (), port: int = 0) -> None:
        self.state, self.devices, self.port = state, devices, port
        super().__init__("")

    def start(self) -> ChildStandIn:
        options = [word for device in self.devices for word in ("--device", device)]
        command = [
            sys.executable,
            "-m",
            "standin",
            "--until-eof",
            "--port",
            str(self.port),
            "--state",
            str(self.state),
            *options,
        ]
        path = os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": path}
        )
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the stand-in did not start: exit code {self.process.wait()}")
        self.port = int(line)
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    def kill(self) -> None:
        """End the process at once."""
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    __enter__ = start

    def __exit__(self, *exception: object) -> None:
        self.kill()
