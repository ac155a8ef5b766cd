"""Remedies: the ways in which a discrepancy can end, one function each, in one table.

Every way is a posting, but for `no_money`, which is a reasoned decision that nothing has to
be booked. Which ways fit depends on what does not match: free money of a payment, a line in
suspense, or a payout that the bank has not shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, insert, select
from sqlalchemy.orm import Session

from payments import allocations, ledger, money_in, refunds, vault
from payments.domain import accounts, ids, journals
from payments.domain.calendar import business_day
from payments.domain.errors import Conflict, Invalid, NotFound
from payments.domain.money import Money
from payments.domain.people import Actor
from payments.store.orders import bank_account
from payments.store.payments import allocation, credit, payment, payment_reversal
from payments.store.sessions import biller_of
from reconciliation.store import bank_line


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a person wants to be done.

    way: a key of WAYS. target: what it is done to, as a shown id: the order to apply to
    (ord_…), the beneficiary to keep it for (ben_…), the payment a line takes back (pay_…).
    to_*: the named account of a refund, sealed with the discrepancy while it waits.
    """

    way: str
    reason: str
    target: str = ""
    to_name: str = ""
    to_bank: str = ""
    to_account: str = ""

    def stored(self, db: Session, row: Row[Any]) -> dict[str, str]:
        """As a discrepancy keeps it: what names a person is sealed under its key."""
        fields = asdict(self)
        named = {name: fields.pop(name) for name in _NAMED}
        sealed = vault.seal(db, row.key_id, named, context=f"proposal:{row.id}")
        return fields | {"sealed": sealed.hex()}

    @classmethod
    def of(cls, db: Session, row: Row[Any]) -> Proposal:
        """The proposal that a discrepancy's row keeps."""
        fields = dict(row.proposal)
        sealed = bytes.fromhex(fields.pop("sealed"))
        named = vault.unseal(db, row.key_id, sealed, context=f"proposal:{row.id}")
        return cls(**fields, **named)


_NAMED: Final = ("to_name", "to_bank", "to_account")


def ways_for(row: Row[Any]) -> tuple[str, ...]:
    """The ways that fit this discrepancy, the usual one first."""
    if row.payment_id is not None and row.holds:
        return ("apply", "keep", "refund")
    if row.line_id is not None and row.payment_id is None:
        return ("bank_charge", "interest", "take_back", "other_income", "other_expense")
    return ("no_money",)


def check(row: Row[Any], proposal: Proposal) -> None:
    """Raise Invalid when the way does not fit or lacks what it needs."""
    if proposal.way not in ways_for(row):
        raise Invalid("Cách xử lý này không phù hợp.", "This way does not fit the discrepancy.")
    needs_target = proposal.way in ("apply", "keep", "take_back")
    if needs_target and not proposal.target:
        raise Invalid("Cần chọn giấy báo hoặc người nhận.", "Choose what it belongs to.")
    if proposal.way == "refund" and not (proposal.to_name and proposal.to_account):
        raise Invalid("Cần tên và số tài khoản nhận hoàn.", "A refund needs a name and an account.")


def carry_out(
    db: Session, row: Row[Any], proposal: Proposal, *, by: Actor, at: datetime
) -> UUID | None:
    """Do what was decided; return the journal, if it is one. Raises what the verbs raise."""
    check(row, proposal)
    return WAYS[proposal.way](db, row, proposal, by, at)


def _apply(db: Session, row: Row[Any], it: Proposal, by: Actor, at: datetime) -> UUID | None:
    """The money pays this order's bills; what is more becomes credit."""
    order_id = ids.read("ord", it.target)
    applied = money_in.pay_order(db, row.payment_id, order_id, rule="by_person", by=by, at=at)
    if applied == 0:
        raise Conflict("Lệnh này không còn nợ.", "Nothing is owed on this order.")
    left = _free(db, row.payment_id)
    if left:
        beneficiary_id = money_in.beneficiary_of_order(db, order_id)
        allocations.keep(db, row.payment_id, beneficiary_id, Money(left), at=at, by=by)
    return None


