"""What the staff's pages show: plain values, built by the console's views.

SignInPage   password, then six digits
BillerPage   which biller to work for
TodayPage    unexplained first, then the work queue, then totals
DayPage      a business day on its way to being closed

What two people decide about (discrepancies, refunds) is in decisions.py, files, bills and runs
in papers.py. Amounts are int đồng, times aware datetimes, codes those of web/words.py (see
web/pages.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, Final

from web.console.night_pages import NightPart
from web.language import Both
from web.pages import FieldError


@dataclass(frozen=True, slots=True)
class Tab:
    """One entry of the bar. code: today, discrepancies, bills, statements, days, refunds,
    channels, callbacks."""

    code: str
    url: str
    count: int = 0


@dataclass(frozen=True, slots=True)
class Shell:
    """The bar above every staff page. active: the code of the tab one is in.

    sign_out_url: POST. biller_url: where to change the biller, for who works for several.
    """

    biller: str
    staff: str
    tabs: Sequence[Tab]
    active: str
    sign_out_url: str
    home_url: str = "/console"
    biller_url: str = ""


@dataclass(frozen=True, slots=True)
class Hand:
    """One of two people. name: "" while unknown; you: the reader; at: when signed."""

    name: str = ""
    at: datetime | None = None
    you: bool = False


NOBODY: Final = Hand()
"""Whoever it will be."""


@dataclass(frozen=True, slots=True)
class SignInPage:
    """Sign-in. step: password (fields email, password) or code (field code, six digits).

    locked_until: set while the account is locked; the form is then left out.
    start_url: back to the first step.
    """

    template: ClassVar[str] = "console/signin.html"

    step: str
    action_url: str
    email: str = ""
    errors: Sequence[FieldError] = ()
    locked_until: datetime | None = None
    start_url: str = ""
    next_url: str = ""


@dataclass(frozen=True, slots=True)
class BillerChoice:
    """One biller to work for. role: code of words.py."""

    id: str
    name: str
    role: str


@dataclass(frozen=True, slots=True)
class BillerPage:
    """The billers of a person who signed in; one a session (POST action_url: biller)."""

    template: ClassVar[str] = "console/biller.html"

    staff: str
    billers: Sequence[BillerChoice]
    action_url: str
    sign_out_url: str
    next_url: str = ""


@dataclass(frozen=True, slots=True)
class Gap:
    """One of the independent comparisons behind the unexplained figure; 0 when it agrees."""

    what: Both
    amount: int


@dataclass(frozen=True, slots=True)
class Equation:
    """received = applied + credit + refunded + named + unexplained, for the money of one day.

    unexplained comes from comparisons of independent sources up to that day, not from these
    sums, and may be of either sign; gaps: all of them. task_url: what to do when it is not 0.
    """

    received: int
    applied: int
    credit: int
    refunded: int
    named: int
    unexplained: int
    task_url: str = ""
    gaps: Sequence[Gap] = ()


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One discrepancy in a list, oldest first. kind: code of words.py.

    where: one line that tells it from the others ("VietQR · 09:14"); age_days: business days,
    overdue paints the age; owner: who works on it.
    """

    id: str
    url: str
    kind: str
    where: Both | str
    amount: int
    age_hours: int
    overdue: bool = False
    status: str = "open"
    current: bool = False
    age_days: int = 0
    owner: str = ""


@dataclass(frozen=True, slots=True)
class WaitingCalls:
    """Calls of gateways that wait for a person. where: whose; the age is the oldest one's."""

    url: str
    count: int
    where: str
    age_hours: int
    overdue: bool = False


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """Money received by one way. way: channel code of words.py."""

    way: str
    count: int
    amount: int


@dataclass(frozen=True, slots=True)
class LatestRun:
    """The last reconciliation run. status: running, done or failed."""

    url: str
    day: date
    status: str
    started_at: datetime
    lines: int = 0
    matched: int = 0
    discrepancies: int = 0


