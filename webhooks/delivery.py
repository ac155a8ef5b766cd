"""Delivery: every event to every endpoint that wants it, at least once.

An endpoint is its own place in the queue, so that one that is slow or down holds up no other.
Whoever leases one looks after it for a few seconds:

    number    the system gives fresh messages their positions, if some endpoint waits for them
    claim     the system leases endpoints that are due, of any biller
    next      the biller's transaction writes a delivery for each event beyond the endpoint's
              position, and picks those that are due
    call      outside of any transaction, a few at a time
    record    a transaction for each call: the log, the delivery, the endpoint's health
    leave     gives the lease back and says when to come again

Killed between a call and its record, the call is repeated; nothing else can happen. UNIQUE
(endpoint, position) makes a delivery once. An endpoint that failed three times in a row rests, and
one call at a time tries it; when it answers, everything that waits goes out at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import sealing
from payments.store.sessions import Sessions, SystemSessions
from webhooks import health, payload, rounds
from webhooks.rounds import Batch, Call, Claimed
from webhooks.sender import Heard, Sender

LEASE: Final = timedelta(seconds=60)
SERVE_SECONDS: Final = 10.0  # then nothing new is begun; with the longest call well below LEASE
DRAIN_SECONDS: Final = 20.0
ENDPOINTS_AT_ONCE: Final = 8
CALLS_AT_ONCE: Final = 4  # to one endpoint
LOG_KEPT: Final = timedelta(days=365)

Clock = Callable[[], datetime]
Trouble = Callable[[Claimed, Exception], None]


def waiting(system_db: Session, now: datetime) -> bool:
    """Whether `drain` has something to do: an endpoint is due, or waits for a position."""
    due = text(f"SELECT EXISTS (SELECT FROM endpoint WHERE {rounds.DUE})")
    return bool(system_db.scalar(due, {"now": now})) or _unnumbered(system_db)


def drain(
    sessions: Sessions,
    system: SystemSessions,
    sender: Sender,
    *,
    clock: Clock,
    trouble: Trouble,
    seconds: float = DRAIN_SECONDS,
    threads: int = ENDPOINTS_AT_ONCE,
) -> int:
    """Call what is due, several endpoints side by side, for a while; returns how many calls.

    trouble: hears of an endpoint that could not be looked after; it is tried again when its
    lease has run out. Any number of processes may drain at once.
    """
    end = time.monotonic() + seconds
    working: set[Future[int]] = set()
    calls = 0

    def look_after(claimed: Claimed) -> int:
        try:
            return serve(sessions, claimed, sender, clock=clock)
        except Exception as error:
            trouble(claimed, error)
            return 0

    with ThreadPoolExecutor(threads, thread_name_prefix="endpoint") as pool:
        while time.monotonic() < end:
            _number(system)
            with system.begin() as db:
                free = threads - len(working)
                claimed = rounds.claim(db, now=clock(), limit=free, lease=LEASE) if free else []
            working |= {pool.submit(look_after, one) for one in claimed}
            if not working:
                break
            over, working = wait(working, timeout=0.2, return_when=FIRST_COMPLETED)
            calls += sum(one.result() for one in over)
        return calls + sum(one.result() for one in working)


def serve(
    sessions: Sessions,
    claimed: Claimed,
    sender: Sender,
    *,
    clock: Clock,
    seconds: float = SERVE_SECONDS,
) -> int:
    """Look after one endpoint until nothing is due there or time is over; how many calls."""
    end = time.monotonic() + seconds
    calls = 0
    while time.monotonic() < end:
        with sessions.begin(claimed.biller_id) as db:
            batch = rounds.next_batch(db, claimed, at=clock())
        if batch is None:
            return calls  # the lease ran out: somebody else looks after it
        if not batch.calls and not batch.more:
            break
        calls += _Calls(sessions, claimed, batch, sender, clock, end).make()
    with sessions.begin(claimed.biller_id) as db:
        rounds.leave(db, claimed)
    return calls


def forget_old(system_db: Session, *, at: datetime) -> int:
    """Drop the log of calls that are older than twelve months; how many. The deliveries stay."""
    dropped = system_db.execute(
        text("DELETE FROM delivery_attempt WHERE at < :limit RETURNING 1"),
        {"limit": at - LOG_KEPT},
    )
    return len(dropped.all())


@dataclass
class _Calls:
    """The calls of one batch: made side by side, recorded one after the other."""

    sessions: Sessions
    claimed: Claimed
    batch: Batch
    sender: Sender
    clock: Clock
    end: float
    made: int = field(default=0, init=False)

    def make(self) -> int:
        """Make them all, or those up to where the endpoint turns out to be in trouble."""
        left = list(self.batch.calls)
        width = min(CALLS_AT_ONCE, len(left))
        if width == 0:
            return 0
        running: dict[Future[Heard], Call] = {}
        go_on = True
        with ThreadPoolExecutor(width, thread_name_prefix="call") as pool:
            while running or (left and go_on):
                while left and go_on and len(running) < width and time.monotonic() < self.end:
                    call = left.pop(0)
                    running[pool.submit(self._call, call)] = call
                if not running:
                    break
                over, _ = wait(running, return_when=FIRST_COMPLETED)
                for one in over:
                    go_on = self._record(running.pop(one), one.result()) and go_on
        return self.made

    def _call(self, call: Call) -> Heard:
        body = payload.body(call)
        headers = payload.headers(self.batch.secrets, call, body, at=self.clock())
        return self.sender.send(self.batch.url, headers, body)

    def _record(self, call: Call, heard: Heard) -> bool:
        self.made += 1
        with self.sessions.begin(self.claimed.biller_id) as db:
            return health.record(db, self.claimed.endpoint_id, call, heard, at=self.clock())


def _number(system: SystemSessions) -> None:
    with system.begin() as db:
        needed = _unnumbered(db)
    if needed:
        with system.begin() as db:
            sealing.number(db)


def _unnumbered(system_db: Session) -> bool:
    """Whether a message that could have a position now has none, and some endpoint waits."""
    return bool(
        system_db.scalar(
            text("""
                SELECT EXISTS (SELECT FROM endpoint WHERE disabled_at IS NULL) AND EXISTS (
                    SELECT FROM sealer_mark k
                    JOIN message m ON m.xid >= greatest(k.sealed_below, k.numbered_below)
                        AND m.xid < pg_snapshot_xmin(pg_current_snapshot())
                    JOIN endpoint e ON e.biller_id = m.biller_id AND e.disabled_at IS NULL
                    WHERE k.cluster = (SELECT system_identifier::text FROM pg_control_system()))
            """)
        )
    )
