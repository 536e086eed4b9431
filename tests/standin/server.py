# SPDX-License-Identifier: Apache-2.0
"""The wire: an HTTP server on loopback that logs every request, makes the ordered faults, and takes orders at /standin."""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
import traceback
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from standin.control import Control
from standin.devices import DEFAULT_DEVICES
from standin.faults import OF_JOBS, OF_RESULTS, Fault
from standin.service import Reply, Request, Service

PREFIXES = ("/experimental/api/v1", "/api/v1")
CONTROL = "/standin"
NONSENSE = '<html><body>{"jobs": [</body>'


@dataclass
class Logged:
    """A request as it came, and what it got: ``status`` 0 for no answer, and the kind of fault that was made."""

    number: int
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: str
    auth: str | None  # "bearer", "apikey" (the raw key!) or None
    tags: list[str]
    status: int = 0
    fault: str | None = None


class Server(ThreadingHTTPServer):
    """The HTTP server with the state of the stand-in."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, service: Service, port: int) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.service = service
        self.faults: list[Fault] = []
        self.log: list[Logged] = []
        self.wire = threading.Lock()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing about clients that went away: tests kill them."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    def note(self, request: Request) -> tuple[Logged, Fault | None]:
        """Log a request and find the first fault that hits it; every fault counts it."""
        scheme = request.headers.get("authorization", "").partition(" ")[0].lower() or None
        tags = request.query.get("tags", [])
        if (request.method, request.path) == ("POST", "/jobs"):
            tags = json.loads(request.body).get("tags", []) if request.body.startswith("{") else []
        with self.wire:
            logged = Logged(
                len(self.log) + 1, request.method, request.path, request.query, request.headers, request.body, scheme, tags
            )
            self.log.append(logged)
            hits = [fault for fault in self.faults if fault.hits(f"{request.method} {request.path}")]
        fault = hits[0] if hits else None
        logged.fault = fault.kind if fault else None
        return logged, fault

    def ordered(self, request: Request) -> Reply:
        """Take an order of the test at the control path."""
        service, asked = self.service, (request.method, request.path.removeprefix(CONTROL))
        with service.lock, self.wire:
            if asked == ("POST", "/faults"):
                self.faults.append(Fault(**request.json()))
            elif asked == ("DELETE", "/faults"):
                self.faults.clear()
            elif asked == ("POST", "/settings"):
                known = {field.name for field in fields(service.settings)}
                for name, value in request.json().items():
                    if name not in known:
                        return Reply(400, f"no setting {name!r}: {sorted(known)}")
                    setattr(service.settings, name, value)
            elif asked == ("POST", "/devices"):
                device = service.devices[request.json()["name"]]
                device.queue, device.online = (request.json().get(key, getattr(device, key)) for key in ("queue", "online"))
            elif asked == ("GET", "/log"):
                return Reply(200, [asdict(one) for one in self.log])
            elif asked == ("GET", "/jobs"):
                return Reply(200, [asdict(job) for job in service.store.jobs.values()])
            else:
                return Reply(404, f"no order {request.method} {request.path}")
        return Reply(204)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the log is for the tests."""

    def read(self) -> Request:
        url = urlsplit(self.path)
        path = next((url.path.removeprefix(prefix) for prefix in PREFIXES if url.path.startswith(prefix + "/")), url.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Request(self.command, path, parse_qs(url.query), headers, body)

    def handle_request(self) -> None:
        request = self.read()
        if request.path.startswith(CONTROL + "/"):
            try:
                self.send(self.server.ordered(request))
            except (TypeError, ValueError, KeyError) as error:
                self.send(Reply(400, str(error)))
            return
        logged, fault = self.server.note(request)
        if fault and fault.kind == "cut":
            self.cut()
            return
        reply = self.replied(request, fault)
        if fault and fault.kind == "lost":
            self.cut()
            return
        logged.status = reply.status
        self.send(reply, truncated=fault is not None and fault.kind == "truncated")

    def replied(self, request: Request, fault: Fault | None) -> Reply:
        """Return the answer, or what a fault makes of it."""
        if fault is None:
            return self.answered(request, None)
        if fault.kind == "slow" and not fault.after:
            time.sleep(fault.seconds)
        if fault.kind == "status" and not fault.after:
            return faulty(fault)
        reply = self.answered(request, fault if fault.kind in OF_JOBS | OF_RESULTS else None)
        if fault.kind == "slow" and fault.after:
            time.sleep(fault.seconds)
        if fault.kind == "malformed":
            return Reply(reply.status, NONSENSE if fault.body is None else fault.body)
        return faulty(fault) if fault.kind == "status" else reply

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_request  # noqa: N815

    def answered(self, request: Request, fault: Fault | None) -> Reply:
        """Answer, and tell of a bug of the stand-in with a code that no client takes for the service's and retries."""
        try:
            return self.server.service.answer(request, fault)
        except Exception:  # noqa: BLE001 - the test must see it, whatever it is
            traceback.print_exc()
            return Reply(599, "the stand-in has a bug: " + traceback.format_exc())

    def send(self, reply: Reply, *, truncated: bool = False) -> None:
        data = reply.text.encode()
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        if reply.status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if reply.status != 204:
            self.wfile.write(data[: len(data) // 2] if truncated else data)
        if truncated:
            self.cut()

    def cut(self) -> None:
        """Close the connection."""
        self.close_connection = True
        with suppress(OSError):  # the client may have gone
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)


def faulty(fault: Fault) -> Reply:
    headers = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
    error = {"errors": [{"code": fault.status, "message": f"ordered: {fault.status}"}]}
    return Reply(fault.status, error if fault.body is None else fault.body, headers)


class StandIn(Control):
    """The stand-in in a thread of this process; a context manager."""

    def __init__(self, devices: tuple[str, ...] = DEFAULT_DEVICES, state: Path | None = None, port: int = 0) -> None:
        self.server = Server(Service(devices, state), port)
        super().__init__(f"http://127.0.0.1:{self.server.server_address[1]}")
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> StandIn:
        self.thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
