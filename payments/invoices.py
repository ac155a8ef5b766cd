"""Invoices: what is owed, and why. In Vietnamese always "giấy báo", never "hóa đơn".

A bill is fixed when it is issued: PostgreSQL refuses lines that do not add up, and any
change afterwards. A mistake is cancelled and billed anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Row, insert, select, update
from sqlalchemy.orm import Session

from payments import audit, ledger, outbox
from payments.domain import ids, journals
from payments.domain.calendar import business_day
from payments.domain.errors import Invalid, NotFound, Repeated
from payments.domain.money import MOST, Money
from payments.domain.people import Actor
from payments.domain.states import INVOICE, InvoiceStatus, move
from payments.store.invoices import invoice, invoice_line
from payments.store.sessions import biller_of

CHARGE = "charge"
REDUCTIONS = frozenset({"exemption", "reduction", "subsidy", "insurance", "credit"})
"""Kinds of lines that lower the sum. Each is a line of its own, never a smaller price."""


@dataclass(frozen=True, slots=True)
class Line:
    """One priced line. quantity × unit_price đồng; a reduction is positive, its kind subtracts."""

    name: str
    unit_price: Money
    quantity: int = 1
    kind: str = CHARGE
    fee_code: str | None = None
    unit: str | None = None
    note: str | None = None

    @property
    def amount(self) -> Money:
        """quantity × unit price, as printed."""
        return Money(self.unit_price.amount * self.quantity)

    @property
    def signed(self) -> int:
        """What the line adds to the bill, in đồng."""
        return self.amount.amount if self.kind == CHARGE else -self.amount.amount


@dataclass(frozen=True, slots=True)
class Bill:
    """A bill to issue.

    reference: the biller's own number, unique for ever. kind: tuition, hospital or
    administrative. period: "2026-01" or empty.
    """

    reference: str
    kind: str
    title: str
    beneficiary_id: UUID
    lines: Sequence[Line]
    period: str | None = None
    due_on: date | None = None


def total(lines: Sequence[Line]) -> Money:
    """The sum of a bill. Raises Invalid for no lines, a negative line or a negative sum."""
    if not lines:
        raise Invalid("Giấy báo cần ít nhất một khoản.", "A bill needs at least one line.")
    for place, line in enumerate(lines, 1):
        if line.unit_price.amount < 0 or line.quantity < 1:
            raise Invalid(
                f"Khoản {place}: đơn giá không được âm và số lượng phải từ 1.",
                f"Line {place}: the unit price cannot be negative, the quantity is at least 1.",
            )
        if line.kind != CHARGE and line.kind not in REDUCTIONS:
            raise Invalid(
                f"Khoản {place}: loại “{line.kind}” không có.",
                f"Line {place}: there is no kind “{line.kind}”.",
            )
    owed = sum(line.signed for line in lines)
    if not 0 <= owed <= MOST:
        raise Invalid(
            "Tổng giấy báo phải từ 0 đến 999.999.999.999 ₫.",
            "The sum of a bill is between 0 and 999,999,999,999 đồng.",
        )
    return Money(owed)


def issue(db: Session, bill: Bill, *, by: Actor, at: datetime) -> UUID:
    """Write the bill, its lines and the receivable; return its id.

    The same reference with the same sum for the same beneficiary is the same bill and is
    returned as it is. Raises Repeated when the reference stands for another bill.
    """
    owed = total(bill.lines)
    before = _by_reference(db, bill.reference)
    if before is not None:
        if (before.amount, before.beneficiary_id) != (owed.amount, bill.beneficiary_id):
            raise Repeated(
                f"Giấy báo {bill.reference} đã có với nội dung khác.",
                f"Bill {bill.reference} exists with other content.",
            )
        same: UUID = before.id
        return same
    invoice_id = _write(db, bill, owed, at=at)
    day = business_day(at)
    if owed:
        ledger.post(db, journals.invoice_issued(invoice_id, bill.kind, owed, day=day), at=at, by=by)
    shown = ids.shown("inv", invoice_id)
    outbox.emit(db, "invoice.issued", {"invoice": shown, "amount": owed.amount}, at=at)
    if not owed:
        # Nothing to pay: complete at once, and the applicant still gets a confirmation.
        outbox.emit(db, "invoice.settled", {"invoice": shown}, at=at)
    audit.note(db, "invoice.issue", shown, by=by, at=at, detail={"amount": owed.amount})
    return invoice_id


def _write(db: Session, bill: Bill, owed: Money, *, at: datetime) -> UUID:
    biller_id, invoice_id = biller_of(db), ids.new()
    db.execute(
        insert(invoice).values(
            biller_id=biller_id,
            id=invoice_id,
            reference=bill.reference,
            kind=bill.kind,
            title=bill.title,
            period=bill.period,
            beneficiary_id=bill.beneficiary_id,
            due_on=bill.due_on,
            amount=owed.amount,
            status=InvoiceStatus.DRAFT,
            created_at=at,
        )
    )
    db.execute(
        insert(invoice_line),
        [
            {
                "biller_id": biller_id,
                "invoice_id": invoice_id,
                "line_no": number,
                "kind": line.kind,
                "fee_code": line.fee_code,
                "name": line.name,
                "quantity": line.quantity,
                "unit": line.unit,
                "unit_price": line.unit_price.amount,
                "amount": line.amount.amount,
                "note": line.note,
            }
            for number, line in enumerate(bill.lines, 1)
        ],
    )
    db.execute(
        update(invoice)
        .where(invoice.c.biller_id == biller_id, invoice.c.id == invoice_id)
        .values(status=InvoiceStatus.ISSUED, issued_at=at)
    )
    return invoice_id


def cancel(db: Session, invoice_id: UUID, *, reason: str, by: Actor, at: datetime) -> None:
    """Withdraw a bill nobody has paid anything on; repeating it changes nothing.

    Raises Conflict while money is applied to it: undo that first.
    """
    biller_id = biller_of(db)
    row = db.execute(
        select(invoice.c.status, invoice.c.amount)
        .where(invoice.c.biller_id == biller_id, invoice.c.id == invoice_id)
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound()
    if row.status == InvoiceStatus.CANCELLED:
        return
    was_issued = row.status == InvoiceStatus.ISSUED
    db.execute(
        update(invoice)
        .where(invoice.c.biller_id == biller_id, invoice.c.id == invoice_id)
        .values(
            status=move(INVOICE, InvoiceStatus(row.status), to=InvoiceStatus.CANCELLED),
            cancelled_at=at,
        )
    )
    if was_issued and row.amount:
        key = f"cancel:{invoice_id}"
        ledger.reverse(db, f"issue:{invoice_id}", key=key, day=business_day(at), at=at, by=by)
    shown = ids.shown("inv", invoice_id)
    outbox.emit(db, "invoice.cancelled", {"invoice": shown}, at=at)
    audit.note(db, "invoice.cancel", shown, by=by, at=at, detail={"reason": reason})


def _by_reference(db: Session, reference: str) -> Row[tuple[UUID, int, UUID]] | None:
    return db.execute(
        select(invoice.c.id, invoice.c.amount, invoice.c.beneficiary_id).where(
            invoice.c.biller_id == biller_of(db), invoice.c.reference == reference
        )
    ).one_or_none()
