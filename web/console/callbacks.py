"""What the staff's pages show of call-backs to the biller's own systems: plain values.

EndpointsPage   where systems are called
EndpointPage    one of them: how it is doing, its secret once, the log
DeliveryPage    one event on its way there, and every call that was made

Times are aware datetimes, codes those of web/words.py (see web/pages.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from web.console.pages import Shell
from web.language import Both
from web.pages import ONE_PAGE, Choice, FieldError, Pager


@dataclass(frozen=True, slots=True)
class EndpointForm:
    """What was typed: url, kinds (separated by blanks), note."""

    url: str = ""
    kinds: str = "*"
    note: str = ""


NOTHING_TYPED = EndpointForm()


@dataclass(frozen=True, slots=True)
class EndpointRow:
    """One endpoint in the list. status: on, trying, by_hand, gone or failing."""

    url: str
    address: str
    note: str
    kinds: Sequence[str]
    status: str
    waiting: int
    delivered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class EndpointsPage:
    """All endpoints. add_url: POST (url, kinds, note), for who may."""

    template: ClassVar[str] = "console/endpoints.html"

    shell: Shell
    rows: Sequence[EndpointRow]
    add_url: str = ""
    typed: EndpointForm = NOTHING_TYPED
    errors: Sequence[FieldError] = ()


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One event in the log. answer: HTTP status; reason: why the last call failed, "" if it did
    not."""

    url: str
    kind: str
    position: int
    at: datetime
    status: str
    attempts: int
    answer: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class EndpointPage:
    """One endpoint. secret: only in the answer to whoever has just made it.

    failing_since: while it only fails and is still called. The urls are POSTs, where they may be
    done: change (url, kinds, note), secret (overlap, in hours), test, enable, disable.
    """

    template: ClassVar[str] = "console/endpoint.html"

    shell: Shell
    address: str
    note: str
    kinds: Sequence[str]
    status: str
    created_at: datetime
    waiting: int
    rows: Sequence[DeliveryRow]
    list_url: str
    back_url: str
    delivered_at: datetime | None = None
    failing_since: datetime | None = None
    old_secret_until: datetime | None = None
    secret: str = ""
    notice: Both | None = None
    errors: Sequence[FieldError] = ()
    typed: EndpointForm = NOTHING_TYPED
    statuses: Sequence[Choice] = ()
    kind_choices: Sequence[Choice] = ()
    overlaps: Sequence[Choice] = ()
    filtered: bool = False
    pager: Pager = ONE_PAGE
    change_url: str = ""
    secret_url: str = ""
    test_url: str = ""
    enable_url: str = ""
    disable_url: str = ""


@dataclass(frozen=True, slots=True)
class CallRow:
    """One call. excerpt: the start of a bad answer, as it came."""

    number: int
    at: datetime
    address: str
    milliseconds: int
    answer: int | None = None
    reason: str = ""
    excerpt: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """One event on its way. data: the fields that are told; replay_url: POST, where allowed."""

    template: ClassVar[str] = "console/delivery.html"

    shell: Shell
    address: str
    kind: str
    event_id: str
    position: int
    at: datetime
    status: str
    data: Sequence[tuple[str, str]]
    calls: Sequence[CallRow]
    back_url: str
    due_at: datetime | None = None
    replay_url: str = ""
    errors: Sequence[FieldError] = ()
