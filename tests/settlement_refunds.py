"""Refunds that a gateway makes, for tests of settlements."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import refund_tries, refunds
from payments.domain.gateway import Limits, Refunded
from payments.domain.money import Money
from tests.settlement_desk import Desk


class _Refunding:
    """The least of a gateway that gives money back: it is never asked here."""

    refund_look_ups = (timedelta(minutes=1),)

    def refund_reference(self, refund_id: UUID, round_: int, *_: object) -> str:
        return f"R{round_}-{refund_id.hex[:12]}"


def a_refund_by_gateway(
    db: Session, desk: Desk, payment: UUID, amount: int, *, done: bool = True, number: str = "R1"
) -> tuple[UUID, str]:
    """Asked for, approved and sent; done: the gateway says so. Returns it and our name for it."""
    source = db.execute(
        text("SELECT id FROM allocation WHERE payment_id = :id AND live"), {"id": payment}
    ).scalar_one()
    refund = refunds.request(
        db,
        refunds.Source(payment, allocation_id=source),
        Money(amount),
        reason="nghỉ học",
        by=desk.school.accountant,
        at=desk.now,
        through=refunds.Through("vnpay", "VNPAY", Limits(1, 999_999_999)),
    )
    refunds.approve(db, refund, by=desk.school.chief, at=desk.now)
    asked = refund_tries.begin(db, refund, _Refunding(), "vnpay", {}, at=desk.now)  # type: ignore[arg-type]  # the part that is used
    assert asked is not None
    if done:
        refund_tries.record(db, refund, asked.round, Refunded(number), at=desk.now)
    return refund, asked.ask.reference
