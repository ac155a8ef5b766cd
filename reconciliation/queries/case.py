"""One discrepancy opened: its evidence, the bills it may belong to, what was said and done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from payments import vault
from payments.domain import ids
from payments.domain.calendar import HANOI
from payments.domain.errors import NotFound
from payments.domain.journals import Transfer
from payments.domain.money import Money
from payments.queries import money, seeking, staff
from payments.queries.money import Payment
from payments.store.billers import biller
from payments.store.sessions import biller_of
from reconciliation import cases, findings, remedies, repaying, settlement_ways
from reconciliation.findings import Candidate, Findings
from reconciliation.queries import choices, matches, originals
from reconciliation.queries.choices import Choice
from reconciliation.store import discrepancy, discrepancy_event

NAMED: Final = "reversal_named"


@dataclass(frozen=True, slots=True)
class Line:
    """The statement line behind it. amount: signed đồng; timed: the bank gave a time as well."""

    file: str
    number: int
    at: datetime
    amount: int
    reference: str
    account_number: str
    memo: str
    counterparty: str
    timed: bool


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. what: a word of discrepancies.py, such as "proposed"."""

    what: str
    at: datetime
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class Case:
    """A discrepancy with all that a person needs to decide.

    at_stake: free đồng or credit of its payment, the signed amount of its line or row in
    suspense, what a batch got too much, or what a gateway never had. gateway: where it is booked
    then, "" for suspense. way: who told of the money; told_as: the name that a gateway has for it.
    proposal: while one waits or after it was carried out. needs_second: above the limit.
    booked: what the decision booked, once it is resolved. rule: what the engine went by.
    original: the earlier credit that it takes back, or that had paid the same order; or the row
    that it repeats.
    """

    id: UUID
    kind: str
    status: str
    day: date
    amount: int
    opened_at: datetime
    memo: str
    evidence: Sequence[Mapping[str, Any]]
    candidates: Sequence[Choice]
    ways: Sequence[str]
    at_stake: int
    gateway: str
    way: str
    told_as: str
    needs_second: bool
    payment: Payment | None
    line: Line | None
    proposal: remedies.Proposal | None
    owner_id: UUID | None
    owner: str
    proposer_id: UUID | None
    proposer: str
    proposed_at: datetime | None
    approver: str
    resolved_at: datetime | None
    resolution: str
    reason: str
    booked: Sequence[Transfer]
    history: Sequence[Event]
    rule: str = "none"
    original: originals.Original | None = None


def get(db: Session, discrepancy_id: UUID) -> Case:
    """One discrepancy. Raises NotFound."""
    row = db.execute(
        select(discrepancy).where(
            discrepancy.c.biller_id == biller_of(db), discrepancy.c.id == discrepancy_id
        )
    ).one_or_none()
    if row is None:
        raise NotFound()
    findings = _findings(db, row)
    payment = money.payment_of(db, row.payment_id) if row.payment_id is not None else None
    line = _line(db, row)
    candidates = _candidates(db, findings)
    original = originals.of(db, row, findings)
    if line is not None and line.amount < 0:
        quoted = originals.quoted_by(db, row.line_id, findings.memo or line.memo)
        candidates = _named_first(choices.taken_back_by_line(db, row.line_id, quoted), original)
    elif row.settlement_row_id is not None:
        candidates = choices.taken_back_by_row(db, row.settlement_row_id)
    proposal = remedies.Proposal.of(db, row) if row.proposal and row.status != "open" else None
    if proposal is not None:
        known = {one.target for one in candidates}
        named = dict.fromkeys((proposal.target, *(part.order for part in proposal.parts)))
        candidates += chosen(db, *(one for one in named if one not in known))
    names = staff.names(db, [row.assigned_to, row.proposed_by, row.approved_by])
    is_open = row.status not in ("resolved", "auto_resolved")
    limit: int = db.execute(
        select(biller.c.approval_limit).where(biller.c.id == biller_of(db))
    ).scalar_one()
    at_stake = _at_stake(db, row, payment, line)
    return Case(
        id=row.id,
        kind=row.kind,
        status=row.status,
        day=row.day,
        amount=row.amount,
        opened_at=row.opened_at,
        memo=findings.memo or (line.memo if line else ""),
        evidence=findings.evidence or _matched_by(db, payment),
        candidates=candidates,
        ways=remedies.ways_for(row) if is_open else (),
        at_stake=at_stake,
        gateway="" if row.settlement_row_id else row.gateway or "",
        way=payment.gateway if payment is not None else row.gateway or "",
        told_as=findings.related if row.settlement_row_id or row.settlement_batch_id else "",
        needs_second=max(row.amount, abs(at_stake)) > limit,
        payment=payment,
        line=line,
        proposal=proposal,
        owner_id=row.assigned_to,
        owner=names.get(row.assigned_to, ""),
        proposer_id=row.proposed_by,
        proposer=names.get(row.proposed_by, ""),
        proposed_at=row.proposed_at,
        approver=names.get(row.approved_by, ""),
        resolved_at=row.resolved_at,
        resolution=row.resolution or "",
        reason=row.reason or "",
        booked=_booked(db, row) if row.status == "resolved" else (),
        history=_history(db, discrepancy_id),
        rule=findings.rule,
        original=original,
    )


