"""Money in: hear of it, book it once, apply it to the bills it was meant for.

A payment is booked the moment it is known, as unapplied money. Which bills it pays is a
second fact with its own journal (allocations.py), so that undoing one never touches the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from payments import allocations, attempts, dues, ledger, outbox, sources, vault
from payments.domain import codes, ids, journals, quotes
from payments.domain.calendar import business_day
from payments.domain.errors import NotFound, Repeated
from payments.domain.gateway import Succeeded
from payments.domain.journals import Journal
from payments.domain.money import Money
from payments.domain.people import Actor
from payments.domain.quotes import Quoted
from payments.store.payments import payment
from payments.store.sessions import biller_of


@dataclass(frozen=True, slots=True)
class Incoming:
    """A credit as somebody told us of it.

    gateway, reference: who told, and its own unique number for it. account_number: ours.
    counterparty_*: as the bank wrote them, often empty.
    """

    gateway: str
    reference: str
    account_number: str
    amount: Money
    received_at: datetime
    memo: str = ""
    bank_reference: str | None = None
    counterparty_name: str = ""
    counterparty_account: str = ""


@dataclass(frozen=True, slots=True)
class Received:
    """The payment that stands for a credit; first_time tells whether this call made it."""

    payment_id: UUID
    first_time: bool


@dataclass(frozen=True, slots=True)
class Told:
    """What the bank wrote about a credit that a gateway tells of."""

    memo: str = ""
    counterparty_name: str = ""
    counterparty_account: str = ""


NOTHING_TOLD: Final = Told()


def report(db: Session, notice: Incoming, *, key_id: UUID, at: datetime) -> Received:
    """Book a credit that a notice tells of, and pay the bills its memo quotes.

    Told again, it changes nothing. key_id: the data key that seals memo and counterparty.
    Raises NotFound for an account that is not this biller's, OtherSource for one that another
    source tells of, Repeated when the same reference is told with another amount.
    """
    received = _noticed(db, notice, key_id=key_id, at=at)
    if received.first_time:
        apply_quoted(db, received.payment_id, notice.memo, at=at)
    return received


def take(
    db: Session,
    attempt_id: UUID,
    paid: Succeeded,
    *,
    at: datetime,
    key_id: UUID | None = None,
    told: Told = NOTHING_TOLD,
) -> Received:
    """Book the payment of a try at a gateway, and pay the order it was for.

    Whoever told first, notice, look-up or settlement, its transaction number makes it once. The
    amount is the gateway's: what is more than the order asks for becomes the payer's credit,
    what is less leaves it part paid. A second payment of a paid order is credit, too, and a
    person is asked about giving it back. key_id: the data key that seals memo and counterparty.
    told: what the bank wrote, if it went straight there. Raises NotFound, OtherSource, Repeated
    when the number is known with another amount.
    """
    row = attempts.locked(db, attempt_id)
    code = code_of_order(db, row.order_id)
    incoming = Incoming(
        row.gateway,
        paid.reference,
        paid.account_number,
        paid.amount,
        paid.paid_at or at,
        memo=told.memo or code,
        bank_reference=paid.bank_reference,
        counterparty_name=told.counterparty_name,
        counterparty_account=told.counterparty_account,
    )
    received = _book(db, incoming, row.id, key_id=key_id or vault.new_key(db, at=at), at=at)
    if received.first_time or _came_of(db, received.payment_id, row.id, at=at):
        _pay_or_keep(db, received.payment_id, code, at=at)
    # Straight to the bank a try may be paid in parts; a gateway has the money of a try or not.
    if not paid.account_number or _paid_of(db, row.id) >= row.amount:
        attempts.succeeded(db, row.id, paid.reference, at=at)
    return received


def booked(db: Session, gateway: str, reference: str, amount: Money) -> UUID | None:
    """The payment that this transaction of a gateway is booked as, at this very amount."""
    return db.scalar(
        select(payment.c.id)
        .where(payment.c.biller_id == biller_of(db), payment.c.gateway == gateway)
        .where(payment.c.provider_reference == reference, payment.c.amount == amount.amount)
    )


def _book(
    db: Session, incoming: Incoming, attempt_id: UUID, *, key_id: UUID, at: datetime
) -> Received:
    """The payment, where its money is: at the gateway, or on its way to the biller's bank."""
    day = business_day(incoming.received_at)
    if not incoming.account_number:
        journal = journals.money_at_gateway(
            incoming.gateway, incoming.reference, incoming.amount, day=day
        )
        return receive(
            db,
            incoming,
            account_id=None,
            journal=journal,
            is_notice=False,
            key_id=key_id,
            at=at,
            attempt_id=attempt_id,
        )
    return _noticed(db, incoming, attempt_id=attempt_id, key_id=key_id, at=at)


