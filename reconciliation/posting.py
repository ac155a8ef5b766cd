"""Posting: what was decided about a statement line becomes journals and a status.

Every line of a complete statement is booked on its bank account the night it is read, so
that the ledger's bank balance is the bank's. What it was *for* may still be open: then it is
free money of a payment, or in suspense, and a discrepancy says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from payments import allocations, ledger, money_in, refunds
from payments.domain import ids, journals
from payments.domain.calendar import HANOI
from payments.domain.money import Money
from payments.domain.people import SERVICE
from payments.domain.states import LINE, LineStatus, move
from payments.store.payments import payment
from payments.store.sessions import biller_of
from reconciliation import cases
from reconciliation.engine.evidence import Evidence
from reconciliation.findings import Candidate, Findings, Subject
from reconciliation.store import bank_line, line_match

_NOON = time(12)


@dataclass(frozen=True, slots=True)
class Line:
    """A statement line with its sealed part opened. amount: signed đồng, in is positive."""

    id: UUID
    key_id: UUID
    account_id: UUID
    account_number: str
    day: date
    value_date: date | None
    txn_time: time | None
    amount: int
    bank_reference: str | None
    memo: str
    name: str
    account: str
    is_reversal: bool

    @property
    def at(self) -> datetime:
        """When it happened, as far as the bank says: the middle of the day without a time."""
        return datetime.combine(self.day, self.txn_time or _NOON, HANOI)


@dataclass(frozen=True, slots=True)
class Choice:
    """One order the engine named for a line. order_id: shown id; amount in đồng."""

    order_id: str
    amount: int
    rule: str
    score: float
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the engine decided about a line. automatic: book the choices; else suggest them.

    code: exception code or "". related: the id it names, e.g. the original of a reversal.
    """

    automatic: bool
    code: str
    choices: Sequence[Choice]
    related: str = ""


def settled(db: Session, line: Line, payment_id: UUID, *, rule: str, at: datetime) -> None:
    """The line shows the money that a notice had told of."""
    journal = journals.notice_settled(
        line.id, line.account_number, Money(line.amount), day=line.day
    )
    posted = ledger.post(db, journal, at=at)
    _close(db, line, LineStatus.MATCHED, payment_id=payment_id, journal_id=posted.journal_id)
    _remember(db, line, payment_id, None, rule, 1.0, (), at=at)


def paid_out(db: Session, line: Line, refund_id: UUID, *, at: datetime) -> None:
    """The line shows the payout of a refund."""
    journal_id = refunds.record_done(
        db,
        refund_id,
        account_number=line.account_number,
        reference=line.bank_reference or ids.shown("lin", line.id),
        day=line.day,
        by=SERVICE,
        at=at,
    )
    _close(db, line, LineStatus.MATCHED, refund_id=refund_id, journal_id=journal_id)


def is_arrival(line: Line, verdict: Verdict) -> bool:
    """Whether a line is money of somebody's: `arrived`; the others go to `in_suspense`."""
    return line.amount > 0 and verdict.code != "NON_ORDER"


def incoming(line: Line) -> money_in.Incoming:
    """The credit that a line tells of, when nobody told of it before."""
    return money_in.Incoming(
        gateway="bank",
        reference=ids.shown("lin", line.id),
        account_number=line.account_number,
        amount=Money(line.amount),
        received_at=line.at,
        memo=line.memo,
        bank_reference=line.bank_reference,
        counterparty_name=line.name,
        counterparty_account=line.account,
    )


def remembered(verdict: Verdict) -> Sequence[Choice]:
    """The choices that are kept beside the line: all that were booked, else the first."""
    return verdict.choices if verdict.automatic else verdict.choices[:1]


def keeps_the_rest(verdict: Verdict, free: int, amount: int) -> bool:
    """Whether what is left of an automatic choice is the family's: a part was booked."""
    return verdict.code in ("", "OVERPAID") and free < amount


def code_of_free_money(verdict: Verdict) -> str:
    """What a discrepancy about money that is left open is called."""
    # An automatic choice that found nothing left to pay was paid by somebody meanwhile.
    return "DUPLICATE_PAYMENT" if verdict.automatic else verdict.code or "UNMATCHED"


