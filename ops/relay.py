"""Relay: looks ten times a second which drains have something due, and wakes a worker for them.

Polling is on purpose, see docs/decisions/0010-the-relay-polls.md. A drain has at most one job
waiting; any number of relays may run, and a second one changes nothing.
"""

from __future__ import annotations

import threading

import redis
from sqlalchemy.exc import SQLAlchemyError

from ops import jobs, logs, queues
from ops.runtime import Runtime
from payments import outbox
from payments.domain.errors import Unavailable
from webhooks import delivery

DELIVER = "deliver"
POLL_SECONDS = 0.1
PATIENCE_SECONDS = 2.0  # between tries while PostgreSQL or Redis is away

log = logs.logger(__name__)


def run(runtime: Runtime, stop: threading.Event) -> None:
    """Wake workers until `stop` is set. Waits for PostgreSQL and Redis, and says why."""
    away: str | None = None
    while not stop.is_set():
        try:
            wake(runtime)
        except (redis.RedisError, SQLAlchemyError, Unavailable) as down:
            if away is None:
                away = logs.describe(down)
                log.warning("relay.waits", reason=away)
            stop.wait(PATIENCE_SECONDS)
            continue
        if away is not None:
            log.info("relay.goes_on", after=away)
            away = None
        stop.wait(POLL_SECONDS)


def wake(runtime: Runtime) -> list[str]:
    """Look once; returns the drains that were given a job, and "deliver" if billers are called."""
    with runtime.system.begin() as db:
        now = runtime.clock.now()
        due, waiting = outbox.due(db, now), delivery.waiting(db, now)
    woken = []
    if waiting and not queues.is_queued(runtime.redis, DELIVER):
        queues.enqueue(runtime.redis, DELIVER)
        woken.append(DELIVER)
    for drain in due:
        job = queues.job_for(drain)
        # A drain that nobody handles yet keeps its messages, due, for the release that does.
        if drain in jobs.handled() and not queues.is_queued(runtime.redis, job, drain=drain):
            queues.enqueue(runtime.redis, job, drain=drain)
            woken.append(drain)
    return woken
