"""What the staff's pages show of calls that gateways made to us: plain values.

CallsPage   what was told, newest first
CallPage    one call: what we read in it, what we answered, what became of it

Amounts are int đồng, times aware datetimes, codes those of web/words.py (see web/pages.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from web.console.decisions import Done
from web.console.pages import Shell, Tab
from web.language import Both
from web.pages import ONE_PAGE, Choice, Pager


@dataclass(frozen=True, slots=True)
class CallRow:
    """One event of a call. told: code of words.py (heard), "" when it was not believed.

    gateway: what people call it. reference: our name for the try, else the gateway's number.
    times: how often it was told.
    """

    url: str
    at: datetime
    gateway: str
    told: str
    amount: int | None
    reference: str
    status: str
    times: int
    why: Sequence[Both]
    answer_status: int
    answer: str


@dataclass(frozen=True, slots=True)
class CallsPage:
    """Calls. GET list_url (source, status, day). day: as the field shows it, 2026-01-09.

    parts: the pages beside this one.
    """

    template: ClassVar[str] = "console/calls.html"

    shell: Shell
    parts: Sequence[Tab]
    rows: Sequence[CallRow]
    list_url: str
    sources: Sequence[Choice]
    statuses: Sequence[Choice]
    day: str = ""
    filtered: bool = False
    clear_url: str = ""
    channels_url: str = ""
    pager: Pager = ONE_PAGE


@dataclass(frozen=True, slots=True)
class Told:
    """What we read in a genuine call. The last five: "" for whoever may not see them.

    account: ours, masked for the same readers. reason: why a try ended, a code.
    """

    kind: str
    amount: int
    at: datetime
    reference: str = ""
    number: str = ""
    account: str = ""
    reason: str = ""
    finding: str = ""
    memo: str = ""
    bank_reference: str = ""
    counterparty: str = ""
    counterparty_account: str = ""


@dataclass(frozen=True, slots=True)
class Raw:
    """The call as it came; secrets in it are masked. cut: the body went on."""

    method: str
    query: str
    headers: Sequence[tuple[str, str]]
    body: str
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Became:
    """Where the money of a call is: a bill, or the queue. url leads there."""

    what: Both | str
    amount: int
    url: str


@dataclass(frozen=True, slots=True)
class CallPage:
    """One call. raw: None for whoever may not see it, and once it was erased.

    became: places of the payment; nothing: why there is none. others: what the same call told
    beside this. path: the address that was called. POST again_url, for one that waits.
    """

    template: ClassVar[str] = "console/call.html"

    shell: Shell
    parts: Sequence[Tab]
    gateway: str
    path: str
    at: datetime
    status: str
    times: int
    answer_status: int
    answer: str
    sees_all: bool
    told: Told | None = None
    why: Sequence[Both] = ()
    became: Sequence[Became] = ()
    payment: str = ""
    nothing: Both | None = None
    raw: Raw | None = None
    erased: bool = False
    others: Sequence[CallRow] = ()
    history: Sequence[Done] = ()
    notice: Both | None = None
    again_url: str = ""
    back_url: str = ""
