"""Schedule: what runs when. One table, kept by RQ's cron on our clock.

Every entry is a wake-up that is safe twice, so all of them run once at the start as well: what was
missed while the process was away is made up for, and a second schedule process does no harm. The
clock is the installation's own: a demo that moves its clock past 01:30 gets its nightly run.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import redis
from croniter import croniter  # type: ignore[import-untyped]  # comes with RQ, untyped
from rq.cron import CronJob, CronScheduler

from ops import checks, jobs, logs, queues
from ops.clock import Clock
from ops.runtime import Runtime
from payments.domain.calendar import HANOI

TIMETABLE: Final[Mapping[str, str]] = {
    "request_reconciliation": "30 1 * * *",
    "seal": "* * * * *",
    "expire_orders": "* * * * *",
    "sweep": "10 3 * * *",
}
"""Job -> when, in Hanoi: minute, hour, day of the month, month, day of the week."""

LOOK_SECONDS = 1.0  # the clock may be moved at any moment

log = logs.logger(__name__)


class Entry(CronJob):
    """A line of the timetable."""

    def __init__(self, job: str, when: str, clock: Clock) -> None:
        self._clock = clock
        super().__init__(
            queue_name=queues.JOBS[job].queue, func=getattr(jobs, job), cron=when, name=job
        )

    def get_next_enqueue_time(self) -> datetime:
        """The next moment of this line after the last one, or after now."""
        last = self.latest_enqueue_time or self._clock.now()
        # Hanoi keeps one offset all year: no hour is skipped or comes twice.
        local = last.astimezone(HANOI).replace(tzinfo=None)
        found: datetime = croniter(self.cron, local).get_next(datetime)
        return found.replace(tzinfo=HANOI).astimezone(UTC)

    def is_due(self) -> bool:
        """Whether its moment has come; at the start it has, to make up for what was missed."""
        at = self._clock.now()
        if self.latest_enqueue_time is not None and self.latest_enqueue_time > at:
            self.set_enqueue_time(at)  # the clock was set back
        return self.latest_enqueue_time is None or (
            self.next_enqueue_time is not None and at >= self.next_enqueue_time
        )

    def wake(self, client: redis.Redis) -> None:
        """Put the job on its queue, unless it waits there already."""
        if not queues.is_queued(client, self.name):
            queues.enqueue(client, self.name)
        self.set_enqueue_time(self._clock.now())


def run(runtime: Runtime, stop: threading.Event) -> None:
    """Keep the timetable until `stop` is set. Waits for Redis, and says why."""
    entries = [Entry(job, when, runtime.clock) for job, when in TIMETABLE.items()]
    while checks.wait_for_redis(runtime.redis, stop):
        try:
            _keep(runtime, entries, stop)
        except redis.RedisError as down:
            log.warning("schedule.lost_redis", reason=logs.describe(down))


def _keep(runtime: Runtime, entries: list[Entry], stop: threading.Event) -> None:
    # RQ's own loop sleeps by the machine's time; its registry makes us visible to `rq` tools.
    seen = CronScheduler(connection=runtime.redis)
    seen.get_jobs().extend(entries)
    seen.register_birth()
    try:
        while not stop.is_set():
            for entry in entries:
                if entry.is_due():
                    entry.wake(runtime.redis)
            seen.heartbeat()
            stop.wait(LOOK_SECONDS)
    finally:
        seen.register_death()
