# SPDX-License-Identifier: Apache-2.0
"""The client's own credentials, checked before anything is sent; never printed, logged or stored."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from stinespring.backends.ibm.wire import CONNECT, explain, guarded, patiently
from stinespring.backends.service import TRANSIENT
from stinespring.errors import InputError

if TYPE_CHECKING:
    from qiskit_ibm_runtime import QiskitRuntimeService

__all__ = ["Announced", "connect", "post_once", "require_safe_url"]

URLS = ("QISKIT_IBM_URL", "IAM_URL")  # environment variables of the client that name a server


def require_safe_url(url: str, source: str) -> None:
    """Refuse a server to which a key would travel in clear.

    Raises:
        InputError: the URL is neither https nor on this machine.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        parts, host = urlsplit(""), ""
    if parts.scheme == "https" and host:
        return
    if parts.scheme == "http" and is_loopback(host):
        return
    raise InputError(
        f"{source} is not a safe address for a key",
        got=f"{parts.scheme or 'no scheme'}://{host or '?'}",
        expected="https://..., or http:// to this machine (127.0.0.1, ::1, localhost)",
        todo=f"correct {source}",
    )


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine.

    Example:
        >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("127.0.0.1.example.org")
        (True, True, False)
    """
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def connect(name: str | None = None, instance: str | None = None) -> QiskitRuntimeService:
    """Return the client of IBM's service, with the account that the client itself finds.

    The order is the client's: a saved account by name, the environment (``QISKIT_IBM_TOKEN`` and the like), the default saved
    account.

    Args:
        name: of a saved account.
        instance: name or CRN of the instance.

    Raises:
        InputError: the extra ``[ibm]`` is missing, there is no account, or its address is not safe.
        ServiceError: the service did not answer as it should.
    """
    for variable in URLS:
        if os.environ.get(variable):
            require_safe_url(os.environ[variable], variable)
    try:
        from qiskit_ibm_runtime import QiskitRuntimeService
    except ImportError:
        raise InputError(
            "qiskit-ibm-runtime is not installed",
            got="backend ibm",
            expected="the extra [ibm]",
            todo="pip install 'stinespring[ibm]'",
        ) from None
    account = find_account(name)
    if getattr(account, "url", None):
        require_safe_url(account.url, "the account's url")
    patiently(lambda: fetch_token(account), statuses=TRANSIENT)

    def start() -> QiskitRuntimeService:
        with guarded("connect to IBM's service") as heard:
            found = QiskitRuntimeService(name=name, instance=instance)
            if heard.failure is not None or heard.broken:  # the client goes on with an empty list of devices
                raise explain("list the devices", ValueError("no list of devices"), heard)
            return found

    return patiently(start, seconds=CONNECT)


def find_account(name: str | None) -> Any:
    """Return the account that the client will use.

    Raises:
        InputError: there is none.
    """
    from qiskit_ibm_runtime.accounts import AccountManager, AccountNotFoundError, InvalidAccountError

    if os.environ.get("QISKIT_IBM_CHANNEL") == "local":
        raise InputError("the channel 'local' has no devices", got="QISKIT_IBM_CHANNEL=local", todo="use --backend fake:boston")
    try:
        account = AccountManager.get(name=name)
    except (AccountNotFoundError, InvalidAccountError, ValueError, KeyError, TypeError, OSError):
        account = None
    if account is None or not getattr(account, "token", None):
        raise InputError(
            "there is no IBM account",
            got="neither QISKIT_IBM_TOKEN nor a saved account" if name is None else f"no saved account {name!r}",
            expected="an account that qiskit-ibm-runtime finds",
            todo="set QISKIT_IBM_TOKEN and QISKIT_IBM_INSTANCE, or save an account with QiskitRuntimeService.save_account",
        )
    return account


def fetch_token(account: Any) -> None:
    """Ask the identity service for an access token once, so that its failure is met here.

    Left to the client, it would be followed by a minute of waiting and by the raw key in place of the token.

    Raises:
        ServiceError: the identity service gave none.
    """
    from qiskit_ibm_runtime.api.client_parameters import ClientParameters

    with guarded("log in to IBM's service"):
        ClientParameters(
            channel=account.channel,
            token=account.token,
            url=account.url,
            instance=account.instance,
            proxies=account.proxies,
            verify=account.verify,
            private_endpoint=account.private_endpoint,
        ).get_auth_handler().get_headers()


class Announced:
    """Who is told before a job is sent."""

    def __init__(self) -> None:
        self.before: Callable[[], None] = lambda: None


def post_once(service: QiskitRuntimeService) -> Announced:
    """Keep the client from repeating a POST by itself: a job whose answer was lost would be submitted twice.

    A POST that failed is repeated by the ledger, after it has looked up the job's tag.

    Returns:
        What calls back right before a job leaves this machine: until then nothing can have been stored.
    """
    from requests.adapters import HTTPAdapter
    from urllib3.util.retry import Retry

    announced = Announced()

    class Adapter(HTTPAdapter):  # type: ignore[misc]
        def send(self, request: Any, *args: Any, **options: Any) -> Any:
            if request.method == "POST" and request.path_url.endswith("/jobs"):
                announced.before()
            return super().send(request, *args, **options)

    once = Retry(total=5, connect=3, backoff_factor=0.5, status_forcelist=(500, 502, 503, 504), allowed_methods=("GET",))
    for client in service._get_api_clients().values():
        session = client._session
        for path in ("/jobs", "/sessions"):
            session.mount(session.base_url + path, Adapter(max_retries=once))
    return announced
