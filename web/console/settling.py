"""What the staff's pages show of gateways' settlement files: plain values.

SettlementsPage   a settlement file and what became of its batches

Amounts are int đồng, times aware datetimes, codes those of web/words.py (see web/pages.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from web.console.pages import Shell
from web.console.papers import BadLine, ClosedDay
from web.language import Both
from web.pages import ONE_PAGE, Choice, FieldError, Pager


@dataclass(frozen=True, slots=True)
class BatchLine:
    """A statement line that paid a batch; undone_at: until then. POST undo_url or, to take that
    back, again_url: reason."""

    day: date
    account: str
    reference: str
    amount: int
    undo_url: str = ""
    again_url: str = ""
    undone_at: datetime | None = None
    undone_by: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class BatchRead:
    """One batch of a file. standing: awaited, short, paid or over (words.py, settlement_batch).

    rows = booked + waiting + explained, once the run has been over them. unchecked: payments
    whose fee no contract covers. waiting_url: where a person looks at those in suspense. lines:
    what paid it, and what was taken off it.
    """

    reference: str
    settle_date: date
    rows: int
    seen: int
    gross: int
    fees: int
    due: int
    came: int
    standing: str
    booked: int
    waiting: int
    explained: int
    unchecked: int
    waiting_url: str = ""
    lines: Sequence[BatchLine] = ()


@dataclass(frozen=True, slots=True)
class SettlementRead:
    """What became of a file. status: received, read or refused; error says why it was refused.

    repeated_at: the same bytes were received before, nothing was done again. closed: days of
    its batches that were locked before it came.
    """

    name: str
    gateway: str
    size: int
    sha256: str
    status: str
    profiled: bool = False
    error: Both | None = None
    repeated_at: datetime | None = None
    batches: Sequence[BatchRead] = ()
    problems: Sequence[BadLine] = ()
    problem_count: int = 0
    closed: Sequence[ClosedDay] = ()


@dataclass(frozen=True, slots=True)
class SettlementRow:
    """One file in the list of those received."""

    name: str
    gateway: str
    status: str
    received_at: datetime
    by: str
    rows: int = 0
    problems: int = 0
    url: str = ""


@dataclass(frozen=True, slots=True)
class SettlementsPage:
    """Settlement files: POST multipart to action_url (fields gateway, file, profile).

    gateways: those whose channel is set up; without one there is no form. pager: of the lines
    that could not be read. back_url: the statements of banks.
    """

    template: ClassVar[str] = "console/settlements.html"

    shell: Shell
    action_url: str
    gateways: Sequence[Choice]
    result: SettlementRead | None = None
    recent: Sequence[SettlementRow] = ()
    errors: Sequence[FieldError] = ()
    most_bytes: int = 50_000_000
    pager: Pager = ONE_PAGE
    back_url: str = ""
