"""Jobs: what a worker can be woken for. A job carries names only, makes one call, and is safe to
run twice, late, or not at all: whatever is due stays due in PostgreSQL until it is done.

drain, drain_long        act on the messages of one drain (payments/outbox.py)
drain_calls              the same, for messages that ask somebody over the network
deliver                  call billers' systems (webhooks/delivery.py)
request_reconciliation   ask for yesterday's runs, one message per account
seal  expire_orders  sweep   upkeep

SHORT, CALLS and LONG are the tables of handlers: a new drain is a name in outbox.DRAINS and a line
here.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from importlib import import_module
from typing import Final
from uuid import UUID

from rq.timeouts import JobTimeoutException
from sqlalchemy import text
from sqlalchemy.orm import Session

from ops import calling, logs, refunding, settling
from ops.runtime import Runtime
from payments import idempotency, orders, outbox, receipts, sealing
from payments.domain import ids
from payments.domain.calendar import business_day
from payments.outbox import Claimed
from payments.store.sessions import biller_of
from reconciliation.progress import Stopped
from webhooks import delivery, dispatch
from webhooks.rounds import Claimed as Endpoint

Handler = Callable[[Runtime, Session, Claimed], None]
"""Acts on one message in its biller's transaction, which also marks it done."""

LongHandler = Callable[[Runtime, Claimed], None]
"""Acts on one message in transactions of its own, each short; repeating it changes nothing."""

BATCH: Final = 500
DRAIN_SECONDS: Final = 8.0  # then the job ends, and a stopping worker with it; the relay asks again
LONG_DRAIN_SECONDS: Final = 300.0
CALLS_SECONDS: Final = 20.0  # then nothing new is begun
CALLS_PATIENCE: Final = 60.0  # longer than a call may take; then the job ends all the same
CALLS_AT_ONCE: Final = 8
BATCH_SECONDS: Final = outbox.LEASE.total_seconds() * 2 / 3  # what is not begun by then goes back

NIGHTLY: Final = timedelta(hours=1, minutes=30)  # after midnight in Hanoi
FORGED_KEPT: Final = timedelta(days=30)

log = logs.logger(__name__)
_runtime: Runtime | None = None
_leaving = threading.Event()


def _inbox(runtime: Runtime, db: Session, message: Claimed) -> None:
    dispatch.handle(db, message.body, at=runtime.clock.now())


def _receipts(runtime: Runtime, db: Session, message: Claimed) -> None:
    receipts.handle(db, message, at=runtime.clock.now())


def _explain(runtime: Runtime, db: Session, message: Claimed) -> None:
    from reconciliation import verdicts  # noqa: PLC0415  # see `load`

    payment_id = ids.read("pay", message.body["payment"])
    if message.kind == "payment.doubled":
        verdicts.explain_doubled(db, payment_id, at=runtime.clock.now())
    else:
        verdicts.explain_free_money(db, at=runtime.clock.now(), payment_id=payment_id)


def _look_up(runtime: Runtime, message: Claimed) -> None:
    ask = {"attempt.look_up": calling.look_up, "refund.look_up": refunding.look_up}
    ask[message.kind](runtime, message)


def _reconcile(runtime: Runtime, message: Claimed) -> None:
    from reconciliation import runs  # noqa: PLC0415  # see `load`

    runs.run(
        runtime.sessions,
        message.biller_id,
        ids.read("acc", message.body["account"]),
        date.fromisoformat(message.body["day"]),
        clock=runtime.clock.now,
        stop=_leaving.is_set,
    )


def _read_statement(runtime: Runtime, message: Claimed) -> None:
    from adapters.registry import STATEMENT_READERS  # noqa: PLC0415  # see `load`
    from reconciliation import intake  # noqa: PLC0415  # see `load`

    file_id = ids.read("fil", message.body["file"])
    with runtime.sessions.begin(message.biller_id) as db:
        # Read by hand meanwhile: then whoever did so has asked for the runs as well.
        if intake.waits(db, file_id):
            intake.read(db, file_id, STATEMENT_READERS["auto"])
            request_runs_of(db, file_id, at=runtime.clock.now())


SHORT: Final[dict[str, Handler]] = {"inbox": _inbox, "explain": _explain, "receipts": _receipts}
CALLS: Final[dict[str, LongHandler]] = {"lookups": _look_up, "refunds": refunding.send}
LONG: Final[dict[str, LongHandler]] = {
    "statements": _read_statement,
    "settlements": settling.work,
    "reconcile": _reconcile,
}


def load() -> None:
    """Import what the handlers need and nobody else: pandas takes two seconds and 100 MB. A
    worker does so once, before it forks; the relay, which reads the tables above, never."""
    import_module("reconciliation.runs")


