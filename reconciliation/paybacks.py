"""Paybacks: what banks and gateways say about refunds, and what a person has to see of it.

pay_out      a debit with a refund code, or with the payee's account, closes its refund
came_back    a credit with a refund code is a payout that the payee's bank returned
close_late   a debit that came for a refund we thought had failed, once it was asked for again
hear         a gateway's answer about one round; what contradicts our books is opened here
unresolved   a gateway was asked in vain

A refund code decides, together with the amount, and nothing weaker is tried beside it. Whatever
cannot be closed is in suspense or free money, and its discrepancy names the refund.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, select, text, update
from sqlalchemy.orm import Session

from payments import outbox, refund_tries, refunds, vault
from payments.domain import codes, ids, refund_codes
from payments.domain import memo as memos
from payments.domain.calendar import business_day
from payments.domain.gateway import RefundOutcome
from payments.domain.memo import fold
from payments.domain.people import SERVICE
from payments.domain.states import DiscrepancyStatus, RefundStatus
from payments.refund_tries import Heard
from payments.store.payments import refund
from payments.store.refunds import payout_line
from payments.store.sessions import biller_of
from reconciliation import cases, kinds, posting
from reconciliation.findings import Findings, Subject
from reconciliation.posting import Line, Verdict
from reconciliation.store import bank_line, discrepancy

UNMATCHED: Final = "REFUND_UNMATCHED"
_S = RefundStatus
_D = DiscrepancyStatus
_OPEN_FOR_A_DEBIT: Final = (_S.SENT, _S.UNKNOWN)
_MARK: Final = re.compile(r"[Hh][^0-9A-Za-z]*[Tt]")  # spares most memos from being read
_CAN_CLEAR: Final = (_D.OPEN, _D.ASSIGNED, _D.PROPOSED)


def pay_out(db: Session, line: Line, *, at: datetime) -> None:
    """Close the refund that this debit pays, if it is one beyond doubt. line: not booked yet.

    A debit with the code of a refund that it cannot close - another amount, paid already, failed
    or never sent - goes into suspense, and the discrepancy names the refund.
    """
    reading = memos.read(line.memo)
    quoted = refund_codes.find(reading)
    if not quoted:
        refund_id = _by_account(db, line, refund_codes.beginnings(reading))
        if refund_id is not None:
            refunds.ensure_sent(db, refund_id, by=SERVICE, at=at)
            posting.paid_out(db, line, refund_id, at=at)
            _clear(db, refund_id, why="line_arrived", at=at)
        return
    found = _by_code(db, quoted)
    if len(found) != 1:
        return  # codes of nobody, or of several: the engine says what the line is
    [row] = found
    fits = row.live and row.amount == -line.amount and row.status in _OPEN_FOR_A_DEBIT
    if fits:
        posting.paid_out(db, line, row.refund_id, at=at)
        _clear(db, row.refund_id, why="line_arrived", at=at)
    else:
        _in_suspense(db, line, row.refund_id, at=at)


def returns_among(db: Session, lines: Sequence[Line]) -> list[Line]:
    """The credits that quote a refund code; none to look for while there is no payout."""
    here = select(payout_line.c.code).where(payout_line.c.biller_id == biller_of(db)).limit(1)
    if db.scalar(here) is None:
        return []
    credits_ = (line for line in lines if line.amount > 0 and _MARK.search(line.memo))
    return [line for line in credits_ if refund_codes.find(line.memo)]


def came_back(db: Session, line: Line, *, at: datetime) -> None:
    """Book a payout that the payee's bank returned as new money, whose discrepancy names it.

    The refund stays done: the money had left. What came back is given back, applied or kept by a
    person's decision.
    """
    reading = memos.read(line.memo)
    quoted = refund_codes.find(reading)
    if not quoted or codes.find(reading):
        return  # nothing of ours, or money for a bill besides
    found = _by_code(db, quoted)
    if len(found) != 1:
        return
    [row] = found
    shown = ids.shown("ref", row.refund_id)
    verdict = Verdict(automatic=False, code=UNMATCHED, choices=(), related=shown)
    posting.arrived(db, line, verdict, at=at)
    if row.amount == line.amount and not _returned(db, row.refund_id):
        _name(db, line.id, row.refund_id)
        body = {"refund": shown, "amount": line.amount}
        outbox.emit(db, "refund.returned", body, at=at)


def close_late(db: Session, refund_id: UUID, *, at: datetime) -> bool:
    """Close a refund, approved again, by the debit that had come for it when it was failed.

    The debit waits in suspense under a discrepancy that names the refund. Tells whether it did.
    """
    row = refunds.locked(db, refund_id)
    if row.method != refunds.BANK_PAYOUT or row.status not in (_S.APPROVED, *_OPEN_FOR_A_DEBIT):
        return False
    waits = db.execute(
        text("""SELECT d.id AS discrepancy_id, l.id, l.bank_reference, a.account_number
                FROM discrepancy d
                JOIN bank_line l ON l.biller_id = d.biller_id AND l.id = d.line_id
                JOIN bank_account a ON a.biller_id = l.biller_id AND a.id = l.bank_account_id
                WHERE d.biller_id = :biller AND d.refund_id = :refund AND l.amount = -:amount
                    AND l.status = 'discrepancy' AND d.status IN ('open', 'assigned')
                FOR UPDATE OF l"""),
        {"biller": biller_of(db), "refund": refund_id, "amount": row.amount},
    ).one_or_none()
    if waits is None:
        return False
    refunds.ensure_sent(db, refund_id, by=SERVICE, at=at)
    refunds.record_done(
        db,
        refund_id,
        account_number=waits.account_number,
        reference=waits.bank_reference or ids.shown("lin", waits.id),
        day=business_day(at),
        by=SERVICE,
        at=at,
        from_suspense=True,
    )
    _name(db, waits.id, refund_id)
    what = ids.shown("ref", refund_id)
    cases.clear(db, waits.discrepancy_id, why="refund_approved", at=at, what=what)
    return True


def close_all_late(db: Session, *, at: datetime) -> None:
    """Do so for every refund that has such a debit."""
    waiting = db.scalars(
        text("""SELECT d.refund_id FROM discrepancy d
                JOIN refund r ON r.biller_id = d.biller_id AND r.id = d.refund_id
                WHERE d.biller_id = :biller AND d.line_id IS NOT NULL
                    AND d.status IN ('open', 'assigned')
                    AND r.status IN ('approved', 'sent', 'unknown') ORDER BY d.refund_id"""),
        {"biller": biller_of(db)},
    ).all()
    for refund_id in waiting:
        close_late(db, refund_id, at=at)


def hear(db: Session, refund_id: UUID, round_: int, said: RefundOutcome, *, at: datetime) -> Heard:
    """Record what a gateway said about one round of a refund.

    What contradicts our books changes nothing by itself: a person reads of it. What settles a
    doubt ends its discrepancy.
    """
    heard = refund_tries.record(db, refund_id, round_, said, at=at)
    status = refunds.locked(db, refund_id).status
    if heard is Heard.LATE:
        _open(db, refund_id, "REFUND", at=at)
    elif heard is Heard.NEWS and status in (_S.DONE, _S.FAILED):
        _clear(db, refund_id, why="gateway_answered", at=at)
    return heard


def unresolved(db: Session, refund_id: UUID, *, at: datetime) -> None:
    """The gateway was asked as often as it makes sense: a person has to find out."""
    _open(db, refund_id, UNMATCHED, at=at)


def _by_code(db: Session, quoted: list[str]) -> list[Row[Any]]:
    """The refunds whose payouts carried these codes, each locked."""
    return list(
        db.execute(
            select(
                payout_line.c.refund_id,
                payout_line.c.live,
                refund.c.amount,
                refund.c.status,
            )
            .join(
                refund,
                (refund.c.biller_id == payout_line.c.biller_id)
                & (refund.c.id == payout_line.c.refund_id),
            )
            .where(payout_line.c.biller_id == biller_of(db), payout_line.c.code.in_(quoted))
            .order_by(refund.c.id)
            .with_for_update(of=refund)
        ).all()
    )


_CANDIDATES = text("""
SELECT r.id, r.key_id, r.sealed, l.code FROM refund r
LEFT JOIN payout_line l ON l.biller_id = r.biller_id AND l.refund_id = r.id AND l.live
WHERE r.biller_id = :biller AND r.amount = :amount AND r.method = 'bank_payout'
    AND r.status IN ('approved', 'sent', 'unknown')
