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
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.domain import ids
from payments.store import plans
from payments.store.sessions import Sessions, biller_of
from reconciliation import (
    bulk_posting,
    earlier,
    expected,
    first_nights,
    garbage,
    lanes,
    nights,
    paybacks,
    posting,
    progress,
    settlement_late,
    settlement_lines,
    settlement_runs,
    settling,
    verdicts,
    waiting,
    whole,
)
from reconciliation import late as lateness
from reconciliation.lanes import Turn
from reconciliation.posting import Line
from reconciliation.progress import Step, Teller
from reconciliation.settling import Side

CHUNK = 2_500
"""Lines booked by one transaction, so that none gets near five seconds."""
FEW = 200
"""The same for lines that are booked one by one."""

PATIENCE_MS = 600_000
"""What one question about all of a biller's lines may take; those of people have seconds."""
_PATIENTLY = text("SELECT set_config('statement_timeout', :ms, true)")

Single = Callable[[Session, Line], None]
Bulk = Callable[[Session, Sequence[Line], datetime, Turn], None]


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
    _renew_statistics(sessions, biller_id)
    with progress.telling(sessions, biller_id, run_id, stop=stop) as told, garbage.held_back():
        with _step(sessions, biller_id, account_id) as db:
            lines = waiting.lines(db, account_id, day)
        _settle(sessions, biller_id, account_id, lines, told, clock=clock)
        told.begin(Step.BATCHES)
        _batches(sessions, biller_id, account_id, lines, clock=clock)
        _match(sessions, biller_id, account_id, lines, told, clock=clock)
        told.begin(Step.EXPLAIN, left=0)
        _renew_statistics(sessions, biller_id)
        # Free money and batches are the biller's: runs of its other accounts see the same ones.
        with _step(sessions, biller_id, account_id) as db:
            settlement_runs.lock(db)
            verdicts.explain_free_money(db, at=clock())
        with _step(sessions, biller_id, account_id) as db:
            lateness.flag(db, account_id, day, at=clock())
        with _step(sessions, biller_id, account_id) as db:
            settlement_runs.lock(db)
            settlement_late.flag(db, day, at=clock())
        told.begin(Step.FINISH, left=0)
        return _finish(sessions, biller_id, account_id, day, run_id, at=clock())


def _renew_statistics(sessions: Sessions, biller_id: UUID) -> None:
    """What follows asks of all lines, or all that is booked, in one question each."""
    with sessions.begin(biller_id) as db:
        db.execute(_PATIENTLY, {"ms": str(PATIENCE_MS)})
        plans.renew_statistics(db)


@contextmanager
def _step(sessions: Sessions, biller_id: UUID, account_id: UUID) -> Iterator[Session]:
    """A transaction that no other run of this account overlaps."""
    with sessions.begin(biller_id) as db:
        db.execute(_PATIENTLY, {"ms": str(PATIENCE_MS)})
        _lock(db, account_id)
        yield db


def _lock(db: Session, account_id: UUID, *, shared: bool = False) -> None:
    """shared: beside others that share it, such as the chunks of one run."""
    db.execute(
        text(
            f"SELECT pg_advisory_xact_lock{'_shared' if shared else ''}"
            "(hashtextextended(:name, 13))"
        ),
        {"name": f"run {account_id}"},
    )


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
    lines: Sequence[Line],
    told: Teller,
    *,
    clock: Callable[[], datetime],
) -> None:
    with _step(sessions, biller_id, account_id) as db:
        notices = expected.notices(db, account_id)
    told.begin(Step.SETTLE, left=len(lines))
    pairs = settling.settle(
        [
            Side(one.payment_id, one.amount, one.day, one.bank_reference, one.memo)
            for one in notices
        ],
        [
            Side(line.id, line.amount, line.day, line.bank_reference, line.memo)
            for line in lines
            if line.amount > 0
        ]
        if notices
        else [],
    )

    def pair(line: Line) -> tuple[UUID, str]:
        payment_id, rule = pairs[line.id]
        assert isinstance(payment_id, UUID)  # noqa: S101  # the key given above
        return payment_id, rule

    def bulk(db: Session, some: Sequence[Line], at: datetime, turn: Turn) -> None:
        turn.locked()
        bulk_posting.settle(db, [(line, *pair(line)) for line in some], at=at)

    def single(db: Session, line: Line) -> None:
        payment_id, rule = pair(line)
        posting.settled(db, line, payment_id, rule=rule, at=clock())

    shown = [line for line in lines if line.id in pairs]
    booked = _booked(sessions, biller_id, account_id, shown, bulk, single, clock=clock)
    for _ in told.through(booked):
        garbage.sweep()
    _pay_back(sessions, biller_id, account_id, lines, clock=clock)


