"""Rows of settlements for tests; see factories.py."""

from __future__ import annotations

import hashlib
import itertools
from datetime import date
from typing import Any
from uuid import UUID

from payments.domain import ids
from tests.factories import NOW, TODAY, Biller, Db, insert

_serial = itertools.count(1)


def a_settlement_file(
    db: Db, biller: Biller, *, content: bytes | None = None, status: str = "received"
) -> UUID:
    """A gateway's file as it came."""
    id_ = ids.new()
    insert(
        db,
        "settlement_file",
        biller_id=biller.id,
        id=id_,
        gateway="vnpay",
        name="quyet-toan.csv",
        sha256=hashlib.sha256(content or id_.bytes).digest(),
        size=1,
        profile_sha256=hashlib.sha256(b"").digest(),
        status=status,
        key_id=biller.key_id,
        sealed=b"sealed",
        received_at=NOW,
    )
    return id_


def a_batch(
    db: Db, biller: Biller, *, reference: str | None = None, day: date = TODAY, **more: Any
) -> UUID:
    """A payout of the gateway, without rows yet."""
    id_ = ids.new()
    insert(
        db,
        "settlement_batch",
        biller_id=biller.id,
        id=id_,
        gateway="vnpay",
        reference=reference or f"VNP20260311{next(_serial):02d}",
        settle_date=day,
        created_at=NOW,
        **more,
    )
    return id_


def a_row(
    db: Db,
    biller: Biller,
    batch: UUID,
    *,
    gross: int = 581_000,
    fee: int = 6_391,
    txn: str | None = None,
    kind: str = "payment",
    **more: Any,
) -> UUID:
    """A row of a batch, as it was read."""
    id_ = ids.new()
    values = {
        "biller_id": biller.id,
        "id": id_,
        "batch_id": batch,
        "line_no": 2,
        "kind": kind,
        "txn_id": txn or str(next(_serial)),
        "merchant_ref": "",
        "request_ref": "",
        "gross": gross,
        "fee": fee,
        "net": gross - fee,
        "status": "read",
    } | more
    if "file_id" not in values:
        values["file_id"] = a_settlement_file(db, biller)
    insert(db, "settlement_row", **values)
    return id_
