# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium that looks at pages: driven by its own protocol over a socket, with the standard library alone."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import struct
import subprocess
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlparse

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-extensions",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--mute-audio",
    "--remote-debugging-port=0",
)  # fmt: skip
TOLD = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
LOOK = (Path(__file__).parent / "look.js").read_text(encoding="utf-8")
PATIENCE = 60.0  # seconds


def installed() -> str | None:
    """Return the browser's program, if there is one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Wire:
    """The few parts of RFC 6455 that a client of one connection needs."""

    def __init__(self, address: str) -> None:
        told = urlparse(address)
        self.socket = socket.create_connection((told.hostname, told.port), timeout=PATIENCE)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            f"GET {told.path} HTTP/1.1", f"Host: {told.netloc}", "Upgrade: websocket", "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", "", "",
        ]  # fmt: skip
        self.socket.sendall("\r\n".join(lines).encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.exactly(1)
        assert b" 101 " in head.splitlines()[0]

    def exactly(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            part = self.socket.recv(size - len(found))
            if not part:
                raise EOFError("the browser closed the connection")
            found += part
        return found

    def send(self, message: dict) -> None:
        data, mask = json.dumps(message).encode(), os.urandom(4)
        size = len(data)
        head = bytes([0x81]) + (
            bytes([0x80 | size]) if size < 126
            else bytes([0xFE]) + struct.pack(">H", size) if size < 1 << 16
            else bytes([0xFF]) + struct.pack(">Q", size)
        )  # fmt: skip
        self.socket.sendall(head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(data)))

    def receive(self) -> dict:
        data = b""
        while True:
            first, second = self.exactly(2)
            size = second & 0x7F
            if size == 126:
                [size] = struct.unpack(">H", self.exactly(2))
            elif size == 127:
                [size] = struct.unpack(">Q", self.exactly(8))
            data += self.exactly(size)
            if first & 0x80:
                return json.loads(data)


class Browser:
    """One tab, with what it says on its console."""

    def __init__(self, program: str, folder: Path) -> None:
        self.number, self.events = 0, []
        self.process = subprocess.Popen(
            [program, *FLAGS, f"--user-data-dir={folder}", "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        port, until = folder / "DevToolsActivePort", time.monotonic() + PATIENCE
        while not (port.exists() and port.read_text().strip()):
            assert self.process.poll() is None, "the browser ended"
            assert time.monotonic() < until, "the browser does not answer"
            time.sleep(0.05)
        number = port.read_text().split()[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{number}/json", timeout=PATIENCE) as answer:
            tabs = json.load(answer)
        self.wire = Wire(next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page"))
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def close(self) -> None:
        """End the browser that was started here."""
        self.wire.socket.close()
        self.process.terminate()
        self.process.wait(PATIENCE)

    def call(self, method: str, **given) -> dict:
        """Return the answer to one call; events that come before it are kept."""
        self.number += 1
        self.wire.send({"id": self.number, "method": method, "params": given})
        while True:
            message = self.wire.receive()
            if message.get("id") == self.number:
                assert "error" not in message, message
                return message["result"]
            self.events.append(message)

    def value(self, expression: str):
        """Return the value of an expression in the page, after what it promises."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True, userGesture=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def open(self, path: Path, width: int, *, dark: bool) -> None:
        """Open a page on a screen of this width, with all that is folded unfolded."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 500)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.events.clear()
        assert "errorText" not in self.call("Page.navigate", url=path.resolve().as_uri())
        until = time.monotonic() + PATIENCE
        while self.value("document.readyState + location.protocol") != "completefile:":
            assert time.monotonic() < until, "the page does not load"
            time.sleep(0.02)
        self.value("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        self.value("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(0))))")

    def told(self) -> list[dict]:
        """Return what the page said on the console since it was opened, errors of its scripts and refusals among it."""
        self.value("0")
        return [event["params"] for event in self.events if event["method"] in TOLD]

    def looked(self) -> dict:
        """Return what :file:`look.js` finds wrong, and the figures it measured."""
        return self.value(LOOK)