@dataclass(frozen=True, slots=True)
class TodayPage:
    """The first page of staff. queue_amount: money at risk in the whole queue.

    queue: the oldest few; queue_count: all. timing: items that clear by themselves tomorrow.
    missing: what should be here and is not (a statement file), each with where to go.
    night: how far the latest night's runs are, None before the first.
    calls: what gateways told and nobody could book yet; None when there is nothing.
    """

    template: ClassVar[str] = "console/today.html"

    shell: Shell
    day: date
    status: str
    updated_at: datetime
    equation: Equation
    queue: Sequence[QueueRow]
    queue_count: int
    queue_amount: int
    queue_url: str
    channels: Sequence[ChannelRow]
    day_url: str
    run: LatestRun | None = None
    night: NightPart | None = None
    timing_count: int = 0
    timing_amount: int = 0
    missing: Sequence[tuple[Both, str]] = ()
    calls: WaitingCalls | None = None


@dataclass(frozen=True, slots=True)
class DayRow:
    """One channel of a day, three ways. reported: None where no gateway stands between.

    outcome: kind of discrepancy, or "matched"; difference: đồng behind it.
    """

    way: str
    orders: int
    collected: int
    reported: int | None
    fees: int
    arrived: int
    outcome: str = "matched"
    difference: int = 0


@dataclass(frozen=True, slots=True)
class AccountRow:
    """A bank account against its statement. ledger: None where the statement goes on after the
    day; last_day: of the statement."""

    account: str
    last_day: date
    opening: int
    credits: int
    debits: int
    closing: int
    ledger: int | None


@dataclass(frozen=True, slots=True)
class TransitRow:
    """Money that was received and has not come to the bank. late: the day by which it should."""

    expected_on: date
    way: str
    count: int
    amount: int
    late: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """One condition before signing; url leads to what to do about it."""

    ok: bool
    what: Both
    url: str = ""


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature of the close. role: maker or chief."""

    role: str
    hand: Hand


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One signed version of a day's sheet. reason: why it was corrected, "" for the first.

    sha256, seal_root: hex; seal_root "" where nothing was sealed. url: of its exports, to be
    followed by a format.
    """

    version: int
    sha256: str
    seal_number: int | None
    seal_root: str
    reason: str
    prepared: Hand
    signed: Hand
    url: str


@dataclass(frozen=True, slots=True)
class CorrectionRow:
    """A corrected sheet that waits for a signature. by: who prepared it; own: the reader did."""

    reason: str
    by: str
    at: datetime
    own: bool


@dataclass(frozen=True, slots=True)
class DayPage:
    """A business day. sign_url: POST, only when the reader may lock it now; else why_not.

    check_url: POST, the first signature; reconcile_url: POST, the runs again.

    accounts: each with its statement; transit: what is on its way now, by when it should come.
    sheets: what was signed, latest first. export_url: of the sheet as it stands now, to be
    followed by a format. correct_url, sign_correction_url: POST, only when the reader may.
    previous_url and next_url: the days beside it. notice: what has just been done about it.
    """

    template: ClassVar[str] = "console/day.html"

    shell: Shell
    day: date
    status: str
    equation: Equation
    rows: Sequence[DayRow]
    checks: Sequence[Check]
    accounts: Sequence[AccountRow] = ()
    transit: Sequence[TransitRow] = ()
    signatures: Sequence[Signature] = ()
    sign_url: str = ""
    why_not: Both | None = None
    why_not_url: str = ""
    reconcile_url: str = ""
    check_url: str = ""
    export_url: str = ""
    sheets: Sequence[SheetRow] = ()
    corrections: Sequence[CorrectionRow] = ()
    correct_url: str = ""
    sign_correction_url: str = ""
    notice: Both | None = None
    month_url: str = ""
    previous_url: str = ""
    next_url: str = ""