""")


def _by_account(db: Session, line: Line, cut: list[str]) -> UUID | None:
    """The one refund of this amount whose payee's account stands on the line.

    cut: beginnings of refund codes on it. One that begins otherwise than the refund's own speaks
    against it.
    """
    if kinds.kind_of(fold(line.memo), line.amount) is kinds.Kind.REVERSAL and line.is_reversal:
        return None
    rows = db.execute(_CANDIDATES, {"biller": biller_of(db), "amount": -line.amount}).all()
    on_line = "".join(f"{fold(line.memo)} {line.account}".split())
    opened = vault.unseal_many(
        db, [vault.Envelope(row.key_id, row.sealed, f"refund:{row.id}") for row in rows]
    )
    named = [
        row.id
        for row, payee in zip(rows, opened, strict=True)
        if payee is not vault.ERASED
        and payee["account"]
        and "".join(fold(payee["account"]).split()) in on_line
        and all((row.code or "").startswith(beginning) for beginning in cut)
    ]
    return named[0] if len(named) == 1 else None


def _in_suspense(db: Session, line: Line, refund_id: UUID, *, at: datetime) -> None:
    shown = ids.shown("ref", refund_id)
    verdict = Verdict(automatic=False, code=UNMATCHED, choices=(), related=shown)
    # One open discrepancy about a refund is enough to hold it back; the line needs its own.
    named = None if _about(db, refund_id) is not None else refund_id
    posting.in_suspense(db, line, verdict, refund_id=named, at=at)


def _open(db: Session, refund_id: UUID, kind: str, *, at: datetime) -> None:
    row = refunds.locked(db, refund_id)
    cases.open_(
        db,
        kind,
        Subject(refund_id=refund_id),
        row.amount,
        findings=Findings(rule="none", related=ids.shown("ref", refund_id)),
        day=business_day(at),
        at=at,
    )


def _clear(db: Session, refund_id: UUID, *, why: str, at: datetime) -> None:
    """End the doubt about a refund. A line in suspense keeps its discrepancy: it is money."""
    found = _about(db, refund_id)
    if found is not None and found.line_id is None and found.status in _CAN_CLEAR:
        cases.clear(db, found.id, why=why, at=at, what=ids.shown("ref", refund_id))


def _about(db: Session, refund_id: UUID) -> Row[Any] | None:
    return cases.open_about(db, discrepancy.c.refund_id == refund_id)


def _returned(db: Session, refund_id: UUID) -> bool:
    return (
        db.scalar(
            select(bank_line.c.id).where(
                bank_line.c.biller_id == biller_of(db),
                bank_line.c.refund_id == refund_id,
                bank_line.c.amount > 0,
            )
        )
        is not None
    )


def _name(db: Session, line_id: UUID, refund_id: UUID) -> None:
    db.execute(
        update(bank_line)
        .where(bank_line.c.biller_id == biller_of(db), bank_line.c.id == line_id)
        .values(refund_id=refund_id)
    )