def _keep(db: Session, row: Row[Any], it: Proposal, by: Actor, at: datetime) -> UUID | None:
    """The money stays as credit of a beneficiary, named by itself or by an order of theirs."""
    if it.target.startswith("ord_"):
        beneficiary_id = money_in.beneficiary_of_order(db, ids.read("ord", it.target))
    else:
        beneficiary_id = ids.read("ben", it.target)
    free = Money(_free(db, row.payment_id))
    allocations.keep(db, row.payment_id, beneficiary_id, free, at=at, by=by)
    return None


def _refund(db: Session, row: Row[Any], it: Proposal, by: Actor, at: datetime) -> UUID | None:
    """Ask for a refund of the free money; its own approval follows."""
    to = refunds.Payee(it.to_name, it.to_bank, it.to_account)
    source = refunds.Source(row.payment_id)
    free = Money(_free(db, row.payment_id))
    refunds.request(db, source, free, reason=it.reason, to=to, by=by, at=at)
    return None


def _take_back(db: Session, row: Row[Any], it: Proposal, by: Actor, at: datetime) -> UUID | None:
    """The bank took a payment back: undo all it had paid, then let the money go."""
    payment_id = ids.read("pay", it.target)
    line = _line(db, row.line_id)
    _undo_everything(db, payment_id, reason=it.reason, by=by, at=at)
    db.execute(
        insert(payment_reversal).values(
            biller_id=row.biller_id,
            id=ids.new(),
            payment_id=payment_id,
            amount=-line.amount,
            event_key=f"line:{line.id}",
            at=at,
        )
    )
    return _out_of_suspense(db, row, accounts.UNAPPLIED, by, at)


def _to_account(account: str) -> Callable[..., UUID | None]:
    def way(db: Session, row: Row[Any], it: Proposal, by: Actor, at: datetime) -> UUID | None:
        return _out_of_suspense(db, row, account, by, at)

    return way


def _nothing(db: Session, row: Row[Any], it: Proposal, by: Actor, at: datetime) -> UUID | None:
    """No money moves: the reason is the explanation."""
    return None


WAYS: Final[Mapping[str, Callable[[Session, Row[Any], Proposal, Actor, datetime], UUID | None]]] = {
    "apply": _apply,
    "keep": _keep,
    "refund": _refund,
    "take_back": _take_back,
    "bank_charge": _to_account(accounts.BANK_CHARGES),
    "interest": _to_account(accounts.INTEREST),
    "other_income": _to_account(accounts.OTHER_INCOME),
    "other_expense": _to_account(accounts.OTHER_EXPENSE),
    "no_money": _nothing,
}


def _out_of_suspense(db: Session, row: Row[Any], account: str, by: Actor, at: datetime) -> UUID:
    line = _line(db, row.line_id)
    journal = journals.from_suspense(str(row.id), account, line.amount, day=business_day(at))
    return ledger.post(db, journal, at=at, by=by).journal_id


def _undo_everything(
    db: Session, payment_id: UUID, *, reason: str, by: Actor, at: datetime
) -> None:
    biller_id = biller_of(db)
    live = db.scalars(
        select(allocation.c.id)
        .where(allocation.c.biller_id == biller_id, allocation.c.payment_id == payment_id)
        .where(allocation.c.live)
        .order_by(allocation.c.invoice_id)
    ).all()
    for allocation_id in live:
        allocations.unapply(db, allocation_id, reason=reason, by=by, at=at)
    kept = db.scalars(
        select(credit.c.id).where(
            credit.c.biller_id == biller_id, credit.c.payment_id == payment_id, credit.c.live
        )
    ).all()
    for credit_id in kept:
        allocations.unkeep(db, credit_id, reason=reason, by=by, at=at)


def _free(db: Session, payment_id: UUID) -> int:
    free: int | None = db.scalar(
        select(payment.c.free).where(
            payment.c.biller_id == biller_of(db), payment.c.id == payment_id
        )
    )
    if free is None:
        raise NotFound()
    return free


def _line(db: Session, line_id: UUID) -> Row[Any]:
    return db.execute(
        select(bank_line.c.id, bank_line.c.amount, bank_account.c.account_number)
        .join(
            bank_account,
            (bank_account.c.biller_id == bank_line.c.biller_id)
            & (bank_account.c.id == bank_line.c.bank_account_id),
        )
        .where(bank_line.c.biller_id == biller_of(db), bank_line.c.id == line_id)
    ).one()
