"""Remedies: the ways in which a discrepancy can end, one function each, in one table.

Every way is a posting, but for `no_money`, which is a reasoned decision that nothing has to
be booked. Which ways fit depends on what does not match: free money of a payment, a line in
suspense, or a payout that the bank has not shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from payments import allocations, ledger, money_in, refunds, vault
from payments.domain import accounts, ids, journals
from payments.domain.calendar import business_day
from payments.domain.errors import Conflict, Invalid, NotFound
from payments.domain.money import Money
from payments.domain.people import Actor
from payments.store.invoices import beneficiary
from payments.store.orders import bank_account
from payments.store.payments import allocation, credit, payment
from payments.store.sessions import biller_of
from reconciliation import dividing, previews, repaying, settlement_ways, undoing
from reconciliation.dividing import DIVIDE, Part
from reconciliation.store import bank_line, discrepancy_event

REFUND_CREDIT: Final = "refund_credit"
BY_PERSON: Final = "by_person"
"""The rule of an allocation that a decision made."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a person wants to be done.

    way: a key of WAYS. target: what it is done to, as a shown id: the order to apply to
    (ord_…), the beneficiary to keep it for (ben_…), the payment a line takes back (pay_…) or the
    one match of it that is undone for that (all_…).
    to_*: the named account of a refund, sealed with the discrepancy while it waits; none means
    that credit goes back by `through`, the gateway it came from, which is looked up at each step.
    exact: book it only while the order takes all of the money; see exact.py.
    parts: of a division, best first; target is then whose credit the rest becomes, "" for nobody's.
    """

    way: str
    reason: str
    target: str = ""
    to_name: str = ""
    to_bank: str = ""
    to_account: str = ""
    through: refunds.Through | None = None
    exact: bool = False
    parts: tuple[Part, ...] = ()

    def stored(self, db: Session, row: Row[Any]) -> dict[str, Any]:
        """As a discrepancy keeps it: what names a person is sealed under its key."""
        fields = asdict(self)
        del fields["through"]
        named = {name: fields.pop(name) for name in _NAMED}
        sealed = vault.seal(db, row.key_id, named, context=f"proposal:{row.id}")
        return fields | {"sealed": sealed.hex()}

    @classmethod
    def of(cls, db: Session, row: Row[Any]) -> Proposal:
        """The proposal that a discrepancy's row keeps."""
        fields = dividing.stored(dict(row.proposal))
        sealed = bytes.fromhex(fields.pop("sealed"))
        named = vault.unseal(db, row.key_id, sealed, context=f"proposal:{row.id}")
        return cls(**fields, **named)


_WHOSE: Final = ("ord_", "ben_")
_TARGETS: Final = {"apply": ("ord_",), "keep": _WHOSE, "take_back": ("pay_", "all_")}
_NAMED: Final = ("to_name", "to_bank", "to_account")


def ways_for(row: Row[Any]) -> tuple[str, ...]:
    """The ways that fit this discrepancy, the usual one first."""
    of_settlement = settlement_ways.ways_for(row)
    if of_settlement is not None:
        return of_settlement
    if row.payment_id is not None and row.holds:
        return ("apply", DIVIDE, "keep", "refund")
    if row.payment_id is not None and row.kind == "DUPLICATE_PAYMENT":
        return (REFUND_CREDIT, "no_money")  # the money is the payer's credit already
    if row.line_id is not None and row.payment_id is None:
        return ("bank_charge", "interest", "take_back", "other_income", "other_expense")
    return ("no_money",)