def _pay_back(
    sessions: Sessions,
    biller_id: UUID,
    account_id: UUID,
    lines: Sequence[Line],
    *,
    clock: Callable[[], datetime],
) -> None:
    """Debits that pay refunds, then credits that bring a payout back."""
    with _step(sessions, biller_id, account_id) as db:
        paybacks.close_all_late(db, at=clock())
        returns = paybacks.returns_among(db, lines)
    for chunk in waiting.chunks([line for line in lines if line.amount < 0], FEW):
        with _step(sessions, biller_id, account_id) as db:
            for line in waiting.held(db, chunk):
                paybacks.pay_out(db, line, at=clock())
    for chunk in waiting.chunks(returns, FEW):
        with _step(sessions, biller_id, account_id) as db:
            for line in waiting.held(db, chunk):
                paybacks.came_back(db, line, at=clock())


def _batches(
    sessions: Sessions,
    biller_id: UUID,
    account_id: UUID,
    lines: Sequence[Line],
    *,
    clock: Callable[[], datetime],
) -> None:
    """Credits of gateways; what looks like one of a batch that nobody knows yet waits for it."""
    with _step(sessions, biller_id, account_id) as db:
        names = settlement_lines.gateways(db)
        if not names:
            return
        likely = settlement_lines.likely(db, lines, names)
    with _step(sessions, biller_id, account_id) as db:
        settlement_runs.lock(db)
        still = waiting.held(db, likely)
        paid = settlement_lines.pay_imported(db, still, at=clock())
        for line in still:
            told = settlement_lines.names_a_batch(line.memo, names)
            if line.id not in paid and line.amount > 0 and told:
                unknown = posting.Verdict(False, "BATCH_MISMATCH", (), related=told)
                posting.in_suspense(db, line, unknown, at=clock())
        settlement_runs.settle(db, at=clock())


def _match(
    sessions: Sessions,
    biller_id: UUID,
    account_id: UUID,
    lines: Sequence[Line],
    told: Teller,
    *,
    clock: Callable[[], datetime],
) -> None:
    with _step(sessions, biller_id, account_id) as db:
        lines = waiting.left(db, lines)
        if not lines:
            return
        orders = expected.orders(db)
        undone = verdicts.undone_pairs(db)
    told.begin(Step.MATCH, left=len(lines))
    decided = verdicts.of_lines(lines, orders, undone=undone)
    with _step(sessions, biller_id, account_id) as db:
        decided.know(earlier.known(db, lines, decided, decided.of_unknown_payer()))
    told.begin(Step.POST)

    def bulk(db: Session, some: Sequence[Line], at: datetime, turn: Turn) -> None:
        several = [(line, decided[line.id]) for line in some]
        bulk_posting.post(db, several, at=at, locked=turn.locked)

    def single(db: Session, line: Line) -> None:
        verdict = decided[line.id]
        book = posting.arrived if posting.is_arrival(line, verdict) else posting.in_suspense
        book(db, line, verdict, at=clock())

    # What is left for people names other lines of this night: the one it repeats or takes back.
    # If this run is cut off in between, the next one decides without those that are booked.
    for automatic in (True, False):
        some = [line for line in lines if decided.automatic(line.id) is automatic]
        booked = _booked(sessions, biller_id, account_id, some, bulk, single, clock=clock)
        for _ in told.through(booked):
            garbage.sweep()


def _booked(
    sessions: Sessions,
    biller_id: UUID,
    account_id: UUID,
    lines: Sequence[Line],
    bulk: Bulk,
    single: Single,
    *,
    clock: Callable[[], datetime],
) -> Iterator[Sequence[Line]]:
    """The lines by chunks, each once it is booked: together, or one by one where that fails."""

    def together(chunk: Sequence[Line], turn: Turn) -> None:
        with sessions.begin(biller_id) as db, turn:
            _lock(db, account_id, shared=True)
            plans.look_up_by_keys(db)
            bulk(db, waiting.held(db, chunk), clock(), turn)
            plans.count_changes(db)

    def one_by_one(chunk: Sequence[Line]) -> None:
        for few in waiting.chunks(chunk, FEW):
            with _step(sessions, biller_id, account_id) as db:
                for line in waiting.held(db, few):
                    single(db, line)

    chunks = list(waiting.chunks(lines, CHUNK))
    return lanes.in_order(chunks, together, one_by_one, lanes=sessions.at_once)


def _finish(
    sessions: Sessions, biller_id: UUID, account_id: UUID, day: date, run_id: UUID, *, at: datetime
) -> Run:
    with _step(sessions, biller_id, account_id) as db:
        counts = _counts(db, account_id, day)
        first_nights.note(db, account_id, day, run_id)
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
