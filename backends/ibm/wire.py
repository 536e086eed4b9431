# SPDX-License-Identifier: Apache-2.0
"""What went over the wire to IBM's service: the client hides some of it, and messages must name it.

The client answers a 401 with "no backend matches", a malformed body with a ``JSONDecodeError`` or a ``TypeError``, and falls
back to sending the raw API key when the identity service fails. urllib3 logs every answer it reads, so listening to its log
tells what happened without touching the client.
"""

from __future__ import annotations

import logging
import os
import re
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar

from stinespring.backends.native import handed, ready
from stinespring.backends.service import ATTEMPTS, LONGEST, PAUSE, ServiceError
from stinespring.errors import StinespringError

__all__ = ["Exchange", "explain", "guarded", "patiently", "quiet", "within"]

T = TypeVar("T")
RAW_KEY = "Unable to retrieve IBM Cloud access token"  # the warning before the client sends the raw key
ANSWER = 25.0  # seconds for a question; the client's own five repetitions of a failed one take 15
CONNECT = 60.0  # for several questions one after the other
POST = 120.0  # for a job, which may be large
CUT = re.compile(r"Connection (aborted|broken|reset)|Max retries|IncompleteRead")
SENSITIVE = re.compile(r"(?i)(bearer|apikey)\s+[\w.\-~+/=]+")
log = logging.getLogger("stinespring.ibm")