def use(runtime: Runtime) -> None:
    """Give the jobs of this process what they work with; forked children inherit it."""
    global _runtime  # noqa: PLW0603  # RQ calls bare functions: this is the one way in
    _runtime = runtime


def leave() -> None:
    """Ask what takes long in this process to end at its next step; another worker goes on."""
    _leaving.set()


def handled() -> frozenset[str]:
    """The drains that somebody handles."""
    return frozenset(SHORT) | frozenset(CALLS) | frozenset(LONG)


def drain(drain: str) -> None:
    """Handle the due messages of a drain, each in its own transaction, for a few seconds."""
    runtime, handle = _given(), SHORT[drain]
    end = time.monotonic() + DRAIN_SECONDS
    while time.monotonic() < end:
        with runtime.system.begin() as db:
            batch = outbox.claim(db, drain, now=runtime.clock.now(), limit=BATCH)
        if not batch:
            return
        left = _handle(runtime, handle, batch, until=min(end, time.monotonic() + BATCH_SECONDS))
        with runtime.system.begin() as db:
            outbox.release(db, left)


def drain_calls(drain: str) -> None:
    """Handle the due messages of a drain side by side, so that a slow answer holds up no other.

    What has not answered a while after nothing new is begun is left behind: its thread ends with
    this process, its lease runs out, and its message is handled again.
    """
    runtime, handle = _given(), CALLS[drain]
    end = time.monotonic() + CALLS_SECONDS
    working: set[Future[None]] = set()
    pool = ThreadPoolExecutor(CALLS_AT_ONCE, thread_name_prefix=drain)
    try:
        while time.monotonic() < end:
            free = CALLS_AT_ONCE - len(working)
            if free:
                with runtime.system.begin() as db:
                    # A suspect may come on top; whoever waited for a thread would lose its lease.
                    limit = max(1, free - 1)
                    claimed = outbox.claim(db, drain, now=runtime.clock.now(), limit=limit)
                working |= {pool.submit(_act, runtime, handle, message) for message in claimed}
            if not working:
                return
            _, working = wait(working, timeout=0.5, return_when=FIRST_COMPLETED)
        _, working = wait(working, timeout=CALLS_PATIENCE)
        if working:
            log.warning("calls.left_behind", drain=drain, count=len(working))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def deliver() -> None:
    """Tell billers' systems what happened, for a while; the relay asks again."""
    runtime = _given()

    def trouble(endpoint: Endpoint, error: Exception) -> None:
        log.warning("endpoint.trouble", endpoint=str(endpoint.endpoint_id), exc_info=error)

    delivery.drain(
        runtime.sessions, runtime.system, runtime.sender, clock=runtime.clock.now, trouble=trouble
    )


def drain_long(drain: str) -> None:
    """Handle the due messages of a drain one after the other, so that other workers share them."""
    runtime, handle = _given(), LONG[drain]
    end = time.monotonic() + LONG_DRAIN_SECONDS
    while time.monotonic() < end and not _leaving.is_set():
        with runtime.system.begin() as db:
            claimed = outbox.claim(db, drain, now=runtime.clock.now(), limit=1)
        if not claimed:
            return
        _act(runtime, handle, claimed[0])


def request_reconciliation() -> None:
    """Ask for the runs of the last day that is over; an account and day is asked for once."""
    runtime = _given()
    at = runtime.clock.now()
    day = business_day(at - NIGHTLY) - timedelta(days=1)
    for biller_id, accounts in _accounts(runtime).items():
        with runtime.sessions.begin(biller_id) as db:
            for account_id in accounts:
                request_run(db, account_id, day, at=at, once=True)


def request_run(
    db: Session, account_id: UUID, day: date, *, at: datetime, once: bool = False
) -> UUID:
    """Ask for the run of one bank account and business day; a worker takes it after the commit.

    once: do nothing if it was asked for before with `once`, as the timetable does.
    """
    body = {"account": ids.shown("acc", account_id), "day": day}
    name = f"{account_id}:{day}" if once else None
    return outbox.emit(db, "run.requested", body, at=at, once=name)


def request_reading(db: Session, file_id: UUID, *, at: datetime) -> None:
    """Have a statement file read after the commit, and the days it covers reconciled."""
    outbox.emit(db, "statement.received", {"file": ids.shown("fil", file_id)}, at=at)


def request_runs_of(db: Session, file_id: UUID, *, at: datetime) -> None:
    """Ask for the run of every account and day that complete statements of this file settle."""
    rows = db.execute(
        text("""SELECT s.bank_account_id, l.booking_date AS day FROM statement s JOIN bank_line l
                    ON l.biller_id = s.biller_id AND l.statement_id = s.id
                WHERE s.biller_id = :biller AND s.file_id = :file AND s.complete
                UNION SELECT s.bank_account_id, s.last_day FROM statement s
                WHERE s.biller_id = :biller AND s.file_id = :file AND s.complete
                ORDER BY 2, 1"""),
        {"biller": biller_of(db), "file": file_id},
    ).all()
    for row in rows:
        request_run(db, row.bank_account_id, row.day, at=at)


