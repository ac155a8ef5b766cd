"""What the pages of payout files show; see decisions.py for the refunds in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from web.console.pages import Shell
from web.pages import ONE_PAGE, Choice, FieldError, Pager


@dataclass(frozen=True, slots=True)
class PayoutRow:
    """One file in the list. done, failed: how many of its refunds ended so."""

    url: str
    id: str
    made_at: datetime
    made_by: str
    account: str
    refunds: int
    total: int
    done: int
    failed: int
    status: str


@dataclass(frozen=True, slots=True)
class PayoutsPage:
    """Payout files, newest first. refunds_url: where they are made."""

    template: ClassVar[str] = "console/payouts.html"

    shell: Shell
    rows: Sequence[PayoutRow]
    refunds_url: str = ""
    pager: Pager = ONE_PAGE


@dataclass(frozen=True, slots=True)
class PayoutLine:
    """A refund in a file. live: it has not left the file by a failure."""

    number: int
    url: str
    code: str
    amount: int
    status: str
    live: bool


@dataclass(frozen=True, slots=True)
class PayoutPage:
    """One payout file. downloads: its forms, as address and name, for who may have them.

    void_url: POST (reason), where it can still be voided.
    """

    template: ClassVar[str] = "console/payout.html"

    shell: Shell
    id: str
    status: str
    account: str
    profile: str
    refunds: int
    total: int
    done: int
    failed: int
    made_at: datetime
    made_by: str
    lines: Sequence[PayoutLine]
    downloads: Sequence[Choice] = ()
    voided_at: datetime | None = None
    voided_by: str = ""
    void_reason: str = ""
    void_url: str = ""
    back_url: str = ""
    errors: Sequence[FieldError] = ()
