"""Runs: one bank account and one business day, step by step; may be repeated at any point.

Each step takes the lines that still need it, in short transactions of its own, so a worker
that dies costs a retry and nothing else, and a second run finds nothing to do:

join      statements that waited for a file in between
settle    lines that show what a notice had told of, and payouts of refunds
batches   lines that pay what gateways settled
match     the other lines, through the engine
explain   free money without a discrepancy; notices that no line has shown in time
finish    counts; with the last run of the day it becomes reconciled when nothing stands in the way
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import vault
from payments.domain import ids
from payments.store.sessions import Sessions, biller_of
from reconciliation import (
    expected,
    nights,
    paybacks,
    posting,
    progress,
    settlement_late,
    settlement_lines,
    settlement_runs,
    settling,
    verdicts,
    whole,
)
from reconciliation import late as lateness
from reconciliation.posting import Line
from reconciliation.progress import Step, Teller
from reconciliation.settling import Side

CHUNK = 200


@dataclass(frozen=True, slots=True)
class Run:
    """What a run did. counts: lines by status after it, and discrepancies open for the day."""

    id: UUID
    counts: dict[str, int]


def run(
    sessions: Sessions,
    biller_id: UUID,
    account_id: UUID,
    day: date,
    *,
    clock: Callable[[], datetime],
    stop: Callable[[], bool] = lambda: False,
) -> Run:
    """Reconcile the lines of one account up to the end of the day.

    Opens its own transactions. Two runs of one account wait for each other.
    stop: asked between steps and chunks; once it says so, raises progress.Stopped.
    """
    with _step(sessions, biller_id, account_id) as db:
        run_id = _begin(db, account_id, day, at=clock())
        whole.join(db, account_id)
    with progress.telling(sessions, biller_id, run_id, stop=stop) as told:
        _settle(sessions, biller_id, account_id, day, told, clock=clock)
        told.begin(Step.BATCHES)
        _batches(sessions, biller_id, account_id, day, clock=clock)
        _match(sessions, biller_id, account_id, day, told, clock=clock)
        told.begin(Step.EXPLAIN, left=0)
        with _step(sessions, biller_id, account_id) as db:
            verdicts.explain_free_money(db, at=clock())
            lateness.flag(db, account_id, day, at=clock())
            settlement_late.flag(db, day, at=clock())
        told.begin(Step.FINISH, left=0)
        return _finish(sessions, biller_id, account_id, day, run_id, at=clock())


@contextmanager
def _step(sessions: Sessions, biller_id: UUID, account_id: UUID) -> Iterator[Session]:
    """A transaction that no other run of this account overlaps."""
    with sessions.begin(biller_id) as db:
        db.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 13))"),
            {"name": f"run {account_id}"},
        )
        yield db


def _begin(db: Session, account_id: UUID, day: date, *, at: datetime) -> UUID:
    run_id: UUID = db.scalars(
        text("""INSERT INTO run (biller_id, id, bank_account_id, day, started_at)
                VALUES (:biller, :id, :account, :day, :at)
                ON CONFLICT (biller_id, bank_account_id, day) DO UPDATE
                SET attempt = run.attempt + 1, started_at = :at, finished_at = NULL, error = NULL,
                    step = 'join', done = 0, total = 0, told_at = now()
                RETURNING id"""),
        {"biller": biller_of(db), "id": ids.new(), "account": account_id, "day": day, "at": at},
    ).one()
    return run_id


def _settle(
    sessions: Sessions,
    biller_id: UUID,
    account_id: UUID,
    day: date,
    told: Teller,
    *,
    clock: Callable[[], datetime],
) -> None:
    with _step(sessions, biller_id, account_id) as db:
        waiting = lines_to_do(db, account_id, day)
        notices = expected.notices(db, account_id)
    told.begin(Step.SETTLE, left=len(waiting))
    pairs = settling.settle(
        [
            Side(one.payment_id, one.amount, one.day, one.bank_reference, one.memo)
            for one in notices
        ],
        [
            Side(line.id, line.amount, line.day, line.bank_reference, line.memo)
            for line in waiting
            if line.amount > 0
        ],
    )
    shown = [line for line in waiting if line.id in pairs]
    for chunk in told.through(_chunks(shown)):
        with _step(sessions, biller_id, account_id) as db:
            for line in still_to_do(db, chunk):
                payment_id, rule = pairs[line.id]
                assert isinstance(payment_id, UUID)  # noqa: S101  # the key given above
                posting.settled(db, line, payment_id, rule=rule, at=clock())
    _pay_back(sessions, biller_id, account_id, waiting, clock=clock)


def _pay_back(
    sessions: Sessions,
    biller_id: UUID,
    account_id: UUID,
    waiting: Sequence[Line],
    *,
    clock: Callable[[], datetime],
) -> None:
    """Debits that pay refunds, then credits that bring a payout back."""
    with _step(sessions, biller_id, account_id) as db:
        paybacks.close_all_late(db, at=clock())
        returns = paybacks.returns_among(db, waiting)
    for chunk in _chunks([line for line in waiting if line.amount < 0]):
        with _step(sessions, biller_id, account_id) as db:
            for line in still_to_do(db, chunk):
                paybacks.pay_out(db, line, at=clock())
    for chunk in _chunks(returns):
        with _step(sessions, biller_id, account_id) as db:
            for line in still_to_do(db, chunk):
                paybacks.came_back(db, line, at=clock())


def _batches(
    sessions: Sessions,
    biller_id: UUID,
    account_id: UUID,
    day: date,
    *,
    clock: Callable[[], datetime],
) -> None:
    """Credits of gateways; what looks like one of a batch that nobody knows yet waits for it."""
    with _step(sessions, biller_id, account_id) as db:
        names = settlement_lines.gateways(db)
        if not names:
            return
        waiting = settlement_lines.likely(db, lines_to_do(db, account_id, day), names)
    with _step(sessions, biller_id, account_id) as db:
        settlement_runs.lock(db)
        lines = still_to_do(db, waiting)
        paid = settlement_lines.pay_imported(db, lines, at=clock())
        for line in lines:
            told = settlement_lines.names_a_batch(line.memo, names)
            if line.id not in paid and line.amount > 0 and told:
                unknown = posting.Verdict(False, "BATCH_MISMATCH", (), related=told)
                posting.in_suspense(db, line, unknown, at=clock())
        settlement_runs.settle(db, at=clock())


def _match(
    sessions: Sessions,
    biller_id: UUID,
    account_id: UUID,
    day: date,
    told: Teller,
    *,
    clock: Callable[[], datetime],
) -> None:
    with _step(sessions, biller_id, account_id) as db:
        waiting = lines_to_do(db, account_id, day)
        if not waiting:
            return
        orders = expected.orders(db)
        undone = verdicts.undone_pairs(db)
    told.begin(Step.MATCH, left=len(waiting))
    decided = verdicts.of_lines(waiting, orders, undone=undone)
    told.begin(Step.POST)
    for chunk in told.through(_chunks(waiting)):
        with _step(sessions, biller_id, account_id) as db:
            for line in still_to_do(db, chunk):
                verdict = decided[line.id]
                if line.amount > 0 and verdict.code != "NON_ORDER":
                    posting.arrived(db, line, verdict, at=clock())
                else:
                    posting.in_suspense(db, line, verdict, at=clock())


def _finish(
    sessions: Sessions, biller_id: UUID, account_id: UUID, day: date, run_id: UUID, *, at: datetime
) -> Run:
    with _step(sessions, biller_id, account_id) as db:
        counts = _counts(db, account_id, day)
        nights.finished(db, run_id, day, counts=json.dumps(counts), at=at)
    return Run(run_id, counts)


def _counts(db: Session, account_id: UUID, day: date) -> dict[str, int]:
    rows = db.execute(
        text("""SELECT status, count(*) AS lines, sum(abs(amount)) AS amount FROM bank_line
                WHERE biller_id = :biller AND bank_account_id = :account AND booking_date = :day
                GROUP BY status ORDER BY status"""),
        {"biller": biller_of(db), "account": account_id, "day": day},
    ).all()
    counts = {f"{row.status}_lines": row.lines for row in rows}
    counts |= {f"{row.status}_amount": int(row.amount) for row in rows}
    return counts | {"lines": sum(row.lines for row in rows)}


_LINES = """
SELECT l.*, a.account_number FROM bank_line l
JOIN bank_account a ON a.biller_id = l.biller_id AND a.id = l.bank_account_id
JOIN statement s ON s.biller_id = l.biller_id AND s.id = l.statement_id
WHERE l.biller_id = :biller AND l.status = 'imported' AND l.journal_id IS NULL AND s.complete
"""


def lines_to_do(db: Session, account_id: UUID, day: date) -> list[Line]:
    """The imported lines of complete statements, up to the day, in the order of the bank."""
    rows = db.execute(
        text(
            _LINES
            + """ AND l.bank_account_id = :account AND l.booking_date <= :day
            ORDER BY l.booking_date, l.statement_id, l.line_no, l.occurrence"""
        ),
        {"biller": biller_of(db), "account": account_id, "day": day},
    ).all()
    opened = vault.unseal_many(
        db, [vault.Envelope(row.key_id, row.sealed, f"line:{row.id}") for row in rows]
    )
    return [_line(row, fields) for row, fields in zip(rows, opened, strict=True)]


def still_to_do(db: Session, lines: Sequence[Line]) -> list[Line]:
    """Those of the lines that nobody has booked meanwhile, locked until the commit."""
    left = set(
        db.scalars(
            text("""SELECT id FROM bank_line WHERE biller_id = :biller AND id = ANY(:ids)
                    AND status = 'imported' AND journal_id IS NULL ORDER BY id FOR UPDATE"""),
            {"biller": biller_of(db), "ids": [line.id for line in lines]},
        )
    )
    return [line for line in lines if line.id in left]


def _line(row: Any, fields: Any) -> Line:
    known = {} if fields is vault.ERASED else fields
    return Line(
        id=row.id,
        key_id=row.key_id,
        account_id=row.bank_account_id,
        account_number=row.account_number,
        day=row.booking_date,
        value_date=row.value_date,
        txn_time=row.txn_time,
        amount=row.amount,
        bank_reference=row.bank_reference,
        memo=known.get("memo", ""),
        name=known.get("name", ""),
        account=known.get("account", ""),
        is_reversal=known.get("is_reversal", False),
    )


def _chunks(lines: Iterable[Line]) -> Iterator[list[Line]]:
    rest = iter(lines)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk
