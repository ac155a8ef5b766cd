"""What a reader of a gateway's settlement file must give, whatever its layout.

A reader never raises on content: a file is read into rows and problems, or refused with one
error. Refunds and charge-backs are negative, and net = gross - fee on every row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from reconciliation.statement import Problem, Refusal


class RowKind(StrEnum):
    """What a row of a settlement file is about."""

    PAYMENT = "payment"
    REFUND = "refund"
    CHARGEBACK = "chargeback"


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One row. gross, fee and net: whole đồng; fee is what the gateway keeps.

    line          line (row) in the file, from 1
    batch         the gateway's name for the payout that the row belongs to
    txn_id        the gateway's number of the transaction
    merchant_ref  our name for the try or the refund; request_ref: a second one, "" for none
    paid_at       when it happened, in Hanoi's time; None if the file does not say
    """

    line: int
    batch: str
    settle_date: date
    kind: RowKind
    txn_id: str
    merchant_ref: str
    request_ref: str
    paid_at: datetime | None
    gross: int
    fee: int
    net: int


@dataclass(frozen=True, slots=True)
class Report:
    """One file as read. error stands for the whole file: nothing of it is taken then.

    names_merchant: whether the rows say whose they are, so that somebody else's were refused.
    """

    rows: Sequence[ReportRow] = ()
    problems: Sequence[Problem] = ()
    error: Refusal | None = None
    names_merchant: bool = False


class ReportReader(Protocol):
    """Reads the settlement files of one gateway. Pure: bytes in, values out."""

    gateway: str
    title: str  # what people call the gateway: "MoMo"

    def read(
        self, data: bytes, *, profile: str | None = None, merchant: str | None = None
    ) -> Report:
        """data: the whole file. profile: TOML that changes the usual layout.

        merchant: what the gateway calls this biller; a file of another one is refused. None
        where the biller gave no such name.
        """
        ...
