"""Rows of settlements: what the ledger makes of each, once.

After a row is booked, the account of the gateway holds its net amount. A payment that we know
keeps its own journal and only its fee is booked; one that we do not know is new money at the
gateway; whatever else a row says - another amount, a second time, money given or taken back that
nobody asked for - is in suspense, and a discrepancy asks a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text, update
from sqlalchemy.orm import Session

from payments import attempts, ledger, money_in, refund_tries, vault
from payments.domain import ids, journals
from payments.domain.calendar import HANOI, business_day
from payments.domain.errors import DomainError
from payments.domain.gateway import Refunded, Succeeded
from payments.domain.journals import Journal
from payments.domain.money import Money
from payments.domain.people import SERVICE
from payments.domain.states import SETTLEMENT_ROW, SettlementRowStatus, move
from payments.store.sessions import biller_of
from reconciliation import cases, contracts
from reconciliation.contracts import Contract
from reconciliation.engine.evidence import Evidence, Verdict, amounts
from reconciliation.findings import Findings, Subject
from reconciliation.settlement_store import settlement_row

CHUNK: Final = 500
_S = SettlementRowStatus

_TODO = text("""
SELECT s.*, b.gateway, b.reference AS batch, b.settle_date
FROM settlement_row s
JOIN settlement_batch b ON b.biller_id = s.biller_id AND b.id = s.batch_id
WHERE s.biller_id = :biller AND s.status = 'read' ORDER BY s.id LIMIT :limit FOR UPDATE OF s
""")

# What most rows are: a payment we know, at the amount we know, settled for the first time. Each
# is looked up by its own key (OFFSET keeps the planner from joining the whole table instead).
_PLAIN = text("""
SELECT DISTINCT ON (p.id) s.id, p.id AS payment_id
FROM unnest(CAST(:ids AS uuid[]), CAST(:gateways AS text[]), CAST(:txns AS text[]),
    CAST(:amounts AS bigint[])) AS s (id, gateway, txn, gross)
JOIN LATERAL (SELECT p.biller_id, p.id FROM payment p
    WHERE p.biller_id = :biller AND p.gateway = s.gateway AND p.provider_reference = s.txn
        AND p.amount = s.gross AND p.bank_account_id IS NULL OFFSET 0) p ON true
WHERE NOT EXISTS (SELECT FROM settlement_row o
        WHERE o.biller_id = :biller AND o.payment_id = p.id)
    AND NOT EXISTS (SELECT FROM settlement_correction c
        WHERE c.biller_id = :biller AND c.payment_id = p.id)
ORDER BY p.id, s.id
""")

_SETTLE = text("""
UPDATE settlement_row s SET status = 'booked', payment_id = n.payment_id, fee_due = n.fee_due
FROM unnest(CAST(:ids AS uuid[]), CAST(:payments AS uuid[]), CAST(:dues AS bigint[]))
    AS n (id, payment_id, fee_due)
WHERE s.biller_id = :biller AND s.id = n.id
""")

_PAYMENT = text("""
SELECT p.id, p.amount, p.bank_account_id, s.id AS settled_by,
    EXISTS (SELECT FROM settlement_correction c
        WHERE c.biller_id = p.biller_id AND c.payment_id = p.id) AS given_up
FROM payment p
LEFT JOIN settlement_row s ON s.biller_id = p.biller_id AND s.payment_id = p.id
WHERE p.biller_id = :biller AND p.gateway = :gateway AND p.provider_reference = :txn
""")

# By its own number or the name we gave it; else by the payment that it gives back, of which two
# refunds of one amount are alike.
_REFUND = text("""
SELECT r.id, r.status, t.round,
    (r.provider_reference = :txn OR t.merchant_reference = ANY(:refs)) AS named
FROM refund r
JOIN payment p ON p.biller_id = r.biller_id AND p.id = r.payment_id
LEFT JOIN refund_try t ON t.biller_id = r.biller_id AND t.refund_id = r.id
    AND t.merchant_reference = r.merchant_reference