@dataclass
class Exchange(logging.Handler):
    """The answers that urllib3 read, and the connections that broke, while it listened."""

    answers: list[tuple[str, str, int]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(logging.DEBUG)

    __hash__ = logging.Handler.__hash__

    def emit(self, record: logging.LogRecord) -> None:
        """Keep an answer ``(method, path, status)``, or the reason of a broken connection."""
        arguments: Any = record.args
        if isinstance(arguments, tuple) and len(arguments) == 8 and isinstance(arguments[6], int):
            _, host, _, method, path, _, status, _ = arguments
            self.answers.append((str(method), f"{host}{str(path).partition('?')[0]}", int(status)))
            log.debug("%s %s -> %s", method, path, status)
        elif isinstance(arguments, tuple) and "connection broken" in str(record.msg):
            self.broken.append(clean(str(arguments[1])))
            log.debug("connection broken: %s", self.broken[-1])

    @property
    def failure(self) -> tuple[str, str, int] | None:
        """The last answer that was no success, if nothing after it succeeded on the same path."""
        for index in range(len(self.answers) - 1, -1, -1):
            method, path, status = self.answers[index]
            if status >= HTTPStatus.BAD_REQUEST:
                later = {(m, p) for m, p, s in self.answers[index + 1 :] if s < HTTPStatus.BAD_REQUEST}
                return None if (method, path) in later else (method, path, status)
        return None


@contextmanager
def listening() -> Iterator[Exchange]:
    """Listen to urllib3's log; nothing of it reaches the user's handlers."""
    source, heard = logging.getLogger("urllib3.connectionpool"), Exchange()
    level, propagate = source.level, source.propagate
    source.addHandler(heard)
    source.setLevel(logging.DEBUG)
    source.propagate = False
    try:
        yield heard
    finally:
        source.removeHandler(heard)
        source.setLevel(level)
        source.propagate = propagate


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the client's warnings and log from stderr; sending the raw key becomes an error."""
    source = logging.getLogger("qiskit_ibm_runtime")
    level = source.level
    source.setLevel(logging.DEBUG if os.environ.get("STINESPRING_LOG") == "DEBUG" else logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.filterwarnings("error", message=RAW_KEY)
            yield
    finally:
        source.setLevel(level)


@contextmanager
def guarded(doing: str) -> Iterator[Exchange]:
    """Turn whatever the client raises into one :class:`ServiceError` that names the service's answer.

    Args:
        doing: what was tried, for the message: "connect to IBM's service".
    """
    from qiskit.exceptions import QiskitError

    with listening() as heard, quiet():
        try:
            yield heard
        except StinespringError:
            raise
        except (QiskitError, OSError, ValueError, TypeError, LookupError, AttributeError, Warning) as error:
            log.debug("%s: %s: %s", doing, type(error).__name__, clean(str(error)))
            raise explain(doing, error, heard) from None
        except Exception as error:
            if not type(error).__module__.startswith(("ibm_", "requests", "urllib3", "pydantic", "zlib")):
                raise
            raise explain(doing, error, heard) from None


def explain(doing: str, error: Exception, heard: Exchange) -> ServiceError:
    """Return the error that names the answer behind what the client raised."""
    text, failure = clean(str(error)).rpartition("API Key will be used instead. ")[2], heard.failure
    status = getattr(error, "status_code", None) or status_in(text)
    if failure is not None:
        method, path, status = failure
        phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""
        return ServiceError(
            f"could not {doing}: the service answered {status} {phrase}".rstrip(),
            status=status,
            method=method,
            got=f"{method} {path}",
            todo=ADVICE.get(status, "try again later: nothing is lost"),
        )
    if isinstance(status, int) and status >= HTTPStatus.BAD_REQUEST:
        return ServiceError(
            f"could not {doing}: the service answered {status}", status=status, got=text, todo=ADVICE.get(status)
        )
    unreadable = isinstance(error, ValueError | TypeError | LookupError | AttributeError)
    if heard.broken or (isinstance(error, OSError) and not unreadable) or CUT.search(text):
        return ServiceError(
            f"could not {doing}: the connection was cut or refused",
            got=heard.broken[-1] if heard.broken else text,
            todo="check the network and try again: nothing is lost",
        )
    if RAW_KEY in str(error):
        return ServiceError(
            f"could not {doing}: the identity service gave no access token", got=text, todo="check the API key; it was not sent"
        )
    answers = ", ".join(f"{method} {path} -> {status}" for method, path, status in heard.answers[-1:])
    return ServiceError(
        f"could not {doing}: the service's answer cannot be read ({type(error).__name__})",
        status=HTTPStatus.OK,
        got=f"{answers}: {text}" if answers else text,
        todo="try again later: nothing is lost",
    )


ADVICE = {
    401: "check the API key: QISKIT_IBM_TOKEN or the saved account",
    403: "check that the account may use this instance and device",
    404: "check the name, and that the instance is the one the job was sent to",
    429: "wait a minute and try again: nothing is lost",
}


def status_in(text: str) -> int | None:
    """Return the HTTP status that a message of the client mentions.

    Example:
        >>> status_in("'429 Client Error: Too Many Requests for url: http://127.0.0.1/jobs'")
        429
    """
    found = re.search(r"\b([45]\d\d) (?:Client|Server) Error", text) or re.search(r"[Ss]tatus code: ([45]\d\d)\b", text)
    return int(found.group(1)) if found else None


def clean(text: str) -> str:
    """Return a message without anything that looks like a credential."""
    for secret in (os.environ.get("QISKIT_IBM_TOKEN"), os.environ.get("QISKIT_IBM_INSTANCE")):
        if secret and len(secret) > 3:
            text = text.replace(secret, "***")
    return SENSITIVE.sub(r"\1 ***", text)


def within(seconds: float, call: Callable[[], T]) -> T:
    """Return what ``call`` returns, or give up after so many seconds.

    The client itself has no limit: it waits for an answer for ever, and for as long as a ``Retry-After`` says. A call that is
    given up stays behind in its thread; the next call goes to another one. The client is imported before the time begins.

    Raises:
        ServiceError: no answer in time.
    """
    ready("qiskit_ibm_runtime", "qiskit_ibm_runtime.executor_sampler")
    answer = handed(call)
    wait([answer], timeout=seconds)
    if not answer.done():
        raise ServiceError(f"the service did not answer within {seconds:g} s", todo="try again later: nothing is lost")
    return answer.result()


def patiently(call: Callable[[], T], *, statuses: frozenset[int] = frozenset({429}), seconds: float | None = None) -> T:
    """Return what ``call`` returns, after at most five tries with growing pauses while the answer is one of ``statuses``.

    Every try has so many seconds. The client repeats failures of the server by itself; what it never repeats is 429, and its
    questions to the identity service.
    """
    pause = PAUSE
    for attempt in range(ATTEMPTS):
        try:
            return within(ANSWER if seconds is None else seconds, call)
        except ServiceError as error:
            if error.status not in statuses or attempt == ATTEMPTS - 1:
                raise
            log.debug("%s: attempt %d of %d in %.1f s", error.status, attempt + 2, ATTEMPTS, pause)
            time.sleep(pause)
            pause = min(2 * pause, LONGEST)
    raise AssertionError("the last attempt returns or raises")
