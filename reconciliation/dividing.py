"""Dividing: the money of one payment put on several orders, each with its own amount.

fill     pure: who gets how much, for those where nobody said an amount
refuse   pure: what is wrong with the parts by themselves, whatever the orders owe
require  what the orders owe now, their bills locked
book     one allocation, and so one journal, for each bill; all of them or none
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.orm import Session

from payments import allocations, dues, money_in
from payments.domain import ids
from payments.domain.calendar import business_day
from payments.domain.errors import Invalid, NotFound, TooMuch
from payments.domain.money import Money
from payments.domain.people import Actor
from payments.queries import money
from reconciliation import cases, findings
from reconciliation.findings import Findings, Subject

DIVIDE: Final = "divide"
MOST: Final = 9
"""How many orders one payment is divided between at once: each has a number key."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one order gets. order: as shown, ord_…; amount: đồng."""

    order: str
    amount: int


Spread = Sequence[tuple[UUID, Sequence[tuple[UUID, int]]]]
"""Of each order, in the order of the parts: its bills, each with the đồng it gets."""


def fill(free: int, owed: Sequence[int], given: Mapping[int, int]) -> list[int]:
    """What each order gets, best first: what was given, the others in turn what they owe.

    free, owed: đồng. given: by place in owed, taken as it is and taken first. Nobody who was not
    given anything gets more than is owed, and all together never more than is left of the money.
    """
    left = max(free - sum(given.values()), 0)
    amounts = []
    for place, due in enumerate(owed):
        amount = given[place] if place in given else min(due, left)
        if place not in given:
            left -= amount
        amounts.append(amount)
    return amounts


def refuse(parts: Sequence[Part]) -> Invalid | None:
    """What is wrong with the parts by themselves; None when nothing is."""
    if not 2 <= len(parts) <= MOST:
        return Invalid(
            f"Chia tiền cần từ 2 đến {MOST} giấy báo.",
            f"Money is divided between 2 and {MOST} bills.",
        )
    if not all(part.order.startswith("ord_") and part.amount > 0 for part in parts):
        return Invalid(
            "Mỗi giấy báo được chọn cần một số tiền lớn hơn 0.",
            "Each bill that was chosen needs an amount above 0.",
        )
    if len({part.order for part in parts}) < len(parts):
        return Invalid("Một giấy báo được nêu hai lần.", "A bill is named twice.")
    return None


def require(db: Session, payment_id: UUID, parts: Sequence[Part]) -> Spread:
    """How the parts fall on the bills as they are now, locked until the commit.

    Raises TooMuch when there is less free money, or an order owes less than its part; NotFound
    for an order that is not this biller's.
    """
    free, total = money.payment_of(db, payment_id).free, sum(part.amount for part in parts)
    if total > free:
        raise TooMuch(
            f"Các phần cộng lại là {Money(total)}, chỉ còn {Money(free)} chưa ghi.",
            f"The parts add up to {Money(total)}, and only {Money(free)} is not applied yet.",
        )
    wanted = [(ids.read("ord", part.order), part.amount) for part in parts]
    owing = dues.Owing(db, [order_id for order_id, _ in wanted])
    spread = []
    for order_id, amount in wanted:
        bills = owing.pay(order_id, amount)
        taken = sum(one for _, one in bills)
        if taken < amount:
            code = money_in.code_of_order(db, order_id)
            raise TooMuch(
                f"Giấy báo {code} chỉ còn nợ {Money(taken)}, không nhận được {Money(amount)}."
                " Chưa ghi khoản nào.",
                f"Bill {code} owes only {Money(taken)} now and cannot take {Money(amount)}."
                " Nothing was booked.",
            )
        spread.append((order_id, bills))
    return spread


def book(
    db: Session,
    payment_id: UUID,
    parts: Sequence[Part],
    *,
    keep_for: UUID | None,
    rule: str,
    by: Actor,
    at: datetime,
) -> None:
    """Put each part on its order's bills, checked again; what is left becomes credit.

    keep_for: whose credit; None leaves it free, and `leave` lets a person decide about it. Raises
    what `require` raises, and nothing is booked then.
    """
    for order_id, bills in require(db, payment_id, parts):
        for invoice_id, amount in bills:
            paid = Money(amount)
            allocations.apply(
                db, payment_id, invoice_id, paid, rule=rule, at=at, order_id=order_id, by=by
            )
    left = money.payment_of(db, payment_id).free
    if left and keep_for is not None:
        allocations.keep(db, payment_id, keep_for, Money(left), at=at, by=by)


def leave(db: Session, row: Row[Any], parts: Collection[Part], *, at: datetime) -> None:
    """What a division left free waits as a discrepancy of its own. row: resolved already."""
    left = money.payment_of(db, row.payment_id).free
    if not left:
        return
    known = findings.of(db, row)
    paid = {part.order for part in parts}
    others = [one for one in known.candidates if one.order_id not in paid]
    cases.free_line(db, row.payment_id)
    cases.open_(
        db,
        "UNMATCHED",
        Subject(payment_id=row.payment_id, holds=left),
        left,
        findings=Findings(known.memo, candidates=others),
        day=business_day(at),
        at=at,
    )


def stored(fields: dict[str, Any]) -> dict[str, Any]:
    """Fields of a proposal as they were kept, with its parts; older ones have none."""
    return fields | {"parts": tuple(Part(**one) for one in fields.get("parts", ()))}


def beneficiary_of(db: Session, target: str) -> UUID:
    """Whose credit it becomes: a beneficiary (ben_…), or whom an order (ord_…) is about."""
    if target.startswith("ord_"):
        return money_in.beneficiary_of_order(db, ids.read("ord", target))
    return ids.read("ben", target)


def check(db: Session, row: Row[Any], parts: Sequence[Part]) -> None:
    """Raise Invalid or TooMuch for parts that could not be booked now."""
    try:
        require(db, row.payment_id, parts)
    except NotFound:
        raise Invalid(
            "Không tìm thấy giấy báo đã chọn.", "A bill that was chosen is not there."
        ) from None