LEFT JOIN attempt a ON a.biller_id = p.biller_id AND a.id = p.attempt_id
WHERE r.biller_id = :biller AND r.method = 'gateway' AND p.gateway = :gateway
    AND r.amount = :amount AND r.status IN ('done', 'sent', 'unknown')
    AND (r.provider_reference = :txn OR t.merchant_reference = ANY(:refs)
        OR p.provider_reference = :txn OR a.merchant_reference = ANY(:refs))
    AND NOT EXISTS (SELECT FROM settlement_row s
        WHERE s.biller_id = r.biller_id AND s.refund_id = r.id)
ORDER BY named DESC NULLS LAST, (r.status = 'done') DESC, r.requested_at, r.id LIMIT 1
""")


@dataclass(slots=True)
class _Booking:
    """What becomes of one row. held: signed đồng in suspense; code: why, "" for no reason.

    fee: booked; no fee of what waits in suspense whole.
    """

    code: str = ""
    held: int = 0
    fee: int = 0
    payment_id: UUID | None = None
    refund_id: UUID | None = None
    original_id: UUID | None = None
    evidence: list[Evidence] = field(default_factory=list)


def book(db: Session, *, at: datetime) -> int:
    """Book the next rows that were read; return how many. The caller repeats it until 0."""
    rows = db.execute(_TODO, {"biller": biller_of(db), "limit": CHUNK}).all()
    if not rows:
        return 0
    agreed = {name: contracts.listed(db, name) for name in {row.gateway for row in rows}}
    settled = _settle_plain(db, rows, agreed, at=at)
    for row in rows:
        if row.id not in settled:
            _book_one(db, row, _due(agreed[row.gateway], row), at=at)
    return len(rows)


def find_refunds(db: Session, *, at: datetime) -> int:
    """Look again at refunds in suspense: one of ours may have turned out to be meant."""
    rows = db.execute(
        text("""SELECT s.*, b.gateway, b.reference AS batch, b.settle_date, d.id AS discrepancy_id
                FROM settlement_row s
                JOIN settlement_batch b ON b.biller_id = s.biller_id AND b.id = s.batch_id
                JOIN discrepancy d ON d.biller_id = s.biller_id AND d.settlement_row_id = s.id
                WHERE s.biller_id = :biller AND s.status = 'suspended' AND s.kind = 'refund'
                    AND s.original_id IS NULL AND d.status IN ('open', 'assigned', 'proposed')
                ORDER BY s.id FOR UPDATE OF s"""),
        {"biller": biller_of(db)},
    ).all()
    found = 0
    for row in rows:
        refund_id = _refund(db, row, at=at)
        if refund_id is None:
            continue
        day = business_day(at)
        ledger.reverse(db, f"settle-row:{row.id}", key=f"unsettle-row:{row.id}", day=day, at=at)
        _write(db, row, _S.SUSPENDED, _Booking(refund_id=refund_id), row.fee_due)
        what = ids.shown("ref", refund_id)
        cases.clear(db, row.discrepancy_id, why="refund_known", at=at, what=what)
        found += 1
    return found


def _settle_plain(
    db: Session, rows: Sequence[Row[Any]], agreed: dict[str, list[Contract]], *, at: datetime
) -> set[UUID]:
    by_id = {row.id: row for row in rows}
    paid = [row for row in rows if row.kind == "payment"]
    plain = db.execute(
        _PLAIN,
        {
            "biller": biller_of(db),
            "ids": [row.id for row in paid],
            "gateways": [row.gateway for row in paid],
            "txns": [row.txn_id for row in paid],
            "amounts": [row.gross for row in paid],
        },
    ).all()
    if not plain:
        return set()
    dues = {one.id: _due(agreed[by_id[one.id].gateway], by_id[one.id]) for one in plain}
    db.execute(
        _SETTLE,
        {
            "biller": biller_of(db),
            "ids": [one.id for one in plain],
            "payments": [one.payment_id for one in plain],
            "dues": [dues[one.id] for one in plain],
        },
    )
    fees = [_fee_journal(by_id[one.id], at) for one in plain if by_id[one.id].fee]
    ledger.post_many(db, fees, at=at)
    for one in plain:
        row, due = by_id[one.id], dues[one.id]
        if due is not None and due != row.fee:
            _ask(db, row, _Booking("FEE_VARIANCE"), due, at=at)
    return set(dues)


def _book_one(db: Session, row: Row[Any], due: int | None, *, at: datetime) -> None:
    book_kind = _payment if row.kind == "payment" else _money_back
    booking = book_kind(db, row, at=at)
    if not booking.code and due is not None and due != row.fee:
        booking.code = "FEE_VARIANCE"
    if booking.fee:
        ledger.post(db, _fee_journal(row, at), at=at)
    if booking.held:
        ledger.post(
            db, journals.row_suspended(row.id, row.gateway, booking.held, day=_day(row, at)), at=at
        )
    _write(db, row, _S.READ, booking, due)
    if booking.code:
        _ask(db, row, booking, due, at=at)


def _payment(db: Session, row: Row[Any], *, at: datetime) -> _Booking:
    known = _known(db, row)
    if known is None:
        _new_money(db, row, at=at)
        known = _known(db, row)
        assert known is not None  # noqa: S101  # written a moment ago
    if known.settled_by is not None:
        return _Booking("DUPLICATE_SETTLEMENT", row.net, original_id=known.settled_by)
    compared = amounts(row.gross, known.amount)
    if known.bank_account_id is not None or known.given_up:
        # Its money went straight to the bank, or was given up: nothing of it is at the gateway.
        return _Booking("AMOUNT_MISMATCH", row.net, evidence=[compared])
    held = row.gross - known.amount
    code = "AMOUNT_MISMATCH" if held else ""
    return _Booking(code, held, row.fee, payment_id=known.id, evidence=[compared])


def _known(db: Session, row: Row[Any]) -> Row[Any] | None:
    return db.execute(
        _PAYMENT, {"biller": biller_of(db), "gateway": row.gateway, "txn": row.txn_id}
    ).one_or_none()


def _new_money(db: Session, row: Row[Any], *, at: datetime) -> None:
    """Nobody told us of this payment. If it names a try of ours, it pays that try's order."""
    paid_at = row.paid_at or datetime.combine(row.settle_date, datetime.min.time(), HANOI)
    for reference in _refs(row):
        tried = attempts.find(db, row.gateway, reference)
        if tried is None:
            continue
        paid = Succeeded(row.txn_id, Money(row.gross), paid_at)
        try:
            with db.begin_nested():
                money_in.take(db, tried.id, paid, at=at)
        except DomainError:
            break  # the order cannot take it: it is free money, and a person says what it is for
        return
    journal = journals.money_at_gateway(
        row.gateway, row.txn_id, Money(row.gross), day=business_day(paid_at)
    )
    incoming = money_in.Incoming(
        row.gateway, row.txn_id, "", Money(row.gross), paid_at, memo=row.merchant_ref
    )
    money_in.receive(
        db,
        incoming,
        account_id=None,
        journal=journal,
        is_notice=False,
        key_id=vault.new_key(db, at=at),
        at=at,
    )


