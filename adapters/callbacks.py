"""Call-backs: one POST to a biller's system, to an address that was checked, and nowhere else.

The name is resolved here, every address it has must be public, and the connection goes to exactly
the address that was checked: the library below never sees a name to look up. TLS is still verified
against the name. Redirects are answers, not instructions. No proxy of the environment is asked.
"""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache, cached_property
from typing import Any, Final

import httpcore
import httpx

from webhooks import addresses
from webhooks.addresses import Address, BadAddress, Target
from webhooks.sender import EXCERPT, Failure, Heard

SECONDS: Final = 15.0
CONNECT_SECONDS: Final = 5.0
MOST_READ: Final = 64 * 1024

Resolve = Callable[[str, int], Sequence[str]]
"""Name and port -> addresses. Raises OSError for a name that has none."""

_RESOLVERS: Final = 8
_GONE: Final = 410
_SECRET: Final = re.compile(r"(whsec_|Bearer\s+|thp_)[A-Za-z0-9+/=_.~-]+")
_UNPRINTED: Final = re.compile(r"[^\x20-\x7e\u00a0-\u024f\u1e00-\u1eff\u20ab]+")


def system_resolver(host: str, port: int) -> Sequence[str]:
    """Every address that this machine finds for a name."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Callbacks:
    """Implements webhooks.sender.Sender. Safe in threads; keeps no connection open.

    anywhere: only on a laptop and in tests: private addresses, any port, and http.
    seconds: from the first look-up to the last byte. tls: what certificates are believed.
    """

    def __init__(
        self,
        *,
        anywhere: bool = False,
        resolve: Resolve = system_resolver,
        seconds: float = SECONDS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._anywhere = anywhere
        self._resolve = resolve
        self._seconds = seconds
        self._told_tls = tls

    def check(self, url: str) -> None:
        """Raise BadAddress for an address whose form alone is refused. Resolves nothing."""
        addresses.checked(url, anywhere=self._anywhere)

    def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Heard:
        """POST the body once. Never raises for what goes wrong outside of us."""
        began = time.monotonic()
        try:
            target = addresses.checked(url, anywhere=self._anywhere)
            allowed = self._allowed(target, until=began + self._seconds)
        except BadAddress:
            return Heard(Failure.ADDRESS, milliseconds=_since(began))
        except (OSError, ValueError):  # no such name, no answer in time, or none that is an address
            return Heard(Failure.HOST, milliseconds=_since(began))
        line = _Line(allowed, until=began + self._seconds)
        try:
            heard = self._post(target, line, headers, body)
        except httpcore.TimeoutException:
            heard = Heard(Failure.TIMEOUT)
        except httpcore.ConnectError as error:
            heard = Heard(Failure.TLS if _is_tls(error) else Failure.UNREACHABLE)
        except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError):
            heard = Heard(Failure.BROKEN)
        return Heard(
            heard.failure,
            heard.status,
            _since(began),
            str(line.called) if line.called else None,
            heard.retry_after,
            heard.excerpt,
        )

    def _allowed(self, target: Target, *, until: float) -> list[Address]:
        """The addresses of a name: all of them public, or none. Raises BadAddress, OSError."""
        try:
            found = [addresses.read(target.host)]
        except ValueError:
            asked = self._resolvers.submit(self._resolve, target.host, target.port)
            # A resolver may take its time; the thread is left to it and the call goes on.
            answers = asked.result(timeout=max(0.0, until - time.monotonic()))
            found = [addresses.read(one) for one in answers]
        if not found:
            raise OSError("no address")
        if not self._anywhere and not all(addresses.is_public(one) for one in found):
            raise BadAddress()
        return sorted(found, key=lambda one: one.version)  # IPv4 first: it works everywhere

    def _post(self, target: Target, line: _Line, headers: Mapping[str, str], body: bytes) -> Heard:
        limits = {"connect": CONNECT_SECONDS, "read": self._seconds, "write": self._seconds,
                  "pool": CONNECT_SECONDS}  # fmt: skip
        sent = {**headers, "accept": "*/*", "accept-encoding": "identity", "connection": "close"}
        with (
            httpcore.ConnectionPool(ssl_context=self._tls, network_backend=line) as pool,
            pool.stream(
                "POST",
                target.url,
                headers=[(name.encode(), value.encode()) for name, value in sent.items()],
                content=body,
                extensions={"timeout": limits},
            ) as response,
        ):
            return _heard(response)

    @property
    def _tls(self) -> ssl.SSLContext:
        return self._told_tls or _trusted()

    @cached_property
    def _resolvers(self) -> ThreadPoolExecutor:
        # Made in the process that calls: threads do not survive a fork.
        return ThreadPoolExecutor(_RESOLVERS, thread_name_prefix="resolve")


@cache
def _trusted() -> ssl.SSLContext:
    # Reading the certificates takes a while, so once in a process; the environment has no say.
    return httpx.create_ssl_context(trust_env=False)


class _Line(httpcore.NetworkBackend):
    """Connects to the checked addresses, whatever the name, and ends everything in time."""

    def __init__(self, allowed: Sequence[Address], *, until: float) -> None:
        self._allowed = allowed
        self._until = until
        self._under = httpcore.SyncBackend()
        self.called: Address | None = None

    def connect_tcp(
        self,
        host: str,  # a name, which is never looked up here
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Try the checked addresses one after the other."""
        refused: httpcore.ConnectError | httpcore.ConnectTimeout | None = None
        for address in self._allowed:
            self.called = address
            try:
                stream = self._under.connect_tcp(
                    str(address), port, _left(self._until, timeout), local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                refused = error
                continue
            return _Hurried(stream, self._until)
        raise refused or httpcore.ConnectError("no address")

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Never: an address is a machine elsewhere."""
        raise httpcore.ConnectError("not here")


class _Hurried(httpcore.NetworkStream):
    """A stream whose every step ends by one moment, so that a drip of bytes cannot go on."""

    def __init__(self, under: httpcore.NetworkStream, until: float) -> None:
        self._under = under
        self._until = until

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what is there."""
        return self._under.read(max_bytes, _left(self._until, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all of it."""
        self._under.write(buffer, _left(self._until, timeout))

    def close(self) -> None:
        """Hang up."""
        self._under.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """The same, encrypted; server_hostname is the name, never the address."""
        left = _left(self._until, timeout)
        return _Hurried(self._under.start_tls(ssl_context, server_hostname, left), self._until)

    def get_extra_info(self, info: str) -> Any:
        """What is below."""
        return self._under.get_extra_info(info)


def _left(until: float, timeout: float | None) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("time is over")
    return left if timeout is None else min(left, timeout)


def _heard(response: httpcore.Response) -> Heard:
    status = response.status
    told = {name.lower(): value for name, value in response.headers}
    retry_after = told.get(b"retry-after", b"").decode("latin-1")[:100]
    start = b"".join(_body(response, most=MOST_READ))
    if 200 <= status < 300:
        return Heard(None, status)
    encoded = told.get(b"content-encoding", b"identity").lower() != b"identity"
    failure = Failure.STATUS
    if 300 <= status < 400:
        failure = Failure.REDIRECT
    elif status == _GONE:
        failure = Failure.GONE
    excerpt = "" if encoded else readable(start)
    return Heard(failure, status, retry_after=retry_after, excerpt=excerpt)


def _body(response: httpcore.Response, *, most: int) -> Iterator[bytes]:
    """Its start. The status is known by now, so a body that breaks off changes nothing."""
    read = 0
    with _as_far_as_it_goes():
        for chunk in response.iter_stream():
            yield chunk[: most - read]
            read += len(chunk)
            if read >= most:
                return


@contextmanager
def _as_far_as_it_goes() -> Iterator[None]:
    try:
        yield
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError):
        return


def readable(body: bytes) -> str:
    """The start of an answer as one printable line, without what looks like a secret."""
    text = _UNPRINTED.sub(" ", body[:4_000].decode("utf-8", "replace"))
    return " ".join(_SECRET.sub(r"\1…", text).split())[:EXCERPT]


def _is_tls(error: BaseException) -> bool:
    """Whether a connection failed over its certificate; the library hides that one level down."""
    causes = []
    at: BaseException | None = error
    while at is not None and at not in causes:
        causes.append(at)
        at = at.__cause__ or at.__context__
    return any(isinstance(one, ssl.SSLError) for one in causes)


def _since(began: float) -> int:
    return int((time.monotonic() - began) * 1_000)