def _noticed(
    db: Session, notice: Incoming, *, key_id: UUID, at: datetime, attempt_id: UUID | None = None
) -> Received:
    """A credit that the bank's statement has still to show, unless it was heard of before."""
    account = sources.account(db, notice.account_number)
    day = business_day(notice.received_at)
    before = sources.told_before(
        db, account.id, notice.gateway, notice.amount, notice.bank_reference, day=day
    )
    if before is not None:
        return Received(before, first_time=False)
    sources.require(account, notice.gateway)
    journal = journals.money_noticed(
        notice.gateway, notice.reference, notice.account_number, notice.amount, day=day
    )
    return receive(
        db,
        notice,
        account_id=account.id,
        journal=journal,
        is_notice=True,
        key_id=key_id,
        at=at,
        attempt_id=attempt_id,
    )


def _pay_or_keep(db: Session, payment_id: UUID, code: str, *, at: datetime) -> None:
    """The payer chose this order at the gateway: there is nothing to read out of a memo.

    The money of a cancelled order stays free, and a person says what it is for.
    """
    order = dues.of_orders(db, {code})[code]
    if order.asked.status == "cancelled":
        return
    free = _free(db, payment_id)
    applied = dues.pay(db, payment_id, order, free, rule="attempt", at=at)
    if free > applied:
        rest = Money(free - applied)
        credit_id = allocations.keep(db, payment_id, order.beneficiary_id, rest, at=at)
        if applied == 0:
            body = {"payment": ids.shown("pay", payment_id), "credit": str(credit_id)}
            outbox.emit(db, "payment.doubled", body, at=at)


def _came_of(db: Session, payment_id: UUID, attempt_id: UUID, *, at: datetime) -> bool:
    """Link a payment that was booked before anybody named its try, as a statement line's is.

    Tells whether its free money may now go to the order. Raises Repeated when it came of another
    try: two tries are not one transaction.
    """
    here = (payment.c.biller_id == biller_of(db)) & (payment.c.id == payment_id)
    row = db.execute(
        select(payment.c.attempt_id, payment.c.free).where(here).with_for_update()
    ).one()
    if row.attempt_id is not None:
        if row.attempt_id != attempt_id:
            raise Repeated(
                "Giao dịch này đã được ghi cho một lần thanh toán khác.",
                "This transaction is booked for another attempt.",
            )
        return False
    db.execute(update(payment).where(here).values(attempt_id=attempt_id))
    if not row.free or _was_undone(db, payment_id):
        return False
    # Whoever explained this money as free has to look again.
    outbox.emit(db, "payment.moved", {"payment": ids.shown("pay", payment_id)}, at=at)
    return True


def _was_undone(db: Session, payment_id: UUID) -> bool:
    """Whether a person took apart what this money had paid: then a person decides again."""
    return bool(
        db.scalar(
            text("""SELECT EXISTS (
                        SELECT FROM allocation_undo u JOIN allocation a
                            ON a.biller_id = u.biller_id AND a.id = u.allocation_id
                        WHERE a.biller_id = :biller AND a.payment_id = :payment)"""),
            {"biller": biller_of(db), "payment": payment_id},
        )
    )


def _paid_of(db: Session, attempt_id: UUID) -> int:
    """What came of a try so far: some gateways are paid in parts."""
    return (
        db.scalar(
            select(func.sum(payment.c.amount)).where(
                payment.c.biller_id == biller_of(db), payment.c.attempt_id == attempt_id
            )
        )
        or 0
    )


def code_of_order(db: Session, order_id: UUID) -> str:
    """The payment code of an order. Raises NotFound."""
    found: str | None = db.scalar(
        text("SELECT code FROM payment_order WHERE biller_id = :biller AND id = :order"),
        {"biller": biller_of(db), "order": order_id},
    )
    if found is None:
        raise NotFound()
    return found