def found(db: Session, typed: str) -> list[Choice]:
    """Orders that a person looked up: by code, bill number, person's code, class or name."""
    return [_choice(one) for one in seeking.orders_by(db, typed)]


def chosen(db: Session, *targets: str) -> list[Choice]:
    """The orders with these shown ids, as they were given; whatever is none is left out."""
    order_ids = []
    for target in targets:
        with suppress(NotFound):
            order_ids.append(ids.read("ord", target))
    orders = seeking.orders(db, order_ids)
    return [_choice(orders[one]) for one in order_ids if one in orders]


def _findings(db: Session, row: Row[Any]) -> Findings:
    envelope = vault.Envelope(row.key_id, row.sealed, f"discrepancy:{row.id}")
    [plain] = vault.unseal_many(db, [envelope])
    if plain is vault.ERASED:
        return Findings()
    return findings.of(db, row)


def _matched_by(db: Session, payment: Payment | None) -> Sequence[Mapping[str, Any]]:
    """Where a part of it was booked, what that part was booked by."""
    return matches.evidence_of(db, payment.id) if payment is not None else ()


def _at_stake(db: Session, row: Row[Any], payment: Payment | None, line: Line | None) -> int:
    if settlement_ways.ways_for(row) is not None:
        return settlement_ways.at_stake(db, row)
    if payment is not None:
        return payment.free or sum(amount for _, amount in repaying.credit_left(db, payment.id))
    return line.amount if line is not None else 0


def _candidates(db: Session, findings: Findings) -> list[Choice]:
    """Best first, as the engine named them; each order once."""
    named: dict[UUID, Candidate] = {}
    for one in findings.candidates:
        named.setdefault(ids.read("ord", one.order_id), one)
    orders = seeking.orders(db, list(named))
    return [
        replace(_choice(orders[order_id]), evidence=one.evidence, rule=one.rule, score=one.score)
        for order_id, one in named.items()
        if order_id in orders
    ]


def _choice(order: seeking.Owing) -> Choice:
    return Choice(
        ids.shown("ord", order.id), order.code, order.beneficiary, order.owed, order.title
    )


def _named_first(choices: list[Choice], original: originals.Original | None) -> list[Choice]:
    """The one that the night named begins the list, while it can still be taken back."""
    named = original.payment if original is not None else ""
    told = [replace(one, rule=NAMED) if one.target == named else one for one in choices]
    return sorted(told, key=lambda one: one.rule != NAMED)


def _line(db: Session, row: Row[Any]) -> Line | None:
    """The line it names, or the one that shows its payment."""
    if row.line_id is None and row.payment_id is None:
        return None
    which = "l.id = :id" if row.line_id is not None else "l.payment_id = :id AND l.amount > 0"
    line = db.execute(
        text(f"""
            SELECT l.*, a.account_number, f.name AS file_name FROM bank_line l
            JOIN bank_account a ON a.biller_id = l.biller_id AND a.id = l.bank_account_id
            JOIN statement s ON s.biller_id = l.biller_id AND s.id = l.statement_id
            JOIN statement_file f ON f.biller_id = s.biller_id AND f.id = s.file_id
            WHERE l.biller_id = :biller AND {which}"""),
        {"biller": biller_of(db), "id": row.line_id or row.payment_id},
    ).one_or_none()
    if line is None:
        return None
    [plain] = vault.unseal_many(db, [vault.Envelope(line.key_id, line.sealed, f"line:{line.id}")])
    told: Mapping[str, Any] = {} if plain is vault.ERASED else plain
    return Line(
        file=line.file_name,
        number=line.line_no,
        at=datetime.combine(line.booking_date, line.txn_time or time(0), HANOI),
        amount=line.amount,
        reference=line.bank_reference or "",
        account_number=line.account_number,
        memo=told.get("memo", ""),
        counterparty=told.get("name", ""),
        timed=line.txn_time is not None,
    )


def _booked(db: Session, row: Row[Any]) -> list[Transfer]:
    rows = db.execute(
        text("""SELECT t.debit_account, t.credit_account, t.amount FROM journal j
                JOIN transfer t ON t.biller_id = j.biller_id AND t.journal_id = j.id
                WHERE j.biller_id = :biller AND j.event_key = ANY(:keys)
                ORDER BY j.posted_at, j.id, t.seq"""),
        {"biller": biller_of(db), "keys": list(remedies.booked(db, row))},
    )
    return [Transfer(row.debit_account, row.credit_account, Money(row.amount)) for row in rows]


def _history(db: Session, discrepancy_id: UUID) -> list[Event]:
    rows = db.execute(
        select(discrepancy_event)
        .where(discrepancy_event.c.biller_id == biller_of(db))
        .where(discrepancy_event.c.discrepancy_id == discrepancy_id)
        .order_by(discrepancy_event.c.at, discrepancy_event.c.id)
    ).all()
    names = staff.names(db, [row.actor_id for row in rows])
    said = {one.id: one.text for one in cases.comments(db, discrepancy_id)}
    return [
        Event(row.what, row.at, names.get(row.actor_id, ""), said.get(row.id, row.note or ""))
        for row in rows
    ]