def check(row: Row[Any], proposal: Proposal) -> None:
    """Raise Invalid when the way does not fit or lacks what it needs."""
    if proposal.way not in ways_for(row):
        raise Invalid("Cách xử lý này không phù hợp.", "This way does not fit the discrepancy.")
    wanted = _TARGETS.get(proposal.way, ())
    if wanted and not proposal.target.startswith(wanted):
        raise Invalid("Cần chọn giấy báo hoặc người nhận.", "Choose what it belongs to.")
    if proposal.parts and proposal.way != DIVIDE:
        raise Invalid("Cách này không chia nhiều phần.", "This way takes no parts.")
    if proposal.way == DIVIDE and (wrong := dividing.refuse(proposal.parts)) is not None:
        raise wrong
    if proposal.way == DIVIDE and proposal.target and not proposal.target.startswith(_WHOSE):
        raise Invalid("Cần chọn người giữ số dư.", "Choose whose credit the rest becomes.")
    if proposal.way == "refund" and not (proposal.to_name and proposal.to_account):
        raise Invalid("Cần tên và số tài khoản nhận hoàn.", "A refund needs a name and an account.")
    if proposal.way == REFUND_CREDIT and bool(proposal.to_name) != bool(proposal.to_account):
        raise Invalid("Cần tên và số tài khoản nhận hoàn.", "A refund needs a name and an account.")
    if proposal.way == REFUND_CREDIT and not (proposal.to_account or proposal.through):
        raise Invalid(
            "Khoản này không hoàn qua cổng được: hãy ghi tên và số tài khoản nhận.",
            "No gateway can give this back: name the account it goes to.",
        )


def check_target(db: Session, row: Row[Any], proposal: Proposal) -> None:
    """Raise Invalid when the proposal names an order, person or payment that is not there.

    Raises TooMuch when parts do not fit what is free and owed now.
    """
    if proposal.parts:
        dividing.check(db, row, proposal.parts)
    try:
        if proposal.target.startswith("ord_"):
            money_in.beneficiary_of_order(db, ids.read("ord", proposal.target))
        elif proposal.target.startswith("all_"):
            undoing.the_bill(db, ids.read("all", proposal.target))
        elif proposal.target.startswith("pay_"):
            _free(db, ids.read("pay", proposal.target))
        elif proposal.target:
            _require_person(db, ids.read("ben", proposal.target))
    except NotFound:
        raise Invalid(
            "Không tìm thấy giấy báo hoặc khoản tiền đã chọn.",
            "The bill or payment that was chosen is not there.",
        ) from None


def _require_person(db: Session, beneficiary_id: UUID) -> None:
    here = beneficiary.c.biller_id == biller_of(db)
    if db.scalar(select(beneficiary.c.id).where(here, beneficiary.c.id == beneficiary_id)) is None:
        raise NotFound()


def carry_out(
    db: Session, row: Row[Any], proposal: Proposal, *, by: Actor, at: datetime
) -> UUID | None:
    """Do what was decided; return the journal, if it is one. Raises what the verbs raise."""
    check(row, proposal)
    return WAYS[proposal.way](db, row, proposal, by, at)


def _apply(db: Session, row: Row[Any], it: Proposal, by: Actor, at: datetime) -> UUID | None:
    """The money pays this order's bills; what is more becomes credit."""
    order_id = ids.read("ord", it.target)
    applied = money_in.pay_order(db, row.payment_id, order_id, rule=BY_PERSON, by=by, at=at)
    if applied == 0:
        raise Conflict("Lệnh này không còn nợ.", "Nothing is owed on this order.")
    left = _free(db, row.payment_id)
    if left and it.exact:
        raise Conflict(
            "Đơn đã được nộp một phần nơi khác, không còn khớp tuyệt đối.",
            "The order was paid in part meanwhile: this is not exact any more.",
        )
    if left:
        beneficiary_id = money_in.beneficiary_of_order(db, order_id)
        allocations.keep(db, row.payment_id, beneficiary_id, Money(left), at=at, by=by)
    return None


def _divide(db: Session, row: Row[Any], it: Proposal, by: Actor, at: datetime) -> UUID | None:
    """Each part pays its order's bills; what is left becomes credit, or waits: see `afterwards`."""
    whose = dividing.beneficiary_of(db, it.target) if it.target else None
    dividing.book(db, row.payment_id, it.parts, keep_for=whose, rule=BY_PERSON, by=by, at=at)
    return None


def afterwards(db: Session, row: Row[Any], proposal: Proposal, *, at: datetime) -> None:
    """What a decision leaves to another one, once this is resolved."""
    if proposal.way == DIVIDE:
        dividing.leave(db, row, proposal.parts, at=at)


def _keep(db: Session, row: Row[Any], it: Proposal, by: Actor, at: datetime) -> UUID | None:
    """The money stays as credit of a beneficiary, named by itself or by an order of theirs."""
    beneficiary_id = dividing.beneficiary_of(db, it.target)
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


