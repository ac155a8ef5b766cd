"""What the staff's pages show of papers: plain values, built by the console's views.

ImportPage   a statement file and what was read
BillsPage    what was billed
BillPage     one bill and the money on it
RunPage      one reconciliation run

Amounts are int đồng, times aware datetimes, codes those of web/words.py (see web/pages.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from web.console.decisions import Evidence, MemoPart
from web.console.night_pages import NightPart
from web.console.pages import Shell
from web.language import Both
from web.pages import ONE_PAGE, Choice, FieldError, Pager


@dataclass(frozen=True, slots=True)
class BadLine:
    """What could not be read. line: in the file, counted from 1; 0 is the whole file."""

    line: int
    what: Both | str


@dataclass(frozen=True, slots=True)
class StatementRead:
    """One statement of a file. complete: closes and continues the one before, so it may post."""

    account: str
    currency: str
    first_day: date
    last_day: date
    opening: int | None
    credits: int
    debits: int
    closing: int | None
    lines: int
    complete: bool
    why_not: Both | None = None


@dataclass(frozen=True, slots=True)
class ClosedDay:
    """A day of a file that was locked before the file came. url: of the day."""

    day: date
    url: str


@dataclass(frozen=True, slots=True)
class FileRead:
    """What became of a file. status: read or refused; error says why it was refused.

    repeated_at: the same bytes were received before, nothing was done again. closed: its days
    that were locked before it came.
    """

    name: str
    size: int
    sha256: str
    status: str
    format: str = ""
    error: Both | None = None
    repeated_at: datetime | None = None
    statements: Sequence[StatementRead] = ()
    problems: Sequence[BadLine] = ()
    problem_count: int = 0
    run_url: str = ""
    closed: Sequence[ClosedDay] = ()


@dataclass(frozen=True, slots=True)
class FileRow:
    """One file in the list of those received."""

    name: str
    status: str
    received_at: datetime
    by: str
    lines: int = 0
    problems: int = 0
    url: str = ""


@dataclass(frozen=True, slots=True)
class ImportPage:
    """Statement files: POST multipart to action_url (fields file, account).

    pager: of the lines that could not be read. settlements_url: the files of gateways.
    """

    template: ClassVar[str] = "console/import.html"

    shell: Shell
    action_url: str
    accounts: Sequence[Choice]
    result: FileRead | None = None
    recent: Sequence[FileRow] = ()
    errors: Sequence[FieldError] = ()
    most_bytes: int = 20_000_000
    pager: Pager = ONE_PAGE
    settlements_url: str = ""


@dataclass(frozen=True, slots=True)
class BillRow:
    """One bill in the list. status: payment state (words.py, invoice)."""

    reference: str
    url: str
    beneficiary: str
    group: str
    title: str
    amount: int
    paid: int
    status: str
    due_on: date | None = None


@dataclass(frozen=True, slots=True)
class BillsPage:
    """Bills. find: what was typed (GET find, status)."""

    template: ClassVar[str] = "console/bills.html"

    shell: Shell
    rows: Sequence[BillRow]
    list_url: str
    find: str = ""
    statuses: Sequence[Choice] = ()
    filtered: bool = False
    clear_url: str = ""
    pager: Pager = ONE_PAGE


@dataclass(frozen=True, slots=True)
class BillLine:
    """One line as it was billed; a reduction is negative."""

    name: str
    amount: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class MatchRow:
    """Money on the bill. by: who or what matched it; undone_at, why: taken apart since.
    timed: whether the bank gave more than the day.

    undo_url: POST (reason), where it can be. rule, memo, evidence: why a rule matched it.
    """

    amount: int
    way: str
    at: datetime
    reference: str
    by: Both | str
    receipt: str = ""
    undone_at: datetime | None = None
    undone_by: str = ""
    why: str = ""
    undo_url: str = ""
    timed: bool = True
    rule: Both | None = None
    memo: Sequence[MemoPart] = ()
    evidence: Sequence[Evidence] = ()


@dataclass(frozen=True, slots=True)
class CodeRow:
    """A payment code over the bill. status: payment state of the order (words.py)."""

    code: str
    status: str
    amount: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class BillPage:
    """One bill: who, status, how the amount came about, the money on it."""

    template: ClassVar[str] = "console/bill.html"

    shell: Shell
    reference: str
    beneficiary: str
    beneficiary_code: str
    group: str
    title: str
    amount: int
    paid: int
    refunded: int
    status: str
    lines: Sequence[BillLine]
    matches: Sequence[MatchRow] = ()
    codes: Sequence[CodeRow] = ()
    due_on: date | None = None
    errors: Sequence[FieldError] = ()
    back_url: str = ""


@dataclass(frozen=True, slots=True)
class Counted:
    """How many and how much ended in one place."""

    code: str
    count: int
    amount: int
    url: str = ""


@dataclass(frozen=True, slots=True)
class RunPage:
    """One run. decisions: matched, ignored, discrepancy …; kinds: what the open ones are.

    The sums of decisions equal all lines: every line ends in exactly one place.
    """

    template: ClassVar[str] = "console/run.html"

    shell: Shell
    day: date
    account: str
    status: str
    started_at: datetime
    attempt: int
    lines: int
    amount: int
    decisions: Sequence[Counted]
    kinds: Sequence[Counted] = ()
    finished_at: datetime | None = None
    error: Both | None = None
    again_url: str = ""
    day_url: str = ""
    night: NightPart | None = None