def _money_back(db: Session, row: Row[Any], *, at: datetime) -> _Booking:
    refund_id = _refund(db, row, at=at) if row.kind == "refund" else None
    if refund_id is not None:
        return _Booking(fee=row.fee, refund_id=refund_id)
    before = _before(db, row)
    if before is not None:
        return _Booking("DUPLICATE_SETTLEMENT", row.net, original_id=before)
    return _Booking(row.kind.upper(), row.gross, row.fee)


def _before(db: Session, row: Row[Any]) -> UUID | None:
    """The row of another batch that said the same of this refund or charge-back."""
    found: UUID | None = db.scalar(
        text("""SELECT o.id FROM settlement_row o
                JOIN settlement_batch b ON b.biller_id = o.biller_id AND b.id = o.batch_id
                WHERE o.biller_id = :biller AND b.gateway = :gateway AND o.kind = :kind
                    AND o.txn_id = :txn AND o.row_key = :key AND o.gross = :gross
                    AND o.id <> :id AND o.status <> 'read' AND o.original_id IS NULL
                ORDER BY o.id LIMIT 1"""),
        {
            "biller": biller_of(db),
            "gateway": row.gateway,
            "kind": row.kind,
            "txn": row.txn_id,
            "key": row.row_key,
            "gross": row.gross,
            "id": row.id,
        },
    )
    return found


