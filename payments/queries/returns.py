"""Refunds as staff see them: for whom, who asked, who approved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from payments import people, vault
from payments.domain import ids
from payments.domain.errors import NotFound
from payments.people import Person
from payments.queries import staff
from payments.refunds import Payee
from payments.store.sessions import biller_of

PAGE = 50


@dataclass(frozen=True, slots=True)
class Returned:
    """One refund. beneficiary: whose bill or credit it gives back; None for free money.

    source: allocation, credit or free. payee: None once it was erased. gateway: what took the
    payment. reference, provider_reference: our name and theirs for it, at the gateway or bank.
    payout_id, code: the file it is in and what stands in the memo. came_back: when the payee's
    bank returned it. asked: the gateway will be asked again by itself; only of a single one.
    """

    id: UUID
    payment_id: UUID
    amount: int
    reason: str
    method: str
    status: str
    source: str
    beneficiary: Person | None
    payee: Payee | None
    requested_by: UUID
    requester: str
    requested_at: datetime
    approved_by: UUID | None
    approver: str
    approved_at: datetime | None
    refuser: str
    updated_at: datetime
    payment_reference: str
    paid_at: datetime
    gateway: str
    sent_at: datetime | None
    reference: str
    provider_reference: str
    failure: str
    payout_id: UUID | None
    code: str
    came_back: date | None
    asked: bool = False


_SELECT = """
SELECT r.*, p.gateway, p.received_at, p.bank_reference,
       p.provider_reference AS told_reference, o.payout_id, o.code,
       (SELECT max(k.booking_date) FROM bank_line k WHERE k.biller_id = r.biller_id
           AND k.refund_id = r.id AND k.amount > 0) AS came_back,
       b.id AS beneficiary_id, b.key_id AS person_key, b.sealed AS person
FROM refund r
JOIN payment p ON p.biller_id = r.biller_id AND p.id = r.payment_id
LEFT JOIN payout_line o ON o.biller_id = r.biller_id AND o.refund_id = r.id AND o.live
LEFT JOIN allocation a ON a.biller_id = r.biller_id AND a.id = r.allocation_id
LEFT JOIN invoice i ON i.biller_id = a.biller_id AND i.id = a.invoice_id
LEFT JOIN credit c ON c.biller_id = r.biller_id AND c.id = r.credit_id
LEFT JOIN beneficiary b ON b.biller_id = r.biller_id
    AND b.id = coalesce(i.beneficiary_id, c.beneficiary_id)
WHERE r.biller_id = :biller
"""

# Those that wait come first, each part with the newest first; so the cut has two parts too.
_AFTER = """
AND EXISTS (SELECT FROM refund x WHERE x.biller_id = :biller AND x.id = :before AND (
    (x.status = 'requested' AND r.status <> 'requested')
    OR ((x.status = 'requested') = (r.status = 'requested') AND r.id < x.id)))
"""


def get(db: Session, refund_id: UUID) -> Returned:
    """One refund. Raises NotFound."""
    found = _run(db, " AND r.id = :id", {"id": refund_id})
    if not found:
        raise NotFound()
    asked = db.scalar(
        text("""SELECT EXISTS (SELECT FROM message WHERE biller_id = :biller
                AND drain = 'lookups' AND due_at IS NOT NULL AND body ->> 'refund' = :shown)"""),
        {"biller": biller_of(db), "shown": ids.shown("ref", refund_id)},
    )
    return replace(found[0], asked=bool(asked))


def listed(
    db: Session, status: str | None, *, method: str | None = None, before: UUID | None = None
) -> tuple[Sequence[Returned], UUID | None]:
    """Refunds, those that wait for somebody first, then the newest; and where to go on.

    method: bank_payout or gateway, both if None. before: the last id of the page before.
    """
    which, values = "", dict[str, Any]()
    if status is not None:
        which, values = " AND r.status = :status", {"status": status}
    if method is not None:
        which += " AND r.method = :method"
        values["method"] = method
    if before is not None:
        which += _AFTER
        values["before"] = before
    order = f" ORDER BY (r.status <> 'requested'), r.id DESC LIMIT {PAGE + 1}"
    found = _run(db, which + order, values)
    return found[:PAGE], found[PAGE - 1].id if len(found) > PAGE else None


def waiting(db: Session) -> tuple[int, int]:
    """How many refunds wait for approval, and their đồng."""
    row = db.execute(
        text("""SELECT count(*) AS refunds, coalesce(sum(amount), 0) AS amount FROM refund
                WHERE biller_id = :biller AND status = 'requested'"""),
        {"biller": biller_of(db)},
    ).one()
    return row.refunds, int(row.amount)


def _run(db: Session, which: str, values: Mapping[str, Any]) -> list[Returned]:
    rows = db.execute(text(_SELECT + which), {"biller": biller_of(db), **values}).all()
    payees = vault.unseal_many(
        db, [vault.Envelope(row.key_id, row.sealed, f"refund:{row.id}") for row in rows]
    )
    about = {row.beneficiary_id: row for row in rows if row.beneficiary_id is not None}
    who = people.opened_many(
        db, [(row.person_key, row.beneficiary_id, row.person) for row in about.values()]
    )
    hands = [hand for row in rows for hand in (row.requested_by, row.approved_by, row.refused_by)]
    names = staff.names(db, hands)
    return [
        _made(row, payee, who.get(row.beneficiary_id), names)
        for row, payee in zip(rows, payees, strict=True)
    ]


def _made(
    row: Row[Any], payee: Any, beneficiary: Person | None, names: Mapping[UUID, str]
) -> Returned:
    source = "allocation" if row.allocation_id else "credit" if row.credit_id else "free"
    return Returned(
        id=row.id,
        payment_id=row.payment_id,
        amount=row.amount,
        reason=row.reason,
        method=row.method,
        status=row.status,
        source=source,
        beneficiary=beneficiary,
        payee=None if payee is vault.ERASED or not payee["account"] else Payee(**payee),
        requested_by=row.requested_by,
        requester=names.get(row.requested_by, ""),
        requested_at=row.requested_at,
        approved_by=row.approved_by,
        approver=names.get(row.approved_by, ""),
        approved_at=row.approved_at,
        refuser=names.get(row.refused_by, ""),
        updated_at=row.updated_at,
        payment_reference=row.bank_reference or row.told_reference,
        paid_at=row.received_at,
        gateway=row.gateway,
        sent_at=row.sent_at,
        reference=row.merchant_reference or "",
        provider_reference=row.provider_reference or "",
        failure=row.failure or "",
        payout_id=row.payout_id,
        code=row.code or "",
        came_back=row.came_back,
    )
