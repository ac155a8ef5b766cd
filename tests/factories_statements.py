"""Rows of statements, discrepancies and calls for tests; see factories.py."""

from __future__ import annotations

import hashlib
import itertools
from datetime import date
from typing import Any
from uuid import UUID

from payments.domain import ids
from tests.factories import NOW, TODAY, Biller, Db, insert, run

_serial = itertools.count(1)


def a_statement_file(db: Db, biller: Biller, *, content: bytes | None = None) -> UUID:
    """A statement file as it came."""
    id_ = ids.new()
    insert(
        db,
        "statement_file",
        biller_id=biller.id,
        id=id_,
        name="saoke.csv",
        sha256=hashlib.sha256(content or id_.bytes).digest(),
        size=1,
        status="received",
        key_id=biller.key_id,
        sealed=b"sealed",
        received_at=NOW,
    )
    return id_


def a_statement(
    db: Db, biller: Biller, *, closing: int = 0, day: date = TODAY, complete: bool = True
) -> UUID:
    """One day of the biller's bank account, in a file of its own."""
    id_ = ids.new()
    insert(
        db,
        "statement",
        biller_id=biller.id,
        id=id_,
        file_id=a_statement_file(db, biller),
        ordinal=1,
        bank_account_id=biller.account_id,
        currency="VND",
        first_day=day,
        last_day=day,
        opening=0,
        closing=closing,
        line_count=0,
        closes=complete,
        complete=complete,
    )
    return id_


def a_bank_line(
    db: Db,
    biller: Biller,
    *,
    statement: UUID | None = None,
    amount: int = 581_000,
    key: bytes | None = None,
    occurrence: int = 1,
    status: str = "imported",
    **more: Any,
) -> UUID:
    """A line of a statement; key: what makes it the same line when it comes again."""
    id_ = ids.new()
    insert(
        db,
        "bank_line",
        biller_id=biller.id,
        id=id_,
        statement_id=statement or a_statement(db, biller),
        bank_account_id=biller.account_id,
        line_no=next(_serial),
        line_key=hashlib.sha256(key or id_.bytes).digest(),
        occurrence=occurrence,
        booking_date=TODAY,
        amount=amount,
        key_id=biller.key_id,
        sealed=b"sealed",
        status=status,
        **more,
    )
    return id_


def a_discrepancy(
    db: Db,
    biller: Biller,
    *,
    payment: UUID | None = None,
    holds: int = 0,
    amount: int = 581_000,
    status: str = "open",
    **more: Any,
) -> UUID:
    """Something that does not match; holds: free money of its payment that it explains."""
    id_ = ids.new()
    insert(
        db,
        "discrepancy",
        biller_id=biller.id,
        id=id_,
        kind="WRONG_AMOUNT",
        status=status,
        day=TODAY,
        amount=amount,
        payment_id=payment,
        holds=holds,
        key_id=biller.key_id,
        sealed=b"sealed",
        opened_at=NOW,
        **more,
    )
    return id_


def an_inbound_call(
    db: Db,
    biller: Biller,
    *,
    event: str | None = "E1",
    verified: bool = True,
    status: str | None = None,
    source: str = "sepay",
    content: bytes | None = None,
) -> UUID:
    """A call that somebody made to us."""
    id_ = ids.new()
    insert(
        db,
        "inbound_call",
        biller_id=biller.id,
        id=id_,
        source=source,
        call_hash=hashlib.sha256(content or id_.bytes).digest(),
        received_at=NOW,
        verified=verified,
        refusal=None if verified else "bad signature",
        event_id=event,
        status=status or ("received" if verified else "refused"),
        key_id=biller.key_id,
        sealed=b"sealed",
        answer_status=200 if verified else 401,
        answer_body="",
    )
    return id_


def a_message(db: Db, biller: Biller, **more: Any) -> UUID:
    """A message of the outbox."""
    id_ = ids.new()
    insert(db, "message", biller_id=biller.id, id=id_, kind="test", body="{}", at=NOW, **more)
    return id_


def an_open_day(db: Db, biller: Biller, day: date = TODAY) -> date:
    """A business day that has begun."""
    insert(db, "business_day", biller_id=biller.id, day=day, status="open")
    return day


def reconcile_day(db: Db, biller: Biller, day: date = TODAY, *, by: UUID | None = None) -> None:
    """Note that a day is reconciled, by the cashier if nobody else is named."""
    run(
        db,
        "UPDATE business_day SET status = 'reconciled', reconciled_at = %(now)s,"
        " reconciled_by = %(by)s WHERE biller_id = %(biller)s AND day = %(day)s",
        now=NOW,
        by=by or biller.cashier,
        biller=biller.id,
        day=day,
    )


def a_check(db: Db, biller: Biller, day: date = TODAY, *, by: UUID | None = None) -> None:
    """Sign a day first, by the cashier if nobody else is named."""
    who = by or biller.cashier
    insert(db, "day_check", biller_id=biller.id, day=day, checked_by=who, checked_at=NOW)


def sign_day(db: Db, biller: Biller, day: date = TODAY, *, by: UUID | None = None) -> None:
    """Close a reconciled day, by the chief accountant if nobody else is named."""
    a_sheet(db, biller, day, by=by)


def a_sheet(
    db: Db,
    biller: Biller,
    day: date = TODAY,
    *,
    version: int = 1,
    by: UUID | None = None,
    **more: Any,
) -> bytes:
    """Sign a sheet of a day, by the chief accountant if nobody else is named; returns its bytes."""
    sheet = f'{{"day":"{day}","version":{version}}}'.encode()
    values = {"sheet": sheet, "sha256": hashlib.sha256(sheet).digest()} | more
    insert(
        db,
        "day_sheet",
        biller_id=biller.id,
        day=day,
        version=version,
        signed_by=by or biller.chief,
        signed_at=NOW,
        **values,
    )
    return sheet


def a_correction(
    db: Db, biller: Biller, day: date = TODAY, *, version: int = 2, by: UUID | None = None
) -> None:
    """Prepare a corrected sheet, by the cashier if nobody else is named."""
    insert(
        db,
        "day_correction",
        biller_id=biller.id,
        day=day,
        version=version,
        prepared_by=by or biller.cashier,
        prepared_at=NOW,
        reason="phí cổng ghi sau",
    )
