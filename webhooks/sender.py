"""Sender: the port through which billers' systems are called; adapters/callbacks.py implements it.

It decides nothing about retries: it calls one address once, as it is allowed to, and says what
it heard.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

EXCERPT: Final = 200
"""Signs kept of the answer to a call that failed."""


class Failure(StrEnum):
    """Why an event was not delivered by a call."""

    ADDRESS = "address"  # it leads into a private network, or its form is refused
    HOST = "host"  # its name does not resolve
    UNREACHABLE = "unreachable"  # nobody listens there
    TLS = "tls"  # no valid certificate for that name
    TIMEOUT = "timeout"  # no answer in time
    BROKEN = "broken"  # an answer that is no HTTP, or that broke off
    REDIRECT = "redirect"  # it points elsewhere, which is never followed
    STATUS = "status"  # answered, and not with 2xx
    GONE = "gone"  # 410: do not call again


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of one call. failure: None when it was answered with 2xx.

    status: HTTP's, None without an answer. address: the one that was called. retry_after: the
    header as it came. excerpt: the start of the answer to a failed call, printable, no secrets.
    """

    failure: Failure | None
    status: int | None = None
    milliseconds: int = 0
    address: str | None = None
    retry_after: str = ""
    excerpt: str = ""


class Sender(Protocol):
    """Calls one address."""

    def check(self, url: str) -> None:
        """Raise webhooks.addresses.BadAddress for an address that would never be called."""
        ...

    def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Heard:
        """POST the body once. Never raises: whatever goes wrong is a Heard."""
        ...