def _refund(db: Session, row: Row[Any], *, at: datetime) -> UUID | None:
    """The refund by the gateway that this row shows; what we were in doubt of is done by it."""
    found = db.execute(
        _REFUND,
        {
            "biller": biller_of(db),
            "gateway": row.gateway,
            "amount": -row.gross,
            "txn": row.txn_id,
            "refs": _refs(row),
        },
    ).one_or_none()
    if found is None:
        return None
    refund_id: UUID = found.id
    if found.status != "done":
        if found.round is None:
            return None
        refund_tries.record(db, refund_id, found.round, Refunded(row.txn_id), at=at, by=SERVICE)
    return refund_id


def _write(
    db: Session, row: Row[Any], was: SettlementRowStatus, booking: _Booking, due: int | None
) -> None:
    to = _S.SUSPENDED if booking.held else _S.BOOKED
    db.execute(
        update(settlement_row)
        .where(settlement_row.c.biller_id == row.biller_id, settlement_row.c.id == row.id)
        .values(
            status=move(SETTLEMENT_ROW, was, to=to),
            fee_due=due,
            payment_id=booking.payment_id,
            refund_id=booking.refund_id,
            original_id=booking.original_id,
            suspended=booking.held,
        )
    )


def _ask(db: Session, row: Row[Any], booking: _Booking, due: int | None, *, at: datetime) -> None:
    """Open what a person has to look at."""
    evidence = [Evidence("batch", row.batch, row.batch, Verdict.AGREES), *booking.evidence]
    if due is not None:
        verdict = Verdict.AGREES if due == row.fee else Verdict.CONTRADICTS
        evidence.append(Evidence("fee", str(row.fee), str(due), verdict))
    risk = abs(booking.held) or abs(row.fee - (due or 0))
    cases.open_(
        db,
        booking.code,
        Subject(row_id=row.id, gateway=row.gateway),
        risk,
        findings=Findings(
            memo=row.merchant_ref,
            rule="gateway_reference",
            evidence=[one.as_data() for one in evidence],
            related=row.txn_id,
        ),
        day=_day(row, at),
        at=at,
    )


def _due(agreed: Sequence[Contract], row: Row[Any]) -> int | None:
    """The fee that the contract allows; None without one, and for what is no payment."""
    day = business_day(row.paid_at) if row.paid_at else row.settle_date
    terms = contracts.on(agreed, day)
    return terms.fee(row.gross) if terms is not None and row.kind == "payment" else None


def _fee_journal(row: Row[Any], at: datetime) -> Journal:
    return journals.fee_kept(row.id, row.gateway, row.fee, day=_day(row, at))


def _day(row: Row[Any], at: datetime) -> date:
    """A file may name a day that has not come: what it says is known today."""
    settled_on: date = row.settle_date
    return min(settled_on, business_day(at))


def _refs(row: Row[Any]) -> list[str]:
    return [one for one in dict.fromkeys((row.merchant_ref, row.request_ref)) if one]