def receive(
    db: Session,
    incoming: Incoming,
    *,
    account_id: UUID | None,
    journal: Journal,
    is_notice: bool,
    key_id: UUID,
    at: datetime,
    attempt_id: UUID | None = None,
) -> Received:
    """Write the payment and its journal, once. Applies nothing; see `report`.

    account_id: None when the gateway holds the money. is_notice: the bank's statement has still
    to show it. attempt_id: the try at a gateway that it came of.
    """
    biller_id, payment_id = biller_of(db), ids.new()
    written = db.scalar(
        upsert(payment)
        .values(
            biller_id=biller_id,
            id=payment_id,
            gateway=incoming.gateway,
            provider_reference=incoming.reference,
            bank_account_id=account_id,
            attempt_id=attempt_id,
            bank_reference=incoming.bank_reference,
            amount=incoming.amount.amount,
            received_at=incoming.received_at,
            fact_day=journal.fact_day,
            is_notice=is_notice,
            key_id=key_id,
            sealed=vault.seal(
                db,
                key_id,
                {
                    "memo": incoming.memo,
                    "name": incoming.counterparty_name,
                    "account": incoming.counterparty_account,
                },
                context=f"payment:{payment_id}",
            ),
            created_at=at,
        )
        .on_conflict_do_nothing(index_elements=["biller_id", "gateway", "provider_reference"])
        .returning(payment.c.id)
    )
    if written is None:
        return Received(_same(db, incoming), first_time=False)
    ledger.post(db, journal, at=at)
    shown = ids.shown("pay", payment_id)
    outbox.emit(db, "payment.received", {"payment": shown, "amount": incoming.amount.amount}, at=at)
    return Received(payment_id, first_time=True)


def apply_quoted(db: Session, payment_id: UUID, memo: str, *, at: datetime) -> Quoted:
    """Apply a payment's free money to the orders its memo quotes, if that is beyond doubt.

    What is more than they ask for becomes the payer's credit. Returns the decision; with
    no codes in it, the money stays free and a discrepancy will say why.
    """
    free = _free(db, payment_id)
    found = codes.find(memo)
    asked = dues.of_orders(db, {f.code for f in found})
    decision = quotes.decide(found, {code: order.asked for code, order in asked.items()}, free)
    for code in decision.codes:
        free -= dues.pay(db, payment_id, asked[code], free, rule=decision.rule, at=at)
    if decision.codes and free:
        allocations.keep(
            db, payment_id, asked[decision.codes[0]].beneficiary_id, Money(free), at=at
        )
    return decision


def pay_order(
    db: Session, payment_id: UUID, order_id: UUID, *, rule: str, by: Actor | None, at: datetime
) -> int:
    """Apply a payment's free money to one order; return the đồng that it took.

    by: the person who says so, none when a rule of the matching decided.
    """
    code = code_of_order(db, order_id)
    order = dues.of_orders(db, {code})[code]
    return dues.pay(db, payment_id, order, _free(db, payment_id), rule=rule, at=at, by=by)


def beneficiary_of_order(db: Session, order_id: UUID) -> UUID:
    """Whom the first bill of an order is about. Raises NotFound."""
    found: UUID | None = db.scalar(
        text("""SELECT i.beneficiary_id FROM order_invoice p JOIN invoice i
                    ON i.biller_id = p.biller_id AND i.id = p.invoice_id
                WHERE p.biller_id = :biller AND p.order_id = :order ORDER BY i.id LIMIT 1"""),
        {"biller": biller_of(db), "order": order_id},
    )
    if found is None:
        raise NotFound()
    return found


def _free(db: Session, payment_id: UUID) -> int:
    # Not locked: were somebody else faster, the payment's own CHECK refuses what is too much.
    free: int | None = db.scalar(
        select(payment.c.free).where(
            payment.c.biller_id == biller_of(db), payment.c.id == payment_id
        )
    )
    if free is None:
        raise NotFound()
    return free


def _same(db: Session, incoming: Incoming) -> UUID:
    row = db.execute(
        select(payment.c.id, payment.c.amount).where(
            payment.c.biller_id == biller_of(db),
            payment.c.gateway == incoming.gateway,
            payment.c.provider_reference == incoming.reference,
        )
    ).one()
    if row.amount != incoming.amount.amount:
        raise Repeated(
            "Giao dịch này đã được báo với số tiền khác.",
            "This transaction was told before with another amount.",
        )
    same: UUID = row.id
    return same