def seal() -> None:
    """Seal what was posted since the last time, in chunks; see payments/sealing.py."""
    runtime = _given()
    key = runtime.ring.signing
    if key is None:
        runtime.config.need("sealing_key")
    else:
        sealing.seal_all(runtime.system, key=key, at=runtime.clock.now())


def expire_orders() -> None:
    """Close the payment orders whose time is over."""
    runtime = _given()
    at = runtime.clock.now()
    with runtime.system.begin() as system:
        due = system.scalars(
            text("""
                SELECT DISTINCT biller_id FROM payment_order
                WHERE status IN ('created', 'awaiting') AND expires_at <= :at
            """),
            {"at": at},
        ).all()
    for biller_id in due:
        more = True
        while more:
            with runtime.sessions.begin(biller_id) as db:
                more = orders.expire_due(db, at=at) > 0


def sweep() -> None:
    """Drop forged calls and idempotency answers that are older than thirty days, and the log of
    calls to billers' systems after a year."""
    runtime = _given()
    at = runtime.clock.now()
    with runtime.system.begin() as db:
        answers = idempotency.forget_old(db, at=at)
        forged = db.execute(
            text("""
                DELETE FROM inbound_call WHERE NOT verified AND received_at < :limit
                RETURNING 1
            """),
            {"limit": at - FORGED_KEPT},
        )
        calls = delivery.forget_old(db, at=at)
        log.info("sweep.done", answers=answers, forged=len(forged.all()), calls=calls)


def _given() -> Runtime:
    assert _runtime is not None, "ops.jobs.use comes first"  # noqa: S101  # a mistake of ours
    return _runtime


def _act(runtime: Runtime, handle: LongHandler, message: Claimed) -> None:
    """Handle one message that opens transactions of its own, and say that it is done."""
    kept = _Kept(message)
    try:
        with _kept_alive(runtime, kept):
            handle(runtime, message)
    except JobTimeoutException:
        raise
    except Stopped:
        with runtime.system.begin() as system:
            outbox.release(system, [kept.message])
        return
    except Exception as error:
        _put_off(runtime, message, error)
        return
    with runtime.sessions.begin(message.biller_id) as db:
        outbox.done(db, message.id)


def _handle(
    runtime: Runtime, handle: Handler, batch: Sequence[Claimed], *, until: float
) -> Sequence[Claimed]:
    """Handle a batch in order; returns what time did not suffice for."""
    for place, message in enumerate(batch):
        if time.monotonic() >= until:
            return batch[place:]
        try:
            with runtime.sessions.begin(message.biller_id) as db:
                if not outbox.hold(db, message):
                    continue
                handle(runtime, db, message)
                outbox.done(db, message.id)
        except JobTimeoutException:
            raise
        except Exception as error:
            _put_off(runtime, message, error)
    return ()


def _put_off(runtime: Runtime, message: Claimed, error: Exception) -> None:
    """Note a failure in a fresh transaction, because the handler's own is rolled back."""
    with runtime.sessions.begin(message.biller_id) as db:
        attempts = outbox.failed(db, message.id, logs.describe(error), runtime.clock.now())
    log.warning(
        "message.failed",
        message=str(message.id),
        kind=message.kind,
        attempts=attempts,
        exc_info=error,
    )


@dataclass
class _Kept:
    """A message with its lease as it was renewed last."""

    message: Claimed


@contextmanager
def _kept_alive(runtime: Runtime, kept: _Kept) -> Iterator[None]:
    """Renew the lease of a message while a long handler works on it."""
    over = threading.Event()

    def renew() -> None:
        while not over.wait(outbox.LEASE.total_seconds() / 3):
            try:
                with runtime.system.begin() as db:
                    held = outbox.renew(db, kept.message)
            except Exception as error:
                # The lease may run out; then another worker starts again, which is safe.
                log.warning("lease.not_renewed", message=str(kept.message.id), exc_info=error)
                continue
            if held is None:
                return
            kept.message = held

    thread = threading.Thread(target=renew, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _accounts(runtime: Runtime) -> Mapping[UUID, list[UUID]]:
    with runtime.system.begin() as db:
        rows = db.execute(text("SELECT biller_id, id FROM bank_account ORDER BY biller_id, id"))
        found: dict[UUID, list[UUID]] = {}
        for biller_id, account_id in rows:
            found.setdefault(biller_id, []).append(account_id)
    return found
