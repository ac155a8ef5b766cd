"""Queues: which there are, how long a job may take, and how one is put there.

A job is a wake-up and nothing else: what there is to do stands in PostgreSQL, so a lost job costs
a moment and a doubled one nothing. There are no retries here for that reason; the relay asks
again as long as something is due. Arguments are plain JSON, and a function is named, never sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import uuid4

from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

QUICK: Final = "thuphi-quick"
CALLS: Final = "thuphi-calls"
LONG: Final = "thuphi-long"
ORDER: Final = (QUICK, CALLS, LONG)
"""The order in which a worker looks."""

_FAILURES_KEPT: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a job waits, and when a worker ends it. Jobs end well before that by themselves."""

    queue: str
    seconds: int


JOBS: Final[Mapping[str, Limits]] = {
    "drain": Limits(QUICK, 120),
    "drain_calls": Limits(CALLS, 300),
    "deliver": Limits(CALLS, 300),
    "drain_long": Limits(LONG, 4 * 3600),
    "request_reconciliation": Limits(QUICK, 300),
    "seal": Limits(QUICK, 120),
    "expire_orders": Limits(QUICK, 300),
    "sweep": Limits(QUICK, 300),
}
"""Function of ops.jobs -> its limits: the only jobs there are (a test compares the two)."""

CALL_DRAINS: Final = frozenset({"lookups", "refunds"})
"""Drains whose messages ask somebody over the network, who may be slow."""

LONG_DRAINS: Final = frozenset({"statements", "settlements", "reconcile"})
"""Drains whose messages are much work each: they must not keep a payment waiting."""


def job_for(drain: str) -> str:
    """The job that empties this drain."""
    if drain in CALL_DRAINS:
        return "drain_calls"
    return "drain_long" if drain in LONG_DRAINS else "drain"


def enqueue(redis: Redis, job: str, **arguments: str) -> str:
    """Put a job of the table on its queue; returns its id, which begins with what it does."""
    limits = JOBS[job]
    queue = Queue(limits.queue, connection=redis, serializer=JSONSerializer)
    made = queue.enqueue_call(
        f"ops.jobs.{job}",
        kwargs=arguments,
        timeout=limits.seconds,
        result_ttl=0,  # nothing is kept there
        failure_ttl=int(_FAILURES_KEPT.total_seconds()),
        job_id=f"{_marked(job, arguments)}{uuid4().hex}",
        description=job,
    )
    return str(made.id)


def is_queued(redis: Redis, job: str, **arguments: str) -> bool:
    """Whether this very job waits already. One that runs does not wait."""
    queue = Queue(JOBS[job].queue, connection=redis, serializer=JSONSerializer)
    mark = _marked(job, arguments)
    return any(waiting.startswith(mark) for waiting in queue.get_job_ids())


def _marked(job: str, arguments: Mapping[str, str]) -> str:
    return "-".join((job, *arguments.values(), ""))