def _refund_credit(
    db: Session, row: Row[Any], it: Proposal, by: Actor, at: datetime
) -> UUID | None:
    """Ask for a refund of the payer's credit; its own approval follows."""
    to = refunds.Payee(it.to_name, it.to_bank, it.to_account)
    through = None if it.to_account else it.through
    repaying.of_credit(db, row.payment_id, reason=it.reason, to=to, through=through, by=by, at=at)
    return None


def _take_back(db: Session, row: Row[Any], it: Proposal, by: Actor, at: datetime) -> UUID | None:
    """The bank took a payment back: undo what it had paid, then let the money go.

    Where only a part was taken, that is the one match of just this amount, or the one that was
    named; else all, and the rest waits for a person, who is offered what it had paid.
    """
    payment_id, some = _taken(db, it.target, -_in_suspense(db, row))
    paid = undoing.take_apart(db, some, reason=it.reason, by=by, at=at)
    if it.exact and _free(db, payment_id) != -_in_suspense(db, row):
        raise Conflict(
            "Một phần khoản này đã được hoàn hoặc lấy lại, không còn khớp tuyệt đối.",
            "A part of this payment was refunded or taken back meanwhile: not exact any more.",
        )
    if _free(db, payment_id) < -_in_suspense(db, row):
        raise Conflict(
            "Khoản này đã bị lấy lại hoặc đã hoàn, không còn đủ tiền để lấy lại.",
            "This payment was taken back or refunded already: there is not so much left of it.",
        )
    told = f"line:{row.line_id}" if row.line_id else f"row:{row.settlement_row_id}"
    undoing.let_go(db, payment_id, -_in_suspense(db, row), event_key=told, at=at)
    if _free(db, payment_id):
        undoing.hold_free(db, payment_id, reason=it.reason, by=by, at=at, orders=paid)
    else:
        undoing.nothing_left(db, payment_id, at=at)
    return _out_of_suspense(db, row, accounts.UNAPPLIED, by, at)


def _not_paid(db: Session, row: Row[Any], it: Proposal, by: Actor, at: datetime) -> UUID | None:
    """The gateway says that it never had this payment: undo all it had paid, let the money go."""
    undoing.everything(db, row.payment_id, reason=it.reason, by=by, at=at)
    key, amount = _decision(db, row), _free(db, row.payment_id)
    undoing.let_go(db, row.payment_id, amount, event_key=f"not-paid:{key}", at=at)
    return settlement_ways.never_had(db, row, amount, key=key, by=by, at=at)


def _taken(db: Session, target: str, amount: int) -> tuple[UUID, Sequence[undoing.Placed]]:
    """The payment that is taken back, and what of it has to be undone for so many đồng."""
    if target.startswith("all_"):
        bill = undoing.the_bill(db, ids.read("all", target))
        return bill.payment_id, [bill]
    payment_id = ids.read("pay", target)
    places = undoing.places(db, [payment_id])[payment_id]
    return payment_id, undoing.needed(places, amount - _free(db, payment_id))


def _to_account(account: str) -> Callable[..., UUID | None]:
    def way(db: Session, row: Row[Any], it: Proposal, by: Actor, at: datetime) -> UUID | None:
        if row.settlement_batch_id is not None:
            key = _decision(db, row)
            return settlement_ways.correct(db, row, account, key=key, by=by, at=at)
        return _out_of_suspense(db, row, account, by, at)

    return way


def gap_of(db: Session, row: Row[Any]) -> int:
    """What is missing of the batch that a discrepancy is about; 0 where it is about no batch."""
    return settlement_ways.gap_of(db, row)


def _nothing(db: Session, row: Row[Any], it: Proposal, by: Actor, at: datetime) -> UUID | None:
    """No money moves: the reason is the explanation."""
    return None


WAYS: Final[Mapping[str, Callable[[Session, Row[Any], Proposal, Actor, datetime], UUID | None]]] = {
    "apply": _apply,
    DIVIDE: _divide,
    "keep": _keep,
    "refund": _refund,
    REFUND_CREDIT: _refund_credit,
    "take_back": _take_back,
    settlement_ways.NOT_PAID: _not_paid,
    **{way: _to_account(account) for way, account in previews.TO_ACCOUNT.items()},
    "no_money": _nothing,
}