def arrived(db: Session, line: Line, verdict: Verdict, *, at: datetime) -> None:
    """A credit that no notice announced: new money, applied as far as the verdict is sure."""
    journal = journals.money_on_statement(
        line.id, line.account_number, Money(line.amount), day=line.day
    )
    received = money_in.receive(
        db,
        incoming(line),
        account_id=line.account_id,
        journal=journal,
        is_notice=False,
        key_id=line.key_id,
        at=at,
    )
    posted = ledger.post(db, journal, at=at)  # the journal that `receive` wrote
    _close(
        db,
        line,
        LineStatus.IMPORTED,
        payment_id=received.payment_id,
        journal_id=posted.journal_id,
    )
    left = explain(db, received.payment_id, line.memo, verdict, day=line.day, at=at)
    _close(db, line, LineStatus.DISCREPANCY if left else LineStatus.MATCHED)
    for choice in remembered(verdict):
        _remember(
            db,
            line,
            received.payment_id,
            None,
            choice.rule,
            choice.score,
            choice.evidence,
            at=at,
        )


def explain(
    db: Session, payment_id: UUID, memo: str, verdict: Verdict, *, day: date, at: datetime
) -> int:
    """Apply what is sure and open a discrepancy for the rest; return the đồng left open."""
    if verdict.automatic:
        for choice in verdict.choices:
            order_id = ids.read("ord", choice.order_id)
            money_in.pay_order(db, payment_id, order_id, rule=choice.rule, by=None, at=at)
    free = _free(db, payment_id)
    if free and verdict.automatic and verdict.choices:
        order_id = ids.read("ord", verdict.choices[0].order_id)
        if keeps_the_rest(verdict, free, _amount(db, payment_id)):
            beneficiary_id = money_in.beneficiary_of_order(db, order_id)
            allocations.keep(db, payment_id, beneficiary_id, Money(free), at=at)
            free = 0
    cases.hold(db, payment_id, free, at=at)
    if free:
        code = code_of_free_money(verdict)
        subject = Subject(payment_id=payment_id, holds=free)
        cases.open_(db, code, subject, free, findings=findings(memo, verdict), day=day, at=at)
    return free


def in_suspense(
    db: Session, line: Line, verdict: Verdict, *, at: datetime, refund_id: UUID | None = None
) -> None:
    """A line that belongs to no payment: booked, held in suspense, and for a person to say why.

    refund_id: the refund that it names and could not close.
    """
    journal = journals.to_suspense(line.id, line.account_number, line.amount, day=line.day)
    posted = ledger.post(db, journal, at=at)
    _close(db, line, LineStatus.DISCREPANCY, journal_id=posted.journal_id)
    cases.open_(
        db,
        verdict.code or "UNMATCHED",
        Subject(line_id=line.id, refund_id=refund_id),
        abs(line.amount),
        findings=findings(line.memo, verdict),
        day=line.day,
        at=at,
    )


def findings(memo: str, verdict: Verdict) -> Findings:
    """Why the engine did not book it, for whoever decides."""
    best = verdict.choices[0] if verdict.choices else None
    return Findings(
        memo=memo,
        rule=best.rule if best else "none",
        evidence=[one.as_data() for one in best.evidence] if best else [],
        candidates=[
            Candidate(
                choice.order_id,
                choice.amount,
                choice.rule,
                choice.score,
                [one.as_data() for one in choice.evidence],
            )
            for choice in verdict.choices
            if choice.order_id
        ],
        related=verdict.related,
    )


def _close(db: Session, line: Line, to: LineStatus, **values: object) -> None:
    """Move a line that is still imported, or only write what it points to."""
    status = move(LINE, LineStatus.IMPORTED, to=to) if to is not LineStatus.IMPORTED else to
    db.execute(
        update(bank_line)
        .where(bank_line.c.biller_id == biller_of(db), bank_line.c.id == line.id)
        .values(status=status, **values)
    )


def _remember(
    db: Session,
    line: Line,
    payment_id: UUID,
    allocation_id: UUID | None,
    rule: str,
    score: float,
    evidence: Sequence[Evidence],
    *,
    at: datetime,
) -> None:
    db.execute(
        insert(line_match).values(
            biller_id=biller_of(db),
            id=ids.new(),
            line_id=line.id,
            payment_id=payment_id,
            allocation_id=allocation_id,
            rule=rule,
            score=score,
            evidence=nameless(evidence),
            at=at,
        )
    )


def nameless(evidence: Iterable[Evidence]) -> list[dict[str, Any]]:
    """Evidence for the row of a match, which is kept for ever and is not sealed: no names."""
    told = [one.as_data() for one in evidence]
    for data in told:
        if data["kind"] in ("payer_name", "sender_name"):
            data |= {"on_line": "", "on_order": ""}
    return told


def _free(db: Session, payment_id: UUID) -> int:
    return int(_of_payment(db, payment_id).free)


def _amount(db: Session, payment_id: UUID) -> int:
    return int(_of_payment(db, payment_id).amount)


def _of_payment(db: Session, payment_id: UUID) -> Any:
    return db.execute(
        select(payment.c.free, payment.c.amount).where(
            payment.c.biller_id == biller_of(db), payment.c.id == payment_id
        )
    ).one()
