"""One HTTP client for every gateway: time limits, size limits, and which failures mean what.

A request that never left is `NotSent`: nothing happened there, trying again is safe. Any other
failure is `NoAnswer`: the gateway may have acted, so it is looked up before anything new.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import httpx

MOST_BYTES: Final = 1024 * 1024
"""More than any gateway's answer; what is longer is no answer of theirs."""


class NotSent(Exception):
    """The gateway could not be reached at all; it knows nothing of the request."""


class NoAnswer(Exception):
    """The request may have been acted on. what: for the log, never the body."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is JSON of an object. status: HTTP's, also when it is not 2xx."""

    status: int
    fields: Mapping[str, Any]


class Client:
    """Calls gateways. Safe in threads; opens its connections on first use, in this process.

    seconds: until a request without a whole answer counts as `NoAnswer`; at most twice that, when
    an answer's last piece does not come.
    """

    def __init__(self, *, seconds: float = 30.0) -> None:
        self._seconds = seconds
        self._timeout = httpx.Timeout(seconds, connect=min(5.0, seconds))

    def post_json(
        self, url: str, fields: Mapping[str, Any], *, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """POST an object as JSON. Raises NotSent, NoAnswer."""
        body = json.dumps(dict(fields), ensure_ascii=False, separators=(",", ":")).encode()
        sent = {"Content-Type": "application/json; charset=utf-8", **(headers or {})}
        return self._call("POST", url, content=body, headers=sent)

    def post_form(self, url: str, fields: Mapping[str, str]) -> Reply:
        """POST fields as a form. Raises NotSent, NoAnswer."""
        return self._call("POST", url, data=dict(fields))

    def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> Reply:
        """GET an object. Raises NotSent, NoAnswer."""
        return self._call("GET", url, headers=dict(headers or {}))

    def _call(self, method: str, url: str, **what: Any) -> Reply:
        # Never through a proxy of the environment and never elsewhere: a redirect from a gateway
        # is no answer of its API.
        end = time.monotonic() + self._seconds
        try:
            with (
                httpx.Client(timeout=self._timeout, trust_env=False, verify=_trusted()) as client,
                client.stream(method, url, follow_redirects=False, **what) as response,
            ):
                return Reply(response.status_code, _object(_read(response, end)))
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol) as error:
            raise NotSent(type(error).__name__) from error
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise NoAnswer(type(error).__name__) from error


@cache
def _trusted() -> ssl.SSLContext:
    # Reading the system's certificates takes 20 ms: once in a process is enough.
    return ssl.create_default_context()


def _read(response: httpx.Response, end: float) -> bytes:
    read = bytearray()
    for chunk in response.iter_bytes():  # as it comes, so that drops do not wait to fill a bucket
        read += chunk
        if time.monotonic() > end:
            raise NoAnswer("too slow")
        if len(read) > MOST_BYTES:
            raise NoAnswer("longer than 1 MB")
    return bytes(read)


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise NoAnswer("not JSON") from None
    if not isinstance(found, dict):
        raise NoAnswer("not a JSON object")
    return found