def undo(db: Session, row: Row[Any], *, reason: str, by: Actor, at: datetime) -> None:
    """Take back what was decided about a resolved discrepancy, by mirrored journals.

    Raises Conflict where that cannot be: a refund somebody has approved, credit that was used,
    a payment that the bank took back.
    """
    if row.resolution in previews.TO_ACCOUNT and row.settlement_batch_id is not None:
        key = _decision(db, row)
        settlement_ways.take_back_correction(
            db, row, key=key, reversal=f"unexplain:{key}", by=by, at=at
        )
    elif row.resolution in previews.TO_ACCOUNT:
        key = _decision(db, row)
        day = business_day(at)
        ledger.reverse(db, f"explain:{key}", key=f"unexplain:{key}", day=day, at=at, by=by)
    elif row.resolution in ("apply", DIVIDE, "keep"):
        for allocation_id in _applied_by(db, row):
            allocations.unapply(db, allocation_id, reason=reason, by=by, at=at)
        for credit_id in _kept_by(db, row):
            allocations.unkeep(db, credit_id, reason=reason, by=by, at=at)
    elif row.resolution in ("refund", REFUND_CREDIT):
        repaying.undo(db, row, reason=reason, by=by, at=at)
    elif row.resolution in ("take_back", settlement_ways.NOT_PAID):
        raise Conflict(
            "Khoản đã bị lấy lại không mở lại được.",
            "A payment that was taken back cannot be opened again.",
        )


def booked(db: Session, row: Row[Any]) -> Sequence[str]:
    """The event keys of what a resolved discrepancy's decision booked."""
    if row.resolution in (*previews.TO_ACCOUNT, "take_back", settlement_ways.NOT_PAID):
        return [f"explain:{_decision(db, row)}"]
    if row.resolution in ("apply", DIVIDE, "keep"):
        applied = [f"apply:{one}" for one in _applied_by(db, row)]
        return applied + [f"keep:{one}" for one in _kept_by(db, row)]
    if row.resolution in ("refund", REFUND_CREDIT):
        return [f"refund:{asked.id}:1" for asked in repaying.asked_by(db, row)]
    return []


def _applied_by(db: Session, row: Row[Any]) -> Sequence[UUID]:
    """What the decision applied: in its transaction, so at its very moment."""
    return db.scalars(
        select(allocation.c.id)
        .where(allocation.c.biller_id == row.biller_id, allocation.c.live)
        .where(allocation.c.payment_id == row.payment_id, allocation.c.at == row.resolved_at)
        .where(allocation.c.rule == BY_PERSON)
        .order_by(allocation.c.invoice_id)
    ).all()


def _kept_by(db: Session, row: Row[Any]) -> Sequence[UUID]:
    return db.scalars(
        select(credit.c.id)
        .where(credit.c.biller_id == row.biller_id, credit.c.live)
        .where(credit.c.payment_id == row.payment_id, credit.c.created_at == row.resolved_at)
    ).all()


def _decision(db: Session, row: Row[Any]) -> str:
    """Names this decision: one that was taken back may be followed by another."""
    reopened = db.scalar(
        select(func.count())
        .select_from(discrepancy_event)
        .where(discrepancy_event.c.biller_id == row.biller_id)
        .where(discrepancy_event.c.discrepancy_id == row.id)
        .where(discrepancy_event.c.what == "reopened")
    )
    return f"{row.id}:{reopened + 1}" if reopened else str(row.id)


def _out_of_suspense(db: Session, row: Row[Any], account: str, by: Actor, at: datetime) -> UUID:
    key, amount = _decision(db, row), _in_suspense(db, row)
    journal = journals.from_suspense(key, account, amount, day=business_day(at))
    return ledger.post(db, journal, at=at, by=by).journal_id


def _in_suspense(db: Session, row: Row[Any]) -> int:
    """Signed đồng of the line or row that waits in suspense."""
    if row.settlement_row_id is not None:
        return settlement_ways.suspended(db, row.settlement_row_id)
    return int(_line(db, row.line_id).amount)


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
