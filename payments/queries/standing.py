"""Where a payment order stands for whoever has its link: what is owed, what came, what is over.

One statement, because the pay page asks for it every few seconds. Everything follows from the
bills and the money on them, not from the order alone: an old link of bills that were paid by
another code says paid.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.domain.errors import NotFound
from payments.domain.states import OrderStatus
from payments.store.sessions import biller_of


@dataclass(frozen=True, slots=True)
class Standing:
    """The sums of an order's bills, in đồng; cancelled bills are left out of all of them.

    total: what the bills say. owed: of that, not paid yet. payable: what a transfer with this
    code can still pay, usually the same. received: applied to the bills, by whichever code.
    excess: received beyond them and not given back. refunding: on its way back. given_back:
    of what had been applied. confirming: a gateway has the payment and has not said how it ended.
    """

    code: str
    stored: OrderStatus
    is_late: bool
    expires_at: datetime
    open_bills: int
    total: int
    owed: int
    payable: int
    received: int
    excess: int
    refunding: int
    given_back: int
    confirming: bool

    def status(self, now: datetime) -> str:
        """The payer's word for it: a key of web/words.py, noun `payer`."""
        if not self.open_bills:
            return "cancelled"
        return self._owing(now) if self.owed else self._settled()

    def _owing(self, now: datetime) -> str:
        if self.stored is OrderStatus.CANCELLED:
            return "cancelled"
        if self.stored is OrderStatus.EXPIRED or self.expires_at <= now:
            return "expired"
        if self.confirming:
            return "confirming"
        return "part_paid" if self.received else "awaiting"

    def _settled(self) -> str:
        if self.refunding:
            return "refunding"
        if self.given_back:
            return "refunded"
        if self.excess:
            return "overpaid"
        return "late_paid" if self.is_late else "paid"

    @property
    def due(self) -> int:
        """What to ask for now: never more than this code can take, if it can take anything."""
        return self.payable or self.owed


# `ours`: payments that came by this very code. What they left over belongs to this page; what
# another code's payment left over does so only as credit of the same child or patient.
_STANDING = text("""
WITH bill AS (
    SELECT i.id, i.beneficiary_id, i.amount, i.allocated,
           least(p.amount, i.amount - i.allocated) AS part, i.status = 'issued' AS is_open
    FROM order_invoice p
    JOIN invoice i ON i.biller_id = p.biller_id AND i.id = p.invoice_id
    WHERE p.biller_id = :biller AND p.order_id = :order
), came AS (
    SELECT payment_id, coalesce(bool_or(ours), false) AS ours FROM (
        SELECT a.payment_id, a.order_id = :order AS ours
        FROM bill b
        JOIN allocation a ON a.biller_id = :biller AND a.invoice_id = b.id
        WHERE a.live
        UNION ALL
        -- A second payment of a paid order pays no bill, and is the payer's all the same.
        SELECT p.id, true FROM attempt t
        JOIN payment p ON p.biller_id = t.biller_id AND p.attempt_id = t.id
        WHERE t.biller_id = :biller AND t.order_id = :order
    ) one GROUP BY payment_id
), back AS (
    SELECT r.status, r.amount, r.allocation_id IS NOT NULL AS was_applied
    FROM came m
    JOIN refund r ON r.biller_id = :biller AND r.payment_id = m.payment_id
    LEFT JOIN allocation a ON a.biller_id = r.biller_id AND a.id = r.allocation_id
    WHERE CASE WHEN a.id IS NULL THEN m.ours ELSE a.invoice_id IN (SELECT id FROM bill) END
)
SELECT o.code, o.status, o.payment_state = 'late_paid' AS is_late, o.expires_at,
       o.amount - o.allocated AS order_left,
       count(*) FILTER (WHERE b.is_open) AS open_bills,
       coalesce(sum(b.amount) FILTER (WHERE b.is_open), 0) AS total,
       coalesce(sum(b.amount - b.allocated) FILTER (WHERE b.is_open), 0) AS owed,
       coalesce(sum(b.part) FILTER (WHERE b.is_open), 0) AS parts,
       coalesce(sum(b.allocated) FILTER (WHERE b.is_open), 0) AS received,
       (SELECT coalesce(sum(p.free), 0) FROM came m
            JOIN payment p ON p.biller_id = :biller AND p.id = m.payment_id WHERE m.ours)
       + (SELECT coalesce(sum(c.amount - c.used - c.refunded), 0) FROM came m
            JOIN credit c ON c.biller_id = :biller AND c.payment_id = m.payment_id
            WHERE c.live AND c.kind = 'credit'
                AND c.beneficiary_id IN (SELECT beneficiary_id FROM bill))
       + (SELECT coalesce(sum(r.amount), 0) FROM back r
            WHERE r.status = 'requested' AND NOT r.was_applied) AS excess,
       (SELECT coalesce(sum(r.amount), 0) FROM back r
            WHERE r.status IN ('approved', 'sent', 'unknown', 'failed')) AS refunding,
       (SELECT coalesce(sum(r.amount), 0) FROM back r
            WHERE r.status = 'done' AND r.was_applied) AS given_back,
       EXISTS (SELECT FROM attempt t WHERE t.biller_id = :biller AND t.order_id = :order
            AND t.status IN ('pending', 'unknown') AND t.qr_text IS NULL) AS confirming
FROM payment_order o CROSS JOIN bill b
WHERE o.biller_id = :biller AND o.id = :order
GROUP BY o.code, o.status, o.payment_state, o.expires_at, o.amount, o.allocated
""")


def of_order(db: Session, order_id: UUID) -> Standing:
    """Where an order of this biller stands. Raises NotFound."""
    row = db.execute(_STANDING, {"biller": biller_of(db), "order": order_id}).one_or_none()
    if row is None:
        raise NotFound()
    return Standing(
        code=row.code,
        stored=OrderStatus(row.status),
        is_late=row.is_late,
        expires_at=row.expires_at,
        open_bills=row.open_bills,
        total=int(row.total),
        owed=int(row.owed),
        payable=min(int(row.parts), row.order_left),
        received=int(row.received),
        excess=int(row.excess),
        refunding=int(row.refunding),
        given_back=int(row.given_back),
        confirming=row.confirming,
    )
