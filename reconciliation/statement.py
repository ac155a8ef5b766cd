"""What a reader of a bank's file must give, whatever the format.

A reader never raises on content: a file is read into statements and problems, or refused
with one error. Amounts are Decimal in the statement's own currency, because foreign
statements are read too; only VND is posted, and posting turns it into whole đồng.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal
from typing import Protocol

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in the file that could not be taken as it stands, for a person to look at.

    line: its line (row) in the file, from 1; 0 when it concerns the file as a whole.
    """

    line: int
    vi: str
    en: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a file was not taken, or not to its end. slug is stable, the texts are for people."""

    slug: str
    vi: str
    en: str


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One movement of money. amount is signed: in is positive, out is negative.

    line            line (row) in the file where the entry starts, from 1
    booking_date    the day the bank booked it; value_date and txn_time when the bank says so
    reference       what the payer or the customer gave (MT940 customer reference, EndToEndId)
    bank_reference  the bank's own number, unique per account and booking day at best
    memo            transfer text, white space squeezed
    balance_after   printed running balance
    is_reversal     the bank itself marks the line as taking an earlier one back
    """

    line: int
    booking_date: date
    amount: Decimal
    value_date: date | None = None
    txn_time: time | None = None
    reference: str | None = None
    bank_reference: str | None = None
    counterparty_account: str | None = None
    counterparty_name: str | None = None
    memo: str = ""
    balance_after: Decimal | None = None
    is_reversal: bool = False


@dataclass(frozen=True, slots=True)
class Statement:
    """One account over one period, with the figures that prove it complete.

    entries      entries found in the file, the unreadable ones included; a batch counts once
    unread       entries that are not among lines, or breaks in the printed running balance
    credit_total, debit_total
                 sums over the entries that were read, both zero or positive
    number       the bank's own statement or page number
    bank         profile that read it ("vietcombank"), None where the format has no profiles
    closing_day  the day the closing balance stands for, when the file says so
    """

    account: str | None
    currency: str
    opening: Decimal | None
    closing: Decimal | None
    lines: tuple[StatementLine, ...]
    entries: int
    credit_total: Decimal
    debit_total: Decimal
    unread: int = 0
    number: str | None = None
    bank: str | None = None
    closing_day: date | None = None

    @property
    def closes(self) -> bool:
        """Proven complete: every entry was read and opening + entries = closing."""
        if self.opening is None or self.closing is None or self.unread:
            return False
        return self.opening + self.credit_total - self.debit_total == self.closing


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """One file as read. format is the content's, never the file name's; None if unknown.

    error stands for the whole file: it is no statement (statements is empty then), or it is
    damaged from some point on (what stood before is kept, and does not close).
    """

    format: str | None
    statements: tuple[Statement, ...] = ()
    problems: tuple[Problem, ...] = ()
    error: Refusal | None = None

    @property
    def complete(self) -> bool:
        """Fit to post unattended: no error, and every statement closes."""
        return (
            self.error is None and bool(self.statements) and all(s.closes for s in self.statements)
        )


class StatementReader(Protocol):
    """Reads one kind of bank file. Pure: bytes in, values out; content never raises."""

    def read(self, data: bytes, *, name: str = "", profile: str | None = None) -> ParsedFile:
        """data: the whole file. name: its name, for messages and never for detection.

        profile: a bank's column profile to use instead of finding one by the headings.
        """
        ...


@dataclass(slots=True)
class Totals:
    """Adds entries up as they are read: money in and money out apart."""

    credit: Decimal = field(default=ZERO)
    debit: Decimal = field(default=ZERO)

    def add(self, amount: Decimal) -> None:
        """amount: signed, in positive."""
        if amount >= 0:
            self.credit += amount
        else:
            self.debit -= amount


def totals(amounts: Iterable[Decimal]) -> tuple[Decimal, Decimal]:
    """(money in, money out) of signed amounts, both zero or positive."""
    sums = Totals()
    for amount in amounts:
        sums.add(amount)
    return sums.credit, sums.debit
